import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import tagger, walk
from bot.classifiers import rules
from connectors.records import Deletion, Member, Message, Page
from storage import ingest, queue, retention, tags
from storage.database import Database
from storage.tables import Message as Stored
from storage.tables import Setting, Tag

drain = partial(tagger.drain, classifier=rules.Rules())
"""By rules: what is tested is who is tagged when, not how well."""

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
SEEN = datetime(2026, 6, 1, tzinfo=UTC)
PEOPLE = [
    Member("u1", "ana", "Ana Ruiz"),
    Member("u2", "bob"),
    Member("u3", "cleo"),
    Member("u9", "robo", is_bot=True),
]


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def say(
    id_: str, author: str | None, minutes: float, text: str, channel: str = "c", **more: object
) -> Message:
    return Message(id_, channel, author, at(minutes), text, **more)  # type: ignore[arg-type]


def save(database: Database, *messages: Message, deletions: tuple[Deletion, ...] = ()) -> int:
    page = Page("s", None, SEEN, members=PEOPLE, messages=messages, deletions=deletions)
    with database.write() as session:
        source = ingest.source_id(session, "team", "slack")
        ingest.save(session, source, page)
    return source


def tagged(database: Database) -> dict[str, tuple[str | None, dict[str, str]]]:
    """Message -> its conversation, and its labels with who decided."""
    with database.read() as session:
        labels: dict[str, dict[str, str]] = {}
        for tag in session.query(Tag).order_by(Tag.label):
            said = tag.decided_by if tag.verdict else f"not, {tag.decided_by}"
            labels.setdefault(tag.external_id, {})[tag.label] = said
        return {
            row.external_id: (row.conversation_id, labels.pop(row.external_id, {}))
            for row in session.query(Stored)
            if row.created_at is not None or row.external_id in labels
        }


def labels(database: Database, id_: str) -> dict[str, str]:
    return tagged(database)[id_][1]


def conversations(database: Database) -> dict[str, str | None]:
    return {id_: conversation for id_, (conversation, _) in tagged(database).items()}


# --- any order of arrival gives the same tables -------------------------------------------------------------------

TEXTS = [
    "How do I install it?", "you can download it from the page", "thanks, that worked!", "bob: try the other one",
    "nice", "<@u1> same here", "hi all, does anybody know where the docs are?", "cleo, thank you", "me too",
]  # fmt: skip
ASKED = ["how do I install it?", "how do I export it?", "I install it"]
ANSWERED = ["the old one", "you can use this", "ok"]
CLOSED = ["solved, thanks", "so the old one"]
STEPS = [0, 1, 2, 20, 90, 60 * 13, 60 * 30]
EVENTS = tuple[Message | Deletion | tuple[str, str, bool], ...]


@st.composite
def histories(draw: st.DrawFn) -> EVENTS:
    """Everything that is ever said of a small chat: snapshots, deletions and moderators' verdicts."""
    events: list[Message | Deletion | tuple[str, str, bool]] = []
    minutes = 0.0
    count = draw(st.integers(2, 12))
    for n in range(count):
        minutes += draw(st.sampled_from(STEPS))
        id_ = f"m{draw(st.permutations('ab'))[0]}{n:02}"
        style = draw(st.sampled_from(["line"] * 6 + ["slack", "discord", "discord", "forum", "opener"]))
        earlier = [event.id for event in events if isinstance(event, Message) and event.revision == 0]
        channel = draw(st.sampled_from(["c", "c", "c", "d"]))
        author = draw(st.sampled_from(["u1", "u1", "u2", "u2", "u3", "u9", None]))
        text = draw(st.sampled_from(TEXTS))
        thread = reply = None
        opens = False
        if style == "slack" and earlier:
            thread = draw(st.sampled_from(earlier))
        elif style == "discord" and earlier:
            thread = channel = draw(st.sampled_from(earlier))
        elif style in ("forum", "opener"):
            thread, opens = "t", style == "opener"
        else:
            reply = draw(
                st.one_of(st.none(), st.none(), st.sampled_from([*earlier, "later", f"mb{n + 1:02}"]))
            )
        first = Message(id_, channel, author, at(minutes), text, thread, opens, reply)
        events.append(first)
        if draw(st.integers(0, 4)) == 0:
            changed = first._replace(
                revision=1, text=draw(st.sampled_from(TEXTS)), reactions=draw(st.sampled_from([{}, {"✅": 1}])),
                is_solution=draw(st.booleans()),
            )  # fmt: skip
            if thread is None and draw(st.booleans()):
                changed = changed._replace(thread_id=id_, opens_thread=True)
            events.append(changed)
        if draw(st.integers(0, 6)) == 0:
            events.append(Deletion(id_, SEEN))
        if draw(st.integers(0, 8)) == 0:
            events.append((id_, draw(st.sampled_from(["question", "thanks"])), draw(st.booleans())))
    return tuple(events)


