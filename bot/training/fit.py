"""Fitting: a linear step on texts, a small network on what surrounds a message, and its calibration.

Everything is deterministic: the same corpus gives the same model, byte for byte on one machine.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.utils.parallel import Parallel, delayed

from bot.classifiers.cues import clean
from bot.classifiers.features import BUCKETS, Floats, pair_buckets, tokens, word_buckets

TRUST = 12.0
"""How much the linear step trusts its examples over small weights (C of a logistic regression)."""

_HIDDEN, _RESTRAINT, _ROUNDS, _SEEDS = 48, 0.1, 50, 5

Bools = NDArray[np.bool_]


class Texts(NamedTuple):
    """The linear step: logit = sum of rarity * weight over what is in a text, by its norm, and a bias."""

    rarity: Floats
    weights: Floats
    bias: Floats


class Layers(NamedTuple):
    """The network, all of its seeds side by side."""

    weights: list[Floats]
    biases: list[Floats]


def counted(texts: Sequence[str]) -> sparse.csr_matrix:
    """How often each bucket is in each text."""
    starts, found = [0], []
    for text in texts:
        words = tokens(clean(text))
        found += pair_buckets(words)
        for word in words:
            found += word_buckets(word)
        starts.append(len(found))
    ones = np.ones(len(found), np.float32)
    counts = sparse.csr_matrix((ones, found, starts), shape=(len(texts), BUCKETS))
    counts.sum_duplicates()
    return counts


def fit_texts(counts: sparse.csr_matrix, truth: Bools, weights: Floats | None = None) -> Texts:
    """Learn from texts and their labels; `weights` says how much each text counts."""
    seen_in = np.asarray((counts > 0).sum(0)).ravel()
    rarity = (np.log((1 + counts.shape[0]) / (1 + seen_in)) + 1).astype(np.float32)
    inputs = scaled(counts, rarity)
    used = np.unique(inputs.indices)
    inputs = inputs[:, used]
    turned = inputs.T.tocsr()
    labels, wanted = truth.shape[1], truth.astype(np.float32)
    share = TRUST * (np.ones((len(wanted), 1), np.float32) if weights is None else weights[:, None])

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        w, b = flat[:-labels].reshape(-1, labels).astype(np.float32), flat[-labels:].astype(np.float32)
        logits = inputs @ w + b
        off = share * (1 / (1 + np.exp(-logits)) - wanted)
        value = float((share * (np.logaddexp(0, logits) - wanted * logits)).sum() + 0.5 * (w * w).sum())
        return value, np.concatenate([(turned @ off + w).ravel(), off.sum(0)]).astype(np.float64)

    done = minimize(
        loss, np.zeros((len(used) + 1) * labels), jac=True, method="L-BFGS-B", options={"maxiter": 60}
    )
    found = np.zeros((BUCKETS, labels), np.float32)
    found[used] = done.x[:-labels].reshape(-1, labels)
    return Texts(rarity, found, done.x[-labels:].astype(np.float32))


def scaled(counts: sparse.csr_matrix, rarity: Floats) -> sparse.csr_matrix:
    """Counts as the linear step sees them: by rarity, and by the text's norm."""
    norms = np.sqrt(np.maximum(counts @ rarity**2, 1e-9))
    return (sparse.diags(1 / norms) @ counts @ sparse.diags(rarity)).tocsr().astype(np.float32)


def read_texts(step: Texts, counts: sparse.csr_matrix) -> Floats:
    """The logits of texts."""
    logits: Floats = scaled(counts, step.rarity) @ step.weights + step.bias
    return logits


def fit_layers(inputs: Floats, truth: Bools) -> Layers:
    """Learn the second step; several seeds become one wider network that gives the mean of their logits."""
    nets = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is stopped early on purpose
        for seed in range(_SEEDS):
            net = MLPClassifier(
                (_HIDDEN,), alpha=_RESTRAINT, max_iter=_ROUNDS, learning_rate_init=2e-3, random_state=seed
            )
            nets.append(net.fit(inputs, truth))
    first = np.hstack([net.coefs_[0] for net in nets]).astype(np.float32)
    second = (np.vstack([net.coefs_[1] for net in nets]) / _SEEDS).astype(np.float32)
    biases = [
        np.concatenate([net.intercepts_[0] for net in nets]).astype(np.float32),
        np.mean([net.intercepts_[1] for net in nets], axis=0).astype(np.float32),
    ]
    return Layers([first, second], biases)


def read_layers(layers: Layers, inputs: Floats) -> Floats:
    """The logits of the second step."""
    hidden = np.maximum(inputs @ layers.weights[0] + layers.biases[0], 0)
    logits: Floats = hidden @ layers.weights[1] + layers.biases[1]
    return logits


def fit_line(logits: Floats, truth: Bools) -> tuple[Floats, Floats]:
    """Calibrate (Platt 1999): for each label a slope and an offset of the logit."""
    slopes, offsets = [], []
    for column in range(truth.shape[1]):
        line = LogisticRegression(C=1e3).fit(logits[:, [column]], truth[:, column])
        slopes.append(line.coef_[0, 0])
        offsets.append(line.intercept_[0])
    return np.array(slopes, np.float32), np.array(offsets, np.float32)


def side_by_side(fits: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each gives, in order; a core works on one at a time, so that each sums in the same order on any machine."""
    found: list[Any] = Parallel(n_jobs=-1)(delayed(fit)() for fit in fits)
    return found
