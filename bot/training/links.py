"""Fitting: which of its candidates does a line go on from?

Everything is deterministic. The network is trained here in a page of numpy, since what it learns is a choice among a
line's own candidates (a softmax over them), which no classifier of scikit-learn does.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray
from scipy import sparse

from bot.classifiers.features import Floats
from bot.classifiers.links import BEGINS, FORM, OF_CANDIDATE, OF_LINE, ROWS
from bot.classifiers.model import packed
from bot.training.drawn import Drawn

_HIDDEN, _SEEDS, _ROUNDS, _BATCH = 24, 2, 12, 32
_RESTRAINT, _DROPPED, _STEP = 3e-3, 0.2, 3e-3


class Network(NamedTuple):
    """What `bot.classifiers.links.Links` uses: a row a fact, its last column added to the score as it is."""

    table: Floats
    bias: Floats
    out: Floats


class Choices(NamedTuple):
    """Lines and their candidates, ready to be learned from."""

    facts: sparse.csr_matrix
    """A row a candidate, the last of each line being "it begins"; a column a fact."""
    starts: "NDArray[np.int64]"
    """Where each line's candidates begin; one more than there are lines."""
    right: Floats
    weights: Floats


def choices(drawn: Sequence[Drawn]) -> Choices:
    """Those of the lines whose right answer is among the candidates."""
    rows: list[NDArray[np.int64]] = []
    starts, right, weights = [0], [], []
    for each in drawn:
        if each.line is None:
            continue
        seen = each.facts
        correct = [line.id in each.right for line in seen.candidates] + [each.line.id in each.right]
        if any(correct):
            rows += [np.concatenate((seen.of_line, row)) for row in seen.of_candidates]
            rows.append(np.append(seen.of_line, BEGINS))
            right += correct
            starts.append(len(right))
            weights.append(each.weight)
    ends = np.cumsum([0, *map(len, rows)])
    columns = np.concatenate(rows) if rows else np.zeros(0, np.int64)
    table = sparse.csr_matrix((np.ones(len(columns), np.float32), columns, ends), shape=(len(rows), ROWS))
    return Choices(table, np.array(starts), np.array(right, np.float32), np.array(weights, np.float32))


def joined(parts: Sequence[Choices]) -> Choices:
    """All of them."""
    sizes = np.cumsum([0, *(part.starts[-1] for part in parts)])
    return Choices(
        sparse.vstack([part.facts for part in parts]).tocsr(),
        np.concatenate([[0], *(part.starts[1:] + size for part, size in zip(parts, sizes, strict=False))]),
        np.concatenate([part.right for part in parts]),
        np.concatenate([part.weights for part in parts]),
    )


def fit(learned: Choices) -> Network:
    """Learn; several seeds become one wider network that gives the mean of their scores."""
    learned = learned._replace(weights=learned.weights / learned.weights.max())
    nets = [_fit(learned, seed) for seed in range(_SEEDS)]
    direct = np.mean([net.table[:, -1] for net in nets], axis=0)[:, None]
    return Network(
        np.hstack([*(net.table[:, :-1] for net in nets), direct]).astype(np.float32),
        np.append(np.concatenate([net.bias[:-1] for net in nets]), 0).astype(np.float32),
        (np.concatenate([net.out for net in nets]) / _SEEDS).astype(np.float32),
    )


def _fit(learned: Choices, seed: int) -> Network:
    """One network, by Adam (Kingma and Ba 2015) on the softmax of each line's candidates."""
    random = np.random.default_rng(seed)
    starts, many = learned.starts, len(learned.weights)
    weights = [
        random.normal(0, 0.1, (ROWS, _HIDDEN)), np.zeros(_HIDDEN),
        random.normal(0, _HIDDEN**-0.5, _HIDDEN), np.zeros(ROWS),
    ]  # fmt: skip
    means, squares = [np.zeros_like(each) for each in weights], [np.zeros_like(each) for each in weights]
    steps = 0
    for turn in range(_ROUNDS):
        pace = _STEP * (1 - turn / _ROUNDS) + 1e-4
        order = random.permutation(many)
        for begin in range(0, many, _BATCH):
            some = order[begin : begin + _BATCH]
            kept = (random.random(_HIDDEN) > _DROPPED) / (1 - _DROPPED)
            steps += 1
            for n, slope in enumerate(_slopes(learned, some, starts, weights, kept)):
                means[n] = 0.9 * means[n] + 0.1 * slope
                squares[n] = 0.999 * squares[n] + 0.001 * slope**2
                size = np.sqrt(squares[n] / (1 - 0.999**steps)) + 1e-8
                weights[n] = weights[n] - pace * means[n] / (1 - 0.9**steps) / size
    table, bias, out, direct = weights
    return Network(
        *(each.astype(np.float32) for each in (np.hstack([table, direct[:, None]]), np.append(bias, 0), out))
    )


def _slopes(
    learned: Choices,
    some: "NDArray[np.int64]",
    starts: "NDArray[np.int64]",
    weights: Sequence[Any],
    kept: Any,
) -> list[Any]:
    """By how much the loss of some lines grows with each weight."""
    table, bias, out, direct = weights
    counts = starts[some + 1] - starts[some]
    begins = np.concatenate([[0], np.cumsum(counts)[:-1]])
    rows = np.concatenate([np.arange(starts[n], starts[n + 1]) for n in some])
    seen, right = learned.facts[rows], learned.right[rows]
    bent = np.maximum(seen @ table + bias, 0)
    scores = (bent * kept) @ out + seen @ direct
    odds = np.exp(scores - np.repeat(np.maximum.reduceat(scores, begins), counts))
    given = odds / np.repeat(np.add.reduceat(odds, begins), counts)
    wanted = odds * right / np.repeat(np.add.reduceat(odds * right, begins), counts)
    off = (given - wanted) * np.repeat(learned.weights[some], counts) / len(some)
    back = np.outer(off, out) * kept * (bent > 0)
    return [
        seen.T @ back + _RESTRAINT * table, back.sum(0),
        (bent * kept).T @ off + _RESTRAINT * out, seen.T @ off + _RESTRAINT * direct,
    ]  # fmt: skip


def content(net: Network, card: dict[str, Any]) -> bytes:
    """The model as its file."""
    return orjson.dumps(
        {
            "form": FORM, "facts": [*OF_LINE, *OF_CANDIDATE], "card": card,
            "table": packed(net.table.ravel()), "bias": packed(net.bias), "out": packed(net.out),
        }
    )  # fmt: skip
