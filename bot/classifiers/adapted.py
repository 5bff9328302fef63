"""The shipped model, adapted to one community by what its moderators said.

To each calibrated logit of the shipped model a correction is added: an offset (how common the label is here), and
weights of words (how it is said here). Both are learned from verdicts alone, shrunk towards nothing, and taken over
for a label only where verdicts that were not learned from say that it got better. Plain numpy: no training library.
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

FEW, ENOUGH_FOR_WORDS = 8, 60
"""Verdicts on a label from which on its offset, and its words, are learned."""

_PARTS = 5
_ROUNDS = 60
_OFFSET_RESTRAINT = 1.0
_WORD_RESTRAINT = 0.15
_LEAST_GAIN, _LEAST_GAIN_UNASKED, _MOSTLY = 1.0, 2.0, 0.5
"""In standard errors of the mean gain in log-likelihood a verdict; more where most verdicts were not asked for."""
_ANCHOR = 1.0
_SURE, _TESTED, _HONEST = 4.6, 10, 0.7
"""Of at least 10 verdicts on what the model is 99 % sure of, an honest giver agrees with 70 %."""


class Judgement(NamedTuple):
    """A person's verdict: this message is, or is not, `label`."""

    subject: Subject
    label: str
    verdict: bool
    group: str
    """What must not be torn between learning and testing: the conversation."""
    decider: str = ""
    is_sampled: bool = False
    """It was asked for, on a message drawn at random; else somebody spoke up, mostly where the machine was wrong."""


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


def learn(
    model: Model, judgements: Sequence[Judgement], background: Sequence[Subject] = ()
) -> dict[str, Correction]:
    """The corrections that stand the test, label by label; a label that is not in it stays as it ships.

    People mostly speak up where the machine is wrong. `background`, messages of the community that nobody spoke of,
    holds the rest in place: there the corrected model must stay close to what it said before.
    """
    calm = _Calm(model, background)
    trusted = trust(model, judgements)
    found = {}
    for label in model.labels:
        about = [each for each in judgements if each.label == label and trusted.get(each.decider, 1.0) > 0]
        if len(about) >= FEW and len({each.verdict for each in about}) > 1:
            weights = np.array([trusted.get(each.decider, 1.0) for each in about], np.float32)
            correction = _learn_label(model, label, about, weights, calm)
            if correction is not None:
                found[label] = correction
    return found


class _Calm:
    """The messages that nobody spoke of, and how the model sees them."""

    def __init__(self, model: Model, subjects: Sequence[Subject]) -> None:
        self.logits = logit(model.probabilities(subjects))
        self.seen = texts_of(model, [subject.text for subject in subjects]) if subjects else None


def _learn_label(
    model: Model, label: str, about: Sequence[Judgement], weights: Floats, calm: _Calm
) -> Correction | None:
    column = model.labels.index(label)
    base = logit(model.probabilities([each.subject for each in about]))[:, column]
    seen = texts_of(model, [each.subject.text for each in about])
    truth = np.array([each.verdict for each in about], np.float32)
    parts = _dealt(about)
    shipped = loss(base, truth)
    rest = calm.logits[:, column] if calm.seen is not None else None
    drawn = np.array([each.is_sampled for each in about])
    best: Correction | None = None
    for with_words in (False, True):
        # How common a label is can be learned from messages drawn at random alone.
        chosen = np.flatnonzero(drawn | with_words)
        if len(chosen) < (ENOUGH_FOR_WORDS if with_words else FEW):
            continue
        case = _Case(base[chosen], seen.of(chosen), truth[chosen], weights[chosen])
        plain, held = _held(case, parts[chosen], rest, calm.seen, with_words=with_words)
        # Words must know more than how often this giver says yes, which whoever guesses would know too.
        before = (
            np.minimum(shipped[chosen].mean(), loss(case.base + plain, case.truth).mean())
            if with_words
            else None
        )
        gains = shipped[chosen] - loss(case.base + held, case.truth)
        gain, error = float(gains.mean()), float(gains.std() / np.sqrt(len(gains)))
        beyond = gain if before is None else float(before - loss(case.base + held, case.truth).mean())
        least = _LEAST_GAIN if drawn[chosen].mean() > _MOSTLY else _LEAST_GAIN_UNASKED
        if min(gain, beyond) > least * error and (best is None or gain > best.gain):
            whole = _fit(_anchored(case, rest, calm.seen), with_words=with_words)
            best = Correction(whole.offset, whole.words, gain, len(chosen))
    return best


