"""Reply links, learned: which of the lines before does a line go on from, or does it begin a conversation?

Everything looked at lies in the line and the few before it (`features`), and nothing of it was itself derived. A small
network adds what it learned of each fact, bends the sum, and gives a score; the highest is chosen. Learned by
`bot.training.links`; one JSON file, read once.
"""

from bisect import bisect_right
from collections.abc import Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson

from bot.classifiers.model import unpacked
from bot.classifiers.speech import LOOKS, Line

FORM = 1
"""Of the file; raised when an older program could not read it."""

SHIPPED = Path(__file__).parent / "models" / "links.json"

MINUTE = 60_000_000
_NEAR = 60 * MINUTE
"""How long a line that is no question may be gone on from without a name."""
_NEAR_OPENING = 12 * 60 * MINUTE
"""... and a question, even after hours, when nobody wrote in between."""

_ALWAYS = 8
"""So many of the last lines are always candidates; older ones where something ties them to the line."""
_LATEST = 4
"""So many lines of somebody called, or who called, are candidates."""

_GAPS = (2, 3, 4, 5, 6, 8, 11, 16, 23)
_TIMES = (1, 2, 3, 5, 8, 15, 30)
_MY_GAPS = (2, 3, 5, 9, 17)
_MY_TIMES = (1, 2, 3, 5, 10, 30)
_SILENCES = (1, 2, 5, 15)
_CROWDS = (2, 3, 4, 6, 8)
_PACES = (2, 4, 8, 16, 60)
_SHARED = (0.05, 0.15, 0.34, 0.6, 1.01, 2)

OF_LINE = (
    *LOOKS,
    5,  # whom it calls: nobody, somebody unknown, somebody known: by a word within, by its first word, by a call
    len(_MY_GAPS) + 2,  # how many lines ago its author wrote
    len(_MY_TIMES) + 2,  # how long ago
    len(_SILENCES) + 1,  # how long nobody wrote
    len(_CROWDS) + 1,  # how many people wrote the last lines
    len(_PACES) + 1,  # how fast
    3,  # somebody called its author: never, before the author last wrote, since then
)
"""How many values each fact about the line itself has."""

OF_CANDIDATE = (
    *LOOKS,
    2,  # by the same author
    len(_GAPS) + 1,  # lines since
    len(_TIMES) + 1,  # time since
    4,  # lines of its author since
    4,  # lines of the asked line's author since
    4,  # how it is called by the line
    6,  # how it calls the line's author, and whether as the latest to do so
    4,  # whom else it calls: nobody, somebody, the line's author, somebody unknown
    2,  # the line calls somebody else
    len(_SHARED) + 1,  # rare words in both
    4,  # its author was called since, so it may be answered
    6,  # other people that wrote since
    4,  # its author called the line's author before, or the other way round
    3,  # the line's author called its author since, so it is answered
    2,  # its author wrote on right after it
    3,  # it is later than the last line of the line's author; earlier; there is none
    4,  # lines of its author since then, before the line
    2,  # its author's first
    4,  # whom its author was speaking to: nobody known, the line's author, somebody else, whom the line speaks to
    3,  # the line's author was speaking to nobody, to its author, to somebody else
)
"""How many values each fact about a candidate has."""

BEGINS = sum(OF_LINE) + sum(OF_CANDIDATE)
"""The fact that stands alone for "it begins a conversation"."""
ROWS = BEGINS + 1

_LINE_AT = np.cumsum((0, *OF_LINE[:-1]))
_CANDIDATE_AT = np.cumsum((sum(OF_LINE), *OF_CANDIDATE[:-1]))


class Facts(NamedTuple):
    """What is known of a line and its candidates, as numbers of the network's rows."""

    of_line: "np.ndarray[Any, np.dtype[np.int64]]"
    candidates: list[Line]
    """Newest first."""
    of_candidates: "np.ndarray[Any, np.dtype[np.int64]]"
    """One row a candidate."""


