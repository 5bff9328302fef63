"""The trained model: how sure is it that a message bears each label? One JSON file, read once; no training library.

Two steps. A linear one reads texts alone (`scores`). A small network then looks at the scores of a message, of those
around it, and at its place (`probabilities`); its outcome is calibrated by a line of its own for each label (Platt).
"""

import base64
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from bot.classifiers import Subject
from bot.classifiers.cues import clean
from bot.classifiers.features import BUCKETS, Floats, facts, hints, shape, tokens
from bot.classifiers.words import Codes, Words

FORM = 2
"""Of the file; raised when an older program could not read it."""

SHIPPED = Path(__file__).parent / "models" / "labels.json"

_LARGEST = 6.0
_BLOCK = 64


class Threshold(NamedTuple):
    """From which probability on a label is given, and from which on a person should look."""

    given: float
    unsure: float


class Model:
    """Reads `labels`, in that order; every array of its answers has a column for each."""

    def __init__(self, content: bytes) -> None:
        self.fingerprint = sha256(content).hexdigest()
        told = orjson.loads(content)
        if told.get("form") != FORM or told.get("buckets") != BUCKETS:
            raise ValueError(
                "it is a model of another form: train it again, or install the program that made it"
            )
        self.labels: tuple[str, ...] = tuple(told["labels"])
        self.card: dict[str, Any] = told["card"]
        self.thresholds = {label: Threshold(*each) for label, each in told["thresholds"].items()}
        rarity = self.rarity = unpacked(told["rarity"])
        self._weights = unpacked(told["weights"]).reshape(BUCKETS, -1) * rarity[:, None]
        self._norms = rarity**2
        self._bias = unpacked(told["bias"])
        self.layers = [
            (unpacked(layer["weights"]).reshape(layer["shape"]), unpacked(layer["bias"]))
            for layer in told["layers"]
        ]
        self.slope, self.offset = unpacked(told["slope"]), unpacked(told["offset"])
        self._words = Words(self._weights, self._norms)

    def probabilities(self, subjects: Sequence[Subject]) -> Floats:
        """One row a subject, one column a label."""
        found = np.zeros((len(subjects), len(self.labels)), np.float32)
        if not subjects:
            return found
        inputs = self.inputs(subjects)
        (first, first_bias), (second, second_bias) = self.layers
        # Blocks of one size: a product's last digit depends on its shape, and equal subjects must be judged alike.
        block = np.zeros((_BLOCK, inputs.shape[1]), np.float32)
        for start in range(0, len(inputs), _BLOCK):
            some = inputs[start : start + _BLOCK]
            block[: len(some)] = some
            logits = np.maximum(block @ first + first_bias, 0) @ second + second_bias
            found[start : start + _BLOCK] = logits[: len(some)]
        probabilities: Floats = 1 / (1 + np.exp(-(found * self.slope + self.offset)))
        return probabilities

    def inputs(self, subjects: Sequence[Subject]) -> Floats:
        """What the second step looks at."""
        texts, rows = gathered(subjects)
        looks = [clean(text) for text in texts]
        scores = np.vstack([tame(self.read(looks).scores), np.zeros((1, len(self.labels)), np.float32)])
        around = scores[rows].reshape(len(subjects), -1)
        return arranged(around, subjects, dict(zip(texts, looks, strict=True)), self.labels)

    def read(self, said: Sequence[str]) -> "Read":
        """Cleaned texts, read alone."""
        words = self._words
        words.forget()
        starts: list[int] = []
        numbers: list[int] = []
        for text in said:
            starts.append(len(numbers))
            numbers += words.numbers(tokens(text))
        begin, at = np.array(starts), np.array(numbers)
        together = np.ones(len(at) - 1, bool)
        together[begin[1:] - 1] = False  # one text's last word and the next one's first
        pairs = words.pairs(at[:-1][together], at[1:][together])
        first = begin - np.arange(len(begin))  # of each text's pairs
        sums = np.add.reduceat(words.sums[at], begin)
        total = sums[:, :-1] + np.add.reduceat(self._weights[pairs], first)
        norm = np.sqrt(sums[:, -1] + np.add.reduceat(self._norms[pairs], first))
        scores: Floats = total / norm[:, None] + self._bias
        return Read(scores, norm, words.buckets(at), begin, pairs, first)


class Read(NamedTuple):
    """Texts as the linear step reads them."""

    scores: Floats
    """A row a text: logits."""
    norms: Floats
    """By which what is in each text is divided."""
    words: Codes
    """The buckets of all words, text by text, and where each text begins; the same of pairs of words."""
    first_words: NDArray[np.int64]
    pairs: Codes
    first_pairs: NDArray[np.int64]


@cache
def shipped() -> Model:
    """The model that comes with the program."""
    return Model(SHIPPED.read_bytes())


def neighbours(subject: Subject) -> tuple[str | None, ...]:
    """The texts that the second step looks at, the message's own first."""
    return (
        subject.text, subject.root, subject.parent, subject.before, subject.after, subject.reply, subject.then_asker,
    )  # fmt: skip


def gathered(subjects: Sequence[Subject]) -> tuple[list[str], NDArray[np.int64]]:
    """The texts of subjects and of their neighbours, each once; and a row a subject: where they are; -1: none."""
    rows: dict[str, int] = {}
    index = [
        [-1 if text is None else rows.setdefault(text, len(rows)) for text in neighbours(subject)]
        for subject in subjects
    ]
    return list(rows), np.array(index, np.int64)


def arranged(
    around: Floats, subjects: Sequence[Subject], said: dict[str, str], labels: Sequence[str]
) -> Floats:
    """The inputs of the second step: the tamed scores around each subject, the message's place, shape and cues."""
    question = len(labels) + list(labels).index("question")  # of the root
    for row, subject in enumerate(subjects):
        if subject.asked is not None and subject.root is not None:
            around[row, question] = 1.0 if subject.asked else -1.0
    seen = np.array(
        [
            [*facts(subject), *shape(subject.text, said[subject.text]), *hints(subject.text)]
            for subject in subjects
        ],
        np.float32,
    )
    return np.hstack([around, seen]).astype(np.float32)


def tame(scores: Floats) -> Floats:
    """Scores as the second step takes them: within bounds."""
    return (np.clip(scores, -_LARGEST, _LARGEST) / 2).astype(np.float32)


def tame_slope(scores: Floats) -> Floats:
    """How fast what `tame` gives changes with scores."""
    found: Floats = ((np.abs(scores) < _LARGEST) / 2).astype(np.float32)
    return found


def packed(values: Floats) -> str:
    """An array as the file holds it: two bytes a number."""
    return base64.b64encode(values.astype("<f2").tobytes()).decode()


def unpacked(told: str) -> Floats:
    """The array again, flat."""
    return np.frombuffer(base64.b64decode(told), "<f2").astype(np.float32)
