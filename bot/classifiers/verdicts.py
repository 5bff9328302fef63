"""What moderators said, made into corrections of the shipped model (`bot.classifiers.adapted`).

They are shrunk towards nothing, held in place by messages that nobody spoke of, and taken over only where verdicts that
they were not learned from say that it got better. Plain numpy: no training library.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bot.classifiers import Subject
from bot.classifiers.adapted import Correction, Texts, added, logit, texts_of
from bot.classifiers.features import BUCKETS, Floats
from bot.classifiers.model import Model

Bools = NDArray[np.bool_]

_PARTS = 5
_ROUNDS = 60
_OFFSET_RESTRAINT, _WORD_RESTRAINT = 1.0, 0.25
_ANCHOR = 6.0
"""How heavy the messages that nobody spoke of are, for each verdict that nobody asked for."""
_LEAST_GAIN = 0.5
"""Standard errors by which the mean gain in log-likelihood a verdict must lie above nothing."""
_PICKED = 0.65
"""How much it counts against a correction that it finds the label likelier everywhere, not only where it was missed."""
_TOLD = 5
"""Verdicts from which on a giver is judged, and the test of all of them."""
_MOST_TELLING = 4.0
"""Logits by which a single verdict may speak for or against its giver."""


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


def learn(
    model: Model, judgements: Sequence[Judgement], background: Sequence[Subject] = ()
) -> dict[str, Correction]:
    """The corrections that stand the test; a label that is not in it stays as it ships.

    The test is one for all labels together, since each alone has few verdicts; a label that got worse stays out.
    People mostly speak up where the machine is wrong. `background`, messages of the community that nobody spoke of,
    holds the rest in place: there the corrected model must stay close to what it said before.
    """
    columns = np.array([model.labels.index(each.label) for each in judgements], np.int64)
    base = logit(model.probabilities([each.subject for each in judgements]))[np.arange(len(columns)), columns]
    truth = np.array([each.verdict for each in judgements], np.float32)
    drawn = np.array([each.is_sampled for each in judgements], bool)
    lines = logit(np.array([model.thresholds[label].given for label in model.labels], np.float32))
    given = base >= lines[columns]
    said = logit(model.probabilities(background))
    rest = _Rest(said, said >= lines, texts_of(model, [each.text for each in background]))
    heard = honest(judgements, base, given, rest.logits, rest.given)
    missed = (truth > 0) & ~given & ~drawn
    found, gains = {}, np.zeros_like(truth)
    for column, label in enumerate(model.labels):
        chosen = np.flatnonzero(heard & (columns == column))
        if not len(chosen):
            continue
        about = [judgements[n] for n in chosen.tolist()]
        seen = texts_of(model, [each.subject.text for each in about])
        case = _Case(base[chosen], seen, truth[chosen], np.ones(len(chosen), np.float32))
        held, wider = _held(case, drawn[chosen], _dealt(about), rest.of(column))
        gain = loss(case.base, case.truth) - loss(case.base + held, case.truth)
        # What was missed was picked from all that was not given: to find all of that likelier is to know nothing.
        gain -= _PICKED * missed[chosen] * wider
        gains[chosen] = gain
        if gain.mean() > 0:
            whole = _fit(_anchored(case, drawn[chosen], rest.of(column)))
            found[label] = Correction(whole.offset, whole.words, float(gain.mean()), len(about))
    return found if _stands(gains[heard], drawn[heard]) else {}


def _stands(gains: Floats, drawn: Bools) -> bool:
    """Whether verdicts got likelier, and those on messages drawn at random, if any, not less likely."""
    if len(gains) < _TOLD or gains.mean() <= _LEAST_GAIN * _error(gains):
        return False
    return not drawn.any() or bool(gains[drawn].mean() >= -_LEAST_GAIN * _error(gains[drawn]))


def _error(gains: Floats) -> float:
    return float(gains.std() / np.sqrt(len(gains)))


class _Rest(NamedTuple):
    """The messages that nobody spoke of, and how the model sees them."""

    logits: Floats
    given: Bools
    """Where the model gives the label."""
    seen: Texts

    def of(self, column: int) -> "_Rest":
        """What it says of one label."""
        return self._replace(logits=self.logits[:, column], given=self.given[:, column])

    def likelier(self, learned: Correction) -> float:
        """The logarithm of how many times likelier a correction makes the label, on average, where it is not given."""
        if self.given.all():
            return 0.0
        after = (self.logits + added(learned, self.seen))[~self.given]
        return float(np.log(_chance(after).mean() / _chance(self.logits[~self.given]).mean()))


def _chance(logits: Floats) -> Floats:
    found: Floats = (1 / (1 + np.exp(-logits))).astype(np.float32)
    return found


def _held(case: "_Case", drawn: Bools, parts: NDArray[np.int64], rest: _Rest) -> tuple[Floats, Floats]:
    """For each verdict what the correction that is learned from the others adds to it, and see `_Rest.likelier`."""
    held, wider = np.zeros(len(parts), np.float32), np.zeros(len(parts), np.float32)
    for part in range(_PARTS):
        inside, outside = np.flatnonzero(parts != part), np.flatnonzero(parts == part)
        if len(inside) and len(outside):
            some = _Case(case.base[inside], case.seen.of(inside), case.truth[inside], case.weights[inside])
            learned = _fit(_anchored(some, drawn[inside], rest))
            held[outside], wider[outside] = added(learned, case.seen.of(outside)), rest.likelier(learned)
    return held, wider


class _Case(NamedTuple):
    """What a correction is fitted to: logits before, texts, what is wanted (0 to 1), and how much each counts."""

    base: Floats
    seen: Texts
    truth: Floats
    weights: Floats


def _anchored(case: _Case, drawn: Bools, rest: _Rest) -> _Case:
    """The case together with the background. Verdicts on what was drawn at random need none to be true of the rest."""
    if not len(rest.logits) or drawn.all():
        return case
    share = np.full(len(rest.logits), _ANCHOR * (~drawn).sum() / len(rest.logits), np.float32)
    both = Texts(
        np.concatenate([case.seen.buckets, rest.seen.buckets]),
        np.concatenate([case.seen.values, rest.seen.values]),
        np.concatenate([case.seen.starts, rest.seen.starts + len(case.seen.buckets)]),
    )
    return _Case(
        np.concatenate([case.base, rest.logits]), both,
        np.concatenate([case.truth, _chance(rest.logits)]), np.concatenate([case.weights, share]),
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
        off = case.weights * (_chance(logits) - case.truth)
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


def honest(
    judgements: Sequence[Judgement], spoken: Floats, given: Bools, rest: Floats, rest_given: Bools
) -> Bools:
    """Which verdicts can be believed.

    Whoever looks, be it only at what is wrong, says yes to what is likelier than most that bears as little (or as much)
    of the label by the model, and no to what is less likely. Whoever guesses, says yes to anything, or says the contrary
    of what is so, does not. People are judged by what they say yes to; where that is little, by what they say no to.

    Args:
        judgements: all that was said.
        spoken: the model's logit of each.
        given: whether the model gives the label there.
        rest: the logits of messages that nobody chose, a column a label, for comparison.
        rest_given: whether the model gives the label there.
    """
    if not len(judgements) or not len(rest):
        return np.ones(len(judgements), bool)
    usual = np.where(given, _mean(rest[rest_given]), _mean(rest[~rest_given]))
    yes = np.array([each.verdict for each in judgements], bool)
    telling = np.clip(np.where(yes, spoken - usual, usual - spoken), -_MOST_TELLING, _MOST_TELLING)
    # A no that nobody asked for, to what hardly could be, only tells how often it was said.
    heard: Bools = yes | given | (spoken > usual) | np.array([each.is_sampled for each in judgements], bool)
    givers = np.array([each.decider for each in judgements])
    for giver in {each.decider for each in judgements}:
        own = heard & (givers == giver)
        judged = telling[own & yes] if (own & yes).sum() >= _TOLD else telling[own & ~yes]
        if len(judged) >= _TOLD and judged.mean() <= _LEAST_GAIN * _error(judged):
            heard[givers == giver] = False
    return heard


def _mean(logits: Floats) -> float:
    """The logit of the mean probability."""
    p = _chance(logits)
    return float(np.log(p.sum() / (1 - p).sum())) if len(p) else 0.0


def loss(logits: Floats, truth: Floats) -> Floats:
    """Minus the log-likelihood of each verdict."""
    found: Floats = np.logaddexp(0, logits) - truth * logits
    return found


def _dealt(about: Sequence[Judgement]) -> NDArray[np.int64]:
    return np.array([int(sha256(each.group.encode()).hexdigest(), 16) % _PARTS for each in about])
