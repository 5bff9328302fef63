"""In front of the one writer: what is live goes first, what can wait goes in small pieces between.

Everything that `spaces run` writes goes through here. Live work that has gathered while a transaction ran is done in
one transaction together (a commit costs more than a row), and each caller goes on when it is durable. Between two of
these one piece of the rest (backfill, tagging) gets its turn, so that neither starves.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from connectors.records import Page
from storage import ingest
from storage.database import Database, DatabaseError

T = TypeVar("T")

BESIDE, ALONE = 50, 2000
"""Rows of what can wait in one transaction: while live events come, so that none waits long behind it; and else."""
_TOGETHER = 256
_CALM = 1.0
"""Seconds after the last live event in which the next is expected."""
_LONGEST_PAUSE = 5.0

log = logging.getLogger("bot.live.writer")


@dataclass(frozen=True, slots=True)
class _Keep:
    """A page to be saved, together with others."""

    source_id: int
    page: Page

    def __call__(self, session: Session) -> None:
        ingest.save(session, self.source_id, self.page)


@dataclass(slots=True, eq=False)
class _Job:
    work: Callable[..., Any]
    done: "asyncio.Future[Any]"


class Writer:
    """Runs blocking work on the database's threads, one piece at a time. Use as a context, inside a running loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._first: deque[_Job] = deque()
        self._later: deque[_Job] = deque()
        self._wake = asyncio.Event()
        self._live_at = -_CALM
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self.trouble: str | None = None
        """Why nothing can be written for now."""
        self.changes = 0
        """Grows after each transaction that kept or changed what numbers are made of."""

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="writer")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Finish what is live, drop what can wait."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task

    @property
    def room(self) -> int:
        """How many rows what can wait should write in one transaction for now."""
        return BESIDE if asyncio.get_running_loop().time() - self._live_at < _CALM else ALONE

    async def first(self, work: Callable[[Session], T]) -> T:
        """Do this soon, in a transaction with others of its kind; returns when it is durable.

        Once asked for it is done, even if the caller is cancelled meanwhile.

        Raises:
            DatabaseError: the database refused this piece of work. While it cannot be reached at all, we wait.
        """
        result: T = await asyncio.shield(self._queue(self._first, work))
        return result

    async def later(self, work: Callable[[], T]) -> T:
        """Do this in its turn. It opens its own transactions, and should take a few milliseconds only.

        Raises:
            DatabaseError: as in `first`.
        """
        result: T = await self._queue(self._later, work)
        return result

    async def save(self, source_id: int, page: Page) -> None:
        """Keep a page of a source soon, together with others that wait; returns when it is durable.

        Raises:
            DatabaseError: as in `first`.
        """
        self._live_at = asyncio.get_running_loop().time()
        await asyncio.shield(self._queue(self._first, _Keep(source_id, page)))

    def _queue(self, lane: deque[_Job], work: Callable[..., T]) -> "asyncio.Future[T]":
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        lane.append(_Job(work, done))
        self._wake.set()
        return done

    async def _run(self) -> None:
        while True:
            if self._first:
                count = min(len(self._first), _TOGETHER)
                await self._do_together([self._first.popleft() for _ in range(count)])
            elif self._closing:
                break
            if self._later and not self._closing:
                await self._do(self._later.popleft(), lambda job: job.work())
            if not self._first and not self._later:
                self._wake.clear()
                if not self._closing:
                    await self._wake.wait()
        for job in self._later:
            job.done.cancel()

    async def _do_together(self, jobs: Sequence[_Job]) -> None:
        if len(jobs) > 1:
            try:
                results = await self._database.run(self._transact, [job.work for job in jobs])
            except Exception:  # noqa: BLE001 - one of them is at fault: each by itself, and it will be told
                results = None
            if results is not None:
                self.trouble = None
                self._count(jobs)
                for job, result in zip(jobs, results, strict=True):
                    _tell(job, result)
                return
        for job in jobs:
            await self._do(job, lambda job: self._transact([job.work])[0])

    def _transact(self, works: Sequence[Callable[[Session], Any]]) -> list[Any]:
        """Do all of it in one transaction. Pages go first, those of a source at once: their order does not matter."""
        pages: dict[int, list[Page]] = {}
        for work in works:
            if isinstance(work, _Keep):
                pages.setdefault(work.source_id, []).append(work.page)
        with self._database.write() as session:
            for source_id, some in pages.items():
                ingest.save_all(session, source_id, some)
            return [None if isinstance(work, _Keep) else work(session) for work in works]

    async def _do(self, job: _Job, how: Callable[[_Job], Any]) -> None:
        pause = 0.05
        while not job.done.cancelled():
            try:
                result = await self._database.run(how, job)
            except DatabaseError as error:
                if not _passes(error) or self._closing:
                    return _fail(job, error)
                if self.trouble is None:
                    log.warning("the database cannot be written for now: %s", error)
                self.trouble = str(error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            except Exception as error:  # noqa: BLE001 - whoever asked for it is told
                return _fail(job, error)
            else:
                self.trouble = None
                self._count([job])
                return _tell(job, result)
        return None

    def _count(self, jobs: Sequence[_Job]) -> None:
        self.changes += any(isinstance(job.work, _Keep) for job in jobs)


def _tell(job: _Job, result: Any) -> None:
    if not job.done.done():
        job.done.set_result(result)


def _fail(job: _Job, error: Exception) -> None:
    if not job.done.done():
        job.done.set_exception(error)


def _passes(error: DatabaseError) -> bool:
    """Whether the same work can succeed later: the server is away, the file is locked, the disk is full."""
    cause = error.__cause__
    if not isinstance(cause, OperationalError | InterfaceError):
        return False
    return "no such" not in str(cause.orig)
