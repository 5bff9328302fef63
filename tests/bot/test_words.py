"""Words that were read before: what is looked up is what would be found anew."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.classifiers import words
from bot.classifiers.features import BUCKETS, pair_buckets, word_buckets
from bot.classifiers.model import SHIPPED, Model
from bot.classifiers.words import Words

CHANCE = np.random.default_rng(0)
WEIGHTS = CHANCE.normal(size=(BUCKETS, 2)).astype(np.float32)
NORMS = CHANCE.random(BUCKETS).astype(np.float32)
TEXTS = st.lists(st.text(min_size=1, max_size=300), min_size=2, max_size=40)


@given(TEXTS)
def test_pairs_have_the_buckets_of_their_letters(text: list[str]) -> None:
    known = Words(WEIGHTS, NORMS)
    numbers = np.array(known.numbers(text))
    assert known.pairs(numbers[:-1], numbers[1:]).tolist() == pair_buckets(text)


def test_a_word_has_the_sum_of_its_buckets_however_many_are_known() -> None:
    known = Words(WEIGHTS, NORMS)
    said = [f"w{n}" for n in range(3_000)]
    numbers = known.numbers(said)
    for word, number in ((said[0], numbers[0]), (said[-1], numbers[-1])):
        buckets = word_buckets(word)
        assert known.sums[number].tolist() == pytest.approx([*WEIGHTS[buckets].sum(0), NORMS[buckets].sum()])


def test_what_is_known_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A community says new words for ever; what was judged before is judged alike after."""
    monkeypatch.setattr(words, "_REMEMBERED", 50)
    model = Model(SHIPPED.read_bytes())
    texts = ["how do I export " + "".join("abcdefghij"[int(digit)] for digit in str(n)) for n in range(1_500)]
    before = model.read(texts[:1]).scores
    for start in range(0, len(texts), 30):
        model.read(texts[start : start + 30])
    assert len(model._words.sums) == 1_024
    assert np.array_equal(model.read(texts[:1]).scores, before)
