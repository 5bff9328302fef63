"""A fake platform, our real connector to it, a real database, and the real machinery of `spaces run` between."""

import asyncio
import importlib
import inspect
import re
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import select

from bot.live.held import Held
from bot.live.inbox import Inbox, pieces
from bot.live.metrics import Metrics
from bot.live.supervisor import Service, Supervisor, connector_settings
from bot.live.writer import Writer
from bot.settings import Run, Source
from connectors.base import Connector, load_connector
from storage import ingest, tables
from storage.database import Database
from tests.fakes.base import FakePlatform, Standing

NAMES = ("slack", "discord", "discourse")
FAST = Run(port=0, sweep_hours=0, sweep_days=30, lease_seconds=0.6)
SWEEPING = Run(port=0, sweep_hours=0.00005, sweep_days=30, lease_seconds=0.6)
LONG_AGO = timedelta(days=60)


def make(name: str) -> FakePlatform:
    """The fake of that name: the one class of its module that has everything which `FakePlatform` asks for."""
    module = importlib.import_module(f"tests.fakes.{name}")
    wanted = {key for key in vars(FakePlatform) if not key.startswith("_")}
    found: list[Any] = [
        each for _, each in inspect.getmembers(module, inspect.isclass)
        if each.__module__ == module.__name__ and wanted - set(FakePlatform.__annotations__) <= set(dir(each))
    ]  # fmt: skip
    (kind,) = found
    fake: FakePlatform = kind()
    return fake


