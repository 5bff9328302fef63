from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.digest.model import Change
from bot.digest.words import Words
from bot.spaces.model import Area, Direction, Unit, Value
from bot.spaces.window import Period, Window, last_closed
from tests.bot.digest.samples import MADRID, metric, reading

ENGLISH, SPANISH = Words("en", MADRID), Words("es", MADRID)
NBSP = "\xa0"


@pytest.mark.parametrize(
    ("unit", "number", "english", "spanish"),
    [
        (Unit.COUNT, 0.0, "0", "0"),
        (Unit.COUNT, 12_345.0, "12,345", "12.345"),
        (Unit.COUNT, 12.6, "12.6", "12,6"),
        (Unit.SHARE, 0.64, "64%", f"64{NBSP}%"),
        (Unit.SHARE, 0.0, "0%", f"0{NBSP}%"),
        (Unit.SHARE, 1.0, "100%", f"100{NBSP}%"),
        # 1,992 of 2,000 are not all, and 3 of 2,000 not none.
        (Unit.SHARE, 0.996, "99.6%", f"99,6{NBSP}%"),
        (Unit.SHARE, 0.0015, "0.2%", f"0,2{NBSP}%"),
        (Unit.SECONDS, 0.2, "0s", "0s"),
        (Unit.SECONDS, 59.6, "1m", "1min"),
        (Unit.SECONDS, 3_569.0, "59m 29s", "59min 29s"),
        (Unit.SECONDS, 3_599.0, "1h", "1h"),
        (Unit.SECONDS, 3_600.0, "1h", "1h"),
        (Unit.SECONDS, 5_460.0, "1h 31m", "1h 31min"),
        (Unit.SECONDS, 86_399.0, "1d", "1d"),
        (Unit.SECONDS, 183_600.0, "2d 3h", "2d 3h"),
        (Unit.DAYS, 1.0, "1 day", "1 día"),
        (Unit.DAYS, 12.54, "12.5 days", "12,5 días"),
        (Unit.RATE, 2.375, "2.38", "2,38"),
        (Unit.MONEY, 1_260.4, "€1,260", f"1.260{NBSP}€"),
        (Unit.MONEY, 0.75, "€0.75", f"0,75{NBSP}€"),
        (Unit.SCORE, 34.0, "+34", "+34"),
        (Unit.SCORE, -12.0, "−12", "−12"),
        (Unit.SCORE, 0.0, "0", "0"),
        (Unit.COUNT, None, "–", "–"),
    ],
)
def test_a_number_is_written_as_its_unit_asks(
    unit: Unit, number: float | None, english: str, spanish: str
) -> None:
    assert ENGLISH.amount(unit, number) == english
    assert SPANISH.amount(unit, number) == spanish


def test_money_is_written_in_the_currency_of_the_assumptions() -> None:
    assert Words("en", MADRID, "USD").money(900) == "US$900"
    assert Words("es", MADRID, "JPY").money(900) == f"900{NBSP}JPY"


@pytest.mark.parametrize(
    ("period", "as_of", "english", "spanish"),
    [
        (Period.WEEKLY, date(2016, 7, 18), "Week of 11–17 July 2016", "Semana del 11 al 17 de julio de 2016"),
        (
            Period.WEEKLY, date(2016, 7, 4),
            "Week of 27 June – 3 July 2016", "Semana del 27 de junio al 3 de julio de 2016",
        ),
        (
            Period.WEEKLY, date(2016, 1, 4),
            "Week of 28 December 2015 – 3 January 2016", "Semana del 28 de diciembre de 2015 al 3 de enero de 2016",
        ),
        (Period.DAILY, date(2016, 7, 18), "Sunday, 17 July 2016", "Domingo, 17 de julio de 2016"),
        (Period.MONTHLY, date(2016, 7, 18), "June 2016", "Junio de 2016"),
        (Period.QUARTERLY, date(2016, 7, 18), "2nd quarter 2016", "2.º trimestre de 2016"),
    ],
)  # fmt: skip
def test_a_window_has_its_name_in_words(period: Period, as_of: date, english: str, spanish: str) -> None:
    window = last_closed(period, datetime(as_of.year, as_of.month, as_of.day, 12, tzinfo=UTC), MADRID)
    assert ENGLISH.window(window) == english
    assert SPANISH.window(window) == spanish


def test_a_window_without_a_period_is_named_by_its_days() -> None:
    assert ENGLISH.window(Window(date(2016, 7, 1), date(2016, 7, 11), MADRID)) == "1–10 July 2016"
    assert (
        SPANISH.window(Window(date(2016, 7, 1), date(2016, 7, 11), MADRID)) == "Del 1 al 10 de julio de 2016"
    )
    assert ENGLISH.window(Window(date(2016, 7, 1), date(2016, 7, 2), MADRID)) == "1 July 2016"


def test_moments_are_told_in_the_communitys_zone() -> None:
    moment = datetime(2016, 7, 17, 22, 3, tzinfo=UTC)
    assert ENGLISH.moment(moment) == "18 July 2016, 00:03"
    assert Words("en", ZoneInfo("America/Bogota")).moment(moment) == "17 July 2016, 17:03"


