"""`record`: facts from outside the platforms: support cases, survey answers, attendees, leads, costs."""

from collections.abc import Sequence
from datetime import date, timedelta

from bot.commands.model import Ask, Entry, Parameter
from bot.commands.naming import find, kind_names
from bot.commands.parsing import without_fillers
from bot.commands.quantities import Days, days, fraction, number
from bot.commands.text import Token
from bot.digest import plain
from bot.digest.render.markdown import escape
from bot.languages import msgid
from bot.spaces.observed import KINDS, Form, Kind
from connectors.records import Button, Reply
from storage import observations
from storage.observations import Fact

_UNDO = frozenset({"undo", "deshacer", "deshaz", "deshace"})
_SHOWN = 5
_MOST = 50
_LARGEST = 1e12


async def _record(ask: Ask) -> Reply:
    typed = without_fillers(ask.rest)
    for name in ("value", "subject", "when"):
        if value := ask.options.get(name):
            typed.append(Token(value, value.lower(), is_quoted=name == "subject"))
    if any(token.plain in _UNDO for token in typed):
        return await _undo(ask)
    kind, typed = _kind(ask, typed)
    if kind is None:
        return await _list(ask)
    today = ask.now.astimezone(ask.config.community.zone).date()
    facts = _facts(ask, kind, typed, today)
    await ask.doors.write(ask.once(lambda session: observations.record(session, facts, ask.who)))
    words = ask.words
    lines = [escape(_said(ask, fact)) for fact in facts[:_SHOWN]]
    text = words.gettext("Recorded: {facts}.", facts="; ".join(lines))
    return Reply(text, buttons=(Button(words.gettext(msgid("Undo")), "record undo"),))


def _kind(ask: Ask, typed: list[Token]) -> tuple[Kind | None, list[Token]]:
    """The kind of fact, and what was said beside it."""
    if "kind" in ask.options:
        return KINDS[ask.options["kind"]], typed
    if not typed:
        return None, typed
    name, meant = find(typed[0].text, kind_names())
    if name is not None:
        return KINDS[name], typed[1:]
    call = ask.call(ask.entry.called(ask.language))
    if meant is not None:
        raise ask.wrong("I do not know “{word}”. Did you mean `{command}`?", word=escape(typed[0].text[:40]),
                        command=f"{call} {meant}")  # fmt: skip
    raise ask.wrong("I do not know “{word}”. `{command}` lists what can be recorded.",
                    word=escape(typed[0].text[:40]), command=call)  # fmt: skip


def _facts(ask: Ask, kind: Kind, typed: Sequence[Token], today: date) -> list[Fact]:
    """What was said, as facts."""
    when: Days | None = None
    amounts: list[tuple[float, float | None]] = []
    names: list[str] = []
    for token in typed:
        found = None if token.is_quoted else days(token.text.lower(), today)
        amount = None if token.is_quoted or found else _amount(token.text, ask.language)
        if found:
            when = found
        elif amount:
            amounts.append(amount)
        else:
            names.append(token.text)
    subject = plain.shorten(plain.clean(" ".join(names)), 80)
    example = ask.call(f"{ask.entry.called(ask.language)} {kind.name}")
    how = ask.words.gettext(kind.words)
    if not amounts or (kind.form is not Form.ANSWERS and len(amounts) > 1) or len(amounts) > _MOST:
        raise ask.wrong("Write behind `{command}` {what}.", command=example, what=escape(how))
    if kind.subject and not subject:
        raise ask.wrong("Name it too. Write behind `{command}` {what}.", command=example, what=escape(how))
    if not kind.subject and subject and kind.form is Form.ANSWERS:
        raise ask.wrong("I do not understand “{word}”. Write behind `{command}` {what}.", word=escape(subject),
                        command=example, what=escape(how))  # fmt: skip
    if when is None and kind.form is Form.TOTAL:
        raise ask.wrong(
            "Say of which days. Write behind `{command}` {what}.", command=example, what=escape(how)
        )
    when = when or Days(today, today + timedelta(days=1))
    if when.first > today:
        raise ask.wrong("Those days have not been yet. Name days that are over.")
    return [Fact(kind.name, subject, *_checked(ask, kind, amount, example, how), *when) for amount in amounts]


