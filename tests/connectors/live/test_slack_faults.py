"""Slack's events, when something is wrong: nothing lost, nothing taken back, nothing hangs."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from connectors.errors import Misconfigured, Unavailable
from connectors.slack import SlackConnector
from tests.connectors.live.slack_room import listening, read, town
from tests.fakes.slack import FakeSlack
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


# --- listening --------------------------------------------------------------------------------------------------


async def test_what_was_not_kept_is_not_acknowledged_and_comes_again(
    slack: FakeSlack, connector: SlackConnector
) -> None:
    channel = town(slack)
    slack.wire.ack_seconds = 0.2
    kept = Kept()
    async with listening(connector, kept):
        await asyncio.wait_for(slack.wire.quiet(), 10)
        kept.failing.append(RuntimeError("the disk is full"))
        said = slack.say(channel, "U000000001", "once more")
        await kept.until(lambda: said in kept.standing())
        await asyncio.wait_for(slack.wire.quiet(), 10)
    attempts = [
        env["retry_attempt"] for env in slack.wire.sent if env["payload"]["event"].get("text") == "once more"
    ]
    assert attempts == [0, 1]


async def test_a_late_copy_of_an_event_takes_nothing_back(
    slack: FakeSlack, connector: SlackConnector
) -> None:
    channel = town(slack)
    kept = Kept()
    async with listening(connector, kept):
        said = slack.say(channel, "U000000001", "first")
        old = {**slack.find(said)[1], "channel": channel, "channel_type": "channel"}
        slack.react(said, "tada", "U000000002")
        await kept.until(lambda: said in kept.standing() and bool(kept.standing()[said].reactions))
        slack.wire.emit(old)
        await asyncio.wait_for(slack.wire.quiet(), 10)
        assert kept.standing()[said] == slack.standing()[said]
        slack.delete(said)
        await kept.until(lambda: said not in kept.standing())
        slack.wire.emit(old)
        await asyncio.wait_for(slack.wire.quiet(), 10)
        assert said not in kept.standing()


async def test_an_edit_that_slack_does_not_show_is_taken_from_its_event(
    slack: FakeSlack, connector: SlackConnector
) -> None:
    channel, ann, kept = slack.add_channel("general"), slack.add_member("ann"), Kept()
    async with listening(connector, kept):
        first, second = slack.say(channel, ann, "one"), slack.say(channel, ann, "two")
        await kept.equals(slack.standing)
        slack.api.errors |= {
            "conversations.history": "fatal_in_part",
            "conversations.replies": "fatal_in_part",
        }
        slack.edit(first, "edited")
        await kept.equals(slack.standing)
        slack.delete(second)
        await kept.equals(slack.standing)
        # The edit that was before the deletion comes after it.
        at = second.partition(":")[2]
        row = {
            "type": "message",
            "ts": at,
            "user": ann,
            "text": "too late",
            "edited": {"user": ann, "ts": at},
        }
        slack.wire.emit({"type": "message", "subtype": "message_changed", "channel": channel, "message": row,
                         "previous_message": row | {"edited": None}, "ts": slack.ts(), "channel_type": "channel"})  # fmt: skip
        await asyncio.wait_for(slack.wire.quiet(), 10)
        assert kept.standing() == slack.standing()


async def test_a_stale_socket_is_made_anew(slack: FakeSlack, connector: SlackConnector) -> None:
    channel = town(slack)
    kept = Kept()
    async with listening(connector, kept):
        slack.wire.silent = True
        said = slack.say(channel, "U000000001", "nobody hears")
        slack.wire.connected.clear()
        await asyncio.wait_for(slack.wire.connected.wait(), 10)
        slack.wire.silent = False
        await kept.until(lambda: said in kept.standing(), 20)


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_a_routine_goodbye_is_followed_by_a_new_connection(
    slack: FakeSlack, connector: SlackConnector, reason: str
) -> None:
    channel = town(slack)
    kept = Kept()
    async with listening(connector, kept):
        for n in range(3):
            gaps = kept.gaps
            slack.wire.disconnect(reason)
            said = slack.say(channel, "U000000001", f"while it changes {n}")
            await kept.until(lambda said=said, gaps=gaps: said in kept.standing() and kept.gaps > gaps)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("reason", "error"), [("link_disabled", Misconfigured), ("too_many_websockets", Unavailable)]
)
async def test_a_goodbye_for_good(
    slack: FakeSlack, connector: SlackConnector, reason: str, error: type[Exception]
) -> None:
    town(slack)
    kept = Kept()
    async with listening(connector, kept) as task:
        slack.wire.disconnect(reason)
        with pytest.raises(error, match=reason if error is Misconfigured else "running twice"):
            await asyncio.wait_for(task, 10)


async def test_a_revoked_token_ends_it(slack: FakeSlack, connector: SlackConnector) -> None:
    town(slack)
    kept = Kept()
    async with listening(connector, kept) as task:
        slack.revoke()
        with pytest.raises(Misconfigured, match="copy the"):
            await asyncio.wait_for(task, 10)
    with pytest.raises(Misconfigured, match="token_revoked"):
        await read(connector, kept)


async def test_odd_events_are_survived(slack: FakeSlack, connector: SlackConnector) -> None:
    channel = town(slack)
    kept = Kept()
    async with listening(connector, kept):
        for event in (
            {"type": "message", "channel": channel, "channel_type": "channel"},
            {"type": "message", "subtype": "message_changed", "channel": channel, "message": None},
            {"type": "reaction_added", "item": {"type": "message", "channel": channel, "ts": "x"}, "user": "U1"},
            {"type": "reaction_added", "item": {"type": "file", "file": "F1"}, "user": "U1"},
            {"type": "team_join", "user": "U1"}, {"type": "channel_rename", "channel": {}}, {"type": "new_thing"},
            {"type": "app_rate_limited", "minute_rate_limited": 1, "team_id": "T", "api_app_id": "A"},
        ):  # fmt: skip
            gaps = kept.gaps
            slack.wire.emit(event)
        await asyncio.wait_for(slack.wire.quiet(), 10)
        assert kept.gaps >= gaps + 1
        said = slack.say(channel, "U000000001", "all is well")
        await kept.until(lambda: said in kept.standing())


async def test_nothing_secret_and_nothing_said_is_logged(
    slack: FakeSlack, connector: SlackConnector, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    channel = town(slack)
    slack.wire.ack_seconds = 0.2
    kept = Kept()
    async with listening(connector, kept):
        kept.failing.append(RuntimeError("question of confidence"))
        said = slack.say(channel, "U000000001", "a question of confidence")
        await kept.until(lambda: said in kept.standing())
        slack.cut()
        await read(connector, kept)
    assert caplog.records, "something is logged, or this proves nothing"
    assert not [word for word in ("question", "xoxb-", "xapp-", "ticket=") if word in caplog.text]


# --- HTTP -------------------------------------------------------------------------------------------------------


async def test_only_slack_is_heard_over_http() -> None:
    slack = FakeSlack(http_events=True)
    await slack.start()
    connector = SlackConnector(slack.settings, slack.secrets)
    channel, kept = slack.add_channel("general"), Kept()
    event = {
        "type": "message",
        "channel": channel,
        "channel_type": "channel",
        "user": "U1",
        "ts": slack.ts(),
        "text": "a forgery",
    }
    text = json.dumps({"type": "event_callback", "event": event, "event_id": "Ev1"})
    url = f"http://{slack.settings['listen']}/slack/events"
    async with listening(connector, kept), aiohttp.ClientSession() as session:

        async def sent(text: str, headers: dict[str, Any]) -> tuple[int, str]:
            async with session.post(url, data=text.encode(), headers=headers) as response:
                return response.status, await response.text()

        long_ago = int(datetime.now(UTC).timestamp()) - 600
        assert (await sent(text, {"Content-Type": "application/json"}))[0] == 401
        assert (await sent(text, slack.wire.sign(text, secret="wrong")))[0] == 401
        assert (await sent(text, slack.wire.sign(text, at=long_ago)))[0] == 401
        assert not kept.standing()
        challenge = json.dumps({"type": "url_verification", "challenge": "abc", "token": "t"})
        assert "abc" in (await sent(challenge, slack.wire.sign(challenge)))[1]
        retry = slack.wire.sign(text) | {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_timeout"}
        assert (await sent(text, retry))[0] == 200
        assert [row.text for row in kept.standing().values()] == ["a forgery"], (
            "a retry is as good as a first try"
        )
        kept.failing.append(RuntimeError)  # type: ignore[arg-type]
        event["ts"] = slack.ts()
        text = json.dumps({"type": "event_callback", "event": event, "event_id": "Ev2"})
        assert (await sent(text, slack.wire.sign(text)))[0] == 503
    await connector.close()
    await slack.stop()
