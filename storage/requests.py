"""What people asked for and was done: the platforms tell some requests again, also to whoever was killed before answering."""

from datetime import UTC, datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from storage.tables import Request


def is_new(session: Session, source: str, id_: str) -> bool:
    """Whether a request was not done yet; from now on, once this transaction is durable, it was."""
    if session.get(Request, (source, id_)) is not None:
        return False
    session.add(Request(source=source, external_id=id_, at=datetime.now(UTC)))
    session.flush()
    return True


def forget(session: Session, older_than: datetime) -> None:
    """Forget requests so old that no platform tells them again."""
    session.execute(delete(Request).where(Request.at < older_than))
