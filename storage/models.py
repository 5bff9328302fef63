"""Models adapted to this community: kept, chosen, taken back."""

from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from storage.tables import Model


def keep(session: Session, base: str, content: str, report: str) -> Model:
    """Keep a model; it is put to use unless a person has pinned another."""
    pinned = session.scalar(select(Model.id).where(Model.pinned).limit(1))
    if pinned is None:
        session.execute(update(Model).values(in_use=False))
    made = Model(
        base=base,
        content=content,
        report=report,
        in_use=pinned is None,
        pinned=False,
        made_at=datetime.now(UTC),
    )
    session.add(made)
    session.flush()
    return made


def in_use(session: Session) -> Model | None:
    """The model in use; None: the one that ships."""
    return session.scalar(select(Model).where(Model.in_use).limit(1))


def every(session: Session) -> list[Model]:
    """All of them, the oldest first."""
    return list(session.scalars(select(Model).order_by(Model.id)))


def choose(session: Session, id_: int | None, *, pinned: bool) -> bool:
    """Put a model to use (None: the one that ships). False where there is none of that number."""
    if id_ is not None and session.get(Model, id_) is None:
        return False
    session.execute(update(Model).values(in_use=False, pinned=False))
    if id_ is not None:
        session.execute(update(Model).where(Model.id == id_).values(in_use=True, pinned=pinned))
    return True
