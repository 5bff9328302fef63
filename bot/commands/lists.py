"""`unanswered`, `ideas`, `top`: what waits, what people wish for, whom to thank."""

from datetime import timedelta

from sqlalchemy.orm import Session

from bot.app import opted_out
from bot.commands.model import Ask, Entry
from bot.commands.parameters import PERIOD, PUBLIC
from bot.commands.replies import listed
from bot.digest import plain
from bot.digest.recognition import thanks
from bot.digest.render.markdown import escape
from bot.languages import msgid
from bot.spaces.model import Evidence
from bot.spaces.product import top_ideas
from bot.spaces.support import unanswered
from bot.spaces.values import labelled
from bot.spaces.window import Period, Window, last_closed
from connectors.records import Button, Reply

_SHOWN = 5


def _since(ask: Ask) -> Window:
    """From the beginning of the last closed period until now: what its digest tells of, and what came since."""
    zone = ask.config.community.zone
    closed = last_closed(Period(ask.options.get("period", Period.WEEKLY)), ask.now, zone)
    today = ask.now.astimezone(zone).date()
    return Window(closed.first, today + timedelta(days=1), zone)


async def _unanswered(ask: Ask) -> Reply:
    window, audience = _since(ask), await ask.doors.audience(ask)

    def find(session: Session) -> tuple[int, list[Evidence]]:
        community = ask.community(session, audience)
        waiting = unanswered(community, window)
        return len(waiting), community.question_evidence(waiting, limit=_SHOWN)

    count, messages = await ask.doors.read(find)
    words = ask.words
    if not count:
        return _reply(
            ask, words.gettext("Every question since {day} has an answer.", day=words.day(window.first))
        )
    head = words.ngettext(
        "{n} question since {day} waits for an answer.",
        "{n} questions since {day} wait for an answer.",
        count,
        day=words.day(window.first),
    )
    return _reply(
        ask,
        head,
        listed(messages, ask),
        Button(words.gettext(msgid("Explain")), "explain unanswered_questions"),
    )


async def _ideas(ask: Ask) -> Reply:
    window, audience = _since(ask), await ask.doors.audience(ask)

    def find(session: Session) -> tuple[int, list[Evidence]]:
        community = ask.community(session, audience)
        count = int(labelled(community, window, "product_idea").number or 0)
        return count, list(top_ideas(community, window, limit=_SHOWN))

    count, messages = await ask.doors.read(find)
    words = ask.words
    if not count:
        return _reply(ask, words.gettext("No ideas since {day}.", day=words.day(window.first)))
    head = words.ngettext(
        "{n} idea since {day}.",
        "{n} ideas since {day}, those with the most support first.",
        count,
        day=words.day(window.first),
    )
    return _reply(ask, head, listed(messages, ask, support=True))


async def _top(ask: Ask) -> Reply:
    zone, audience = ask.config.community.zone, await ask.doors.audience(ask)
    window = last_closed(Period(ask.options.get("period", Period.WEEKLY)), ask.now, zone)
    words = ask.words
    if not audience.quotes:
        raise ask.wrong(
            "Names are for people with the right “quote”. The numbers are in `{command}`.",
            command=ask.call(words.gettext(msgid("weekly"))),
        )
    people = await ask.doors.read(
        lambda session: thanks(ask.community(session, audience), window, opted_out(session, ask.config))
    )
    head = words.gettext("People to thank: {window}", window=words.window(window))
    lines = [
        f"- **{escape(plain.name(person.name))}**: {escape(words.deeds(person.did))}" for person in people
    ]
    return _reply(ask, head, lines or [words.gettext("Nobody yet.")])


def _reply(ask: Ask, head: str, lines: list[str] | None = None, *buttons: Button) -> Reply:
    text = "\n".join([f"**{head}**", "", *lines]) if lines else head
    return Reply(text, buttons=buttons, public=ask.is_public)


ENTRIES = (
    Entry("unanswered", "read", msgid("Questions that still wait for an answer, the oldest first."), _unanswered,
          (PERIOD, PUBLIC), {"es": "pendientes"}, ("open", "waiting", "pendiente", "respuesta")),
    Entry("ideas", "read", msgid("Ideas with the most support."), _ideas, (PERIOD, PUBLIC), {"es": "ideas"},
          ("idea", "wishes", "sugerencias")),
    Entry("top", "read", msgid("People to thank, and for what."), _top, (PERIOD, PUBLIC), {"es": "destacados"},
          ("contributors", "recognition", "reconocimiento", "mejores")),
)  # fmt: skip
