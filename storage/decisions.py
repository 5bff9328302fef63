"""What people decided about messages: every decision is kept, and what stands is what the standing decisions say.

A decision stands until whoever took it takes it back. Of several that stand on one message and label the latest is in
force; where none is left, the machine decides again. So taking back one's own never undoes another's.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage import tags
from storage.tables import Message, Tag, TagChange

EMOJI = "emoji"
UNDO, UNREACT = "undo", "unreact"
"""How a decision is taken back: the last one; that of a reaction which was taken away."""

_LOOKED_AT = 1_000


class Verdict(NamedTuple):
    """What is in force on a message and label; None: the machine decides."""

    verdict: bool | None
    decider: str | None


def decide(
    session: Session,
    source_id: int,
    external_ids: Iterable[str],
    label: str,
    verdict: bool,
    decider: str,
    via: str,
    at: datetime | None = None,
) -> list[TagChange]:
    """Decide about messages at once; those that are not there (any more) are passed over. Returns what was decided.

    A reaction that says what the same person's reaction has said already is no new decision.
    """
    now, done = at or datetime.now(UTC), list[TagChange]()
    for external_id in external_ids:
        message = session.get(Message, (source_id, external_id))
        if message is None or message.deleted or message.created_at is None:
            continue
        stack = _stacks(session, source_id, external_id, label).get(decider)
        if via == EMOJI and stack and (stack[-1].via, stack[-1].after) == (EMOJI, verdict):
            continue
        before = in_force(session, source_id, external_id, label).verdict
        tags.decide(session, source_id, external_id, label, verdict, decider)
        done.append(_write(session, source_id, external_id, label, before, verdict, decider, via, now))
    session.flush()
    return done


def undo(session: Session, decider: str, number: int | None = None) -> list[TagChange]:
    """Take back somebody's last decision, on all messages that it was about; returns what is in force since.

    With `number`, only if the decision of that number is still their last on its message.
    """
    last = _last(session, decider, number)
    if last is None:
        return []
    together = select(TagChange).where(
        TagChange.decider == decider, TagChange.decided_at == last.decided_at, TagChange.via == last.via
    )
    return [
        _take_back(session, each, UNDO)
        for each in session.scalars(together.order_by(TagChange.id)).all()
        if _is_last(session, each)
    ]


def unreact(session: Session, source_id: int, external_id: str, label: str, decider: str) -> TagChange | None:
    """Take back what somebody decided by a reaction; None where nothing of the kind stands."""
    stack = _stacks(session, source_id, external_id, label).get(decider, [])
    found = next((row for row in reversed(stack) if row.via == EMOJI), None)
    return None if found is None else _take_back(session, found, UNREACT)


def in_force(session: Session, source_id: int, external_id: str, label: str) -> Verdict:
    """What people decided on a message and label, as it stands."""
    found = session.get(Tag, (source_id, external_id, label))
    if found is None or found.decided_by != tags.MODERATOR:
        return Verdict(None, None)
    return Verdict(found.verdict, found.decider)


def history(session: Session, source_id: int, external_id: str) -> list[TagChange]:
    """Every decision on a message, the oldest first, also those taken back."""
    here = TagChange.source_id == source_id, TagChange.external_id == external_id
    return list(session.scalars(select(TagChange).where(*here).order_by(TagChange.id)))


# --- what stands --------------------------------------------------------------------------------------------------


def _stacks(session: Session, source_id: int, external_id: str, label: str) -> dict[str, list[TagChange]]:
    """Decider -> their decisions that stand, the oldest first."""
    stacks: dict[str, list[TagChange]] = {}
    for row in history(session, source_id, external_id):
        if row.label == label:
            _follow(stacks.setdefault(row.decider, []), row)
    return stacks


def _follow(stack: list[TagChange], row: TagChange) -> None:
    if row.via not in {UNDO, UNREACT}:
        stack.append(row)
        return
    taken = next((each for each in reversed(stack) if row.via == UNDO or each.via == EMOJI), None)
    if taken is not None:
        stack.remove(taken)


def _last(session: Session, decider: str, number: int | None) -> TagChange | None:
    """The last decision of somebody that stands; with `number`, that one if it is the last on its message."""
    if number is not None:
        row = session.get(TagChange, number)
        return row if row is not None and row.decider == decider and _is_last(session, row) else None
    own = (
        select(TagChange).where(TagChange.decider == decider).order_by(TagChange.id.desc()).limit(_LOOKED_AT)
    )
    return next((row for row in session.scalars(own).all() if _is_last(session, row)), None)


def _is_last(session: Session, row: TagChange) -> bool:
    """Whether it stands, and is the last of its decider on its message and label."""
    stack = _stacks(session, row.source_id, row.external_id, row.label).get(row.decider)
    return bool(stack) and stack is not None and stack[-1] is row


def _take_back(session: Session, decision: TagChange, how: str) -> TagChange:
    key = decision.source_id, decision.external_id, decision.label
    before = in_force(session, *key).verdict
    row = _write(session, *key, before, None, decision.decider, how, datetime.now(UTC))
    session.flush()
    standing = [stack[-1] for stack in _stacks(session, *key).values() if stack]
    latest: TagChange | None = max(standing, key=lambda each: each.id, default=None)
    if latest is None or latest.after is None:
        tags.undo(session, *key)
    else:
        row.after = latest.after
        tags.decide(session, *key, latest.after, latest.decider)
    session.flush()
    return row


def _write(
    session: Session, source_id: int, external_id: str, label: str, before: bool | None, after: bool | None,
    decider: str, via: str, at: datetime,
) -> TagChange:  # fmt: skip
    row = TagChange(
        source_id=source_id, external_id=external_id, label=label, before=before, after=after, decider=decider,
        via=via, decided_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def conversation(session: Session, source_id: int, external_id: str, limit: int) -> Sequence[str]:
    """The messages of the conversation that a message belongs to, oldest first; the message alone where it has none."""
    message = session.get(Message, (source_id, external_id))
    if message is None or message.conversation_id is None:
        return [external_id]
    same = (
        Message.source_id == source_id,
        Message.conversation_id == message.conversation_id,
        ~Message.deleted,
    )
    return session.scalars(
        select(Message.external_id)
        .where(*same)
        .order_by(Message.created_at, Message.external_id)
        .limit(limit)
    ).all()


def search(session: Session, text: str, limit: int) -> Sequence[Message]:
    """Messages that hold a text, whatever the case of its letters; the newest first."""
    holds = func.lower(Message.text).contains(text.lower(), autoescape=True)
    found = select(Message).where(holds, ~Message.deleted, Message.created_at.is_not(None))
    return session.scalars(found.order_by(Message.created_at.desc(), Message.external_id).limit(limit)).all()


def decide_all(
    session: Session, messages: Iterable[Message], label: str, verdict: bool, decider: str, via: str
) -> int:
    """Decide about messages of any sources at once; it is undone at once too. Returns of how many."""
    now = datetime.now(UTC)
    return sum(
        len(decide(session, message.source_id, [message.external_id], label, verdict, decider, via, now))
        for message in messages
    )
