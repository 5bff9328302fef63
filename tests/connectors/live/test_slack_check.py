"""What we say on Slack, and what an operator got wrong: once, and in one sentence with its cure."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from connectors.errors import Misconfigured, Unsure
from connectors.records import Post
from connectors.slack import SlackConnector
from tests.connectors.live.slack_room import town
from tests.fakes.slack import SCOPES, FakeSlack
from tests.fakes.slack_kept import Kept


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    fake = FakeSlack()
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
async def connector(slack: FakeSlack) -> AsyncIterator[SlackConnector]:
    made = SlackConnector(slack.settings | {"silence_seconds": 0.5}, slack.secrets)
    yield made
    await made.close()


# --- posting ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after_effect", [False, True])
async def test_unknown_is_not_failed(slack: FakeSlack, connector: SlackConnector, after_effect: bool) -> None:
    channel = slack.add_channel("general")
    await connector.find(channel, "k1")
    for turn in range(4):
        key = f"k{turn}"
        slack.fail(1, after_effect=after_effect)
        with pytest.raises(Unsure):
            await connector.post(channel, Post(key, "t", "x"))
        assert (await connector.find(channel, key) is not None) == after_effect


async def test_the_key_is_found_though_metadata_is_lost(slack: FakeSlack, connector: SlackConnector) -> None:
    channel = slack.add_channel("general")
    id_ = await connector.post(channel, Post("k1", "t", "x" * 200_000))
    for row in slack.rooms[channel].rows.values():
        row.pop("metadata", None)
    assert await connector.find(channel, "k1") == id_
    assert await connector.find(channel, "k2") is None
    await connector.edit(channel, id_, Post("k1", "t", "y"))
    slack.find(id_)[1].pop("metadata", None)
    assert await connector.find(channel, "k1") == id_


async def test_a_limited_post_is_sent_once(slack: FakeSlack, connector: SlackConnector) -> None:
    channel = slack.add_channel("general")
    slack.limit(3, 0.05)
    await connector.post("#general", Post("k", "t", "x" * 9000 + "\n\n```\n" + "y\n" * 4000 + "```"))
    ((place, _, form),) = slack.posted()
    assert place == channel
    assert all(len(block["text"]["text"]) <= 3000 for block in form["blocks"])
    assert len(form["text"]) <= 4000


async def test_where_nothing_can_be_said(slack: FakeSlack, connector: SlackConnector) -> None:
    channel = slack.add_channel("general")
    post = Post("k", "t", "x")
    slack.refuse(channel)
    with pytest.raises(Misconfigured, match="/invite"):
        await connector.post(channel, post)
    slack.invite(channel)
    slack.archive(channel)
    with pytest.raises(Misconfigured, match="archived"):
        await connector.post(channel, post)
    with pytest.raises(Misconfigured, match="no Slack channel"):
        await connector.post("#nowhere", post)


# --- check ------------------------------------------------------------------------------------------------------


async def wrong(slack: FakeSlack, **secrets: str) -> list[str]:
    connector = SlackConnector(slack.settings, slack.secrets | secrets)
    findings = await connector.check()
    await connector.close()
    return [finding.words for finding in findings if not finding.good]


async def test_all_is_well(slack: FakeSlack) -> None:
    town(slack)
    assert await wrong(slack) == []


@pytest.mark.parametrize(
    ("secrets", "words"),
    [
        ({"bot_token": ""}, "The Slack bot token is missing"),
        ({"bot_token": "xoxp-1"}, "The Slack bot token is a user token"),
        ({"bot_token": "xapp-1"}, "The Slack bot token is an app-level token"),
        ({"app_token": "xoxb-1"}, "The Slack app token is a bot token"),
        ({"bot_token": "xoxb-wrong"}, "does not take a token of this kind"),
    ],
)
async def test_a_token_of_the_wrong_kind(slack: FakeSlack, secrets: dict[str, str], words: str) -> None:
    town(slack)
    (found,) = await wrong(slack, **secrets)
    assert words in found
    assert "https://api.slack.com/apps" in found
    assert not any(secret and secret in found for secret in secrets.values())
    connector = SlackConnector(slack.settings, slack.secrets | secrets)
    with pytest.raises(Misconfigured):
        await asyncio.wait_for(connector.listen(Kept()), 10)
    await connector.close()


@pytest.mark.parametrize(
    "scope", ["channels:history", "users:read", "chat:write", "files:write", "reactions:read"]
)
async def test_a_missing_scope_is_named(slack: FakeSlack, scope: str) -> None:
    town(slack)
    slack.scopes = ",".join(one for one in SCOPES.split(",") if one != scope)
    (found,) = await wrong(slack)
    assert f"The bot scope {scope} is missing" in found


async def test_other_findings(slack: FakeSlack) -> None:
    town(slack)
    outside = slack.add_channel("outside")
    slack.refuse(outside)
    assert await wrong(slack) == [
        "The bot is no member of #outside: write /invite @spaces there, or name them under exclude."
    ]
    slack.invite(outside)
    slack.api.date = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    (clock,) = await wrong(slack)
    assert "clock" in clock
    slack.api.date = None
    slack.api.errors["apps.connections.open"] = "socket_mode_not_enabled"
    (socket,) = await wrong(slack)
    assert "Socket Mode" in socket
    slack.settings["api_url"] = "http://127.0.0.1:1/api/"
    assert any("nothing answers at http://127.0.0.1:1/api/" in words for words in await wrong(slack))
