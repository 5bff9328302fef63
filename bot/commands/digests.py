"""`daily` to `quarterly` and the six areas: the digest of the last period that is over; `digest` posts it here."""

from datetime import datetime

from sqlalchemy.orm import Session

from bot.commands.model import Ask, Entry, Handler
from bot.commands.parameters import (
    AREA,
    AREA_WORDS,
    DAY_WORDS,
    DETAIL,
    LANGUAGE,
    MONTH_WORDS,
    PERIOD,
    PUBLIC,
    QUARTER_WORDS,
    WEEK_WORDS,
)
from bot.commands.replies import digest_post, digest_reply
from bot.commands.text import plain
from bot.digest.friendly import befriend
from bot.languages import msgid
from bot.spaces.model import Area
from bot.spaces.window import Period
from connectors.records import Reply
from storage import ingest, posts


def _areas(ask: Ask) -> tuple[Area, ...]:
    """Those that were asked for, else the configured ones, the north star first."""
    if "area" in ask.options:
        return (Area(ask.options["area"]),)
    community = ask.config.community
    return tuple(sorted(community.areas, key=lambda area: area is not community.north_star))


def _of(period: Period) -> Handler:
    async def handler(ask: Ask) -> Reply:
        return digest_reply(await ask.doors.digest(ask, period, _areas(ask)), ask)

    return handler


def _about(area: Area) -> Handler:
    async def handler(ask: Ask) -> Reply:
        period = Period(ask.options.get("period", Period.WEEKLY))
        return digest_reply(await ask.doors.digest(ask, period, (area,)), ask)

    return handler


async def _post(ask: Ask) -> Reply:
    """Write the digest down to be posted here, once for its window, areas and language."""
    place = ask.command.channel_id
    if place is None:
        raise ask.wrong(
            "I can post a digest in a channel only. Ask there: `{command}`.",
            command=ask.call(f"{ask.entry.called(ask.language)} weekly"),
        )
    period = Period(ask.options.get("period", Period.WEEKLY))
    areas, language = _areas(ask), ask.options.get("language", ask.config.community.language)
    digest = befriend(await ask.doors.digest(ask, period, areas))
    post = await ask.doors.read(lambda _session: digest_post(digest, ask.connector, language))
    where = f"{place}/{ask.command.thread_id}" if ask.command.thread_id else place
    shown = f" {ask.options['area']}" if "area" in ask.options else ""
    purpose = f"asked: {period.value} {digest.window.first.isoformat()}{shown} {language}"

    def intend(session: Session) -> tuple[str, datetime | None] | None:
        source = ingest.source_id(session, ask.source, ask.connector)
        if posts.intend(session, source, where, purpose, post):
            return None
        found = posts.find(session, source, where, purpose)
        return None if found is None else (found.state, found.sent_at)

    before = await ask.doors.write(intend)
    if before is None:
        return Reply(ask.words.gettext("The digest will be here in a moment."))
    state, sent_at = before
    if state == posts.SENT and sent_at is not None:
        moment = ask.words.moment(sent_at)
        return Reply(ask.words.gettext("This digest was posted here already, on {moment}.", moment=moment))
    return Reply(ask.words.gettext("This digest is waiting to be posted here already."))


def _area_entry(area: Area, words: str, spanish: str) -> Entry:
    aliases = tuple(
        word for word, value in AREA_WORDS.items() if value == area and word not in {plain(spanish), "ayuda"}
    )
    return Entry(
        area.value, "read", words, _about(area), (PERIOD, LANGUAGE, PUBLIC), {"es": spanish}, aliases
    )


_HOW = (AREA, DETAIL, LANGUAGE, PUBLIC)

ENTRIES = (
    Entry("daily", "read", msgid("Yesterday in numbers."), _of(Period.DAILY), _HOW, {"es": "diario"}, DAY_WORDS),
    Entry("weekly", "read", msgid("The last week in numbers."), _of(Period.WEEKLY), _HOW, {"es": "semanal"},
          WEEK_WORDS),
    Entry("monthly", "read", msgid("The last month in numbers."), _of(Period.MONTHLY), _HOW, {"es": "mensual"},
          MONTH_WORDS),
    Entry("quarterly", "read", msgid("The last quarter in numbers."), _of(Period.QUARTERLY), _HOW,
          {"es": "trimestral"}, QUARTER_WORDS),
    _area_entry(Area.SUPPORT, msgid("Questions, answers and how fast they come."), "soporte"),
    _area_entry(Area.PRODUCT, msgid("Ideas and bug reports."), "producto"),
    _area_entry(Area.ACQUISITION, msgid("Who joined, and who recommends us."), "adquisición"),
    _area_entry(Area.CONTRIBUTION, msgid("What members make for each other."), "contribución"),
    _area_entry(Area.ENGAGEMENT, msgid("How many take part, and how much."), "participación"),
    _area_entry(Area.SUCCESS, msgid("What members achieve, and whether they stay."), "éxito"),
)  # fmt: skip

POSTING = (
    Entry("digest", "publish", msgid("Post the digest here, for everybody."), _post, (PERIOD, AREA, LANGUAGE),
          {"es": "resumen"}, ("publicar", "informe"), example="weekly",
          is_posted=True),
)  # fmt: skip
