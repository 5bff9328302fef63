"""How each source fares, written by whoever serves it and read by whoever asks."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from connectors.records import Page
from storage.tables import Cursor, Refusal, State

_AT_ONCE = 500


def write(session: Session, source_id: int, **facts: Any) -> None:
    """Write down facts about a source; what is not named stays as it was."""
    state = session.get(State, source_id) or State(source_id=source_id, connected=False)
    for name, value in facts.items():
        setattr(state, name, value)
    state.updated_at = datetime.now(UTC)
    session.add(state)


def read(session: Session, source_id: int) -> State | None:
    """The last that was written down of a source."""
    return session.get(State, source_id)


def refusals(session: Session, source_id: int) -> list[Refusal]:
    """The places of a source that could not be read, and why."""
    chosen = select(Refusal).where(Refusal.source_id == source_id).order_by(Refusal.channel_id)
    return list(session.scalars(chosen))


def note_refusals(session: Session, source_id: int, page: Page) -> None:
    """Remember the places that refused, and forget that others did; what was told later stands."""
    for refusal in page.refusals:
        known = session.get(Refusal, (source_id, refusal.channel_id))
        if known is None or known.told_at < page.observed_at:
            session.merge(
                Refusal(
                    source_id=source_id,
                    channel_id=refusal.channel_id,
                    why=refusal.why,
                    told_at=page.observed_at,
                )
            )
            session.flush()
    if not (page.readable and _any_refused(session, source_id)):
        return
    for start in range(0, len(page.readable), _AT_ONCE):
        answered = Refusal.channel_id.in_(page.readable[start : start + _AT_ONCE])
        mine = Refusal.source_id == source_id, Refusal.told_at <= page.observed_at
        session.execute(delete(Refusal).where(*mine, answered))


def _any_refused(session: Session, source_id: int) -> bool:
    sql = f"SELECT 1 FROM refusals WHERE source_id = {int(source_id)} LIMIT 1"
    return session.connection().exec_driver_sql(sql).first() is not None


def begin_history(session: Session, source_id: int, since: datetime, *, earlier: bool = False) -> datetime:
    """Where the history of a source begins: decided once, and moved back only if `earlier` is asked for.

    Moving it back forgets how far each stream was read, so that all is read again from the new start; what is known
    already changes nothing.
    """
    state = read(session, source_id)
    known = state.history_since if state else None
    if known is not None and (not earlier or since >= known):
        return known
    if known is not None:
        session.execute(delete(Cursor).where(Cursor.source_id == source_id))
    write(session, source_id, history_since=since)
    return since
