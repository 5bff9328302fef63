"""What people decide about messages: what stands, whoever takes back what, and whatever comes in meanwhile."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from bot.tagger import drain
from connectors.records import Deletion, Member, Message, Page
from storage import decisions, ingest, queue, tags
from storage.database import Database
from storage.tables import Tag, TagChange
from tests.conftest import wipe

SEEN = datetime(2026, 6, 1, tzinfo=UTC)
ASKED = Message("1", "c", "u1", datetime(2026, 3, 2, 9, 0, tzinfo=UTC), "how do I export?")
ANSWERED = Message("2", "c", "u2", datetime(2026, 3, 2, 9, 1, tzinfo=UTC), "you can do it in the settings")


def save(database: Database, *messages: Message, later: int = 0, deletions: tuple[Deletion, ...] = ()) -> int:
    with database.write() as session:
        source = ingest.source_id(session, "team", "slack")
        people = [Member("u1", "ana"), Member("u2", "bob")]
        page = Page("s", None, SEEN + timedelta(hours=later), people, messages=messages, deletions=deletions)
        ingest.save(session, source, page)
    drain(database)
    return source


def decide(
    database: Database,
    source: int,
    label: str,
    verdict: bool,
    who: str = "ann",
    via: str = "command",
    *ids: str,
) -> int:
    with database.write() as session:
        return len(decisions.decide(session, source, ids or ["1"], label, verdict, who, via))


def borne(database: Database, source: int, id_: str = "1") -> dict[str, tuple[bool, str]]:
    drain(database)
    with database.read() as session:
        return {tag.label: (tag.verdict, tag.decided_by) for tag in tags.of_message(session, source, id_)}


def undo(database: Database, who: str, number: int | None = None) -> list[bool | None]:
    with database.write() as session:
        return [row.after for row in decisions.undo(session, who, number)]


MACHINE = {"question": (True, "rules")}
PEOPLES = {"question": (False, "moderator"), "product_idea": (True, "moderator")}


def test_it_survives_whatever_comes_in(database: Database) -> None:
    source = save(database, ASKED, ANSWERED)
    assert borne(database, source) == MACHINE
    decide(database, source, "question", False)
    decide(database, source, "product_idea", True)
    assert borne(database, source) == PEOPLES
    save(database, ASKED, ANSWERED)  # imported again
    assert borne(database, source) == PEOPLES
    save(database, ASKED._replace(revision=7, text="how do I export my things?"), later=1)  # edited
    assert borne(database, source) == PEOPLES
    save(database, ASKED._replace(revision=8, text="never mind", reactions={"+1": 3}), later=2)
    assert borne(database, source) == PEOPLES
    with database.write() as session:  # the rules are others
        session.execute(update(Tag).where(Tag.decided_by == "rules").values(why="another reason"))
        queue.queue_all(session)
    assert borne(database, source) == PEOPLES
    save(database, deletions=(Deletion("1", SEEN + timedelta(hours=3)),), later=3)
    save(database, ASKED._replace(revision=9), later=4)  # gone, and back again
    assert borne(database, source) == PEOPLES
    with database.read() as session:
        assert [(row.label, row.before, row.after, row.decider, row.via) for row in decisions.history(session, source, "1")] == [
            ("question", None, False, "ann", "command"), ("product_idea", None, True, "ann", "command"),
        ]  # fmt: skip


def test_what_is_not_there_is_not_decided_about(database: Database) -> None:
    source = save(database, ASKED, deletions=(Deletion("9", SEEN),))
    save(database, ANSWERED, deletions=(Deletion("2", SEEN + timedelta(hours=1)),), later=1)
    assert decide(database, source, "event", True, "ann", "command", "2", "9", "77") == 0
    with database.read() as session:
        assert session.query(TagChange).count() == 0


def test_undoing_goes_back_to_what_was(database: Database) -> None:
    source = save(database, ASKED, ANSWERED)
    decide(database, source, "question", False)
    decide(database, source, "question", True)
    assert borne(database, source) == {"question": (True, "moderator")}
    assert undo(database, "ann") == [False]
    assert borne(database, source) == {"question": (False, "moderator")}
    assert undo(database, "ben") == []
    assert undo(database, "ann") == [None]
    assert borne(database, source) == MACHINE  # the machine decides again
    assert undo(database, "ann") == []


def test_what_was_decided_together_is_undone_together(database: Database) -> None:
    source = save(database, ASKED, ANSWERED)
    assert decide(database, source, "event", True, "ann", "command", "1", "2") == 2
    decide(database, source, "event", False, "ann", "command", "2")
    assert undo(database, "ann") == [True]
    assert undo(database, "ann") == [None, None]
    assert "event" not in {**borne(database, source), **borne(database, source, "2")}


def test_only_the_last_decision_on_a_message_is_undone_by_its_number(database: Database) -> None:
    source = save(database, ASKED, ANSWERED)
    decide(database, source, "event", True)
    decide(database, source, "event", False)
    with database.read() as session:
        first, second = (row.id for row in decisions.history(session, source, "1"))
    assert undo(database, "ann", first) == []
    assert undo(database, "ben", second) == []
    assert undo(database, "ann", 4711) == []
    assert undo(database, "ann", second) == [True]
    assert undo(database, "ann", second) == []
    assert undo(database, "ann", first) == [None]


def test_two_people_disagree_and_each_takes_back_only_their_own(database: Database) -> None:
    source = save(database, ASKED, ANSWERED)
    decide(database, source, "question", True, "ann")
    decide(database, source, "question", False, "ben")
    assert borne(database, source)["question"] == (False, "moderator")  # the later one
    assert undo(database, "ann") == [False]  # ben's stands
    assert borne(database, source)["question"] == (False, "moderator")
    assert undo(database, "ben") == [None]
    assert borne(database, source) == MACHINE
    with database.read() as session:
        assert [(row.decider, row.before, row.after, row.via) for row in decisions.history(session, source, "1")] == [
            ("ann", None, True, "command"), ("ben", True, False, "command"),
            ("ann", False, False, "undo"), ("ben", False, None, "undo"),
        ]  # fmt: skip


@pytest.mark.parametrize("first", ["ann", "ben"])
def test_a_reaction_taken_away_takes_back_what_it_said(database: Database, first: str) -> None:
    source = save(database, ASKED, ANSWERED)
    second = "ben" if first == "ann" else "ann"
    decide(database, source, "event", True, "ann", "emoji")
    assert decide(database, source, "event", True, "ann", "emoji") == 0  # told twice
    decide(database, source, "event", True, "ben", "emoji")
    for who, left in ((first, True), (second, None)):
        with database.write() as session:
            row = decisions.unreact(session, source, "1", "event", who)
            assert row is not None
            assert row.after is left
            assert decisions.unreact(session, source, "1", "event", who) is None
    assert borne(database, source) == MACHINE


def test_a_reaction_taken_away_leaves_what_was_said_otherwise(database: Database) -> None:
    source = save(database, ASKED, ANSWERED)
    decide(database, source, "event", True, "ann", "emoji")
    decide(database, source, "event", False, "ann", "menu")
    with database.write() as session:
        assert decisions.unreact(session, source, "1", "event", "ann") is not None
    assert borne(database, source)["event"] == (False, "moderator")
    assert undo(database, "ann") == [None]  # the reaction below it is gone already


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["ann", "ben", "cat"]), st.sampled_from(["yes", "no", "emoji", "undo", "unreact"])),
    min_size=1, max_size=14,
)  # fmt: skip


@given(ACTIONS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_stands_is_what_the_standing_decisions_say(
    sqlite: Database, actions: list[tuple[str, str]]
) -> None:
    wipe(sqlite)
    source = save(sqlite, ASKED)
    standing: list[tuple[str, str, bool]] = []  # of everybody, the oldest first
    for who, action in actions:
        own = [each for each in standing if each[0] == who]
        with sqlite.write() as session:
            if action == "undo":
                decisions.undo(session, who)
                taken = own[-1:]
            elif action == "unreact":
                decisions.unreact(session, source, "1", "event", who)
                taken = [each for each in own if each[1] == "emoji"][-1:]
            else:
                verdict = action != "no"
                decisions.decide(
                    session, source, ["1"], "event", verdict, who, "emoji" if action == "emoji" else "menu"
                )
                taken = []
                if not (action == "emoji" and own and own[-1][1:] == ("emoji", True)):
                    standing.append((who, action, verdict))
        for each in taken:
            del standing[len(standing) - 1 - standing[::-1].index(each)]
        with sqlite.read() as session:
            found = decisions.in_force(session, source, "1", "event")
        assert (found.verdict, found.decider) == (
            (standing[-1][2], standing[-1][0]) if standing else (None, None)
        )
