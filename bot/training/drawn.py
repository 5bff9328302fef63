"""Reply links that people drew: in the chat of the corpus, and in a file of un-threaded chat."""

import gzip
import json
import zlib
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from bot.classifiers.conversations import LINES, recent
from bot.classifiers.links import MINUTE, Facts, facts
from bot.classifiers.speech import Line, Speaker, line, names
from bot.training.corpus import Malformed, read

_PACES = (1 / 3, 2 / 3, 2, 10)
"""Minutes from one line of a talk of the corpus to the next: channels are busy and quiet, and the corpus has no times."""
_DAY = 24 * 60
_MARKED, _FIRST = 0.3, 0.05
"""How much lines of the corpus count. Who first appears often takes up what was said, and the corpus marks answers alone."""


class Drawn(NamedTuple):
    """A line, and what it goes on from as people see it."""

    group: str
    """Its log or community: what is judged is never learned from."""
    id: str
    line: Line | None
    """None for a line of the system, which belongs to nothing."""
    before: tuple[Line, ...]
    right: frozenset[str]
    """The lines that it goes on from; its own where it begins a conversation."""
    is_marked: bool = True
    """Somebody drew the link; else nothing is said of the line, and it is its author's first."""
    weight: float = 1.0
    """How much it counts in learning."""

    @property
    def facts(self) -> Facts:
        """What the model sees."""
        assert self.line is not None  # noqa: S101 - whoever asks has left those out
        return facts(self.line, list(recent(self.line, self.before)))


def from_corpus(folder: Path) -> Iterator[Drawn]:
    """The lines of chat that bear a link, and those with which people first appear.

    Of the others nothing is known: people go on without being told so.

    Raises:
        Malformed: a line is not in the form.
    """
    for (community, talk), block in groupby(read(folder), key=lambda told: (told.community, told.talk)):
        before: list[Line] = []
        seen: set[str] = set()
        pace = _PACES[zlib.crc32(f"{community} {talk}".encode()) % len(_PACES)]
        for n, told in enumerate(block):
            if told.kind != "chat":
                continue
            speaker = Speaker(told.author, names(told.author), told.is_bot)
            said = line(str(told.number), int(n * pace * MINUTE), speaker, told.text)
            if not told.is_bot and (told.reply_to is not None or told.author not in seen):
                right = frozenset({str(told.reply_to or told.number)})
                is_marked = told.reply_to is not None
                yield Drawn(
                    community,
                    said.id,
                    said,
                    tuple(before[-LINES:]),
                    right,
                    is_marked,
                    _MARKED if is_marked else _FIRST,
                )
            before.append(said)
            seen.add(told.author)


def from_file(path: Path) -> Iterator[Drawn]:
    """The lines of a file whose links people drew: one JSON object a line, perhaps gzipped.

    It has `log`, `i`, `time` (HH:MM), `user`, `text`, `system`, and `reply_to`: null, or the numbers of the lines that it
    goes on from (its own where it begins a conversation).

    Raises:
        Malformed: a line is not in the form.
    """
    with (
        gzip.open(path, "rt", encoding="utf-8")
        if path.suffix == ".gz"
        else path.open(encoding="utf-8") as lines
    ):
        for log, rows in groupby(_rows(path.name, lines), key=lambda row: row["log"]):
            before: list[Line] = []
            minutes = 0
            for row in rows:
                said = None
                if not row["system"]:
                    hour, minute = map(int, row["time"].split(":"))
                    minutes += (hour * 60 + minute - minutes) % _DAY
                    said = line(
                        str(row["i"]), minutes * MINUTE, Speaker(row["user"], names(row["user"])), row["text"]
                    )
                if row["reply_to"]:
                    right = frozenset(map(str, row["reply_to"]))
                    yield Drawn(log, str(row["i"]), said, tuple(before[-LINES:]), right)
                if said is not None:
                    before.append(said)


def _rows(name: str, lines: Any) -> Iterator[dict[str, Any]]:
    for count, text in enumerate(lines, 1):
        try:
            row = json.loads(text)
            if not row["system"]:
                hour, minute = row["time"].split(":")
                row["time"] = f"{int(hour)}:{int(minute)}"
                row["user"], row["text"] = str(row["user"]), str(row["text"])
            row["log"], row["i"], row["reply_to"] = str(row["log"]), int(row["i"]), [*(row["reply_to"] or ())]
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Malformed(
                f'{name}, line {count}: write {{"log", "i", "time": "HH:MM", "user", "text", "system", "reply_to"}}'
            ) from None
        yield row
