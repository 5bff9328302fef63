"""How values are made: counts, shares with their interval, waiting times that count those still waiting."""

from collections.abc import Sequence

from bot.spaces.community import Community, Labelled
from bot.spaces.model import Value
from bot.spaces.reasons import NO_DATA
from bot.spaces.statistics import median_interval, waiting_quantile, wilson
from bot.spaces.window import Window

ENOUGH = 5
"""Below so many a share says "too few to say"."""


def unknown(reason: str) -> Value:
    """Not zero: nobody knows."""
    return Value(None, reason=reason)


def count(number: int, **parts: float | None) -> Value:
    """A plain count, with further figures of the same thing."""
    return Value(float(number), parts=parts)


def share(hits: int, of: int, reason: str, **parts: float | None) -> Value:
    """A share, hits / of, with its 95 % Wilson interval; unknown, for the reason given, when there is nothing to share."""
    if of == 0:
        return unknown(reason)
    return Value(hits / of, hits, of, wilson(hits, of), too_few=of < ENOUGH, parts=parts)


def rate(number: float, of: int, reason: str) -> Value:
    """A ratio that is no share of a whole; its denominator is shown."""
    return unknown(reason) if of == 0 else Value(number / of, denominator=of, too_few=of < ENOUGH)


def waiting(waits: Sequence[tuple[float, bool]], reason: str) -> Value:
    """The median of waiting times, counting those that have not ended; `p90` and `open` as parts.

    Each wait is (time, ended). `denominator` is how many there were, `numerator` how many ended.
    """
    middle, long = waiting_quantile(waits, 0.5), waiting_quantile(waits, 0.9)
    if middle is None or long is None:
        return unknown(reason)
    ended = sum(ended for _, ended in waits)
    return Value(
        middle.value,
        numerator=ended,
        denominator=len(waits),
        interval=median_interval(waits),
        too_few=len(waits) < ENOUGH,
        lower_bound=not middle.reached,
        parts={"p90": long.value if long.reached else None, "open": len(waits) - ended},
    )


def labelled(community: Community, window: Window, label: str) -> Value:
    """How many messages of members bear a label; people and staff's messages as parts."""
    if not community.knows(window):
        return unknown(NO_DATA)
    found = community.labels(window).get(label, Labelled())
    return count(found.messages, people=found.people, staff=found.staff_messages)


def labelled_people(community: Community, window: Window, label: str) -> Value:
    """How many members wrote a message that bears a label; staff as a part."""
    if not community.knows(window):
        return unknown(NO_DATA)
    found = community.labels(window).get(label, Labelled())
    return count(found.people, staff=found.staff_people)


def members_posts(community: Community, window: Window, label: str) -> str:
    """A sub-query for `Community.evidence`: the members' messages that bear a label."""
    tagged = community.tagged(window, label)
    return (
        f"(SELECT source_id, external_id, created_at, 1 AS people FROM {tagged} q WHERE standing = 'member')"
    )
