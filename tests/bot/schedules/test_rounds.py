"""Rounds: what is due is decided once, by whoever serves the source, when everything is read; and nothing is silent."""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, update

from bot.schedules.rounds import Rounds
from bot.settings import Run
from connectors.errors import Misconfigured, Unsure
from connectors.records import Message, Page
from storage import digests, ingest, states, tables
from storage.database import Database
from storage.posts import FAILED, SENT
from tests.bot.schedules.town import Town, config, plain, schedule, utc

MONDAY = utc("2026-03-30 07:00")  # 9:00 in Madrid
WEEK = "weekly 2026-03-23"
DAY = timedelta(days=1)


@pytest.fixture
def town(database: Database) -> Town:
    town = Town(database, config(weekly=schedule()), MONDAY)
    town.lend("one")
    return town


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
        assert one.derived == len(town.rows)
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
        assert one.figure('spaces_digest_overdue_seconds{schedule="weekly"}') == 0


async def test_what_is_too_late_is_skipped_and_says_so(town: Town) -> None:
    async with town.process("one") as one:
        await one.go()
        town.now += timedelta(days=25)
        await one.go()
    assert set(town.posted) == {WEEK}, "the next slot is three days late and an hour"
    rows = {first: outcome for (_, first), outcome in town.rows.items()}
    assert rows["2026-04-13"] == ("skipped", "It could not be posted for more than 3 days after it was due.")
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
        assert list(town.rows) == [("weekly weekly", "2026-03-23")]
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
        for _ in range(4):
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


# --- what goes wrong ----------------------------------------------------------------------------------------------


async def test_killed_at_any_statement_it_is_posted_once(database: Database) -> None:
    """The whole of a round, cut off before each of its statements in turn; then another process goes on."""

    class Killed(BaseException):
        pass

    seen, deadly = 0, 0
    town = Town(database, config(weekly=schedule(late_days=90)), MONDAY)
    town.lend("one")

    def count(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == deadly:
            raise Killed

    async def once(monday: int) -> None:
        nonlocal seen
        town.now = MONDAY + timedelta(weeks=monday)
        seen = 0
        process = town.process("one")
        await process.writer.__aenter__()
        try:
            await process.go()
        except BaseException:  # noqa: BLE001 - it is dead
            process.writer._task.cancel()  # type: ignore[union-attr]

    event.listen(database.engine, "before_cursor_execute", count)
    try:
        await once(0)
        statements = seen
        for deadly in range(1, statements + 1):
            await once(deadly)
    finally:
        event.remove(database.engine, "before_cursor_execute", count)
    assert statements > 10
    async with town.process("one") as last:
        town.ready()
        await last.go()
    assert set(town.posted.values()) == {1}
    assert len(town.posted) == statements + 1


async def test_two_at_the_same_moment_post_it_once(town: Town) -> None:
    async with town.process("one") as one, town.process("one") as two:
        await asyncio.gather(*(each.go() for each in (one, two) * 4))
    assert dict(town.posted) == {WEEK: 1}


async def test_a_defect_in_one_digest_stops_no_other(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(session: Any, config: Any, name: str, slot: Any, now: datetime, unread: Any = ()) -> Any:
        if name == "bad":
            raise RuntimeError("a defect")
        return plain(session, config, name, slot, now, unread)

    town = Town(database, config(bad=schedule(), good=schedule()), MONDAY, broken)
    town.lend("one")
    async with town.process("one") as one:
        await one.go()
        assert set(town.posted) == {"good 2026-03-23"}
        assert one.figure('spaces_errors_total{kind="digest",source="team"}') == 1
        town.now += timedelta(hours=1)
        await one.go()
        assert "waits: It could not be made; the log of `spaces run` says why." in caplog.text
        town.now += 4 * DAY
        await one.go()
    assert town.rows["bad weekly", "2026-03-23"][0] == "skipped"


async def test_a_destination_that_fails_is_told_where_the_operator_looks(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    town.config = town.config.model_copy(update={"run": Run(report_to="team:#ops")})
    town.village.broken["post"] = [Misconfigured("Invite the bot to #news.") for _ in range(12)]
    async with town.process("one") as one:
        for _ in range(12):
            await one.go()
            town.ready()
        (told,) = town.told("weekly weekly")
        assert (told.state, told.why) == (FAILED, "Invite the bot to #news.")
        sentence = (
            "the digest of 2026-03-23 could not be posted to #news. Invite the bot to #news. "
            "When that is mended: spaces digest weekly --post --schedule weekly"
        )
        await one.go()
        assert sentence in caplog.text
        assert [record.levelno for record in caplog.records if "could not be posted" in record.message] == [
            logging.ERROR
        ]
        town.now += DAY
        await one.go()
        assert one.figure('spaces_digest_overdue_seconds{schedule="weekly"}') == 86_400
        ((place, report),) = town.village.posts
        assert place == "#ops"
        assert "is not posted to #news yet" in report.text, "told when it has failed a few times, once"
        # And when it is mended:
        with town.database.write() as session:
            assert digests.retry(session, "weekly weekly", told.first)
            assert not digests.retry(session, "weekly weekly", told.first)
        await one.go()
        assert town.posted[WEEK] == 1
        assert town.told("weekly weekly")[0].state == SENT
        assert one.figure('spaces_digest_overdue_seconds{schedule="weekly"}') == 86_400
        await one.go()
        assert one.figure('spaces_digest_overdue_seconds{schedule="weekly"}') == 0


async def test_an_answer_that_was_lost_is_no_trouble(town: Town) -> None:
    town.village.broken["answer"] = [Unsure("Reset.")]
    async with town.process("one") as one:
        await one.go()
        town.ready()
        await one.go()
    assert dict(town.posted) == {WEEK: 1}


async def test_the_platform_tells_the_address_of_what_was_posted(town: Town) -> None:
    async with town.process("one") as one:
        await one.go()
    assert town.told("weekly weekly")[0].link is None
    with town.database.write() as session:
        said = Message("p1", "c", None, town.now, "our digest", url="https://acme.slack.com/p1")
        ingest.save(session, town.source, Page("live", None, town.now, messages=[said]))
    assert town.told("weekly weekly")[0].link == "https://acme.slack.com/p1"


def test_rounds_need_nothing_from_the_past(town: Town) -> None:
    """What is remembered in memory is only for patience and for not saying a thing twice."""
    assert set(vars(town.process("one").rounds)) - {"config"} == {
        "_database", "_writer", "_metrics", "_owner", "_compose", "_derive", "_now", "_held", "_told", "_derived"
    }  # fmt: skip
    assert Rounds.__init__.__annotations__["now"]
    with town.database.read() as session:
        assert session.scalars(select(tables.Digest)).all() == []
