"""What moderators said, made into a correction of the shipped model (`bot.classifiers.adapted`).

It is shrunk towards nothing, held in place by messages that nobody spoke of, and taken over only where verdicts that
it was not learned from say that it got better. Plain numpy: no training library.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from bot.classifiers import Subject
from bot.classifiers.adapted import Correction, Gain
from bot.classifiers.features import Floats
from bot.classifiers.model import Model
from bot.classifiers.view import View, chance

Bools = NDArray[np.bool_]
T = TypeVar("T", bound=np.generic)

_PARTS = 5
_ANCHOR = 6.0
"""How heavy the messages that nobody spoke of are, for each verdict that nobody asked for."""
_BEYOND_CHANCE = 2.0
"""Standard errors by which the mean gain in log-likelihood of verdicts that nobody asked for must lie above nothing."""
_WORTH = 0.03
"""What it must be at least, a verdict: what is less, many verdicts of somebody who is often wrong find as well."""
_EXPECTED = 0.3
"""How much it counts against it that errors are then expected everywhere, not only where they were found."""
_LEAST_GAIN = 0.5
"""Standard errors by which verdicts on messages drawn at random must gain, and what speaks for their giver be above nothing."""
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
) -> Correction | None:
    """The correction that stands the test; None where nothing does.

    The test is one for all labels together, since each alone has few verdicts; what was said of a label that clearly got
    worse is left out, and that label held to what the model said before.
    People mostly speak up where the machine is wrong. `background`, messages of the community that nobody spoke of,
    holds the rest in place: there the corrected model must stay close to what it said before.
    """
    if not judgements:
        return None
    said = _Said(model, judgements, background)
    gains, expected = np.zeros_like(said.truth), np.zeros_like(said.truth)
    parts = np.array([_part(each.group) for each in judgements])
    for part in range(_PARTS):
        inside, outside = said.heard & (parts != part), said.heard & (parts == part)
        if inside.any() and outside.any():
            logits = said.view.logits(said.fit(inside))
            gains[outside], expected[outside] = said.likelier(logits)[outside], said.more_errors(logits)
    # Who corrects picks from all that is wrong: to expect more of it everywhere is to know little of where it is.
    worth = gains - _EXPECTED * expected * said.corrects
    if not _stands(worth[said.heard], said.drawn[said.heard]):
        return None
    found = {}
    for column, label in enumerate(model.labels):
        own = gains[said.heard & (said.columns == column)]
        if len(own) and own.mean() > -_error(own):
            found[label] = Gain(float(own.mean()), len(own))
    better = np.array([label in found for label in model.labels])[said.columns]
    return said.view.correction(said.fit(said.heard & better))._replace(gains=found)


class _Said:
    """All that was said, and how the model sees it, and the messages that nobody spoke of."""

    def __init__(self, model: Model, judgements: Sequence[Judgement], background: Sequence[Subject]) -> None:
        place: dict[Subject, int] = {}
        self.rows = np.array([place.setdefault(each.subject, len(place)) for each in judgements])
        self.columns = np.array([model.labels.index(each.label) for each in judgements])
        self.truth = np.array([each.verdict for each in judgements], np.float32)
        self.drawn = np.array([each.is_sampled for each in judgements])
        self.view = View(model, [*place, *background])
        self._before = self.view.logits()
        self._rest = len(place)
        lines = logit(np.array([model.thresholds[label].given for label in model.labels], np.float32))
        self._given = self._before >= lines
        rest = slice(self._rest, None)
        self.base, given = self._of(self._before), self._of(self._given)
        self.corrects = ~self.drawn & ((self.truth > 0) != given)
        self.heard = honest(judgements, self.base, given, self._before[rest], self._given[rest])

    def fit(self, chosen: Bools) -> Floats:
        """What is learned from the chosen verdicts. Those on what was drawn at random need nothing to hold the rest."""
        weights, wanted = np.zeros_like(self._before), chance(self._before)
        np.add.at(weights, (self.rows[chosen], self.columns[chosen]), 1)
        wanted[self.rows[chosen], self.columns[chosen]] = self.truth[chosen]
        volunteered = np.bincount(self.columns[chosen & ~self.drawn], minlength=weights.shape[1])
        # What nobody spoke of is held, too: it must not move along with what is learned of other labels.
        heavy = _ANCHOR * np.maximum(volunteered, volunteered.mean())
        weights[self._rest :] = heavy / max(len(weights) - self._rest, 1)
        return self.view.fit(weights, wanted)

    def likelier(self, logits: Floats) -> Floats:
        """How much likelier each verdict became, as a logarithm."""
        return loss(self.base, self.truth) - loss(self._of(logits), self.truth)

    def more_errors(self, logits: Floats) -> float:
        """How many times more errors are expected, as a logarithm."""
        return float(np.log(self._errors(logits) / self._errors(self._before)))

    def _errors(self, logits: Floats) -> float:
        """How many errors are expected among the messages that nobody spoke of."""
        wrong = np.where(self._given, 1 - chance(logits), chance(logits))[self._rest :]
        return float(wrong.sum()) or 1.0

    def _of(self, what: NDArray[T]) -> NDArray[T]:
        """What stands there for each verdict."""
        found: NDArray[T] = what[self.rows, self.columns]
        return found


def _stands(gains: Floats, drawn: Bools) -> bool:
    """Whether verdicts got likelier beyond chance, and those on messages drawn at random no less likely."""
    asked, volunteered = gains[drawn], gains[~drawn]
    if len(volunteered) < _TOLD:
        return len(asked) >= _TOLD and bool(asked.mean() > _LEAST_GAIN * _error(asked))
    if volunteered.mean() <= max(_WORTH, _BEYOND_CHANCE * _error(volunteered)):
        return False
    return not len(asked) or bool(asked.mean() >= -_LEAST_GAIN * _error(asked))


def _error(gains: Floats) -> float:
    return float(gains.std() / np.sqrt(len(gains)))


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
    p = chance(logits)
    return float(np.log(p.sum() / (1 - p).sum())) if len(p) else 0.0


def loss(logits: Floats, truth: Floats) -> Floats:
    """Minus the log-likelihood of each verdict."""
    found: Floats = np.logaddexp(0, logits) - truth * logits
    return found


def logit(probabilities: Floats) -> Floats:
    """The logits of probabilities."""
    found: Floats = np.log(probabilities / (1 - probabilities))
    return found


def _part(group: str) -> int:
    return int(sha256(group.encode()).hexdigest(), 16) % _PARTS
