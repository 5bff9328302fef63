"""The queue of untagged messages, and the messages around them as tagging reads them.

Positions in a channel are (created_at in microseconds, external id): a total order, the same on both databases.
Statements are written by hand since this runs over every message; all of it sees only rows of one source.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, CursorResult
from sqlalchemy.orm import Session

Position = tuple[int, str]


class Row(NamedTuple):
    """A message as tagging needs it."""

    id: str
    author_id: str | None
    at: int
    text: str
    thread_id: str | None
    opens_thread: bool
    reply_to: str | None
    reactions: str | None
    is_solution: bool
    deleted: bool
    conversation_id: str | None
    untagged: bool
    forgotten: bool = False
    """Its text was dropped; what its tags and its conversation rest on cannot be read again."""
    marks: str | None = None
    """JSON list of its topic's tags."""

    @property
    def position(self) -> Position:
        """Its place in the channel."""
        return self.at, self.id

    @property
    def in_line(self) -> bool:
        """It stands in the channel itself: un-threaded, or the first message of a thread."""
        return self.thread_id is None or self.opens_thread


class Author(NamedTuple):
    """An author as tagging needs it."""

    id: str
    name: str
    display_name: str
    person: str
    is_bot: bool


_COLUMNS = (
    "external_id, author_id, created_at, text, thread_id, opens_thread, reply_to, reactions, is_solution, deleted, "
    "conversation_id, untagged, text_forgotten_at IS NOT NULL, marks"
)
IN_LINE = "(thread_id IS NULL OR opens_thread)"


def mark(connection: Connection) -> str:
    """The driver's placeholder."""
    return "?" if connection.dialect.name == "sqlite" else "%s"


def among(connection: Connection, column: str, values: Iterable[str]) -> tuple[str, tuple[Any, ...]]:
    """A condition "column is one of these", for any number of values, and its parameters."""
    if connection.dialect.name == "sqlite":
        return f"{column} IN (SELECT value FROM json_each(?))", (orjson.dumps(list(values)).decode(),)
    return f"{column} = ANY(%s)", (list(values),)


def each(connection: Connection, values: Iterable[str]) -> tuple[str, tuple[Any, ...]]:
    """A table `wanted (value)` of these values, and its parameters; it stands first in a CROSS JOIN.

    SQLite would otherwise rather read a whole index than look up a few values in it.
    """
    if connection.dialect.name == "sqlite":
        return "json_each(?) AS wanted", (orjson.dumps(list(values)).decode(),)
    return "unnest(%s::text[]) AS wanted (value)", (list(values),)


def _order(connection: Connection, direction: str = "") -> str:
    # Python, SQLite and PostgreSQL's "C" order texts alike: by code points.
    collate = "" if connection.dialect.name == "sqlite" else ' COLLATE "C"'
    return f"created_at {direction}, external_id{collate} {direction}"


def queue(session: Session, source_id: int, external_ids: Iterable[str]) -> None:
    """Have these messages tagged again."""
    connection = session.connection()
    condition, values = among(connection, "external_id", external_ids)
    connection.exec_driver_sql(
        f"UPDATE messages SET untagged = true WHERE source_id = {int(source_id)} AND {condition} "
        "AND NOT untagged AND created_at IS NOT NULL",
        values,
    )


def queue_authors(session: Session, source_id: int, author_ids: Iterable[str]) -> None:
    """Have everything these members wrote tagged again: for when it turns out who is a bot, or who is one person."""
    connection = session.connection()
    condition, values = among(connection, "author_id", author_ids)
    connection.exec_driver_sql(
        f"UPDATE messages SET untagged = true WHERE source_id = {int(source_id)} AND {condition} "
        "AND NOT untagged AND created_at IS NOT NULL",
        values,
    )


def queue_all(session: Session) -> None:
    """Have every message tagged again."""
    session.connection().exec_driver_sql(
        "UPDATE messages SET untagged = true WHERE NOT untagged AND created_at IS NOT NULL"
    )


def waiting(session: Session) -> int:
    """How many messages are in the queue."""
    found = session.connection().exec_driver_sql("SELECT count(*) FROM messages WHERE untagged").scalar_one()
    return int(found)


