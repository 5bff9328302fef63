import gzip
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from bot.classifiers import cues
from bot.classifiers.conversations import LINES, REACH, Line, Speaker, calls, names, parent

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "labelled" / "irc_reply_links_dev.jsonl.gz"
MINUTE = 60_000_000


def line(
    id_: str, minutes: float, who: str | None, text: str, *, in_thread: bool = False, bot: bool = False
) -> Line:
    speaker = None if who is None else Speaker(who, names(who), bot)
    reading = cues.read(text)
    opens = reading.says("question") or reading.says("opening")
    return Line(id_, int(minutes * MINUTE), speaker, calls(text), opens, in_thread)


def went_on_from(asked: Line, *before: Line) -> str | None:
    found = parent(asked, before)
    return None if found is None else found.id


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("<@U12AB> hello", "u12ab"),
        ("<@U12AB|Ana> hello", "ana"),
        ("<@!123456> hello", "123456"),
        ("so @ana what now", "ana"),
        ("@Ana Ruiz what now", "ana ruiz"),
        ("@ana.", "ana"),
        ("ana: try it", "ana"),
        ("Ana Ruiz, try it", "ana ruiz"),
        ("José: prueba", "josé"),
    ],
)
def test_whom_a_text_speaks_to(text: str, who: str) -> None:
    assert who in calls(text)


@pytest.mark.parametrize("text", ["mail me at me@example.org", "https://example.org/@ana", "see http://example.org", "one of the many reasons why I do it: rain"])  # fmt: skip
def test_texts_that_speak_to_nobody(text: str) -> None:
    assert not {"ana", "example.org", "example"} & set(calls(text))


def test_a_member_is_called_by_first_name_too() -> None:
    assert names("U1", "aruiz", "Ana Ruiz", "") == {"u1", "aruiz", "ana ruiz", "ana"}


def test_a_reply_goes_on_from_its_target() -> None:
    far = line("1", 0, "ana", "hi")
    assert parent(line("9", 99999, "bob", "yes"), [], far) is far


def test_people_answer_what_was_said_just_before() -> None:
    assert went_on_from(line("2", 30, "bob", "nice"), line("1", 0, "ana", "look")) == "1"
    assert went_on_from(line("2", 61, "bob", "nice"), line("1", 0, "ana", "look")) is None


def test_a_question_waits_for_hours() -> None:
    assert (
        went_on_from(line("2", 300, "bob", "in the menu"), line("1", 0, "ana", "where do I find it?")) == "1"
    )
    assert (
        went_on_from(line("2", 800, "bob", "in the menu"), line("1", 0, "ana", "where do I find it?")) is None
    )


def test_a_question_to_nobody_begins_a_conversation() -> None:
    talk = line("1", 0, "ana", "look"), line("2", 1, "bob", "nice")
    assert went_on_from(line("3", 2, "cleo", "does anybody know how to export?"), *talk) is None


def test_who_is_called_is_answered() -> None:
    talk = line("1", 0, "ana", "look"), line("2", 1, "bob", "nice"), line("3", 2, "cleo", "hm")
    assert went_on_from(line("4", 3, "dora", "@ana how do you do it?"), *talk) == "1"
    assert went_on_from(line("4", 3, "dora", "ana: how do you do it?"), *talk) == "1"


def test_who_was_called_answers_the_caller() -> None:
    talk = line("1", 0, "ana", "look"), line("2", 1, "bob", "ana: where?"), line("3", 2, "cleo", "hm")
    assert went_on_from(line("4", 9, "ana", "on the left"), *talk) == "2"


def test_the_same_person_goes_on() -> None:
    talk = line("1", 0, "ana", "look"), line("2", 1, "bob", "hm")
    assert went_on_from(line("3", 2, "ana", "and see"), *talk) == "1"
    assert went_on_from(line("3", 1, "ana", "is it not nice?"), *talk) == "1"
    assert went_on_from(line("3", 2, "ana", "is it not nice?"), *talk) is None


def test_nobody_goes_on_from_a_bot_or_by_chance_from_a_thread() -> None:
    assert went_on_from(line("2", 1, "bob", "nice"), line("1", 0, "robo", "look", bot=True)) is None
    assert went_on_from(line("2", 1, "bob", "nice"), line("1", 0, "ana", "look", in_thread=True)) is None
    assert went_on_from(line("2", 1, "bob", "@ana nice"), line("1", 0, "ana", "look", in_thread=True)) == "1"


def test_nothing_is_older_than_the_reach() -> None:
    assert went_on_from(line("2", REACH / MINUTE + 1, "bob", "@ana hi"), line("1", 0, "ana", "look")) is None


def test_somebody_unknown_takes_part() -> None:
    assert went_on_from(line("2", 1, None, "nice"), line("1", 0, "ana", "look")) == "1"
    assert went_on_from(line("2", 1, "ana", "nice"), line("1", 0, None, "look")) == "1"


def test_links_that_people_drew() -> None:
    """F of 0.609 was measured; plain rules elsewhere reach 0.60, "the line before" 0.25 here.

    Counted as by the data's authors: all links of the annotated lines, a line that begins a conversation linked to
    itself, and lines of the system too.
    """
    if not DATA.exists():
        pytest.skip(f"{DATA} is absent: reply links are not measured")
    assert link_f() > 0.59


def link_f() -> float:
    logs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with gzip.open(DATA, "rt", encoding="utf-8") as lines:
        for text in lines:
            entry = json.loads(text)
            logs[entry["log"]].append(entry)
    right = drawn = found = 0
    for rows in logs.values():
        before: list[Line] = []
        minutes = 0
        for row in rows:
            link = row["i"]
            if not row["system"]:
                hour, minute = map(int, row["time"].split(":"))
                minutes += (hour * 60 + minute - minutes) % (24 * 60)
                said = line(str(row["i"]), minutes, row["user"], row["text"])
                goes_on = parent(said, before[-LINES:])
                link = row["i"] if goes_on is None else int(goes_on.id)
                before.append(said)
            if row["reply_to"]:
                found += 1
                drawn += len(row["reply_to"])
                right += link in row["reply_to"]
    return 2 * right / (found + drawn)
