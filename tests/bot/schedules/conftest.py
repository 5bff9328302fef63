"""A town with one weekly digest, served by one process."""

import pytest

from storage.database import Database
from tests.bot.schedules.town import MONDAY, Town, config, schedule


@pytest.fixture
def town(database: Database) -> Town:
    town = Town(database, config(weekly=schedule()), MONDAY)
    town.lend("one")
    return town
