"""The fake against what Discord publishes, and the connector under random faults."""

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.commands.registry import offers
from connectors.discord import DiscordConnector
from connectors.discord_commands import command_set
from connectors.errors import Unavailable, UnreadablePayload
from connectors.records import Button, Reply
from storage.database import Database
from tests.connectors.live.discord_people import chatting
from tests.connectors.live.discord_room import PATIENCE, Kept, ago, read
from tests.fakes import discord_judge as judge
from tests.fakes import discord_shapes as shapes
from tests.fakes.base import FakePlatform
from tests.fakes.discord import FakeDiscord

CONTRACT = Path(__file__).parents[3].parent / "shared" / "contracts" / "discord" / "openapi.json.gz"


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    if not CONTRACT.is_file():
        pytest.skip(f"Discord's published contract is not at {CONTRACT}")
    found: dict[str, Any] = json.loads(gzip.decompress(CONTRACT.read_bytes()))["components"]["schemas"]
    return found


@pytest.fixture
async def fake() -> AsyncIterator[FakeDiscord]:
    server = FakeDiscord()
    await server.start()
    yield server
    await server.stop()


def check(value: Any, schema: dict[str, Any], schemas: dict[str, Any], at: str) -> list[str]:
    """What the value lacks of its schema, all the way down: keys that must be there, and the kinds of things."""
    if "$ref" in schema:
        return check(value, schemas[schema["$ref"].rpartition("/")[2]], schemas, at)
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            found = [check(value, option, schemas, at) for option in schema[choice]]
            return [] if [] in found else min(found, key=len)
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    of = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", type(None): "null"}[
        type(value)
    ]
    if kinds and of not in kinds and not (of == "integer" and "number" in kinds):
        return [f"{at} is {of}, not {kinds}"]
    wrong: list[str] = []
    if isinstance(value, dict):
        wrong += [f"{at}.{key} is missing" for key in schema.get("required") or () if key not in value]
        for key, inner in (schema.get("properties") or {}).items():
            if key in value:
                wrong += check(value[key], inner, schemas, f"{at}.{key}")
    elif isinstance(value, list) and "items" in schema:
        for number, each in enumerate(value):
            wrong += check(each, schema["items"], schemas, f"{at}[{number}]")
    return wrong


ANSWERS = {
    "/gateway/bot": "GatewayBotResponse",
    "/users/@me": "UserPIIResponse",
    "/users/@me/guilds": "[MyGuildResponse]",
    "/applications/@me": "PrivateApplicationResponse",
    "/guilds/{guild}": "GuildWithCountsResponse",
    "/guilds/{guild}/channels": "[GuildChannelResponse]",
    "/guilds/{guild}/threads/active": "ThreadsResponse",
    "/guilds/{guild}/members?limit=1000": "[GuildMemberResponse]",
    "/guilds/{guild}/members/{bot}": "GuildMemberResponse",
    "/channels/{channel}": "GuildChannelResponse",
    "/channels/{thread}": "ThreadResponse",
    "/channels/{channel}/messages": "[MessageResponse]",
    "/channels/{thread}/messages": "[MessageResponse]",
    "/channels/{channel}/messages/{message}": "MessageResponse",
    "/channels/{forum}/threads/archived/public": "ThreadsResponse",
    "/channels/{channel}/users/@me/threads/archived/private": "ThreadsResponse",
    "/channels/77": "ErrorResponse",
    "/applications/{application}/guilds/{guild}/commands": "[ApplicationCommandResponse]",
    "/channels/{private}/thread-members/{bot}": "ThreadMemberResponse",
}


@pytest.mark.parametrize("path", ANSWERS)
async def test_answers_have_the_published_shape(
    fake: FakeDiscord, schemas: dict[str, Any], path: str
) -> None:
    ann = fake.add_member("ann", staff=True)
    channel, forum = fake.add_channel("help", private=False), fake.add_channel("ideas", forum=True)
    message = fake.say(channel, ann, "hello")
    fake.say(channel, ann, "answer", reply_to=message)
    fake.edit(message, "hello!")
    fake.react(message, "👍", ann)
    thread, resting = fake.open_thread(channel, ann, "Aside", "…"), fake.open_thread(forum, ann, "Idea", "…")
    fake.archive(resting)
    private = fake.add_thread(channel, fake.snowflake(), "psst", ann, shapes.PRIVATE_THREAD)
    private.members = {shapes.BOT}
    fake.talk.commands[shapes.GUILD] = [
        judge.registered(each, "5", shapes.GUILD, shapes.APPLICATION) for each in command_set(offers())
    ]
    connector = DiscordConnector(fake.settings, fake.secrets)
    client = await connector._rest()
    await client.ask("POST", "/channels/{channel_id}/messages", channel_id=channel, picture=b"png",
                     body={"embeds": [{"title": "t"}], "attachments": [{"id": 0, "filename": "spaces.png"}]})  # fmt: skip
    await connector.close()
    names = {
        "guild": shapes.GUILD,
        "bot": shapes.BOT,
        "channel": channel,
        "forum": forum,
        "thread": thread,
        "message": message,
        "application": shapes.APPLICATION,
        "private": private.id,
    }
    headers = {"Authorization": f"Bot {fake.secrets['bot_token']}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(fake.settings["api_url"] + path.format(**names)) as response,
    ):
        assert response.headers["Content-Type"] == "application/json"
        answer = await response.json()
    name = ANSWERS[path]
    reference = {"$ref": f"#/components/schemas/{name.strip('[]')}"}
    schema = {"type": "array", "items": reference} if name.startswith("[") else reference
    assert answer
    assert check(answer, schema, schemas, name) == []


