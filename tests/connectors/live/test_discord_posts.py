import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest

from connectors.discord import DiscordConnector
from connectors.discord_posts import nonce
from connectors.discord_rights import PERMISSIONS, invite_link
from connectors.errors import Misconfigured, Unsure
from connectors.records import Button, Finding, Post
from tests.fakes import discord_shapes as shapes
from tests.fakes.discord import FakeDiscord

KEY = "w202611kab3k9x2m"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(2000)
PAYLOAD: dict[str, Any] = {
    "content": "Home: week 47",
    "embeds": [{"title": "Home", "description": "numbers", "image": {"url": "attachment://spaces.png"}, "footer": {"text": "made today"}}],
    "allowed_mentions": {"parse": []},
}  # fmt: skip
DIGEST = Post(KEY, "Week 47", "# Home\nnumbers", PAYLOAD, PICTURE, "a chart")


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


async def test_a_digest_with_its_chart(fake: FakeDiscord, connector: DiscordConnector) -> None:
    channel, ann = fake.add_channel("metrics"), fake.add_member("ann")
    id_ = await connector.post(channel, DIGEST)
    ((place, found, form),) = fake.posted()
    assert (place, found) == (channel, id_)
    assert (form["content"], form["nonce"], form["enforce_nonce"]) == ("Home: week 47", KEY, True)
    assert form["allowed_mentions"] == {"parse": []}
    assert form["_files"] == {"files[0]": PICTURE}
    assert form["attachments"] == [{"id": 0, "filename": "spaces.png", "description": "a chart"}]
    assert form["embeds"][0]["footer"] == {"text": "made today"}
    for number in range(230):
        fake.say(channel, ann, f"talk {number}")
    assert await connector.find(channel, KEY) == id_
    assert await connector.find("#Metrics", KEY) == id_
    assert await connector.find(channel, KEY[:-1]) is None


@pytest.mark.parametrize("post", [DIGEST, DIGEST._replace(payload=None, picture=None, text="long " * 1_000)])
async def test_buttons_stand_under_what_is_posted(
    fake: FakeDiscord, connector: DiscordConnector, post: Post
) -> None:
    channel = fake.add_channel("metrics")
    buttons = (
        Button("Questions", "explain questions"),
        Button("x" * 200, "help"),
        Button("Too long", "y" * 120),
    )
    ids = (await connector.post(channel, post._replace(buttons=buttons))).split(",")
    *before, last = [form for _, _, form in fake.posted()]
    assert [form.get("components") for form in before] == [None] * (len(ids) - 1)
    (row,) = last["components"]
    assert [button["custom_id"] for button in row["components"]] == ["say:explain questions", "say:help"]
    await connector.edit(channel, ",".join(ids), post)
    assert fake.requests[-1][2]["components"] == []


async def test_the_same_key_posts_once(fake: FakeDiscord, connector: DiscordConnector) -> None:
    channel = fake.add_channel("metrics")
    assert await connector.post(channel, DIGEST) == await connector.post(channel, DIGEST)
    assert len(fake.posted()) == 1


@pytest.mark.parametrize("kind", [503, 502, 0])
@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("picture", [PICTURE, None])
async def test_a_fault_while_posting(
    fake: FakeDiscord, connector: DiscordConnector, kind: int, after_effect: bool, picture: bytes | None
) -> None:
    """Asked once, also by the library, and looked for: a server may have forgotten the nonce."""
    fake.rest.knows_nonces = False
    channel = fake.add_channel("metrics")
    post = DIGEST._replace(picture=picture)
    posts = await connector._posts(channel)
    fake.rest.faults.failure_kinds = [kind]
    fake.fail(1, after_effect=after_effect)
    with pytest.raises(Unsure):
        await posts.send(post)
    assert [method for method, *_ in fake.requests].count("POST") == 1
    id_ = await connector.find(channel, KEY)
    assert (id_ is not None) == after_effect
    if id_ is None:
        id_ = await posts.send(post)
    ((_, found, form),) = fake.posted()
    assert found == id_
    assert form.get("_files", {}) == ({"files[0]": PICTURE} if picture else {})


