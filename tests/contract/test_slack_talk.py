"""People talk to the bot on Slack, from the wire to the database and back: the real desk, on both databases."""

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.live.writer import Writer
from bot.settings import Run
from storage.database import Database
from tests.contract.world import World
from tests.fakes.slack import FakeSlack

PATIENT = Run(port=0, sweep_hours=0, lease_seconds=30)
"""So that the lease outlives a database that is held."""


class Town:
    """A workspace with a moderator, a member and a public and a private channel, served."""

    def __init__(self, world: World, slack: FakeSlack) -> None:
        self.world, self.slack, self.talk = world, slack, slack.talk
        self.mia, self.ann = slack.add_member("mia", staff=True), slack.add_member("ann")
        self.general, self.leads = slack.add_channel("general"), slack.add_channel("leads", private=True)
        slack.settings["include"] = ["leads"]


@pytest.fixture(params=[False, True], ids=["socket", "http"])
async def slack(request: pytest.FixtureRequest) -> AsyncIterator[FakeSlack]:
    fake = FakeSlack(http_events=request.param)
    await fake.start()
    yield fake
    await fake.stop()
    assert fake.wire.faults == []


@pytest.fixture
async def town(slack: FakeSlack, database: Database) -> AsyncIterator[Town]:
    async with Writer(database) as writer:
        yield Town(World(slack, database, writer), slack)


async def test_a_digest_is_shown_in_the_language_of_the_asker(town: Town) -> None:
    week = datetime.now(UTC) - timedelta(days=7)
    for number in range(5):
        town.slack.say(
            town.general, town.ann, f"How do I restore {number}?", at=week + timedelta(minutes=number)
        )
    town.talk.locales[town.ann] = "es-ES"
    async with town.world.served():
        await town.world.equals()
        town.talk.command(town.ann, town.general, "semanal")
        (shown,) = await town.talk.seen(town.ann)
    assert [block["type"] for block in shown.message["blocks"]][:1] == ["header"]
    assert "Semana" in shown.words
    assert town.slack.posted() == []


async def test_it_is_acknowledged_while_the_database_is_busy(town: Town) -> None:
    """A writer that holds the database for longer than Slack waits, and a history that is being read."""
    held, free = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hold(_: Any) -> None:
        loop.call_soon_threadsafe(held.set)
        assert free.wait(20)

    for number in range(300):
        town.slack.say(
            town.general,
            town.ann,
            f"message {number}",
            at=datetime.now(UTC) - timedelta(minutes=300 - number),
        )
    async with town.world.served(PATIENT):
        holding = asyncio.create_task(town.world.writer.first(hold))
        await asyncio.wait_for(held.wait(), 10)
        asked = [town.talk.command(town.ann, town.general, "weekly") for _ in range(10)]
        for each in asked:
            await asyncio.wait_for(each.acknowledged.wait(), 3)
        free.set()
        await holding
        assert len(await town.talk.seen(town.ann, 10)) == 10
    assert not any(each.failed for each in asked)