def test_an_age_is_told_roughly_and_never_lies_in_the_future() -> None:
    now = datetime(2016, 7, 18, tzinfo=UTC)
    assert ENGLISH.age(now - timedelta(days=3, hours=2), now) == "3 days ago"
    assert SPANISH.age(now - timedelta(hours=1), now) == "hace 1 hora"
    assert "in" not in ENGLISH.age(now + timedelta(hours=5), now).split()


@pytest.mark.parametrize(
    ("unit", "value", "said", "notes"),
    [
        (Unit.COUNT, Value(None, reason="nobody posted"), "–", ["nobody posted"]),
        (Unit.COUNT, Value(None), "–", ["unknown"]),
        (Unit.COUNT, Value(0.0), "0", []),
        (Unit.SHARE, Value(0.64, 32, 50, (0.501, 0.759)), "64%", ["32 of 50", "95% interval 50% to 76%"]),
        (Unit.SHARE, Value(0.75, 3, 4, (0.3, 0.95), too_few=True), "3 of 4", ["too few to say"]),
        (Unit.SHARE, Value(0.5, 5, 10, parts={"staff": 3}), "50%", ["5 of 10", "3 by staff"]),
        (
            Unit.SECONDS,
            Value(7_200.0, 4, 10, lower_bound=True, parts={"p90": None, "open": 6}),
            "> 2h",
            ["4 of 10", "at least: more than half are still open", "90% not reached yet", "6 still open"],
        ),
        (
            Unit.SECONDS,
            Value(7_200.0, 9, 10, (3_600.0, 10_800.0), parts={"p90": 86_400.0, "open": 1}),
            "2h",
            ["9 of 10", "95% interval 1h to 3h", "90% within 1d", "1 still open"],
        ),
        (Unit.RATE, Value(2.5, denominator=3, too_few=True), "2.5", ["too few to say", "n = 3"]),
        (
            Unit.MONEY,
            Value(1_260.0, denominator=58, parts={"low": 600.0, "high": 2_400.0}),
            "€1,260",
            ["n = 58", "low €600", "high €2,400"],
        ),
        (Unit.COUNT, Value(9.0, parts={"people": 9, "staff": 3, "bots": 12}), "9", ["9 people"]),
        (Unit.COUNT, Value(9.0, parts={"open": 0, "from_abroad": 2}), "9", ["from abroad: 2"]),
    ],
)
def test_a_value_says_what_is_needed_to_trust_it(
    unit: Unit, value: Value, said: str, notes: list[str]
) -> None:
    assert ENGLISH.value(unit, value) == said
    assert ENGLISH.notes(unit, value) == notes


def test_staff_and_bots_are_told_apart_from_a_count() -> None:
    value = Value(9.0, parts={"bots": 40, "people": 9, "staff": 12})
    assert ENGLISH.apart(Unit.COUNT, value) == "+ 12 by staff, 40 by bots"
    assert SPANISH.apart(Unit.COUNT, value) == "+ 12 del equipo, 40 de bots"
    assert ENGLISH.apart(Unit.COUNT, Value(9.0, parts={"staff": 0, "bots": 0})) == ""


@pytest.mark.parametrize(
    ("unit", "direction", "now", "before", "change", "said", "mood"),
    [
        (Unit.SHARE, Direction.UP, 0.64, 0.52, Change.UP, "▲ 12 points (was 52%)", "good"),
        (Unit.SHARE, Direction.UP, 0.51, 0.52, Change.DOWN, "▼ 1 point (was 52%)", "bad"),
        (Unit.SHARE, Direction.UP, 0.524, 0.52, Change.UP, "▲ 0.4 points (was 52%)", "good"),
        (Unit.COUNT, Direction.DOWN, 14, 4, Change.UP, "▲ 10 (was 4)", "bad"),
        (Unit.SECONDS, Direction.DOWN, 5_400, 14_400, Change.DOWN, "▼ 2h 30m (was 4h)", "good"),
        (Unit.COUNT, Direction.NEITHER, 14, 4, Change.UP, "▲ 10 (was 4)", ""),
        (Unit.SCORE, Direction.UP, 34, -12, Change.UP, "▲ 46 points (was −12)", "good"),
        # The same difference, but chance could have made it: no arrow.
        (Unit.SHARE, Direction.UP, 0.64, 0.52, Change.STEADY, "was 52%", ""),
        (Unit.COUNT, Direction.UP, None, 4, Change.UNKNOWN, "was 4", ""),
        (Unit.COUNT, Direction.UP, 4, None, Change.UNKNOWN, "", ""),
    ],
)
def test_a_change_has_an_arrow_only_where_it_is_more_than_chance(
    unit: Unit, direction: Direction, now: float | None, before: float | None, change: Change, said: str, mood: str
) -> None:  # fmt: skip
    shown = ENGLISH.change(
        reading(metric("x", Area.SUPPORT, "X", unit, direction), Value(now), Value(before), change)
    )
    assert str(shown) == said
    assert shown.mood == mood


def test_deeds_are_told_in_words() -> None:
    did = {"support_answer": 12, "contribution": 1, "message": 0, "own_label": 2}
    assert ENGLISH.deeds(did) == "12 answers, 1 contribution, own_label: 2"
    assert SPANISH.deeds(did) == "12 respuestas, 1 contribución, own_label: 2"


def test_an_unknown_language_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="The language 'eo' is not known: take one of en, es"):
        Words("eo", MADRID)
