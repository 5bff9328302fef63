"""What a connector knows of us while it listens: pages are kept, gaps are noted, signs of life are seen."""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from bot.commands.desk import Desk
from bot.live.metrics import Metrics
from bot.live.writer import BESIDE, Writer
from connectors.errors import UnreadablePayload
from connectors.records import Choice, Command, Offer, Page, Reply
from storage import ingest
from storage.database import DatabaseError

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
        self._refused: dict[str, str] = {}
        self.lag: float | None = None
        """Seconds from the receiving of the last event to its durable row."""

    async def deliver(self, page: Page) -> None:
        """Keep a page; it is durable when this returns."""
        try:
            for piece in pieces(page, _LIVE_ROWS):
                await self._writer.save(self._id, piece)
        except (DatabaseError, TypeError, ValueError) as error:
            self._metrics.error(self._source, "unreadable")
            log.error("an event could not be kept (%s)", type(error).__name__, extra={"source": self._source})  # noqa: TRY400 - what is in the page stays out of the log
            raise UnreadablePayload("An event could not be kept; please report it.") from error
        self.note_refusals(page)
        lag = None
        if page.received_at is not None:
            self.event_at = datetime.now(UTC)
            self.lag = lag = max((self.event_at - page.received_at).total_seconds(), 0.0)
        self._metrics.arrived(self._source, page, lag)

    async def cursors(self) -> Mapping[str, str]:
        """How far each stream has been read."""
        return await self._writer.first(lambda session: ingest.cursors(session, self._id))

    def note_refusals(self, page: Page) -> None:
        """Write each place that refuses into the log, once."""
        for refusal in page.refusals:
            if self._refused.get(refusal.channel_id) != refusal.why:
                log.warning("%s", refusal.why, extra={"source": self._source, "kind": "refused"})
                self._refused[refusal.channel_id] = refusal.why
        for channel in page.readable:
            self._refused.pop(channel, None)

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


def pieces(page: Page, limit: int = BESIDE) -> Iterator[Page]:
    """The page in pieces so small that nobody waits long behind one; the cursor moves with the last.

    A page that tells what was swept stays whole: what it shows and what it thereby deletes belong together.
    """
    if page.swept or len(page.messages) + len(page.members) <= limit:
        yield page
        return
    messages, members = list(page.messages), list(page.members)
    while len(messages) + len(members) > limit:
        some, members = members[:limit], members[limit:]
        room = limit - len(some)
        others, messages = messages[:room], messages[room:]
        yield Page(page.stream, None, page.observed_at, members=some, messages=others)
    yield page._replace(members=members, messages=messages)
