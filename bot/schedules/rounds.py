"""Rounds: what is due is decided, each period once; what goes wrong is told where the operator looks.

due --lease is ours, no quiet hours, history read (or waited for long enough)--> derived, computed, and in one
transaction: row in `digests` + post in the outbox --> sent by whoever serves the source (bot.live.posting)
`-- too late, or nothing to say --> row in `digests` that says why

Any step may be the last of a process: the next round of any process finds what is due by the rows alone.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple, Protocol, TypeVar

from sqlalchemy.orm import Session

from bot.live.metrics import Metrics
from bot.live.writer import Writer
from bot.schedules import overview
from bot.schedules.overview import SourceView, View
from bot.schedules.slots import Slot, is_late, quiet_until
from bot.settings import Config
from connectors.records import Post
from storage import digests, posts
from storage.database import Database, DatabaseError
from storage.digests import Decision, Target

T = TypeVar("T")

_EVERY = 60.0

log = logging.getLogger("bot.schedules.rounds")


class Composed(NamedTuple):
    """What is to be posted; or nothing, and why."""

    post: Post | None
    numbers: dict[str, digests.Number]
    why: str = ""


class Compose(Protocol):
    """Puts a digest together, in a session that reads."""

    def __call__(
        self, session: Session, config: Config, name: str, slot: Slot, now: datetime, unread: Sequence[str]
    ) -> Composed:
        """The post of one period of a schedule; `unread` are sources of which something may be missing."""
        ...


class Rounds:
    """The schedules of one process. `config` may be replaced at any time.

    `owner` is this process, as leases name it; `derive` brings all that is derived up to date.
    """

    def __init__(
        self,
        database: Database,
        writer: Writer,
        metrics: Metrics,
        config: Config,
        owner: str,
        compose: Compose,
        derive: Callable[[], Awaitable[object]],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.config = config
        self._database = database
        self._writer = writer
        self._metrics = metrics
        self._owner = owner
        self._compose = compose
        self._derive = derive
        self._now = now
        self._held: dict[str, datetime] = {}
        """Since when we serve a source: before that nobody may have read its history."""
        self._told: set[str] = set()
        self._derived = False

    async def run(self) -> None:
        """A round now, and then every minute, until cancelled. By a clock that nobody can set: it only goes forward."""
        while True:
            await self.go()
            await asyncio.sleep(_EVERY)

    async def go(self) -> None:
        """One round; never raises."""
        config = self.config
        if not config.schedules:
            return
        try:
            self._derived = False
            views = await self._look(config)
            decided = [await self._advance(config, view) for view in views.values()]
            if any(decided):
                views = await self._look(config)
            await self._tell(config, views)
        except DatabaseError as error:
            log.warning("no digest can be posted for now: %s", error)
        except Exception:
            self._metrics.error("", "digest")
            log.exception("the schedules could not be gone through")

    async def _look(self, config: Config) -> dict[str, View]:
        return await self._read(lambda session: overview.look(session, config, self._now()))

    async def _read(self, work: Callable[[Session], T]) -> T:
        return await self._database.run_reading(_reading, self._database, work)

    # --- deciding -----------------------------------------------------------------------------------------------------

    async def _advance(self, config: Config, view: View) -> bool:
        """Decide what is due of one schedule, in order; stop at what must wait. True when something was decided."""
        if view.source is None or view.source.owner != self._owner:
            self._held.pop(view.schedule.source, None)
            return False
        self._held.setdefault(view.schedule.source, self._now())
        done = False
        for slot in view.due:
            try:
                if not await self._decide(config, view, view.source, slot):
                    break
            except DatabaseError:
                raise
            except Exception:
                self._metrics.error(view.schedule.source, "digest")
                log.exception("a digest could not be made; it is tried again", extra={"schedule": view.name})
                break
            done = True
        return done

    async def _decide(self, config: Config, view: View, source: SourceView, slot: Slot) -> bool:
        """Post or skip one period; False when it has to wait."""
        schedule, window, now = view.schedule, slot.window, self._now()
        if is_late(schedule, slot, now):
            why = (
                "It was due before there was this schedule."
                if view.is_new
                else f"More than {schedule.late_days:g} days had passed before the bot could post."
            )
            await self._write(view, slot, Composed(None, {}, why), source, _missed(view, slot, now, why))
        elif window.start == window.end:
            why = f"By the clocks of {window.zone.key} there was no such day."
            await self._write(view, slot, Composed(None, {}, why), source)
        elif quiet_until(schedule, now, window.zone) is not None:
            return False
        else:
            unread = await self._read(lambda session: _unread(session, config, slot))
            waited = now - max(slot.due_at, self._held[schedule.source])
            if unread and waited < timedelta(minutes=schedule.wait_minutes):
                return False
            if not self._derived:
                await self._derive()
                self._derived = True
            composed = await self._read(
                lambda session: self._compose(session, config, view.name, slot, self._now(), unread)
            )
            await self._write(view, slot, composed, source)
        return True

    async def _write(
        self, view: View, slot: Slot, composed: Composed, source: SourceView, missed: str = ""
    ) -> None:
        """Decide; in the same transaction what was `missed` is told."""
        decision = Decision(
            view.key, slot.window.first, slot.due_at, self._now(), composed.why or None, composed.numbers
        )
        to = Target(source.id, view.schedule.channel, purpose(view.key, slot))
        report_to = self.config.run.report_to

        def decide(session: Session) -> bool:
            new = digests.decide(session, decision, composed.post, to)
            if new and missed and report_to:
                _report(session, report_to, f"missed {view.key} {slot.window.first}", view, missed)
            return new

        if await self._writer.first(decide):
            outcome = digests.SKIPPED if composed.post is None else digests.POSTED
            self._metrics.digest(view.name, outcome)
            words = f"the digest of {slot.window} is skipped: {composed.why}" if composed.post is None else (
                f"the digest of {slot.window} goes out"
            )  # fmt: skip
            about = {"schedule": view.name, "source": view.schedule.source}
            log.info("%s", words, extra=about)
            if missed:
                log.warning("%s", missed, extra=about)

    # --- telling ------------------------------------------------------------------------------------------------------

    async def _tell(self, config: Config, views: dict[str, View]) -> None:
        """What is not as it should be: in the metrics, once in the log, and once where the operator wants it."""
        for view in views.values():
            now = self._now()
            trouble = view.trouble(now)
            self._metrics.overdue(view.name, view.overdue(now).total_seconds())
            if trouble is None:
                continue
            report = f"{trouble.kind} {view.key} {trouble.about}"
            if report not in self._told:
                self._told.add(report)
                log.error("%s", trouble.words, extra={"schedule": view.name, "source": view.schedule.source})
            if config.run.report_to:
                await self._writer.first(
                    partial(_report, to=config.run.report_to, purpose=report, view=view, words=trouble.words)
                )


def purpose(key: str, slot: Slot) -> str:
    """What the outbox knows the post by."""
    return f"digest {key} {slot.window.first}"


def _missed(view: View, slot: Slot, now: datetime, why: str) -> str:
    """What to say with the last of those that are too late, of all of them; nothing of a schedule without a past."""
    late = [each for each in view.due if is_late(view.schedule, each, now)]
    if view.is_new or slot != late[-1]:
        return ""
    first, last = late[0].window.first, slot.window.first
    words = (
        f"the digest of {last} is" if first == last else f"the {len(late)} digests of {first} to {last} are"
    )
    return f"{words} skipped: {why}"


def _reading(database: Database, work: Callable[[Session], T]) -> T:
    with database.read() as session:
        return work(session)


def _unread(session: Session, config: Config, slot: Slot) -> list[str]:
    return overview.unread(overview.source_views(session), config, slot.window)


def _report(session: Session, to: str, purpose: str, view: View, words: str) -> None:
    name, _, channel = to.partition(":")
    source = overview.source_views(session).get(name)
    if source is not None:
        title = f"Schedule {view.name}"
        posts.intend(session, source.id, channel, purpose, Post("", title, f"{title}: {words}"))