@st.composite
def dialogs(draw: st.DrawFn) -> EVENTS:
    """One short conversation, in which every word changes what the others mean."""
    style = draw(st.sampled_from(["line", "thread", "channel"]))
    events: list[Message | Deletion | tuple[str, str, bool]] = []
    for n in range(draw(st.integers(2, 5))):
        author = "u1" if n == 0 else draw(st.sampled_from(["u1", "u2", "u2", "u9"]))
        texts = ASKED if n == 0 else CLOSED if author == "u1" else ANSWERED
        said = say(f"m{n}", author, n, draw(st.sampled_from(texts)))
        if style != "line" and n:
            said = said._replace(thread_id="m0", channel_id="m0" if style == "channel" else "c")
        events.append(said)
        if draw(st.integers(0, 3)) == 0:
            events.append(said._replace(revision=1, text=draw(st.sampled_from(texts))))
        if draw(st.integers(0, 5)) == 0:
            events.append(Deletion(said.id, SEEN))
        if n == 0 and draw(st.integers(0, 3)) == 0:
            events.append((said.id, "question", draw(st.booleans())))
    return tuple(events)


@dataclass
class Arrival:
    order: list[int]
    drains: list[bool]
    batch: int


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[EVENTS, Arrival]:
    events = draw(st.one_of(histories(), dialogs()))
    order = draw(st.permutations(range(len(events))))
    drains = draw(st.lists(st.booleans(), min_size=len(events), max_size=len(events)))
    return events, Arrival(order, drains, draw(st.sampled_from([1, 2, 3, 1000])))


def apply(database: Database, event: Message | Deletion | tuple[str, str, bool]) -> bool:
    if isinstance(event, Message):
        save(database, event)
    elif isinstance(event, Deletion):
        save(database, deletions=(event,))
    else:
        with database.write() as session:
            source = ingest.source_id(session, "team", "slack")
            return tags.decide(session, source, *event, decider="mo")
    return True


def check_any_order(fresh: Callable[[], Database], events: EVENTS, arrival: Arrival) -> None:
    database = fresh()
    late = []
    for n, drains in zip(arrival.order, arrival.drains, strict=True):
        if not apply(database, events[n]):
            late.append(events[n])  # a verdict on a message that is not there yet
        if drains:
            drain(database, batch=arrival.batch)
    for event in late:
        apply(database, event)
    drain(database, batch=arrival.batch)
    one_by_one = tagged(database)

    database = fresh()
    save(database, *(event for event in events if isinstance(event, Message)))
    save(database, deletions=tuple(event for event in events if isinstance(event, Deletion)))
    for event in events:
        if isinstance(event, tuple) and len(event) == 3:
            apply(database, event)
    drain(database)
    assert one_by_one == tagged(database)


EXAMPLES = int(os.environ.get("SPACES_TEST_EXAMPLES", "150"))
FIXTURES_ARE_EMPTIED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.mark.parametrize("lines", [3, 30])
def test_any_order_gives_the_same(sqlite: Database, lines: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "LINES", lines)

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=FIXTURES_ARE_EMPTIED)
    @given(arrivals())
    def check(drawn: tuple[EVENTS, Arrival]) -> None:
        check_any_order(lambda: emptied(sqlite), *drawn)

    check()


