import logging
from collections.abc import AsyncIterator

import pytest

from connectors.discord import DiscordConnector
from storage.database import Database
from tests.connectors.live.discord_room import Kept, listening, read
from tests.fakes.discord import FakeDiscord


@pytest.fixture
async def fake() -> AsyncIterator[FakeDiscord]:
    server = FakeDiscord()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def connector(fake: FakeDiscord) -> AsyncIterator[DiscordConnector]:
    made = DiscordConnector(fake.settings, fake.secrets)
    yield made
    await made.close()


@pytest.fixture
def kept(sqlite: Database) -> Kept:
    return Kept(sqlite)


@pytest.fixture
def room(fake: FakeDiscord) -> tuple[str, str]:
    return fake.add_channel("help"), fake.add_member("ann")


async def test_what_happens_is_kept(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept, room: tuple[str, str]
) -> None:
    channel, ann = room
    async with listening(connector, kept, fake):
        first = fake.say(channel, ann, "hello")
        fake.say(channel, ann, "an answer", reply_to=first)
        edited, gone = fake.say(channel, ann, "wrnog"), fake.say(channel, ann, "oops")
        many = [fake.say(channel, ann, f"spam {number}") for number in range(3)]
        await kept.equals(fake)
        fake.edit(edited, "wrong")
        fake.delete(gone)
        fake.delete_many(many)
        forum = fake.add_channel("ideas", forum=True)
        topic = fake.open_thread(forum, ann, "How to?", "I ask")
        answer = fake.say(forum, ann, "like this", thread=topic)
        bob = fake.add_member("bob")
        fake.react(answer, "👍", bob)
        fake.solve(answer)
        await kept.equals(fake)
        fake.unreact(answer, "👍", bob)
        fake.rename(topic, "How so?")
        await kept.equals(fake)
        fake.remove_member(bob)
        fake.delete_channel(topic)
        await kept.equals(fake)
        fake.delete_channel(channel)
        await kept.equals(fake)
    assert kept.standing() == {}
    assert [join.member_id for page in kept.pages for join in page.joins] == [bob]
    assert [leave.member_id for page in kept.pages for leave in page.leaves] == [bob]
    assert kept.gaps == 1
    assert kept.lives > 0
    assert {page.cursor for page in kept.pages} == {None}


async def test_live_and_history_say_the_same(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept, room: tuple[str, str]
) -> None:
    channel, ann = room
    async with listening(connector, kept, fake):
        topic = fake.open_thread(channel, ann, "Aside", "let us")
        fake.say(channel, ann, "reply", thread=topic, reply_to=topic)
        await kept.equals(fake)
        told = {message.id: message for page in kept.pages for message in page.messages}
    found = {message.id: message for page in await read(connector, kept) for message in page.messages}
    assert told == found


async def test_updates_that_are_no_edits(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept, room: tuple[str, str]
) -> None:
    channel, ann = room
    async with listening(connector, kept, fake):
        said = fake.say(channel, ann, "see https://example.org")
        await kept.equals(fake)
        fake.preview(said)
        withheld = {"id": said, "channel_id": channel, "guild_id": fake.settings["server"], "content": "", "type": 0,
                    "author": {"id": ann, "username": "ann"}, "edited_timestamp": "2030-01-01T00:00:00+00:00"}  # fmt: skip
        fake.gateway.tell("MESSAGE_UPDATE", withheld)
        last = fake.say(channel, ann, "last")
        await kept.until(lambda: last in kept.standing())
    assert kept.standing() == fake.standing()


async def test_an_edit_told_in_part_is_looked_up(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept, room: tuple[str, str]
) -> None:
    channel, ann = room
    async with listening(connector, kept, fake):
        said = fake.say(channel, ann, "wrnog")
        fake.react(said, "👍", ann)
        await kept.equals(fake)
        fake.gateway.losing = 1
        fake.edit(said, "wrong")
        part = {
            "id": said,
            "channel_id": channel,
            "guild_id": fake.settings["server"],
            "edited_timestamp": "2030-01-01T00:00:00+00:00",
        }
        fake.gateway.tell("MESSAGE_UPDATE", part)
        await kept.equals(fake)


async def test_the_counts_of_an_edited_message_stay(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept, room: tuple[str, str]
) -> None:
    channel, ann = room
    async with listening(connector, kept, fake):
        said = fake.say(channel, ann, "wrnog")
        fake.react(said, "👍", ann)
        await kept.equals(fake)
        fake.edit(said, "wrong")
        await kept.equals(fake)
    assert kept.standing()[said].reactions == {"👍": 1}


async def test_channels_that_appear_and_open(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept, room: tuple[str, str]
) -> None:
    _, ann = room
    async with listening(connector, kept, fake):
        new = fake.add_channel("new")
        fake.say(new, ann, "first")
        closed = fake.add_channel("closed", private=True)
        await kept.equals(fake)
        fake.refuse(new)
        await read(connector, kept)
        fake.rooms[closed].private = False
        fake.allow(new)
        fake.allow(closed)
        await kept.until(lambda: kept.gaps >= 3)
        await read(connector, kept)
        fake.say(closed, ann, "open now")
        await kept.equals(fake)


async def test_logs_hold_no_words_and_no_token(
    fake: FakeDiscord,
    connector: DiscordConnector,
    kept: Kept,
    room: tuple[str, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("asyncio", "aiohttp"):
        caplog.set_level(logging.WARNING, logger=name)
    channel, ann = room
    async with listening(connector, kept, fake):
        fake.lose()
        fake.say(channel, ann, "a very private word")
        fake.say(channel, ann, "a very private word")
        await kept.until(lambda: kept.gaps == 2)
        fake.gateway.malforming = 1
        fake.say(channel, ann, "a very private word")
        await kept.until(lambda: kept.gaps == 3)
        fake.gateway.send({"op": 9, "d": False})
        await kept.until(lambda: kept.gaps == 4)
        fake.fail(2)
        await read(connector, kept)
        await kept.equals(fake)
    assert "events were lost" in caplog.text
    assert "private" not in caplog.text
    assert fake.secrets["bot_token"] not in caplog.text
    assert "Traceback" not in caplog.text


async def test_unreadable_rows_are_counted(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept, room: tuple[str, str]
) -> None:
    channel, ann = room
    async with listening(connector, kept, fake):
        fake.say(channel, ann, "before")
        await kept.equals(fake)
        connector._feed.take('{"op":0,"t":"MESSAGE_REACTION_ADD","s":99,"d":null}')
        assert connector._feed.page()[0].problems[0].what.startswith("an event (MESSAGE_REACTION_ADD)")  # type: ignore[union-attr]
