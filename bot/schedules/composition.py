"""What a schedule posts: the digest of one period, for the readers of its channel, in the form of their platform."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from bot.app import community_at, digest_of
from bot.audience import Audience, source_ids
from bot.commands.replies import digest_post
from bot.digest.friendly import befriend
from bot.digest.model import Digest
from bot.schedules.overview import key
from bot.schedules.rounds import Composed
from bot.schedules.settings import Schedule
from bot.schedules.slots import Slot
from bot.settings import Config
from storage import digests
from storage.tables import Channel


def compose(
    session: Session, config: Config, name: str, slot: Slot, now: datetime, unread: Sequence[str] = ()
) -> Composed:
    """The post of one period, or none where nobody wrote; `unread` are sources of which something may be missing.

    It draws, so it takes a second.
    """
    schedule = config.schedules[name]
    digest = digest_for(session, config, name, slot, now, unread)
    if schedule.skip_empty and digest.is_empty and not unread:
        return Composed(None, {}, "Nobody wrote anything.")
    language = schedule.language or config.community.language
    post = digest_post(digest, config.sources[schedule.source].connector, language)
    # The outbox gives it its key.
    return Composed(post._replace(key=""), headlines(digest))


def digest_for(
    session: Session, config: Config, name: str, slot: Slot, now: datetime, unread: Sequence[str] = ()
) -> Digest:
    """The digest of one period of a schedule, cut to what the readers of its channel can read."""
    schedule = config.schedules[name]
    community = community_at(session, config, now, audience(session, config, schedule))
    published = digests.published(session, key(name, schedule), slot.window.previous().first)
    areas = sorted(schedule.areas, key=lambda area: area is not config.community.north_star)
    found = digest_of(community, config, slot.window, areas, published=published, unread=unread)
    return found if schedule.audience == "staff" else befriend(found, money=schedule.money)


def audience(session: Session, config: Config, schedule: Schedule) -> Audience:
    """The readers of a schedule's channel. Of a private channel, what is said in that channel itself they can read."""
    ids = source_ids(session)
    own = ids.get(schedule.source, 0)
    open_sources = frozenset(
        ids[name]
        for name, source in config.sources.items()
        if source.open and name in ids and name != schedule.source
    )
    here = channels_named(session, own, schedule.channel)
    private = frozenset([here[0].external_id]) if len(here) == 1 else frozenset()
    return Audience(own, True, schedule.audience == "staff", private, True, open_sources)


def channels_named(session: Session, source: int, place: str) -> list[Channel]:
    """The stored channels that a place may mean, by id or name."""
    named = place.partition("/")[0].lstrip("#")
    is_it = or_(Channel.external_id == named, func.lower(Channel.name) == named.lower())
    return list(session.scalars(select(Channel).where(Channel.source_id == source, is_it)))


def headlines(digest: Digest) -> dict[str, digests.Number]:
    """The headline numbers as they are published."""
    return {
        reading.metric.name: (reading.value.number, reading.value.numerator, reading.value.denominator)
        for area in digest.areas
        for reading in area.readings
        if reading.metric.headline and reading.value.number is not None
    }