class _Around(NamedTuple):
    """What the lines before a line tell of who speaks to whom; lists are newest first, as those lines are."""

    people: list[str | None]
    """Who wrote each."""
    called: dict[str | None, int]
    """How the line calls each person (`_calling`)."""
    told: list[set[str]]
    """Whom each calls."""
    spoken: list[set[str]]
    """Whom its author was speaking to by then."""
    to_me: list[int]
    """How each calls the line's author."""
    shared: list[frozenset[str]]
    """Words that are in the line too ..."""
    often: dict[str, int]
    """... and in how many lines each is."""
    firsts: list[bool]
    """It is its author's first."""
    targets: set[str | None]
    """Whom the line calls."""
    speaking_to: set[str | None]
    """... or whom its author was speaking to."""
    mine: int
    """How many lines ago its author wrote; 0: not at all."""


_NOBODY: set[str] = set()


def facts(line: Line, near: Sequence[Line]) -> Facts:
    """Look at a line and those before it, newest first, without bots' and within reach."""
    around = _look_around(line, near)
    candidates, rows = _candidates(line, near, around)
    numbers = np.fromiter(chain.from_iterable(rows), np.int64, len(rows) * len(OF_CANDIDATE))
    found = numbers.reshape(-1, len(OF_CANDIDATE)) + _CANDIDATE_AT
    return Facts(np.array(_of_line(line, near, around)) + _LINE_AT, candidates, found)


def _calling(line: Line, names: frozenset[str]) -> int:
    """How a line calls somebody: 0 not at all, 1 by a word within it, 2 by its first word, 3 by a call."""
    if names.isdisjoint(line.words):
        return 0
    return 3 if not names.isdisjoint(line.calls) else 2 if line.first in names else 1


def _look_around(line: Line, near: Sequence[Line]) -> _Around:
    me = line.speaker
    my_id, my_names = (None, frozenset[str]()) if me is None else (me.id, me.names)
    people = [None if other.speaker is None else other.speaker.id for other in near]
    called: dict[str | None, int] = {None: 0, my_id: 0}
    ids: dict[str, str] = {}
    for other in near:
        speaker = other.speaker
        if speaker is not None and speaker.id not in called:
            called[speaker.id] = _calling(line, speaker.names)
            for name in speaker.names:
                ids.setdefault(name, speaker.id)
    ids |= dict.fromkeys(my_names, my_id or "")

    words = line.words
    speaks: dict[str | None, set[str]] = {}
    told, spoken, to_me, shared, firsts = [], [], [], [], []
    often: dict[str, int] = {}
    for other, author in zip(reversed(near), reversed(people), strict=True):
        calls = _NOBODY
        if other.first in ids or (other.calls and not ids.keys().isdisjoint(other.calls)):
            calls = {ids[name] for name in (*other.calls, other.first) if name in ids} - {author}
        is_first = author not in speaks
        if calls or is_first:
            speaks[author] = calls
        told.append(calls)
        firsts.append(is_first)
        spoken.append(speaks[author])
        others = other.words
        to_me.append(0 if author == my_id or my_names.isdisjoint(others) else _calling(other, my_names))
        both = words & others
        shared.append(both)
        for word in both:
            often[word] = often.get(word, 0) + 1
    for each in (told, spoken, to_me, shared, firsts):
        each.reverse()
    targets = {id_ for id_, how in called.items() if how}
    speaking_to: set[str | None] = targets or {*(speaks.get(my_id, ()) if my_id is not None else ())}
    mine = people.index(my_id) + 1 if my_id is not None and my_id in people else 0
    return _Around(people, called, told, spoken, to_me, shared, often, firsts, targets, speaking_to, mine)


def _of_line(line: Line, near: Sequence[Line], around: _Around) -> tuple[int, ...]:
    mine, highest = around.mine, max(around.called.values())
    last_call = next((n for n, how in enumerate(around.to_me, 1) if how), 0)
    return (
        *line.look,
        highest + 1 if highest else 1 if line.calls else 0,
        bisect_right(_MY_GAPS, mine) + 1 if mine else 0,
        bisect_right(_MY_TIMES, (line.at - near[mine - 1].at) / MINUTE) + 1 if mine else 0,
        bisect_right(_SILENCES, (line.at - near[0].at) / MINUTE) if near else len(_SILENCES),
        bisect_right(_CROWDS, len(set(around.people[:10]))),
        bisect_right(_PACES, (line.at - near[:10][-1].at) / MINUTE) if near else len(_PACES),
        0 if not last_call else 1 if mine and last_call > mine else 2,
    )