def first(session: Session, source_id: int = 0, channel_id: str = "") -> tuple[int, str] | None:
    """The first source and channel, after these, with messages in the queue."""
    connection = session.connection()
    sign = mark(connection)
    row = connection.exec_driver_sql(
        f"SELECT source_id, channel_id FROM messages WHERE untagged AND (source_id, channel_id) > ({sign}, {sign}) "
        "ORDER BY source_id, channel_id LIMIT 1",
        (source_id, channel_id),
    ).first()
    return None if row is None else (row[0], row[1])


def next_in(session: Session, source_id: int, channel_id: str, after: Position) -> Position | None:
    """The first position in the queue of a channel after (not at) a position."""
    connection = session.connection()
    sign = mark(connection)
    row = connection.exec_driver_sql(
        f"SELECT created_at, external_id FROM messages WHERE untagged AND source_id = {sign} AND channel_id = {sign} "
        f"AND created_at >= {sign} AND (created_at > {sign} OR external_id{_c(connection)} > {sign}) "
        f"ORDER BY {_order(connection)} LIMIT 1",
        (source_id, channel_id, after[0], after[0], after[1]),
    ).first()
    return None if row is None else (row[0], row[1])


def _c(connection: Connection) -> str:
    return "" if connection.dialect.name == "sqlite" else ' COLLATE "C"'


def after(session: Session, source_id: int, channel_id: str, position: Position, limit: int) -> list[Row]:
    """The messages of a channel after (not at) a position, oldest first. On PostgreSQL they are locked."""
    connection = session.connection()
    sign = mark(connection)
    lock = "" if connection.dialect.name == "sqlite" else " FOR NO KEY UPDATE"
    return _rows(connection.exec_driver_sql(
        f"SELECT {_COLUMNS} FROM messages WHERE source_id = {sign} AND channel_id = {sign} "
        f"AND created_at >= {sign} AND (created_at > {sign} OR external_id{_c(connection)} > {sign}) "
        f"ORDER BY {_order(connection)} LIMIT {int(limit)}{lock}",
        (source_id, channel_id, position[0], position[0], position[1]),
    ))  # fmt: skip


def lines_before(
    session: Session, source_id: int, channel_id: str, at: int, reach: int, limit: int
) -> list[Row]:
    """The last lines of a channel before a moment, oldest first: not in a thread, not deleted."""
    connection = session.connection()
    sign = mark(connection)
    rows = _rows(connection.exec_driver_sql(
        f"SELECT {_COLUMNS} FROM messages WHERE source_id = {sign} AND channel_id = {sign} "
        f"AND created_at < {sign} AND created_at >= {sign} AND {IN_LINE} AND NOT deleted "
        f"ORDER BY {_order(connection, 'DESC')} LIMIT {int(limit)}",
        (source_id, channel_id, at, at - reach),
    ))  # fmt: skip
    rows.reverse()
    return rows


def by_id(
    session: Session, source_id: int, external_ids: Iterable[str], channel_id: str | None = None
) -> list[Row]:
    """Messages that are there, by id; of one channel only if it is named."""
    connection = session.connection()
    condition, values = among(connection, "external_id", external_ids)
    if channel_id is not None:
        condition += f" AND channel_id = {mark(connection)}"
        values = (*values, channel_id)
    return _rows(connection.exec_driver_sql(
        f"SELECT {_COLUMNS} FROM messages WHERE source_id = {int(source_id)} AND {condition} "
        "AND created_at IS NOT NULL AND NOT deleted",
        values,
    ))  # fmt: skip


def _rows(result: CursorResult[Any]) -> list[Row]:
    return [Row._make(row) for row in fetch(result)]


def fetch(result: CursorResult[Any]) -> list[tuple[Any, ...]]:
    """All rows as the driver gives them: a third of the time that SQLAlchemy's own rows take."""
    cursor = result.cursor
    if cursor is None:
        return []
    rows = list(cursor.fetchall())
    result.close()
    return rows


def authors(session: Session, source_id: int, external_ids: Iterable[str]) -> dict[str, Author]:
    """Members by id."""
    connection = session.connection()
    condition, values = among(connection, "external_id", external_ids)
    rows = connection.exec_driver_sql(
        "SELECT external_id, name, display_name, person, COALESCE(standing = 'bot', is_bot) FROM members "
        f"WHERE source_id = {int(source_id)} AND {condition}",
        values,
    )
    return {row[0]: Author(row[0], row[1], row[2], row[3], bool(row[4])) for row in rows}
