"""A post is sent once, whatever answers were lost, whoever else tries, and wherever we were killed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bot.live.posting import Outcome, Poster
from bot.live.writer import Writer
from connectors.errors import Misconfigured, Unavailable, UnreadablePayload, Unsure
from connectors.records import Post
from storage import ingest, tables
from storage.database import Database
from storage.posts import FAILED, INTENDED, SENT, UNKNOWN
from tests.bot.live.platform import Village

WEEKLY = Post("", "Week 12", "All well.")


class Street:
    """A village, and posters of two processes to it."""

    def __init__(self, database: Database, writer: Writer) -> None:
        with database.write() as session:
            source = ingest.source_id(session, "team", "slack")
        self.database = database
        self.village = Village()
        self.one, self.two = (
            Poster(writer, self.village.connector()({}, {}), source, owner, timedelta(seconds=10))
            for owner in ("one", "two")
        )

    async def publish(self, poster: Poster | None = None) -> Outcome:
        return await (poster or self.one).publish("C1", "weekly 12", WEEKLY)

    def later(self) -> None:
        """Everything that waits for its time has waited for it."""
        with self.database.write() as session:
            session.execute(update(tables.Post).values(claimed_until=None))

    def row(self) -> tables.Post:
        with self.database.read() as session:
            found = session.scalars(select(tables.Post)).one()
            session.expunge(found)
            return found


@pytest.fixture
async def street(database: Database) -> AsyncIterator[Street]:
    async with Writer(database) as writer:
        yield Street(database, writer)


async def test_sent_once_however_often_it_is_asked_for(street: Street) -> None:
    assert await street.publish() == Outcome(SENT, "p1")
    assert await street.publish() == Outcome(SENT, "p1")
    assert await street.publish(street.two) == Outcome(SENT, "p1")
    assert len(street.village.posts) == 1
    assert street.row().key == street.village.posts[0][1].key


async def test_an_answer_that_was_lost_is_found_by_reading_back(street: Street) -> None:
    street.village.broken["answer"] = [Unsure("Reset after sending.")]
    assert (await street.publish()).state == UNKNOWN
    street.later()
    assert await street.one.publish_next() == Outcome(SENT, "p1")
    assert len(street.village.posts) == 1


async def test_what_did_not_get_there_is_sent_again_with_the_same_key(street: Street) -> None:
    street.village.broken["post"] = [Unsure("Reset before sending."), Unavailable("Later.", 0.0)]
    for _ in range(2):
        assert (await street.publish()).state == UNKNOWN
        key = street.row().key
        street.later()
    assert await street.one.publish_next() == Outcome(SENT, "p1")
    assert [post.key for _, post in street.village.posts] == [key]


async def test_when_reading_back_fails_nothing_is_sent(street: Street) -> None:
    street.village.broken = {"answer": [Unsure("Reset.")], "find": [Unavailable("Away.", 0.0)]}
    await street.publish()
    street.later()
    assert await street.one.publish_next() == Outcome(UNKNOWN, why="Away.")
    street.later()
    assert await street.one.publish_next() == Outcome(SENT, "p1")
    assert len(street.village.posts) == 1


async def test_one_that_was_killed_while_sending_is_resolved_by_the_next(street: Street) -> None:
    sending = asyncio.Event()

    class Killed(BaseException):
        pass

    street.village.broken["answer"] = [Killed()]  # type: ignore[list-item]
    sending.set()
    with pytest.raises(Killed):
        await street.publish()
    assert (street.row().state, len(street.village.posts)) == (INTENDED, 1)
    assert await street.two.publish_next() is None, "it may still be under way"
    street.later()
    assert await street.two.publish_next() == Outcome(SENT, "p1")
    assert len(street.village.posts) == 1


async def test_two_at_once_send_it_once(street: Street) -> None:
    outcomes = await asyncio.gather(*(street.publish(poster) for poster in (street.one, street.two) * 5))
    assert len(street.village.posts) == 1
    assert Outcome(SENT, "p1") in outcomes
    assert {outcome.state for outcome in outcomes} <= {SENT, INTENDED}


async def test_what_the_operator_must_mend_waits_for_it(street: Street) -> None:
    street.village.broken["post"] = [Misconfigured("Invite the bot to #news.")]
    assert await street.publish() == Outcome(INTENDED, why="Invite the bot to #news.")
    assert await street.one.publish_next() is None
    street.later()
    assert await street.one.publish_next() == Outcome(SENT, "p1")


async def test_what_never_works_is_given_up(street: Street) -> None:
    street.village.broken["post"] = [UnreadablePayload("No.") for _ in range(20)]
    state = (await street.publish()).state
    tries = 1
    while state != FAILED:
        street.later()
        outcome = await street.one.publish_next()
        assert outcome is not None
        state, tries = outcome.state, tries + 1
    assert tries == 12
    assert await street.one.publish_next() is None
