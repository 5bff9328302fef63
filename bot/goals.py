"""Goals: what a metric is to reach and by when, and whether it is on its way there.

A goal is measured over the 30 days up to yesterday; where its metric is not known for them (what is recorded by the
month), over the last month that is over. From the value on the day on which the goal was set a straight line leads to
the target: whoever is on it or beyond is on pace.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from bot.digest.compute import measure
from bot.spaces.catalogue import METRICS
from bot.spaces.community import Community
from bot.spaces.model import Direction, Metric, Value
from bot.spaces.window import Period, Window, last_closed, midnight
from storage import goals
from storage.tables import Goal

_DAYS = 30


class Pace(StrEnum):
    """How a goal fares."""

    REACHED = "reached"
    ON_PACE = "on pace"
    BEHIND = "behind"
    MISSED = "missed"
    """It is past its day, and not reached."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Progress:
    """A goal, what has become of its metric, and what it should be by now."""

    metric: Metric
    target: float
    due: date
    set_by: str
    window: Window
    """What the value is of."""
    value: Value
    expected: float | None
    """On the straight line; None where the value at the beginning is not known."""
    pace: Pace


def progress(community: Community, zone: ZoneInfo) -> list[Progress]:
    """Every goal of a metric that we know, those that are due first at the front."""
    today = community.as_of.astimezone(zone).date()
    return [
        _of(community, METRICS[goal.metric], goal, today, zone)
        for goal in goals.standing(community.session)
        if goal.metric in METRICS
    ]


def _of(community: Community, metric: Metric, goal: Goal, today: date, zone: ZoneInfo) -> Progress:
    due, begun = date.fromisoformat(goal.due), date.fromisoformat(goal.begun)
    # After its day a goal is judged by what was then.
    window, value = _measured(community, metric, min(today, due + timedelta(days=1)), zone)
    begin = _measured(community, metric, begun, zone)[1].number
    # Where the line was when the value was taken.
    expected = _expected(begin, goal.target, begun, due, min(today, window.until))
    pace = _pace(metric, value, goal.target, expected, due, today)
    return Progress(metric, goal.target, due, goal.set_by, window, value, expected, pace)


def _measured(community: Community, metric: Metric, day: date, zone: ZoneInfo) -> tuple[Window, Value]:
    """The value over the 30 days before a day, or of the month that was over then."""
    days = Window(day - timedelta(days=_DAYS), day, zone)
    value = measure(metric, community, days)
    if value.number is None:
        month = last_closed(Period.MONTHLY, midnight(day, zone), zone)
        of_month = measure(metric, community, month)
        if of_month.number is not None:
            return month, of_month
    return days, value


def _expected(begin: float | None, target: float, begun: date, due: date, day: date) -> float | None:
    if begin is None:
        return None
    length = max((due - begun).days, 1)
    gone = min(max((day - begun).days, 0) / length, 1.0)
    return begin + (target - begin) * gone


def _pace(
    metric: Metric, value: Value, target: float, expected: float | None, due: date, today: date
) -> Pace:
    now = value.number
    if now is None:
        return Pace.UNKNOWN
    upwards = metric.direction is Direction.UP
    if metric.direction is Direction.NEITHER:
        upwards = expected is None or expected <= target
    if now >= target if upwards else now <= target:
        return Pace.REACHED
    if today > due:
        return Pace.MISSED
    if expected is None:
        return Pace.UNKNOWN
    return Pace.ON_PACE if (now >= expected if upwards else now <= expected) else Pace.BEHIND
