"""Numbers, changes, reasons and dates in words: what every renderer says alike, in one language and time zone.

Nothing here is escaped for a format; that is the renderers' part.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from itertools import pairwise
from zoneinfo import ZoneInfo

from babel import Locale, dates, lists, numbers, units

from bot import languages
from bot.digest.model import Change, Reading
from bot.languages import Language, Plural, msgid
from bot.spaces.model import Area, Direction, Unit, Value
from bot.spaces.window import Period, Window

UNKNOWN = "\N{EN DASH}"
UP, DOWN = "▲", "▼"

_MINUS = "\N{MINUS SIGN}"

_APART = ("staff", "bots")
"""Parts that are never mixed into the number, but told beside it."""

_AREAS = {
    Area.SUPPORT: msgid("Support"),
    Area.PRODUCT: msgid("Product"),
    Area.ACQUISITION: msgid("Acquisition"),
    Area.CONTRIBUTION: msgid("Contribution"),
    Area.ENGAGEMENT: msgid("Engagement"),
    Area.SUCCESS: msgid("Success"),
}

_COUNTED_PARTS = {
    "people": Plural("{n} person", "{n} people"),
    "members": Plural("{n} member", "{n} members"),
    "open": Plural("{n} still open", "{n} still open"),
    "staff": Plural("{n} by staff", "{n} by staff"),
    "bots": Plural("{n} by bots", "{n} by bots"),
    "events": Plural("{n} event", "{n} events"),
}
"""Parts that count something, whatever the metric's own unit is."""

_MEASURED_PARTS = {
    "p90": msgid("90% within {value}"),
    "low": msgid("low {value}"),
    "high": msgid("high {value}"),
}
"""Parts in the metric's own unit."""

_DEEDS = {
    "message": Plural("{n} message", "{n} messages"),
    "question": Plural("{n} question", "{n} questions"),
    "support_answer": Plural("{n} answer", "{n} answers"),
    "product_idea": Plural("{n} idea", "{n} ideas"),
    "bug_report": Plural("{n} bug report", "{n} bug reports"),
    "contribution": Plural("{n} contribution", "{n} contributions"),
    "advocacy": Plural("{n} recommendation", "{n} recommendations"),
    "success_story": Plural("{n} success story", "{n} success stories"),
    "introduction": Plural("{n} introduction", "{n} introductions"),
    "thanks": Plural("{n} thank-you", "{n} thank-yous"),
    "event": Plural("{n} event", "{n} events"),
}

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


@dataclass(frozen=True, slots=True)
class ChangeSaid:
    """A change in words. `arrow` and `difference` are empty unless the change is more than chance."""

    arrow: str
    difference: str
    before: str
    """ "was 52%", or empty when the number before is unknown."""
    mood: str
    """ "good", "bad" or "": whether the change is good news."""

    def __str__(self) -> str:
        marked = f"{self.arrow} {self.difference}".strip()
        return f"{marked} ({self.before})" if marked and self.before else marked or self.before


