"""The contract once more, with servers that say the same otherwise: see tests.fakes.dialects."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import cast

import pytest
from multidict import MultiDict
from sqlalchemy import select

from bot.live.writer import Writer
from connectors.base import Connector
from connectors.errors import Unsure
from connectors.records import Post
from storage import tables
from storage.database import Database
from storage.posts import new_key
from tests.contract.test_connectors import Town
from tests.contract.world import FAST, SWEEPING, World, make, until
from tests.fakes import dialects_discord, dialects_discourse, dialects_slack
from tests.fakes import discord_shapes as shapes
from tests.fakes.base import FakePlatform
from tests.fakes.dialects import Dialect, Interposed, Said, said
from tests.fakes.discord import FakeDiscord
from tests.fakes.discord_shapes import BOT
from tests.fakes.discourse import FakeDiscourse
from tests.fakes.slack import FakeSlack

SPOKEN = {
    "slack": dialects_slack.DIALECTS, "discord": dialects_discord.DIALECTS, "discourse": dialects_discourse.DIALECTS
}  # fmt: skip
ALL = [(platform, name, kind) for platform, dialects in SPOKEN.items() for name, kind in dialects.items()]


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


@pytest.fixture(params=ALL, ids=lambda each: f"{each[0]}-{each[1]}")
async def world(request: pytest.FixtureRequest, sqlite: Database) -> AsyncIterator[Abroad]:
    platform, _, kind = request.param
    async with abroad(platform, kind, sqlite) as world:
        yield world


async def test_everything_arrives_and_what_we_say_is_said_once(world: Abroad) -> None:
    fake = world.fake
    town = Town(world)
    thumb = "thumbsup" if fake.name == "slack" else "👍"
    said = town.talk(14)
    asked, solved = town.ask()
    replies = [
        fake.say(town.forum, town.ada, f"more {number}", reply_to=solved, thread=world.thread_of(asked), at=town.begin)
        for number in range(25)
    ]  # fmt: skip
    # Where there are no events of it, history tells: the sweep is part of listening then.
    async with world.served(SWEEPING if fake.name == "discourse" or world.dialect.loses else FAST):
        await same(world)
        question, answer = town.ask(old=False)
        fresh = town.talk(5, old=False)
        await same(world)
        fake.edit(fresh[1], "edited")
        fake.edit(said[1], "edited, though it is old")
        fake.react(answer, thumb, town.bob)
        fake.react(said[2], thumb, town.ada)
        fake.solve(answer)
        await same(world)
        fake.delete(fresh[0])
        fake.delete(replies.pop(20))
        fake.delete(said[0])
        fake.unreact(said[2], thumb, town.ada)
        fake.edit(question, "How do I restore a vault?")
        other = fake.add_channel("other")
        fake.say(other, town.bob, "first here")
        await same(world)
        fake.cut()
        town.talk(4, old=False)
        await same(world)
    await world.read()
    await world.read(sweep=True)
    assert world.stored() == fake.standing()
    assert programs(world) <= {"robot", "spaces", "system"}
    if fake.name != "slack":  # where replies stand in threads alone
        assert answered(world, replies) == {solved}

    post = Post(new_key(), "The community in week 12", "All *well* in **general**.")
    async with world.connector() as connector:
        assert await connector.find(town.general, post.key) is None
        id_ = await sent(connector, town.general, post)
        assert await connector.find(town.general, post.key) == id_
        await connector.edit(town.general, id_, post._replace(text="Changed."))
        assert [id_ for _, id_, _ in fake.posted()] == [id_]
        assert "Changed." in fake.standing()[id_].text
        findings = await connector.check()
    ill = [finding.words for finding in findings if not finding.good]
    assert [words for words in ill if not any(part in words for part in world.dialect.ill)] == []


async def same(world: World) -> None:
    """Wait until the database has exactly what stands on the platform; say what differs if it never does."""
    with suppress(TimeoutError):
        await until(world.is_equal, 10)
    stored, standing = world.stored(), world.fake.standing()
    assert {id_: row for id_, row in stored.items() if standing.get(id_) != row} == {
        id_: row for id_, row in standing.items() if stored.get(id_) != row
    }


async def sent(connector: Connector, place: str, post: Post) -> str:
    """Post as the bot does: where nobody knows whether it was taken, look for it first."""
    while True:
        try:
            return await connector.post(place, post)
        except Unsure:
            if (found := await connector.find(place, post.key)) is not None:
                return found


def answered(world: World, replies: list[str]) -> set[str | None]:
    """What these messages are said to reply to."""
    with world.database.read() as session:
        wanted = tables.Message.source_id == world.id, tables.Message.external_id.in_(replies)
        return set(session.scalars(select(tables.Message.reply_to).where(*wanted)))


def programs(world: World) -> set[str]:
    """The accounts that are known as programs."""
    with world.database.read() as session:
        wanted = tables.Member.source_id == world.id, tables.Member.is_bot
        return set(session.scalars(select(tables.Member.name).where(*wanted)))


async def test_whoever_asks_is_answered(world: World) -> None:
    town = Town(world)
    town.talk(3)
    async with world.served():
        await same(world)
        match world.fake:
            case FakeSlack() as slack:
                await on_slack(slack, town)
            case FakeDiscord() as discord:
                await on_discord(discord, town)
            case FakeDiscourse() as forum:
                await on_discourse(forum, town)


async def on_slack(slack: FakeSlack, town: Town) -> None:
    talk, asker = slack.talk, town.ada
    talk.command(asker, town.general, "help")
    await talk.seen(asker, 1)
    talk.raw("slash_commands", {"command": "/spaces", "text": "help", "user_id": asker})
    await talk.seen(asker, 2)
    slack.say(town.general, asker, "<@U0SPACESBOT> help")
    await talk.seen(asker, 3)
    action = {"type": "button", "action_id": "spaces_button_0", "value": "help"}
    talk.raw("interactive", {
        "type": "block_actions", "user": {"id": asker}, "actions": [action], "container": {"channel_id": town.general},
    })  # fmt: skip
    shown = await talk.seen(asker, 4)
    assert {one.channel[:1] for one in shown} == {"C", "D"}
    assert len({one.words for one in shown}) == 1
    assert slack.wire.faults == []


async def on_discord(discord: FakeDiscord, town: Town) -> None:
    await until(lambda: discord.talk.commands)
    one = discord.talk.command(town.ada, "help", town.general)
    await until(lambda: one.seen)
    assert not one.late
    letters = len(discord.letters.to(town.ada))
    discord.say(town.general, town.ada, f"<@{BOT}> help")
    await until(lambda: len(discord.letters.to(town.ada)) > letters)
    assert discord.talk.wrongs == []


async def on_discourse(forum: FakeDiscourse, town: Town) -> None:
    asked = [
        forum.open_thread(town.general, town.ada, "A question to the bot", "@spaces help"),
        forum.write_private(town.ada, "Hello", "help"),
    ]
    for post in asked:
        await until(partial(forum.answers, post))
        (answer,) = forum.answers(post)
        assert forum.topics[answer.topic].is_pm
    assert forum.pings() == []


# --- what the main way does not meet --------------------------------------------------------------------------------


async def test_slack_a_reaction_to_a_reply_of_which_only_history_told(sqlite: Database) -> None:
    async with abroad("slack", dialects_slack.Strict, sqlite) as world:
        town = Town(world)
        said = town.talk(6)
        world.fake.say(town.general, town.bob, "much later", at=datetime.now(UTC))
        await world.read()
        world.fake.expire_session()  # what waited to be told is not
        async with world.served():
            world.inbox.lost.clear()
            world.fake.react(said[5], "tada", world.fake.add_member("eve"))
            await same(world)


async def test_slack_an_empty_first_page_does_not_hold_the_cursor_back(sqlite: Database) -> None:
    async with abroad("slack", dialects_slack.Pages, sqlite) as world:
        town = Town(world)
        newest = town.talk(3)[-1].partition(":")[2]
        await world.read()
        assert (await world.inbox.cursors())[f"history:{town.general}"] == newest


async def test_discord_the_history_of_a_server_is_read_when_the_bot_is_invited(sqlite: Database) -> None:
    async with abroad("discord", Dialect, sqlite) as world:
        discord = cast("FakeDiscord", world.fake)
        discord.settings["server"] = ""
        Town(world).talk(3)
        async with world.hearing():
            await until(world.inbox.lost.is_set)
            await until(lambda: discord.talk.commands)
            world.inbox.lost.clear()
            discord.gateway.tell("GUILD_CREATE", shapes.created(discord.people[BOT], [], 1, shapes.OTHER))
            await until(world.inbox.lost.is_set)


async def test_discord_a_message_of_an_unknown_place_is_no_direct_one(sqlite: Database) -> None:
    async with abroad("discord", dialects_discord.Homeless, sqlite) as world:
        discord = cast("FakeDiscord", world.fake)
        town = Town(world)
        async with world.hearing():
            await until(lambda: discord.talk.commands)
            world.inbox.lost.clear()
            row = shapes.message(
                discord.messages[discord.say(town.general, town.ada, "<@1> help")], discord.people[town.ada]
            )
            hidden = row | {
                "id": discord.snowflake(),
                "channel_id": "77",
                "content": f"<@{BOT}> help",
                "member": {"roles": []},
            }
            discord.gateway.tell("MESSAGE_CREATE", hidden | {"guild_id": shapes.GUILD})
            await until(world.inbox.lost.is_set)
            assert discord.letters.sent == []
    assert not [path for _, path, _ in discord.requests if path == "/channels/77/messages"]


async def test_discord_a_moment_that_is_longer_than_a_page(sqlite: Database) -> None:
    async with abroad("discord", Dialect, sqlite) as world:
        town = Town(world)
        for number in range(130):
            world.fake.say(town.general, town.ada, f"at once {number}", at=town.begin)
        await world.read()
        await world.read(sweep=True)
        await same(world)


async def test_discourse_groups_are_read_to_the_last_page(sqlite: Database) -> None:
    async with abroad("discourse", dialects_discourse.Pages, sqlite) as world:
        forum = cast("FakeDiscourse", world.fake)
        ada = forum.users[int(Town(world).ada)]
        forum.groups["gardeners"], ada.groups = False, ["gardeners"]
        await world.read()
        with world.database.read() as session:
            roles = session.scalar(select(tables.Member.roles).where(tables.Member.name == "ada"))
        assert roles == '["gardeners"]'


class Brief(dialects_discourse.Streamless):
    """And it says no more of them than the first."""

    def asked(self, method: str, path: str, query: MultiDict[str]) -> Said | None:
        del method
        return said("", 404) if path.startswith("/t/") and "post_number" in query else None


async def test_discourse_what_a_forum_does_not_show_of_a_topic_is_not_gone(sqlite: Database) -> None:
    async with abroad("discourse", Brief, sqlite) as world:
        town, forum = Town(world), cast("FakeDiscourse", world.fake)
        forum.solved_in_posts = False  # so that the topic has to be read
        first, answer = town.ask()
        thread = world.thread_of(first)
        for number in range(30):
            forum.say(town.forum, town.ada, f"more {number}", thread=thread)
        await world.read()
        forum.solve(answer)
        await world.read()
        await same(world)
