"""Threads and conversations: what tagging must know of them, and where it writes them.

Whatever may stand in another conversation than before is put into the queue (`storage.queue`), never moved here.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

from storage.queue import IN_LINE, among, each, fetch, mark


def thread_roots(session: Session, source_id: int, thread_ids: Sequence[str]) -> dict[str, str]:
    """Thread -> its first message, where that is known: the one that opens it, else the one whose id it bears."""
    connection = session.connection()
    condition, values = among(connection, "external_id", thread_ids)
    found = {
        row[0]: row[0]
        for row in connection.exec_driver_sql(
            f"SELECT external_id FROM messages WHERE source_id = {int(source_id)} AND {condition} "
            "AND NOT deleted AND created_at IS NOT NULL AND (thread_id IS NULL OR thread_id = external_id)",
            values,
        )
    }
    wanted, values = each(connection, thread_ids)
    openers: dict[str, tuple[int, str]] = {}
    for thread_id, at, external_id in connection.exec_driver_sql(
        f"SELECT thread_id, created_at, external_id FROM {wanted} CROSS JOIN messages "
        f"WHERE source_id = {int(source_id)} AND thread_id = wanted.value "
        "AND opens_thread AND NOT deleted AND created_at IS NOT NULL",
        values,
    ):
        openers[thread_id] = min(openers.get(thread_id, (at, external_id)), (at, external_id))
    return found | {thread_id: position[1] for thread_id, position in openers.items()}


def threads_alive(session: Session, source_id: int, thread_ids: Iterable[str]) -> set[str]:
    """Which of these threads have messages."""
    connection = session.connection()
    wanted, values = each(connection, thread_ids)
    rows = connection.exec_driver_sql(
        f"SELECT value FROM {wanted} WHERE EXISTS (SELECT 1 FROM messages WHERE source_id = {int(source_id)} "
        "AND thread_id = wanted.value AND NOT deleted AND created_at IS NOT NULL)",
        values,
    )
    return {row[0] for row in rows}


def queue_thread(session: Session, source_id: int, roots: dict[str, str]) -> None:
    """Queue what stands in a thread but not yet in the conversation of its root (thread -> root)."""
    connection = session.connection()
    sign = mark(connection)
    if not roots:
        return
    connection.exec_driver_sql(
        f"UPDATE messages SET untagged = true WHERE source_id = {sign} AND thread_id = {sign} AND NOT untagged "
        f"AND NOT opens_thread AND NOT deleted AND created_at IS NOT NULL AND conversation_id <> {sign}",
        [(source_id, thread_id, root) for thread_id, root in roots.items()],
    )


def queue_starters(session: Session, source_id: int, thread_ids: Iterable[str]) -> None:
    """Queue the un-threaded messages that turned out to start these threads but begin no conversation yet."""
    connection = session.connection()
    condition, values = among(connection, "external_id", thread_ids)
    connection.exec_driver_sql(
        f"UPDATE messages SET untagged = true WHERE source_id = {int(source_id)} AND {condition} "
        "AND NOT untagged AND NOT deleted AND conversation_id <> external_id AND thread_id IS NULL",
        values,
    )


def replies(session: Session, source_id: int, external_ids: Iterable[str]) -> list[str]:
    """Those lines, not in the queue, that say they answer one of these."""
    connection = session.connection()
    condition, values = among(connection, "reply_to", external_ids)
    rows = connection.exec_driver_sql(
        f"SELECT external_id FROM messages WHERE source_id = {int(source_id)} AND {condition} "
        f"AND reply_to IS NOT NULL AND NOT untagged AND NOT deleted AND created_at IS NOT NULL AND {IN_LINE}",
        values,
    )
    return [row[0] for row in rows]


def queue_conversations(session: Session, source_id: int, conversation_ids: Iterable[str]) -> None:
    """Queue what stands in these conversations."""
    connection = session.connection()
    condition, values = among(connection, "conversation_id", conversation_ids)
    connection.exec_driver_sql(
        f"UPDATE messages SET untagged = true WHERE source_id = {int(source_id)} AND {condition} AND NOT untagged",
        values,
    )


def place(session: Session, source_id: int, conversations: dict[str, str | None]) -> None:
    """Write message -> conversation, and take the messages out of the queue."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(
            "UPDATE messages SET conversation_id = ?, untagged = false WHERE source_id = ? AND external_id = ?",
            [(conversation, source_id, external_id) for external_id, conversation in conversations.items()],
        )
        return
    connection.exec_driver_sql(
        "UPDATE messages SET conversation_id = placed.conversation, untagged = false "
        "FROM unnest(%s::text[], %s::text[]) AS placed (id, conversation) "
        "WHERE source_id = %s AND external_id = placed.id",
        (list(conversations), list(conversations.values()), source_id),
    )


class Member(NamedTuple):
    """A message's place in its conversation."""

    conversation_id: str
    at: int
    id: str
    author_id: str | None
    channel_id: str


def members(session: Session, source_id: int, conversation_ids: Iterable[str]) -> list[Member]:
    """Everything that stands in these conversations, each in order; without what still waits in the queue."""
    connection = session.connection()
    condition, values = among(connection, "conversation_id", conversation_ids)
    rows = connection.exec_driver_sql(
        f"SELECT conversation_id, created_at, external_id, author_id, channel_id FROM messages "
        f"WHERE source_id = {int(source_id)} AND {condition} AND NOT untagged AND NOT deleted",
        values,
    )
    return sorted(map(Member._make, fetch(rows)))


def places(session: Session, source_id: int, channel_ids: Iterable[str]) -> dict[str, str]:
    """Channel -> its name."""
    connection = session.connection()
    condition, values = among(connection, "external_id", channel_ids)
    rows = connection.exec_driver_sql(
        f"SELECT external_id, name FROM channels WHERE source_id = {int(source_id)} AND {condition}", values
    )
    return {row[0]: row[1] for row in rows}
