"""A source of several servers: all that the bot is in, each with its own channels, and members who are in some of them."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from connectors.discord import DiscordConnector
from storage import tables
from storage.database import Database
from tests.connectors.live.discord_room import Kept, listening, read
from tests.fakes import discord_shapes as shapes
from tests.fakes.discord import FakeDiscord


@pytest.fixture
async def fake() -> AsyncIterator[FakeDiscord]:
    server = FakeDiscord()
    await server.start()
    server.settings["server"] = ""
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


def left(kept: Kept) -> set[str]:
    with kept.database.read() as session:
        rows = session.scalars(select(tables.Member))
        return {
            row.name
            for row in rows
            if row.left_at and (not row.rejoined_at or row.rejoined_at <= row.left_at)
        }


async def test_all_servers_are_read_and_heard(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept
) -> None:
    other = fake.add_guild()
    ann = fake.add_member("ann")
    here, there = fake.add_channel("here"), fake.add_channel("there", guild=other)
    fake.say(here, ann, "hello")
    topic = fake.open_thread(there, ann, "aside", "hello from there")
    fake.say(there, ann, "and on", thread=topic)
    await read(connector, kept)
    assert kept.standing() == fake.standing()
    fake.requests.clear()
    await read(connector, kept, sweep=True)
    asked = [path for _, path, _ in fake.requests]
    assert not {f"/channels/{here}", f"/channels/{there}"} & set(asked), (
        "what one server lists is not missed in the other"
    )
    async with listening(connector, kept, fake):
        fake.say(there, ann, "live from there")
        fake.say(here, ann, "live from here")
        await kept.equals(fake)
    fake.delete_channel(there)
    await read(connector, kept)
    assert kept.standing() == fake.standing()


async def test_who_left_one_server_has_not_left(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept
) -> None:
    other = fake.add_guild()
    both, first, second = (fake.add_member(name) for name in ("both", "first", "second"))
    fake.people[both].guilds.add(other)
    fake.people[second].guilds = {other}
    await read(connector, kept)
    assert left(kept) == set()
    async with listening(connector, kept, fake):
        fake.remove_member(both)
        fake.remove_member(first)
        fake.say(fake.add_channel("here"), second, "they left")
        await kept.equals(fake)
    assert left(kept) == set(), "an event says which server they left, not where they still are"
    await read(connector, kept, sweep=True)
    assert left(kept) == {"first"}
    fake.remove_member(both, other)
    fake.remove_member(second, other)
    await read(connector, kept, sweep=True)
    assert left(kept) == {"first", "both", "second"}


async def test_a_server_that_is_away_for_a_while(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept
) -> None:
    """An outage of one server: it is told as unavailable, and comes back with all that happened meanwhile."""
    ann, here = fake.add_member("ann"), fake.add_channel("here")
    async with listening(connector, kept, fake):
        fake.say(here, ann, "before")
        await kept.equals(fake)
        gaps = kept.gaps
        fake.gateway.tell("GUILD_DELETE", {"id": shapes.GUILD, "unavailable": True})
        fake.lose(1)
        fake.say(here, ann, "during")
        bot = fake.people[shapes.BOT]
        fake.gateway.tell("GUILD_CREATE", shapes.created(bot, fake.rooms.values(), 2) | {"large": True})
        await kept.until(lambda: kept.gaps > gaps)
        await read(connector, kept)
        await kept.equals(fake)
        fake.say(here, ann, "after")
        await kept.equals(fake)
