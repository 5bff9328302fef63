"""Numbers, shares, times and days, as people type them."""

import re
from datetime import date, timedelta
from typing import NamedTuple

_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*")
_GROUPED = {",": re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?"), ".": re.compile(r"\d{1,3}(\.\d{3})+(,\d+)?")}
_MONEY = "€$£¥"
_SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_TODAY, _YESTERDAY = frozenset({"today", "hoy"}), frozenset({"yesterday", "ayer"})
_FIRST_YEAR, _LAST_YEAR = 2000, 2100


class Days(NamedTuple):
    """Days `first` to `until` (excluded)."""

    first: date
    until: date

    @property
    def last(self) -> date:
        """The last day of them."""
        return self.until - timedelta(days=1)


def number(text: str, language: str = "en") -> float | None:
    """A plain number: 12, 0.7 or 0,7, 1,200 or 1.200 (where the language writes it so), €2000; None if it is none."""
    text = text.strip().strip(_MONEY).strip()
    if not _NUMBER.fullmatch(text):
        return None
    groups = ".," if language == "es" else ",."
    for mark in groups:
        if _GROUPED[mark].fullmatch(text) and (mark == groups[0] or text.count(mark) > 1):
            text = text.replace(mark, "")
            break
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def share(text: str, language: str = "en") -> float | None:
    """70% as 0.7; None if no per cent sign stands behind it."""
    if not text.endswith("%"):
        return None
    found = number(text[:-1], language)
    return None if found is None else found / 100


def fraction(text: str, language: str = "en") -> tuple[float, float] | None:
    """40/55 as its two numbers."""
    above, slash, below = text.partition("/")
    value, of = number(above, language), number(below, language)
    return (value, of) if slash and value is not None and of is not None else None


def duration(text: str) -> float | None:
    """2h, 30min or 1d in seconds."""
    found = re.fullmatch(r"(\d+(?:[.,]\d+)?)\s*([a-z]+)", text)
    if not found or found[2] not in _SECONDS:
        return None
    return float(found[1].replace(",", ".")) * _SECONDS[found[2]]


def days(text: str, today: date) -> Days | None:
    """A day (2026-05-03, 3/5/2026, today), a month (2026-05), a quarter (2026-Q2), a week (2026-W21), a..b; else None."""
    begin, dots, end = text.partition("..")
    if dots:
        one, other = days(begin, today), days(end, today)
        return Days(one.first, other.until) if one and other and one.first < other.until else None
    if text in _TODAY:
        return Days(today, today + timedelta(days=1))
    if text in _YESTERDAY:
        return Days(today - timedelta(days=1), today)
    try:
        return _days(text)
    except ValueError:
        return None


def _days(text: str) -> Days | None:
    found = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", text)
    if found:
        return _one(date(*map(int, found.groups())))
    if found := re.fullmatch(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})", text):
        return _one(date(int(found[3]), int(found[2]), int(found[1])))
    if found := re.fullmatch(r"(\d{4})-(\d{1,2})", text):
        return _months(int(found[1]), int(found[2]), 1)
    if found := re.fullmatch(r"(\d{4})-?[qt]([1-4])", text):
        return _months(int(found[1]), 3 * int(found[2]) - 2, 3)
    if found := re.fullmatch(r"(\d{4})-?w(\d{1,2})", text):
        first = date.fromisocalendar(int(found[1]), int(found[2]), 1)
        return Days(first, first + timedelta(days=7))
    return None


def _one(day: date) -> Days | None:
    return Days(day, day + timedelta(days=1)) if _FIRST_YEAR <= day.year < _LAST_YEAR else None


def _months(year: int, month: int, count: int) -> Days | None:
    if not _FIRST_YEAR <= year < _LAST_YEAR:
        return None
    after = month + count
    return Days(date(year, month, 1), date(year + (after > 12), (after - 1) % 12 + 1, 1))  # noqa: PLR2004 - months
