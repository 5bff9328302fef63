"""`goal`: what a number is to reach, by when, and whether it is on its way."""

from datetime import timedelta

from bot.commands.model import Ask, Entry, Parameter
from bot.commands.naming import find, metric_names
from bot.commands.parsing import without_fillers
from bot.commands.quantities import days, duration, number, share
from bot.commands.text import Token
from bot.digest.goals import goal_said
from bot.digest.render.markdown import escape
from bot.goals import Progress, progress
from bot.languages import msgid
from bot.spaces.catalogue import METRICS
from bot.spaces.model import Metric, Unit
from connectors.records import Reply
from storage import goals

_OFF = frozenset({"off", "remove", "delete", "none", "quitar", "quita", "fuera", "borrar", "borra", "no"})
_BY = frozenset({"by", "until", "before", "antes", "hasta", "al", "to", "reach"})
_PERCENT = 100


async def _goal(ask: Ask) -> Reply:
    typed = [token for token in without_fillers(ask.rest) if token.plain not in _BY]
    typed += [Token(value, value) for name in ("target", "due") if (value := ask.options.get(name))]
    if not typed and "metric" not in ask.options:
        return await _list(ask)
    if "goal" not in ask.rights:
        raise ask.wrong(
            "Goals are set by people with the right “goal”; `{command}` shows them.", command=_call(ask)
        )
    today = ask.now.astimezone(ask.config.community.zone).date()
    off = [token for token in typed if token.plain in _OFF]
    due = next((found for token in typed if (found := days(token.text.lower(), today))), None)
    numbers = [token for token in typed if token.text[:1].isdigit() and not days(token.text.lower(), today)]
    said = [token for token in typed if token not in (*off, *numbers) and not days(token.text.lower(), today)]
    metric = _metric(ask, ask.options.get("metric") or " ".join(token.text for token in said))
    if off:
        return await _drop(ask, metric)
    example = ask.call(f"{ask.entry.called(ask.language)} {metric.name} 70% {today + timedelta(days=90)}")
    target = _target(metric, numbers[0].text, ask.language) if numbers else None
    if target is None:
        raise ask.wrong("Say what it is to reach, and by when: `{command}`", command=example)
    if due is None:
        raise ask.wrong("Say by when: `{command}`", command=example)
    if due.last <= today:
        raise ask.wrong("That day is not in the future. Name a later one: `{command}`", command=example)
    await ask.doors.write(lambda session: goals.put(session, metric.name, target, due.last, today, ask.who))
    words = ask.words
    text = words.gettext(
        "The goal is set: {title} {target} by {day}.",
        title=escape(words.gettext(metric.title)),
        target=escape(words.amount(metric.unit, target)),
        day=words.full_day(due.last),
    )
    return Reply(text)


async def _list(ask: Ask) -> Reply:
    audience, zone = await ask.doors.audience(ask), ask.config.community.zone
    found = await ask.doors.read(lambda session: progress(ask.community(session, audience), zone))
    words = ask.words
    shown = [each for each in found if audience.staff or not each.metric.staff_only]
    if not shown:
        example = ask.call(f"{ask.entry.called(ask.language)} answered_questions 70% 2027-06-30")
        return Reply(words.gettext("There are no goals. Set one so: `{command}`", command=example))
    title = words.gettext("Goals")
    return Reply("\n".join([f"**{title}**", "", *(_line(ask, each) for each in shown)]))


def _line(ask: Ask, found: Progress) -> str:
    return f"- {escape(goal_said(found, ask.words))} · {escape(ask.words.window(found.window))}"


async def _drop(ask: Ask, metric: Metric) -> Reply:
    dropped = await ask.doors.write(lambda session: goals.drop(session, metric.name))
    title = escape(ask.words.gettext(metric.title))
    if dropped:
        return Reply(ask.words.gettext("The goal of {title} is gone.", title=title))
    raise ask.wrong("There is no goal of {title}. `{command}` shows all.", title=title, command=_call(ask))


def _metric(ask: Ask, typed: str) -> Metric:
    name, meant = find(typed, metric_names())
    if name is not None:
        return METRICS[name]
    if meant is not None:
        raise ask.wrong("There is no number “{word}”. Did you mean `{command}`?", word=escape(typed[:60]),
                        command=f"{_call(ask)} {meant}")  # fmt: skip
    raise ask.wrong(
        "Say which number, for example: `{command}`",
        command=f"{_call(ask)} answered_questions 70% 2027-06-30",
    )


def _target(metric: Metric, text: str, language: str) -> float | None:
    """What a number of the metric's unit is to be: 70% or 70 for a share, 2h or 90min for a time."""
    plain = number(text, language)
    match metric.unit:
        case Unit.SHARE:
            part = share(text, language)
            found = part if part is not None else plain
            found = found / _PERCENT if found is not None and part is None and found > 1 else found
            return found if found is not None and 0 <= found <= 1 else None
        case Unit.SECONDS:
            return duration(text)
        case Unit.DAYS if plain is None:
            time = duration(text)
            return None if time is None else time / 86_400
        case _:
            return plain


def _call(ask: Ask) -> str:
    return ask.call(ask.entry.called(ask.language))


ENTRIES = (
    Entry("goal", "read", msgid("Goals and their pace; or set one: a number, its target and a day."), _goal,
          (Parameter("metric", msgid("The number, by its title or name."), suggests=True),
           Parameter("target", msgid("What it is to reach: 70%, 120, 2h; or off.")),
           Parameter("due", msgid("By when: 2027-06-30."))),
          {"es": "meta"}, ("goals", "target", "metas", "objetivo", "objetivos"), takes_rest=True,
          example="answered_questions 70% 2027-06-30"),
)  # fmt: skip