def test_any_order_gives_the_same_on_postgresql(postgres: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "LINES", 3)

    @settings(max_examples=max(EXAMPLES // 10, 15), deadline=None, suppress_health_check=FIXTURES_ARE_EMPTIED)
    @given(arrivals())
    def check(drawn: tuple[EVENTS, Arrival]) -> None:
        check_any_order(lambda: emptied(postgres), *drawn)

    check()


# --- the cases one by one -----------------------------------------------------------------------------------------


def test_a_thread_is_one_conversation_of_the_message_that_opens_it(database: Database) -> None:
    save(
        database,
        say("1", "u1", 0, "how do I export?", thread_id="1", opens_thread=True),
        say("2", "u2", 600, "you can do it in the settings", thread_id="1"),
        say("3", "u3", 601, "something else"),
    )
    drain(database)
    assert conversations(database) == {"1": "1", "2": "1", "3": "3"}
    assert labels(database, "2") == {"support_answer": "rules"}


def test_a_thread_in_a_channel_of_its_own_belongs_to_its_starter(database: Database) -> None:
    save(database, say("5", "u2", 20, "you can do it in the settings", channel="4", thread_id="4"))
    drain(database)
    assert conversations(database) == {"5": "thread:4"}
    save(database, say("4", "u1", 0, "how do I export?"), say("3", "u1", -1, "hello there"))
    drain(database)
    assert conversations(database) == {"3": "3", "4": "4", "5": "4"}
    assert labels(database, "5") == {"support_answer": "rules"}


def test_a_message_becomes_a_root_when_a_thread_starts_from_it(database: Database) -> None:
    save(
        database,
        say("1", "u1", 0, "how do I export?"),
        say("2", "u2", 1, "ana: in the menu"),
        say("3", "u3", 2, "ana: what do you export to?"),
    )
    drain(database)
    assert conversations(database) == {"1": "1", "2": "1", "3": "1"}
    save(database, say("4", "u3", 9, "why that?", channel="2", thread_id="2"))
    drain(database)
    assert conversations(database) == {"1": "1", "2": "2", "3": "1", "4": "2"}
    save(database, deletions=(Deletion("4", SEEN),))
    drain(database)
    assert conversations(database) == {"1": "1", "2": "1", "3": "1", "4": None}


def test_topics_and_posts_may_bear_the_same_numbers(database: Database) -> None:
    """Topic 7 of a forum is opened by post 20; post 7 has nothing to do with it."""
    save(
        database,
        say("7", "u1", 0, "how do I export?", thread_id="3", opens_thread=True),
        say("20", "u2", 1, "where is the menu?", thread_id="7", opens_thread=True),
        say("21", "u3", 2, "you can find it on the left", thread_id="7"),
    )
    drain(database)
    assert conversations(database) == {"7": "7", "20": "20", "21": "20"}


def test_a_late_message_moves_those_after_it(database: Database) -> None:
    save(database, say("2", "u2", 1, "you can do it in the settings"), say("3", "u1", 2, "bob: that worked"))
    drain(database)
    assert conversations(database) == {"2": "2", "3": "2"}
    assert labels(database, "2") == labels(database, "3") == {}
    save(database, say("1", "u1", 0, "how do I export?"))
    assert drain(database) == 1
    assert conversations(database) == {"1": "1", "2": "1", "3": "1"}
    assert labels(database, "2") == {"support_answer": "rules"}
    assert labels(database, "3") == {"resolved": "rules"}


def test_thanks_make_an_answer_of_what_stands_before_them(database: Database) -> None:
    save(database, say("1", "u1", 0, "how do I export?"), say("2", "u2", 1, "the old one"))
    drain(database)
    assert labels(database, "2") == {}
    save(database, say("3", "u1", 2, "thanks"))
    assert drain(database) == 1
    assert labels(database, "2") == {"support_answer": "rules"}
    save(database, deletions=(Deletion("3", SEEN),))
    drain(database)
    assert labels(database, "2") == {}


def test_a_reply_finds_its_target_at_any_distance_and_whenever_it_comes(database: Database) -> None:
    save(database, say("2", "u2", 9_000, "in the settings", reply_to="1"), say("3", "u1", 9_001, "bob: ok"))
    drain(database)
    assert conversations(database) == {"2": "2", "3": "2"}
    save(database, say("1", "u1", 0, "how do I export?"))
    drain(database)
    assert conversations(database) == {"1": "1", "2": "1", "3": "1"}


def test_the_first_message_of_a_thread_may_bear_a_later_time(database: Database) -> None:
    """Moved and merged topics do."""
    asked = say("2", "u1", 5, "export", thread_id="t", opens_thread=True)
    save(database, say("1", "u2", 0, "you can do it in the settings", thread_id="t"), asked)
    drain(database)
    assert labels(database, "1") == {}
    save(database, asked._replace(revision=1, text="how do I export?"))
    drain(database)
    assert labels(database, "1") == {"support_answer": "rules"}


def test_a_deleted_message_takes_no_part(database: Database) -> None:
    save(database, say("1", "u1", 0, "how do I export?"), say("2", "u2", 1, "you can do it in the settings"))
    drain(database)
    save(database, deletions=(Deletion("1", SEEN),))
    drain(database)
    assert tagged(database) == {"1": (None, {}), "2": ("2", {})}


def test_an_edit_of_the_question_tags_its_answers_again(database: Database) -> None:
    asked = say("1", "u1", 0, "how do I export?")
    save(database, asked, say("2", "u2", 1, "you can do it in the settings"))
    drain(database)
    assert "support_answer" in labels(database, "2")
    save(database, asked._replace(revision=1, text="I export"))
    assert drain(database) == 1
    assert labels(database, "2") == {}


def test_bots_bear_no_tags_and_nobody_goes_on_from_them(database: Database) -> None:
    save(
        database, say("1", "u9", 0, "How do I help you?"), say("2", "u2", 1, "you can do it in the settings")
    )
    drain(database)
    assert tagged(database) == {"1": ("1", {}), "2": ("2", {})}


def test_two_accounts_of_one_person_do_not_answer_each_other(database: Database) -> None:
    save(database, say("1", "u1", 0, "how do I export?"), say("2", "u2", 1, "you can do it in the settings"))
    drain(database)
    with database.write() as session:
        session.connection().exec_driver_sql("UPDATE members SET person = '1:u1' WHERE external_id = 'u2'")
        queue.queue_authors(session, 1, ["u1", "u2"])
    drain(database)
    assert labels(database, "2") == {}


def test_sources_are_apart(database: Database) -> None:
    save(database, say("1", "u1", 0, "how do I export?"))
    with database.write() as session:
        other = ingest.source_id(session, "forum", "discourse")
        ingest.save(
            session,
            other,
            Page("s", None, SEEN, messages=[say("2", "u2", 1, "you can do it in the settings")]),
        )
    assert drain(database) == 2
    assert tagged(database) == {"1": ("1", {"question": "rules"}), "2": ("2", {})}


class Changed(rules.Rules):
    """Rules of a next version."""

    @property
    def fingerprint(self) -> str:
        return "another"


def test_other_rules_tag_everything_again(database: Database) -> None:
    save(database, say("1", "u1", 0, "how do I export?"), say("2", "u2", 90, "ok"))
    assert drain(database) == 2
    assert drain(database) == 0
    assert drain(database, classifier=Changed()) == 2
    assert drain(database, classifier=Changed()) == 0
    with database.read() as session:
        assert session.get_one(Setting, "tagged_by").value == "another"


def test_what_does_not_change_is_not_written(database: Database) -> None:
    save(database, say("1", "u1", 0, "how do I export?"))
    drain(database)
    with database.read() as session:
        before = session.get_one(Tag, (1, "1", "question")).decided_at
    drain(database, classifier=Changed())
    with database.read() as session:
        assert session.get_one(Tag, (1, "1", "question")).decided_at == before


def test_a_drain_cut_short_goes_on_where_it_was(database: Database) -> None:
    save(database, *(say(f"{n:02}", f"u{n % 3 + 1}", n * 7, TEXTS[n % len(TEXTS)]) for n in range(40)))

    def cut(done: int, _total: int) -> None:
        if done >= 15:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drain(database, on_progress=cut, batch=5)
    told: list[tuple[int, int]] = []
    drain(database, on_progress=lambda done, total: told.append((done, total)), batch=5)
    in_pieces = tagged(database)
    assert told[-1] == (25, 25)
    drain(database, classifier=Changed())
    assert in_pieces == tagged(database)


def test_a_live_message_reads_no_history(sqlite: Database) -> None:
    chat = [say(f"{n:04}", f"u{n % 3 + 1}", n + n // 30 * 60, TEXTS[n % len(TEXTS)]) for n in range(3_000)]
    save(sqlite, *chat)
    drain(sqlite)
    save(sqlite, say("new", "u1", 3_000 + 100 * 60, "nice"))
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    with sqlite.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.set_progress_handler(count, 100)
    assert drain(sqlite) == 1
    driver.set_progress_handler(None, 0)
    assert 0 < steps < 300  # of a hundred virtual machine steps each; the whole channel would take thousands


def emptied(database: Database) -> Database:
    with database.write() as session:
        for table in ("tags", "messages", "members", "channels", "settings"):
            session.connection().exec_driver_sql(f"DELETE FROM {table}")
    return database


# --- the topic's own tags -----------------------------------------------------------------------------------------


def test_a_topics_own_tags_give_labels(database: Database) -> None:
    meant = {"Feature-Request": "product_idea", "faq": "question"}
    save(
        database,
        say("1", "u1", 0, "dark mode", thread_id="t", opens_thread=True, marks=("feature-request", "other")),
        say("2", "u2", 1, "you can do it in the settings", thread_id="t"),
    )
    drain(database, topic_tags=meant)
    assert labels(database, "1") == {"product_idea": "platform"}
    assert labels(database, "2") == {}
    save(
        database, say("1", "u1", 0, "dark mode", thread_id="t", opens_thread=True, marks=("faq",), revision=1)
    )
    drain(database, topic_tags=meant)
    assert labels(database, "1") == {"question": "platform"}
    assert labels(database, "2") == {"support_answer": "rules"}  # what follows from it follows


def test_another_meaning_of_topic_tags_tags_all_again(database: Database) -> None:
    save(database, say("1", "u1", 0, "dark mode", marks=("faq",)))
    assert drain(database) == 1
    assert drain(database) == drain(database, topic_tags={}) == 0
    assert drain(database, topic_tags={"faq": "event"}) == 1
    assert labels(database, "1") == {"event": "platform"}
    assert drain(database, topic_tags={"FAQ": "event"}) == 0
    assert drain(database, topic_tags={"faq": "thanks"}) == 1
    assert labels(database, "1") == {"thanks": "platform"}
    assert drain(database) == 1
    assert labels(database, "1") == {}


def test_a_person_beats_a_topics_tag_and_a_tag_beats_the_rules(database: Database) -> None:
    meant = {"faq": "question", "feature": "product_idea"}
    source = save(database, say("1", "u1", 0, "how do I export?", marks=("faq", "feature")))
    drain(database, topic_tags=meant)
    assert labels(database, "1") == {"product_idea": "platform", "question": "platform"}
    with database.write() as session:
        tags.decide(session, source, "1", "product_idea", verdict=False, decider="mo")
        queue.queue_all(session)
    drain(database, topic_tags=meant)
    assert labels(database, "1") == {"product_idea": "not, moderator", "question": "platform"}


def test_a_topics_tag_stays_when_the_words_are_forgotten(database: Database) -> None:
    save(database, say("1", "u1", 0, "how do I export?", marks=("feature",)))
    drain(database, topic_tags={"feature": "product_idea"})
    with database.write() as session:
        retention.forget_texts(session, 1, None)
        queue.queue_all(session)
    drain(database, topic_tags={"feature": "product_idea"})
    assert labels(database, "1") == {"product_idea": "platform", "question": "rules"}
    drain(database, topic_tags={"feature": "bug_report"})
    assert labels(database, "1") == {"bug_report": "platform", "question": "rules"}