@pytest.mark.parametrize("after_effect", [False, True])
async def test_unknown_is_not_failed(
    fake: FakeDiscord, connector: DiscordConnector, after_effect: bool
) -> None:
    channel = fake.add_channel("metrics")
    await connector.find(channel, KEY)
    fake.rest.faults.failure_kinds = [503]
    posts = await connector._posts(channel)
    fake.fail(4, after_effect=after_effect)
    with pytest.raises(Unsure):
        await posts.send(DIGEST)
    found = await connector.find(channel, KEY)
    assert (found is not None) == after_effect
    assert len(fake.posted()) == int(after_effect)


async def test_a_forum_gets_a_post_of_its_own(fake: FakeDiscord, connector: DiscordConnector) -> None:
    forum = fake.add_channel("reports", forum=True)
    assert await connector.find(forum, KEY) is None
    id_ = await connector.post(forum, DIGEST)
    assert [(place, found) for place, found, _ in fake.posted()] == [(forum, id_)]
    assert fake.rooms[id_].name == "Week 47"
    assert await connector.find(forum, KEY) == id_
    fake.archive(id_)
    assert await connector.find(forum, KEY) == id_
    await connector.edit(forum, id_, DIGEST._replace(payload=None, picture=None, text="changed"))
    assert fake.messages[id_].text.startswith("changed")
    reply = await connector.post(f"{forum}/{id_}", DIGEST._replace(key="another"))
    assert fake.posted()[-1][:2] == (f"{forum}/{id_}", reply)


@pytest.mark.parametrize("kind", [503, 0, 502])
async def test_a_forum_post_is_never_repeated_by_itself(
    fake: FakeDiscord, connector: DiscordConnector, kind: int
) -> None:
    forum = fake.add_channel("reports", forum=True)
    posts = await connector._posts(forum)
    fake.rest.faults.failure_kinds = [kind]
    fake.fail(1, after_effect=True)
    with pytest.raises(Unsure):
        await posts.send(DIGEST)
    assert len(fake.posted()) == 1
    assert await connector.find(forum, KEY) == fake.posted()[0][1]


async def test_a_long_text_in_parts(fake: FakeDiscord, connector: DiscordConnector) -> None:
    channel = fake.add_channel("metrics")
    text = "Hello @everyone and <@123>!\n" + "\n".join(
        f"line {number} of a long text" for number in range(250)
    )
    post = Post(KEY, "Week 47", text, None, PICTURE, "a chart")
    id_ = await connector.post(channel, post)
    ids = id_.split(",")
    texts = [fake.messages[each].text for each in ids]
    assert len(ids) == 4
    assert all(len(each) <= 2000 for each in texts)
    assert "@everyone" not in "".join(texts)
    assert "<@123>" not in "".join(texts)
    said = "\n".join(re.sub(r"\n-# .*$", "", each) for each in texts)
    assert said.splitlines()[1:] == text.splitlines()[1:]
    assert [len(form["_files"]) if "_files" in form else 0 for _, _, form in fake.posted()] == [1, 0, 0, 0]
    assert await connector.find(channel, KEY) == id_
    await connector.edit(channel, id_, post._replace(text="short", picture=None))
    assert [fake.messages[each].text for each in ids if each in fake.messages] == [f"short\n-# `{KEY}`"]
    await connector.edit(channel, ids[0], post)
    assert len(fake.messages[ids[0]].text) <= 2000
    assert len(fake.posted()) == 1


async def test_half_of_a_long_text_is_not_found(fake: FakeDiscord, connector: DiscordConnector) -> None:
    channel = fake.add_channel("metrics")
    post = Post(KEY, "Week 47", "line\n" * 1000)
    ids = (await connector.post(channel, post)).split(",")
    fake.delete(ids[1])
    assert await connector.find(channel, KEY) is None


async def test_an_edit_replaces_all(fake: FakeDiscord, connector: DiscordConnector) -> None:
    channel = fake.add_channel("metrics")
    id_ = await connector.post(channel, DIGEST)
    await connector.edit(channel, id_, DIGEST._replace(payload=PAYLOAD | {"content": "corrected"}))
    said = fake.messages[id_]
    assert (said.text, len(said.embeds), len(said.files)) == ("corrected", 1, 1)
    assert await connector.find(channel, KEY) == id_


