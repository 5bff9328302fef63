"""What only those who look after a community need to know: what is unsure or was wrong, and what could not be read."""

from datetime import timedelta

from bot.audience import gates, source_ids
from bot.digest.model import Refused
from bot.spaces.community import Community
from bot.spaces.counted import quoted
from bot.spaces.window import Window
from storage import reviews
from storage.reviews import Measured

_MEASURED = timedelta(days=365)
_TELLING = 5
"""Verdicts on a label, to say anything of it."""


def decided_by(community: Community, window: Window, who: str) -> int:
    """Messages of the window with a label that this one decided: UNSURE, JUDGE."""
    return community.number(f"""SELECT COUNT(*) FROM (
        SELECT DISTINCT p.source_id, p.external_id FROM {community.posts(window)} p
        JOIN tags t ON t.source_id = p.source_id AND t.external_id = p.external_id
        WHERE t.decided_by = {quoted(who)} AND NOT p.internal AND p.standing <> 'bot') u""")


def measured(community: Community) -> tuple[Measured, ...]:
    """How often each label was right, of those that people checked in the last year; those checked most first."""
    found = reviews.measured(community.session, community.as_of - _MEASURED)
    return tuple(sorted((each for each in found if each.asked >= _TELLING), key=lambda each: -each.asked))


def refused(community: Community) -> tuple[Refused, ...]:
    """The channels that the platforms do not let us read, source by source."""
    rows = community.rows("""
        SELECT s.name, r.channel_id, c.name FROM refusals r JOIN sources s ON s.id = r.source_id
        LEFT JOIN channels c ON c.source_id = r.source_id AND c.external_id = r.channel_id
        ORDER BY s.name, c.name, r.channel_id""")
    ids = source_ids(community.session)
    found = []
    for source in dict.fromkeys(name for name, _, _ in rows):
        channels = [(id_, name) for told, id_, name in rows if told == source]
        named = _nameable(community, ids[source], [id_ for id_, _ in channels])
        names = tuple(name for id_, name in channels if name and id_ in named)
        found.append(Refused(source, names, len(channels) - len(names)))
    return tuple(found)


def _nameable(community: Community, source: int, channels: list[str]) -> set[str]:
    """Those that all readers may know of: public ones, and their own."""
    audience = community.audience
    if audience.source is None:
        return set(channels)
    if source != audience.source and source not in audience.open_sources:
        return set()
    closed = gates(community.session, [source], channels)
    return {
        id_ for id_ in channels
        if (gate := closed.get((source, id_))) is None
        or (source == audience.source and {id_, gate} & audience.private)
    }  # fmt: skip
