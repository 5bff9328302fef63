"""Listening and reading, as the tests of Slack do it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from connectors.slack import SlackConnector
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_kept import Kept

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@contextlib.asynccontextmanager
async def listening(connector: SlackConnector, kept: Kept) -> AsyncIterator["asyncio.Task[None]"]:
    """Listen while the block runs, which begins when Slack has said hello."""
    gaps = kept.gaps
    task = asyncio.create_task(connector.listen(kept))
    waiting = asyncio.create_task(kept.until(lambda: kept.gaps > gaps))
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        await waiting
        yield task
    finally:
        waiting.cancel()
        task.cancel()
        await asyncio.gather(task, waiting, return_exceptions=True)


async def read(
    connector: SlackConnector, kept: Kept, *, sweep: bool = False, since: datetime = LONG_AGO
) -> None:
    """Read history to its end."""
    async for page in connector.fetch(await kept.cursors(), since, kept, sweep=sweep):
        kept.keep(page)


def town(slack: FakeSlack, *, days: int = 12) -> str:
    """A channel with a question a day, some of them answered."""
    channel, ann, ben = slack.add_channel("general"), slack.add_member("ann"), slack.add_member("ben")
    begin = datetime.now(UTC) - timedelta(days=days)
    for day in range(days):
        first = slack.say(channel, ann, f"question {day}", at=begin + timedelta(days=day))
        for n in range(day % 4):
            slack.say(
                channel, ben, f"answer {n}", thread=first, at=begin + timedelta(days=day, minutes=n + 1)
            )
    return channel
