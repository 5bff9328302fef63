"""What the model sees of a text, and of a message's place. Used alike to train and to predict.

A text becomes words, pairs of neighbouring words, and the letters inside words (3 to 5), each hashed into one of
`BUCKETS`; where a sentence begins and ends counts as a word: what a long message does often stands in one of its
sentences. Sums over a text are additive, so a word seen before costs one look-up.
"""

import re
import string
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from bot.classifiers import Subject, cues
from bot.classifiers.cues import clean

BUCKETS = 1 << 16
_SHORTEST, _LONGEST = 3, 5
_LONGEST_WORD = 40

_TOKEN = re.compile(r"[a-z]+|0|\u2039\w+\u203a|[?!¿¡]+|\.\.\.|[^\W\d_]+|[^\w\s]")
_DIGITS = re.compile(r"\d+")
_BREAK = re.compile(r"(?<=[.?!])\s+|\n+")
_START, _END = "^", "$"


def tokens(said: str) -> list[str]:
    """The words of a cleaned text (`cues.clean`), with marks for each sentence's beginning and end; any number is `0`."""
    found: list[str] = []
    for sentence in _BREAK.split(_DIGITS.sub("0", said)):
        words = _TOKEN.findall(sentence)
        if words:
            found += (_START, *words, _END)
    return found or [_START, _END]


def word_buckets(word: str) -> list[int]:
    """The buckets of a word: itself, and the letters in it."""
    found = [_bucket(word)]
    if word[0].isalpha() and len(word) <= _LONGEST_WORD:
        inside = f"<{word}>"
        found += [
            _bucket("#" + inside[begin : begin + length])
            for length in range(_SHORTEST, _LONGEST + 1)
            for begin in range(len(inside) - length + 1)
        ]
    return found


def pair_buckets(words: Sequence[str]) -> list[int]:
    """The buckets of each two words that stand together."""
    # `words.Words.pairs` finds the same of known words, many at a time.
    return [crc32(f"{one} {other}".encode()) % BUCKETS for one, other in pairwise(words)]


def _bucket(text: str) -> int:
    return crc32(text.encode()) % BUCKETS


# --- the shape of a text ------------------------------------------------------------------------------------------

_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]|:[a-z_]{3,30}:")
SHAPES = 18
_LENGTHS = (3, 7, 15, 30)
"""In words: from one word to a long post."""


def shape(text: str, said: str) -> list[bool]:
    """How a text looks, `SHAPES` facts: its length, its marks, what is in it."""
    length = bisect_left(_LENGTHS, said.count(" ") + 1)
    ended = text.rstrip()
    return [
        *(length == n for n in range(len(_LENGTHS) + 1)),
        "?" in text, ended.endswith("?"), text.count("?") > 1, "!" in text, "\n" in text,
        "\u2039link\u203a" in said, "\u2039code\u203a" in said, "@" in said, _DIGITS.search(said) is not None,
        _has_emoji(text), ":" in text, text[:1].isupper(),
        _capitals(text) * 2 > len(text),
    ]  # fmt: skip


def _has_emoji(text: str) -> bool:
    return (":" in text or not text.isascii()) and _EMOJI.search(text) is not None


_CAPITALS = string.ascii_uppercase.encode()


def _capitals(text: str) -> int:
    if text.isascii():  # most are, and bytes are counted several times faster
        return len(text) - len(text.encode().translate(None, _CAPITALS))
    return sum(map(str.isupper, text))


NOTIONS = (
    "question", "product_idea", "bug_report", "advocacy", "introduction", "contribution", "event", "thanks",
    "success_story", "confirmation", "instruction", "no_answer", "wish", "small_talk", "opening",
)  # fmt: skip
"""Of the cues that people wrote (`cues/`): what typical words say, where the corpus is too small to know them."""

_NOTION = {notion: place for place, notion in enumerate(NOTIONS)}


def hints(text: str) -> list[float]:
    """What the cues of a text add up to, one figure a notion."""
    found = [0.0] * len(NOTIONS)
    for notion, score in cues.read(text).score.items():
        if notion in _NOTION:
            found[_NOTION[notion]] = min(max(score, -3), 4) / 2
    return found


# --- the place of a message ---------------------------------------------------------------------------------------

_PLACES = (
    r"help|ayuda|question|pregunt|duda|soporte|support|consult",
    r"idea|suger|feature|feedback|wish|propuest|request",
    r"show|galer|made|hecho|project|proyect",
    r"intro|present|welcome|bienven",
    r"general|charla|random|off.?topic|lounge|chat|cafe",
    r"event|quedad|meet|encuentr",
    r"bug|error|problem|fallo|issue|incidenc",
    r"announc|anunci|news|novedad",
    r"\bwin|logro|exito|success|stor",
    r"guid|guia|tutorial|recurs|resource|template|plantill|tips|trucos",
    r"job|empleo|hiring",
)
_PLACE = [re.compile(pattern) for pattern in _PLACES]
FACTS = 15 + len(_PLACES)


def facts(subject: Subject) -> list[bool]:
    """Where a message stands, `FACTS` facts: in its conversation and its channel."""
    return [
        subject.is_root,
        subject.by_asker and not subject.is_root,
        not subject.by_asker,
        subject.position == 1,
        subject.position == 2,  # noqa: PLR2004 - the second answer
        subject.position > 2,  # noqa: PLR2004 - later ones
        subject.parent_by_asker,
        subject.parent is not None,
        subject.before is not None,
        subject.after is not None,
        subject.reply is not None,
        subject.then_asker is not None,
        subject.after_reply,
        subject.in_thread,
        subject.by_asker and subject.parent is not None,
        *_kinds(subject.place),
    ]


@lru_cache(maxsize=1_024)
def _kinds(place: str) -> list[bool]:
    """What kind of place a channel's name tells of."""
    said = clean(place) if place else ""
    return [pattern.search(said) is not None for pattern in _PLACE]


Floats = NDArray[np.float32]
