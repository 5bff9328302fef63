"""Windows of time: half-open, aware, cut at the community's own midnights."""

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class Period(StrEnum):
    """How often a digest is made. Weeks begin on Monday, quarters in January, April, July and October."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"


@dataclass(frozen=True, slots=True)
class Window:
    """Local days `first` (included) to `until` (excluded) in `zone`.

    `start` and `end` are the moments of the two midnights in UTC. Where a change of clocks skips midnight, the day
    begins at the moment of the change; so consecutive windows always meet, whatever the clocks do.
    """

    first: date
    until: date
    zone: ZoneInfo
    period: Period | None = None

    @property
    def start(self) -> datetime:
        """The first moment inside, in UTC."""
        return midnight(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """The first moment after, in UTC."""
        return midnight(self.until, self.zone)

    @property
    def days(self) -> int:
        """Local days in the window."""
        return (self.until - self.first).days

    def previous(self) -> "Window":
        """The window of the same period just before; without a period, as many days."""
        if self.period is None:
            return Window(self.first - (self.until - self.first), self.first, self.zone)
        return _containing(self.period, self.first - timedelta(days=1), self.zone)

    def following(self) -> "Window":
        """The window of the same period just after; without a period, as many days."""
        if self.period is None:
            return Window(self.until, self.until + (self.until - self.first), self.zone)
        return _containing(self.period, self.until, self.zone)

    def __str__(self) -> str:
        return f"{self.first} to {self.until - timedelta(days=1)} ({self.zone.key})"


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The moment a local day begins, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def last_closed(period: Period, as_of: datetime, zone: ZoneInfo) -> Window:
    """The newest window of the period that had ended by `as_of`."""
    running = _containing(period, as_of.astimezone(zone).date(), zone)
    return running.previous()


def _containing(period: Period, day: date, zone: ZoneInfo) -> Window:
    match period:
        case Period.DAILY:
            first, until = day, day + timedelta(days=1)
        case Period.WEEKLY:
            first = day - timedelta(days=day.weekday())
            until = first + timedelta(days=7)
        case Period.MONTHLY:
            first = day.replace(day=1)
            until = _next_month(first)
        case Period.QUARTERLY:
            first = day.replace(month=day.month - (day.month - 1) % 3, day=1)
            until = _next_month(_next_month(_next_month(first)))
    return Window(first, until, zone, period)


def _next_month(first: date) -> date:
    return first + timedelta(days=calendar.monthrange(first.year, first.month)[1])
