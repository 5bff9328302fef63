"""What the main way through the dialects does not meet: single habits of other servers, one test each."""

from datetime import UTC, datetime
from typing import cast

from multidict import MultiDict
from sqlalchemy import select

from connectors.paging import Draft
from connectors.slack_messages import Rows
from storage import tables
from storage.database import Database
from tests.contract.abroad import abroad, same
from tests.contract.test_connectors import Town
from tests.contract.world import until
from tests.fakes import dialects_discord, dialects_discourse, dialects_slack
from tests.fakes import discord_shapes as shapes
from tests.fakes.dialects import Dialect, Json, Said, said
from tests.fakes.discord import FakeDiscord
from tests.fakes.discord_shapes import BOT
from tests.fakes.discourse import FakeDiscourse


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


class Vague(Dialect):
    """It said long ago what was said last, and does not know of everybody who they are and since when."""

    def told(self, path: str, query: MultiDict[str], said: Said) -> Said:
        del query
        if path.endswith("/channels") and isinstance(said.body, list):
            return said._replace(body=[row | {"last_message_id": "4194304"} for row in said.body])
        if path.endswith("/members") and said.body:
            return said._replace(body=[*said.body, {"roles": [], "joined_at": None}])
        return said

    def frame(self, frame: Json) -> list[Json]:
        data = {"joined_at": None} if frame["t"] == "GUILD_MEMBER_ADD" else {}
        return [frame | {"d": frame["d"] | data}] if data else [frame]


async def test_discord_what_is_said_vaguely_is_not_relied_upon(sqlite: Database) -> None:
    async with abroad("discord", Vague, sqlite) as world:
        town = Town(world)
        town.talk(3)
        await world.read()
        town.talk(2, old=False)
        await world.read()
        await same(world)
        async with world.hearing():
            await until(lambda: cast("FakeDiscord", world.fake).talk.commands)
            world.inbox.lost.clear()
            world.fake.add_member("dan")
            await until(lambda: "dan" in world.present())
            assert not world.inbox.lost.is_set()


async def test_discourse_the_question_goes_on_where_a_forum_leads(sqlite: Database) -> None:
    async with abroad("discourse", dialects_discourse.Below, sqlite) as world:
        forum = cast("FakeDiscourse", world.fake)
        forum.solved_in_posts = False
        _, answer = Town(world).ask(old=False)
        await world.read()
        forum.solve(answer)
        await world.read()
        await same(world)
        # The topic came with all that was asked for, so that no post had to be asked for by itself.
        assert [path for _, path, _ in forum.requests if path.startswith("/posts/")] == []


def test_slack_a_profile_of_nothing_makes_no_program_of_a_person() -> None:
    draft = Draft("events", datetime.now(UTC))
    row = {"type": "message", "user": "U1", "text": "Hello", "ts": "1700000000.000100", "bot_profile": None}
    Rows(lambda _channel, _ts, _thread: None).of("C1")(row, draft)
    assert [member.is_bot for member in draft.members] == [False]
