"""Makes the model that ships, and judges the making on communities that it was not made from.

`python -m bot.training.train examples/corpus` writes `bot/classifiers/models/labels.json`; the same corpus gives the
same file. `spaces train` does it by name.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson

from bot.classifiers import Subject
from bot.classifiers.cues import clean
from bot.classifiers.features import BUCKETS, Floats
from bot.classifiers.model import FORM, arranged, gathered, packed, tame
from bot.training.corpus import LABELS, Line, read
from bot.training.fit import (
    Bools,
    Layers,
    Texts,
    counted,
    fit_layers,
    fit_line,
    fit_texts,
    read_layers,
    read_texts,
    side_by_side,
)
from bot.training.talks import examples

_ORDINARY = 4
_ALONE = 4
"""Each so many-th example is also shown without its context: what a message says must do where nothing else is known."""

_PARTS = 8
"""So many parts the communities are dealt into, to judge, and to train the second step."""


class Data(NamedTuple):
    """Examples, and each of their texts once."""

    lines: list[Line]
    subjects: list[Subject]
    truth: Bools
    groups: list[str]
    """The community of each example."""
    counts: Any
    """What is in each text, a row a text."""
    said: dict[str, str]
    rows: np.ndarray[Any, np.dtype[np.int64]]
    """For each subject the rows of its own and its neighbours' texts; -1: none."""


class Seen(NamedTuple):
    """What the second step sees of every example: in its context, and alone."""

    inputs: Floats
    alone: Floats


class Judged(NamedTuple):
    """What came out for communities never seen: calibrated probabilities, and the calibration itself."""

    probabilities: Floats
    slope: Floats
    offset: Floats


def load(folder: Path) -> Data:
    """The corpus, ready to be learned from."""
    found = list(examples(read(folder)))
    return data([example.line for example in found], [example.subject for example in found])


def data(lines: list[Line], subjects: list[Subject]) -> Data:
    """Labelled messages, ready to be learned from."""
    texts, rows = gathered(subjects)
    truth = np.array([[label in line.labels for label in LABELS] for line in lines], bool)
    said = {text: clean(text) for text in texts}
    return Data(lines, subjects, truth, [line.community for line in lines], counted(texts), said, rows)


class Steps(NamedTuple):
    """Both steps, fitted."""

    texts: Texts
    layers: Layers


def seen_apart(all_: Data) -> Seen:
    """What the second step sees of every example, by first steps that saw nothing of its community."""
    alone = all_._replace(
        subjects=[Subject(subject.text) for subject in all_.subjects],
        rows=np.where(np.arange(all_.rows.shape[1]) == 0, all_.rows, -1),
    )
    parts = dealt(all_.groups, _PARTS)
    steps = side_by_side([partial(_fit_texts, all_, ~part) for part in parts])
    seen: Seen | None = None
    for part, texts in zip(parts, steps, strict=True):
        found = Seen(inputs_of(all_, texts), inputs_of(alone, texts))
        if seen is None:
            seen = found
        seen.inputs[part], seen.alone[part] = found.inputs[part], found.alone[part]
    assert seen is not None  # noqa: S101 - there is at least one community
    return seen


def fit(all_: Data, seen: Seen) -> Steps:
    """Learn from everything. The second step sees scores as they are on communities not trained on."""
    everything = np.ones(len(all_.lines), bool)
    return Steps(
        *side_by_side([partial(_fit_texts, all_, everything), partial(_fit_layers, all_, seen, everything)])
    )


def _fit_texts(all_: Data, chosen: Bools) -> Texts:
    learned = repeated(all_, chosen)
    return fit_texts(all_.counts[all_.rows[learned, 0]], all_.truth[learned])


def _fit_layers(all_: Data, seen: Seen, chosen: Bools) -> Layers:
    learned = repeated(all_, chosen)
    alone = learned[::_ALONE]
    return fit_layers(
        np.vstack([seen.inputs[learned], seen.alone[alone]]),
        np.vstack([all_.truth[learned], all_.truth[alone]]),
    )


def repeated(all_: Data, chosen: Bools) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """The numbers of the chosen examples, ordinary ones several times: most of what is ever read is like them."""
    times = [_ORDINARY if line.is_ordinary else 1 for line in all_.lines]
    return np.repeat(np.arange(len(times)), np.where(chosen, times, 0))


def inputs_of(all_: Data, texts: Texts) -> Floats:
    """What the second step sees of every example, by a first step."""
    scores = np.vstack([tame(read_texts(texts, all_.counts)), np.zeros((1, len(LABELS)), np.float32)])
    around = scores[all_.rows].reshape(len(all_.lines), -1)
    return arranged(around, all_.subjects, all_.said, LABELS)


def dealt(groups: Sequence[str], parts: int) -> list[Bools]:
    """The communities dealt into parts, always alike; each as a mask of examples."""
    names = sorted(set(groups))
    np.random.default_rng(7).shuffle(names)
    part = {name: n % parts for n, name in enumerate(names)}
    where = np.array([part[name] for name in groups])
    return [where == n for n in range(min(parts, len(names)))]


def judge(all_: Data, seen: Seen) -> Judged:
    """The probabilities of every example, by steps that saw nothing of its community (see `seen_apart`)."""
    logits = np.zeros(all_.truth.shape, np.float32)
    parts = dealt(all_.groups, _PARTS)
    steps = side_by_side([partial(_fit_layers, all_, seen, ~part) for part in parts])
    for part, layers in zip(parts, steps, strict=True):
        logits[part] = read_layers(layers, seen.inputs[part])
    usual = repeated(all_, np.ones(len(logits), bool))
    slope, offset = fit_line(logits[usual], all_.truth[usual])
    return Judged(1 / (1 + np.exp(-(logits * slope + offset))), slope, offset)


def best_threshold(probabilities: Floats, truth: Bools) -> float:
    """From which probability on a label is best given: where F1 is greatest, in steps of one hundredth.

    F1 hardly changes over a long stretch of them. Of that the one is taken that is nearest to half the greatest F1, where
    it would be greatest if the probabilities were quite right (Lipton, Elkan and Narayanaswamy 2014).
    """
    steps = np.arange(0.05, 0.95, 0.01)
    given = probabilities[:, None] >= steps
    hits = (given & truth[:, None]).sum(0)
    f1 = 2 * hits / np.maximum(given.sum(0) + truth.sum(), 1)
    good = steps[f1 >= f1.max() - 0.003]
    return round(float(good[np.abs(good - f1.max() / 2).argmin()]), 2)


def unsure_from(given: float) -> float:
    """From which probability on a person should look, below the one from which a label is given."""
    return round(max(given * 0.6, 0.1), 2)


def content(steps: Steps, judged: Judged, thresholds: dict[str, float], card: dict[str, Any]) -> bytes:
    """The model as its file."""
    texts, layers = steps
    return orjson.dumps(
        {
            "form": FORM, "buckets": BUCKETS, "labels": LABELS, "card": card,
            "thresholds": {label: (given, unsure_from(given)) for label, given in thresholds.items()},
            "rarity": packed(texts.rarity), "weights": packed(texts.weights.ravel()), "bias": packed(texts.bias),
            "layers": [
                {"shape": weights.shape, "weights": packed(weights.ravel()), "bias": packed(bias)}
                for weights, bias in zip(layers.weights, layers.biases, strict=True)
            ],
            "slope": packed(judged.slope), "offset": packed(judged.offset),
        }
    )  # fmt: skip
