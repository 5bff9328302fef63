"""The shipped model, adapted to one community by what its moderators said.

To each calibrated logit of the shipped model a correction is added: an offset (how common the label is here), and
weights of words (how it is said here). Both are learned from verdicts, shrunk towards nothing, held in place by messages
that nobody spoke of, and taken over only where verdicts that were not learned from say that it got better. Plain numpy:
no training library.
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

_PARTS = 5
_ROUNDS = 60
_OFFSET_RESTRAINT, _WORD_RESTRAINT = 1.0, 0.25
_ANCHOR = 6.0
"""How heavy the messages that nobody spoke of are, for each verdict that nobody asked for."""
_LEAST_GAIN = 0.5
"""Standard errors by which the mean gain in log-likelihood a verdict must lie above nothing."""
_TOLD = 5
"""Verdicts from which on a giver is judged, and the test of all of them."""
_MOST_TELLING = 4.0


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
    """The corrections that stand the test; a label that is not in it stays as it ships.

    The test is one for all labels together, since each alone has few verdicts; a label that got worse stays out.
    People mostly speak up where the machine is wrong. `background`, messages of the community that nobody spoke of,
    holds the rest in place: there the corrected model must stay close to what it said before.
    """
    rest = _Rest(logit(model.probabilities(background)), texts_of(model, [each.text for each in background]))
    heard = honest(model, judgements, rest.logits)
    found, gains, drawn = {}, [np.zeros(0, np.float32)], [np.zeros(0, bool)]
    for column, label in enumerate(model.labels):
        about = [each for each in heard if each.label == label]
        if not about:
            continue
        base = logit(model.probabilities([each.subject for each in about]))[:, column]
        truth = np.array([each.verdict for each in about], np.float32)
        case = _Case(base, texts_of(model, [each.subject.text for each in about]), truth, np.ones_like(truth))
        asked = np.array([each.is_sampled for each in about])
        held = _held(case, asked, _dealt(about), rest.of(column))
        gain = loss(base, truth) - loss(base + held, truth)
        gains.append(gain)
        drawn.append(asked)
        if gain.mean() > 0:
            whole = _fit(_anchored(case, asked, rest.of(column)))
            found[label] = Correction(whole.offset, whole.words, float(gain.mean()), len(about))
    return found if _stands(np.concatenate(gains), np.concatenate(drawn)) else {}


def _stands(gains: Floats, drawn: NDArray[np.bool_]) -> bool:
    """Whether verdicts got likelier, and those on messages drawn at random, if any, not less likely."""
    if len(gains) < _TOLD or gains.mean() <= _LEAST_GAIN * _error(gains):
        return False
    return not drawn.any() or bool(gains[drawn].mean() >= -_LEAST_GAIN * _error(gains[drawn]))


def _error(gains: Floats) -> float:
    return float(gains.std() / np.sqrt(len(gains)))


class _Rest(NamedTuple):
    """The messages that nobody spoke of, and how the model sees them."""

    logits: Floats
    seen: Texts

    def of(self, column: int) -> "_Rest":
        """What it says of one label."""
        return self._replace(logits=self.logits[:, column])


def _held(case: "_Case", asked: NDArray[np.bool_], parts: NDArray[np.int64], rest: _Rest) -> Floats:
    """For each verdict what the correction adds to it when it is learned from the others."""
    held = np.zeros(len(parts), np.float32)
    for part in range(_PARTS):
        inside, outside = np.flatnonzero(parts != part), np.flatnonzero(parts == part)
        if len(inside) and len(outside):
            some = _Case(case.base[inside], case.seen.of(inside), case.truth[inside], case.weights[inside])
            held[outside] = added(_fit(_anchored(some, asked[inside], rest)), case.seen.of(outside))
    return held


class _Case(NamedTuple):
    """What a correction is fitted to: logits before, texts, what is wanted (0 to 1), and how much each counts."""

    base: Floats
    seen: Texts
    truth: Floats
    weights: Floats


def _anchored(case: _Case, asked: NDArray[np.bool_], rest: _Rest) -> _Case:
    """The case together with the background. Verdicts on what was drawn at random need none to be true of the rest."""
    if not len(rest.logits) or asked.all():
        return case
    share = np.full(len(rest.logits), _ANCHOR * (~asked).sum() / len(rest.logits), np.float32)
    both = Texts(
        np.concatenate([case.seen.buckets, rest.seen.buckets]),
        np.concatenate([case.seen.values, rest.seen.values]),
        np.concatenate([case.seen.starts, rest.seen.starts + len(case.seen.buckets)]),
    )
    return _Case(
        np.concatenate([case.base, rest.logits]), both,
        np.concatenate([case.truth, 1 / (1 + np.exp(-rest.logits))]), np.concatenate([case.weights, share]),
    )  # fmt: skip


def _fit(case: _Case) -> Correction:
    """Maximum a posteriori, by gradient steps of their own length in every direction (Adam)."""
    seen = case.seen
    lengths = np.diff(np.append(seen.starts, len(seen.buckets)))
    used, place = np.unique(seen.buckets, return_inverse=True)
    words = np.zeros(len(used), np.float32)
    offset = 0.0
    slow, fast = np.zeros(len(used) + 1), np.zeros(len(used) + 1)
    for step in range(1, _ROUNDS + 1):
        logits = case.base + offset + np.add.reduceat(words[place] * seen.values, seen.starts)
        off = case.weights * (1 / (1 + np.exp(-logits)) - case.truth)
        pull = np.append(
            np.bincount(place, np.repeat(off, lengths) * seen.values, len(used)) + _WORD_RESTRAINT * words,
            off.sum() + _OFFSET_RESTRAINT * offset,
        )
        slow, fast = 0.9 * slow + 0.1 * pull, 0.99 * fast + 0.01 * pull**2
        move = 0.1 * (slow / (1 - 0.9**step)) / (np.sqrt(fast / (1 - 0.99**step)) + 1e-6)
        offset -= float(move[-1])
        words -= move[:-1].astype(np.float32)
    spread = np.zeros(BUCKETS, np.float32)
    spread[used] = words
    return Correction(offset, spread)


def honest(model: Model, judgements: Sequence[Judgement], logits: Floats) -> list[Judgement]:
    """The verdicts that can be believed. `logits`: of messages that nobody chose, for comparison.

    Whoever looks, be it only at what is wrong, says yes to what is likelier than most that bears as little (or as much)
    of the label by the model, and no to what is less likely. Whoever guesses, says yes to anything, or says the contrary
    of what is so, does not. People are judged by what they say yes to; where that is little, by what they say no to.
    """
    if not len(logits):
        return list(judgements)
    columns = np.array([model.labels.index(each.label) for each in judgements], np.int64)
    spoken = logit(model.probabilities([each.subject for each in judgements]))[
        np.arange(len(columns)), columns
    ]
    lines = logit(np.array([model.thresholds[label].given for label in model.labels], np.float32))
    given, others = spoken >= lines[columns], logits >= lines
    usual = np.where(given, _usual(logits[others]), _usual(logits[~others]))
    telling = spoken - usual
    verdicts = np.array([each.verdict for each in judgements], bool)
    telling = np.clip(np.where(verdicts, telling, -telling), -_MOST_TELLING, _MOST_TELLING)
    givers = np.array([each.decider for each in judgements])
    # A no that nobody asked for, to what hardly could be, only tells how often it was said.
    heard = verdicts | given | (spoken > usual) | np.array([each.is_sampled for each in judgements], bool)
    for giver in {each.decider for each in judgements}:
        own = heard & (givers == giver)
        own_yes, own_no = telling[own & verdicts], telling[own & ~verdicts]
        judged = own_yes if len(own_yes) >= _TOLD else own_no
        if len(judged) >= _TOLD and judged.mean() <= 0:
            heard[givers == giver] = False
    return [each for each, is_heard in zip(judgements, heard, strict=True) if is_heard]


def _usual(logits: Floats) -> float:
    """The logit of the mean probability."""
    p = 1 / (1 + np.exp(-logits))
    return float(np.log(p.sum() / (1 - p).sum())) if len(p) else 0.0


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
