"""Buttons, and requests of a form that nobody expects."""

import asyncio
import logging
from typing import Any

import pytest

from connectors.records import Button, Post, Reply
from connectors.slack import SlackConnector
from tests.connectors.live.slack_talk.room import Inbox
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_shown import Asked
from tests.fakes.slack_talk import Talk


# --- buttons ----------------------------------------------------------------------------------------------------------
async def test_buttons_stand_under_posts_and_answers_and_are_commands(
    slack: FakeSlack, connector: SlackConnector, inbox: Inbox, talk: Talk, general: str
) -> None:
    ann = slack.add_member("ann")
    long = "What is behind this number, and how is it counted? " * 3
    buttons = (Button("Explain", "explain questions"), Button(long, "help"))
    post = await connector.post(general, Post("weekly42", "The week", "All well.", buttons=buttons))
    inbox.reply = Reply("It is so.", buttons=(Button("Why?", "explain why"),))
    pressed = talk.press(ann, post, "Explain")
    talk.again(pressed)
    (shown,) = await talk.seen(ann)
    talk.press(ann, shown, "Why?")
    await talk.seen(ann, 2)
    first, second = inbox.commands
    assert (first.text, first.via, first.channel_id, first.thread_id) == (
        "explain questions",
        "button",
        general,
        None,
    )
    assert (second.text, second.via) == ("explain why", "button")
    assert len(slack.posted()) == 1, "the post stands as it was"
    assert slack.posted()[0][2]["blocks"][-1]["type"] == "actions"


async def test_a_button_in_a_thread_answers_in_the_thread(
    slack: FakeSlack, connector: SlackConnector, inbox: Inbox, talk: Talk, general: str
) -> None:
    ann = slack.add_member("ann")
    root = slack.say(general, ann, "Digests")
    place = root.replace(":", "/")
    post = await connector.post(
        place, Post("weekly42", "The week", "All well.", buttons=(Button("Why?", "explain"),))
    )
    inbox.reply = Reply("It is so.", buttons=(Button("And why that?", "explain"),))
    talk.press(ann, post, "Why?")
    (shown,) = await talk.seen(ann)
    talk.press(ann, shown, "And why that?")
    assert {shown.thread for shown in await talk.seen(ann, 2)} == {root.partition(":")[2]}
    assert {command.thread_id for command in inbox.commands} == {root}


# --- malformed --------------------------------------------------------------------------------------------------------
USER = {"user": {"id": "U000000001", "username": "ann"}}
ODD: list[tuple[str, dict[str, Any]]] = [
    ("slash_commands", {"command": "/spaces"}),
    ("slash_commands", {"command": "/spaces", "user_id": "", "text": ""}),
    ("interactive", {}),
    ("interactive", {"type": "block_actions"}),
    ("interactive", {"type": "block_actions", **USER, "actions": [None]}),
    (
        "interactive",
        {"type": "block_actions", **USER, "actions": [{"action_id": "other", "value": "weekly"}]},
    ),
    ("interactive", {"type": "block_actions", **USER, "actions": [{"action_id": None}], "container": None}),
    ("interactive", {"type": "message_action", **USER, "callback_id": "spaces_tag"}),
    ("interactive", {"type": "message_action", **USER, "callback_id": "another"}),
    ("interactive", {"type": "view_submission", "view": None}),
    ("interactive", {"type": "view_submission", **USER, "view": {"callback_id": "another"}}),
    ("interactive", {"type": "view_closed", **USER, "view": {}}),
    ("interactive", {"type": "shortcut", **USER, "callback_id": "x"}),
    ("interactive", {"type": "something_new", **USER}),
]


async def test_odd_requests_are_acknowledged_and_survived(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    ann = slack.add_member("ann")
    asked: list[Asked] = [talk.raw(kind, body) for kind, body in ODD]
    for each in asked:
        await asyncio.wait_for(each.acknowledged.wait(), 3)
    talk.command(ann, general, "weekly")
    await talk.seen(ann)
    assert [command.text for command in inbox.commands] == ["weekly"]


async def test_a_modal_of_another_version_is_answered_directly(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    del general
    ann = slack.add_member("ann")
    body = {
        "type": "view_submission",
        "user": {"id": ann},
        "view": {"callback_id": "spaces_tag", "id": "V1", "private_metadata": "?"},
    }
    talk.raw("interactive", body)
    (shown,) = await talk.seen(ann)
    assert shown.channel.startswith("D")
    assert (inbox.commands[0].message, inbox.commands[0].options) == (None, {})


async def test_little_is_enough(slack: FakeSlack, inbox: Inbox, talk: Talk, general: str) -> None:
    ann = slack.add_member("ann")
    talk.raw("slash_commands", {"command": "/spaces", "user_id": ann, "channel_id": general})
    (shown,) = await talk.seen(ann)
    assert (shown.channel, inbox.commands[0].text) == (general, "")


async def test_nothing_said_and_no_address_is_logged(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ann = slack.add_member("ann")
    inbox.reply = Reply("A confidential answer.")
    talk.command(ann, general, "confidential question").age(1801)
    await talk.seen(ann)
    assert "response address" in caplog.text
    assert not [word for word in ("onfidential", "/respond/", "xoxb-") if word in caplog.text]
