"""What can be set of one schedule, `[schedules.NAME]`, and what makes it wrong."""

import re
from datetime import time as Time  # noqa: N812 - a setting is called time
from functools import cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationInfo, field_validator

from bot.mistakes import closest, shown
from bot.section import Section, existing_source, existing_zone, wrong
from bot.spaces.model import Area
from bot.spaces.window import Period

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_LONGEST = {Period.MONTHLY: 28, Period.QUARTERLY: 90}
"""The last day on which a digest may come: before the next period is over."""


class Schedule(Section):
    """A digest that is posted by itself, once a period."""

    source: str
    channel: str
    period: Period
    day: str = ""
    time: str = "09:00"
    timezone: str = ""
    areas: tuple[Area, ...] = ()
    language: Literal["", "en", "es"] = ""
    audience: Literal["community", "staff"] = "community"
    money: bool = False
    skip_empty: bool = True
    quiet_hours: str = ""
    wait_minutes: float = Field(default=30, ge=0, le=1_440)
    late_days: float = Field(default=3, ge=0, le=92)

    # --- as it is used ------------------------------------------------------------------------------------------------

    def zone(self, community: ZoneInfo) -> ZoneInfo:
        """By whose clock periods end and digests come: its own, else the community's."""
        return ZoneInfo(self.timezone) if self.timezone else community

    @property
    def clock(self) -> Time:
        """The time of day at which it comes."""
        return _time(self.time) or Time(9)

    @property
    def days_after(self) -> int:
        """How many days after the first day that follows the period."""
        if self.period is Period.WEEKLY:
            return WEEKDAYS.index(self.day or WEEKDAYS[0])
        return int(self.day or 1) - 1

    @property
    def quiet(self) -> tuple[Time, Time] | None:
        """When the hours begin and end in which nothing is posted."""
        begin, end = (_time(text) for text in (self.quiet_hours.partition("-")[::2]))
        return (begin, end) if begin is not None and end is not None else None

    # --- what makes it wrong ------------------------------------------------------------------------------------------

    @field_validator("source")
    @classmethod
    def _configured(cls, source: str, info: ValidationInfo) -> str:
        return existing_source(source, info)

    @field_validator("channel")
    @classmethod
    def _named(cls, channel: str) -> str:
        if not channel.strip().strip("#/"):
            cure = 'Name one: "#community", an id, or on a Discourse a category ("5") or topic ("5/123").'
            raise wrong("there is no channel to post to", cure)
        return channel.strip()

    @field_validator("day", mode="before")
    @classmethod
    def _number(cls, day: Any) -> Any:
        """`day = 3` is as good as `day = "3"`."""
        return str(day) if isinstance(day, int) and not isinstance(day, bool) else day

    @field_validator("day")
    @classmethod
    def _day(cls, day: str, info: ValidationInfo) -> str:
        period, day = info.data.get("period"), day.strip().lower()
        if not day or period is None:
            return day
        if period is Period.DAILY:
            raise wrong("a daily digest comes every day", "Remove the day, or choose another period.")
        if period is Period.WEEKLY:
            if day not in WEEKDAYS:
                found = closest(day, WEEKDAYS)
                cure = f'Did you mean "{found}"?' if found else 'Write one such as "monday".'
                raise wrong(f"{shown(day)} is no day of the week", cure)
        elif not day.isdecimal() or not 1 <= int(day) <= _LONGEST[period]:
            cure = f'Write how many days after the period it comes, from "1" to "{_LONGEST[period]}".'
            raise wrong(f"{shown(day)} is no such number of days", cure)
        return day

    @field_validator("time", mode="before")
    @classmethod
    def _moment(cls, moment: Any) -> Any:
        """TOML has times of its own: 09:00:00 without quotes."""
        return f"{moment:%H:%M}" if isinstance(moment, Time) else moment

    @field_validator("time")
    @classmethod
    def _of_day(cls, text: str) -> str:
        if _time(text) is None:
            raise wrong(
                f"{shown(text)} is no time of day", 'Write hours and minutes, "00:00" to "23:59": "09:00".'
            )
        return text

    @field_validator("timezone")
    @classmethod
    def _exists(cls, name: str) -> str:
        return existing_zone(name) if name else name

    @field_validator("areas")
    @classmethod
    def _once(cls, areas: tuple[Area, ...]) -> tuple[Area, ...]:
        if len(set(areas)) < len(areas):
            raise wrong("an area is named twice", f"Choose among {', '.join(Area)}, each once.")
        return areas

    @field_validator("quiet_hours")
    @classmethod
    def _hours(cls, text: str) -> str:
        begin, end = (_time(part) for part in text.partition("-")[::2])
        if text and (begin is None or end is None or begin == end):
            raise wrong(
                f"{shown(text)} are no quiet hours",
                'Write when they begin and when they end: "22:00-07:00".',
            )
        return text


@cache
def _time(text: str) -> Time | None:
    found = _CLOCK.fullmatch(text.strip())
    return Time(int(found[1]), int(found[2])) if found else None
