"""The door: everything a platform tells us is saved here, live or old, and how far we are with it.

Saving is idempotent and free of order: each table is a fold over what was said, in which the highest
`(revision, observed_at)` wins and a deletion hides what was seen before it. So a page may come twice, late, or
after its successor, and the tables end up the same.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeVar, cast

import orjson
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from connectors.records import Channel, Deletion, Join, Leave, Member, Message, Page
from storage import states, sweeps
from storage.queue import each
from storage.tables import Source
from storage.times import to_micros

Row = tuple[Any, ...]
_Text = TypeVar("_Text", str, str | None)

# Below this a COPY into a temporary table costs more than it saves.
_COPY_FROM = 64
# SQLite works without Python's lock from row to row of one statement only: other threads go on meanwhile.
_TOGETHER = 50


class Saved(NamedTuple):
    """How many rows a page really changed: 0 when everything in it was known."""

    messages: int
    deletions: int


def source_id(session: Session, name: str, connector: str) -> int:
    """The number of a configured source, given at first sight."""
    found = session.scalar(select(Source).where(Source.name == name))
    if found is None:
        found = Source(name=name, connector=connector)
        session.add(found)
        session.flush()
    return found.id


def save(session: Session, source: int, page: Page) -> Saved:
    """Save one page of a source, all of it or (with the transaction) nothing of it."""
    return save_all(session, source, [page])


def save_all(session: Session, source: int, pages: Sequence[Page]) -> Saved:
    """Save several pages of a source as `save` would one after the other, in fewer statements."""
    connection = session.connection()
    rows: dict[_Upsert, list[Row]] = {
        upsert: [] for upsert in (_CHANNEL, _MEMBER, _JOINED, _MESSAGE, _DELETION, _CURSOR)
    }
    for page in pages:
        observed = to_micros(page.observed_at)
        rows[_CHANNEL] += [_channel_row(source, observed, channel) for channel in page.channels]
        rows[_MEMBER] += [_member_row(source, observed, member) for member in page.members]
        rows[_JOINED] += [_join_row(source, fact) for fact in (*page.joins, *page.leaves)]
        rows[_MESSAGE] += [_message_row(source, observed, message) for message in page.messages]
        rows[_DELETION] += [_deletion_row(source, deletion) for deletion in page.deletions]
        if page.cursor is not None:
            rows[_CURSOR].append((source, storable(page.stream), storable(page.cursor), observed))
    written = {upsert: _write(connection, upsert, some) for upsert, some in rows.items()}
    if rows[_MESSAGE]:
        _know(connection, source, rows[_MESSAGE])
        seen = min(page.observed_at for page in pages if page.messages)
        written[_DELETION] += sweeps.judge(
            connection, source, [row[1] for row in rows[_MESSAGE]], to_micros(seen)
        )
    written[_DELETION] += sweeps.apply(connection, source, pages)
    for page in pages:
        if page.refusals or page.readable:
            states.note_refusals(session, source, page)
    return Saved(written[_MESSAGE], written[_DELETION])


def cursors(session: Session, source: int) -> dict[str, str]:
    """How far each stream of a source has been read."""
    rows = session.connection().exec_driver_sql(
        f"SELECT stream, cursor FROM cursors WHERE source_id = {int(source)}"
    )
    return {stream: cursor for stream, cursor in rows}  # noqa: C416 - rows are no pairs to mypy


# --- one row of each table, from its record ---------------------------------------------------------------------


def _message_row(source: int, observed: int, message: Message) -> Row:
    (id_, channel, author, created, text, thread, opens, reply_to, revision, reactions, solution, url,
     marks) = message  # fmt: skip
    count, json = 0, None
    if reactions:
        count = sum(reactions.values())
        json = orjson.dumps(
            {storable(emoji): people for emoji, people in reactions.items()}, option=orjson.OPT_SORT_KEYS
        ).decode()
    said = f"{id_}{channel}{author}{text}{thread}{reply_to}{url}"
    if not said.isascii() or "\0" in said:  # else nothing in it needs a closer look, which takes longer
        id_, channel, text = storable(id_), storable(channel), storable(text)
        author, thread, reply_to, url = map(storable, (author, thread, reply_to, url))
    tags = orjson.dumps(sorted(map(storable, marks))).decode() if marks else None
    return (
        source, id_, channel, author, to_micros(created), text, thread, opens, reply_to, revision, observed,
        json, count, solution, url, tags, None, False, None, True,
    )  # fmt: skip


def _deletion_row(source: int, deletion: Deletion) -> Row:
    # A tombstone is older than any snapshot (revision -1), so that whatever comes later fills it in.
    return (
        source, storable(deletion.message_id), None, None, None, "", None, False, None, -1, 0,
        None, 0, False, None, None, to_micros(deletion.at), True, None, False,
    )  # fmt: skip


def _channel_row(source: int, observed: int, channel: Channel) -> Row:
    return (
        source, storable(channel.id), storable(channel.name), storable(channel.parent_id), channel.is_private,
        channel.is_archived, storable(channel.url), observed, False,
    )  # fmt: skip


def _member_row(source: int, observed: int, member: Member) -> Row:
    id_ = storable(member.id)
    roles, links = (
        orjson.dumps(sorted(map(storable, names))).decode() for names in (member.roles, member.links)
    )
    return (
        source, id_, storable(member.name), storable(member.display_name), storable(member.email), member.is_bot,
        member.is_staff, roles, links, member.is_active, member.complete, observed, None, None, None,
        account(source, id_),
    )  # fmt: skip


def _join_row(source: int, fact: Join | Leave) -> Row:
    at, id_ = to_micros(fact.at), storable(fact.member_id)
    joined, left = (at, None) if isinstance(fact, Join) else (None, at)
    return (
        source, id_, id_, "", None, False, False, "[]", "[]",
        True, False, 0, joined, joined, left, account(source, id_),
    )  # fmt: skip


def account(source: int, external_id: str) -> str:
    """The name of an account, and at first of the person behind it."""
    return f"{source}:{external_id}"


def storable(text: _Text) -> _Text:
    """The text without what no database keeps: NUL bytes and halves of surrogate pairs."""
    if text is None:
        return text
    if "\0" in text:
        text = text.replace("\0", "")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


# --- the statements ---------------------------------------------------------------------------------------------


class _Upsert(NamedTuple):
    """One conditional upsert, said once for both databases."""

    name: str
    """What is written; no two statements share it."""
    table: str
    columns: tuple[str, ...]
    key: int
    """How many of the columns, from the first, are the primary key."""
    conflict: str


_MESSAGE_COLUMNS = (
    "source_id", "external_id", "channel_id", "author_id", "created_at", "text", "thread_id", "opens_thread",
    "reply_to", "revision", "observed_at", "reactions", "reaction_count", "is_solution", "url", "marks", "deleted_at",
    "deleted", "conversation_id", "untagged",
)  # fmt: skip
_MEMBER_COLUMNS = (
    "source_id", "external_id", "name", "display_name", "email", "is_bot", "is_staff", "roles", "links", "is_active",
    "complete", "observed_at", "joined_at", "rejoined_at", "left_at", "person",
)  # fmt: skip
_TAKEN = ("channel_id", "author_id", "created_at", "thread_id", "opens_thread", "reply_to", "revision",
          "observed_at", "reactions", "reaction_count", "is_solution", "url", "marks")  # fmt: skip

# Content-light: what was forgotten stays so until somebody edits the message (storage.retention).
_STAYS_FORGOTTEN = "(messages.text_forgotten_at IS NOT NULL AND NOT messages.deleted AND excluded.revision <= messages.revision)"
_OTHER_TEXT = f"NOT messages.deleted AND messages.text <> excluded.text AND NOT {_STAYS_FORGOTTEN}"

_MESSAGE = _Upsert(
    "message",
    "messages", _MESSAGE_COLUMNS, 2,
    "UPDATE SET " + ", ".join(f"{column} = excluded.{column}" for column in _TAKEN) + f""",
        text = CASE WHEN messages.deleted_at >= excluded.observed_at OR {_STAYS_FORGOTTEN} THEN ''
            ELSE excluded.text END,
        text_forgotten_at = CASE WHEN {_STAYS_FORGOTTEN} THEN messages.text_forgotten_at END,
        deleted = COALESCE(messages.deleted_at >= excluded.observed_at, false),
        untagged = messages.untagged OR messages.created_at IS NULL
            OR messages.deleted <> COALESCE(messages.deleted_at >= excluded.observed_at, false)
            OR ({_OTHER_TEXT})
            OR messages.reaction_count <> excluded.reaction_count OR messages.is_solution <> excluded.is_solution
            OR messages.opens_thread <> excluded.opens_thread
            OR COALESCE(messages.thread_id, '') <> COALESCE(excluded.thread_id, '')
            OR COALESCE(messages.reply_to, '') <> COALESCE(excluded.reply_to, '')
            OR COALESCE(messages.author_id, '') <> COALESCE(excluded.author_id, '')
            OR COALESCE(messages.reactions, '') <> COALESCE(excluded.reactions, '')
            OR COALESCE(messages.marks, '') <> COALESCE(excluded.marks, '')
    WHERE (excluded.revision, excluded.observed_at) > (messages.revision, messages.observed_at)
       OR ((excluded.revision, excluded.observed_at) = (messages.revision, messages.observed_at)
           AND ({_OTHER_TEXT}
                OR COALESCE(messages.url, '') <> COALESCE(excluded.url, '')
                OR COALESCE(messages.marks, '') <> COALESCE(excluded.marks, '')
                OR COALESCE(messages.reactions, '') <> COALESCE(excluded.reactions, '')))""",
)  # fmt: skip

_DELETION = _Upsert(
    "deletion",
    "messages", _MESSAGE_COLUMNS, 2,
    """UPDATE SET deleted_at = excluded.deleted_at,
        deleted = excluded.deleted_at >= messages.observed_at,
        text = CASE WHEN excluded.deleted_at >= messages.observed_at THEN '' ELSE messages.text END,
        untagged = messages.untagged OR (excluded.deleted_at >= messages.observed_at AND NOT messages.deleted)
    WHERE messages.deleted_at IS NULL OR excluded.deleted_at > messages.deleted_at""",
)  # fmt: skip

_CHANNEL = _Upsert(
    "channel",
    "channels",
    ("source_id", "external_id", "name", "parent_id", "is_private", "is_archived", "url", "observed_at", "is_internal"),
    2,
    """UPDATE SET name = excluded.name, parent_id = excluded.parent_id, is_private = excluded.is_private,
        is_archived = excluded.is_archived, url = excluded.url, observed_at = excluded.observed_at, counted = NULL
    WHERE excluded.observed_at > channels.observed_at""",
)  # fmt: skip

_MEMBER = _Upsert(
    "member",
    "members", _MEMBER_COLUMNS, 2,
    "UPDATE SET " + ", ".join(f"{column} = excluded.{column}" for column in _MEMBER_COLUMNS[2:12]) + """,
        standing = NULL
    WHERE (excluded.complete, excluded.observed_at) > (members.complete, members.observed_at)""",
)  # fmt: skip

_JOINED = _Upsert(
    "joined",
    "members", _MEMBER_COLUMNS, 2,
    """UPDATE SET
        joined_at = CASE WHEN members.joined_at <= excluded.joined_at THEN members.joined_at
            ELSE COALESCE(excluded.joined_at, members.joined_at) END,
        rejoined_at = CASE WHEN members.rejoined_at >= excluded.rejoined_at THEN members.rejoined_at
            ELSE COALESCE(excluded.rejoined_at, members.rejoined_at) END,
        left_at = CASE WHEN members.left_at >= excluded.left_at THEN members.left_at
            ELSE COALESCE(excluded.left_at, members.left_at) END""",
)  # fmt: skip

_CURSOR = _Upsert(
    "cursor",
    "cursors", ("source_id", "stream", "cursor", "saved_at"), 2,
    "UPDATE SET cursor = excluded.cursor, saved_at = excluded.saved_at",
)  # fmt: skip

_KNOWN_AUTHOR = _Upsert("author", "members", _MEMBER_COLUMNS, 2, "NOTHING")
_KNOWN_CHANNEL = _Upsert("place", "channels", _CHANNEL.columns, 2, "NOTHING")


def _know(connection: Connection, source: int, messages: Iterable[Row]) -> None:
    """Give a row to every author and channel that was only ever named by a message."""
    channels = _strangers(connection, source, "channels", {row[2] for row in messages})
    authors = _strangers(connection, source, "members", {row[3] for row in messages} - {None})
    stub = (False, False, "[]", "[]", True, False, 0, None, None, None)
    _write(connection, _KNOWN_AUTHOR,
           [(source, id_, id_, "", None, *stub, account(source, id_)) for id_ in authors])  # fmt: skip
    _write(
        connection,
        _KNOWN_CHANNEL,
        [(source, id_, id_, None, False, False, None, 0, False) for id_ in channels],
    )


def _strangers(connection: Connection, source: int, table: str, named: set[str]) -> list[str]:
    wanted, values = each(connection, named)
    known = connection.exec_driver_sql(
        f"SELECT external_id FROM {wanted} CROSS JOIN {table} WHERE source_id = {int(source)} AND external_id = wanted.value",
        values,
    )
    return sorted(named.difference(known.scalars()))


def _write(connection: Connection, upsert: _Upsert, rows: Sequence[Row]) -> int:
    """Write rows in their order; returns how many were inserted or changed."""
    if not rows:
        return 0
    if connection.dialect.name == "postgresql" and len(rows) >= _COPY_FROM:
        return _copy(connection, upsert, rows)
    together = len(rows) // _TOGETHER * _TOGETHER if connection.dialect.name == "sqlite" else 0
    written = 0
    for begin in range(0, together, _TOGETHER):
        values = tuple(chain.from_iterable(rows[begin : begin + _TOGETHER]))
        written += connection.exec_driver_sql(_sql(connection, upsert, _TOGETHER), values).rowcount
    if left := list(rows[together:]):
        written += max(connection.exec_driver_sql(_sql(connection, upsert), left).rowcount, 0)
    return written


def _sql(connection: Connection, upsert: _Upsert, rows: int = 1) -> str:
    """The statement that writes so many rows."""
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    columns = ", ".join(upsert.columns)
    key = ", ".join(upsert.columns[: upsert.key])
    values = ", ".join([f"({', '.join([mark] * len(upsert.columns))})"] * rows)
    return f"INSERT INTO {upsert.table} ({columns}) VALUES {values} ON CONFLICT ({key}) DO {upsert.conflict}"


def _copy(connection: Connection, upsert: _Upsert, rows: Sequence[Row]) -> int:
    """PostgreSQL's fast way: COPY into a temporary table, then one upsert from it, in rounds of distinct keys."""
    columns = ", ".join(upsert.columns)
    key = ", ".join(upsert.columns[: upsert.key])
    temporary = f"incoming_{upsert.name}"
    cursor = cast("Any", connection.connection.cursor())
    cursor.execute(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {temporary} ON COMMIT DELETE ROWS AS "
        f"SELECT {columns} FROM {upsert.table} WITH NO DATA"
    )
    written = 0
    for distinct in _rounds(rows, upsert.key):
        # Each time: messages and deletions of one transaction go through the same temporary table.
        cursor.execute(f"TRUNCATE {temporary}")
        with cursor.copy(f"COPY {temporary} ({columns}) FROM STDIN") as copy:
            for row in distinct:
                copy.write_row(row)
        cursor.execute(
            f"INSERT INTO {upsert.table} ({columns}) SELECT {columns} FROM {temporary} "
            f"ON CONFLICT ({key}) DO {upsert.conflict}"
        )
        written += max(cursor.rowcount, 0)
    return written


def _rounds(rows: Sequence[Row], key: int) -> Iterable[list[Row]]:
    """Split rows so that no key stands twice in one round: one upsert may not touch a row twice."""
    waiting = list(rows)
    while waiting:
        distinct: dict[Row, Row] = {}
        again = []
        for row in waiting:
            if row[:key] in distinct:
                again.append(row)
            else:
                distinct[row[:key]] = row
        yield list(distinct.values())
        waiting = again
