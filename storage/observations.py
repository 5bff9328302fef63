"""Facts from outside the platforms, as people recorded them. They are undone, never deleted."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.tables import Observation


class Fact(NamedTuple):
    """What is recorded: a number, or a share of something, about some days."""

    kind: str
    subject: str
    """Which event, feature, campaign; empty where there is one only."""
    value: float
    of: float | None
    first: date
    until: date
    """The day after the last."""
    note: str = ""


def record(session: Session, facts: Iterable[Fact], by: str) -> None:
    """Keep facts; those recorded together are undone together."""
    now = datetime.now(UTC)
    for fact in facts:
        session.add(
            Observation(
                kind=fact.kind, subject=fact.subject, value=fact.value, of=fact.of, first=fact.first.isoformat(),
                until=fact.until.isoformat(), note=fact.note, recorded_by=by, recorded_at=now, undone_at=None,
            )
        )  # fmt: skip
    session.flush()


def undo_last(session: Session, by: str) -> list[Fact]:
    """Take back what somebody recorded last; empty where there is nothing left of theirs."""
    standing = select(Observation).where(Observation.recorded_by == by, Observation.undone_at.is_(None))
    last = session.scalars(standing.order_by(Observation.id.desc()).limit(1)).first()
    if last is None:
        return []
    together = session.scalars(
        standing.where(Observation.recorded_at == last.recorded_at).order_by(Observation.id)
    ).all()
    for row in together:
        row.undone_at = datetime.now(UTC)
    session.flush()
    return [_fact(row) for row in together]


def recent(session: Session, limit: int) -> list[tuple[Fact, str]]:
    """What was recorded last, the newest first, with who did."""
    standing = select(Observation).where(Observation.undone_at.is_(None))
    rows = session.scalars(standing.order_by(Observation.id.desc()).limit(limit))
    return [(_fact(row), row.recorded_by) for row in rows]


def within(session: Session, kind: str, first: date, until: date) -> list[Fact]:
    """All that is about days from `first` on and before `until`, wholly; in the order in which it was recorded."""
    inside = Observation.first >= first.isoformat(), Observation.until <= until.isoformat()
    rows = select(Observation).where(Observation.kind == kind, Observation.undone_at.is_(None), *inside)
    return [_fact(row) for row in session.scalars(rows.order_by(Observation.recorded_at, Observation.id))]


def _fact(row: Observation) -> Fact:
    return Fact(
        row.kind, row.subject, row.value, row.of, date.fromisoformat(row.first), date.fromisoformat(row.until),
        row.note,
    )  # fmt: skip
