"""What may be asked of the judge: messages with unsure labels, in public places, with a little of what stands around."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from bot.audience import Audience, Cut, source_ids
from bot.settings import Config
from bot.spaces.counted import quoted
from storage.tags import UNSURE

_NOBODY = Audience(source=0)
"""Readers of no source: every private place is hidden from them."""
_BEFORE, _AFTER = 4, 2
"""Messages of the conversation that are shown beside its first one and the one in question."""


class Line(NamedTuple):
    """A message of a conversation, as the judge sees it."""

    by: str
    """A letter for each person."""
    text: str


class Case(NamedTuple):
    """A message, and the labels that it may bear."""

    source_id: int
    external_id: str
    revision: int
    labels: tuple[str, ...]
    lines: tuple[Line, ...]
    """Of its conversation, in the order of time."""
    at: int
    """Which of the lines it is."""


def cases(session: Session, config: Config, limit: int) -> list[Case]:
    """The newest that were not asked about as they now stand."""
    ids = source_ids(session)
    # What is to be forgotten here must not be remembered elsewhere.
    allowed = [
        ids[name] for name, each in config.sources.items() if name in ids and each.keep_text_days is None
    ]
    if not allowed:
        return []
    readable = f"""m.text <> '' AND NOT m.deleted AND m.text_forgotten_at IS NULL AND c.counted AND NOT c.is_internal
        AND {Cut(session, _NOBODY).places("m.source_id", "m.channel_id")}"""
    waiting = _rows(session, f"""
        SELECT m.source_id, m.external_id, m.revision, m.conversation_id, m.created_at, t.label
        FROM tags t JOIN messages m ON m.source_id = t.source_id AND m.external_id = t.external_id
        JOIN channels c ON c.source_id = m.source_id AND c.external_id = m.channel_id
        LEFT JOIN opinions o ON o.source_id = t.source_id AND o.external_id = t.external_id AND o.label = t.label
            AND o.revision = m.revision
        WHERE t.decided_by = '{UNSURE}' AND o.label IS NULL AND m.conversation_id IS NOT NULL AND t.source_id IN ({", ".join(map(str, allowed))})
            AND {readable}
        ORDER BY m.created_at DESC, m.source_id, m.external_id, t.label LIMIT {int(limit) * 4}""")  # fmt: skip
    found = []
    for (source, id_, revision, conversation, _), rows in groupby(waiting, key=itemgetter(0, 1, 2, 3, 4)):
        # By one index: all there is on the other side of a join would be read first otherwise.
        talk = _rows(session, f"""
            SELECT m.external_id, COALESCE(a.person, m.author_id), m.text FROM messages m
            CROSS JOIN channels c
            LEFT JOIN members a ON a.source_id = m.source_id AND a.external_id = m.author_id
            WHERE m.source_id = {source} AND m.conversation_id = {quoted(conversation)} AND {readable}
                AND c.source_id = m.source_id AND c.external_id = m.channel_id
            ORDER BY m.created_at, m.external_id""")  # fmt: skip
        lines, at = _excerpt(talk, id_)
        found.append(Case(source, id_, revision, tuple(row[5] for row in rows), lines, at))
    return found[:limit]


def _rows(session: Session, sql: str) -> Sequence[Any]:
    connection = session.connection()
    # psycopg takes `%` for a mark even where there are no parameters.
    return connection.exec_driver_sql(
        sql.replace("%", "%%") if connection.dialect.name == "postgresql" else sql
    ).all()


def _excerpt(talk: Sequence[Any], id_: str) -> tuple[tuple[Line, ...], int]:
    """The first message of a talk, and what stands around the one in question."""
    at = next(n for n, (message, _, _) in enumerate(talk) if message == id_)
    begin = max(at - _BEFORE, 0)
    shown: Iterable[Any] = [*talk[: min(begin, 1)], *talk[begin : at + _AFTER + 1]]
    letters: dict[str, str] = {}
    lines = tuple(
        Line(letters.setdefault(person or "", chr(ord("A") + len(letters))), text)
        for _, person, text in shown
    )
    return lines, min(begin, 1) + at - begin
