"""`spaces classify` and `spaces evaluate`, as people start them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from bot.classifiers.stream import Said, label
from bot.cli import app

TALK: list[dict[str, Any]] = [
    {"id": 1, "text": "how do I export a board?", "author": "ann", "channel": "help"},
    {"id": 2, "text": "Menu > Export, then choose CSV", "author": "bob", "channel": "help"},
    {"id": 3, "text": "that worked, thanks a lot!", "author": "ann", "channel": "help"},
    {"id": "4", "text": "Hola, ¿alguien sabe cómo se cambia el idioma?"},
]


def classify(*lines: str) -> tuple[list[dict[str, Any]], str, int]:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "classify"],
        input="\n".join(lines), capture_output=True, text=True, check=False,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr, done.returncode


def test_a_conversation_is_labelled_in_its_order() -> None:
    found, said, code = classify(*(json.dumps(line) for line in TALK))
    assert (code, said) == (0, "")
    assert [row["id"] for row in found] == ["1", "2", "3", "4"]
    assert [row["reply_to"] for row in found] == [None, "1", "2", None]
    assert "question" in found[0]["tags"]
    assert "support_answer" in found[1]["tags"]
    assert {"resolved", "thanks"} <= set(found[2]["tags"])
    assert [row["language"] for row in found] == ["en", "en", "en", "es"]
    for row in found:
        assert set(row["tags"]) <= row["labels"].keys()
        assert len(row["reasons"]) == len(row["tags"])
        assert all(0 <= p <= 1 for p in row["labels"].values())


TOPIC: list[dict[str, Any]] = [
    {"id": 1, "text": "It stays grey here.", "author": "ann", "title": "How do I export a board?"},
    {"id": 2, "text": "Menu > Export, then choose CSV", "author": "bob"},
    {"id": 3, "text": "same here by the way", "author": "cy"},
    {"id": 4, "text": "that worked, thanks a lot!", "author": "ann"},
]


@pytest.mark.parametrize("told", ["first", "each", "each, no thread"])
def test_a_title_belongs_to_the_first_message_of_its_topic(told: str) -> None:
    """Some exports tell it with every message; then no answer is a question for it."""
    title = {} if told == "first" else {"title": TOPIC[0]["title"]}
    thread = {} if told == "each, no thread" else {"thread": "t1"}
    found, _, _ = classify(*(json.dumps(line | title | thread) for line in TOPIC))
    assert [("question" in row["tags"]) for row in found] == [True, False, False, False]
    assert "support_answer" in found[1]["tags"]
    assert {"resolved", "thanks"} <= set(found[3]["tags"])


def test_who_replies_to_themself_begins_a_conversation() -> None:
    found, _, _ = classify(
        *(json.dumps(line) for line in [TOPIC[0] | {"reply_to": 1}, TOPIC[1] | {"reply_to": 1}])
    )
    assert [row["reply_to"] for row in found] == [None, "1"]
    assert "question" in found[0]["tags"]


def test_a_wrong_line_is_named_and_the_rest_goes_on() -> None:
    found, said, code = classify("no json", '{"id": 1}', '{"id": 2, "text": 7}', "", json.dumps(TALK[0]))
    assert [row["id"] for row in found] == ["1"]
    assert code == 1
    assert said.splitlines()[3] == "3 lines were left out; the others are done."
    assert [line.partition(":")[0] for line in said.splitlines()[:3]] == ["Line 1", "Line 2", "Line 3"]


def test_whoever_waits_for_an_answer_gets_it() -> None:
    """One line at a time, each asked for only when the one before has been answered."""
    command = [sys.executable, "-m", "bot", "classify"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in TALK:
            process.stdin.write(json.dumps(line) + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == str(line["id"])
        process.stdin.close()
        assert process.wait(20) == 0


TEXTS = st.text(max_size=60) | st.sampled_from(["how do I?", "thanks", "", "```", "@ann hi"])
IDS = st.none() | st.sampled_from(["a", "b", "7"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(TEXTS, IDS, IDS, IDS, IDS), max_size=30))
def test_any_messages_come_back_each_once(rows: list[tuple[str, str, str, str, str]]) -> None:
    said = [
        Said(str(n), text, author=author, channel=channel, thread=thread, reply_to=reply)
        for n, (text, author, channel, thread, reply) in enumerate(rows)
    ]
    assert [found.id for found in label(said)] == [each.id for each in said]


def test_evaluation_counts_right(tmp_path: Path) -> None:
    found, gold = tmp_path / "found.jsonl", tmp_path / "gold.jsonl"
    ours = [("1", ["question"]), ("2", ["question", "thanks"]), ("3", []), ("4", ["thanks"])]
    right = [("1", ["question"]), ("2", ["thanks"]), ("3", ["question"]), ("4", ["thanks"])]
    found.write_text("".join(json.dumps({"id": id_, "tags": tags}) + "\n" for id_, tags in ours))
    gold.write_text(
        "".join(json.dumps({"id": id_, "text": "x", "labels": tags}) + "\n" for id_, tags in right)
    )
    done = CliRunner().invoke(app, ["evaluate", str(found), "--gold", str(gold)])
    assert done.exit_code == 0, done.output
    lines = {
        line.split()[0]: line.split()
        for line in done.stdout.partition("What is")[0].splitlines()
        if line.strip()
    }
    assert lines["question"][1] == "2"
    assert lines["question"][2] == lines["question"][4] == "0.500"
    assert lines["thanks"][2] == lines["thanks"][4] == "1.000"
    assert "question -> (nothing): 1" in done.stdout
    assert "0.750" in done.stdout


def test_evaluation_without_gold_says_what_to_do(tmp_path: Path) -> None:
    found = tmp_path / "found.jsonl"
    found.write_text('{"id": "1", "tags": []}\n')
    done = CliRunner().invoke(app, ["evaluate", str(found)])
    assert done.exit_code != 0
