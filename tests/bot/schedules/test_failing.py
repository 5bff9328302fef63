"""What goes wrong on the way of a digest: it is posted once all the same, or somebody is told what to do."""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.settings import Run
from connectors.errors import Misconfigured, Unavailable, Unsure
from connectors.records import Message, Page
from storage import digests, ingest
from storage.database import Database
from storage.posts import FAILED, INTENDED, SENT, UNKNOWN
from tests.bot.schedules.town import MONDAY, WEEK, Steps, Town, config, plain, schedule

DAY = timedelta(days=1)


async def test_killed_between_any_two_steps_it_is_posted_once(database: Database) -> None:
    """A round cut off before each of its steps in turn; then another process takes over."""
    noon = MONDAY + timedelta(hours=2)  # it is due in summer and in winter
    town = Town(database, config(weekly=schedule()), noon)

    async def live(owner: str, dies_at: int = 0) -> bool:
        town.lend(owner)
        town.ready()
        return await steps.live(await town.process(owner).__aenter__(), dies_at)

    with Steps(town) as steps:
        await live("one")  # opens what stays open
        town.now += timedelta(weeks=1)
        await live("one")
        count = steps.seen
        for last in range(1, count + 1):
            town.now += timedelta(weeks=1)
            assert not await live("one", last)
            assert await live("two")
            assert town.posted[f"weekly {town.now - timedelta(weeks=1):%Y-%m-%d}"] == 1, last
    assert count > 15
    assert set(town.posted.values()) == {1}
    assert len(town.posted) == count + 2


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
    town.village.closed_places["#news"] = Misconfigured("Invite the bot to #news.")
    refused = "the digest of 2026-03-23 is not posted to #news yet. Invite the bot to #news."
    failed = (
        "the digest of 2026-03-23 could not be posted to #news. Invite the bot to #news. "
        "When that is mended: spaces digest weekly --post --schedule weekly"
    )
    async with town.process("one") as one:
        for _ in range(13):
            await one.go()
            town.ready()
        (told,) = town.told("weekly weekly")
        assert (told.state, told.why, told.tries) == (FAILED, "Invite the bot to #news.", 12)
        town.now += DAY
        await one.go()
        assert one.figure('spaces_digest_overdue_seconds{schedule="weekly"}') == 86_400
        errors = [record.message for record in caplog.records if record.levelno == logging.ERROR]
        assert errors == [refused, failed], "each is said once"
        reports = [(place, post.text) for place, post in town.village.posts]
        assert reports == [("#ops", f"Schedule weekly: {words}") for words in errors]
        # Whoever takes over says nothing again.
    async with town.process("one") as one:
        await one.go()
        assert len(town.village.posts) == 2
        # And when it is mended:
        town.village.closed_places.clear()
        with town.database.write() as session:
            assert digests.retry(session, "weekly weekly", told.first)
            assert not digests.retry(session, "weekly weekly", told.first)
        await one.go()
        assert town.posted[WEEK] == 1
        assert town.told("weekly weekly")[0].state == SENT
        await one.go()
        assert one.figure('spaces_digest_overdue_seconds{schedule="weekly"}') == 0


async def test_a_destination_that_is_away_for_a_while_is_tried_until_it_is_back(town: Town) -> None:
    town.village.broken["post"] = [Unavailable("Later.", 60.0) for _ in range(5)]
    async with town.process("one") as one:
        for tries in range(1, 6):
            await one.go()
            (told,) = town.told("weekly weekly")
            assert (told.state, told.tries, told.why) == (
                INTENDED if tries == 1 else UNKNOWN,
                tries,
                "Later.",
            )
            await one.go()
            assert town.told("weekly weekly")[0].tries == tries, "it waits as long as the platform says"
            town.ready()
        await one.go()
    assert dict(town.posted) == {WEEK: 1}


async def test_what_was_missed_is_told_to_staff_in_one_message(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    town.config = town.config.model_copy(update={"run": Run(report_to="team:#ops")})
    async with town.process("one") as one:
        await one.go()
        town.now += timedelta(days=25)
        await one.go()
        assert one.figure('spaces_digests_total{outcome="skipped",schedule="weekly"}') == 3
    words = (
        "the 3 digests of 2026-03-30 to 2026-04-13 are skipped: "
        "More than 3 days had passed before the bot could post."
    )
    assert [post.text for place, post in town.village.posts if place == "#ops"] == [
        f"Schedule weekly: {words}"
    ]
    assert [each.message for each in caplog.records if each.levelno == logging.WARNING] == [words]


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
