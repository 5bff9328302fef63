"""What a person should look at: labels the machine is unsure of, and a random sample of those that it gave."""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import chain, islice, zip_longest
from typing import NamedTuple
from zlib import crc32

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from storage.tables import Channel, Message, Source, Tag, TagChange
from storage.tags import JUDGE, MODERATOR, UNSURE

AUDIT, REVIEW = "audit", "review"
"""By which way a person's verdict came: asked about what was given, or about what was unsure."""

_LOOKED_AT = 2_000


class Doubt(NamedTuple):
    """A message and a label, to say yes or no to."""

    source_id: int
    source: str
    external_id: str
    channel_id: str | None
    label: str
    probability: float | None
    text: str
    url: str | None
    via: str


def pending(session: Session, limit: int, *, today: date, source: str | None = None) -> list[Doubt]:
    """The newest that are unsure, and as many of what the machine gave, in an order drawn by lot for the day.

    What was given is drawn by lot too, label by label in turns, so that rare ones are looked at as well. Answering
    one leaves the order of the others as it was. `source`: only that one's.
    """

    def lot(doubt: Doubt) -> int:
        return crc32(f"{today} {doubt.source} {doubt.external_id} {doubt.label}".encode())

    unsure = _doubts(session, (UNSURE,), REVIEW, limit, source)
    by_label: dict[str, list[Doubt]] = {}
    for doubt in sorted(_doubts(session, ("model", "rules", JUDGE), AUDIT, _LOOKED_AT, source), key=lot):
        by_label.setdefault(doubt.label, []).append(doubt)
    in_turns = (doubt for doubt in chain.from_iterable(zip_longest(*by_label.values())) if doubt is not None)
    return sorted([*unsure, *islice(in_turns, max(len(unsure), limit // 2))], key=lot)[:limit]


def _doubts(
    session: Session, decided_by: Sequence[str], via: str, limit: int, source: str | None
) -> list[Doubt]:
    here = Message.source_id == Tag.source_id, Message.external_id == Tag.external_id
    there = Channel.source_id == Message.source_id, Channel.external_id == Message.channel_id
    chosen = (
        select(Tag, Message, Source.name)
        .join(Message, here[0] & here[1])
        .join(Channel, there[0] & there[1])
        .join(Source, Source.id == Tag.source_id)
        .where(
            Tag.decided_by.in_(decided_by),
            Message.deleted.is_(False),
            Message.text != "",
            Channel.counted.is_(True),
        )
        .order_by(Message.created_at.desc(), Message.external_id, Tag.label)
        .limit(limit)
    )
    if source is not None:
        chosen = chosen.where(Source.name == source)
    return [
        Doubt(
            tag.source_id, name, tag.external_id, message.channel_id, tag.label, tag.probability, message.text,
            message.url, via,
        )
        for tag, message, name in session.execute(chosen)
    ]  # fmt: skip


class Measured(NamedTuple):
    """How often what the machine gave was right, as people said who were asked about a random sample."""

    label: str
    right: int
    asked: int


def measured(session: Session, since: datetime | None = None) -> Sequence[Measured]:
    """The measured precision of each label in this community, from verdicts that stand; `since`: only newer ones."""
    key = TagChange.source_id, TagChange.external_id, TagChange.label
    asked = select(*key).where(TagChange.via == AUDIT).distinct()
    if since is not None:
        asked = asked.where(TagChange.decided_at >= since)
    drawn = asked.subquery()
    same = (
        Tag.source_id == drawn.c.source_id,
        Tag.external_id == drawn.c.external_id,
        Tag.label == drawn.c.label,
    )
    rows = session.execute(
        select(Tag.label, Tag.verdict, func.count())
        .join(drawn, and_(*same))
        .where(Tag.decided_by == MODERATOR)
        .group_by(Tag.label, Tag.verdict)
    ).all()
    counts: dict[str, list[int]] = {}
    for label, right, count in rows:
        found = counts.setdefault(label, [0, 0])
        found[0] += count if right else 0
        found[1] += count
    return [Measured(label, *both) for label, both in sorted(counts.items())]
