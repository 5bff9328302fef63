"""A content-light source: texts go, everything that was made of them stays and is computed as before."""

from datetime import UTC, datetime, timedelta

from bot.tagger import drain
from connectors.records import Deletion, Member, Message, Page
from storage import ingest, queue
from storage.database import Database
from storage.retention import forget_texts
from storage.tables import Message as Stored
from storage.tables import Setting, Tag

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
PEOPLE = [Member("u1", "ana"), Member("u2", "bob")]
TALK = [
    Message("m1", "c", "u1", START, "How do I reset my password?"),
    Message("m2", "c", "u2", START + timedelta(minutes=1), "You can click on Settings, then on Reset."),
    Message("m3", "c", "u1", START + timedelta(minutes=2), "Thanks, that worked!"),
]


def save(database: Database, *messages: Message, minute: int = 0, gone: tuple[str, ...] = ()) -> int:
    seen = START + timedelta(days=1, minutes=minute)
    deletions = [Deletion(id_, seen) for id_ in gone]
    with database.write() as session:
        source = ingest.source_id(session, "team", "slack")
        ingest.save(session, source, Page("s", None, seen, PEOPLE, messages=messages, deletions=deletions))
    return source


def forget(database: Database, source: int, older_than: datetime | None = None) -> int:
    with database.write() as session:
        return forget_texts(session, source, older_than)


def texts(database: Database) -> dict[str, str]:
    with database.read() as session:
        return {row.external_id: row.text for row in session.query(Stored)}


def derived(database: Database) -> tuple[dict[str, str | None], set[tuple[str, str, str]]]:
    with database.read() as session:
        places = {row.external_id: row.conversation_id for row in session.query(Stored)}
        return places, {(tag.external_id, tag.label, tag.decided_by) for tag in session.query(Tag)}


def test_texts_go_and_what_was_made_of_them_stays(database: Database) -> None:
    source = save(database, *TALK)
    assert forget(database, source) == 0, "nothing is forgotten before it is tagged"
    drain(database)
    before = derived(database)
    assert {("m1", "question", "rules"), ("m2", "support_answer", "rules")} <= before[1]
    assert forget(database, source, START + timedelta(minutes=2)) == 2
    assert texts(database) == {"m1": "", "m2": "", "m3": "Thanks, that worked!"}
    assert forget(database, source) == 1
    assert forget(database, source) == 0
    assert set(texts(database).values()) == {""}
    with database.write() as session:
        session.merge(Setting(key="tagged_by", value="other rules"))
    assert drain(database) == 3, "all were looked at again"
    assert derived(database) == before


def test_a_duplicate_brings_nothing_back(database: Database) -> None:
    source = save(database, *TALK)
    drain(database)
    before = derived(database)
    forget(database, source)
    save(database, *TALK)
    save(database, *TALK, minute=5)
    with database.read() as session:
        assert queue.waiting(session) == 0, "a text that stays away is no reason to tag again"
    save(database, *(message._replace(reactions={"eyes": 2}) for message in TALK), minute=6)
    assert set(texts(database).values()) == {""}
    assert drain(database) == 3
    assert derived(database) == before
    with database.read() as session:
        assert {row.reaction_count for row in session.query(Stored)} == {2}


def test_an_edit_is_tagged_and_forgotten_again(database: Database) -> None:
    source = save(database, *TALK)
    drain(database)
    forget(database, source)
    save(database, TALK[0]._replace(text="This is broken, it crashes with an error.", revision=7), minute=5)
    assert texts(database)["m1"].startswith("This is broken")
    drain(database)
    labels = {label for id_, label, _ in derived(database)[1] if id_ == "m1"}
    assert "question" not in labels
    assert labels
    assert forget(database, source) == 1
    save(database, TALK[0], minute=9)
    assert set(texts(database).values()) == {""}
    drain(database)
    assert {label for id_, label, _ in derived(database)[1] if id_ == "m1"} == labels


def test_a_forgotten_message_goes_and_comes_back(database: Database) -> None:
    source = save(database, *TALK)
    drain(database)
    before = derived(database)
    forget(database, source)
    save(database, minute=3, gone=("m1",))
    drain(database)
    assert not [tag for tag in derived(database)[1] if tag[0] == "m1"]
    save(database, TALK[0], minute=9)
    drain(database)
    assert [tag for tag in derived(database)[1] if tag[0] == "m1"] == [
        tag for tag in before[1] if tag[0] == "m1"
    ]
    assert forget(database, source) == 1, "it came back with its text, to be tagged"


def test_a_solution_marked_later_counts(database: Database) -> None:
    opener = Message("t1", "c", "u1", START, "How do I reset my password?", "t", opens_thread=True)
    reply = Message("t2", "c", "u2", START + timedelta(minutes=1), "hm", "t")
    source = save(database, opener, reply)
    drain(database)
    forget(database, source)
    save(database, reply._replace(is_solution=True), minute=2)
    drain(database)
    assert ("t2", "support_answer", "platform") in derived(database)[1]
    save(database, reply, minute=3)
    drain(database)
    assert ("t2", "support_answer", "platform") not in derived(database)[1]
    assert ("t1", "question", "rules") in derived(database)[1]


def test_other_sources_keep_theirs(database: Database) -> None:
    source = save(database, *TALK)
    drain(database)
    assert forget(database, source + 1) == 0
    assert "" not in texts(database).values()
