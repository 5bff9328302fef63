"""The accounts of one person on several platforms: what was decided, and how it is undone.

The facts are the decisions in `merges`; `members.person` is derived from those not undone, as the connected
components of the accounts they name. So merges and undoings may come in any order and overlap as they like: what
stands is always what the standing decisions say, and nothing of the others.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import orjson
from sqlalchemy import ColumnElement, and_, func, select, text, update
from sqlalchemy.orm import Session

from storage import tables
from storage.accounts import AccountError, describe, find_account, handles, persons
from storage.likeness import Suggestion, suggest
from storage.tables import Member, Message

__all__ = [
    "AccountError", "Merge", "Suggestion", "accounts_of", "describe", "find_account", "handles", "history", "merge",
    "person_of", "suggest", "unmerge",
]  # fmt: skip


_NO_MERGE = 2**31
"""Beyond the numbers that a database gives."""


class Merge(NamedTuple):
    """A decision that accounts are one person."""

    id: int
    accounts: tuple[str, ...]
    """The accounts it names, as "1:U1"."""
    why: str
    decided_by: str
    decided_at: datetime
    undone_at: datetime | None


# --- decisions --------------------------------------------------------------------------------------------------


def merge(session: Session, accounts: Iterable[str], why: str, decided_by: str) -> Merge:
    """Decide that accounts ("1:U1") are one person; what each was part of before comes with it.

    Raises:
        AccountError: there are fewer than two of them, one does not exist, or they are one person already.
    """
    _alone(session)
    named = sorted(set(accounts))
    before = persons(session, named)
    for name in named:
        if name not in before:
            raise AccountError(f'There is no account "{name}".')
    if len(named) < 2:  # noqa: PLR2004 - one account is one person already
        raise AccountError("Name two different accounts at least.")
    if len(set(before.values())) == 1:
        raise AccountError(f"{describe(session, named)} are one person already.")
    row = tables.Merge(
        person=min(before.values()), moved=orjson.dumps(before, option=orjson.OPT_SORT_KEYS).decode(), why=why,
        decided_by=decided_by, decided_at=datetime.now(UTC), undone_at=None,
    )  # fmt: skip
    session.add(row)
    session.flush()
    _derive(session, named)
    return _decision(row)


def unmerge(session: Session, what: int | str) -> list[int]:
    """Undo one decision by its number, or take an account ("1:U1") out of all that name it.

    An undone decision leaves what would stand had it never been taken. Of a decision taken back for one account's
    sake, its other accounts stay together by a new decision. Returns the numbers of those undone.

    Raises:
        AccountError: there is no such decision, it is undone already, or the account is in none.
    """
    _alone(session)
    if isinstance(what, int):
        row = session.get(tables.Merge, what) if what < _NO_MERGE else None
        if row is None:
            raise AccountError(f"There is no merge number {what}. See `spaces people history`.")
        if row.undone_at is not None:
            raise AccountError(f"Merge number {what} was undone on {row.undone_at:%Y-%m-%d} already.")
        undone = [row]
    else:
        undone = [row for row in _standing(session) if what in _named(row)]
        if not undone:
            raise AccountError(f"{describe(session, [what])} is not merged with any other account.")
    touched: set[str] = set()
    for row in undone:
        row.undone_at = datetime.now(UTC)
        touched |= _named(row)
    session.flush()
    _derive(session, touched)
    if isinstance(what, str):
        for row in undone:
            others = sorted(_named(row) - {what})
            if len(set(persons(session, others).values())) > 1:
                merge(session, others, f"what remained of merge {row.id}: {row.why}", row.decided_by)
    return [row.id for row in undone]


def history(session: Session) -> list[Merge]:
    """Every decision, the newest first, also the undone ones."""
    return [_decision(row) for row in session.scalars(select(tables.Merge).order_by(tables.Merge.id.desc()))]


def accounts_of(done: Merge) -> tuple[str, ...]:
    """The accounts that a decision names."""
    return done.accounts


def person_of(session: Session, name: str) -> str:
    """The person behind an account ("1:U1"), named by one of the person's accounts.

    Raises:
        AccountError: there is no such account.
    """
    found = persons(session, [name])
    if name not in found:
        raise AccountError(f'There is no account "{name}".')
    return found[name]


def _alone(session: Session) -> None:
    """Two decisions at once could each miss the other; SQLite has one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE merges IN SHARE ROW EXCLUSIVE MODE"))


def _standing(session: Session) -> Sequence[tables.Merge]:
    query = select(tables.Merge).where(tables.Merge.undone_at.is_(None)).order_by(tables.Merge.id)
    return session.scalars(query).all()


def _named(row: tables.Merge) -> set[str]:
    return set(orjson.loads(row.moved))


def _decision(row: tables.Merge) -> Merge:
    return Merge(row.id, tuple(sorted(_named(row))), row.why, row.decided_by, row.decided_at, row.undone_at)


# --- what follows from them -------------------------------------------------------------------------------------


def _derive(session: Session, touched: Iterable[str]) -> None:
    """Make the persons of the touched accounts again, and of all that hang together with them."""
    groups = _components(map(_named, _standing(session)))
    together = set(touched).union(*(groups.get(name, ()) for name in touched))
    # An undone decision leaves groups that each hold one of the accounts it named: nobody else is touched by it.
    known = persons(session, together)
    for name in known:
        person = min(groups.get(name, {name}))
        session.execute(
            update(Member).where(_is(name)).values(person=person, standing=None),
            execution_options={"synchronize_session": False},
        )
    _queue(session, known)
    session.expire_all()


def _components(edges: Iterable[set[str]]) -> dict[str, set[str]]:
    """For each account that any decision names, all accounts that hang together with it."""
    groups: dict[str, set[str]] = {}
    for edge in edges:
        together = edge.union(*(groups.get(name, ()) for name in edge))
        groups.update(dict.fromkeys(together, together))
    return groups


def _queue(session: Session, accounts: Iterable[str]) -> None:
    """Queue the conversations in which two of the accounts wrote: an answer is by another person than the asker."""
    by_source: dict[int, list[str]] = {}
    for name in accounts:
        source, _, id_ = name.partition(":")
        by_source.setdefault(int(source), []).append(id_)
    for source_id, ids in by_source.items():
        if len(ids) > 1:
            shared = (
                select(Message.conversation_id)
                .where(
                    Message.source_id == source_id,
                    Message.author_id.in_(ids),
                    Message.conversation_id.is_not(None),
                )
                .group_by(Message.conversation_id)
                .having(func.count(Message.author_id.distinct()) > 1)
            )
            session.execute(
                update(Message)
                .where(Message.source_id == source_id, Message.conversation_id.in_(shared), ~Message.deleted)
                .values(untagged=True),
                execution_options={"synchronize_session": False},
            )


def _is(name: str) -> ColumnElement[bool]:
    source, _, id_ = name.partition(":")
    return and_(Member.source_id == int(source), Member.external_id == id_)
