"""A platform, and a community on it, for each test of the suite."""

from collections.abc import AsyncIterator

import pytest

from bot.live.writer import Writer
from storage.database import Database
from tests.contract.world import NAMES, Town, World, make


@pytest.fixture(params=NAMES)
async def world(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[World]:
    fake = make(request.param)
    await fake.start()
    try:
        async with Writer(database) as writer:
            yield World(fake, database, writer)
    finally:
        await fake.stop()


@pytest.fixture
def town(world: World) -> Town:
    return Town(world)
