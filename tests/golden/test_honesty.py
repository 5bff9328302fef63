"""What a digest must not say: arrows that only time or a new source has drawn, ids in the place of names."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from bot.digest.compute import change, compute
from bot.digest.model import Change, Digest
from bot.digest.spoken import speak
from bot.spaces.catalogue import METRICS
from bot.spaces.community import Community
from bot.spaces.questions import Question, follow
from bot.spaces.values import count, share
from bot.spaces.window import Period, last_closed
from connectors.records import Channel, Message, Page
from storage import ingest
from storage.database import Database
from tests.golden.community import AS_OF, MADRID, Golden


@pytest.mark.parametrize(
    ("still_open", "wanted"),
    [(0, Change.DOWN), (12, Change.DOWN), (40, Change.STEADY), (69, Change.STEADY)],
)
def test_a_share_that_may_still_rise_has_not_fallen(still_open: int, wanted: Change) -> None:
    now = share(30, 100, "", open=still_open)
    assert change(METRICS["answered_questions"], now, share(80, 100, "", open=0)) is wanted


@pytest.mark.parametrize(("still_open", "wanted"), [(0, Change.UP), (5, Change.UP), (25, Change.STEADY)])
def test_questions_that_may_yet_be_answered_are_no_rise(still_open: int, wanted: Change) -> None:
    assert change(METRICS["unanswered_questions"], count(30, open=still_open), count(5, open=0)) is wanted


def test_a_figure_made_of_assumptions_bears_no_arrow() -> None:
    now = replace(count(90, low=10.0, high=200.0), denominator=180)
    assert change(METRICS["case_deflection"], now, replace(now, number=9.0, denominator=18)) is Change.STEADY


def _digest(database: Database) -> Digest:
    with database.read() as session:
        community = Community(session, AS_OF.astimezone(UTC))
        return compute(community, last_closed(Period.WEEKLY, AS_OF, MADRID), name="Golden")


def _tell(database: Database, source: str, messages: list[Message]) -> None:
    with database.write() as session:
        number = ingest.source_id(session, source, "discord")
        page = Page("more", None, AS_OF.astimezone(UTC), channels=[Channel("c", "c")], messages=messages)
        ingest.save(session, number, page)
        session.execute(text("UPDATE members SET standing = 'member' WHERE standing IS NULL"))
        session.execute(text("UPDATE channels SET counted = true WHERE counted IS NULL OR external_id = 'c'"))


def test_a_source_that_begins_between_takes_the_arrows_away_and_says_so(database: Database) -> None:
    Golden(database).tell()
    whole = _digest(database)
    assert any(reading.change is Change.UP for area in whole.areas for reading in area.readings)
    assert not any("before" in warning for warning in speak(whole, "en").warnings)

    began = datetime(2026, 3, 18, 9, tzinfo=MADRID)
    _tell(
        database, "chat", [Message(f"n{n}", "c", "77", began + timedelta(days=n), "hello") for n in range(12)]
    )
    mixed = _digest(database)
    assert {reading.change for area in mixed.areas for reading in area.readings} == {Change.UNKNOWN}
    (warning,) = (said for said in speak(mixed, "en").warnings if "before" in said)
    assert warning.startswith("chat: no data before 18 March 2026")


def test_where_history_begins_nobody_is_called_new_or_lost(database: Database) -> None:
    _tell(database, "chat", [Message("n", "c", "77", datetime(2026, 3, 25, tzinfo=MADRID), "hello")])
    values = {
        reading.metric.name: reading.value for area in _digest(database).areas for reading in area.readings
    }
    for name in (
        "new_contributors",
        "returning_members",
        "reactivated_members",
        "lost_members",
        "learner_to_mentor",
    ):
        assert (values[name].number, values[name].reason) == (None, "the history is too short"), name
    assert values["active_members"].number == 1


def test_thanks_name_a_person_rather_than_an_id(database: Database) -> None:
    golden = Golden(database)
    golden.tell()
    # On another platform a message mentioned ann by a bare number, which comes first in the alphabet.
    _tell(database, "chat", [Message("n", "c", "77", datetime(2025, 11, 3, tzinfo=MADRID), "hello")])
    with database.write() as session:
        session.execute(
            text(f"UPDATE members SET person = '{golden.numbers['team']}:ann' WHERE external_id = '77'")
        )
    assert [thanks.name for thanks in _digest(database).thanks] == ["Ann", "Ben", "Dan", "Kim", "Cat"]


def test_who_speaks_after_the_asker_is_done_is_not_credited() -> None:
    asked = datetime(2026, 3, 23, 9, tzinfo=MADRID)
    question = Question(1, "q", "1:ben", "member", asked)
    follow(question, asked + timedelta(hours=1), "asker", "resolved", accepted=False)
    follow(question, asked + timedelta(hours=2), "staff", None, accepted=False)
    assert (question.resolved, question.resolver_standing) == (True, None)
    # An answer that the platform marks beats what was tried before.
    follow(question, asked + timedelta(hours=3), "member", "support_answer", accepted=True)
    assert (question.resolved_at, question.resolver_standing) == (asked + timedelta(hours=3), "member")


def test_what_comes_after_the_moment_of_asking_is_not_known_yet(database: Database) -> None:
    golden = Golden(database)
    golden.tell()
    late = Message("late", "general", "gus", datetime(2026, 3, 29, 18, tzinfo=MADRID), "back again")
    with database.write() as session:
        ingest.save(
            session, golden.numbers["team"], Page("late", None, AS_OF.astimezone(UTC), messages=[late])
        )
    window = last_closed(Period.WEEKLY, AS_OF, MADRID)
    for hour, lost in ((12, 1), (20, 0)):
        with database.read() as session:
            community = Community(session, datetime(2026, 3, 29, hour, tzinfo=MADRID).astimezone(UTC))
            assert METRICS["lost_members"].value(community, window).number == lost


def test_what_a_bot_of_theirs_said_is_not_a_members_beginning(database: Database) -> None:
    golden = Golden(database)
    golden.tell()
    with database.write() as session:
        # The herald, a bot, spoke in November; ivy herself began in December and stayed.
        session.execute(
            text(f"UPDATE members SET person = '{golden.numbers['team']}:ivy' WHERE external_id = 'herald'")
        )
    values = {
        reading.metric.name: reading.value for area in _digest(database).areas for reading in area.readings
    }
    assert (values["retention_30"].numerator, values["retention_30"].denominator) == (1, 2)
