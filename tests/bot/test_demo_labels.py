"""How well the rules tag the demo community, whose scripts say what every conversation was meant to be."""

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from bot import demo
from bot.collect import import_archives
from bot.tagger import drain
from examples.generate import SEED
from examples.scripts import program
from examples.scripts.model import DISCORD, FORUM, SLACK
from examples.scripts.people import read_people
from examples.scripts.stage import Stage
from storage.database import Database

_CONNECTORS = {"team": "slack", "chat": "discord", "forum": "discourse"}
_HOMES = {SLACK: "team", DISCORD: "chat", FORUM: "forum"}
_LABELS = {
    "question": "question", "idea": "product_idea", "bug": "bug_report", "advocacy": "advocacy",
    "contribution": "contribution", "success": "success_story", "event": "event",
}  # fmt: skip
_ANNOUNCE = {"en_stories/news-call-feb", "en_stories/news-restoreday"}  # news of something to come to
_REPORT = {"en_stories/event-call-after", "en_stories/event-madrid-after"}  # told when it was over


class Tagged(NamedTuple):
    """The first message of a conversation: how it was meant, and the labels it got."""

    kind: str
    language: str
    labels: frozenset[str]


def planted() -> Iterator[tuple[tuple[str, int], str, str]]:
    """Source and millisecond of the first message, kind and language of each conversation of the scripts."""
    people = read_people(Random(SEED))
    for talk in program.run(Random(SEED + 1), Stage(Random(SEED + 2), people)):
        kind = "event" if talk.slug in _ANNOUNCE else "told" if talk.slug in _REPORT else talk.kind
        yield (_HOMES[talk.home], round(talk.root.at.timestamp() * 1000)), kind, talk.lang


@pytest.fixture(scope="module")
def roots(sqlite_of_module: Database) -> list[Tagged]:
    for source, paths in demo.archives().items():
        assert not import_archives(sqlite_of_module, source, _CONNECTORS[source], paths, {}).problems
    drain(sqlite_of_module)
    with sqlite_of_module.read() as session:
        rows = session.connection().exec_driver_sql(
            "SELECT s.name, m.created_at / 1000, m.conversation_id = m.external_id, t.label FROM messages m "
            "JOIN sources s ON s.id = m.source_id LEFT JOIN tags t "
            "ON t.source_id = m.source_id AND t.external_id = m.external_id AND t.verdict "
            "WHERE m.created_at IS NOT NULL"
        )
        opens: set[tuple[str, int]] = set()
        labels: dict[tuple[str, int], set[str]] = {}
        for source, at, is_root, label in rows:
            if is_root:
                opens.add((source, at))
            labels.setdefault((source, at), set()).update([label] if label else [])
    found = [
        Tagged(kind, language, frozenset(labels.pop(where)))
        for where, kind, language in planted()
        if where in labels
    ]
    assert len(found) > 1_000
    # What our reading takes for the first message of a conversation, and is none, counts against precision.
    return found + [Tagged("reply", "", frozenset(said)) for where, said in labels.items() if where in opens]


@pytest.fixture(scope="module")
def sqlite_of_module(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    path = tmp_path_factory.mktemp("demo") / "spaces.sqlite3"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


# Some way below what was measured, which stands beside it.
@pytest.mark.parametrize(
    ("kind", "precision", "recall"),
    [
        ("question", 0.85, 0.92),  # 0.87, 0.96
        ("idea", 0.9, 0.85),  # 1.00, 0.97
        ("bug", 0.75, 0.8),  # 0.80, 0.90
        ("advocacy", 0.9, 0.85),  # 1.00, 1.00
        ("contribution", 0.9, 0.85),  # 1.00, 1.00
        ("success", 0.85, 0.8),  # 0.92, 0.94
        ("event", 0.75, 0.75),  # 0.77, 0.83
    ],
)
def test_first_messages_get_the_label_they_were_written_for(
    roots: list[Tagged], kind: str, precision: float, recall: float
) -> None:
    label = _LABELS[kind]
    given = [root for root in roots if label in root.labels]
    right = [root for root in given if root.kind == kind]
    told = f"{label}: {len(right)} of {len(given)} given, {Counter(root.kind for root in given)}"
    assert len(right) / len(given) >= precision, told
    assert len(right) / sum(root.kind == kind for root in roots) >= recall, told


@pytest.mark.parametrize("kind", ["question", "idea", "bug", "advocacy", "contribution", "success"])
def test_spanish_is_read_as_well(roots: list[Tagged], kind: str) -> None:
    meant = [root for root in roots if root.kind == kind and root.language == "es"]
    assert sum(_LABELS[kind] in root.labels for root in meant) / len(meant) >= 0.8  # 0.98 or more each


def test_wishes_in_the_form_of_a_question_wait_for_no_answer(roots: list[Tagged]) -> None:
    ideas = [root for root in roots if root.kind == "idea"]
    assert sum("question" in root.labels for root in ideas) / len(ideas) <= 0.05  # none
