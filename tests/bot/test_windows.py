"""Windows: half-open, whole local days, meeting each other across every change of clocks."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine

from bot.spaces.counted import day_of
from bot.spaces.window import Period, last_closed
from storage.times import from_micros, to_micros

MADRID = ZoneInfo("Europe/Madrid")
# Zones whose clocks change at midnight, by half an hour, by a whole day, or never.
ZONES = ["UTC", "Europe/Madrid", "America/New_York", "America/Santiago", "America/Havana", "Australia/Lord_Howe",
         "Asia/Beirut", "Pacific/Apia", "Asia/Kathmandu"]  # fmt: skip
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2037, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def test_the_week_that_loses_an_hour() -> None:
    week = last_closed(Period.WEEKLY, datetime(2026, 3, 30, 0, 0, tzinfo=MADRID), MADRID)
    assert (week.first, week.until) == (date(2026, 3, 23), date(2026, 3, 30))
    assert week.end - week.start == timedelta(days=7, hours=-1)


def test_a_window_is_closed_at_its_end_and_not_a_microsecond_before() -> None:
    end = datetime(2026, 3, 30, 0, 0, tzinfo=MADRID).astimezone(UTC)
    assert last_closed(Period.WEEKLY, end, MADRID).until == date(2026, 3, 30)
    assert last_closed(Period.WEEKLY, end - timedelta(microseconds=1), MADRID).until == date(2026, 3, 23)


@pytest.mark.parametrize(
    ("period", "first", "until", "before"),
    [
        (Period.DAILY, date(2024, 2, 29), date(2024, 3, 1), date(2024, 2, 28)),
        (Period.WEEKLY, date(2024, 2, 19), date(2024, 2, 26), date(2024, 2, 12)),
        (Period.MONTHLY, date(2024, 2, 1), date(2024, 3, 1), date(2024, 1, 1)),
        (Period.QUARTERLY, date(2023, 10, 1), date(2024, 1, 1), date(2023, 7, 1)),
    ],
)
def test_periods_on_the_first_of_march(period: Period, first: date, until: date, before: date) -> None:
    window = last_closed(period, datetime(2024, 3, 1, 12, tzinfo=UTC), ZoneInfo("UTC"))
    assert (window.first, window.until, window.previous().first) == (first, until, before)
    assert window.previous().until == window.first


@given(st.sampled_from(ZONES), st.sampled_from(list(Period)), MOMENTS)
def test_windows_meet_and_the_last_closed_is_over(zone: str, period: Period, as_of: datetime) -> None:
    window = last_closed(period, as_of, ZoneInfo(zone))
    assert window.previous().end == window.start < window.end <= as_of
    assert window.following().start == window.end
    assert window.following().previous() == window == window.previous().following()


@given(st.sampled_from(ZONES), st.sampled_from(list(Period)), MOMENTS, st.integers(0, 10**9 - 1))
def test_the_day_of_a_message_in_sql_is_its_local_date(
    zone: str, period: Period, as_of: datetime, where: int
) -> None:
    window = last_closed(period, as_of, ZoneInfo(zone))
    length = to_micros(window.end) - to_micros(window.start)
    moment = from_micros(to_micros(window.start) + length * where // 10**9)
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        day = connection.exec_driver_sql(
            f"SELECT {day_of(window)} FROM (SELECT {to_micros(moment)} AS created_at) m"
        ).scalar()
    engine.dispose()
    # A date that the clocks jumped over (Apia, 30 December 2011) has no moment: its number is never given.
    assert window.first + timedelta(days=int(day or 0)) == moment.astimezone(window.zone).date()
