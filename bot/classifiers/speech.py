"""Lines of chat: who wrote them, whom they speak to, and what can be seen of them by itself."""

import re
from bisect import bisect_left
from typing import NamedTuple

from bot.classifiers import cues

_SHORTEST_NAME = 3  # initials name nobody
_SHORTEST_WORD = 3
_LOOKED_AT = 1_000
"""Characters of a line whose words are kept."""


class Speaker(NamedTuple):
    """Who wrote a line, and what they are called by others: names and ids, in lower case."""

    id: str
    names: frozenset[str]
    is_bot: bool = False


class Line(NamedTuple):
    """One message of a channel that stands in no thread, or opens one. Made by `line`."""

    id: str
    at: int
    """Microseconds since 1970."""
    speaker: Speaker | None
    calls: tuple[str, ...]
    """From `calls`: whom it speaks to."""
    first: str
    """Its first word, which may be a name without any mark; empty where it is too short for one."""
    words: frozenset[str]
    """Its longer words, in lower case, and whom it calls."""
    look: tuple[int, ...]
    """What it does, its question marks, its length, what is in it: one number each, below `LOOKS`."""
    opens: bool
    """It speaks to everybody, or asks."""
    in_thread: bool
    """It opens a thread, where its answers are: only a call or reply goes on from it."""


LOOKS = (6, 3, 6, 3)
_LENGTHS = (2, 4, 8, 14, 24)
"""In words."""

_CALLED = re.compile(r"<@!?([\w.-]+)(?:\|([^>\n]+))?>|(?<![\w.@/])@([\w.-]+(?: [\w.-]+){0,2})")
_ADDRESSED = re.compile(r"\s*@?([^\s:,@<>?!.][^:,@<>?!\n]{0,40}?)\s*[:,>](?:\s|$)")
_WORD = re.compile(r"[^\W_][\w.+-]*[^\W_]|[^\W_]")


def line(id_: str, at: int, speaker: Speaker | None, text: str, *, in_thread: bool = False) -> Line:
    """A message as a line of its channel; `at` in microseconds since 1970."""
    words = _WORD.findall(text[:_LOOKED_AT].lower())
    reading = cues.read(text)
    asks, opening = reading.says("question"), reading.says("opening")
    score = reading.score
    kind = (
        1 if opening else 2 if asks
        else 3 if score.get("thanks", 0) > 0 or score.get("confirmation", 0) > 0
        else 4 if score.get("instruction", 0) > 0
        else 5 if score.get("greeting", 0) > 0
        else 0
    )  # fmt: skip
    marks = 0 if "?" not in text else 2 if text.rstrip().endswith("?") else 1
    inside = 1 if reading.has_link else 2 if reading.has_code or "/" in text else 0
    called = calls(text)
    return Line(
        id_, at, speaker, called,
        words[0] if words and len(words[0]) >= _SHORTEST_NAME else "",
        frozenset([*called, *[word for word in words if len(word) >= _SHORTEST_WORD]]),
        (kind, marks, bisect_left(_LENGTHS, len(words)), inside),
        asks or opening, in_thread,
    )  # fmt: skip


def calls(text: str) -> tuple[str, ...]:
    """The names and ids by which a text speaks to somebody, in lower case: `<@U1>`, `@name`, "name: ..." at its start.

    Of "@Ana Lopez hi" all of "ana lopez hi", "ana lopez" and "ana" are returned, since only the speakers' names can
    tell where the name ends.
    """
    found: list[str] = []
    if "@" in text:
        for identity, label, name in _CALLED.findall(text[:2000]):
            if identity:
                found.append(identity.lower())
                if label:
                    found.append(label.lower())
            else:
                words = name.lower().split(" ")
                found += [" ".join(words[:count]).rstrip(".-") for count in range(len(words), 0, -1)]
    start = _ADDRESSED.match(text[:80])
    if start:
        name = start[1].lower()
        if name.count(" ") <= 2:  # noqa: PLR2004 - nobody is called by more than three words
            found.append(name)
    return tuple(found)


def names(*forms: str) -> frozenset[str]:
    """What a member is called: each form, and the first word of a longer one."""
    found = {form.lower() for form in forms if form}
    first_words = {form.split(" ")[0] for form in found if " " in form}
    return frozenset(found | {word for word in first_words if len(word) >= _SHORTEST_NAME})
