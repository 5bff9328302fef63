"""What became of each period of each schedule: one row a period, written once, in one transaction with its post.

The row is the memory: whoever writes it first has decided, and only then is there a post (storage.posts sends it once).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

import orjson
from sqlalchemy import ColumnElement, Executable, and_, func, not_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from connectors.records import Post
from storage import posts, tables
from storage.tables import Digest

POSTED, SKIPPED = "posted", "skipped"

_FUTURE = timedelta(days=1)
_STUBBORN = 3

Number = tuple[float, int | None, int | None]
"""A number as published, with its numerator and denominator."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A period is to be posted, or, with `why`, skipped."""

    schedule: str
    first: date
    """The first day of the period."""
    due_at: datetime
    decided_at: datetime
    why: str | None = None
    numbers: Mapping[str, Number] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a post goes."""

    source_id: int
    place: str
    purpose: str


class Told(NamedTuple):
    """What became of a period, and of its post as far as it has got."""

    schedule: str
    first: date
    due_at: datetime
    outcome: str
    why: str | None
    """Why it was skipped; or what went wrong with the post."""
    state: str | None
    """Of the post (storage.posts); None where there is none."""
    tries: int
    sent_at: datetime | None
    link: str | None


def decide(
    session: Session,
    decision: Decision,
    post: Post | None = None,
    to: Target | None = None,
    *,
    again: bool = False,
) -> bool:
    """Write down what becomes of a period, with its post unless it is skipped. False when that was done already.

    What a clock skipped that ran far ahead of ours does not count, nor with `again` whatever was skipped.
    """
    insert = sqlite.insert if session.connection().dialect.name == "sqlite" else postgresql.insert
    values = {
        "outcome": SKIPPED if post is None else POSTED, "why": decision.why, "source_id": to and to.source_id,
        "place": to and to.place, "purpose": to and to.purpose, "due_at": decision.due_at,
        "numbers": orjson.dumps(dict(decision.numbers)).decode(), "decided_at": decision.decided_at,
    }  # fmt: skip
    yields = Digest.outcome == SKIPPED if again else _ahead(decision.decided_at)
    row = insert(Digest).values(schedule=decision.schedule, first=decision.first.isoformat(), **values)
    stands = row.on_conflict_do_update(
        index_elements=[Digest.schedule, Digest.first], set_=values, where=yields
    ).returning(Digest.first)  # fmt: skip
    new = session.connection().execute(stands).first() is not None
    if new and post is not None and to is not None:
        posts.intend(session, to.source_id, to.place, to.purpose, post)
    return new


def newest(session: Session, now: datetime) -> dict[str, date]:
    """Schedule -> the first day of the newest period that is decided."""
    rows = session.execute(
        select(Digest.schedule, func.max(Digest.first)).where(not_(_ahead(now))).group_by(Digest.schedule)
    )
    return {schedule: date.fromisoformat(first) for schedule, first in rows}


def published(session: Session, schedule: str, first: date) -> dict[str, Number]:
    """The numbers that people have read of a period; none where it was not posted."""
    found = session.scalar(
        select(Digest.numbers)
        .join(tables.Post, _ITS_POST)
        .where(
            Digest.schedule == schedule, Digest.first == first.isoformat(), tables.Post.state == posts.SENT
        )
    )
    return {} if found is None else {name: (*number,) for name, number in orjson.loads(found).items()}


def find(session: Session, schedule: str, first: date) -> Told | None:
    """What became of one period; None while nothing has."""
    found = _told(session, Digest.schedule == schedule, Digest.first == first.isoformat())
    return found[0] if found else None


def recent(session: Session, schedule: str, now: datetime, limit: int) -> Sequence[Told]:
    """The last periods of a schedule, the newest first."""
    return _told(session, Digest.schedule == schedule, not_(_ahead(now)), limit=limit)


def unsent(session: Session, since: datetime) -> Sequence[Told]:
    """What should have been posted after the last that was, of what was decided since then; the newest first."""
    waiting = _read(session, _UNSENT.where(Digest.decided_at >= since))
    if not waiting:
        return []
    of_these = Digest.schedule.in_({told.schedule for told in waiting})
    rows = session.execute(
        select(Digest.schedule, func.max(Digest.first))
        .join(tables.Post, _ITS_POST)
        .where(of_these, tables.Post.state == posts.SENT)
        .group_by(Digest.schedule)
    )
    sent = {schedule: date.fromisoformat(first) for schedule, first in rows}
    return [told for told in waiting if told.schedule not in sent or told.first > sent[told.schedule]]


def is_stubborn(told: Told) -> bool:
    """Whether somebody should look: it was given up, or has failed several times."""
    return told.state == posts.FAILED or (told.state != posts.SENT and told.tries >= _STUBBORN)


def retry(session: Session, schedule: str, first: date) -> bool:
    """Try a post again that was given up. It is looked for before it is sent. False where there is none."""
    row = session.get(Digest, (schedule, first.isoformat()))
    if row is None or row.outcome != POSTED:
        return False
    table = tables.Post
    this = and_(table.source_id == row.source_id, table.place == row.place, table.purpose == row.purpose)
    # It has been tried once at least, so that the next attempt begins by looking whether it is there.
    again = update(table).where(this, table.state == posts.FAILED).values(
        state=posts.UNKNOWN, tries=1, claimed_until=None
    )  # fmt: skip
    return session.connection().execute(again).rowcount == 1


def _ahead(now: datetime) -> ColumnElement[bool]:
    """Skipped at a time that is still far in the future: by a clock that was wrong."""
    return and_(Digest.outcome == SKIPPED, Digest.decided_at > now + _FUTURE)


_ITS_POST = and_(
    tables.Post.source_id == Digest.source_id,
    tables.Post.place == Digest.place,
    tables.Post.purpose == Digest.purpose,
)


_TOLD = (
    select(
        Digest.schedule, Digest.first, Digest.due_at, Digest.outcome, func.coalesce(tables.Post.why, Digest.why),
        tables.Post.state, tables.Post.tries, tables.Post.sent_at, tables.Message.url,
    )
    .outerjoin(tables.Post, _ITS_POST)
    # What we say is read like all else, and then its platform tells its address.
    .outerjoin(tables.Message, and_(
        tables.Message.source_id == tables.Post.source_id, tables.Message.external_id == tables.Post.external_id
    ))
    .order_by(Digest.first.desc())
)  # fmt: skip
_UNSENT = _TOLD.where(Digest.outcome == POSTED, tables.Post.state != posts.SENT)


def _told(session: Session, *conditions: ColumnElement[bool], limit: int | None = None) -> list[Told]:
    return _read(session, _TOLD.where(*conditions).limit(limit))


def _read(session: Session, chosen: Executable) -> list[Told]:
    return [
        Told(schedule, date.fromisoformat(first), due_at, outcome, why, state, tries or 0, sent_at, url)
        for schedule, first, due_at, outcome, why, state, tries, sent_at, url in session.execute(chosen)
    ]
