"""What a sweep says: of a stretch that was reread whole, whatever was seen before and is not there now was deleted.

The sweep itself is kept, because a snapshot from before it may still arrive after it (a live page that waited, an
archive imported later). So sweeps are a part of the fold that `storage.ingest` is: order does not matter.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from connectors.records import ChannelGone, Page, Swept
from storage.queue import among, mark
from storage.times import to_micros

_ALWAYS, _NEVER = -(1 << 62), 1 << 62

# How a message finds the sweeps `s` that should have found it; one statement each, so that each can use an index.
_LATER = (
    "NOT s.whole AND s.swept_at > messages.observed_at AND messages.created_at BETWEEN s.since AND s.until"
)
_FOUND_BY = (
    f"""s.channel_id = messages.channel_id AND s.thread_id = ''
        AND (messages.thread_id IS NULL OR messages.opens_thread) AND {_LATER}""",
    f"""s.thread_id = messages.thread_id AND s.thread_id <> ''
        AND (NOT messages.opens_thread OR s.channel_id IN (messages.channel_id, '')) AND {_LATER}""",
    """s.whole AND s.thread_id = '' AND s.swept_at >= messages.observed_at AND s.channel_id IN (messages.channel_id, messages.thread_id,
        (SELECT c.parent_id FROM channels c WHERE c.source_id = messages.source_id
            AND c.external_id = messages.channel_id))""",
)


class Stretch(NamedTuple):
    """One row of `sweeps`, without its source."""

    channel_id: str
    thread_id: str
    whole: bool
    since: int
    until: int
    swept_at: int


def apply(connection: Connection, source: int, pages: Iterable[Page]) -> int:
    """Delete what was seen before the sweeps of these pages and is not shown by them; remember the sweeps.

    Returns:
        How many messages were deleted.
    """
    told = [(stretch, page) for page in pages for stretch in _stretches(page)]
    if not told:
        return 0
    sign = mark(connection)
    # A later sweep of the same stretch, or of more, says all that an earlier one said.
    connection.exec_driver_sql(
        f"DELETE FROM sweeps WHERE source_id = {sign} AND channel_id = {sign} AND thread_id = {sign} AND whole = {sign} "
        f"AND since >= {sign} AND until <= {sign} AND swept_at < {sign}",
        [(source, *stretch) for stretch, _ in told],
    )
    connection.exec_driver_sql(
        "INSERT INTO sweeps (source_id, channel_id, thread_id, whole, since, until, swept_at) "
        f"VALUES ({', '.join([sign] * 7)}) ON CONFLICT (source_id, channel_id, thread_id, whole, since, until) "
        "DO UPDATE SET swept_at = excluded.swept_at WHERE excluded.swept_at > sweeps.swept_at",
        [(source, *stretch) for stretch, _ in told],
    )
    deleted = 0
    for stretch, page in told:
        shown, values = among(connection, "external_id", [message.id for message in page.messages])
        deleted += _delete(connection, source, stretch, f"NOT ({shown})", values)
    return deleted


def judge(connection: Connection, source: int, ids: Iterable[str], observed: int) -> int:
    """Delete those of these messages, seen at `observed`, that a later sweep did not find. Returns how many."""
    sign = mark(connection)
    later = connection.exec_driver_sql(
        f"SELECT 1 FROM sweeps WHERE source_id = {sign} AND swept_at >= {sign} LIMIT 1", (source, observed)
    ).first()
    if later is None:
        return 0
    named, values = among(connection, "external_id", ids)
    written = 0
    for found in _FOUND_BY:
        swept = f"FROM sweeps s WHERE s.source_id = messages.source_id AND {found}"
        result = connection.exec_driver_sql(
            f"UPDATE messages SET deleted_at = (SELECT max(s.swept_at) {swept}), text = '', "
            "untagged = true, deleted = true "
            f"WHERE source_id = {sign} AND {named} AND NOT deleted AND EXISTS (SELECT 1 {swept})",
            (source, *values),
        )
        written += max(result.rowcount, 0)
    return written


def forget(connection: Connection, before: datetime) -> None:
    """Forget sweeps so old that nothing from before them is still on its way; channels that are gone stay."""
    connection.exec_driver_sql(
        f"DELETE FROM sweeps WHERE NOT whole AND swept_at < {mark(connection)}", (to_micros(before),)
    )


def _stretches(page: Page) -> list[Stretch]:
    observed = to_micros(page.observed_at)
    return [_swept(swept, observed) for swept in page.swept] + [_gone(gone) for gone in page.gone_channels]


def _swept(swept: Swept, observed: int) -> Stretch:
    since = _ALWAYS if swept.since is None else to_micros(swept.since)
    until = _NEVER if swept.until is None else to_micros(swept.until)
    return Stretch(swept.channel_id, swept.thread_id or "", False, since, until, observed)


def _gone(gone: ChannelGone) -> Stretch:
    return Stretch(gone.channel_id, "", True, _ALWAYS, _NEVER, to_micros(gone.at))


def _delete(
    connection: Connection, source: int, stretch: Stretch, among_these: str, values: tuple[Any, ...]
) -> int:
    sign = mark(connection)
    # What a page shows was seen at the moment of its sweep, so that only earlier sights are in question; whoever
    # says that a channel is gone shows nothing, and even what was seen in the same moment is gone.
    earlier = "<=" if stretch.whole else "<"
    where = f"observed_at {earlier} {sign} AND created_at BETWEEN {sign} AND {sign}"
    bounds: tuple[Any, ...] = (stretch.swept_at, stretch.since, stretch.until)
    written = 0
    for place, names in _places(stretch, sign):
        result = connection.exec_driver_sql(
            f"UPDATE messages SET deleted_at = {sign}, text = '', untagged = true, deleted = true "
            f"WHERE source_id = {sign} AND {place} AND {where} AND NOT deleted AND {among_these}",
            (stretch.swept_at, source, *names, *bounds, *values),
        )
        written += max(result.rowcount, 0)
    return written


def _places(stretch: Stretch, sign: str) -> list[tuple[str, tuple[str, ...]]]:
    """Conditions on a message for it to lie in the stretch; one statement each, so that each can use an index."""
    if stretch.whole:
        inside = f"channel_id IN (SELECT external_id FROM channels WHERE source_id = messages.source_id AND parent_id = {sign})"
        gone = (stretch.channel_id,)
        return [(f"channel_id = {sign}", gone), (f"thread_id = {sign}", gone), (inside, gone)]
    if stretch.thread_id:
        if not stretch.channel_id:
            return [(f"thread_id = {sign}", (stretch.thread_id,))]
        inside = f"thread_id = {sign} AND (NOT opens_thread OR channel_id = {sign})"
        return [(inside, (stretch.thread_id, stretch.channel_id))]
    return [(f"channel_id = {sign} AND (thread_id IS NULL OR opens_thread)", (stretch.channel_id,))]
