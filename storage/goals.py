"""What metrics are to reach, and by when: one goal a metric."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.tables import Goal


def put(session: Session, metric: str, target: float, due: date, begun: date, by: str) -> None:
    """Set a goal, in place of the one that the metric had."""
    session.merge(
        Goal(
            metric=metric, target=target, due=due.isoformat(), begun=begun.isoformat(), set_by=by,
            set_at=datetime.now(UTC),
        )
    )  # fmt: skip


def drop(session: Session, metric: str) -> bool:
    """Take a goal away; False where there was none."""
    found = session.get(Goal, metric)
    if found is None:
        return False
    session.delete(found)
    return True


def standing(session: Session) -> Sequence[Goal]:
    """All goals, those that are due first at the front."""
    return session.scalars(select(Goal).order_by(Goal.due, Goal.metric)).all()
