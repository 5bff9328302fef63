"""Computes a digest: every reading of a window and of the one before, and the lists beside them. No words."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING

from bot.digest import staff
from bot.digest.model import AreaReadings, Change, Correction, DayCount, Digest, Reading, SourceCoverage
from bot.digest.recognition import thanks
from bot.spaces.catalogue import METRICS
from bot.spaces.community import Community
from bot.spaces.model import Area, Metric, Unit, Value
from bot.spaces.product import top_ideas
from bot.spaces.reasons import NO_DATA
from bot.spaces.statistics import counts_differ, shares_differ
from bot.spaces.support import unanswered
from bot.spaces.values import ENOUGH, unknown
from bot.spaces.window import Window
from storage.tags import JUDGE, UNSURE
from storage.times import from_micros, to_micros

if TYPE_CHECKING:
    from bot.goals import Progress

Published = Mapping[str, tuple[float, int | None, int | None]]
"""Metric -> its number, numerator and denominator as people have read them."""

_UNANSWERED = 10
_IDEAS = 5
_WEEK = 7
_BARS = 31


def compute(
    community: Community,
    window: Window,
    *,
    name: str,
    purpose: str = "",
    areas: Sequence[Area] = tuple(Area),
    opted_out: Collection[str] = (),
    goals: Sequence["Progress"] = (),
    published: Published | None = None,
    unread: Sequence[str] = (),
) -> Digest:
    """Everything a digest of this window says, as known at `community.as_of`.

    `areas` are shown in that order, the first matters most; `opted_out` are persons (see storage.people) who are never
    named in thanks. `published` are the numbers of the window before as they were posted, `unread` sources whose
    history is still being read.
    """
    previous = window.previous()
    open_questions = unanswered(community, window)
    found = tuple(AreaReadings(area, _readings(community, area, window, previous)) for area in areas)
    is_staff = community.audience.staff
    return Digest(
        community=name,
        purpose=purpose,
        window=window,
        previous=previous,
        as_of=community.as_of,
        areas=found,
        unanswered=tuple(community.question_evidence(open_questions, limit=_UNANSWERED)),
        unanswered_total=len(open_questions),
        ideas=tuple(top_ideas(community, window, limit=_IDEAS)),
        thanks=thanks(community, window, opted_out),
        coverage=_coverage(community, window),
        days=_days(community, window),
        currency=community.assumptions.currency,
        goals=tuple(goal for goal in goals if goal.metric.area in areas),
        corrections=tuple(_corrections(found, published or {})),
        unread=tuple(unread),
        unsure=staff.decided_by(community, window, UNSURE) if is_staff else 0,
        judged=staff.decided_by(community, window, JUDGE) if is_staff else 0,
        measured=staff.measured(community) if is_staff else (),
        refused=staff.refused(community) if is_staff else (),
    )


def _corrections(areas: Sequence[AreaReadings], published: Published) -> Iterator[Correction]:
    """The published numbers that are others by now. Whether readers would see the difference, the words decide."""
    for reading in (reading for area in areas for reading in area.readings):
        if reading.metric.name in published and reading.previous.number is not None:
            number, part, whole = published[reading.metric.name]
            before = replace(
                reading.previous, number=number, numerator=part, denominator=whole,
                too_few=whole is not None and whole < ENOUGH, lower_bound=False, parts={},
            )  # fmt: skip
            if before.number != reading.previous.number:
                yield Correction(reading.metric, before, reading.previous)


def measure(metric: Metric, community: Community, window: Window) -> Value:
    """The metric's value, or unknown when nothing at all is known of the window's time."""
    return (
        metric.value(community, window)
        if metric.recorded or community.knows(window)
        else _unknown_time(metric, community, window)
    )


def _unknown_time(metric: Metric, community: Community, window: Window) -> Value:
    # A metric that is unknown anyway gives its own, better reason.
    value = metric.value(community, window)
    return value if value.number is None else unknown(NO_DATA)


def _readings(community: Community, area: Area, window: Window, previous: Window) -> tuple[Reading, ...]:
    staff = community.audience.staff
    metrics = [
        metric for metric in METRICS.values() if metric.area is area and (staff or not metric.staff_only)
    ]
    metrics.sort(key=lambda metric: not metric.headline)
    return tuple(_reading(metric, community, window, previous) for metric in metrics)


def _reading(metric: Metric, community: Community, window: Window, previous: Window) -> Reading:
    now, before = measure(metric, community, window), measure(metric, community, previous)
    whole = not any(previous.start < began < window.end for began in community.beginnings.values())
    return Reading(metric, now, before, change(metric, now, before) if whole else Change.UNKNOWN)


def change(metric: Metric, now: Value, before: Value) -> Change:
    """Which way a number went, where chance alone would hardly make the difference (95 %).

    What is still open (the part of that name) may yet go either way, and more of it is open in the newer window: the
    change must be there however that ends.
    """
    if now.number is None or before.number is None:
        return Change.UNKNOWN
    ways = {_way(metric, *pair) for pair in product(_outcomes(metric, now), _outcomes(metric, before))}
    return ways.pop() if len(ways) == 1 else Change.STEADY


def _outcomes(metric: Metric, value: Value) -> list[Value]:
    """The value as it is, and as it will be if all that is open ends well."""
    still_open = int(value.parts.get("open") or 0)
    if not still_open or value.number is None or metric.unit not in (Unit.SHARE, Unit.COUNT):
        return [value]
    if metric.unit is Unit.COUNT:
        return [value, replace(value, number=value.number - still_open)]
    hits, of = (value.numerator or 0) + still_open, value.denominator or 1
    return [value, replace(value, number=hits / of, numerator=hits)]


def _way(metric: Metric, now: Value, before: Value) -> Change:
    one, other = now.number or 0.0, before.number or 0.0
    if one == other or not _differ(metric, now, before):
        return Change.STEADY
    return Change.UP if one > other else Change.DOWN


def _differ(metric: Metric, now: Value, before: Value) -> bool:
    # A figure made of assumptions ("low", "high") is not counted: chance has nothing to say about it.
    if now.too_few or before.too_few or "low" in now.parts:
        return False
    match metric.unit:
        case Unit.SHARE if now.numerator is not None and before.numerator is not None:
            return shares_differ(
                (now.numerator, now.denominator or 0), (before.numerator, before.denominator or 0)
            )
        case Unit.COUNT if now.number is not None and before.number is not None:
            return now.number + before.number >= ENOUGH and counts_differ(int(now.number), int(before.number))
        case Unit.SECONDS | Unit.DAYS if now.interval is not None and before.interval is not None:
            return now.interval[0] > before.interval[1] or now.interval[1] < before.interval[0]
    return False


def _coverage(community: Community, window: Window) -> tuple[SourceCoverage, ...]:
    counts = {
        (source, standing): messages
        for source, standing, messages in community.rows(
            f"""SELECT source_id, standing, COUNT(*) FROM {community.posts(window)}
            WHERE NOT internal GROUP BY source_id, standing"""
        )
    }
    # Of places that the readers may know of: when somebody last wrote in another is nobody's business.
    places = f"""FROM channels c WHERE c.source_id = s.id AND {community.cut.places("c.source_id", "c.external_id")}"""
    if community.audience.source is not None:
        places += " AND c.counted AND NOT c.is_internal"

    def moment(end: str, order: str, when: str) -> str:
        return f"""(SELECT {end}(at) FROM (
            SELECT (SELECT m.created_at FROM messages m WHERE m.source_id = c.source_id
                AND m.channel_id = c.external_id AND {when} ORDER BY m.created_at {order} LIMIT 1) AS at
            {places}) n)"""

    newest = moment("MAX", "DESC", f"m.created_at < {to_micros(community.as_of)}")
    sources = community.rows(f"""
        SELECT s.id, s.name, s.connector, {moment("MIN", "ASC", "m.created_at IS NOT NULL")}, {newest}
        FROM sources s ORDER BY s.name""")
    return tuple(
        SourceCoverage(
            name,
            connector,
            messages=counts.get((source, "member"), 0),
            staff_messages=counts.get((source, "staff"), 0),
            bot_messages=counts.get((source, "bot"), 0),
            first_message_at=_moment(oldest),
            last_message_at=_moment(latest),
        )
        for source, name, connector, oldest, latest in sources
    )


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


def _days(community: Community, window: Window) -> tuple[DayCount, ...]:
    bucket = 1 if window.days <= _BARS else _WEEK
    # Whole weeks; what is left joins the last bar, or is one where it is nearly a week: a day would look like a fall.
    bars = max(round(window.days / bucket), 1)
    last = f"CASE WHEN day / {bucket} >= {bars} THEN {bars - 1} ELSE day / {bucket} END"
    talk = {
        number: (posts, members)
        for number, posts, members in community.rows(f"""
            SELECT bar, COUNT(*), COUNT(DISTINCT person) FROM (
                SELECT {last} AS bar, person FROM {community.posts(window)}
                WHERE standing = 'member' AND NOT internal) p GROUP BY bar""")
    }
    questions = Counter(
        min((question.asked_at.astimezone(window.zone).date() - window.first).days // bucket, bars - 1)
        for question in community.member_questions(window)
    )
    found = []
    for number in range(bars):
        messages, members = talk.get(number, (0, 0))
        first = window.first + timedelta(days=number * bucket)
        found.append(DayCount(first, messages=messages, questions=questions[number], members=members))
    return tuple(found)
