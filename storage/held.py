"""What stands of a source: whoever reads a platform compares it with what is shown there now."""

from datetime import datetime

from sqlalchemy.orm import Session

from connectors.records import Thread
from storage.queue import mark
from storage.times import to_micros

_STANDS = "NOT m.deleted AND m.created_at IS NOT NULL"


def channels(session: Session, source: int, since: datetime) -> set[str]:
    """The channels with a message since then; not those inside other channels (threads, sub-categories)."""
    connection = session.connection()
    sign = mark(connection)
    rows = connection.exec_driver_sql(
        f"SELECT c.external_id FROM channels c WHERE c.source_id = {sign} AND c.parent_id IS NULL "
        f"AND EXISTS (SELECT 1 FROM messages m WHERE m.source_id = c.source_id AND m.channel_id = c.external_id "
        f"AND m.created_at >= {sign} AND {_STANDS})",
        (source, to_micros(since)),
    )
    return {row[0] for row in rows}


def threads(session: Session, source: int, since: datetime) -> dict[str, Thread]:
    """The threads with a message since then, each with all that stands of it."""
    connection = session.connection()
    sign = mark(connection)
    rows = connection.exec_driver_sql(
        "SELECT m.thread_id, max(m.channel_id), count(*), max(CASE WHEN m.is_solution THEN 1 ELSE 0 END) FROM messages m "
        f"WHERE m.source_id = {sign} AND {_STANDS} AND m.thread_id IN "
        f"(SELECT m.thread_id FROM messages m WHERE m.source_id = {sign} AND m.created_at >= {sign} AND {_STANDS} "
        "AND m.thread_id IS NOT NULL) GROUP BY m.thread_id",
        (source, source, to_micros(since)),
    )
    return {id_: Thread(channel, count, bool(solved)) for id_, channel, count, solved in rows}


def messages(session: Session, source: int, since: datetime, until: datetime) -> dict[str, str]:
    """The messages of that time that stand in threads, and the thread of each."""
    connection = session.connection()
    sign = mark(connection)
    rows = connection.exec_driver_sql(
        f"SELECT m.external_id, m.thread_id FROM messages m WHERE m.source_id = {sign} "
        f"AND m.created_at BETWEEN {sign} AND {sign} AND {_STANDS} AND m.thread_id IS NOT NULL",
        (source, to_micros(since), to_micros(until)),
    )
    return {id_: thread for id_, thread in rows}  # noqa: C416 - rows are no pairs to mypy


def absent(session: Session, source: int, since: datetime) -> set[str]:
    """The accounts that were told whole, but not since then, and have not left."""
    connection = session.connection()
    sign = mark(connection)
    rows = connection.exec_driver_sql(
        f"SELECT m.external_id FROM members m WHERE m.source_id = {sign} AND m.complete AND m.observed_at < {sign} "
        "AND (m.left_at IS NULL OR m.rejoined_at > m.left_at)",
        (source, to_micros(since)),
    )
    return {row[0] for row in rows}
