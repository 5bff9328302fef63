"""Accounts by the names that people give them ("team:alice") and by the names that we keep them under ("1:U1")."""

from collections.abc import Iterable
from difflib import get_close_matches

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from storage.ingest import account
from storage.tables import Member, Source

_AT_ONCE = 500
_LOOKED_AT = 2000


class AccountError(Exception):
    """What was asked of accounts cannot be done: one sentence or two for the person who asked."""


def find_account(session: Session, text: str) -> str:
    """The account that somebody means by source and handle or id ("team:alice", "team:U1"); "1:U1" is understood.

    Raises:
        AccountError: there is none, or more than one; the message names those that may be meant.
    """
    source, colon, name = text.strip().partition(":")
    name = name.removeprefix("@")
    if not colon or not name:
        raise AccountError(f'"{text}" is no account. Write the source and the handle: team:alice.')
    if source.isdigit() and text in persons(session, [text]):
        return text
    sources = {row.name: row.id for row in session.scalars(select(Source))}
    if source not in sources:
        close = get_close_matches(source, sources, n=1)
        cure = (
            f'Did you mean "{close[0]}:{name}"?'
            if close
            else f"Known are: {', '.join(sorted(sources)) or 'none'}."
        )
        raise AccountError(f'There is no source "{source}" in the database. {cure}')
    here = Member.source_id == sources[source]
    exact = session.scalar(select(Member.external_id).where(here, Member.external_id == name))
    if exact is not None:
        return account(sources[source], exact)
    bears = or_(Member.name == name, func.lower(Member.name) == name.lower())
    found = session.scalars(select(Member).where(here, bears).order_by(Member.external_id)).all()
    if len(found) == 1:
        return account(sources[source], found[0].external_id)
    if found:
        each = ", ".join(
            f"{source}:{member.external_id} ({member.display_name or member.name})" for member in found
        )
        raise AccountError(
            f'There are {len(found)} accounts "{name}" in {source}: write the id of one: {each}.'
        )
    likely = _like(session, sources[source], name)
    cure = f"Did you mean {' or '.join(f'{source}:{handle}' for handle in likely)}?" if likely else (
        "Write its handle or its id as the platform does."
    )  # fmt: skip
    raise AccountError(f'There is no account "{name}" in {source}. {cure}')


def handles(session: Session, accounts: Iterable[str]) -> list[str]:
    """How `find_account` finds each of them again: by handle where no other account of the source bears it."""
    named = []
    for name in accounts:
        source, member = _row(session, name)
        same = func.lower(Member.name) == member.name.lower()
        others = select(func.count()).where(
            Member.source_id == source.id,
            or_(same, Member.name == member.name, Member.external_id == member.name),
        )
        plain = member.name and not any(mark.isspace() for mark in member.name)
        unique = plain and session.scalar(others) == 1
        named.append(f"{source.name}:{member.name if unique else member.external_id}")
    return named


def describe(session: Session, accounts: Iterable[str]) -> str:
    """The accounts in words: handle and, where it says more, the name others read."""
    described = []
    for name in accounts:
        source, member = _row(session, name)
        also = f" ({member.display_name})" if member.display_name not in {"", member.name} else ""
        described.append(f"{source.name}:{member.name}{also}")
    return ", ".join(described[:-1]) + " and " + described[-1] if len(described) > 1 else "".join(described)


def persons(session: Session, accounts: Iterable[str]) -> dict[str, str]:
    """The person behind each account ("1:U1"); accounts that do not exist are left out."""
    found: dict[str, str] = {}
    by_source: dict[int, list[str]] = {}
    for name in accounts:
        source, _, id_ = name.partition(":")
        if source.isdecimal() and len(source) < 10:  # noqa: PLR2004 - what a 32-bit column can hold
            by_source.setdefault(int(source), []).append(id_)
    for source_id, ids in by_source.items():
        for start in range(0, len(ids), _AT_ONCE):
            query = select(Member.external_id, Member.person).where(
                Member.source_id == source_id, Member.external_id.in_(ids[start : start + _AT_ONCE])
            )
            found |= {account(source_id, id_): person for id_, person in session.execute(query)}
    return found


def _row(session: Session, name: str) -> tuple[Source, Member]:
    source, _, id_ = name.partition(":")
    query = select(Source, Member).join(
        Member, and_(Member.source_id == Source.id, Member.external_id == id_)
    )
    row = session.execute(query.where(Source.id == int(source))).one_or_none() if source.isdecimal() else None
    if row is None:
        raise AccountError(f'There is no account "{name}".')
    return row[0], row[1]


def _like(session: Session, source: int, name: str) -> list[str]:
    """Handles that may be meant: whoever bears this as the name others read, else those written alike."""
    here = select(Member.name).where(Member.source_id == source).order_by(Member.name)
    called = session.scalars(here.where(func.lower(Member.display_name) == name.lower()).limit(3)).all()
    if called:
        return list(called)
    # Comparing is slow: only handles with the same first letter, and not endlessly many.
    begins = func.lower(Member.name).startswith(name[:1].lower(), autoescape=True)
    return get_close_matches(name, session.scalars(here.where(begins).limit(_LOOKED_AT)).all(), n=3)
