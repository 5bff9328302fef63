"""Labels on the sentences of a real forum that nothing was made of (Tizard et al., RE 2019: users of VLC).

Sentences come without what they reply to: title and first post open their topic, each other sentence stands in it at the
number of its post. Ours: the shipped model with its thresholds; the floor: plain rules, which need the first post to know
answers. The data stands beside the repository, not in it.
"""

import json
from pathlib import Path
from typing import Any

from bot.classifiers import Subject
from bot.classifiers.model import shipped
from bot.classifiers.rules import Rules
from bot.evaluation import Score, score

FILE = Path(__file__).parents[2] / "shared" / "data" / "labelled" / "tizard_vlc_forum.jsonl"
THEIRS = {
    "question": "question",
    "support_answer": "answer",
    "product_idea": "idea",
    "bug_report": "bug",
    "resolved": "success",
}


def run() -> None:
    """Run."""
    if not FILE.is_file():
        print(f"{FILE} is not there, so nothing was judged. Put the sentences there.")
        return
    rows = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]
    subjects = [_subject(row) for row in rows]
    model = shipped()
    probabilities = model.probabilities(subjects)
    ruled = [{verdict.label for verdict in found} for found in Rules().classify(subjects)]
    for label, theirs in THEIRS.items():
        wanted = [row["label"] == theirs for row in rows]
        given = probabilities[:, model.labels.index(label)] >= model.thresholds[label].given
        ours, rules = score(label, given, wanted), score(label, [label in each for each in ruled], wanted)
        print(f"{label:<16} n {ours.wanted:>4}  ours {_told(ours)}  rules {_told(rules)}", flush=True)


def _subject(row: dict[str, Any]) -> Subject:
    opens = row["position"] in ("title", "original")
    position = 0 if opens else int(row["position"].removesuffix("-op"))
    return Subject(row["text"], is_root=opens, by_asker=row["is_op"], position=position, in_thread=True)


def _told(found: Score) -> str:
    return f"P {found.precision:.2f} R {found.recall:.2f} F1 {found.f1:.2f} ({found.low:.2f} to {found.high:.2f})"
