"""A platform that speaks otherwise than our fakes do, and its source: see tests.fakes.dialects."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from bot.live.writer import Writer
from storage.database import Database
from tests.contract.world import World, make, until
from tests.fakes.base import FakePlatform
from tests.fakes.dialects import Dialect, Interposed


class Abroad(World):
    """A source whose platform speaks otherwise."""

    def __init__(self, fake: FakePlatform, database: Database, writer: Writer, dialect: Dialect) -> None:
        super().__init__(fake, database, writer)
        self.dialect = dialect


@asynccontextmanager
async def abroad(platform: str, kind: type[Dialect], database: Database) -> AsyncIterator[Abroad]:
    """A platform that speaks so, and its source."""
    fake, dialect = make(platform), kind()
    await fake.start()
    server = Interposed(fake, dialect)
    await server.start()
    try:
        async with Writer(database) as writer:
            yield Abroad(fake, database, writer, dialect)
    finally:
        await server.stop()
        await fake.stop()


async def same(world: World) -> None:
    """Wait until the database has exactly what stands on the platform; say what differs if it never does."""
    with suppress(TimeoutError):
        await until(world.is_equal, 10)
    stored, standing = world.stored(), world.fake.standing()
    assert {id_: row for id_, row in stored.items() if standing.get(id_) != row} == {
        id_: row for id_, row in standing.items() if stored.get(id_) != row
    }
