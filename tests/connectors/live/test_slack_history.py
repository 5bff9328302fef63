"""Slack's history: read whole from wherever it was left, whatever stands in the way."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from connectors.slack import SlackConnector
from connectors.slack_web import seconds
from tests.connectors.live.slack_room import LONG_AGO, listening, read, town
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


# --- history ----------------------------------------------------------------------------------------------------


async def test_killed_after_any_page_it_reads_on(slack: FakeSlack) -> None:
    slack.page_limit = 2
    channel = town(slack)
    dice = random.Random(4)
    kept, lives = Kept(), 0
    for lives in range(200):
        connector = SlackConnector(slack.settings, slack.secrets)
        whole = True
        async with aclosing(connector.fetch(await kept.cursors(), LONG_AGO, kept)) as pages:  # type: ignore[type-var]
            async for page in pages:
                kept.keep(page)
                if page.messages and dice.random() < 0.5:
                    whole = False
                    break
        await connector.close()
        if lives % 3 == 0:
            slack.say(channel, "U000000001", f"meanwhile {lives}")
        elif whole:
            break
    assert lives > 3
    assert kept.standing() == slack.standing()


async def test_one_row_a_page_and_limits_in_every_form(slack: FakeSlack, connector: SlackConnector) -> None:
    town(slack)
    slack.page_limit = 15
    slack.limit(7, 0.02)
    slack.fail(4)
    kept = Kept()
    await read(connector, kept)
    assert kept.standing() == slack.standing()


async def test_new_replies_under_old_messages_are_found(slack: FakeSlack, connector: SlackConnector) -> None:
    channel = town(slack)
    kept = Kept()
    await read(connector, kept)
    week = [id_ for id_, row in slack.standing().items() if row.thread_id == id_][-1]
    slack.say(channel, "U000000002", "a late answer", thread=week)
    oldest = next(id_ for id_, row in slack.standing().items() if row.thread_id == id_)
    slack.say(channel, "U000000002", "for all to see", thread=oldest, subtype="thread_broadcast")
    await read(connector, kept)
    assert kept.standing() == slack.standing()


async def test_a_sweep_finds_what_no_event_told(slack: FakeSlack, connector: SlackConnector) -> None:
    channel = town(slack)
    thread = slack.say(channel, "U000000001", "a thread")
    reply = slack.say(channel, "U000000002", "its only reply", thread=thread)
    doomed = slack.say(channel, "U000000002", "gone")
    kept = Kept()
    await read(connector, kept)
    slack.delete(reply)
    slack.delete(doomed)
    slack.edit(thread, "a thread no more")
    before = dict(kept.positions)
    await read(connector, kept, sweep=True)
    assert kept.standing() == slack.standing()
    assert kept.positions == before, "a sweep leaves the cursors alone"


async def test_a_channel_that_refuses_does_not_stop_the_others(
    slack: FakeSlack, connector: SlackConnector
) -> None:
    town(slack)
    closed = slack.add_channel("closed")
    slack.say(closed, "U000000001", "not for you")
    slack.refuse(closed)
    kept = Kept()
    await read(connector, kept)
    assert kept.standing() == slack.standing()
    assert kept.refused == {closed: "The bot is no member of #closed: write /invite @spaces there."}
    slack.invite(closed)
    again = SlackConnector(slack.settings, slack.secrets)
    await read(again, kept)
    await again.close()
    assert kept.refused == {}
    assert kept.standing() == slack.standing()


async def test_private_excluded_and_direct_are_left_out(slack: FakeSlack) -> None:
    town(slack)
    slack.say(slack.add_channel("secret", private=True), "U000000001", "hidden")
    slack.say(slack.add_channel("named", private=True), "U000000001", "seen")
    slack.say(slack.add_channel("random"), "U000000001", "noise")
    slack.settings |= {"include": ["#named"], "exclude": ["random"]}
    connector = SlackConnector(slack.settings, slack.secrets)
    kept = Kept()
    async with listening(connector, kept):
        slack.say("G000000001", "U000000001", "hidden too")
        slack.say("G000000002", "U000000001", "seen too")
        slack.wire.emit({"type": "message", "channel": "D0000001", "channel_type": "im", "user": "U000000001",
                         "text": "direct", "ts": slack.ts()})  # fmt: skip
        await asyncio.wait_for(slack.wire.quiet(), 10)
        await read(connector, kept)
    await connector.close()
    texts = {row.text for row in kept.standing().values()}
    assert {"seen", "seen too"} <= texts
    assert not {"hidden", "hidden too", "noise", "direct"} & texts
    assert kept.standing() == slack.standing()


async def test_guests_of_slack_connect_are_asked_for(slack: FakeSlack, connector: SlackConnector) -> None:
    channel = town(slack)
    guest, ghost = slack.add_stranger("guest"), slack.add_stranger("ghost")
    slack.say(channel, guest, "hello from elsewhere")
    slack.say(channel, ghost, "hello from nowhere")
    del slack.users[ghost]
    kept = Kept()
    await read(connector, kept)
    assert kept.members[guest][2].display_name == "guest"
    assert not kept.members[ghost][2].complete
    assert kept.standing() == slack.standing()


@pytest.mark.parametrize(
    ("told", "wanted"), [("60", 60.0), ("0.5", 0.5), ("-1", 0.0), ("soon", None), (None, None), ("nan", None)]
)
def test_retry_after_in_its_forms(told: str | None, wanted: float | None) -> None:
    assert seconds(told) == wanted


async def test_replies_that_go_on_without_a_cursor(slack: FakeSlack, connector: SlackConnector) -> None:
    channel, ann = slack.add_channel("general"), slack.add_member("ann")
    first = slack.say(channel, ann, "a question")
    for n in range(40):
        slack.say(channel, ann, f"answer {n}", thread=first)
    slack.page_limit, slack.cursors = 7, False
    kept = Kept()
    await read(connector, kept)
    assert kept.standing() == slack.standing()


def test_retry_after_as_a_date() -> None:
    found = seconds(format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True))
    assert found is not None
    assert 28 < found <= 30
