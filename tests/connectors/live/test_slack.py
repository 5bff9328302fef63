"""Slack live, straight: what is read, what is heard, what is said."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from connectors.records import Post
from connectors.slack import SlackConnector
from tests.connectors.live.slack_room import listening, read
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_kept import Kept


@pytest.fixture(params=["socket", "http"])
async def slack(request: pytest.FixtureRequest) -> AsyncIterator[FakeSlack]:
    fake = FakeSlack(http_events=request.param == "http")
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
async def connector(slack: FakeSlack) -> AsyncIterator[SlackConnector]:
    made = SlackConnector(slack.settings, slack.secrets)
    yield made
    await made.close()


async def test_history_is_what_stands(slack: FakeSlack, connector: SlackConnector) -> None:
    slack.page_limit = 3
    channel, ann, ben = (
        slack.add_channel("general"),
        slack.add_member("ann", staff=True),
        slack.add_member("ben"),
    )
    for day in range(10):
        first = slack.say(channel, ann, f"question {day}", at=datetime(2026, 1, 1 + day, tzinfo=UTC))
        for n in range(day):
            slack.say(
                channel, ben, f"answer {n}", thread=first, at=datetime(2026, 1, 1 + day, 1, n, tzinfo=UTC)
            )
    slack.react(first, "tada", ben)
    slack.edit(first, "question nine")
    slack.delete(slack.say(channel, ann, "oops"))
    kept = Kept()
    await read(connector, kept)
    assert kept.standing() == slack.standing()
    assert len(kept.standing()) == 55
    assert kept.members[ann][2].is_staff
    before = len(slack.requests)
    await read(connector, kept)
    assert kept.standing() == slack.standing()
    assert len(slack.requests) - before < 10, "what is known is not read again"


async def test_events_are_what_stands(slack: FakeSlack, connector: SlackConnector) -> None:
    channel, ann, ben = slack.add_channel("general"), slack.add_member("ann"), slack.add_member("ben")
    old = slack.say(channel, ann, "old", at=datetime.now(UTC) - timedelta(hours=1))
    kept = Kept()
    await read(connector, kept)
    async with listening(connector, kept):
        question = slack.say(channel, ann, "a question?")
        answer = slack.say(channel, ben, "an answer", thread=question)
        slack.say(channel, ben, "and all see it", thread=question, subtype="thread_broadcast")
        slack.react(answer, "tada", ann)
        slack.react(answer, "tada", ben)
        slack.react(old, "+1", ben)
        slack.edit(question, "a better question?")
        slack.react(question, "eyes", ben)
        gone = slack.say(channel, ann, "gone soon")
        slack.delete(gone)
        slack.unfurl(question)
        news = slack.add_channel("news")
        slack.say(news, ann, "in a new place")
        await kept.equals(slack.standing)
        slack.unreact(old, "+1", ben)
        slack.delete(answer)
        slack.delete(question)
        slack.delete_channel(news)
        await kept.equals(slack.standing)
        await asyncio.wait_for(slack.wire.quiet(), 10)
    assert question in kept.deleted
    assert gone in kept.deleted


async def test_a_post_is_found_and_edited(slack: FakeSlack, connector: SlackConnector) -> None:
    channel = slack.add_channel("general")
    post = Post(
        "weekly42", "The week", "## Hi\n\n<!channel> **bold** @everyone", picture=b"\x89PNG", alt="a chart"
    )
    id_ = await connector.post(channel, post)
    assert await connector.find(channel, "weekly42") == id_
    assert await connector.find(channel, "weekly43") is None
    ((place, posted, form),) = slack.posted()
    (picture,) = slack.api.shared
    assert (place, posted) == (channel, id_)
    assert "<!channel>" not in str(form["blocks"])
    assert "@everyone" not in str(form)
    assert (picture["channel"], picture["thread_ts"]) == (channel, form["ts"])
    assert picture["files"][0]["name"] == "spaces-weekly42.png"
    await connector.edit(channel, id_, post._replace(text="better"))
    assert "better" in str(slack.posted()[0][2]["blocks"])
    assert await connector.find(channel, "weekly42") == id_
    reply = await connector.post(f"{channel}/{form['ts']}", Post("again", "More", "text"))
    assert await connector.find(f"{channel}/{form['ts']}", "again") == reply
