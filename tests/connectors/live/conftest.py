"""A forum with nothing in it, for all who read one."""

from collections.abc import AsyncIterator

import pytest

from storage.database import Database
from tests.connectors.live.discourse_home import Home
from tests.connectors.live.discourse_town import Town
from tests.fakes.discourse import FakeDiscourse


@pytest.fixture
async def forum() -> AsyncIterator[FakeDiscourse]:
    fake = FakeDiscourse()
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
def home(sqlite: Database) -> Home:
    return Home(sqlite)


@pytest.fixture
def town(forum: FakeDiscourse) -> Town:
    return Town(forum)