async def test_wrong_places(fake: FakeDiscord, connector: DiscordConnector) -> None:
    closed = fake.add_channel("closed")
    fake.refuse(closed)
    for place, words in (
        ("nowhere", "no channel 'nowhere'"),
        ("123", "no channel or thread 123"),
        (closed, "permissions"),
    ):
        with pytest.raises(Misconfigured, match=words):
            await connector.post(place, DIGEST)
    fake.revoke()
    with pytest.raises(Misconfigured, match="Reset Token"):
        await connector.post(closed, DIGEST)


def test_nonces() -> None:
    found = [nonce(KEY, number) for number in range(5)]
    assert found[0] == KEY
    assert len(set(found)) == 5
    assert max(map(len, found)) <= 25


# --- spaces check ---------------------------------------------------------------------------------------------------


def bad(findings: list[Finding]) -> list[str]:
    return [finding.words for finding in findings if not finding.good]


async def test_all_is_well(fake: FakeDiscord, connector: DiscordConnector) -> None:
    fake.add_channel("help")
    fake.add_channel("secret", private=True)
    findings = await connector.check()
    assert bad(findings) == []
    words = [finding.words for finding in findings]
    assert "In Home the bot can read 1 of 1 channels." in words
    assert "In Home the bot may offer its commands." in words
    assert fake.gateway.identified == []


async def test_what_is_missing_is_named(fake: FakeDiscord, connector: DiscordConnector) -> None:
    fake.flags = 0
    fake.refuse(fake.add_channel("help"))
    fake.add_channel("open")
    content, members, channel = bad(await connector.check())
    assert content.startswith(
        "The bot cannot read what people write: turn on 'Message Content Intent' at https://discord"
    )
    assert "'Server Members Intent'" in members
    assert "'View Channel' and 'Read Message History' in #help:" in channel


async def test_commands_that_cannot_be_offered(fake: FakeDiscord, connector: DiscordConnector) -> None:
    fake.add_channel("help")
    fake.talk.scope = False
    (finding,) = bad(await connector.check())
    assert finding.startswith(
        "In Home the bot may not offer its commands, though reading works: invite it again with https://"
    )
    assert "&scope=bot+applications.commands&" in finding
    fake.talk.scope = True
    fake.rest.application_more = {"interactions_endpoint_url": "https://example.org/interactions"}
    (finding,) = bad(await connector.check())
    assert "empty 'Interactions Endpoint URL' at https://discord.com/developers/applications/" in finding


@pytest.mark.parametrize(
    ("secret", "words"), [("wrong", "does not accept the bot token"), ("", "There is no bot token")]
)
async def test_a_bad_token(fake: FakeDiscord, secret: str, words: str) -> None:
    connector = DiscordConnector(fake.settings, {"bot_token": secret})
    (finding,) = bad(await connector.check())
    assert words in finding
    await connector.close()


async def test_bad_addresses(fake: FakeDiscord) -> None:
    connector = DiscordConnector(fake.settings | {"api_url": "http://127.0.0.1:9/api/v10"}, fake.secrets)
    assert "http://127.0.0.1:9/api/v10 cannot be reached" in bad(await connector.check())[0]
    await connector.close()
    connector = DiscordConnector(fake.settings | {"gateway_url": "ws://127.0.0.1:9/"}, fake.secrets)
    assert "gateway ws://127.0.0.1:9/ cannot be reached" in bad(await connector.check())[0]
    await connector.close()


async def test_a_bot_that_was_not_invited(fake: FakeDiscord, connector: DiscordConnector) -> None:
    fake.in_guild = False
    (finding,) = bad(await connector.check())
    assert invite_link(shapes.APPLICATION) in finding
    connector = DiscordConnector({**fake.settings, "server": ""}, fake.secrets)
    assert "The bot is in no server: invite it with" in bad(await connector.check())[0]
    await connector.close()


async def test_a_clock_that_is_wrong(
    fake: FakeDiscord, connector: DiscordConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.add_channel("help")
    late = format_datetime(datetime(2020, 1, 1, tzinfo=UTC), usegmt=True)
    monkeypatch.setattr("aiohttp.web_response.rfc822_formatted_time", lambda: late)
    (finding,) = bad(await connector.check())
    assert "ahead of Discord's: switch on time synchronisation" in finding


def test_the_invitation() -> None:
    assert PERMISSIONS == 274878024704
    assert (
        invite_link("5")
        == f"https://discord.com/oauth2/authorize?client_id=5&scope=bot+applications.commands&permissions={PERMISSIONS}"
    )
    assert not PERMISSIONS & (1 << 3)