def _amount(text: str, language: str) -> tuple[float, float | None] | None:
    part = fraction(text, language)
    if part is not None:
        return part
    plain_number = number(text, language)
    return None if plain_number is None else (plain_number, None)


def _checked(
    ask: Ask, kind: Kind, amount: tuple[float, float | None], example: str, how: str
) -> tuple[float, float | None]:
    """The numbers, if they can be true."""
    value, of = amount
    wrong = (of is None) == (kind.of == "must") if kind.of != "may" else False
    if wrong:
        raise ask.wrong("Write behind `{command}` {what}.", command=example, what=escape(how))
    if not 0 <= value <= _LARGEST or (of is not None and not 0 < of <= _LARGEST):
        raise ask.wrong(
            "That number cannot be. Write behind `{command}` {what}.", command=example, what=escape(how)
        )
    if kind.whole and (value != int(value) or (of is not None and of != int(of))):
        raise ask.wrong("Only whole numbers can be counted. Write behind `{command}` {what}.", command=example,
                        what=escape(how))  # fmt: skip
    if of is not None and value > of and not kind.beyond:
        raise ask.wrong("{value} of {of} cannot be. Write behind `{command}` {what}.", value=ask.words.number(value),
                        of=ask.words.number(of), command=example, what=escape(how))  # fmt: skip
    if kind.scale and not (kind.scale[0] <= value <= kind.scale[1] and (of is None or of <= kind.scale[1])):
        low, high = map(str, kind.scale)
        raise ask.wrong("An answer is a number from {low} to {high}. Write behind `{command}` {what}.", low=low,
                        high=high, command=example, what=escape(how))  # fmt: skip
    return value, of


async def _undo(ask: Ask) -> Reply:
    undone = await ask.doors.write(ask.once(lambda session: observations.undo_last(session, ask.who)))
    if undone is None:
        return Reply(ask.words.gettext(msgid("It is taken back.")))
    if not undone:
        raise ask.wrong("There is nothing of yours to undo.")
    text = ask.words.gettext(
        "Taken back: {facts}.", facts=escape("; ".join(_said(ask, fact) for fact in undone[:_SHOWN]))
    )
    return Reply(text)


async def _list(ask: Ask) -> Reply:
    """What can be recorded, and what was recorded last."""
    recent = await ask.doors.read(lambda session: observations.recent(session, _SHOWN))
    words, call = ask.words, ask.call(ask.entry.called(ask.language))
    lines = [f"- `{call} {kind.name}`: {escape(words.gettext(kind.words))}" for kind in KINDS.values()]
    text = [words.gettext("This can be recorded:"), "", *lines]
    if recent:
        text += [
            "",
            words.gettext("Recorded last:"),
            "",
            *(f"- {escape(_said(ask, fact))}" for fact, _ in recent),
        ]
    return Reply("\n".join(text))


def _said(ask: Ask, fact: Fact) -> str:
    words, kind = ask.words, KINDS[fact.kind]
    amount = words.number(fact.value) + (f"/{words.number(fact.of)}" if fact.of is not None else "")
    about = f" “{fact.subject}”" if fact.subject else ""
    last = fact.until - timedelta(days=1)
    when = words.full_day(last)
    if fact.first != last:
        when = f"{words.day(fact.first)} \N{EN DASH} {when}"
    return f"{words.gettext(kind.title)}{about}: {amount}, {when}"


ENTRIES = (
    Entry("record", "record", msgid("Record a fact from outside: cases, survey answers, attendance, leads, costs."),
          _record,
          (Parameter("kind", msgid("What it is."), tuple((kind.name, kind.title) for kind in KINDS.values()),
                     suggests=False, aliases={alias: kind.name for kind in KINDS.values() for alias in kind.aliases}),
           Parameter("value", msgid("How many: 120, or 40/55.")),
           Parameter("subject", msgid("Which event or feature.")),
           Parameter("when", msgid("When: 2026-05, 2026-05-03, 2026-Q2, 2026-05-04..2026-05-10."))),
          {"es": "anota"}, ("registra", "registrar", "anotar", "observation"), takes_rest=True,
          example='attendance 40/55 "Spring meetup" 2026-05-03'),
)  # fmt: skip
