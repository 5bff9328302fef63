"""Tags: a moderator's verdicts, which stand for ever, and the machine's, which are made again."""

from collections.abc import Container, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.queue import among, mark, queue
from storage.tables import Message, Tag
from storage.times import to_micros

MODERATOR = "moderator"
PLATFORM = "platform"
UNSURE = "unsure"
"""Not counted: it waits for a person to look."""
JUDGE = "judge"
"""Said by an outside judge, where the machine was unsure (storage.opinions)."""


class MachineTag(NamedTuple):
    """A verdict of the machine: the message is `label`; or, decided by UNSURE, it may be."""

    external_id: str
    label: str
    decided_by: str
    why: str
    probability: float | None = None


def decide(
    session: Session, source_id: int, external_id: str, label: str, verdict: bool, decider: str, why: str = ""
) -> bool:
    """Keep a moderator's verdict, which beats the machine's until it is undone. The conversation is tagged anew.

    Returns:
        False where there is no such message (nothing is kept then).
    """
    if session.get(Message, (source_id, external_id)) is None:
        return False
    session.merge(
        Tag(
            source_id=source_id, external_id=external_id, label=label, verdict=verdict, decided_by=MODERATOR,
            decider=decider, why=why, probability=None, decided_at=datetime.now(UTC),
        )
    )  # fmt: skip
    session.flush()
    queue(session, source_id, [external_id])
    return True


def undo(session: Session, source_id: int, external_id: str, label: str) -> bool:
    """Take a moderator's verdict back; the machine decides again. Returns False where there was none."""
    found = session.get(Tag, (source_id, external_id, label))
    if found is None or found.decided_by != MODERATOR:
        return False
    session.delete(found)
    session.flush()
    queue(session, source_id, [external_id])
    return True


def of_message(session: Session, source_id: int, external_id: str) -> list[Tag]:
    """All verdicts on a message, yes and no, by label."""
    chosen = select(Tag).where(Tag.source_id == source_id, Tag.external_id == external_id)
    return list(session.scalars(chosen.order_by(Tag.label)))


def verdicts(
    session: Session, source_id: int, external_ids: Iterable[str], label: str
) -> dict[str, tuple[bool, bool]]:
    """Message -> (verdict, it is a moderator's), of those that have one on the label."""
    connection = session.connection()
    condition, values = among(connection, "external_id", external_ids)
    sign = mark(connection)
    rows = connection.exec_driver_sql(
        f"SELECT external_id, verdict, decided_by FROM tags "
        f"WHERE source_id = {int(source_id)} AND label = {sign} AND {condition}",
        (label, *values),
    )
    return {external_id: (bool(verdict), by == MODERATOR) for external_id, verdict, by in rows}


def replace(
    session: Session,
    source_id: int,
    external_ids: Sequence[str],
    tags: Iterable[MachineTag],
    forgotten: Container[str] = (),
) -> int:
    """Make `tags` the machine's whole verdict on these messages; returns how many rows were written or deleted.

    What has not changed is left alone, and so is whatever a moderator decided. Of messages whose text is `forgotten`
    only the platform's marks are taken back: what was read in the text still holds.
    """
    connection = session.connection()
    condition, values = among(connection, "external_id", external_ids)
    old: dict[tuple[str, str], tuple[str, str, float | None]] = {}
    for external_id, label, *decided in connection.exec_driver_sql(
        f"SELECT external_id, label, decided_by, why, probability FROM tags "
        f"WHERE source_id = {int(source_id)} AND {condition}",
        values,
    ):
        old[external_id, label] = (decided[0], decided[1], decided[2])
    now = to_micros(datetime.now(UTC))
    new: list[tuple[Any, ...]] = []
    for tag in tags:
        before = old.pop((tag.external_id, tag.label), None)
        if before is None or (
            before[0] != MODERATOR and before != (tag.decided_by, tag.why, tag.probability)
        ):
            new.append((
                source_id, tag.external_id, tag.label, tag.decided_by != UNSURE, tag.decided_by, tag.why,
                tag.probability, now,
            ))  # fmt: skip
    gone = [
        (source_id, *key) for key, (by, *_) in old.items()
        if by != MODERATOR and (by == PLATFORM or key[0] not in forgotten)
    ]  # fmt: skip
    sign = mark(connection)
    if gone:
        connection.exec_driver_sql(
            f"DELETE FROM tags WHERE source_id = {sign} AND external_id = {sign} AND label = {sign} "
            f"AND decided_by <> '{MODERATOR}'",
            gone,
        )
    if new:
        connection.exec_driver_sql(
            f"INSERT INTO tags (source_id, external_id, label, verdict, decided_by, why, probability, decided_at) "
            f"VALUES ({', '.join([sign] * 8)}) ON CONFLICT (source_id, external_id, label) DO UPDATE SET "
            f"verdict = excluded.verdict, decided_by = excluded.decided_by, why = excluded.why, "
            f"probability = excluded.probability, decided_at = excluded.decided_at WHERE tags.decided_by <> '{MODERATOR}'",
            new,
        )
    return len(gone) + len(new)