def _held(
    case: "_Case", parts: NDArray[np.int64], rest: Floats | None, calm: Texts | None, *, with_words: bool
) -> tuple[Floats, Floats]:
    """For each verdict what an offset alone, and what the correction, adds to it when learned from the others."""
    plain, held = np.zeros(len(parts), np.float32), np.zeros(len(parts), np.float32)
    for part in range(_PARTS):
        inside, outside = np.flatnonzero(parts != part), np.flatnonzero(parts == part)
        if len(inside) and len(outside):
            some = _Case(case.base[inside], case.seen.of(inside), case.truth[inside], case.weights[inside])
            fitted = _fit(_anchored(some, rest, calm), with_words=with_words)
            held[outside] = added(fitted, case.seen.of(outside))
            plain[outside] = _fit(some, with_words=False).offset
    return plain, held


class _Case(NamedTuple):
    """What a correction is fitted to: logits before, texts, what is wanted (0 to 1), and how much each counts."""

    base: Floats
    seen: Texts
    truth: Floats
    weights: Floats


def _anchored(case: _Case, rest: Floats | None, seen: Texts | None) -> _Case:
    """The case together with the background, as heavy as all verdicts together."""
    if rest is None or seen is None:
        return case
    share = np.full(len(rest), _ANCHOR * float(case.weights.sum()) / len(rest), np.float32)
    wanted = 1 / (1 + np.exp(-rest))
    both = Texts(
        np.concatenate([case.seen.buckets, seen.buckets]),
        np.concatenate([case.seen.values, seen.values]),
        np.concatenate([case.seen.starts, seen.starts + len(case.seen.buckets)]),
    )
    return _Case(
        np.concatenate([case.base, rest]), both, np.concatenate([case.truth, wanted]),
        np.concatenate([case.weights, share]),
    )  # fmt: skip


def _fit(case: _Case, *, with_words: bool) -> Correction:
    """Maximum a posteriori, by gradient steps of their own length in every direction (Adam)."""
    seen = case.seen
    lengths = np.diff(np.append(seen.starts, len(seen.buckets)))
    used, place = np.unique(seen.buckets, return_inverse=True)
    words = np.zeros(len(used), np.float32)
    offset = 0.0
    slow, fast = np.zeros(len(used) + 1), np.zeros(len(used) + 1)
    for step in range(1, _ROUNDS + 1):
        logits: Floats = (case.base + offset).astype(np.float32)
        if with_words:
            logits += np.add.reduceat(words[place] * seen.values, seen.starts)
        off = case.weights * (1 / (1 + np.exp(-logits)) - case.truth)
        pull = np.zeros(len(used) + 1)
        pull[-1] = off.sum() + _OFFSET_RESTRAINT * offset
        if with_words:
            pull[:-1] = (
                np.bincount(place, np.repeat(off, lengths) * seen.values, len(used)) + _WORD_RESTRAINT * words
            )
        slow, fast = 0.9 * slow + 0.1 * pull, 0.99 * fast + 0.01 * pull**2
        move = 0.1 * (slow / (1 - 0.9**step)) / (np.sqrt(fast / (1 - 0.99**step)) + 1e-6)
        offset -= float(move[-1])
        words -= move[:-1].astype(np.float32)
    if not with_words:
        return Correction(offset)
    spread = np.zeros(BUCKETS, np.float32)
    spread[used] = words
    return Correction(offset, spread)


def trust(model: Model, judgements: Sequence[Judgement]) -> dict[str, float]:
    """How much each giver's verdicts count, 0 to 1, of those who were asked about messages drawn at random.

    Who says yes (or no) to everything the model is sure against, far oftener than the model errs, says nothing.
    """
    found = {}
    for giver in sorted({each.decider for each in judgements}):
        own = [each for each in judgements if each.decider == giver and each.is_sampled]
        if not own:
            continue
        columns = [model.labels.index(each.label) for each in own]
        logits = logit(model.probabilities([each.subject for each in own]))[np.arange(len(own)), columns]
        sure = np.abs(logits) > _SURE
        if sure.sum() >= _TESTED:
            verdicts = np.array([each.verdict for each in own])
            right = float(((logits > 0) == verdicts)[sure].mean())
            found[giver] = 1.0 if right >= _HONEST else 0.0
    return found


def loss(logits: Floats, truth: Floats) -> Floats:
    """Minus the log-likelihood of each verdict."""
    found: Floats = np.logaddexp(0, logits) - truth * logits
    return found


def _dealt(about: Sequence[Judgement]) -> NDArray[np.int64]:
    return np.array([int(sha256(each.group.encode()).hexdigest(), 16) % _PARTS for each in about])


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
