"""What is said is written down first, is one process's to send at a time, and is said once for its purpose."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.records import Post
from storage import ingest, posts
from storage.database import Database

MINUTE = timedelta(minutes=1)
WEEKLY = Post("", "Week 12", "All *well*.", {"blocks": [{"type": "divider"}]}, b"\x89PNG\x00", "A chart")


@pytest.fixture
def source(database: Database) -> int:
    with database.write() as session:
        return ingest.source_id(session, "team", "slack")


def intend(database: Database, source: int, purpose: str = "weekly 12", place: str = "C1") -> bool:
    with database.write() as session:
        return posts.intend(session, source, place, purpose, WEEKLY)


def claim(database: Database, source: int, owner: str, length: timedelta = MINUTE) -> posts.Claim | None:
    with database.write() as session:
        return posts.claim(session, source, owner, length)


def settle(database: Database, source: int, owner: str, claimed: posts.Claim, state: str) -> bool:
    with database.write() as session:
        return posts.settle(session, source, owner, claimed, state, external_id="17.1")


def test_a_purpose_is_intended_once_in_a_place(database: Database, source: int) -> None:
    assert intend(database, source)
    assert not intend(database, source)
    assert intend(database, source, "weekly 13")
    assert intend(database, source, place="C2")


def test_a_post_comes_back_as_it_was_written_down(database: Database, source: int) -> None:
    intend(database, source)
    claimed = claim(database, source, "one")
    assert claimed is not None
    assert claimed.post == WEEKLY._replace(key=claimed.post.key)
    assert claimed.post.key.isalnum()
    assert len(claimed.post.key) <= 25
    assert (claimed.place, claimed.purpose, claimed.tries) == ("C1", "weekly 12", 1)


def test_a_claimed_post_is_nobody_elses_until_the_claim_ends(database: Database, source: int) -> None:
    intend(database, source)
    first = claim(database, source, "one", -MINUTE)
    assert first is not None
    second = claim(database, source, "two")
    assert second is not None
    assert (second.tries, second.post.key) == (2, first.post.key)
    assert claim(database, source, "one") is None
    assert not settle(database, source, "one", first, posts.FAILED), "it is no longer ours"
    assert settle(database, source, "two", second, posts.SENT)
    with database.read() as session:
        found = posts.find(session, source, "C1", "weekly 12")
        assert found is not None
        assert (found.state, found.external_id, found.picture) == (posts.SENT, "17.1", None)


@pytest.mark.parametrize("state", [posts.SENT, posts.FAILED])
def test_what_is_over_is_never_sent_again(database: Database, source: int, state: str) -> None:
    intend(database, source)
    claimed = claim(database, source, "one")
    assert claimed is not None
    assert settle(database, source, "one", claimed, state)
    assert claim(database, source, "one") is None
    assert not intend(database, source)


def test_what_is_unknown_waits_for_its_time(database: Database, source: int) -> None:
    intend(database, source)
    claimed = claim(database, source, "one")
    assert claimed is not None
    for retry_at, free in ((datetime.now(UTC) + MINUTE, False), (datetime.now(UTC) - MINUTE, True)):
        with database.write() as session:
            posts.settle(session, source, "one", claimed, posts.UNKNOWN, why="It broke.", retry_at=retry_at)
        assert (claim(database, source, "one") is not None) is free


def test_the_oldest_goes_first(database: Database, source: int) -> None:
    for purpose in ("b", "a", "c"):
        intend(database, source, purpose)
    claims = [claim(database, source, "one") for _ in range(4)]
    assert [each.purpose if each else None for each in claims] == ["b", "a", "c", None]