def _candidates(
    line: Line, near: Sequence[Line], around: _Around
) -> tuple[list[Line], list[tuple[int, ...]]]:
    my_id = None if line.speaker is None else line.speaker.id
    people, mine, often, speaking_to = around.people, around.mine, around.often, around.speaking_to
    callers = {author for author, how in zip(people, around.to_me, strict=True) if how}
    i_called = around.told[mine - 1] if mine else _NOBODY
    candidates: list[Line] = []
    rows: list[tuple[int, ...]] = []
    later: dict[str | None, int] = {}  # how many lines each wrote since,
    since: dict[str | None, int] = {}  # ... and before the line's author wrote again
    answered: dict[str | None, int] = {}  # how often each was called since,
    by_me: dict[str | None, int] = {}  # ... and by the line's author
    calls = 0
    ties = [n for n, author in enumerate(people) if author in around.targets or around.to_me[n]]
    reach = max(_ALWAYS, mine, ties[-1] + 1 if ties else 0)  # nothing further back is a candidate
    for n, (other, author) in enumerate(zip(near[:reach], people, strict=False)):
        same = author is not None and author == my_id
        how, to, told = around.called[author], around.to_me[n], around.told[n]
        count = later.get(author, 0)
        if how or to:
            looked_at = n < _ALWAYS or count < _LATEST
        elif n < _ALWAYS or (same and not count):
            waits = _NEAR_OPENING if other.opens and not n else _NEAR
            looked_at = not other.in_thread and line.at - other.at <= waits
        else:
            looked_at = False
        if looked_at:
            both, was = around.shared[n], around.spoken[n]
            candidates.append(other)
            rows.append((
                *other.look,
                same,
                bisect_right(_GAPS, n + 1),
                bisect_right(_TIMES, (line.at - other.at) / MINUTE),
                min(count, 3),
                min(later.get(my_id, 0), 3) if my_id is not None else 0,
                how,
                2 * min(to, 2) + (not calls) if to else 0,
                2 if to else 1 if told else 3 if other.calls else 0,
                not how and len(around.targets) > 0,
                bisect_right(_SHARED, sum([1 / often[word] for word in sorted(both)])) if both else 0,
                min(answered.get(author, 0), 3),
                min(len(later) - (author in later) - (my_id in later and my_id != author), 5),
                (author in callers) + 2 * (author in i_called),
                min(by_me.get(author, 0), 2),
                n > 0 and people[n - 1] == author,
                0 if not mine else 1 if n + 1 < mine else 2,
                min(since.get(author, 0), 3),
                around.firsts[n],
                0 if not was else 1 if my_id in was else 2 if speaking_to.isdisjoint(was) else 3,
                0 if not speaking_to else 1 if author in speaking_to else 2,
            ))  # fmt: skip
        later[author] = count + 1
        calls += to > 0
        if same:
            since = {}
        else:
            since[author] = since.get(author, 0) + 1
        for id_ in told:
            answered[id_] = answered.get(id_, 0) + 1
            if same:
                by_me[id_] = by_me.get(id_, 0) + 1
    return candidates, rows


class Links:
    """The network. `card` says what it was made of and how it does."""

    def __init__(self, content: bytes) -> None:
        told = orjson.loads(content)
        if told.get("form") != FORM or told.get("facts") != [*OF_LINE, *OF_CANDIDATE]:
            raise ValueError(
                "it is a link model of another form: train it again, or install the program that made it"
            )
        self.card: dict[str, Any] = told["card"]
        self._out = unpacked(told["out"])
        self._bias = unpacked(told["bias"])
        self._table = unpacked(told["table"]).reshape(ROWS, len(self._bias))

    def choose(self, line: Line, near: Sequence[Line]) -> Line | None:
        """The line that this one goes on from, or None where it begins a conversation; `near` as in `facts`."""
        seen = facts(line, near)
        if not seen.candidates:
            return None
        sums = self._table.take(seen.of_candidates, 0).sum(1)
        sums = np.concatenate((sums, self._table[BEGINS:])) + (
            self._table.take(seen.of_line, 0).sum(0) + self._bias
        )
        scores = np.maximum(sums[:, :-1], 0) @ self._out + sums[:, -1]
        best = int(scores.argmax())
        return seen.candidates[best] if best < len(seen.candidates) else None


@cache
def shipped() -> Links:
    """The model that comes with the program."""
    return Links(SHIPPED.read_bytes())
