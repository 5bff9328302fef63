"""People talk to the bot on Slack, from the wire to the database and back: the real desk, on both databases."""

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.live.writer import Writer
from bot.settings import Run, Tagging
from bot.settle import Silent, settle
from storage import tables
from storage.database import Database
from tests.contract.world import World, until
from tests.fakes.slack import FakeSlack

PATIENT = Run(port=0, sweep_hours=0, lease_seconds=30)
"""So that the lease outlives a database that is held, and a machine that is busy."""


class Town:
    """A workspace with two moderators and a member, a public channel, and a private one of which one moderator is."""

    def __init__(self, slack: FakeSlack, database: Database, writer: Writer) -> None:
        self.slack, self.talk = slack, slack.talk
        self.mia, self.max = slack.add_member("mia", staff=True), slack.add_member("max", staff=True)
        self.ann = slack.add_member("ann")
        self.general, self.leads = slack.add_channel("general"), slack.add_channel("leads", private=True)
        self.talk.join(self.mia, self.leads)
        slack.settings["include"] = ["leads"]
        self.world = World(slack, database, writer)
        tagging = Tagging(emoji={"💡": "product_idea"})
        self.world.desk.config = self.world.desk.config.model_copy(update={"tagging": tagging})

    async def kept(self) -> None:
        """Wait until all that stands is kept."""
        await self.world.equals()

    def decided(self) -> list[tuple[str, str, bool | None, str]]:
        """What people decided, in order: message, label, verdict, way."""
        with self.world.database.read() as session:
            rows = session.scalars(select(tables.TagChange).order_by(tables.TagChange.id))
            return [(row.external_id, row.label, row.after, row.via) for row in rows]


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
        yield Town(slack, database, writer)


async def test_a_digest_is_shown_in_the_language_of_the_asker(town: Town) -> None:
    week = datetime.now(UTC) - timedelta(days=7)
    for number in range(5):
        at = week + timedelta(minutes=number)
        town.slack.say(town.general, town.ann, f"How do I restore {number}?", at=at)
    town.talk.locales[town.ann] = "es-ES"
    async with town.world.served(PATIENT):
        await town.kept()
        town.talk.command(town.ann, town.general, "semanal")
        (shown,) = await town.talk.seen(town.ann)
    assert shown.message["blocks"][0]["type"] == "header"
    assert "Semana" in shown.words
    assert town.slack.posted() == []


async def test_every_command_that_is_offered_is_answered(town: Town) -> None:
    offers = town.world.desk.offers
    async with town.world.served(PATIENT):
        for offer in offers:
            town.talk.command(town.mia, town.general, offer.name)
        # One of them is to be seen by everybody.
        shown = await town.talk.seen(town.mia, len(offers) - 1)
        await town.talk.until(town.slack.posted)
        await asyncio.wait_for(town.slack.wire.quiet(), 10)
    assert all(each.words.strip() for each in shown)
    assert len(town.slack.posted()) == 1


async def test_it_is_acknowledged_while_the_database_is_busy(town: Town) -> None:
    """A writer that holds the database, and a history that is being read."""
    held, free = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hold(_: Any) -> None:
        loop.call_soon_threadsafe(held.set)
        assert free.wait(20)

    for number in range(300):
        at = datetime.now(UTC) - timedelta(minutes=300 - number)
        town.slack.say(town.general, town.ann, f"message {number}", at=at)
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


