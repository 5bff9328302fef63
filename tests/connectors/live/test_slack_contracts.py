"""The fake workspace against what Slack publishes of itself, and the manifest against what the connector needs."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from connectors.records import Button, Post
from connectors.slack import SlackConnector
from connectors.slack_checks import SCOPES
from connectors.slack_menus import SHORTCUT
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

# In events only, newer than the samples, or told in prose alone.
MORE = {
    "event_ts", "reply_users", "team", "reactions", "files", "is_app_user", "metadata", "blocks", "actions", "values",
    "action_ts", "channel", "state", "user_profile", "key", "response_url", "response_urls", "auto_type", "deleted_by",
}  # fmt: skip

TEXT = {"type": "plain_text", "text": "x", "emoji": False}
VIEW = {
    "type": "modal", "callback_id": "another", "private_metadata": "", "title": TEXT, "submit": TEXT, "close": TEXT,
    "blocks": [{
        "type": "input", "block_id": "b", "label": TEXT,
        "element": {"type": "static_select", "action_id": "a", "options": [{"text": TEXT, "value": "a"}]},
    }],
}  # fmt: skip


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


async def test_requests_have_the_published_form(slack: FakeSlack, contracts: Path) -> None:
    general, ann = slack.add_channel("general"), slack.add_member("ann")
    connector, kept = SlackConnector(slack.settings, slack.secrets), Kept()
    said = slack.say(general, ann, "one")
    async with listening(connector, kept):
        post = await connector.post(general, Post("k", "t", "x", buttons=(Button("Why?", "explain"),)))
        asked = {
            "slash-commands/SlashCommand": slack.talk.command(ann, general, "weekly"),
            "interactive-components/MessageShortcut": slack.talk.shortcut(ann, said, "another"),
            "interactive-components/BlockAction": slack.talk.press(ann, post, "Why?"),
        }
        view = slack.talk.kept("V1", asked["slash-commands/SlashCommand"], VIEW)
        asked["views/ViewSubmission"] = slack.talk.submit(ann, view["id"], "a")
        for each in asked.values():
            await asyncio.wait_for(each.acknowledged.wait(), 10)
    await connector.close()
    for name, each in asked.items():
        sample = json.loads((contracts / "interactive" / f"{name}Payload.json").read_text("utf-8"))
        # A form, as a command comes, knows texts alone.
        assert differences(each.body | {"is_enterprise_install": False}, sample, name) == []


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
        "chat.postEphemeral": {"channel": general, "user": ann, "text": "x"}, "conversations.open": {"users": ann},
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
    assert scopes >= SCOPES.keys() | {
        "users:read.email", "usergroups:read", "groups:read", "groups:history", "im:write",
    }  # fmt: skip
    events = set(MANIFEST["settings"]["event_subscriptions"]["bot_events"])
    told = {kind for kind, _ in SAMPLES if kind != "message"} | {
        "message.channels",
        "message.groups",
        "app_mention",
    }
    assert told <= events
    assert MANIFEST["settings"]["socket_mode_enabled"] is True
    assert MANIFEST["settings"]["interactivity"]["is_enabled"] is True
    (shortcut,) = MANIFEST["features"]["shortcuts"]
    assert (shortcut["type"], shortcut["callback_id"]) == ("message", SHORTCUT)
    assert len(shortcut["name"]) <= 24
    assert MANIFEST["features"]["app_home"]["messages_tab_enabled"] is True, (
        "else nothing can be said directly"
    )
    assert MANIFEST["features"]["slash_commands"][0]["command"] == "/spaces"
