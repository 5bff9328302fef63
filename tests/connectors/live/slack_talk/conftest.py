"""A workspace over each of Slack's ways, a connector that listens to it, and an inbox."""

from collections.abc import AsyncIterator

import pytest

from connectors.slack import SlackConnector
from tests.connectors.live.slack_room import listening, read
from tests.connectors.live.slack_talk.room import EMOJI, Inbox
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_talk import Talk


@pytest.fixture(params=["socket", "http"])
async def slack(request: pytest.FixtureRequest) -> AsyncIterator[FakeSlack]:
    fake = FakeSlack(http_events=request.param == "http")
    await fake.start()
    yield fake
    await fake.stop()
    assert fake.wire.faults == []


@pytest.fixture
async def connector(slack: FakeSlack) -> AsyncIterator[SlackConnector]:
    made = SlackConnector(slack.settings | {"emoji": EMOJI}, slack.secrets)
    yield made
    await made.close()


@pytest.fixture
async def inbox(slack: FakeSlack, connector: SlackConnector) -> AsyncIterator[Inbox]:
    """Listens from before the test to its end."""
    slack.add_channel("general")
    kept = Inbox()
    await read(connector, kept)
    async with listening(connector, kept):
        yield kept


@pytest.fixture
def talk(slack: FakeSlack, inbox: Inbox) -> Talk:
    del inbox  # it listens
    return slack.talk


@pytest.fixture
def general(slack: FakeSlack) -> str:
    return next(iter(slack.rooms), "") or slack.add_channel("general")
