"""Reads the corpus of labelled conversations (`examples/corpus`; its README describes the form).

Check it, and count what stands in it: `python -m bot.training.corpus examples/corpus`.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

LABELS = (
    "question", "support_answer", "resolved", "product_idea", "bug_report", "contribution", "advocacy",
    "success_story", "introduction", "thanks", "event",
)  # fmt: skip

SECOND = "second-pass.tsv"
"""Community, block and number, and the labels of the first and of the second pass, where they differ. What a third
reader decided stands in the files."""

_TURN = re.compile(
    r"(?P<number>\d+) (?P<author>[^\s>:*+]+)(?P<kind>[*+]?)(?: >(?P<reply>\d+))?: \[(?P<labels>[^\]]*)\] (?P<text>.+)"
)
_PLACE = re.compile(r"## (?P<kind>chat|thread|forum) (?P<title>.+)")


class Line(NamedTuple):
    """One message of the corpus."""

    community: str
    language: str
    talk: int
    """Number of the block it stands in, within its community."""
    kind: str
    """chat: no thread; thread: the first line opened one; forum: a topic, whose title is in the first text."""
    place: str
    number: int
    author: str
    is_bot: bool
    is_staff: bool
    reply_to: int | None
    text: str
    labels: frozenset[str]
    near: frozenset[str]
    """Labels that it looks like and is not."""
    is_ordinary: bool = False
    """Written as most people write; the others were written to be hard."""


class Malformed(ValueError):
    """A line that is not in the form; names file, line and what is wrong."""


class TooLittle(ValueError):
    """There is too little to learn from; says what is missing."""


def read(folder: Path) -> Iterator[Line]:
    """All messages of all communities below a folder, in a fixed order.

    Raises:
        Malformed: a line is not in the form.
    """
    for path in sorted(folder.glob("*/*.txt")):
        yield from read_file(path)


class Differing(NamedTuple):
    """What two passes, the second of which did not see the labels of the first, said of one message."""

    line: Line
    first: frozenset[str]
    second: frozenset[str]


def second_pass(folder: Path, lines: Sequence[Line]) -> list[Differing]:
    """The messages that both passes labelled differently, and how.

    Raises:
        Malformed: there is no such message or label, or both passes say the same.
    """
    known = {(line.community, f"{line.talk}.{line.number}"): line for line in lines}
    found = []
    for count, row in enumerate((folder / SECOND).read_text("utf-8").splitlines(), 1):
        community, number, *passes = row.split("\t")
        line = known.get((community, number))
        said = [frozenset(labels.split()) for labels in passes]
        if line is None or len(set(said)) != 2 or not frozenset().union(*said) <= set(LABELS):  # noqa: PLR2004 - passes
            raise Malformed(
                f"{SECOND}, line {count}: it names no message that two passes labelled differently"
            )
        found.append(Differing(line, *said))
    return found


def agreement(lines: Sequence[Line], otherwise: Sequence[Differing]) -> dict[str, float]:
    """Label -> F1 of the two passes, each as the other's truth."""
    differing = {each.line for each in otherwise}
    alike = Counter(label for line in lines if line not in differing for label in line.labels)
    both = Counter(label for each in otherwise for label in each.first & each.second)
    one = Counter(label for each in otherwise for label in each.first ^ each.second)
    return {
        label: 2 * (alike[label] + both[label]) / max(2 * (alike[label] + both[label]) + one[label], 1)
        for label in LABELS
    }


def read_file(path: Path) -> Iterator[Line]:
    """The messages of one community.

    Raises:
        Malformed: a line is not in the form.
    """
    head: dict[str, str] = {}
    talk, place, seen = 0, None, 0
    for count, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        where = f"{path.name}, line {count}"
        if not line.strip():
            continue
        if line.startswith("## "):
            place = _PLACE.fullmatch(line)
            if place is None:
                raise Malformed(f"{where}: write '## chat NAME', '## thread NAME' or '## forum TITLE'")
            talk, seen = talk + 1, 0
        elif place is None:
            key, colon, value = line.partition(": ")
            if not colon:
                raise Malformed(f"{where}: before the first '## ' only 'name: value' lines stand")
            head[key] = value
        else:
            found = _line(line, head, place, talk, where)
            if found.number != seen + 1:
                raise Malformed(f"{where}: numbers go up by one in each block")
            seen = found.number
            yield found


def _line(line: str, head: dict[str, str], place: re.Match[str], talk: int, where: str) -> Line:
    turn = _TURN.fullmatch(line)
    if turn is None:
        raise Malformed(f"{where}: write '1 author >reply: [labels ~looks_like] text'")
    words = turn["labels"].split()
    labels = frozenset(word for word in words if not word.startswith("~"))
    near = frozenset(word[1:] for word in words if word.startswith("~"))
    unknown = (labels | near) - set(LABELS)
    if unknown:
        raise Malformed(f"{where}: there is no label {', '.join(sorted(unknown))}")
    if labels & near:
        raise Malformed(f"{where}: a label stands with and without ~")
    number, reply = int(turn["number"]), int(turn["reply"]) if turn["reply"] else None
    if reply is not None and reply >= number:
        raise Malformed(f"{where}: replies go back")
    return Line(
        head["community"], head["language"], talk, place["kind"], place["title"], number, turn["author"],
        turn["kind"] == "*", turn["kind"] == "+", reply, turn["text"].replace("\\n", "\n"), labels, near,
        head.get("register") == "ordinary",
    )  # fmt: skip


def main(paths: list[str]) -> None:
    """Check files or folders, and say what stands in them."""
    for name in paths:
        path = Path(name)
        lines = list(read(path) if path.is_dir() else read_file(path))
        labels = Counter((line.language, label) for line in lines for label in line.labels)
        near = Counter((line.language, label) for line in lines for label in line.near)
        twice = sum(count - 1 for count in Counter(line.text.lower() for line in lines).values())
        sys.stdout.write(
            f"{name}: {len(lines)} messages, {len({line.community for line in lines})} communities, "
            f"{sum(not line.labels for line in lines)} without a label, texts written twice: {twice}\n"
        )
        for language in sorted({line.language for line in lines}):
            counts = (f"{label} {labels[language, label]} (~{near[language, label]})" for label in LABELS)
            sys.stdout.write(f"  {language}: {', '.join(counts)}\n")
        if (path / SECOND).is_file():
            otherwise = second_pass(path, lines)
            told = ", ".join(f"{label} {f1:.3f}" for label, f1 in agreement(lines, otherwise).items())
            sys.stdout.write(
                f"  a second pass labelled {len(otherwise)} otherwise; F1 between both: {told}\n"
                f"  a third reader sided with the first in {sum(each.line.labels == each.first for each in otherwise)}, "
                f"with the second in {sum(each.line.labels == each.second for each in otherwise)}\n"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
