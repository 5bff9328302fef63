"""The shipped model, adapted to one community by what its moderators said.

To each calibrated logit of the shipped model a correction is added: an offset (how common the label is here), and
weights of words (how it is said here). They are learned by `bot.classifiers.verdicts`.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from bot.classifiers import Subject
from bot.classifiers.cues import clean
from bot.classifiers.features import BUCKETS, Floats, pair_buckets, tokens, word_buckets
from bot.classifiers.model import Model


class Texts(NamedTuple):
    """Bucket counts of texts, one after the other, scaled as the model scales them."""

    buckets: NDArray[np.int64]
    values: Floats
    starts: NDArray[np.int64]

    def of(self, rows: NDArray[np.int64]) -> "Texts":
        """The texts of these rows."""
        ends = np.append(self.starts[1:], len(self.buckets))
        lengths = ends[rows] - self.starts[rows]
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
        at = np.repeat(self.starts[rows] - starts, lengths) + np.arange(lengths.sum())
        return Texts(self.buckets[at], self.values[at], starts)


@dataclass(frozen=True, slots=True)
class Correction:
    """What is added to the logits of one label."""

    offset: float = 0.0
    words: Floats | None = None
    gain: float = 0.0
    """Log-likelihood a verdict that was not learned from, more than with the shipped model."""
    verdicts: int = 0


class Adapted(Model):
    """A model with corrections. It answers as `Model` does."""

    def __init__(self, shipped: bytes, content: bytes) -> None:
        super().__init__(shipped)
        told = orjson.loads(content)
        self.base = self.fingerprint
        self.fingerprint = sha256(shipped + content).hexdigest()
        self.card = {**self.card, "local": told.get("card", {})}
        self.corrections = {
            label: _unpacked(each) for label, each in told["corrections"].items() if label in self.labels
        }

    def probabilities(self, subjects: Sequence[Subject]) -> Floats:
        """One row a subject, one column a label."""
        found = super().probabilities(subjects)
        if not subjects or not self.corrections:
            return found
        logits = logit(found)
        seen = texts_of(self, [subject.text for subject in subjects])
        for label, correction in self.corrections.items():
            logits[:, self.labels.index(label)] += added(correction, seen)
        corrected: Floats = (1 / (1 + np.exp(-logits))).astype(np.float32)
        return corrected


def logit(probabilities: Floats) -> Floats:
    """The logits of probabilities, within bounds."""
    p = np.clip(probabilities, 1e-4, 1 - 1e-4)
    found: Floats = np.log(p / (1 - p))
    return found


def texts_of(model: Model, texts: Sequence[str]) -> Texts:
    """Texts as corrections see them."""
    buckets: list[int] = []
    starts = []
    for text in texts:
        words = tokens(clean(text))
        starts.append(len(buckets))
        buckets += pair_buckets(words)
        buckets += [bucket for word in words for bucket in word_buckets(word)]
    at, begin = np.array(buckets, np.int64), np.array(starts, np.int64)
    norms = np.sqrt(np.add.reduceat(model.rarity[at] ** 2, begin))
    lengths = np.diff(np.append(begin, len(at)))
    return Texts(at, (model.rarity[at] / np.repeat(norms, lengths)).astype(np.float32), begin)


def added(correction: Correction, seen: Texts) -> Floats:
    """The correction of each text's logit."""
    found = np.full(len(seen.starts), correction.offset, np.float32)
    if correction.words is not None:
        found += np.add.reduceat(correction.words[seen.buckets] * seen.values, seen.starts)
    return found


# --- the file -----------------------------------------------------------------------------------------------------


def content(corrections: dict[str, Correction], card: dict[str, Any]) -> bytes:
    """Corrections as kept: only the buckets that count."""
    return orjson.dumps(
        {"card": card, "corrections": {label: _packed(each) for label, each in corrections.items()}}
    )


def _packed(each: Correction) -> dict[str, Any]:
    told: dict[str, Any] = {"offset": each.offset, "gain": each.gain, "verdicts": each.verdicts}
    if each.words is not None:
        used = np.flatnonzero(np.abs(each.words) > 1e-3)  # noqa: PLR2004 - less changes nothing
        told["buckets"] = base64.b64encode(used.astype("<u2").tobytes()).decode()
        told["words"] = base64.b64encode(each.words[used].astype("<f2").tobytes()).decode()
    return told


def _unpacked(told: dict[str, Any]) -> Correction:
    words = None
    if "words" in told:
        words = np.zeros(BUCKETS, np.float32)
        used = np.frombuffer(base64.b64decode(told["buckets"]), "<u2")
        words[used] = np.frombuffer(base64.b64decode(told["words"]), "<f2").astype(np.float32)
    return Correction(told["offset"], words, told["gain"], told["verdicts"])
