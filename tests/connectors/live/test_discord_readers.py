"""Who can read what on Discord, and the tags of forum posts: asked over the wire, kept in a real database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from connectors.discord import DiscordConnector
from connectors.errors import Misconfigured
from storage import tables
from storage.database import Database
from tests.connectors.live.discord_room import Kept, ago, listening, read
from tests.fakes import discord_shapes as shapes
from tests.fakes.discord import FakeDiscord

CONNECT, MANAGE_THREADS = 1 << 20, 1 << 34
READ = shapes.VIEW | shapes.HISTORY


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


def exception(id_: str, *, allow: int = 0, deny: int = 0) -> dict[str, Any]:
    return {
        "id": id_,
        "type": 0 if id_ in {role["id"] for role in shapes.ROLES} else 1,
        "allow": str(allow),
        "deny": str(deny),
    }


# --- who can read what --------------------------------------------------------------------------------------------


async def test_what_a_member_can_read(fake: FakeDiscord, connector: DiscordConnector) -> None:
    ann, staff = fake.add_member("ann"), fake.add_member("staff", staff=True)
    helper, named = fake.add_member("helper"), fake.add_member("named")
    fake.people[helper].roles = [shapes.HELPER_ROLE]
    fake.people[shapes.OWNER] = shapes.Person(shapes.OWNER, "owner")
    open_, closed = fake.add_channel("open"), fake.add_channel("closed", private=True)
    fake.rooms[closed].exceptions = [exception(shapes.HELPER_ROLE, allow=READ), exception(named, allow=READ)]
    blind = fake.add_channel("blind", private=True)
    fake.rooms[blind].exceptions = [exception(shapes.HELPER_ROLE, allow=shapes.VIEW, deny=shapes.HISTORY)]
    voice = fake.add_channel("voice")
    fake.rooms[voice].kind = 2
    ids = [open_, closed, blind, voice]
    expected = {
        ann: {open_},
        helper: {open_, closed},
        named: {open_, closed},
        staff: set(ids),
        shapes.OWNER: set(ids),
    }
    for member, channels in expected.items():
        assert await connector.readable(member, [*ids, "77", "not an id"]) == channels
    fake.rooms[voice].exceptions = [exception(shapes.EVERYONE, allow=CONNECT)]
    assert await connector.readable(ann, ids) == {open_, voice}
    fake.people[helper].roles = []
    assert await connector.readable(helper, ids) == {open_, voice}
    fake.rooms[closed].exceptions = [exception(shapes.EVERYONE, allow=READ), exception(ann, deny=shapes.VIEW)]
    fake.rooms[closed].private = False
    assert await connector.readable(ann, [closed]) == set()


async def test_who_is_no_member_can_read_nothing(fake: FakeDiscord, connector: DiscordConnector) -> None:
    eve, open_ = fake.add_member("eve"), fake.add_channel("open")
    fake.strangers.add(eve)
    assert await connector.readable(eve, [open_]) == set()
    assert await connector.readable("99", [open_]) == set()


@pytest.mark.parametrize("heard", [False, True])
async def test_threads(fake: FakeDiscord, connector: DiscordConnector, sqlite: Database, heard: bool) -> None:
    """Of a public thread whoever can read its channel; of a private one its members, and who looks after threads."""
    ann, bob, keeper = fake.add_member("ann"), fake.add_member("bob"), fake.add_member("keeper")
    fake.people[keeper].roles = [shapes.HELPER_ROLE]
    help_, closed, forum = fake.add_channel("help"), fake.add_channel("closed", private=True), fake.add_channel("forum", forum=True)  # fmt: skip
    fake.allow(closed)
    fake.rooms[closed].exceptions = [exception(bob, allow=READ)]
    fake.rooms[help_].exceptions = [exception(shapes.HELPER_ROLE, allow=MANAGE_THREADS)]
    thread, inside, topic = (fake.open_thread(each, ann, "T", "…") for each in (help_, closed, forum))
    private = fake.add_thread(help_, fake.snowflake(), "psst", ann, shapes.PRIVATE_THREAD)
    private.admitted, private.members = True, {ann}
    stray = fake.add_thread(closed, fake.snowflake(), "hush", ann, shapes.PRIVATE_THREAD)
    stray.admitted, stray.members = True, {ann}
    hidden = fake.add_thread(help_, fake.snowflake(), "not for the bot", ann, shapes.PRIVATE_THREAD)
    hidden.members = {ann}
    fake.archive(thread)
    ids = [thread, inside, topic, private.id, stray.id, hidden.id]
    if heard:
        await read(connector, Kept(sqlite))
    assert await connector.readable(ann, ids) == {thread, topic, private.id}
    assert await connector.readable(bob, ids) == {thread, topic, inside}
    assert await connector.readable(keeper, ids) == {thread, topic, private.id}
    asked = len(fake.requests)
    assert await connector.readable(bob, ids[:3]) == {thread, topic, inside}
    assert len(fake.requests) - asked == 3, "what never changes of a thread is asked once"


async def test_the_other_server_gives_no_right_here(fake: FakeDiscord) -> None:
    fake.guilds.append(shapes.OTHER)
    connector = DiscordConnector({**fake.settings, "server": ""}, fake.secrets)
    ann, bob, open_ = fake.add_member("ann"), fake.add_member("bob"), fake.add_channel("open")
    fake.people[bob].elsewhere = True
    fake.strangers.add(bob)
    assert await connector.readable(ann, [open_]) == {open_}
    assert await connector.readable(bob, [open_]) == set()
    await connector.close()


async def test_what_discord_does_not_say_is_an_error(fake: FakeDiscord, connector: DiscordConnector) -> None:
    ann, open_ = fake.add_member("ann"), fake.add_channel("open")
    fake.revoke()
    with pytest.raises(Misconfigured):
        await connector.readable(ann, [open_])


# --- tags of forum posts ------------------------------------------------------------------------------------------


def marks(kept: Kept) -> dict[str, str | None]:
    with kept.database.write() as session:
        rows = session.scalars(select(tables.Message).where(tables.Message.marks.is_not(None)))
        return {row.external_id: row.marks for row in rows}


@pytest.fixture
def kept(database: Database) -> Kept:
    return Kept(database)


@pytest.fixture
def forum(fake: FakeDiscord) -> str:
    id_ = fake.add_channel("ideas", forum=True)
    fake.rooms[id_].tags = {"71": "Feature request", "72": "Solved", "73": "¿Bug?"}
    return id_


def tag(fake: FakeDiscord, topic: str, *tags: str) -> None:
    fake.rooms[topic].applied = list(tags)
    fake.telling.thread("THREAD_UPDATE", fake.rooms[topic])


async def test_tags_arrive_live(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept, forum: str
) -> None:
    ann = fake.add_member("ann")
    async with listening(connector, kept, fake):
        fake.telling.channel(fake.rooms[forum])
        topic = fake.open_thread(forum, ann, "Fly", "It should.")
        answer = fake.say(forum, ann, "Indeed.", thread=topic)
        await kept.equals(fake)
        assert marks(kept) == {}
        tag(fake, topic, "71", "73")
        await kept.until(lambda: marks(kept) == {topic: '["Feature request","¿Bug?"]'})
        fake.rooms[forum].tags["71"] = "Wish"
        fake.telling.channel(fake.rooms[forum])
        await kept.until(lambda: marks(kept) == {topic: '["Wish","¿Bug?"]'})
        fake.edit(topic, "It should!")
        await kept.equals(fake)
        assert marks(kept) == {topic: '["Wish","¿Bug?"]'}
        tag(fake, topic)
        await kept.until(lambda: marks(kept) == {})
    assert kept.standing()[answer].text == "Indeed."


async def test_tags_are_in_history(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept, forum: str
) -> None:
    ann = fake.add_member("ann")
    active, resting, plain = (
        fake.open_thread(forum, ann, f"T{n}", "…", at=ago(days=9 - n)) for n in range(3)
    )
    fake.rooms[active].applied = ["71"]
    fake.rooms[resting].applied = ["72", "gone"]
    fake.archive(resting)
    await read(connector, kept)
    assert marks(kept) == {active: '["Feature request"]', resting: '["Solved"]'}
    # Changed while nobody listened, in another process; no message of theirs is new.
    fake.rooms[active].applied, fake.rooms[plain].applied = [], ["73"]
    again = DiscordConnector(fake.settings, fake.secrets)
    await read(again, kept)
    assert marks(kept) == {plain: '["¿Bug?"]', resting: '["Solved"]'}
    asked = len(fake.requests)
    await read(again, kept)
    await again.close()
    assert not [path for _, path, _ in fake.requests[asked:] if path.endswith(f"/messages/{plain}")]


async def test_tags_of_a_post_that_is_gone_or_closed(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept, forum: str
) -> None:
    ann = fake.add_member("ann")
    gone, going, there = (fake.open_thread(forum, ann, f"T{n}", "…", at=ago(hours=n + 1)) for n in range(3))
    await read(connector, kept)
    fake.delete(gone)
    connector._feed._deleted[going] = None  # told by the gateway while history is read
    for topic in (gone, going, there):
        fake.rooms[topic].applied = ["71"]
    await read(connector, kept)
    assert marks(kept) == {there: '["Feature request"]'}


async def test_it_is_told_within_two_seconds(fake: FakeDiscord, connector: DiscordConnector) -> None:
    """As long as the desk waits, also with many private threads."""
    ann, help_ = fake.add_member("ann"), fake.add_channel("help")
    rooms = [fake.add_thread(help_, fake.snowflake(), "psst", ann, shapes.PRIVATE_THREAD) for _ in range(150)]
    for room in rooms:
        room.admitted, room.members = True, {ann}
    async with asyncio.timeout(timedelta(seconds=2).total_seconds()):
        assert len(await connector.readable(ann, [room.id for room in rooms])) == 150