async def test_moderators_tag_in_every_way_and_others_in_none(town: Town) -> None:
    slack, talk = town.slack, town.talk
    said = [slack.say(town.general, town.ann, f"Dark mode {number} would be great.") for number in range(3)]
    stranger = slack.add_stranger("eve")
    talk.join(stranger, town.general)
    async with town.world.served(PATIENT):
        await town.kept()
        for who in (town.ann, stranger, town.mia):
            view = await talk.opened(talk.shortcut(who, said[0]))
            talk.submit(who, view["id"], "product_idea")
            await talk.seen(who)
            slack.react(said[1], "bulb", who)
        await until(lambda: len(town.decided()) == 2)
        confirmed = (await talk.seen(town.mia, 2))[1]
        slack.say(
            town.general,
            town.mia,
            f"<@U0SPACESBOT> tag https://acme.slack.com/archives/{said[2].replace(':', '/p').replace('.', '')} idea",
        )
        await talk.seen(town.mia, 3)
        slack.unreact(said[1], "bulb", town.mia)
        await talk.seen(town.mia, 4)
        talk.press(town.mia, confirmed, "Undo")
        await talk.seen(town.mia, 5)
    assert town.decided()[:3] == [
        (said[0], "product_idea", True, "menu"), (said[1], "product_idea", True, "emoji"),
        (said[2], "product_idea", True, "mention"),
    ]  # fmt: skip
    assert (said[1], "product_idea", None, "unreact") in town.decided()
    for who in (town.ann, stranger):  # their reactions meant nothing
        (refused,) = talk.to(who)
        assert "“tag”" in refused.words
    assert slack.posted() == []


async def test_a_private_channel_is_read_by_nobody_who_is_not_in_it(town: Town) -> None:
    slack, talk = town.slack, town.talk
    secret = slack.say(town.leads, town.ann, "Please add the merger with Initech, it would be great.")
    town.talk.leave(town.ann, town.leads)
    async with town.world.served(PATIENT):
        await town.kept()
        view = await talk.opened(talk.shortcut(town.mia, secret))
        talk.submit(town.mia, view["id"], "product_idea")
        await until(lambda: len(town.decided()) == 1)
        await talk.seen(town.mia)
        await asyncio.to_thread(settle, town.world.database, town.world.desk.config, Silent())
        for who in (town.mia, town.max, town.ann):
            talk.command(who, town.general, "ideas")
            talk.command(who, town.general, "explain ideas")
            await talk.seen(who, 3 if who == town.mia else 2)
        talk.command(town.mia, town.general, "ideas public")
        await talk.until(slack.posted)
        # A link to it is answered as if there were nothing.
        link = f"https://acme.slack.com/archives/{secret.replace(':', '/p').replace('.', '')}"
        talk.command(town.max, town.general, f"tag {link} idea")
        await talk.seen(town.max, 3)
        await asyncio.wait_for(slack.wire.quiet(), 10)
    told = {who: "\n".join(shown.words for shown in talk.to(who)) for who in (town.mia, town.max, town.ann)}
    assert "Initech" in told[town.mia]
    assert "Initech" not in told[town.max] + told[town.ann]
    assert "Initech" not in str(slack.posted())
    assert "leads" not in told[town.max] + told[town.ann] + str(slack.posted())
    assert {message for message, *_ in town.decided()} == {secret}


async def test_labels_are_reviewed_by_buttons(town: Town) -> None:
    """What the machine said of a private place is shown to its readers alone, and one press decides."""
    hidden = town.slack.say(town.leads, town.mia, "How do we price the secret rocket?")
    async with town.world.served(PATIENT):
        await until(lambda: (state := town.world.state()) and state.caught_up_at)
        await town.kept()
        await town.world.writer.later(lambda: settle(town.world.database, town.world.desk.config, Silent()))
        for who in (town.ann, town.max, town.mia):
            town.talk.command(who, town.general, "review")
        (refused,) = await town.talk.seen(town.ann)
        (nothing,) = await town.talk.seen(town.max)
        (asked,) = await town.talk.seen(town.mia)
        assert "“tag”" in refused.words
        assert "Nothing waits for you." in nothing.words
        assert "rocket" in asked.words
        town.talk.press(town.mia, asked, "Yes")
        assert "Nothing waits for you." in (await town.talk.seen(town.mia, 2))[1].words
    assert town.decided() == [(hidden, "question", True, "audit")]
