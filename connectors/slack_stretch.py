"""A stretch of a Slack channel's history: where it begins and ends, and what of it has been read.

The cursor of a channel is a ts, up to which everything is stored; while a stretch above it is read, newest first, it is
"known|top|at": everything from `at` to `top` is stored too.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from connectors import paging
from connectors.records import Swept
from connectors.slack_messages import to_moment
from connectors.slack_workspace import SHAPE

Row = dict[str, Any]

ROWS = paging.PAGE
"""Rows on one page of ours."""
AT_ONCE = 100
"""Rows after which whatever else the event loop has to do gets its turn."""
STREAM = "history:"
INSTANT = timedelta(microseconds=1)


class Position(NamedTuple):
    """How far a channel has been read; all are ts."""

    known: str
    top: str = ""
    at: str = ""
    """Empty when nothing is left between."""

    @classmethod
    def read(cls, cursor: str) -> "Position | None":
        """From its text; None for what is no position."""
        parts = cursor.split("|")
        try:
            for part in parts:
                to_moment(part)
        except ValueError:
            return None
        return cls(*parts) if len(parts) in {1, 3} else None

    def __str__(self) -> str:
        return f"{self.known}|{self.top}|{self.at}" if self.at else self.known


class Stretch(NamedTuple):
    """What is to be read of a channel, newest first: what is younger than `oldest` and older than `latest`."""

    channel: str
    oldest: datetime
    latest: datetime
    news: datetime | None
    """Threads without a reply younger than this are known; None to read every thread whole."""
    position: Position | None
    """What the cursor says meanwhile; None for a sweep, which leaves it alone."""


def stream(channel: str) -> str:
    """The name of the stream that a channel's history is."""
    return STREAM + channel


def pieces(stretch: Stretch, thread: list[Row], until: datetime) -> Iterator[tuple[list[Row], list[Swept]]]:
    """A thread in chunks for one page each, with what of it is reread whole there."""
    since: datetime | None = None
    for begin in range(0, len(thread), ROWS):
        chunk = thread[begin : begin + ROWS]
        last = until if begin + ROWS >= len(thread) else to_moment(chunk[-1]["ts"])
        name = f"{stretch.channel}:{thread[0].get('thread_ts') or thread[0]['ts']}"
        yield chunk, [Swept(stretch.channel, name, since, last)] if stretch.news is None else []
        since = last + INSTANT


def news(rows: list[Row]) -> Iterator[str]:
    """All that these rows tell of: themselves and the newest reply to each."""
    for row in rows:
        yield row["ts"]
        with suppress(*SHAPE):
            to_moment(row["latest_reply"])
            yield row["latest_reply"]


async def dated(rows: Any) -> dict[str, Row]:
    """Rows by their ts, a few at a time, so that no live event waits long; what has none is no message."""
    found: dict[str, Row] = {}
    for number, row in enumerate(rows or ()):
        if number % AT_ONCE == 0:
            await asyncio.sleep(0)
        try:
            ts = row["ts"]
            to_moment(ts)
        except SHAPE:
            continue
        found[ts] = row
    return found
