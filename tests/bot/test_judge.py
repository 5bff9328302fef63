"""The outside judge: what it is told and what never, and what its answers are worth."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.app import digest_of
from bot.classifiers import MODEL, UNSURE, Subject, Verdict
from bot.digest.friendly import befriend
from bot.digest.render import json as as_json
from bot.digest.render import markdown
from bot.judge.rounds import Round, ask_round
from bot.judge.settings import Judge
from bot.live.writer import Writer
from bot.settings import Config, Source
from bot.spaces.community import Community
from bot.spaces.window import Period, last_closed
from bot.tagger import drain
from connectors.records import Channel, Deletion, Member, Message, Page
from storage import decisions, ingest, population, retention
from storage.database import Database
from storage.tables import Tag
from tests.fakes.openai import FakeOpenAI, completion

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


class Doubting:
    """A classifier that doubts whatever ends with a question mark, and is sure of thanks."""

    fingerprint = "doubting 1"

    def classify(self, subjects: Sequence[Subject]) -> list[list[Verdict]]:
        return [
            [Verdict("question", UNSURE, "It may ask.", 0.5), Verdict("bug_report", UNSURE, "It may tell.", 0.4)]
            if subject.text.endswith("?") else [Verdict("resolved", MODEL, "Thanks.", 0.9)]
            for subject in subjects
        ]  # fmt: skip


def config(url: str, *, model: str = "small", per_day: int = 100, **team: Any) -> Config:
    return Config(
        sources={"team": Source(connector="slack", **team)},
        judge=Judge(url=url, model=model, per_day=per_day),
    )


def say(database: Database, *messages: Message, source: str = "team", **more: Any) -> int:
    page = Page("s", None, NOW, messages=messages, **more)
    with database.write() as session:
        number = ingest.source_id(session, source, "slack")
        ingest.save(session, number, page)
    return number


def asks(id_: str, text: str = "", channel: str = "help", author: str = "u1", **more: Any) -> Message:
    minutes = int("".join(filter(str.isdigit, id_)) or 0)
    return Message(
        id_,
        channel,
        author,
        NOW - timedelta(hours=9) + timedelta(minutes=60 * minutes),
        text or f"{id_}?",
        **more,
    )


def settle(database: Database, settings: Config, *, judged: bool = True, classifier: Any = None) -> None:
    with database.write() as session:
        population.settle(session, settings.policy())
    drain(database, classifier=classifier or Doubting(), judged=judged)


def given(database: Database) -> dict[tuple[str, str], str]:
    """(message, label) -> who decided, with "not " before it where the verdict is no."""
    with database.read() as session:
        return {
            (tag.external_id, tag.label): tag.decided_by
            if tag.verdict or tag.decided_by == UNSURE
            else f"not {tag.decided_by}"
            for tag in session.scalars(select(Tag))
        }


async def go(database: Database, settings: Config, key: str | None = None) -> Round:
    """A round, and what follows from it."""
    async with Writer(database) as writer:
        done = await ask_round(database, writer, settings, key)
    settle(database, settings)
    return done


# --- what its answers are worth -------------------------------------------------------------------------------------


async def test_yes_counts_no_goes_and_whatever_it_cannot_tell_stays_unsure(database: Database) -> None:
    says: dict[str, dict[str, bool | None]] = {
        "a1?": {"question": True, "bug_report": False},
        "a2?": {"question": None, "bug_report": None},
    }
    async with FakeOpenAI(lambda label, text: says[text][label]) as fake:
        settings = config(fake.url)
        say(database, asks("a1"), asks("a2"))
        settle(database, settings)
        assert set(given(database).values()) == {UNSURE}
        done = await go(database, settings)
        assert (done.asked, done.decided, done.trouble) == (2, 2, "")
        assert given(database) == {
            ("a1", "question"): "judge",
            ("a2", "question"): UNSURE,
            ("a2", "bug_report"): UNSURE,
        }
        assert (await go(database, settings)).asked == 0, "nothing is asked twice"
        assert len(fake.asked) == 2


async def test_it_says_why(database: Database) -> None:
    async with FakeOpenAI() as fake:
        say(database, asks("a1"))
        settle(database, config(fake.url))
        await go(database, config(fake.url))
    with database.read() as session:
        tag = session.get(Tag, (1, "a1", "question"))
        assert tag is not None
        assert (tag.verdict, tag.why, tag.probability) == (True, "An outside judge (small) says so.", 0.5)


async def test_once_edited_a_message_is_another(database: Database) -> None:
    async with FakeOpenAI() as fake:
        settings = config(fake.url)
        say(database, asks("a1"))
        settle(database, settings)
        await go(database, settings)
        say(database, asks("a1", "a1, and again?", revision=5))
        settle(database, settings)
        assert given(database)["a1", "question"] == UNSURE
        fake.decide = lambda label, _text: label == "bug_report"
        await go(database, settings)
    assert given(database) == {("a1", "bug_report"): "judge"}


async def test_a_moderator_stands_above_it(database: Database) -> None:
    async with FakeOpenAI() as fake:
        settings = config(fake.url)
        source = say(database, asks("a1"), asks("a2"))
        settle(database, settings)
        with database.write() as session:
            decisions.decide(session, source, ["a1"], "question", False, "ann", "command")
        await go(database, settings)
        asked = {
            line["text"]: set(told["labels"])
            for told in fake.asked
            for line in told["conversation"]
            if line.get("decide")
        }
        assert asked == {"a1?": {"bug_report"}, "a2?": {"question", "bug_report"}}
        with database.write() as session:
            decisions.decide(session, source, ["a2"], "question", False, "ann", "command")
        settle(database, settings)
        assert given(database)["a1", "question"] == given(database)["a2", "question"] == "not moderator"
        with database.write() as session:
            decisions.undo(session, "ann")
        settle(database, settings)
    assert given(database)["a2", "question"] == "judge", "what it said is still known"


async def test_what_it_said_outlasts_other_rules_and_ends_with_the_setting(database: Database) -> None:
    class Newer(Doubting):
        fingerprint = "doubting 2"

    async with FakeOpenAI() as fake:
        settings = config(fake.url)
        say(database, asks("a1"))
        settle(database, settings)
        await go(database, settings)
        settle(database, settings, classifier=Newer())
        assert given(database)["a1", "question"] == "judge"
        settle(database, settings, judged=False)
        assert given(database)["a1", "question"] == UNSURE
        settle(database, settings)
        assert given(database)["a1", "question"] == "judge"
        assert len(fake.asked) == 1


@pytest.mark.parametrize(
    "content",
    [
        "I think it is a question.", "", None, 7, "{", "[true]", '{"question": tru', "{}", '{"success": true}',
        '{"question": "yes", "bug_report": 1}', '{"question": {"question": true}}',
    ],
)  # fmt: skip
async def test_what_is_no_answer_decides_nothing(sqlite: Database, content: Any) -> None:
    async with FakeOpenAI() as fake:
        settings = config(fake.url)
        say(sqlite, asks("a1"), asks("a2"))
        settle(sqlite, settings)
        fake.faults.append(lambda: completion(content))
        done = await go(sqlite, settings)
    assert (done.asked, done.trouble) == (2, "")
    assert {key: by for key, by in given(sqlite).items() if key[0] == "a2"} == {
        ("a2", "question"): UNSURE, ("a2", "bug_report"): UNSURE,
    }  # fmt: skip
    assert given(sqlite)["a1", "question"] == "judge", "the others are asked all the same"


async def test_one_that_thinks_aloud_is_understood(sqlite: Database) -> None:
    thinking = '<think>Perhaps {"question": false}, {or} not? {"a": [1]}</think>\n{"question": true, "bug_report": false} {'
    async with FakeOpenAI() as fake:
        settings = config(fake.url)
        say(sqlite, asks("a1"))
        settle(sqlite, settings)
        fake.faults.append(lambda: completion(thinking))
        await go(sqlite, settings)
    assert given(sqlite) == {("a1", "question"): "judge"}


async def test_it_can_say_nothing_that_was_not_asked(sqlite: Database) -> None:
    async with FakeOpenAI() as fake:
        settings = config(fake.url)
        say(sqlite, asks("a1"))
        settle(sqlite, settings)
        fake.faults.append(lambda: completion('{"question": true, "advocacy": true, "resolved": true}'))
        await go(sqlite, settings)
    assert given(sqlite) == {("a1", "question"): "judge", ("a1", "bug_report"): UNSURE}


async def test_the_digest_for_staff_says_how_much_it_decided(sqlite: Database) -> None:
    async with FakeOpenAI(lambda label, text: None if text == "a3?" else label == "question") as fake:
        settings = config(fake.url)
        say(sqlite, asks("a1"), asks("a2"), asks("a3"), channels=[Channel("help", "help")])
        settle(sqlite, settings)
        await go(sqlite, settings)
    with sqlite.read() as session:
        window = last_closed(Period.DAILY, NOW + timedelta(days=1), settings.community.zone)
        digest = digest_of(Community(session, NOW + timedelta(days=1)), settings, window)
    assert (digest.judged, digest.unsure) == (2, 1)
    assert (
        "Of 2 messages an outside judge said what they are: spaces review shows some to check."
        in markdown.render(digest, "en")
    )
    assert "De 2 mensajes dijo un juez externo qué son" in markdown.render(digest, "es")
    assert json.loads(as_json.render(digest, "en"))["judged"] == 2
    assert "judge" not in markdown.render(befriend(digest), "en")


# --- what it is told ------------------------------------------------------------------------------------------------


async def test_it_is_told_words_of_the_conversation_and_nobodys_name(database: Database) -> None:
    people = [
        Member("u1", "secretname", "Secret Name", email="secret@acme.example"),
        Member("u2", "othername"),
    ]
    async with FakeOpenAI() as fake:
        settings = config(fake.url)
        talk = [
            asks("t0", "It says 500.", thread_id="t0", opens_thread=True),
            *(asks(f"t{n}", f"line {n}.", author="u2", thread_id="t0") for n in range(1, 8)),
            asks("t8", "Still the same?" + "x" * 9_000 + "?", thread_id="t0"),
        ]
        say(database, *talk, members=people)
        settle(database, settings)
        await go(database, settings)
    (told,) = fake.asked
    texts = [(line["by"], line["text"][:15], line.get("decide", False)) for line in told["conversation"]]
    assert texts == [
        ("A", "It says 500.", False), *(("B", f"line {n}.", False) for n in range(4, 8)), ("A", "Still the same?", True),
    ]  # fmt: skip
    assert set(told) == {"labels", "conversation"}
    assert "asks" in told["labels"]["question"].lower() or "question" in told["labels"]["question"].lower()
    assert max(len(line["text"]) for line in told["conversation"]) == 4_000
    for secret in (
        "secretname",
        "Secret Name",
        "secret@acme.example",
        "othername",
        "u1",
        "u2",
        "help",
        "team",
    ):
        assert secret not in json.dumps(told["conversation"])
        assert f'"{secret}"' not in fake.raw[0]


async def test_what_is_not_public_never_leaves(database: Database) -> None:
    channels = [
        Channel("help", "help"), Channel("board", "board", is_private=True), Channel("named", "named", is_private=True),
        Channel("inside", "inside", parent_id="named"), Channel("staff", "staff"), Channel("off", "off"),
        Channel("nook", "nook", parent_id="inside"),
    ]  # fmt: skip
    hidden = [
        asks(f"h{n}", f"hidden {channel}?", channel)
        for n, channel in enumerate(["board", "named", "inside", "staff", "off", "nook"])
    ]
    async with FakeOpenAI() as fake:
        settings = config(fake.url, include=("named",), internal=("staff",), exclude=("off",))
        settings = settings.model_copy(
            update={"sources": settings.sources | {"light": Source(connector="slack", keep_text_days=30)}}
        )
        say(database, asks("a1"), asks("gone", "hidden, deleted?"), *hidden, channels=channels)
        say(database, asks("b1", "hidden, light?"), source="light", channels=channels)
        say(
            database,
            asks("c1", "hidden, of a source that is not configured?"),
            source="old",
            channels=channels,
        )
        settle(database, settings)
        say(database, deletions=[Deletion("gone", NOW)])
        # Answered in a private thread of a public conversation: neither is what stands around told.
        say(database, asks("a2", "hidden, around?", "named", reply_to="a1"))
        settle(database, settings)
        assert len([1 for _, label in given(database) if label == "question"]) >= 7
        done = await go(database, settings)
    assert [line["text"] for told in fake.asked for line in told["conversation"]] == ["a1?"]
    assert "hidden" not in "".join(fake.raw)
    assert done.asked == 1


async def test_what_was_forgotten_is_not_asked(sqlite: Database) -> None:
    async with FakeOpenAI() as fake:
        settings = config(fake.url)
        source = say(sqlite, asks("a1"))
        settle(sqlite, settings)
        with sqlite.write() as session:
            retention.forget_texts(session, source, None)
        assert (await go(sqlite, settings)).asked == 0
        assert fake.raw == []