ASKED = {
    r"PUT /applications/\d+/guilds/\d+/commands": "[ApplicationCommandUpdateRequest]",
    r"POST /interactions/\d+/\w+/callback": (
        "CreateMessageInteractionCallbackRequest UpdateMessageInteractionCallbackRequest "
        "ApplicationCommandAutocompleteCallbackRequest"
    ),
    r"PATCH /webhooks/\d+/\w+/messages/@original": "IncomingWebhookUpdateRequestPartial",
    r"POST /webhooks/\d+/\w+": "IncomingWebhookRequestPartial",
    r"POST /users/@me/channels": "CreatePrivateChannelRequest",
    r"POST /channels/\d+/messages": "MessageCreateRequest",
}


async def test_what_is_said_to_people_has_the_published_form(
    schemas: dict[str, Any], sqlite: Database
) -> None:
    long = Reply(
        "many words " * 400, "Title", buttons=(Button("Undo", "undo 5"),), picture=b"png", alt="a chart"
    )
    async with chatting(sqlite) as chat:
        fake, chat.kept.reply = chat.fake, long
        await chat.answered(chat.asks())
        chat.kept.reply = long._replace(public=True)
        one = chat.asks()
        await fake.talk.until(lambda: len(one.followups) > 2)
        question_of = fake.say(chat.help, chat.ann, "It should fly.")
        question = fake.talk.menu(chat.ann, question_of)
        await fake.talk.until(lambda: question.acks)
        await chat.answered(fake.talk.choose(chat.ann, "product_idea", question))
        typing = chat.asks("explain", {"metric": "que"}, focus="metric")
        await fake.talk.until(lambda: typing.acks)
        fake.say(chat.help, chat.ann, f"<@{shapes.BOT}> weekly")
        fake.letters.write(chat.ann, "weekly")
        fake.react(question_of, "💡", chat.ann)
        await fake.talk.until(lambda: len(fake.letters.sent) > 5 and len(fake.posted()) > 5)
    seen = set()
    for method, path, body in fake.requests:
        for pattern, names in ASKED.items():
            if re.fullmatch(pattern, f"{method} {path}"):
                seen.add(pattern)
                reference = {
                    "oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in names.strip("[]").split()]
                }
                schema = {"type": "array", "items": reference} if names.startswith("[") else reference
                said = body
                if isinstance(body, dict):
                    said = {key: value for key, value in body.items() if key != "_files"}
                    # A file's place among the files is a number to the client library, and a text in the contract.
                    said |= {
                        "attachments": [
                            file | {"id": str(file["id"])} for file in body.get("attachments") or ()
                        ]
                    }
                assert check(said, schema, schemas, names) == [], path
    assert seen == ASKED.keys()


def test_the_check_finds_what_is_wrong(schemas: dict[str, Any]) -> None:
    right = shapes.message(shapes.Said(shapes.GUILD, "1", "2", "hi"), shapes.Person("2", "ann"))
    reference = {"$ref": "#/components/schemas/MessageResponse"}
    assert check(right, reference, schemas, "m") == []
    assert check(right | {"content": 5, "author": {}}, reference, schemas, "m")


def test_it_is_a_platform(fake: FakeDiscord) -> None:
    platform: FakePlatform = fake
    assert platform.name == "discord"


async def test_random_faults(fake: FakeDiscord, sqlite: Database) -> None:  # noqa: C901, PLR0915 - one story
    """Listening, reading and failing at once; when the faults end, the store is what stands on the server."""
    connector, kept, chaos = DiscordConnector(fake.settings, fake.secrets), Kept(sqlite), fake.chaos
    chaos.rate = 0.03
    random = chaos.random
    people = [fake.add_member(f"member {number}") for number in range(5)]
    channels = [fake.add_channel(f"channel {number}", forum=number == 0) for number in range(4)]
    for number in range(300):
        fake.say(
            channels[1 + number % 3], people[number % 5], f"old {number}", at=ago(days=1, seconds=-number)
        )

    async def listen() -> None:
        while True:
            try:
                await connector.listen(kept)
            except (Unavailable, UnreadablePayload):
                continue

    async def catch_up(*, sweep: bool = False) -> None:
        while True:
            try:
                await read(connector, kept, sweep=sweep)
            except (Unavailable, UnreadablePayload):
                continue
            return

    def act(number: int) -> None:
        author, standing = random.choice(people), sorted(fake.messages)
        kind = random.random()
        if kind < 0.6:
            fake.say(random.choice(channels[1:]), author, f"new {number}")
        elif kind < 0.7:
            fake.open_thread(random.choice(channels), author, f"topic {number}", "begins")
        elif kind < 0.8:
            fake.edit(random.choice(standing), f"edited {number}")
        elif kind < 0.9:
            fake.react(random.choice(standing), random.choice("👍❤"), author)
        elif kind < 0.97:
            fake.delete(random.choice(standing))
        else:
            fake.delete_many(random.sample(standing, 3))

    listening = asyncio.create_task(listen())
    await asyncio.wait_for(fake.gateway.connected.wait(), PATIENCE)
    chaos.on = True
    reading = asyncio.create_task(catch_up())
    for number in range(700):
        act(number)
        if number % 20 == 0:
            await asyncio.sleep(0)
            kept.changed.clear()
            await asyncio.wait_for(kept.changed.wait(), PATIENCE)
        if number % 100 == 99 and reading.done():
            reading = asyncio.create_task(catch_up(sweep=number % 200 == 199))
    await reading
    chaos.on = False
    await catch_up(sweep=True)
    last = fake.say(channels[1], people[0], "the end")
    await kept.until(lambda: last in kept.standing())
    await catch_up(sweep=True)
    listening.cancel()
    await asyncio.wait([listening])
    await connector.close()
    assert kept.standing() == fake.standing()
    assert len(set(chaos.seen)) > 5
