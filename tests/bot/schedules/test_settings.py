"""Mistakes in `[schedules.NAME]`, each told in one sentence with its place and its cure."""

from datetime import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.config import ConfigError, load
from bot.schedules.settings import Schedule
from bot.spaces.window import Period

GOOD = """
[sources.team]
connector = "slack"
[schedules.weekly]
source = "team"
channel = "#community"
period = "weekly"
"""


def read(folder: Path, text: str) -> dict[str, Schedule]:
    file = folder / "spaces.toml"
    file.write_text(text, encoding="utf-8")
    return dict(load(file).schedules)


def test_the_least_that_a_schedule_says(tmp_path: Path) -> None:
    (found,) = read(tmp_path, GOOD).values()
    assert (found.period, found.clock, found.days_after, found.quiet) == (Period.WEEKLY, time(9), 0, None)
    assert found.zone(ZoneInfo("Europe/Madrid")).key == "Europe/Madrid"
    assert (found.audience, found.money, found.skip_empty, found.late_days) == ("community", False, True, 3)


@pytest.mark.parametrize(
    ("period", "said", "days_after"),
    [("weekly", 'day = "Thursday"', 3), ("monthly", "day = 3", 2), ("quarterly", 'day = "90"', 89), ("monthly", 'day = ""', 0)],
)  # fmt: skip
def test_days(tmp_path: Path, period: str, said: str, days_after: int) -> None:
    (found,) = read(tmp_path, GOOD.replace('"weekly"', f'"{period}"') + said).values()
    assert found.days_after == days_after


@pytest.mark.parametrize(
    ("said", "clock"), [('"7:05"', time(7, 5)), ('"00:00"', time(0)), ("23:59:00", time(23, 59))]
)
def test_times(tmp_path: Path, said: str, clock: time) -> None:
    (found,) = read(tmp_path, GOOD + f"time = {said}").values()
    assert found.clock == clock


def test_all_else_that_can_be_said(tmp_path: Path) -> None:
    more = (
        'timezone = "Asia/Tokyo"\nquiet_hours = "22:00-7:00"\nareas = ["product", "support"]\nlate_days = 0.5'
    )
    (found,) = read(tmp_path, GOOD + more).values()
    assert found.zone(ZoneInfo("UTC")).key == "Asia/Tokyo"
    assert found.quiet == (time(22), time(7))
    assert found.areas == ("product", "support")


def test_the_environment_overrides_a_schedule_and_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPACES_SCHEDULES__WEEKLY__TIME", "18:30")
    assert read(tmp_path, GOOD)["weekly"].clock == time(18, 30)
    monkeypatch.setenv("SPACES_SCHEDULES__WEEKLY__TIEM", "18:30")
    with pytest.raises(ConfigError, match="Did you mean SPACES_SCHEDULES__WEEKLY__TIME"):
        read(tmp_path, GOOD)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"team"\nchannel', '"tem"\nchannel', 'line 5: schedules.weekly.source: there is no source "tem". Did you mean "team"?'),
        ('"#community"', '"# "', "line 6: schedules.weekly.channel: there is no channel to post to. Name one:"),
        ('"weekly"', '"weekley"', 'line 7: schedules.weekly.period: "weekley" is not allowed here. Did you mean "weekly"?'),
        ('"weekly"', '"weekly"\nday = "mondy"', 'line 8: schedules.weekly.day: "mondy" is no day of the week. Did you mean "monday"?'),
        ('"weekly"', '"weekly"\nday = 1', 'day: "1" is no day of the week. Write one such as "monday".'),
        ('"weekly"', '"daily"\nday = "monday"', "day: a daily digest comes every day. Remove the day,"),
        ('"weekly"', '"monthly"\nday = "monday"', 'day: "monday" is no such number of days. Write how many days after the period it comes, from "1" to "28".'),
        ('"weekly"', '"quarterly"\nday = 91', 'from "1" to "90"'),
        ('"weekly"', '"monthly"\nday = 0', '"0" is no such number'),
        ('"weekly"', '"weekly"\ntime = "24:00"', 'line 8: schedules.weekly.time: "24:00" is no time of day. Write hours and minutes, "00:00" to "23:59": "09:00".'),
        ('"weekly"', '"weekly"\ntime = 9', "schedules.weekly.time: must be text."),
        ('"weekly"', '"weekly"\ntimezone = "Europe/Madird"', 'there is no time zone "Europe/Madird". Did you mean "Europe/Madrid"?'),
        ('"weekly"', '"weekly"\nareas = ["support", "support"]', "line 8: schedules.weekly.areas: an area is named twice."),
        ('"weekly"', '"weekly"\nlanguage = "fr"', '"fr" is not allowed here.'),
        ('"weekly"', '"weekly"\naudience = "all"', '"all" is not allowed here. Known are: community, staff.'),
        ('"weekly"', '"weekly"\nquiet_hours = "22-7"', '"22-7" are no quiet hours. Write when they begin and when they end: "22:00-07:00".'),
        ('"weekly"', '"weekly"\nquiet_hours = "07:00-07:00"', '"07:00-07:00" are no quiet hours.'),
        ('"weekly"', '"weekly"\nlate_days = -1', "line 8: schedules.weekly.late_days: must be at least 0."),
        ('"weekly"', '"weekly"\nlate_days = nan', "schedules.weekly.late_days: must be at most 92."),
        ('"weekly"', '"weekly"\ntiem = "9:00"', 'line 8: schedules.weekly.tiem: there is no such setting. Did you mean "time"?'),
        ("schedules.weekly", "schedules.Weekly", 'line 4: schedules.Weekly: a schedule cannot be called "Weekly".'),
        ("[sources", '[run]\nreport_to = "ops"\n[sources', 'run.report_to: "ops" is no place. Write the source and the channel: "team:#ops".'),
        ("[sources", '[run]\nreport_to = "tem:#ops"\n[sources', 'run.report_to: there is no source "tem". Did you mean "team:#ops"?'),
    ],
)  # fmt: skip
def test_one_mistake_one_sentence(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(tmp_path, GOOD.replace(old, new))
    (found,) = str(error.value).splitlines()
    assert found.startswith("spaces.toml, line ")
    assert said in found
