"""The contract once more, with servers that say the same otherwise: see tests.fakes.dialects."""

from collections.abc import AsyncIterator
from functools import partial

import pytest
from sqlalchemy import select

from connectors.base import Connector
from connectors.errors import Unsure
from connectors.records import Post
from storage import tables
from storage.database import Database
from storage.posts import new_key
from tests.contract.abroad import Abroad, abroad, same
from tests.contract.test_connectors import Town
from tests.contract.world import FAST, SWEEPING, World, until
from tests.fakes import dialects_discord, dialects_discourse, dialects_slack
from tests.fakes.discord import FakeDiscord
from tests.fakes.discord_shapes import BOT
from tests.fakes.discourse import FakeDiscourse
from tests.fakes.slack import FakeSlack

SPOKEN = {
    "slack": dialects_slack.DIALECTS, "discord": dialects_discord.DIALECTS, "discourse": dialects_discourse.DIALECTS
}  # fmt: skip
ALL = [(platform, name, kind) for platform, dialects in SPOKEN.items() for name, kind in dialects.items()]


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
