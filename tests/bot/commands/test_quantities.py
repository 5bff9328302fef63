"""Numbers, shares, times and days as people type them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.quantities import Days, days, duration, fraction, number, share

TODAY = date(2026, 3, 30)


@pytest.mark.parametrize(
    ("text", "english", "spanish"),
    [
        ("12", 12, 12), ("0.7", 0.7, 0.7), ("0,7", 0.7, 0.7), ("1,200", 1200, 1.2), ("1.200", 1.2, 1200),
        ("1,200,300", 1200300, 1200300), ("1.200.300", 1200300, 1200300), ("1,200.5", 1200.5, None),
        ("1.200,5", None, 1200.5), ("€2000", 2000, 2000), ("2000 €", 2000, 2000), ("-3", -3, -3), ("x", None, None),
        ("", None, None), ("70%", None, None), ("1e9", None, None), ("nan", None, None), ("--3", None, None),
    ],
)  # fmt: skip
def test_numbers(text: str, english: float | None, spanish: float | None) -> None:
    assert number(text) == english
    assert number(text, "es") == spanish


def test_shares_fractions_and_times() -> None:
    assert share("70%") == 0.7
    assert share("70,5%", "es") == 0.705
    assert share("70") is None
    assert fraction("40/55") == (40, 55)
    assert fraction("40/") is None
    assert fraction("3/5/2026") is None
    assert duration("2h") == 7200
    assert duration("1.5d") == 129600
    assert duration("90min") == 5400
    assert duration("90") is None


@pytest.mark.parametrize(
    ("text", "first", "until"),
    [
        ("2026-05-03", date(2026, 5, 3), date(2026, 5, 4)),
        ("3/5/2026", date(2026, 5, 3), date(2026, 5, 4)),
        ("2026-05", date(2026, 5, 1), date(2026, 6, 1)),
        ("2026-12", date(2026, 12, 1), date(2027, 1, 1)),
        ("2026-q4", date(2026, 10, 1), date(2027, 1, 1)),
        ("2026-t1", date(2026, 1, 1), date(2026, 4, 1)),
        ("2026-w14", date(2026, 3, 30), date(2026, 4, 6)),
        ("2026-05-04..2026-05-10", date(2026, 5, 4), date(2026, 5, 11)),
        ("today", TODAY, date(2026, 3, 31)),
        ("ayer", date(2026, 3, 29), TODAY),
    ],
)
def test_days(text: str, first: date, until: date) -> None:
    assert days(text, TODAY) == Days(first, until)


@pytest.mark.parametrize(
    "text", ["2026-13", "2026-02-30", "12", "", "31/2/2026", "2026-05-10..2026-05-04", "..", "1900-01-01", "9999-12-31",
             "2026-w60", "a..b"],
)  # fmt: skip
def test_no_days(text: str) -> None:
    assert days(text, TODAY) is None


@given(st.text(alphabet="0123456789./,-%€qwth:\u0660 ", max_size=20))
def test_nothing_typed_is_an_error(text: str) -> None:
    found = days(text, TODAY)
    assert found is None or found.first < found.until
    for read in (number, share, fraction):
        read(text)
    duration(text)
