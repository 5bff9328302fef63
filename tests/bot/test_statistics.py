"""The formulas against figures worked out elsewhere or by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.spaces.statistics import (
    absence_factor,
    counts_differ,
    median_interval,
    shares_differ,
    waiting_quantile,
    wilson,
)


def test_wilson_against_published_figures() -> None:
    # Newcombe 1998, table I: 81 of 263 and 15 of 148, 0 of 20, 1 of 29.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(1, 29) == pytest.approx((0.0061, 0.1718), abs=1e-4)
    assert wilson(0, 0) is None


def test_shares_differ_by_newcombe() -> None:
    # Newcombe 1998 (differences), 56/70 and 48/80: 0.0524 to 0.3339; 9/10 and 3/10: 0.1705 to 0.8090.
    assert shares_differ((56, 70), (48, 80))
    assert shares_differ((9, 10), (3, 10))
    # 6/7 and 2/7: 0.0582 to 0.8062; 5/56 and 0/29: -0.0381 to 0.1926.
    assert shares_differ((6, 7), (2, 7))
    assert not shares_differ((5, 56), (0, 29))
    assert not shares_differ((1, 2), (0, 0))


def test_counts_need_a_real_difference() -> None:
    assert counts_differ(17, 2)
    assert not counts_differ(6, 2)
    assert not counts_differ(125, 100)  # of 225, 0.49 to 0.62 fell into this window
    assert counts_differ(140, 100)  # 0.52 to 0.64


# Freireich's patients under 6-MP, weeks in remission, as every textbook has them: + is still in remission.
FREIREICH = [(6, True), (6, True), (6, True), (6, False), (7, True), (9, False), (10, True), (10, False), (11, False),
             (13, True), (16, True), (17, False), (19, False), (20, False), (22, True), (23, True), (25, False),
             (32, False), (32, False), (34, False), (35, False)]  # fmt: skip


def test_the_waiting_median_counts_those_who_still_wait() -> None:
    median = waiting_quantile([(float(t), ended) for t, ended in FREIREICH], 0.5)
    assert median is not None
    assert (median.value, median.reached) == (23, True)
    quarter = waiting_quantile([(float(t), ended) for t, ended in FREIREICH], 0.25)
    assert quarter is not None
    assert (quarter.value, quarter.reached) == (13, True)
    late = waiting_quantile([(float(t), ended) for t, ended in FREIREICH], 0.9)
    assert late is not None
    assert (late.value, late.reached) == (35, False)


def test_the_median_of_no_waits_and_of_one() -> None:
    assert waiting_quantile([], 0.5) is None
    open_one = waiting_quantile([(5.0, False)], 0.5)
    assert open_one is not None
    assert (open_one.value, open_one.reached) == (5, False)


def test_the_interval_of_a_waiting_median() -> None:
    # Without a wait cut short it is the sign test's: of 20 different waits about the 6th to the 15th.
    low, high = median_interval([(float(n), True) for n in range(1, 21)]) or (0, 0)
    assert low in {6, 7}
    assert high in {14, 15, 16}
    assert median_interval([(1.0, False)] * 9) is None


@given(st.lists(st.integers(0, 1000), max_size=30))
def test_half_is_given_by_as_many_and_not_by_one_fewer(counts: list[int]) -> None:
    people, ordered = absence_factor(counts), sorted(counts, reverse=True)
    if sum(counts) == 0:
        assert people == 0
    else:
        assert sum(ordered[:people]) * 2 >= sum(counts)
        assert sum(ordered[: people - 1]) * 2 < sum(counts)
