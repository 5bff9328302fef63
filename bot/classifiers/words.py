"""Words that were read before, with what the linear step needs of them: another time each costs one look-up.

The bucket of two words that stand together is the CRC of both, and follows from those of each: over the second word's
bytes the first one's register moves on by a linear map, which depends on their number alone (`crc32_combine` of zlib).
"""

from collections.abc import Iterable
from functools import cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from bot.classifiers.cues import LONGEST
from bot.classifiers.features import BUCKETS, Floats, word_buckets

_REMEMBERED = 50_000
"""Words kept: some megabytes."""
_ROOM = 1_024

Numbers = NDArray[np.int64]
Codes = NDArray[np.uint32]


class Words:
    """Known words have numbers. A row of `sums` holds what a word's buckets weigh for each label, and their squared norm."""

    def __init__(self, weights: Floats, norms: Floats) -> None:
        self._weights, self._norms = weights, norms
        self._number: dict[str, int] = {}
        self.sums = np.zeros((_ROOM, weights.shape[1] + 1), np.float32)
        self._codes = np.zeros((_ROOM, 3), np.uint32)
        """The CRC of a word with a blank behind it, that of the word itself, and its length in bytes."""

    def forget(self) -> None:
        """Begin anew where too many words are known; all numbers given before are void then."""
        if len(self._number) > _REMEMBERED:
            self._number.clear()

    def numbers(self, words: Iterable[str]) -> list[int]:
        """The number of each word."""
        known = self._number
        try:
            return [known[word] for word in words]
        except KeyError:
            return [known[word] if word in known else self._learn(word) for word in words]

    def buckets(self, numbers: Numbers) -> Codes:
        """The bucket of each word itself, without the letters in it."""
        found: Codes = self._codes[numbers, 1] % BUCKETS
        return found

    def pairs(self, one: Numbers, other: Numbers) -> Codes:
        """The buckets of pairs of words, given by their numbers (see `features.pair_buckets`)."""
        register = self._codes[one, 0]
        code, length = self._codes[other, 1:].T
        for bit, table in enumerate(_tables()):
            moved = np.flatnonzero(length >> bit & 1)
            register[moved] = _move(table, register[moved])
        found: Codes = (register ^ code) % BUCKETS
        return found

    def _learn(self, word: str) -> int:
        number = len(self._number)
        if number == len(self.sums):
            self.sums = np.vstack([self.sums, np.zeros_like(self.sums)])
            self._codes = np.vstack([self._codes, np.zeros_like(self._codes)])
        buckets, code = word_buckets(word), word.encode()
        self.sums[number, :-1] = self._weights[buckets].sum(0)
        self.sums[number, -1] = self._norms[buckets].sum()
        self._codes[number] = crc32(code + b" "), crc32(code), len(code)
        self._number[word] = number
        return number


@cache
def _tables() -> list[Codes]:
    """For 1, 2, 4 ... bytes, up to the longest text: where they move each byte of a register, a row for its place."""
    found = [
        np.array(
            [[crc32(b"\0", byte << 8 * place) ^ crc32(b"\0") for byte in range(256)] for place in range(4)],
            np.uint32,
        )
    ]
    while 1 << len(found) <= 4 * LONGEST:
        found.append(_move(found[-1], found[-1]))
    return found


def _move(table: Codes, register: Codes) -> Codes:
    by_place = [table[place, register >> 8 * place & 255] for place in range(4)]
    moved: Codes = np.bitwise_xor.reduce(by_place)
    return moved
