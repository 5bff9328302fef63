"""Rounds: what is due is decided once, by whoever serves the source, when everything is read; and nothing is silent."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from bot.schedules.composition import compose
from bot.tagger import drain
from connectors.records import Channel, Message, Page
from storage import ingest, population, states, tables
from storage.database import Database
from tests.bot.schedules.town import MONDAY, WEEK, Town, config, schedule, utc

DAY = timedelta(days=1)


async def test_what_is_due_is_posted_once_and_not_before(town: Town) -> None:
    town.now = MONDAY - timedelta(seconds=1)
    async with town.process("one") as one:
        await one.go()
        assert dict(town.posted) == {"weekly 2026-03-16": 0} or not town.posted
        before = set(town.posted)
        town.now = MONDAY
        await one.go()
        await one.go()
        assert set(town.posted) - before == {WEEK}
        assert one.figure('spaces_digests_total{outcome="posted",schedule="weekly"}') == 1
        assert one.derived == 1, "what is skipped needs no numbers"
    async with town.process("one") as again:
        await again.go()
    assert town.posted[WEEK] == 1


async def test_only_who_serves_the_source_posts(town: Town) -> None:
    town.lend("another")
    async with town.process("one") as one, town.process("another") as another:
        await one.go()
        assert not town.rows
        await another.go()
        assert set(town.posted) == {WEEK}


async def test_while_nobody_serves_it_it_waits_and_is_caught_up(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    town.lend(None)
    async with town.process("one") as one:
        town.now += DAY
        await one.go()
        assert not town.rows
        assert (
            "was due at 2026-03-30 09:00 and waits: Nobody serves team. Start it with: spaces run"
            in caplog.text
        )
        assert one.figure('spaces_digest_overdue_seconds{schedule="weekly"}') == 86_400
        town.lend("one")
        await one.go()
        assert set(town.posted) == {WEEK}
        await one.go()
        assert one.figure('spaces_digest_overdue_seconds{schedule="weekly"}') == 0


async def test_what_is_too_late_is_skipped_and_says_so(town: Town) -> None:
    async with town.process("one") as one:
        await one.go()
        town.now += timedelta(days=25)
        await one.go()
    assert set(town.posted) == {WEEK}, "the next slot is three days late and an hour"
    rows = {first: outcome for (_, first), outcome in town.rows.items()}
    assert rows["2026-04-13"] == ("skipped", "More than 3 days had passed before the bot could post.")
    assert rows["2026-03-30"] == rows["2026-04-06"] == rows["2026-04-13"]
    town.now -= DAY  # within three days of Monday 20 April
    with town.database.write() as session:
        session.execute(tables.Digest.__table__.delete().where(tables.Digest.first == "2026-04-13"))  # type: ignore[attr-defined]
    town.now = utc("2026-04-22 09:00")
    async with town.process("one") as one:
        await one.go()
    assert set(town.posted) == {WEEK, "weekly 2026-04-13"}


async def test_a_new_schedule_posts_no_past(town: Town) -> None:
    town.now = MONDAY + 5 * DAY
    async with town.process("one") as one:
        await one.go()
        assert not town.posted
        assert town.rows == {
            ("weekly weekly", "2026-03-23"): ("skipped", "It was due before there was this schedule.")
        }
        town.now += 2 * DAY
        await one.go()
        assert set(town.posted) == {"weekly 2026-03-30"}


async def test_another_period_is_another_schedule(town: Town) -> None:
    async with town.process("one") as one:
        await one.go()
    town.config = config(weekly=schedule("monthly"))
    town.now = utc("2026-04-01 07:00")
    async with town.process("one") as one:
        await one.go()
    assert set(town.posted) == {WEEK, "weekly 2026-03-01"}


async def test_quiet_hours_hold_back_what_is_caught_up(town: Town) -> None:
    town.config = config(weekly=schedule(quiet_hours="20:00-08:00"))
    town.now = MONDAY + timedelta(hours=12)
    async with town.process("one") as one:
        await one.go()
        assert not town.rows
        town.now += timedelta(hours=11)
        await one.go()
        assert set(town.posted) == {WEEK}


async def test_a_day_that_never_was_is_no_digest(database: Database) -> None:
    town = Town(database, config(daily=schedule("daily", timezone="Pacific/Apia")), utc("2011-12-29 19:00"))
    town.lend("one")
    async with town.process("one") as one:
        for _ in range(3):
            await one.go()
            town.now += DAY
    assert town.rows["daily daily", "2011-12-30"] == (
        "skipped", "By the clocks of Pacific/Apia there was no such day."
    )  # fmt: skip
    assert set(town.posted) == {"daily 2011-12-28", "daily 2011-12-29", "daily 2011-12-31"}


# --- a clock that is wrong ----------------------------------------------------------------------------------------


async def test_a_clock_that_ran_far_ahead_does_no_lasting_harm(town: Town) -> None:
    async with town.process("one") as one:
        await one.go()
        town.now += timedelta(days=25 + 364)  # no digest is that late: all are skipped
        await one.go()
        assert [outcome for (outcome, _) in town.rows.values()].count("skipped") > 50
        town.now = MONDAY
        await one.go()
        for week in range(1, 4):
            town.now = MONDAY + timedelta(weeks=week)
            await one.go()
    assert set(town.posted) == {WEEK, "weekly 2026-03-30", "weekly 2026-04-06", "weekly 2026-04-13"}
    assert set(town.posted.values()) == {1}
    assert [told.outcome for told in town.told("weekly weekly")] == ["posted"] * 4


async def test_a_clock_that_fell_back_posts_nothing_again(town: Town) -> None:
    async with town.process("one") as one:
        await one.go()
        for days in (1, 100, 20_000):
            town.now = MONDAY - timedelta(days=days)
            await one.go()
    assert set(town.posted) == {WEEK}
    assert len(town.rows) == 1


# --- what has to be read before -----------------------------------------------------------------------------------


def fares(town: Town, **facts: object) -> None:
    with town.database.write() as session:
        states.write(session, town.source, connected=True, why=None, **facts)
        session.execute(update(tables.State).values(updated_at=town.now))


async def test_history_is_read_first(town: Town) -> None:
    town.config = config(weekly=schedule(wait_minutes=30))
    fares(town, fraction=0.4, caught_up_at=MONDAY - 9 * DAY, heard_at=town.now)
    async with town.process("one") as one:
        await one.go()
        assert not town.rows
        fares(town, fraction=None, caught_up_at=MONDAY, heard_at=town.now)
        town.now += timedelta(minutes=1)
        await one.go()
    assert [post.text for _, post in town.village.posts] == [""]


async def test_what_cannot_be_read_in_time_is_named(town: Town) -> None:
    town.config = config(weekly=schedule(wait_minutes=30))
    fares(town, fraction=0.4, caught_up_at=MONDAY - 9 * DAY, heard_at=town.now)
    async with town.process("one") as one:
        town.now += 2 * DAY  # nobody was there; waiting begins when we are
        await one.go()
        fares(town)
        town.now += timedelta(minutes=29)
        await one.go()
        assert not town.rows
        town.now += timedelta(minutes=1)
        await one.go()
    assert [post.text for _, post in town.village.posts] == ["team"]


async def test_what_was_heard_of_since_is_whole(town: Town) -> None:
    town.config = config(weekly=schedule(wait_minutes=30))
    fares(town, fraction=None, caught_up_at=MONDAY - 9 * DAY, heard_at=MONDAY - timedelta(hours=10))
    async with town.process("one") as one:
        await one.go()
        assert not town.rows, "the last hour of the week may be missing"
        fares(town, heard_at=MONDAY)
        await one.go()
        assert set(town.posted) == {WEEK}


async def test_a_source_that_nobody_served_in_the_period_is_not_waited_for(town: Town) -> None:
    town.config = config(weekly=schedule(wait_minutes=30))
    fares(town, fraction=0.4)
    with town.database.write() as session:
        session.execute(update(tables.State).values(updated_at=MONDAY - 9 * DAY))
    async with town.process("one") as one:
        await one.go()
    assert set(town.posted) == {WEEK}


# --- what it says -------------------------------------------------------------------------------------------------


def hear(town: Town, *said: tuple[str, int]) -> None:
    """What people said at noon, each on a day of March 2026."""
    with town.database.write() as session:
        messages = [
            Message(f"{who}{day}", "c1", who, utc(f"2026-03-{day} 12:00"), f"We ship chart {day} today.")
            for who, day in said
        ]
        page = Page("live", None, town.now, channels=[Channel("c1", "help")], messages=messages)
        ingest.save(session, town.source, page)


async def settled(town: Town) -> None:
    with town.database.write() as session:
        population.settle(session, town.config.policy())
    drain(town.database)


async def test_where_there_is_nothing_to_say_nothing_is_posted(database: Database) -> None:
    town = Town(database, config(weekly=schedule(), always=schedule(skip_empty=False)), MONDAY, compose)
    town.lend("one")
    async with town.process("one") as one:
        await one.go()
        assert one.figure('spaces_digests_total{outcome="skipped",schedule="weekly"}') == 1
    assert town.rows["weekly weekly", "2026-03-23"] == ("skipped", "Nobody wrote anything.")
    assert sum(town.posted.values()) == 1


async def test_numbers_that_late_data_changed_are_told_in_the_next_digest(database: Database) -> None:
    town = Town(database, config(weekly=schedule()), MONDAY, compose)
    town.lend("one")
    async with town.process("one") as one:
        hear(town, ("ada", 16), ("ada", 24), ("ada", 31))
        await settled(town)
        await one.go()
        # An outage is over, and what was said meanwhile is read.
        hear(town, ("ben", 25), ("cat", 26))
        await settled(town)
        town.now += timedelta(weeks=1)
        await one.go()
        first, second = (post.text for _, post in town.village.posts)
        changed = "Active members is now 3 (was 1)"
        assert "is now" not in first
        assert changed in second
