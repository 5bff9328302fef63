"""The shipped model, adapted to one community by what its moderators said.

What its linear step makes of words is changed, in a message and in all around it alike, so that a question in words of
this community also makes an answer of what answers it; and each label's logit is moved (how common it is here). Both
are learned by `bot.classifiers.verdicts`.
"""

import base64
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from bot.classifiers.features import Floats
from bot.classifiers.model import Model, packed, unpacked


class Gain(NamedTuple):
    """What learning brought for one label."""

    gain: float
    """Log-likelihood a verdict that was not learned from, more than with the shipped model."""
    verdicts: int


class Correction(NamedTuple):
    """What is learned."""

    offset: Floats
    """Added to the calibrated logit of each label."""
    buckets: NDArray[np.int64]
    weights: Floats
    """Added to the linear step's weights, before rarity; a row for each of `buckets`, a column a label."""
    gains: Mapping[str, Gain] = {}
    """The labels that were learned."""


class Adapted(Model):
    """A model with a correction. It answers as `Model` does."""

    def __init__(self, shipped: bytes, content: bytes) -> None:
        super().__init__(shipped)
        told = orjson.loads(content)
        self.base = self.fingerprint
        self.fingerprint = sha256(shipped + content).hexdigest()
        self.card = {**self.card, "local": told.get("card", {})}
        buckets = np.frombuffer(base64.b64decode(told["buckets"]), "<u2")
        weights = unpacked(told["weights"]).reshape(len(buckets), len(self.labels))
        self._weights[buckets] += weights * self.rarity[buckets, None]
        self.offset = self.offset + unpacked(told["offset"])


def content(correction: Correction, card: dict[str, Any]) -> bytes:
    """A correction as kept: only the buckets that count."""
    used = np.abs(correction.weights).max(1, initial=0) > 1e-3  # noqa: PLR2004 - less changes nothing
    return orjson.dumps(
        {
            "card": card,
            "offset": packed(correction.offset),
            "buckets": base64.b64encode(correction.buckets[used].astype("<u2").tobytes()).decode(),
            "weights": packed(correction.weights[used].ravel()),
        }
    )
