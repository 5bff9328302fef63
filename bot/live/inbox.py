"""What a connector knows of us while it listens: pages are kept, gaps are noted, signs of life are seen."""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from bot.commands.desk import Desk
from bot.live.metrics import Metrics
from bot.live.writer import Writer
from connectors.errors import UnreadablePayload
from connectors.records import Choice, Command, Offer, Page, Reply
from storage import ingest
from storage.database import DatabaseError

ROWS = 50
"""As many may be kept in one transaction without live events waiting long behind it."""

_LIVE_ROWS = 500

log = logging.getLogger("bot.live.inbox")


class Inbox:
    """One source's inbox (see `connectors.base.Inbox`)."""

    def __init__(self, source: str, source_id: int, writer: Writer, metrics: Metrics, desk: Desk) -> None:
        self._source = source
        self._id = source_id
        self._writer = writer
        self._metrics = metrics
        self._desk = desk
        self.lost = asyncio.Event()
        """Set while events may have been lost and history has not been read since."""
        self.heard = asyncio.Event()
        """Set once the platform has been heard of."""
        self.heard_at: datetime | None = None
        self.event_at: datetime | None = None
        self.lag: float | None = None
        """Seconds from the last event to its row."""

    async def deliver(self, page: Page) -> None:
        """Keep a page; it is durable when this returns."""
        try:
            for piece in pieces(page, _LIVE_ROWS):
                await self._writer.save(self._id, piece)
        except (DatabaseError, TypeError, ValueError) as error:
            self._metrics.error(self._source, "unreadable")
            log.error("an event could not be kept (%s)", type(error).__name__, extra={"source": self._source})  # noqa: TRY400 - what is in the page stays out of the log
            raise UnreadablePayload("An event could not be kept; please report it.") from error
        now = datetime.now(UTC)
        self.lag = max((now - page.observed_at).total_seconds(), 0.0)
        self.event_at = now
        self._metrics.arrived(self._source, page, self.lag)

    async def cursors(self) -> Mapping[str, str]:
        """How far each stream has been read."""
        return await self._writer.first(lambda session: ingest.cursors(session, self._id))

    def gap(self) -> None:
        """History is read again soon; several gaps at once are one."""
        self.lost.set()

    def alive(self) -> None:
        """Note that the platform was heard of."""
        self.heard_at = datetime.now(UTC)
        self.heard.set()

    @property
    def offers(self) -> Sequence[Offer]:
        """The commands to offer."""
        return self._desk.offers

    async def answer(self, command: Command) -> Reply | None:
        """Do what a person asks."""
        return await self._desk.answer(self._source, command)

    async def suggest(self, command: str, option: str, typed: str, language: str | None) -> Sequence[Choice]:
        """What could be meant by what was typed so far."""
        return await self._desk.suggest(self._source, command, option, typed, language)


def size(page: Page) -> int:
    """How many rows of a page take time to keep."""
    return len(page.messages) + len(page.members) + len(page.deletions)


def pieces(page: Page, limit: int = ROWS) -> Iterator[Page]:
    """The page in pieces so small that nobody waits long behind one; the cursor moves with the last.

    A page that tells what was swept stays whole: what it shows and what it thereby deletes belong together.
    """
    messages, members = list(page.messages), list(page.members)
    while not page.swept and len(messages) + len(members) > limit:
        some, members = members[:limit], members[limit:]
        room = limit - len(some)
        others, messages = messages[:room], messages[room:]
        yield Page(page.stream, None, page.observed_at, members=some, messages=others)
    yield page._replace(members=members, messages=messages)
