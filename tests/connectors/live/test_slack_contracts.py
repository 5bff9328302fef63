"""The fake workspace against what Slack publishes of itself, and the manifest against what the connector needs."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from connectors.slack import SlackConnector
from connectors.slack_checks import SCOPES
from tests.connectors.live.slack_room import listening
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_kept import Kept

ROOT = Path(__file__).parents[3]
CONTRACTS = ROOT.parent / "shared" / "contracts" / "slack"
MANIFEST = json.loads((ROOT / "docs" / "slack-app-manifest.json").read_text("utf-8"))

SAMPLES = {
    ("message", None): "Message", ("message", "message_changed"): "MessageChanged",
    ("message", "message_deleted"): "MessageDeleted", ("message", "thread_broadcast"): "MessageThreadBroadcast",
    ("message", "me_message"): "MessageMe", ("reaction_added", None): "ReactionAdded",
    ("reaction_removed", None): "ReactionRemoved", ("channel_created", None): "ChannelCreated",
    ("channel_rename", None): "ChannelRename", ("channel_archive", None): "ChannelArchive",
    ("channel_deleted", None): "ChannelDeleted", ("channel_left", None): "ChannelLeft",
    ("member_joined_channel", None): "MemberJoinedChannel", ("team_join", None): "TeamJoin",
    ("tokens_revoked", None): "TokensRevoked", ("subteam_created", None): "SubteamCreated",
    ("subteam_members_changed", None): "SubteamMembersChanged",
}  # fmt: skip

# In events only, or newer than the samples.
MORE = {"event_ts", "reply_users", "team", "reactions", "files", "is_app_user", "auto_type", "deleted_by"}


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    fake = FakeSlack()
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
def contracts() -> Path:
    if not CONTRACTS.is_dir():
        pytest.skip(f"Slack's published contracts are not at {CONTRACTS}")
    return CONTRACTS


def differences(told: Any, sample: Any, where: str = "") -> list[str]:
    """Keys that the sample does not know, and values of another kind than its."""
    if isinstance(told, dict) and isinstance(sample, dict):
        found = [f"{where}.{key} is unknown" for key in told.keys() - sample.keys() - MORE]
        for key in told.keys() & sample.keys():
            found += differences(told[key], sample[key], f"{where}.{key}")
        return found
    if told is None or type(told) is type(sample) or {type(told), type(sample)} == {int, bool}:
        return []
    return [f"{where} is {type(told).__name__}, not {type(sample).__name__}"]


async def test_events_have_the_published_form(slack: FakeSlack, contracts: Path) -> None:
    connector, kept = SlackConnector(slack.settings, slack.secrets), Kept()
    async with listening(connector, kept):
        general, ann = slack.add_channel("general"), slack.add_member("ann")
        first = slack.say(general, ann, "one")
        slack.say(general, ann, "two", thread=first)
        slack.say(general, ann, "three", thread=first, subtype="thread_broadcast")
        slack.regroup(slack.add_group("Our team", "team", []), [ann])
        gone = slack.say(general, ann, "four", subtype="me_message")
        slack.edit(first, "uno")
        slack.react(first, "tada", ann)
        slack.unreact(first, "tada", ann)
        slack.delete(gone)
        slack.rename(general, "plaza")
        slack.archive(general)
        slack.refuse(general)
        slack.delete_channel(general)
        slack.wire.emit({"type": "tokens_revoked", "tokens": {"oauth": [ann], "bot": []}})
        await asyncio.wait_for(slack.wire.quiet(), 10)
    await connector.close()
    seen = set()
    for envelope in slack.wire.sent:
        payload, event = envelope["payload"], envelope["payload"]["event"]
        kind = (event["type"], event.get("subtype"))
        sample = json.loads((contracts / "events" / f"{SAMPLES[kind]}Payload.json").read_text("utf-8"))
        assert payload.keys() <= sample.keys() | {"authorizations", "event_context", "event_time"}
        assert differences(event, sample["event"], SAMPLES[kind]) == []
        seen.add(kind)
    assert seen == SAMPLES.keys()


async def test_answers_have_what_is_published_as_required(slack: FakeSlack, contracts: Path) -> None:
    with gzip.open(contracts / "specs" / "slack_web_openapi_v2.json.gz") as file:
        spec = json.load(file)
    general, ann = slack.add_channel("general"), slack.add_member("ann")
    first = slack.say(general, ann, "one")
    slack.say(general, ann, "two", thread=first)
    ts = first.partition(":")[2]
    asked: dict[str, dict[str, str]] = {
        "auth.test": {}, "conversations.list": {}, "conversations.info": {"channel": general}, "users.list": {},
        "usergroups.list": {},
        "users.info": {"user": ann}, "conversations.history": {"channel": general},
        "conversations.replies": {"channel": general, "ts": ts}, "conversations.members": {"channel": general},
        "chat.postMessage": {"channel": general, "text": "x"},
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {slack.secrets['bot_token']}"}
    async with aiohttp.ClientSession() as session:
        for method, params in asked.items():
            async with session.get(
                slack.settings["api_url"] + method, params=params, headers=headers
            ) as response:
                told = await response.json()
            (verb,) = spec["paths"][f"/{method}"].values()
            assert told["ok"], (method, told)
            assert set(verb["responses"]["200"]["schema"]["required"]) <= told.keys(), method
    (person, *_) = spec["definitions"]["objs_user"]["items"]
    message, subteam = spec["definitions"]["objs_message"], spec["definitions"]["objs_subteam"]
    slack.add_group("Our team", "team", [ann])
    for schema, rows in (
        (person, slack.users.values()), (message, slack.rooms[general].rows.values()), (subteam, slack.groups.values())
    ):  # fmt: skip
        for row in rows:
            assert set(schema["required"]) <= row.keys()


def test_the_manifest_asks_for_every_scope_and_event() -> None:
    scopes = set(MANIFEST["oauth_config"]["scopes"]["bot"])
    assert scopes >= SCOPES.keys() | {"users:read.email", "usergroups:read", "groups:read", "groups:history"}
    events = set(MANIFEST["settings"]["event_subscriptions"]["bot_events"])
    told = {kind for kind, _ in SAMPLES if kind != "message"} | {
        "message.channels",
        "message.groups",
        "app_mention",
    }
    assert told <= events
    assert MANIFEST["settings"]["socket_mode_enabled"] is True
    assert MANIFEST["features"]["slash_commands"][0]["command"] == "/spaces"
