"""How good labels are, against the right ones: in figures with their intervals, and by the worst misses."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson

from bot.mistakes import ConfigError
from bot.spaces.statistics import wilson
from connectors.records import Problem

_DRAWS, _MISSES, _CONFUSED = 500, 10, 8


class Score(NamedTuple):
    """How one label fares: counts, and F1 with the 95 % interval that drawing the messages anew gives."""

    label: str
    right: int
    given: int
    wanted: int
    low: float
    high: float

    @property
    def precision(self) -> float:
        """Of those given, how many are right."""
        return self.right / self.given if self.given else 0.0

    @property
    def recall(self) -> float:
        """Of those that should be, how many are given."""
        return self.right / self.wanted if self.wanted else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        return 2 * self.right / (self.given + self.wanted) if self.given + self.wanted else 0.0


def score(label: str, given: Any, wanted: Any) -> Score:
    """The figures of one label over all messages."""
    one, other = np.asarray(given, bool), np.asarray(wanted, bool)
    draws = np.random.default_rng(1).integers(0, len(one), (_DRAWS, len(one)), dtype=np.int32)
    hits, sums = (one & other)[draws].sum(1), one[draws].sum(1) + other[draws].sum(1)
    f1 = 2 * hits / np.maximum(sums, 1)
    low, high = np.quantile(f1, (0.025, 0.975))
    return Score(label, int((one & other).sum()), int(one.sum()), int(other.sum()), float(low), float(high))


def compare(found: Path, gold: Path | None) -> str:
    """The report of a file of found labels against right ones, as text.

    Raises:
        ConfigError: a file is not of the form.
    """
    ours = {str(row["id"]): row for row in _rows(found, ("id",))}
    right = {
        str(row["id"]): (_labels(row, ("gold",) if gold is None else ("gold", "labels", "label", "tags")), str(row.get("text") or ""))
        for row in _rows(gold or found, ("id",))
    }  # fmt: skip
    ids = [id_ for id_ in right if id_ in ours and right[id_][0] is not None]
    if not ids:
        cure = (
            'Name the messages with their right labels by --gold: {"id": "1", "labels": ["question"]} a line.'
        )
        raise ConfigError(
            [Problem(str(gold or found), "no right label stands there for any message found", cure)]
        )
    given = [set(ours[id_].get("tags") or ()) for id_ in ids]
    wanted = [set(right[id_][0] or ()) for id_ in ids]
    labels = sorted(set().union(*wanted))
    scores = [score(label, [label in g for g in given], [label in w for w in wanted]) for label in labels]
    lines = [f"{len(ids)} messages, {len(labels)} labels. Intervals hold in 95 of 100 cases.", ""]
    lines += [f"{'label':<16}{'n':>6}{'precision':>24}{'recall':>24}{'F1':>24}"]
    lines += [_line(each) for each in scores]
    lines += [f"{'macro F1':<70}{np.mean([each.f1 for each in scores] or [0]):>18.3f}", ""]
    lines += ["What is taken for what (right -> found, where the right one was missed):"]
    lines += [f"  {a} -> {b}: {n}" for (a, b), n in _confused(given, wanted).most_common(_CONFUSED)] or [
        "  nothing"
    ]
    lines += ["", "The worst misses (the surest mistakes):"]
    lines += [f"  {text}" for text in _misses(ids, ours, right, given, wanted)] or ["  none"]
    return "\n".join(lines)


def _line(each: Score) -> str:
    def cell(value: float, interval: tuple[float, float] | None) -> str:
        return f"{value:>12.3f} ({interval[0]:.2f}-{interval[1]:.2f})" if interval else "\N{EN DASH}"

    precision, recall = wilson(each.right, each.given), wilson(each.right, each.wanted)
    return (
        f"{each.label:<16}{each.wanted:>6}{cell(each.precision, precision):>24}{cell(each.recall, recall):>24}"
        f"{cell(each.f1, (each.low, each.high)):>24}"
    )


def _confused(given: Iterable[set[str]], wanted: Iterable[set[str]]) -> Counter[tuple[str, str]]:
    return Counter(
        (missed, extra or "(nothing)")
        for g, w in zip(given, wanted, strict=True)
        for missed in w - g
        for extra in (g - w or {""})
    )


def _misses(
    ids: Sequence[str], ours: Mapping[str, Any], right: Mapping[str, Any], given: Sequence[Collection[str]],
    wanted: Sequence[Collection[str]],
) -> list[str]:  # fmt: skip
    found = []
    for id_, g, w in zip(ids, given, wanted, strict=True):
        told = ours[id_].get("labels")
        sure = told if isinstance(told, Mapping) else {}
        for label in {*g, *w} - ({*g} & {*w}):
            p = float(sure.get(label, 1.0 if label in g else 0.0))
            said = f"{'found' if label in g else 'missed'} {label} ({p:.2f})"
            found.append((-(p if label in g else 1 - p), f"{id_}: {said}: {right[id_][1][:100]!r}"))
    return [text for _, text in sorted(found)[:_MISSES]]


def _rows(path: Path, needed: Sequence[str]) -> list[Mapping[str, Any]]:
    found = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            row = None
        if not isinstance(row, Mapping) or any(name not in row for name in needed):
            cure = f"Write one JSON object a line, with {' and '.join(needed)}."
            raise ConfigError([Problem(f"{path.name}, line {number}", "it is not of the form", cure)])
        found.append(row)
    return found


def _labels(row: Mapping[str, Any], names: Sequence[str]) -> list[str] | None:
    for name in names:
        told = row.get(name)
        if isinstance(told, str):
            return [told] if told else []
        if isinstance(told, Mapping):
            return [str(label) for label, is_so in told.items() if is_so is True or is_so == 1]
        if isinstance(told, list):
            return [str(label) for label in told]
    return None
