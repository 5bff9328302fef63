"""What is no longer there on Discord, though we hold something of it: channels, threads, members."""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from typing import Any

from connectors.base import Held
from connectors.discord_asking import UNKNOWN_CHANNEL, Ask, Missing, Refused
from connectors.discord_history import History
from connectors.discord_messages import now
from connectors.records import ChannelGone, Leave, Page


async def places(
    ask: Ask,
    readings: Mapping[str, History],
    cursors: Mapping[str, str],
    held: Held,
    since: datetime,
    sweep: datetime | None,
) -> AsyncIterator[Page]:
    """After all servers were read: the channels that none of them has any more; in a sweep, threads too.

    Args:
        ask: puts a request.
        readings: what was read, by the server's id.
        cursors: how far each stream had been read before.
        held: what is stored.
        since: from when on we claim to hold what is there.
        sweep: where a sweep begins.
    """
    known = {id_ for reading in readings.values() for id_ in (*reading.known, *reading.seen)}
    streams = [stream.partition(":") for stream, cursor in cursors.items() if cursor]
    doubtful = {id_ for kind, _, id_ in streams if kind == "channel"} | await held.channels(since)
    if sweep is not None:
        doubtful |= (await held.threads(sweep)).keys()
    for id_ in sorted(doubtful - known):
        asked = now()
        try:
            raw: Mapping[str, Any] = await ask("GET", "/channels/{channel_id}", channel_id=id_)
        except Missing as missing:
            if missing.code in {UNKNOWN_CHANNEL, 0}:
                for page in _gone(id_, cursors, asked):
                    yield page
            continue
        except Refused:
            continue
        reading = readings.get(str(raw.get("guild_id")))
        if reading is not None:
            async for page in reading.unlisted(raw, cursors, sweep or asked):
                yield page


def _gone(id_: str, cursors: Mapping[str, str], asked: datetime) -> Iterable[Page]:
    yield Page("gone", None, asked, gone_channels=[ChannelGone(id_, asked)])
    for stream in (f"channel:{id_}", f"thread:{id_}"):
        if cursors.get(stream):
            yield Page(stream, "", asked)


async def members(readings: Iterable[History], cursors: Mapping[str, str], held: Held) -> AsyncIterator[Page]:
    """After all servers were read: the members that none of them lists any more."""
    listed = [(reading.server.id, reading.listed) for reading in readings]
    times = [at for _, at in listed if at is not None]
    is_news = any(at is not None and cursors.get(f"members:{id_}") != at.isoformat() for id_, at in listed)
    if not is_news or len(times) < len(listed):
        return
    # By the beginning of the listing: whoever came meanwhile has a later join.
    at = min(times)
    gone = [Leave(id_, at) for id_ in sorted(await held.absent(at))]
    if gone:
        yield Page("members", None, now(), leaves=gone)