class Words:
    """One language at one place: how it writes numbers, moments and the sentences around them."""

    def __init__(self, language: str, zone: ZoneInfo, currency: str = "EUR") -> None:
        self.language: Language = languages.load(language)
        self.locale = self.language.locale
        self.zone = zone
        self.currency = currency

    def gettext(self, text: str, **placeholders: str) -> str:
        """The text in the language, its placeholders filled."""
        said = self.language.gettext(text)
        return said.format(**placeholders) if placeholders else said

    def ngettext(self, one: str, many: str, n: float, **placeholders: str) -> str:
        """The form for a number, which is written in place of `{n}`; and its other placeholders filled."""
        # Only whole numbers have forms; 1.5 is many in English and Spanish alike.
        form = int(n) if n == int(n) else 2
        return self.language.ngettext(one, many, form).format(n=self.number(n), **placeholders)

    # Numbers

    def number(self, number: float, digits: int = 1) -> str:
        """1,234 or 2.4: whole numbers whole, others with at most `digits` decimals."""
        whole = number == int(number) or abs(number) >= 1000  # noqa: PLR2004 - a tenth of a thousand says nothing
        pattern = "#,##0" if whole else f"#,##0.{'#' * digits}"
        return numbers.format_decimal(number, format=pattern, locale=self.locale)

    def percent(self, share: float) -> str:
        """64%; with a decimal only next to 0 and 100, where it makes the difference."""
        edge = 0 < share < 0.01 or 0.99 < share < 1  # noqa: PLR2004 - one per cent
        return numbers.format_percent(
            round(share, 3 if edge else 2), locale=self.locale, decimal_quantization=False
        )

    def duration(self, seconds: float) -> str:
        """2d 3h: the largest two units, the smaller one rounded."""
        seconds = max(seconds, 0)
        # What rounds to the next larger unit is said in that one: 59.9 minutes are 1h.
        larger, smaller = next(
            (pair for pair in pairwise(_UNITS) if _rounded(seconds, pair[1][1]) >= pair[0][1]), _UNITS[-2:]
        )
        count, rest = divmod(_rounded(seconds, smaller[1]), larger[1])
        parts = ((count, larger[0]), (rest // smaller[1], smaller[0]))
        said = [self._amount(number, unit) for number, unit in parts if number]
        return " ".join(said) or self._amount(0, smaller[0])

    def days(self, days: float) -> str:
        """12 days, 1.5 days."""
        return units.format_unit(round(days, 1), "duration-day", "long", locale=self.locale)

    def money(self, amount: float) -> str:
        """In the currency of the assumptions; cents only below ten."""
        pattern = Locale.parse(self.locale).currency_formats["standard"].pattern.split(";")[0]
        if abs(amount) >= 10 or amount == int(amount):  # noqa: PLR2004 - ten of any currency
            pattern = pattern.replace(".00", "")
        return numbers.format_currency(
            amount, self.currency, format=pattern, locale=self.locale, currency_digits=False
        )

    def amount(self, unit: Unit, number: float | None) -> str:
        """A number of a unit; the dash of the unknown for None."""
        written: dict[Unit, Callable[[float], str]] = {
            Unit.COUNT: self.number,
            Unit.SHARE: self.percent,
            Unit.SECONDS: self.duration,
            Unit.DAYS: self.days,
            Unit.RATE: partial(self.number, digits=2),
            Unit.MONEY: self.money,
            Unit.SCORE: self.score,
        }
        return UNKNOWN if number is None else written[unit](number)

    def score(self, score: float) -> str:
        """+34, with its sign."""
        sign = "+" if score > 0 else _MINUS if score < 0 else ""
        return sign + self.number(abs(round(score)))

    # What a reading says

    def value(self, unit: Unit, value: Value) -> str:
        """The number itself: 64%, > 2h, 3 of 4 (too few for a per cent), or the dash of the unknown."""
        if value.number is None:
            return UNKNOWN
        if value.too_few and unit is Unit.SHARE and value.denominator is not None:
            return self._of(value)
        said = self.amount(unit, value.number)
        return f"> {said}" if value.lower_bound else said

    def notes(self, unit: Unit, value: Value) -> list[str]:
        """What is needed to trust or distrust the number: why unknown, of how many, how sure, its parts."""
        if value.number is None:
            return [self.gettext(value.reason) or self.gettext("unknown")]
        said = []
        if value.too_few:
            said.append(self.gettext("too few to say"))
        if value.denominator is not None and value.numerator is None:
            said.append(self.gettext("n = {n}", n=self.number(value.denominator)))
        elif value.denominator is not None and not (value.too_few and unit is Unit.SHARE):
            said.append(self._of(value))
        if value.interval is not None and not value.too_few:
            low, high = (self.amount(unit, end) for end in value.interval)
            said.append(self.gettext("95% interval {low} to {high}", low=low, high=high))
        if value.lower_bound:
            said.append(self.gettext("at least: more than half are still open"))
        said += [
            self._part(unit, name, number)
            for name, number in value.parts.items()
            if name != "base"
            and (number or name not in _COUNTED_PARTS)
            and not (name in _APART and unit is Unit.COUNT)
        ]
        return said

    def of(self, unit: Unit, value: Value) -> str:
        """The part and the whole of a share; empty where the value itself is said so."""
        is_said = value.too_few or unit is not Unit.SHARE or value.numerator is None
        return "" if is_said else self._of(value)

    def caveat(self, unit: Unit, value: Value) -> str:
        """What the number may never stand without: of how many, that they are too few, how low and high it may be."""
        said = [self.gettext("too few to say")] if value.too_few else [self.of(unit, value)]
        said += [self._part(unit, name, value.parts[name]) for name in ("low", "high") if name in value.parts]
        return " · ".join(filter(None, said))

    def apart(self, unit: Unit, value: Value) -> str:
        """What staff and bots did, which the number leaves out: "+ 12 by staff, 40 by bots"; or nothing."""
        if unit is not Unit.COUNT:
            return ""
        others = [
            self.ngettext(*_COUNTED_PARTS[name], n=number)
            for name in _APART
            if (number := value.parts.get(name))
        ]
        return f"+ {', '.join(others)}" if others else ""

    def change(self, reading: Reading) -> ChangeSaid:
        """Against the window before: an arrow and the difference only where it is more than chance."""
        unit, now, before = reading.metric.unit, reading.value, reading.previous
        if before.number is None or now.number is None:
            was = (
                self.gettext("was {value}", value=self.value(unit, before))
                if before.number is not None
                else ""
            )
            return ChangeSaid("", "", was, "")
        was = self.gettext("was {value}", value=self.value(unit, before))
        if reading.change not in (Change.UP, Change.DOWN):
            same = self.value(unit, now) == self.value(unit, before)
            return ChangeSaid("", "", self.gettext("as before") if same else was, "")
        up = reading.change is Change.UP
        mood = ""
        if reading.metric.direction is not Direction.NEITHER:
            mood = "good" if up is (reading.metric.direction is Direction.UP) else "bad"
        return ChangeSaid(UP if up else DOWN, self._difference(unit, now.number, before.number), was, mood)

    # Moments

    def window(self, window: Window) -> str:
        """Week of 11-17 July 2016, July 2016, 3rd quarter 2016, Monday, 11 July 2016, or first to last day."""
        skeleton = partial(dates.format_skeleton, datetime=window.first, locale=self.locale)
        match window.period:
            case Period.DAILY:
                said = dates.format_date(window.first, "full", locale=self.locale)
            case Period.WEEKLY:
                said = self.gettext("Week of {days}", days=self._days(window))
            case Period.MONTHLY:
                said = skeleton("yMMMM")
            case Period.QUARTERLY:
                said = skeleton("yQQQQ")
            case None:
                said = self._days(window)
        return said[:1].upper() + said[1:]

    def day(self, day: date, *, weekday: bool = False) -> str:
        """11 July; with the weekday, Mon 11 July."""
        said = dates.format_skeleton("MMMMd", day, locale=self.locale)
        return f"{dates.format_date(day, 'EEE', locale=self.locale)} {said}" if weekday else said

    def full_day(self, day: date) -> str:
        """11 July 2016."""
        return dates.format_date(day, "long", locale=self.locale)

    def short_day(self, day: date, *, weekday: bool = False) -> str:
        """11 Jul, for the foot of a bar; with the weekday, Mon 11."""
        skeleton = "EEd" if weekday else "MMMd"
        return dates.format_skeleton(skeleton, day, locale=self.locale)

    def moment(self, moment: datetime) -> str:
        """17 July 2016, 18:03, in the community's time zone."""
        local = moment.astimezone(self.zone)
        day = dates.format_date(local, "long", locale=self.locale)
        return f"{day}, {dates.format_time(local, 'short', locale=self.locale)}"

    def age(self, since: datetime, until: datetime) -> str:
        """How long ago that was, roughly: 3 days ago."""
        return dates.format_timedelta(
            min(since - until, -timedelta(seconds=1)), add_direction=True, locale=self.locale
        )

    # Names of things

    def area(self, area: Area) -> str:
        """The area's name."""
        return self.gettext(_AREAS[area])

    def deeds(self, did: Mapping[str, int]) -> str:
        """5 answers, 2 contributions."""
        return ", ".join(
            self.ngettext(*_DEEDS[name], n=n) if name in _DEEDS else f"{name}: {self.number(n)}"
            for name, n in did.items()
            if n
        )

    def list(self, parts: Sequence[str]) -> str:
        """a, b and c."""
        return lists.format_list(parts, locale=self.locale) if parts else ""

    # How they are put together

    def _of(self, value: Value) -> str:
        return self.gettext(
            "{part} of {whole}",
            part=self.number(value.numerator or 0),
            whole=self.number(value.denominator or 0),
        )

    def _part(self, unit: Unit, name: str, number: float | None) -> str:
        if number is None and name == "p90":
            return self.gettext("90% not reached yet")
        if number is not None and name in _COUNTED_PARTS:
            return self.ngettext(*_COUNTED_PARTS[name], n=number)
        said = self.amount(unit, number)
        known = _MEASURED_PARTS.get(name)
        return self.gettext(known, value=said) if known else f"{name.replace('_', ' ')}: {said}"

    def _difference(self, unit: Unit, now: float, before: float) -> str:
        if unit is Unit.SHARE:
            points = round(now * 100) - round(before * 100) or round((now - before) * 100, 1)
            return self.ngettext("{n} point", "{n} points", abs(points))
        if unit is Unit.SCORE:
            return self.ngettext("{n} point", "{n} points", abs(round(now) - round(before)))
        return self.amount(unit, abs(now - before))

    def _amount(self, count: int, unit: str) -> str:
        # Narrow (2h 10m): Babel's short Spanish writes "1 horas".
        return units.format_unit(count, f"duration-{unit}", "narrow", locale=self.locale)

    def _days(self, window: Window) -> str:
        first, last = window.first, window.until - timedelta(days=1)
        until = dates.format_date(last, "long", locale=self.locale)
        if first == last:
            return until
        if (first.year, first.month) == (last.year, last.month):
            return self.gettext("{first}\N{EN DASH}{last}", first=str(first.day), last=until)
        if first.year == last.year:
            return self.gettext("{first} \N{EN DASH} {last}", first=self.day(first), last=until)
        return self.gettext("{first} \N{EN DASH} {last}", first=dates.format_date(first, "long", locale=self.locale), last=until)  # fmt: skip


def _rounded(seconds: float, unit: int) -> int:
    return round(seconds / unit) * unit