async def until(condition: Callable[[], Any], seconds: float = 20) -> None:
    """Wait for what other processes, threads and sockets do."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - they set no event
            await asyncio.sleep(0.01)


class World:
    """One source of one community."""

    def __init__(self, fake: FakePlatform, database: Database, writer: Writer) -> None:
        self.fake = fake
        self.database = database
        self.writer = writer
        self.metrics = Metrics()
        with database.write() as session:
            self.id = ingest.source_id(session, fake.name, str(fake.settings["connector"]))
        self.inbox = Inbox(fake.name, self.id, writer, self.metrics)
        self.supervisor: Supervisor | None = None

    # --- the connector ----------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def connector(self) -> AsyncIterator[Connector]:
        """One, closed in time."""
        made = load_connector(str(self.fake.settings["connector"]))(
            connector_settings(self.source, FAST), self.fake.secrets
        )
        try:
            yield made
        finally:
            async with asyncio.timeout(5):
                await made.close()

    @property
    def source(self) -> Source:
        """The settings that point at the fake."""
        return Source(**{"poll_seconds": 0.05} | self.fake.settings)

    async def read(self, *, sweep: bool = False, pages: int | None = None, back: timedelta = LONG_AGO) -> int:
        """Read history with a connector of its own, and stop dead after so many pages; returns how many came."""
        count = 0
        async with self.connector() as connector:
            cursors = await self.inbox.cursors()
            since = datetime.now(UTC) - back
            held = Held(self.database, self.id, self.writer.later)
            async with aclosing(connector.fetch(cursors, since, held, sweep=sweep)) as found:  # type: ignore[type-var]
                async for page in found:
                    count += 1
                    for piece in pieces(page):
                        await self.writer.save(self.id, piece)
                    if count == pages:
                        break
        return count

    @asynccontextmanager
    async def hearing(self) -> AsyncIterator[None]:
        """Events alone: nobody reads history meanwhile."""
        async with self.connector() as connector:
            listening = asyncio.create_task(connector.listen(self.inbox))
            try:
                await until(lambda: listening.done() or self.inbox.heard.is_set())
                yield
            finally:
                listening.cancel()
                await asyncio.wait([listening], timeout=5)

    @asynccontextmanager
    async def served(self, run: Run = FAST) -> AsyncIterator[Supervisor]:
        """Everything that `spaces run` does for the source, once history has been caught up."""
        service = Service(self.database, self.writer, self.metrics, "contract", run)
        source = self.source.model_copy(update={"history_days": LONG_AGO.days})
        self.supervisor = supervisor = Supervisor(self.fake.name, source, self.fake.secrets, service)
        task = asyncio.create_task(supervisor.serve())
        try:
            await until(lambda: task.done() or supervisor.connected)
            yield supervisor
        finally:
            task.cancel()
            await asyncio.wait([task], timeout=10)
            assert task.done(), "it does not stop"

    def lags(self) -> tuple[int, float]:
        """How many events have been kept, and how many seconds that took for all of them."""
        text = self.metrics.text().decode()
        count, total = (
            re.search(rf"^spaces_event_lag_seconds_{what}{{.*}} (.+)$", text, re.MULTILINE) for what in ("count", "sum")
        )  # fmt: skip
        assert count
        assert total
        return int(float(count[1])), float(total[1])

    # --- what stands ------------------------------------------------------------------------------------------------

    def stored(self) -> dict[str, Standing]:
        """Every message that stands in the database."""
        with self.database.read() as session:
            chosen = select(tables.Message).where(
                tables.Message.source_id == self.id,
                tables.Message.deleted.is_(False),
                tables.Message.created_at.is_not(None),
            )
            return {
                row.external_id: Standing(
                    row.external_id, row.channel_id or "", row.author_id, row.text, row.thread_id,
                    orjson.loads(row.reactions or "{}"), row.is_solution,
                )
                for row in session.scalars(chosen)
            }  # fmt: skip

    def present(self) -> set[str]:
        """The members who are in the community, by name."""
        with self.database.read() as session:
            chosen = select(tables.Member).where(tables.Member.source_id == self.id, tables.Member.is_active)
            return {
                row.name for row in session.scalars(chosen)
                if row.left_at is None or (row.rejoined_at is not None and row.rejoined_at > row.left_at)
            }  # fmt: skip

    def is_equal(self) -> bool:
        """Whether the database has exactly what stands on the platform."""
        return self.stored() == self.fake.standing()

    def state(self) -> tables.State | None:
        """What was written down of the source."""
        with self.database.read() as session:
            found = session.get(tables.State, self.id)
            if found is not None:
                session.expunge(found)
            return found

    async def equals(self, seconds: float = 20) -> None:
        """Wait until the database has exactly what stands on the platform; say what differs if it never does."""
        try:
            await until(self.is_equal, seconds)
        except TimeoutError:
            assert self.stored() == self.fake.standing()

    def thread_of(self, first: str) -> str:
        """The thread that a message opened, as `say` takes it."""
        # A thread of one message is none yet on Slack, and on Discord its first message may stand around it.
        return self.fake.standing()[first].thread_id or first


class Town:
    """A community with something of everything."""

    def __init__(self, world: World) -> None:
        fake = self.fake = world.fake
        self.world = world
        self.ada, self.bob = fake.add_member("ada"), fake.add_member("bob", staff=True)
        self.robot = fake.add_member("robot", bot=True)
        self.general = fake.add_channel("general")
        self.forum = fake.add_channel("help", forum=True)
        self.begin = datetime.now(UTC) - timedelta(days=3)

    def talk(self, count: int, *, old: bool = True) -> list[str]:
        """So many messages in the channel, some of them with a thread."""
        said = []
        for number in range(count):
            at = self.begin + timedelta(seconds=number) if old else None
            author = (self.ada, self.bob, self.robot)[number % 3]
            if number % 10 == 3:
                first = self.fake.open_thread(
                    self.general, author, f"topic {number}", f"thread {number}", at=at
                )
                said.append(first)
                thread = self.world.thread_of(first)
                said += [
                    self.fake.say(self.general, self.ada, f"reply {number}.{n}", thread=thread, at=at and at + timedelta(minutes=n + 1))
                    for n in range(3)
                ]  # fmt: skip
            else:
                said.append(self.fake.say(self.general, author, f"message {number} ✓", at=at))
        return said

    def ask(self, *, old: bool = True) -> list[str]:
        """A question in the forum, with an answer that solves it."""
        at = self.begin if old else None
        first = self.fake.open_thread(self.forum, self.ada, "Restore", "How do I restore?", at=at)
        thread = self.world.thread_of(first)
        answer = self.fake.say(
            self.forum, self.bob, "Like so.", thread=thread, at=at and at + timedelta(minutes=1)
        )
        return [first, answer]
