"""Posts: written down before they are sent, claimed by one process at a time, and never sent twice.

intended --claimed, sent--> sent
|          `-- 5xx, reset, time-out --> unknown --found, or sent again with the same key--> sent
`-- the platform says no --> failed
"""

import secrets
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import orjson
from sqlalchemy import or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from connectors.records import Button, Post
from storage import tables

INTENDED, UNKNOWN, SENT, FAILED = "intended", "unknown", "sent", "failed"
_OPEN = (INTENDED, UNKNOWN)


class Claim(NamedTuple):
    """A post that is ours to send for now."""

    place: str
    purpose: str
    post: Post
    tries: int
    """Which attempt this is, from 1; at a later one it may be there already."""


def intend(session: Session, source_id: int, place: str, purpose: str, post: Post) -> bool:
    """Write down what is to be said. False when something is already said, or to be said, there for this purpose."""
    insert = sqlite.insert if session.connection().dialect.name == "sqlite" else postgresql.insert
    content = {
        "title": post.title,
        "text": post.text,
        "payload": post.payload,
        "alt": post.alt,
        "buttons": [tuple(button) for button in post.buttons],
    }
    row = insert(tables.Post).values(
        source_id=source_id, place=place, purpose=purpose, key=post.key or new_key(), state=INTENDED,
        content=orjson.dumps(content).decode(), picture=post.picture, tries=0, intended_at=datetime.now(UTC),
    )  # fmt: skip
    done = session.connection().execute(row.on_conflict_do_nothing().returning(tables.Post.key))
    return done.first() is not None


def new_key() -> str:
    """A key that nobody else has: letters and digits, short enough for every platform."""
    return f"sp{secrets.token_hex(10)}"


def claim(
    session: Session, source_id: int, owner: str, length: timedelta, place: str = "", purpose: str = ""
) -> Claim | None:
    """Take the oldest post that waits (or the one named) to send it; nobody else can for so long."""
    now = datetime.now(UTC)
    table = tables.Post
    free = or_(table.claimed_until.is_(None), table.claimed_until <= now)
    chosen = select(table).where(table.source_id == source_id, table.state.in_(_OPEN), free)
    if place:
        chosen = chosen.where(table.place == place, table.purpose == purpose)
    found = session.scalar(
        chosen.order_by(table.intended_at, table.purpose).limit(1).with_for_update(skip_locked=True)
    )
    if found is None:
        return None
    found.owner, found.claimed_until, found.tries = owner, now + length, found.tries + 1
    session.flush()
    content = orjson.loads(found.content)
    post = Post(
        found.key, content["title"], content["text"], content["payload"], found.picture, content["alt"],
        tuple(Button(*button) for button in content.get("buttons", ())),
    )  # fmt: skip
    return Claim(found.place, found.purpose, post, found.tries)


def settle(
    session: Session, source_id: int, owner: str, claimed: Claim, state: str, *,
    external_id: str | None = None, why: str | None = None, retry_at: datetime | None = None,
) -> bool:  # fmt: skip
    """Write down what became of a claimed post. False when the claim has meanwhile gone to somebody else.

    What is still open is free again at `retry_at`, at once if that is None.
    """
    table = tables.Post
    values = {"state": state, "why": why, "claimed_until": retry_at}
    if state == SENT:
        # The picture is not needed any more; the words stay, to edit what was posted.
        values |= {"external_id": external_id, "sent_at": datetime.now(UTC), "picture": None}
    this = (
        table.source_id == source_id, table.place == claimed.place, table.purpose == claimed.purpose,
        table.state.in_(_OPEN), table.owner == owner,
    )  # fmt: skip
    return session.connection().execute(update(table).where(*this).values(**values)).rowcount == 1


def find(session: Session, source_id: int, place: str, purpose: str) -> tables.Post | None:
    """What is known of a post."""
    return session.get(tables.Post, (source_id, place, purpose))
