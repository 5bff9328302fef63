"""Answers that are long, late or unwelcome reach whoever asked all the same."""

import pytest

from connectors.records import Button, Reply
from tests.connectors.live.slack_talk.room import Inbox, blocks
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_talk import Talk

LONG = "\n\n".join(
    [
        "Grüße 👩‍👩‍👧‍👦 an alle — ¿qué tal? " * 40,
        "```\n" + "línea 🏳️‍🌈 de código\n" * 400 + "```",
        "x" * 7000,
        "👍🏽" * 3000,
        "The end.",
    ]
)


async def test_a_long_answer_arrives_whole_and_within_the_limits(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    ann = slack.add_member("ann")
    inbox.reply = Reply(LONG * 4, title="Everything", buttons=(Button("More", "weekly"),))
    asked = talk.command(ann, general, "weekly")
    await talk.until(lambda: talk.shown and "actions" in blocks(talk.shown[-1]))
    # Five at the response address, as many as it takes; the rest beside it.
    assert len(asked.answers) == 5
    assert asked.refused == []
    assert len(talk.shown) > 5
    texts = [
        block["text"]["text"]
        for shown in talk.shown
        for block in shown.message["blocks"]
        if block["type"] == "section"
    ]
    assert all(text.count("```") % 2 == 0 for text in texts)
    said = "".join(texts)
    assert said.count("The end.") == 4
    assert said.count("x" * 500) >= 4 * 13
    assert said.count("👍🏽") == 12_000
    assert said.count("👩‍👩‍👧‍👦") == 160
    assert said.count("línea 🏳️‍🌈 de código") == 1600
    assert [blocks(shown)[0] for shown in talk.shown].count("header") == 1
    assert sum("actions" in blocks(shown) for shown in talk.shown) == 1


async def test_an_expired_address_is_followed_by_a_message_beside(
    slack: FakeSlack, talk: Talk, general: str
) -> None:
    ann = slack.add_member("ann")
    talk.command(ann, general, "weekly").age(1801)
    (shown,) = await talk.seen(ann)
    assert (shown.channel, shown.words) == (general, "Here you are.")
    assert talk.asked[0].refused == ["expired_url"]
    assert slack.posted() == []


async def test_where_the_bot_is_outside_it_answers_directly(
    slack: FakeSlack, talk: Talk, general: str
) -> None:
    ann = slack.add_member("ann")
    slack.rooms[general].member = False
    talk.command(ann, general, "weekly").age(1801)
    (shown,) = await talk.seen(ann)
    assert shown.channel.startswith("D")
    assert shown.words == "Here you are."


async def test_a_public_answer_whose_address_expired_is_posted(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    ann, inbox.reply = slack.add_member("ann"), Reply("For all.", public=True)
    talk.command(ann, general, "weekly public").age(1801)
    await talk.until(slack.posted)
    assert talk.shown == []
    slack.archive(general)
    talk.command(ann, general, "weekly public").age(1801)
    (shown,) = await talk.seen(ann)
    assert shown.channel.startswith("D"), "where it cannot be posted, whoever asked sees it at least"
    assert len(slack.posted()) == 1


@pytest.mark.parametrize("broken", ["500", "reset", "channel_not_found"])
async def test_an_address_that_is_broken(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str, broken: str
) -> None:
    ann, talk.broken = slack.add_member("ann"), broken
    talk.command(ann, general, "weekly")
    (shown,) = await talk.seen(ann)
    assert shown.words == "Here you are."
    inbox.reply = Reply("For all.", public=True)
    talk.command(ann, general, "weekly public")
    if broken == "channel_not_found":
        await talk.until(slack.posted)
    else:  # it may stand there already: it is not said to all again
        assert [shown.words for shown in await talk.seen(ann, 2)][1] == "For all."
        assert slack.posted() == []


async def test_blocks_that_slack_does_not_take_are_said_as_text(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    ann = slack.add_member("ann")
    inbox.reply = Reply("In words.", payload={"text": "In words.", "blocks": [{"type": "hologram"}]})
    asked = talk.command(ann, general, "weekly")
    await talk.seen(ann)
    assert len(asked.answers) == 1
    talk.command(ann, general, "weekly").age(1801)
    assert [shown.words for shown in await talk.seen(ann, 2)] == ["In words."] * 2


async def test_a_picture_is_shown_directly_or_to_all(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    ann = slack.add_member("ann")
    inbox.reply = Reply("See the chart.", picture=b"\x89PNG", alt="A chart")
    talk.command(ann, general, "chart")
    await talk.until(lambda: slack.api.shared)
    inbox.reply = inbox.reply._replace(public=True)
    talk.command(ann, general, "chart public")
    await talk.until(lambda: len(slack.api.shared) > 1)
    private, shared = slack.api.shared
    assert private["channel"].startswith("D")
    assert shared["channel"] == general
    assert [file["alt"] for file in slack.api.files.values()] == ["A chart"] * 2


async def test_limits_and_faults_of_the_web_api_pass(slack: FakeSlack, talk: Talk, general: str) -> None:
    ann = slack.add_member("ann")
    slack.limit(2, 0.05)
    slack.fail(2)
    talk.command(ann, general, "weekly").age(1801)
    assert [shown.words for shown in await talk.seen(ann)] == ["Here you are."]
