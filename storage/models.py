"""Models adapted to this community: kept, chosen, taken back."""

from datetime import UTC, datetime

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from storage.tables import Model, Setting, Tag
from storage.tags import MODERATOR

_SHIPPED = "shipped_pinned"
_TRIED = "learned_at"
_KEPT = 20
"""Of models that nobody uses so many are kept: each takes up to two megabytes."""


def keep(session: Session, base: str, content: str, report: str) -> Model:
    """Keep a model; it is put to use unless a person has pinned another."""
    pinned = is_shipped_pinned(session) or session.scalar(select(exists().where(Model.pinned)))
    if not pinned:
        session.execute(update(Model).values(in_use=False))
    made = Model(
        base=base,
        content=content,
        report=report,
        in_use=not pinned,
        pinned=False,
        made_at=datetime.now(UTC),
    )
    session.add(made)
    session.flush()
    old = select(Model.id).where(~Model.in_use, ~Model.pinned).order_by(Model.id.desc()).offset(_KEPT)
    session.execute(delete(Model).where(Model.id.in_(list(session.scalars(old)))))
    return made


def in_use(session: Session) -> Model | None:
    """The model in use; None: the one that ships."""
    return session.scalar(select(Model).where(Model.in_use).limit(1))


def every(session: Session) -> list[Model]:
    """All of them, the oldest first."""
    return list(session.scalars(select(Model).order_by(Model.id)))


def choose(session: Session, id_: int | None) -> bool:
    """Pin a model (None: the one that ships), until another is chosen. False where there is none of that number."""
    if id_ is not None and session.get(Model, id_) is None:
        return False
    session.execute(update(Model).values(in_use=False, pinned=False))
    session.execute(delete(Setting).where(Setting.key == _SHIPPED))
    if id_ is None:
        session.add(Setting(key=_SHIPPED, value="yes"))
    else:
        session.execute(update(Model).where(Model.id == id_).values(in_use=True, pinned=True))
    return True


def follow(session: Session) -> Model | None:
    """Pin nothing any more: the newest is put to use, and whatever is learned after it. Returns it, if there is one."""
    newest = session.scalar(select(Model).order_by(Model.id.desc()).limit(1))
    session.execute(delete(Setting).where(Setting.key == _SHIPPED))
    session.execute(update(Model).values(in_use=False, pinned=False))
    if newest is not None:
        session.execute(update(Model).where(Model.id == newest.id).values(in_use=True))
    return newest


def is_shipped_pinned(session: Session) -> bool:
    """Whether a person chose the model that ships."""
    return session.get(Setting, _SHIPPED) is not None


def tried(session: Session, at: datetime) -> None:
    """Note that all verdicts given by then have been learned from."""
    session.merge(Setting(key=_TRIED, value=at.isoformat()))


def tried_at(session: Session) -> datetime | None:
    """When verdicts were last learned from."""
    found = session.get(Setting, _TRIED)
    return None if found is None else datetime.fromisoformat(found.value)


def has_news(session: Session) -> bool:
    """Whether a person has given a verdict since verdicts were last learned from."""
    last = tried_at(session)
    given = select(Tag.source_id).where(Tag.decided_by == MODERATOR)
    return (
        session.scalar((given if last is None else given.where(Tag.decided_at > last)).limit(1)) is not None
    )
