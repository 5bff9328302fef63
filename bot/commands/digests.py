"""`daily`, `weekly`, `monthly`, `quarterly`: the digest of the last period that is over."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from bot.app import community_at
from bot.commands.model import Ask, Entry, Handler, Parameter
from bot.commands.replies import digest_reply
from bot.digest.compute import compute
from bot.digest.model import Digest
from bot.languages import msgid
from bot.spaces.model import Area
from bot.spaces.window import Period, last_closed
from connectors.records import Reply

AREA = Parameter(
    "area", msgid("Only this area."),
    (("support", msgid("Support")), ("product", msgid("Product")), ("acquisition", msgid("Acquisition")),
     ("contribution", msgid("Contribution")), ("engagement", msgid("Engagement")), ("success", msgid("Success"))),
)  # fmt: skip
PUBLIC = Parameter("public", msgid("Show the answer to everybody here."), (("yes", msgid("yes")),))


def computed(ask: Ask, session: Session, period: Period, areas: Sequence[Area]) -> Digest:
    """The digest of the last closed window of a period."""
    config = ask.config
    return compute(
        community_at(session, config, ask.now),
        last_closed(period, ask.now, config.community.zone),
        name=config.community.name,
        purpose=config.community.purpose,
        areas=areas,
    )


def _of(period: Period) -> Handler:
    async def handler(ask: Ask) -> Reply:
        areas = [Area(ask.options["area"])] if "area" in ask.options else ask.config.community.areas
        digest = await ask.doors.read(lambda session: computed(ask, session, period, areas))
        return digest_reply(digest, ask)

    return handler


ENTRIES = (
    Entry("daily", "read", msgid("Yesterday in numbers."), _of(Period.DAILY), (AREA, PUBLIC),
          {"es": "diario"}, ("day", "today", "yesterday", "dia", "hoy", "ayer")),
    Entry("weekly", "read", msgid("The last week in numbers."), _of(Period.WEEKLY), (AREA, PUBLIC),
          {"es": "semanal"}, ("week", "semana")),
    Entry("monthly", "read", msgid("The last month in numbers."), _of(Period.MONTHLY), (AREA, PUBLIC),
          {"es": "mensual"}, ("month", "mes")),
    Entry("quarterly", "read", msgid("The last quarter in numbers."), _of(Period.QUARTERLY), (AREA, PUBLIC),
          {"es": "trimestral"}, ("quarter", "trimestre")),
)  # fmt: skip
