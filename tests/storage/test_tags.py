from datetime import UTC, datetime

from bot.tagger import drain
from connectors.records import Member, Message, Page
from storage import ingest, queue, tags
from storage.database import Database

SEEN = datetime(2026, 6, 1, tzinfo=UTC)


def ask(database: Database) -> int:
    messages = [
        Message("1", "c", "u1", datetime(2026, 3, 2, 9, 0, tzinfo=UTC), "how do I export?"),
        Message("2", "c", "u2", datetime(2026, 3, 2, 9, 1, tzinfo=UTC), "you can do it in the settings"),
    ]
    with database.write() as session:
        source = ingest.source_id(session, "team", "slack")
        ingest.save(
            session,
            source,
            Page("s", None, SEEN, [Member("u1", "ana"), Member("u2", "bob")], messages=messages),
        )
    drain(database)
    return source


def verdicts(database: Database, source: int, id_: str) -> dict[str, tuple[bool, str]]:
    with database.read() as session:
        return {tag.label: (tag.verdict, tag.decided_by) for tag in tags.of_message(session, source, id_)}


def test_a_moderator_beats_the_machine_for_ever(database: Database) -> None:
    source = ask(database)
    assert verdicts(database, source, "1") == {"question": (True, "rules")}
    with database.write() as session:
        assert tags.decide(session, source, "1", "question", verdict=False, decider="mo", why="small talk")
        assert tags.decide(session, source, "1", "event", verdict=True, decider="mo")
    for _ in range(2):
        assert verdicts(database, source, "1") == {
            "question": (False, "moderator"),
            "event": (True, "moderator"),
        }
        drain(database)
        with database.write() as session:
            queue.queue_all(session)
    with database.read() as session:
        found = {tag.label: tag for tag in tags.of_message(session, source, "1")}
        assert (found["question"].decider, found["question"].why) == ("mo", "small talk")


def test_the_answers_follow_a_moderators_question(database: Database) -> None:
    source = ask(database)
    assert verdicts(database, source, "2") == {"support_answer": (True, "rules")}
    with database.write() as session:
        tags.decide(session, source, "1", "question", verdict=False, decider="mo")
    drain(database)
    assert verdicts(database, source, "2") == {}
    with database.write() as session:
        assert tags.undo(session, source, "1", "question")
    drain(database)
    assert verdicts(database, source, "1") == {"question": (True, "rules")}
    assert verdicts(database, source, "2") == {"support_answer": (True, "rules")}


def test_a_verdict_can_be_changed_and_only_a_moderators_undone(database: Database) -> None:
    source = ask(database)
    with database.write() as session:
        assert not tags.undo(session, source, "1", "question")
        assert not tags.undo(session, source, "1", "event")
        assert tags.decide(session, source, "1", "event", verdict=True, decider="mo")
        assert tags.decide(session, source, "1", "event", verdict=False, decider="jo")
    assert verdicts(database, source, "1") == {"question": (True, "rules"), "event": (False, "moderator")}


def test_there_is_no_verdict_on_what_is_not_there(database: Database) -> None:
    source = ask(database)
    with database.write() as session:
        assert not tags.decide(session, source, "404", "question", verdict=True, decider="mo")
    assert verdicts(database, source, "404") == {}


def test_replacing_writes_only_what_changes(database: Database) -> None:
    source = ask(database)
    with database.write() as session:
        tags.decide(session, source, "1", "thanks", verdict=False, decider="mo")
        new = [
            tags.MachineTag("1", "question", "rules", "Another reason."),
            tags.MachineTag("1", "thanks", "rules", "Says thanks."),
        ]
        assert tags.replace(session, source, ["1", "2"], new) == 2  # one rewritten, one deleted
        assert tags.replace(session, source, ["1", "2"], new) == 0
    assert verdicts(database, source, "1") == {"question": (True, "rules"), "thanks": (False, "moderator")}
    assert verdicts(database, source, "2") == {}


def test_many_messages_at_once(database: Database) -> None:
    """More than any limit of parameters in a statement."""
    source = ask(database)
    new = [tags.MachineTag(str(n), "event", "rules", "Said so.") for n in range(70_000)]
    with database.write() as session:
        assert tags.replace(session, source, [tag.external_id for tag in new], new) == 70_001 + 1
