"""Who does not want to be named among the people to thank, by their own word. It holds for the whole person."""

from datetime import UTC, datetime

from sqlalchemy import and_, delete, select
from sqlalchemy.orm import Session

from storage.tables import Member, OptOut

_SAME = and_(OptOut.source_id == Member.source_id, OptOut.external_id == Member.external_id)


def persons(session: Session) -> set[str]:
    """The persons of whom an account opted out."""
    return set(session.scalars(select(Member.person).join(OptOut, _SAME)))


def hide(session: Session, source_id: int, external_id: str) -> None:
    """Never name this account's person again."""
    session.merge(OptOut(source_id=source_id, external_id=external_id, at=datetime.now(UTC)))


def show(session: Session, source_id: int, external_id: str) -> None:
    """Take it back, whichever of the person's accounts said so."""
    session.execute(delete(OptOut).where(OptOut.source_id == source_id, OptOut.external_id == external_id))
    own = session.get(Member, (source_id, external_id))
    if own is None:
        return
    for account in session.scalars(select(Member).where(Member.person == own.person)):
        session.execute(
            delete(OptOut).where(
                OptOut.source_id == account.source_id, OptOut.external_id == account.external_id
            )
        )
