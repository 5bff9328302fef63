"""When each digest of a schedule is due: local wall time to UTC, whatever the clocks do. Nothing here is remembered.

An hour that the clocks skip is moved forward by what they skip; of one that comes twice it is the first. So every
period has one slot, and the slots come in the order of the periods.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.schedules.settings import Schedule
from bot.spaces.window import Window, last_closed

_GRACE = timedelta(hours=1)
"""Nobody is late for having been started anew."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One period of a schedule, and the moment from which its digest may be posted."""

    window: Window
    due_at: datetime


def slot(schedule: Schedule, window: Window) -> Slot:
    """The slot of a period."""
    due = _at(window.until + timedelta(days=schedule.days_after), schedule.clock, window.zone)
    return Slot(window, quiet_until(schedule, due, window.zone) or due)


def due(schedule: Schedule, community: ZoneInfo, now: datetime, newest: date | None) -> list[Slot]:
    """The slots that are due and not decided yet, oldest first.

    `newest` is the first day of the newest period that is decided. Without one the schedule is new: it has no past but
    the period just over.
    """
    found = []
    for each in _back(schedule, community, now):
        if newest is not None and each.window.first <= newest:
            break
        if each.due_at <= now:
            found.append(each)
            if newest is None:
                break
    return found[::-1]


def following(schedule: Schedule, community: ZoneInfo, now: datetime, newest: date | None) -> Slot:
    """The next slot that is neither decided nor due."""
    window = last_closed(schedule.period, now, schedule.zone(community))
    # From well in the past on: the newest that is closed may be due only in weeks.
    for _ in range(3):
        window = window.previous()
    while True:
        found = slot(schedule, window)
        if found.due_at > now and (newest is None or window.first > newest):
            return found
        window = window.following()


def is_late(schedule: Schedule, each: Slot, now: datetime) -> bool:
    """Whether it is too late to catch a slot up."""
    patience = timedelta(days=schedule.late_days, minutes=schedule.wait_minutes)
    return now - each.due_at > patience + _GRACE


def quiet_until(schedule: Schedule, moment: datetime, zone: ZoneInfo) -> datetime | None:
    """The end of the quiet hours that a moment lies in; None where it lies in none."""
    if schedule.quiet is None:
        return None
    begin, end = schedule.quiet
    here = moment.astimezone(zone)
    clock = here.time()
    within = begin <= clock < end if begin < end else clock >= begin or clock < end
    if not within:
        return None
    tomorrow = begin > end and clock >= begin
    return _after(here.date() + timedelta(days=tomorrow), end, zone, moment)


def _back(schedule: Schedule, community: ZoneInfo, now: datetime) -> Iterator[Slot]:
    """The slots of the periods that are over, the newest first; without end."""
    window = last_closed(schedule.period, now, schedule.zone(community))
    while True:
        yield slot(schedule, window)
        window = window.previous()


def _at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """The moment of a local time. With fold 0 zoneinfo takes the offset before a change of clocks: as told above."""
    return datetime.combine(day, clock, zone).astimezone(UTC)


def _after(day: date, clock: time, zone: ZoneInfo, moment: datetime) -> datetime:
    """The moment of a local time, after `moment`: in an hour that comes twice, the second if the first is over."""
    found = _at(day, clock, zone)
    if found > moment:
        return found
    second = datetime.combine(day, clock.replace(fold=1), zone).astimezone(UTC)
    return second if second > moment else found + timedelta(days=1)
