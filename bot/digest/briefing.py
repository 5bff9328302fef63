"""What a good colleague says first: what matters most, what changed and how sure that is, and what is worth doing.

Sentences are made from numbers by rules. A change is called one only where it is more than chance would make.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bot.digest import plain, said
from bot.digest.model import Change, Correction, Digest, Reading
from bot.digest.said import MessageSaid, ThanksSaid
from bot.digest.words import DOWN, UP, Words
from bot.languages import Plural, msgid
from bot.spaces.model import Direction, Value
from bot.spaces.window import Period

_CHANGES = 5
_TODO = 3
_EACH = 3
"""Questions, and people, in one thing to do."""

_CLAUSES = {
    "product_ideas": Plural("{n} idea for the product came in", "{n} ideas for the product came in"),
    "new_contributors": Plural("{n} person wrote for the first time", "{n} people wrote for the first time"),
    "contributions": Plural("members shared {n} contribution", "members shared {n} contributions"),
    "active_members": Plural("{n} member took part", "{n} members took part"),
    "success_stories": Plural("members told {n} success story", "members told {n} success stories"),
}
_ONE_ANSWERED = msgid("the one question that was asked is answered")
_ONE_OPEN = msgid("the one question that was asked is not answered yet")
_TITLES = (
    "",
    msgid("One thing worth doing"),
    msgid("Two things worth doing"),
    msgid("Three things worth doing"),
)


class _Before(NamedTuple):
    """How the period before is spoken of."""

    chance: str
    up: str
    down: str
    again: str


_BEFORE = {
    Period.DAILY: _Before(
        msgid("{fact}, against {before} the day before, which can be chance."),
        msgid("{fact}, up from {before} the day before: more than chance would make."),
        msgid("{fact}, down from {before} the day before: more than chance would make."),
        msgid("The day before, counted again: {changes}."),
    ),
    Period.WEEKLY: _Before(
        msgid("{fact}, against {before} the week before, which can be chance."),
        msgid("{fact}, up from {before} the week before: more than chance would make."),
        msgid("{fact}, down from {before} the week before: more than chance would make."),
        msgid("The week before, counted again: {changes}."),
    ),
    Period.MONTHLY: _Before(
        msgid("{fact}, against {before} the month before, which can be chance."),
        msgid("{fact}, up from {before} the month before: more than chance would make."),
        msgid("{fact}, down from {before} the month before: more than chance would make."),
        msgid("The month before, counted again: {changes}."),
    ),
    Period.QUARTERLY: _Before(
        msgid("{fact}, against {before} the quarter before, which can be chance."),
        msgid("{fact}, up from {before} the quarter before: more than chance would make."),
        msgid("{fact}, down from {before} the quarter before: more than chance would make."),
        msgid("The quarter before, counted again: {changes}."),
    ),
}
_ANYTIME = _Before(
    msgid("{fact}, against {before} before, which can be chance."),
    msgid("{fact}, up from {before}: more than chance would make."),
    msgid("{fact}, down from {before}: more than chance would make."),
    msgid("The time before, counted again: {changes}."),
)


@dataclass(frozen=True, slots=True)
class TodoSaid:
    """One thing worth doing, with the messages or people that it is about."""

    about: str
    """ "questions", "ideas", "people" or "newcomers"."""
    words: str
    messages: tuple[MessageSaid, ...] = ()
    people: tuple[ThanksSaid, ...] = ()
    more: str = ""
    """How many further ones there are."""


@dataclass(frozen=True, slots=True)
class Briefing:
    """The digest in short."""

    headline: str
    """One sentence."""
    beside: str
    """What one wants to know as well; may be empty."""
    changes_title: str
    changes: tuple[str, ...]
    """A line each; none where nothing changed by more than chance."""
    corrections: str
    """What was published about the period before, and is otherwise by now."""
    todo_title: str
    todo: tuple[TodoSaid, ...]

    def shows(self, about: str) -> int:
        """How many questions, ideas or people are named here already."""
        return sum(len(each.messages) + len(each.people) for each in self.todo if each.about == about)


def brief(digest: Digest, words: Words) -> Briefing:
    """Say first what comes first."""
    todo = tuple(_todo(digest, words))[:_TODO]
    headline, *beside = _headline(digest, words)
    return Briefing(
        headline=headline,
        beside=" ".join(beside),
        changes_title=words.gettext("What changed"),
        changes=tuple(_changes(digest, words)),
        corrections=_corrections(digest, words),
        todo_title=_TITLES[len(todo)] and words.gettext(_TITLES[len(todo)]),
        todo=todo,
    )


# --- the headline -------------------------------------------------------------------------------------------------


def _headline(digest: Digest, words: Words) -> list[str]:
    readings = [reading for area in digest.areas for reading in area.readings]
    heads = [reading for reading in readings if reading.metric.headline and reading.value.number is not None]
    if not heads:
        return [words.gettext("Nothing is known of this time yet.")]
    if digest.is_empty:
        return [words.gettext("It was quiet: nobody wrote anything.")]
    # Bad news before good, and what matters most to this community before the rest.
    lead = max(heads, key=_weight)
    sentences = [_with_change(lead, digest.window.period, words)]
    beside = next((head for head in heads if head.metric.name in _BESIDE and head is not lead), None)
    if beside is not None:
        sentences.append(f"{_capital(_clause(beside, words))}.")
    if not any(reading.change in (Change.UP, Change.DOWN) for reading in readings if reading is not lead):
        sentences.append(words.gettext("No other number changed by more than chance would make."))
    return sentences


_BESIDE = ("active_members", "answered_questions")
"""What one wants to know whatever else has happened."""


def _weight(reading: Reading) -> int:
    if reading.change not in (Change.UP, Change.DOWN):
        return 0
    return 2 if (reading.change is Change.UP) is (reading.metric.direction is Direction.DOWN) else 1


def _with_change(reading: Reading, period: Period | None, words: Words) -> str:
    """A sentence with what was before, and whether the difference means anything."""
    fact, unit = _capital(_clause(reading, words)), reading.metric.unit
    now, before = words.value(unit, reading.value), words.value(unit, reading.previous)
    told = _BEFORE[period] if period else _ANYTIME
    match reading.change:
        case Change.UP:
            return words.gettext(told.up, fact=fact, before=before)
        case Change.DOWN:
            return words.gettext(told.down, fact=fact, before=before)
        case Change.STEADY if now != before:
            return words.gettext(told.chance, fact=fact, before=before)
        case Change.STEADY:
            return words.gettext("{fact}, as before.", fact=fact)
    return f"{fact}."


def _clause(reading: Reading, words: Words) -> str:
    """A number in plain words, as a part of a sentence."""
    name, value = reading.metric.name, reading.value
    if name == "answered_questions" and value.numerator is not None and value.denominator is not None:
        return _answered(value, words)
    if name in _CLAUSES and value.number is not None:
        return words.ngettext(*_CLAUSES[name], n=value.number)
    title = words.gettext(reading.metric.title)
    return f"{title}: {words.value(reading.metric.unit, value)}"


def _answered(value: Value, words: Words) -> str:
    part, whole = value.numerator or 0, value.denominator or 0
    if whole == 1:
        return words.gettext(_ONE_ANSWERED if part else _ONE_OPEN)
    if part == whole:
        return words.gettext("all {whole} questions are answered", whole=words.number(whole))
    if not part:
        return words.gettext("none of {whole} questions is answered yet", whole=words.number(whole))
    clause = words.ngettext(
        "{n} of {whole} questions is answered so far", "{n} of {whole} questions are answered so far", part,
        whole=words.number(whole),
    )  # fmt: skip
    return clause if value.too_few else f"{clause}: {words.percent(part / whole)}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# --- what changed -------------------------------------------------------------------------------------------------


def _changes(digest: Digest, words: Words) -> Iterator[str]:
    changed = [
        reading for area in digest.areas for reading in area.readings
        if reading.change in (Change.UP, Change.DOWN)
    ]  # fmt: skip
    for reading in sorted(changed, key=lambda each: (not each.metric.headline, -_weight(each)))[:_CHANGES]:
        unit = reading.metric.unit
        yield words.gettext(
            "{arrow} {title}: {now} (was {before})",
            arrow=UP if reading.change is Change.UP else DOWN,
            title=words.gettext(reading.metric.title),
            now=words.value(unit, reading.value),
            before=words.value(unit, reading.previous),
        )
    if len(changed) > _CHANGES:
        yield words.ngettext("and {n} more", "and {n} more", len(changed) - _CHANGES)


def _corrections(digest: Digest, words: Words) -> str:
    moved = list(filter(None, (_correction(each, words) for each in digest.corrections)))
    if not moved:
        return ""
    told = _BEFORE[digest.window.period] if digest.window.period else _ANYTIME
    return words.gettext(told.again, changes="; ".join(moved))


def _correction(correction: Correction, words: Words) -> str:
    """What is now said, and was; empty where readers would see no difference."""
    unit = correction.metric.unit
    now, before = words.value(unit, correction.now), words.value(unit, correction.published)
    if now == before:
        return ""
    title = words.gettext(correction.metric.title)
    return words.gettext("{title} is now {now} (was {before})", title=title, now=now, before=before)


# --- what is worth doing ------------------------------------------------------------------------------------------


def _todo(digest: Digest, words: Words) -> Iterator[TodoSaid]:
    if digest.unanswered:
        shown = digest.unanswered[:_EACH]
        more = digest.unanswered_total - len(shown)
        yield TodoSaid(
            "questions",
            words.ngettext(
                "Answer the question that waits:", "Answer the questions that wait longest:", len(shown)
            ),
            messages=tuple(said.message(each, digest, words, short=True) for each in shown),
            more=words.ngettext("and {n} more waits", "and {n} more wait", more) if more > 0 else "",
        )
    if digest.ideas and digest.ideas[0].people + digest.ideas[0].reactions > 1:
        idea = said.message(digest.ideas[0], digest, words, support=True, short=True)
        yield TodoSaid("ideas", words.gettext("Look at the idea with the most support:"), messages=(idea,))
    if digest.thanks:
        yield TodoSaid("people", words.gettext("Say thank you to:"), people=thanked(digest, words)[:_EACH])
    newcomers = _number(digest, "new_contributors")
    if newcomers:
        yield TodoSaid(
            "newcomers",
            words.ngettext(
                "Welcome the {n} person who wrote for the first time.",
                "Welcome the {n} people who wrote for the first time.",
                newcomers,
            ),
        )


def thanked(digest: Digest, words: Words) -> tuple[ThanksSaid, ...]:
    """Everybody who is thanked, and what for."""
    return tuple(
        ThanksSaid(
            plain.name(person.name), words.deeds(dict(sorted(person.did.items(), key=lambda did: -did[1])))
        )
        for person in digest.thanks
    )


def _number(digest: Digest, name: str) -> float:
    readings: Sequence[Reading] = [reading for area in digest.areas for reading in area.readings]
    return next((reading.value.number or 0 for reading in readings if reading.metric.name == name), 0)
