"""A place where digests are posted by several processes, with a clock that the test moves as it likes."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from sqlalchemy import delete, event, select, update
from sqlalchemy.orm import Session

from bot.live.metrics import Metrics
from bot.live.posting import Outcome, Poster
from bot.live.writer import Writer
from bot.schedules.rounds import Compose, Composed, Rounds
from bot.schedules.settings import Schedule
from bot.schedules.slots import Slot
from bot.settings import Config
from connectors.records import Post
from storage import digests, ingest, leases, tables
from storage.database import Database
from tests.bot.live.platform import Village

LONG = timedelta(hours=1)


def schedule(period: str = "weekly", time: str = "09:00", **more: object) -> Schedule:
    said = {"source": "team", "channel": "#news", "period": period, "time": time, "wait_minutes": 0, **more}
    return Schedule.model_validate(said)


def config(**schedules: Schedule) -> Config:
    community = {"name": "Village", "timezone": "Europe/Madrid"}
    found = Config.model_validate({"community": community, "sources": {"team": {"connector": "slack"}}})
    return found.model_copy(update={"schedules": schedules})


def plain(
    session: Session, config: Config, name: str, slot: Slot, now: datetime, unread: Sequence[str] = ()
) -> Composed:
    """A digest that says no more than whose it is, and of when."""
    del session, config, now
    return Composed(
        Post("", f"{name} {slot.window.first}", " ".join(unread)), {"questions": (3.0, None, None)}
    )


class Town:
    """One database, one platform, one clock; and as many processes as come and go."""

    def __init__(self, database: Database, settings: Config, now: datetime, compose: Compose = plain) -> None:
        self.database, self.config, self.now, self.compose = database, settings, now, compose
        self.village = Village()
        self.drift: Callable[[], timedelta] = timedelta
        """How wrong the clock is, each time that somebody looks at it."""
        self.started = 0
        with database.write() as session:
            self.source = ingest.source_id(session, "team", "slack")

    def clock(self) -> datetime:
        """What a process sees when it looks at the clock."""
        return self.now + self.drift()

    def process(self, owner: str = "") -> "Process":
        self.started += 1
        return Process(self, owner or f"process {self.started}")

    def lend(self, owner: str | None) -> None:
        """Give the lease to this process, whoever had it; or to nobody."""
        with self.database.write() as session:
            session.execute(delete(tables.Lease))
            if owner is not None:
                assert leases.take(session, self.source, owner, LONG)

    def ready(self) -> None:
        """Whatever waits to be sent again has waited."""
        with self.database.write() as session:
            session.execute(update(tables.Post).values(claimed_until=None))

    @property
    def posted(self) -> Counter[str]:
        return Counter(post.title for _, post in self.village.posts)

    @property
    def rows(self) -> dict[tuple[str, str], tuple[str, str | None]]:
        with self.database.read() as session:
            chosen = select(
                tables.Digest.schedule, tables.Digest.first, tables.Digest.outcome, tables.Digest.why
            )
            return {
                (schedule, first): (outcome, why) for schedule, first, outcome, why in session.execute(chosen)
            }

    def told(self, key: str) -> Sequence[digests.Told]:
        with self.database.read() as session:
            return digests.recent(session, key, self.now, 10)


class Process:
    """What of `spaces run` posts digests. It may be left anywhere: nothing of it is needed any more."""

    def __init__(self, town: Town, owner: str) -> None:
        self.town, self.owner = town, owner
        self.writer = Writer(town.database)
        self.metrics = Metrics()
        self.rounds = Rounds(
            town.database, self.writer, self.metrics, town.config, owner, town.compose, self._derive, town.clock
        )  # fmt: skip
        self.poster = Poster(self.writer, town.village.connector()({}, {}), town.source, owner, LONG)
        self.derived = 0

    async def _derive(self) -> None:
        self.derived += 1

    async def __aenter__(self) -> Self:
        await self.writer.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.writer.__aexit__()

    async def send(self) -> list[Outcome]:
        """Send all that waits."""
        found = []
        while (outcome := await self.poster.publish_next()) is not None:
            found.append(outcome)
        return found

    async def go(self) -> list[Outcome]:
        """A round, and all that is to be sent."""
        await self.rounds.go()
        return await self.send()

    def figure(self, name: str) -> float:
        """A figure of the metrics, such as `spaces_digests_total{outcome="posted",schedule="a"}`."""
        for line in self.metrics.text().decode().splitlines():
            if line.startswith(f"{name} "):
                return float(line.rpartition(" ")[2])
        return 0.0


class Killed(BaseException):
    """A process that is no more: nothing in it can catch this."""


class Steps(dict[str, list[Exception]]):
    """Counts what processes do, as a context: statements, commits, and calls of the platform before and after.

    At the step named `deadly` whoever takes it is killed. It stands in for what is broken in the village.
    """

    def __init__(self, town: Town) -> None:
        super().__init__()
        self.town, self.seen, self.deadly, self.killed = town, 0, 0, False
        town.village.broken = self

    def get(self, key: str, default: Any = None) -> Any:
        self._step()
        return super().get(key, default)

    def _step(self, *_: object) -> None:
        self.seen += 1
        if self.seen == self.deadly:
            self.killed = True
            raise Killed

    def __enter__(self) -> Self:
        for name in ("before_cursor_execute", "commit"):
            event.listen(self.town.database.engine, name, self._step)
        return self

    def __exit__(self, *_: object) -> None:
        for name in ("before_cursor_execute", "commit"):
            event.remove(self.town.database.engine, name, self._step)

    async def live(self, process: Process, dies_at: int = 0) -> bool:
        """A round of a process, which is killed before this step. False when it was."""
        self.seen, self.deadly, self.killed = 0, dies_at, False
        going, writing = asyncio.create_task(process.go()), process.writer._task
        assert writing is not None
        await asyncio.wait([going, writing], return_when=asyncio.FIRST_COMPLETED)
        self.deadly = 0
        if not self.killed:
            await going
            return True
        for task in (going, writing):
            task.cancel()
        await asyncio.gather(going, writing, return_exceptions=True)
        return False


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


MONDAY = utc("2026-03-30 07:00")
"""9:00 in Madrid."""
WEEK = "weekly 2026-03-23"


def names(posted: Iterable[str]) -> list[str]:
    return sorted(posted)
