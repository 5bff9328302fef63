"""Slots: one a period, in their order, never before its end, in every zone there is."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.schedules.settings import WEEKDAYS, Schedule
from bot.schedules.slots import due, following, is_late, quiet_until, slot
from bot.spaces.window import Period, Window, last_closed

YEARS = date(2025, 1, 1), date(2027, 1, 1)
NAMES = sorted(available_timezones())
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def schedule(period: str = "daily", time: str = "09:00", **more: object) -> Schedule:
    return Schedule.model_validate({"source": "team", "channel": "c", "period": period, "time": time, **more})


@cache
def zones() -> list[ZoneInfo]:
    """Every zone of tzdata; of those whose clocks are alike throughout the two years, one."""
    alike = {clocks(ZoneInfo(name)): ZoneInfo(name) for name in NAMES}
    return list(alike.values())


def offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    found = moment.astimezone(zone).utcoffset()
    assert found is not None
    return found


@cache
def clocks(zone: ZoneInfo) -> tuple[tuple[int, timedelta], ...]:
    return tuple(changes(zone))


def changes(zone: ZoneInfo) -> Iterator[tuple[int, timedelta]]:
    """(hour since the beginning, offset) wherever the offset changes."""
    begin = datetime(YEARS[0].year, 1, 1, tzinfo=UTC) - 2 * DAY

    last = None
    for day in range((YEARS[1] - YEARS[0]).days + 4):
        changing = offset(begin + day * DAY, zone) != offset(begin + (day + 1) * DAY, zone)
        for hour in range(0, 24, 1 if changing else 24):
            if (now := offset(begin + day * DAY + hour * HOUR, zone)) != last:
                yield day * 24 + hour, now
                last = now


def windows(period: Period, zone: ZoneInfo) -> Iterator[Window]:
    window = last_closed(period, datetime(YEARS[0].year, 1, 3, tzinfo=UTC), zone)
    while window.first < YEARS[1]:
        yield window
        window = window.following()


def test_there_are_zones_of_every_kind() -> None:
    assert len(zones()) > 60
    jumps = {after - before for zone in zones() for (_, before), (_, after) in pairwise(clocks(zone))}
    assert {HOUR, -HOUR, HOUR / 2, -HOUR / 2} <= jumps
    assert any(zone.key.startswith("Australia") for zone in zones())


@pytest.mark.parametrize("minute", [0, 30])
@pytest.mark.parametrize("hour", range(24))
def test_a_day_has_one_slot_at_any_hour_in_every_zone(hour: int, minute: int) -> None:
    for number, zone in enumerate(zones()):
        if number % 24 != hour and len(clocks(zone)) == 1:
            continue  # where no clock ever changes, one hour is as good as another
        before = datetime.min.replace(tzinfo=UTC)
        each = schedule(time=f"{hour:02}:{minute:02}")
        for window in windows(Period.DAILY, zone):
            found = slot(each, window).due_at
            assert before < found, (zone, window)
            assert window.end <= found <= window.end + timedelta(hours=hour + 3), (zone, window)
            local = found.astimezone(zone).replace(tzinfo=None)
            wanted = datetime.combine(window.until, each.clock)
            if local == wanted:
                assert not found.astimezone(zone).fold, "the first of two"
            else:  # the clocks skipped it: it comes as much later as they skipped
                assert local - wanted == offset(found, zone) - offset(found - 3 * HOUR, zone) > 0 * HOUR, (
                    zone,
                    window,
                )
            before = found


@pytest.mark.parametrize("period", ["weekly", "monthly", "quarterly"])
def test_longer_periods_have_one_slot_each_on_their_day(period: str) -> None:
    days = WEEKDAYS if period == "weekly" else ["1", "15", "28"]
    for zone in zones():
        for day in days:
            found = [
                slot(schedule(period, "00:30", day=day), window).due_at
                for window in windows(Period(period), zone)
            ]
            assert found == sorted(set(found)), zone
            local = [each.astimezone(zone) for each in found]
            if period == "weekly":
                assert {WEEKDAYS[each.weekday()] for each in local} == {day}, zone
            else:
                assert {each.day for each in local} == {int(day)}, zone


@pytest.mark.parametrize(
    ("zone", "day", "time", "expected"),
    [
        # The clocks go from 2:00 to 3:00: 2:30 does not exist.
        ("Europe/Madrid", date(2026, 3, 29), "02:30", "2026-03-29 03:30+02:00"),
        # From 3:00 to 2:00: 2:30 comes twice.
        ("Europe/Madrid", date(2026, 10, 25), "02:30", "2026-10-25 02:30+02:00"),
        # From 24:00 to 1:00: midnight does not exist, in the south.
        ("America/Santiago", date(2026, 9, 6), "00:00", "2026-09-06 01:00-03:00"),
        # From 24:00 to 23:00: 23:30 comes twice.
        ("America/Santiago", date(2026, 4, 4), "23:30", "2026-04-04 23:30-03:00"),
        # By half an hour.
        ("Australia/Lord_Howe", date(2026, 10, 4), "02:15", "2026-10-04 02:45+11:00"),
        # A day that never was: 30 December 2011 in Samoa.
        ("Pacific/Apia", date(2011, 12, 30), "09:00", "2011-12-31 09:00+14:00"),
    ],
)  # fmt: skip
def test_hours_that_do_not_exist_or_exist_twice(zone: str, day: date, time: str, expected: str) -> None:
    window = Window(day - DAY, day, ZoneInfo(zone), Period.DAILY)
    assert str(slot(schedule(time=time), window).due_at.astimezone(ZoneInfo(zone)))[:16] == expected[:16]
    assert slot(schedule(time=time), window).due_at == datetime.fromisoformat(expected)


# --- what is due ------------------------------------------------------------------------------------------------

MADRID = ZoneInfo("Europe/Madrid")
MONDAY = datetime(2026, 3, 30, 9, tzinfo=MADRID)


def firsts(each: Schedule, now: datetime, newest: date | None) -> list[str]:
    return [f"{found.window.first}" for found in due(each, MADRID, now, newest)]


def test_due_are_all_since_the_newest_that_is_decided() -> None:
    weekly = schedule("weekly")
    assert firsts(weekly, MONDAY - timedelta(seconds=1), date(2026, 3, 16)) == []
    assert firsts(weekly, MONDAY, date(2026, 3, 16)) == ["2026-03-23"]
    assert firsts(weekly, MONDAY, date(2026, 3, 23)) == []
    assert firsts(weekly, MONDAY, date(2026, 3, 2)) == ["2026-03-09", "2026-03-16", "2026-03-23"]
    assert firsts(weekly, MONDAY - timedelta(days=400), date(2026, 3, 23)) == [], "a clock that went back"


def test_a_new_schedule_has_no_past_but_the_period_just_over() -> None:
    assert firsts(schedule("weekly"), MONDAY, None) == ["2026-03-23"]
    assert firsts(schedule("weekly"), MONDAY - HOUR, None) == ["2026-03-16"]
    assert firsts(schedule("quarterly", day=90), MONDAY, None) == ["2025-07-01"]


@given(
    st.sampled_from(["daily", "weekly", "monthly", "quarterly"]),
    st.lists(st.integers(1, 5_000), min_size=5, max_size=30),
    st.sampled_from(NAMES),
    st.times(),
    st.sampled_from(["", "22:00-07:00", "01:00-03:00"]),
)
def test_whenever_one_looks_each_period_comes_once(
    period: str, pauses: list[int], name: str, clock: time, quiet: str
) -> None:
    each = schedule(period, f"{clock:%H:%M}", quiet_hours=quiet)
    zone, now = ZoneInfo(name), datetime(2025, 2, 3, 4, 5, tzinfo=UTC)
    newest: date | None = None
    decided = []
    for pause in pauses:
        assert following(each, zone, now, newest).due_at > now
        for found in due(each, zone, now, newest):
            assert newest is None or found.window == Window(
                found.window.first, found.window.until, zone, Period(period)
            )
            decided.append(found.window)
            newest = found.window.first
        assert due(each, zone, now, newest) == []
        now += timedelta(hours=pause)
    assert all(before.following() == after for before, after in pairwise(decided))


def test_the_next_one() -> None:
    weekly = schedule("weekly", day="thursday")
    assert following(weekly, MADRID, MONDAY, None).due_at == MONDAY + 3 * DAY
    assert following(weekly, MADRID, MONDAY, date(2026, 3, 23)).due_at == MONDAY + 10 * DAY, (
        "decided before its time"
    )
    quarterly = schedule("quarterly", day=90)
    assert following(quarterly, MADRID, MONDAY, None).window.first == date(2025, 10, 1)


def test_late_is_what_came_longer_ago_than_it_may_be_caught_up() -> None:
    weekly = schedule("weekly", late_days=3, wait_minutes=30)
    (found,) = due(weekly, MADRID, MONDAY, None)
    limit = 3 * DAY + timedelta(minutes=90)
    assert not is_late(weekly, found, MONDAY + limit)
    assert is_late(weekly, found, MONDAY + limit + timedelta(microseconds=1))
    assert not is_late(schedule("weekly", late_days=0, wait_minutes=0), found, MONDAY + timedelta(minutes=59))


# --- quiet hours ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "clock", "until"),
    [
        ("22:00-07:00", "22:00", "31 07:00"), ("22:00-07:00", "23:59", "31 07:00"), ("22:00-07:00", "00:00", "30 07:00"),
        ("22:00-07:00", "07:00", None), ("22:00-07:00", "21:59", None), ("12:00-14:30", "13:00", "30 14:30"),
        ("12:00-14:30", "14:30", None), ("", "13:00", None),
    ],
)  # fmt: skip
def test_quiet_hours_end(hours: str, clock: str, until: str | None) -> None:
    moment = datetime.fromisoformat(f"2026-03-30 {clock}").replace(tzinfo=MADRID)
    found = quiet_until(schedule(quiet_hours=hours), moment, MADRID)
    assert (None if found is None else f"{found.astimezone(MADRID):%d %H:%M}") == until


def test_a_slot_in_quiet_hours_is_when_they_end() -> None:
    window = Window(date(2026, 3, 28), date(2026, 3, 29), MADRID, Period.DAILY)
    late = slot(schedule(time="23:30", quiet_hours="23:00-07:00"), window)
    assert late.due_at == datetime(2026, 3, 30, 7, tzinfo=MADRID)
    early = slot(schedule(time="02:30", quiet_hours="23:00-03:15"), window)
    assert early.due_at == datetime(2026, 3, 29, 3, 30, tzinfo=MADRID), (
        "the hour that was skipped is not quiet"
    )


@given(
    st.datetimes(datetime(2025, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from(["22:00-07:00", "02:30-02:45", "01:00-03:00", "00:00-23:59"]),
    st.sampled_from(NAMES),
)
def test_quiet_hours_always_end_within_a_day_and_a_bit(moment: datetime, hours: str, name: str) -> None:
    each, zone = schedule(quiet_hours=hours), ZoneInfo(name)
    end = quiet_until(each, moment, zone)
    if end is not None:
        assert moment < end <= moment + DAY + HOUR
