"""`explain`: what exactly a number counts, and the messages behind it."""

from sqlalchemy.orm import Session

from bot.commands.model import Ask, Entry, Parameter
from bot.commands.naming import find, metric_names
from bot.commands.parameters import PERIOD, PUBLIC
from bot.commands.parsing import without_fillers
from bot.commands.replies import listed
from bot.digest.compute import measure
from bot.digest.model import Explanation
from bot.digest.render.explanation import contract
from bot.digest.render.markdown import escape
from bot.languages import msgid
from bot.spaces.catalogue import METRICS
from bot.spaces.model import Area, Metric
from bot.spaces.window import Period, last_closed
from connectors.records import Button, Reply

_SHOWN = 5


async def _explain(ask: Ask) -> Reply:
    typed = ask.options.get("metric") or " ".join(token.text for token in without_fillers(ask.rest))
    if not typed:
        return _catalogue(ask)
    metric = _metric(ask, typed)
    audience = await ask.doors.audience(ask)
    if metric.staff_only and not audience.staff:
        raise ask.wrong("That number is for staff only.")
    config = ask.config
    window = last_closed(Period(ask.options.get("period", Period.WEEKLY)), ask.now, config.community.zone)

    def look(session: Session) -> Explanation:
        community = ask.community(session, audience)
        evidence = metric.evidence(community, window) if metric.evidence and audience.quotes else None
        return Explanation(
            metric, window, measure(metric, community, window), evidence, ask.now, config.support.answer_days,
            config.value.currency,
        )  # fmt: skip

    found = await ask.doors.read(look)
    words, title = ask.words, escape(ask.words.gettext(metric.title))
    notes = [*words.notes(metric.unit, found.value), words.apart(metric.unit, found.value)]
    lines = [
        f"**{title}: {escape(words.value(metric.unit, found.value))}** ({escape(words.window(window))})",
        *(f"- {escape(note)}" for note in notes if note),
        "",
        *(f"- {escape(name)}: {escape(text)}" for name, text in contract(found, words)),
    ]
    if found.evidence:
        some = found.evidence[:_SHOWN]
        lines += ["", words.gettext("Messages behind it that you can read:"), *listed(some, ask)]
        if len(found.evidence) > len(some):
            lines.append(words.gettext("… and more."))
    return Reply("\n".join(lines), buttons=_next(ask, metric), public=ask.is_public)


def _metric(ask: Ask, typed: str) -> Metric:
    name, meant = find(typed, metric_names())
    if name is not None:
        return METRICS[name]
    call = ask.call(ask.entry.called(ask.language))
    if meant is not None:
        raise ask.wrong("There is no number “{word}”. Did you mean `{command}`?", word=escape(typed[:60]),
                        command=f"{call} {meant}")  # fmt: skip
    raise ask.wrong(
        "There is no number “{word}”. `{command}` lists them all.", word=escape(typed[:60]), command=call
    )


def _catalogue(ask: Ask) -> Reply:
    """Every number, by area: by its title, which is understood too."""
    words = ask.words
    lines = []
    for area in ask.config.community.areas:
        titles = [words.gettext(metric.title) for metric in METRICS.values() if metric.area is area]
        lines.append(f"- **{escape(words.area(area))}**: {escape(' · '.join(titles))}")
    example = ask.call(
        f"{ask.entry.called(ask.language)} {words.gettext(METRICS['answered_questions'].title).lower()}"
    )
    ending = words.gettext("Ask for one of them, for example: `{command}`", command=example)
    return Reply("\n".join([words.gettext("These numbers can be explained:"), "", *lines, "", ending]))


def _next(ask: Ask, metric: Metric) -> tuple[Button, ...]:
    words = ask.words
    area = Button(words.area(metric.area), metric.area.value)
    if metric.area is Area.SUPPORT:
        return area, Button(words.gettext(msgid("Unanswered")), "unanswered")
    return (area,)


ENTRIES = (
    Entry("explain", "read", msgid("What exactly a number counts, and the messages behind it."), _explain,
          (Parameter("metric", msgid("The number, by its title or name."), suggests=True), PERIOD, PUBLIC),
          {"es": "explica"}, ("explicar", "explicame", "why"), takes_rest=True, example="questions"),
)  # fmt: skip
