"""Messages as the model sees them while the weights of words change: its logits, and the change that verdicts ask for.

What a verdict says of a message goes back through the network to the words of all texts that it looked at
(backpropagation); so, what is wrong with an answer may be learned of the words of its question. Plain numpy.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bot.classifiers import Subject
from bot.classifiers.adapted import Correction
from bot.classifiers.cues import clean
from bot.classifiers.features import Floats
from bot.classifiers.model import Model, Read, gathered, tame, tame_slope

_ROUNDS = 60
_STEP = 0.1
_WORD_RESTRAINT, _OFFSET_RESTRAINT = 0.05, 4.0


class _Seen(NamedTuple):
    scores: Floats
    """Of each text."""
    hidden: Floats
    logits: Floats


class _Sums(NamedTuple):
    """Items in an order in which those that are summed stand together."""

    source: NDArray[np.int64]
    """Where each item's value is."""
    times: Floats
    starts: NDArray[np.int64]

    def of(self, values: Floats) -> Floats:
        """The sums, a row a label. Row by row, which is several times faster than all rows at once."""
        return np.stack([np.add.reduceat(row.take(self.source) * self.times, self.starts) for row in values])


class View:
    """Some messages under any weights of their words and of pairs of these."""

    def __init__(self, model: Model, subjects: Sequence[Subject]) -> None:
        texts, self._rows = gathered(subjects)
        read = model.read([clean(text) for text in texts])
        self._scores = read.scores
        self.buckets, self._words_to_texts, self._texts_to_words = _sums(model, read)
        (first, bias), self._last = model.layers
        around = self._rows.shape[1] * len(model.labels)
        inputs = model.inputs(subjects)
        self._first, self._beside = first[:around], inputs[:, around:] @ first[around:] + bias
        self._slope, self._offset = model.slope, model.offset
        # Where it is known without reading whether the first message asks, its words do not matter for that.
        known = [each.asked is not None and each.root is not None for each in subjects]
        question = len(model.labels) + model.labels.index("question")
        self._known = np.flatnonzero(known), question
        self._asked = inputs[self._known]

    def logits(self, found: Floats | None = None) -> Floats:
        """Calibrated logits; a row a message, a column a label. `found` as `fit` gives it; None: as it is."""
        return self._look(self._nothing() if found is None else found).logits

    def fit(self, weights: Floats, wanted: Floats) -> Floats:
        """Maximum a posteriori, by gradient steps of their own length in every direction (Adam).

        Args:
            weights: how much each label of each message counts.
            wanted: what it should be, 0 to 1.

        Returns: a row a label; a column for each of `buckets`, and a last one, of offsets.
        """
        found = self._nothing()
        restraint = np.full(found.shape[1], _WORD_RESTRAINT, np.float32)
        restraint[-1] = _OFFSET_RESTRAINT
        slow, fast = np.zeros_like(found), np.zeros_like(found)
        for step in range(1, _ROUNDS + 1):
            seen = self._look(found)
            off = weights * (chance(seen.logits) - wanted)
            pull = self._back(seen, off) + restraint * found
            slow += 0.1 * (pull - slow)
            fast += 0.01 * (pull * pull - fast)
            found -= np.float32(_STEP / (1 - 0.9**step)) * slow / (np.sqrt(fast / (1 - 0.99**step)) + 1e-6)
        return found

    def correction(self, found: Floats) -> Correction:
        """What `fit` found, to be kept."""
        return Correction(found[:, -1], self.buckets, found[:, :-1].T)

    def _nothing(self) -> Floats:
        return np.zeros((self._scores.shape[1], len(self.buckets) + 1), np.float32)

    def _look(self, found: Floats) -> _Seen:
        scores = self._scores + self._words_to_texts.of(found).T
        none = np.zeros((1, scores.shape[1]), np.float32)
        around = np.vstack([tame(scores), none])[self._rows].reshape(len(self._rows), -1)
        around[self._known] = self._asked
        hidden = np.maximum(around @ self._first + self._beside, 0)
        last, bias = self._last
        return _Seen(scores, hidden, (hidden @ last + bias) * self._slope + self._offset + found[:, -1])

    def _back(self, seen: _Seen, off: Floats) -> Floats:
        """How the loss changes with all that `fit` finds, where it changes so with the logits."""
        inside = ((off * self._slope) @ self._last[0].T) * (seen.hidden > 0)
        around = inside @ self._first.T
        around[self._known] = 0
        by_label = around.reshape(-1, off.shape[1]).T
        rows = self._rows.ravel() + 1  # none is the first
        texts = np.stack([np.bincount(rows, each, len(seen.scores) + 1)[1:] for each in by_label])
        words = self._texts_to_words.of((texts * tame_slope(seen.scores).T).astype(np.float32))
        return np.hstack([words, off.sum(0)[:, None]])


def chance(logits: Floats) -> Floats:
    """Probabilities of logits."""
    found: Floats = (1 / (1 + np.exp(-logits))).astype(np.float32)
    return found


def _sums(model: Model, read: Read) -> tuple[NDArray[np.int64], _Sums, _Sums]:
    """The buckets of all words and pairs; how their weights add up to texts' scores; and the way back."""
    buckets = np.concatenate([read.words, read.pairs]).astype(np.int64)
    text = np.concatenate(
        [
            np.repeat(np.arange(len(first)), np.diff(first, append=len(each)))
            for each, first in ((read.words, read.first_words), (read.pairs, read.first_pairs))
        ]
    )
    times = (model.rarity[buckets] / read.norms[text]).astype(np.float32)
    known, word = np.unique(buckets, return_inverse=True)
    by_text, by_word = np.argsort(text, kind="stable"), np.argsort(word, kind="stable")
    return (
        known,
        _Sums(word[by_text], times[by_text], np.searchsorted(text[by_text], np.arange(len(read.scores)))),
        _Sums(text[by_word], times[by_word], np.searchsorted(word[by_word], np.arange(len(known)))),
    )
