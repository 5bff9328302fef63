"""What a person should look at: labels the machine is unsure of, and a random sample of those that it gave."""

import random
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.tables import Channel, Message, Source, Tag, TagChange
from storage.tags import UNSURE

AUDIT, REVIEW = "audit", "review"
"""By which way a person's verdict came: asked about what was given, or about what was unsure."""

_LOOKED_AT = 2_000


class Doubt(NamedTuple):
    """A message and a label, to say yes or no to."""

    source_id: int
    source: str
    external_id: str
    label: str
    probability: float | None
    text: str
    url: str | None
    via: str


def pending(session: Session, limit: int, *, today: date) -> list[Doubt]:
    """The newest that are unsure, and as many drawn at random (the same ones all day) from what the machine gave."""
    unsure = _doubts(session, UNSURE, REVIEW, limit)
    given = _doubts(session, "model", AUDIT, _LOOKED_AT)
    audits = random.Random(today.toordinal()).sample(given, min(limit, len(given)))  # noqa: S311 - no secret
    return [doubt for pair in zip(unsure, audits, strict=False) for doubt in pair][:limit] or (
        unsure or audits
    )[:limit]


def _doubts(session: Session, decided_by: str, via: str, limit: int) -> list[Doubt]:
    here = Message.source_id == Tag.source_id, Message.external_id == Tag.external_id
    there = Channel.source_id == Message.source_id, Channel.external_id == Message.channel_id
    chosen = (
        select(Tag, Message, Source.name)
        .join(Message, here[0] & here[1])
        .join(Channel, there[0] & there[1])
        .join(Source, Source.id == Tag.source_id)
        .where(
            Tag.decided_by == decided_by,
            Message.deleted.is_(False),
            Message.text != "",
            Channel.counted.is_(True),
        )
        .order_by(Message.created_at.desc(), Message.external_id, Tag.label)
        .limit(limit)
    )
    return [
        Doubt(
            tag.source_id, name, tag.external_id, tag.label, tag.probability, message.text, message.url, via
        )
        for tag, message, name in session.execute(chosen)
    ]


class Measured(NamedTuple):
    """How often what the machine gave was right, as people said who were asked about a random sample."""

    label: str
    right: int
    asked: int


def measured(session: Session) -> Sequence[Measured]:
    """The measured precision of each label in this community."""
    rows = session.execute(
        select(TagChange.label, TagChange.after, func.count())
        .where(TagChange.via == AUDIT, TagChange.after.is_not(None))
        .group_by(TagChange.label, TagChange.after)
    ).all()
    counts: dict[str, list[int]] = {}
    for label, after, count in rows:
        found = counts.setdefault(label, [0, 0])
        found[0] += count if after else 0
        found[1] += count
    return [Measured(label, *both) for label, both in sorted(counts.items())]
