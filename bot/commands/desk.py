"""The desk: every wish comes here, from whatever platform, and leaves as an answer."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy.orm import Session

from bot import languages
from bot.app import digest_of
from bot.audience import OPERATOR, Audience, gates, is_known, source_ids
from bot.commands import registry, suggestions
from bot.commands.model import Ask, Wrong
from bot.commands.parsing import NotUnderstood, parse
from bot.commands.readers import Readers
from bot.commands.rights import Closed, is_guest, rights_of
from bot.digest.model import Digest
from bot.digest.words import Words
from bot.live.metrics import Metrics
from bot.live.writer import Writer
from bot.settings import RIGHTS, Config, Right
from bot.spaces.model import Area
from bot.spaces.window import Period, last_closed
from connectors.base import Connector
from connectors.records import Choice, Command, Member, Offer, Reply
from storage.database import Database, DatabaseError

T = TypeVar("T")

_PATIENCE = 60.0
_HOLDS = 60.0
"""Seconds for which a digest is shown again: another process may have written meanwhile."""
_MOST = 500

log = logging.getLogger("bot.commands.desk")


class _Kept(NamedTuple):
    """A digest, done or under way, and what it rests on."""

    task: "asyncio.Task[Digest]"
    until: float
    changes: int
    config: Config


class Desk:
    """Answers what people ask; one for all sources of a process. `config` may be replaced at any time."""

    def __init__(
        self, database: Database, writer: Writer, config: Config, metrics: Metrics | None = None
    ) -> None:
        self.config = config
        self._database = database
        self._writer = writer
        self._metrics = metrics
        self._readers = Readers()
        self._digests: dict[Any, _Kept] = {}
        self._recent: dict[tuple[str, str], asyncio.Task[Reply | None]] = {}

    # --- what connectors ask of it (connectors.base.Inbox) ------------------------------------------------------------

    @property
    def offers(self) -> Sequence[Offer]:
        """The commands to offer."""
        return registry.offers()

    async def answer(self, source: str, command: Command) -> Reply | None:
        """Do what a person asks on a source, once however often it is told; never raises."""
        if not command.id or command.via == "emoji":  # the same reaction may come and go, and come again
            return await self._safely(source, command)
        key = (source, command.id)
        task = self._recent.get(key)
        if task is None:
            while len(self._recent) >= _MOST:
                self._recent.pop(next(iter(self._recent)))
            task = self._recent[key] = asyncio.create_task(self._safely(source, command))
        return await asyncio.shield(task)

    async def suggest(
        self, source: str, command: str, option: str, typed: str, language: str | None
    ) -> Sequence[Choice]:
        """What could be meant by what was typed so far."""
        del source
        return suggestions.suggest(command, option, typed, self._language(language))

    # --- what a source's supervisor tells it --------------------------------------------------------------------------

    def attach(self, source: str, connector: Connector) -> None:
        """The source is served: its platform can be asked who may read what."""
        self._readers.attach(source, connector)

    def detach(self, source: str) -> None:
        """The source is not served any more."""
        self._readers.detach(source)

    # --- what handlers ask of it (bot.commands.model.Doors) -----------------------------------------------------------

    async def read(self, work: Callable[[Session], T]) -> T:
        """Do this in a reading session, on a thread that does not wait behind the writer."""
        return await self._database.run_reading(self._reading, work)

    async def write(self, work: Callable[[Session], T]) -> T:
        """Do this in a transaction, before what can wait."""
        try:
            return await self._writer.first(work)
        finally:
            self._writer.changes += 1

    def _reading(self, work: Callable[[Session], T]) -> T:
        with self._database.read() as session:
            return work(session)

    async def audience(self, ask: Ask) -> Audience:
        """Who will read the answer, and what they may read."""
        if not ask.source:
            return OPERATOR
        command, quotes = ask.command, "quote" in ask.rights
        ids, guest, private = await self.read(lambda session: self._places(session, ask))
        own, here = ids.get(ask.source, 0), frozenset(filter(None, (command.channel_id, command.thread_id)))
        open_sources = frozenset(
            ids[name]
            for name, source in ask.config.sources.items()
            if source.open and name in ids and name != ask.source
        )
        if ask.is_public:
            return Audience(own, quotes, False, here, True, open_sources)
        seen = here
        if quotes and private:
            seen |= await self._readers.readable(ask.source, command.asker.id, private)
        return Audience(own, quotes, quotes, seen, not guest, open_sources)

    def _places(self, session: Session, ask: Ask) -> tuple[dict[str, int], bool, set[str]]:
        ids = source_ids(session)
        own = ids.get(ask.source)
        if own is None:
            return ids, False, set()
        return ids, is_guest(session, ask.source, ask.command.asker), set(gates(session, [own]).values())

    async def can_read(self, ask: Ask, source: str, channel_id: str) -> bool:
        """Whether the asker can read a channel."""
        if not ask.source:
            return True
        known, gate, guest = await self.read(lambda session: _look(session, ask, source, channel_id))
        if source != ask.source:
            settings = ask.config.sources.get(source)
            return settings is not None and settings.open and known and gate is None
        here = {ask.command.channel_id, ask.command.thread_id} - {None}
        if {channel_id, gate} & here:
            return True
        if gate is None:
            return known and not guest
        return known and gate in await self._readers.readable(source, ask.command.asker.id, [gate])

    async def digest(self, ask: Ask, period: Period, areas: tuple[Area, ...]) -> Digest:
        """The digest of the last closed window; the one shown before while nothing has changed since."""
        audience = await self.audience(ask)
        config, changes = ask.config, self._writer.changes
        window = last_closed(period, ask.now, config.community.zone)
        key = (window, areas, audience)
        kept, now = self._digests.get(key), time.monotonic()
        if kept is None or kept.until <= now or kept.changes != changes or kept.config is not config:
            if len(self._digests) >= _MOST:
                self._digests.clear()
            task = asyncio.create_task(
                self.read(lambda session: digest_of(ask.community(session, audience), config, window, areas))
            )
            kept = self._digests[key] = _Kept(task, now + _HOLDS, changes, config)
        try:
            return await asyncio.shield(kept.task)
        except Exception:
            self._digests.pop(key, None)
            raise

    # --- one command --------------------------------------------------------------------------------------------------

    async def answer_operator(self, user: str, text: str, options: Mapping[str, str]) -> Reply | None:
        """Do what is asked at the terminal, where everything may be done and seen.

        Raises:
            Wrong, NotUnderstood: it cannot be done; the message says why.
        """
        command = Command("", Member(user, user), text, options, via="terminal")
        words = self._words(self.config.community.language)
        ask = self._ask("", command, frozenset(RIGHTS), words)
        return await ask.entry.handler(ask)

    async def _safely(self, source: str, command: Command) -> Reply | None:
        words = self._words(self._language(command.language))
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._answer(source, command, words)
        except (Wrong, NotUnderstood) as wrong:
            return None if command.via == "emoji" else Reply(str(wrong))
        except TimeoutError:
            log.warning("a command took too long", extra={"source": source})
            sorry = words.gettext("It took too long. Please ask again in a moment.")
        except DatabaseError as error:
            log.warning("a command could not be answered: %s", error, extra={"source": source})
            sorry = words.gettext("The database does not answer just now. Please ask again in a moment.")
        except Exception:
            log.exception("a command failed in a way that it should not", extra={"source": source})
            sorry = words.gettext("Something went wrong here. Please ask again in a moment.")
        return None if command.via == "emoji" else Reply(sorry)

    async def _answer(self, source: str, command: Command, words: Words) -> Reply | None:
        config, began = self.config, time.monotonic()
        try:
            rights = await self.read(lambda session: rights_of(session, config, source, command.asker))
        except Closed:
            raise Wrong(words.gettext("Your account is closed here, so I cannot answer you.")) from None
        if rights is None:
            return None
        ask = self._ask(source, command, rights, words)
        _permit(ask)
        reply = await ask.entry.handler(ask)
        seconds = time.monotonic() - began
        if self._metrics is not None:
            self._metrics.answered(source, ask.entry.name, seconds)
        log.info("answered", extra={"source": source, "kind": ask.entry.name, "seconds": round(seconds, 3)})
        return reply

    def _ask(self, source: str, command: Command, rights: frozenset[Right], words: Words) -> Ask:
        asked = Ask(
            command, source, registry.HELP, {}, (), rights, words, self.config, datetime.now(UTC), self
        )
        parsed = parse(command, registry.COMMANDS, words, asked.call(""))
        return replace(asked, entry=parsed.entry, options=parsed.options, rest=parsed.rest)

    def _language(self, spoken: str | None) -> str:
        """The asker's language where we speak it, else the community's."""
        code = (spoken or "").replace("_", "-").partition("-")[0].lower()
        return code if code in languages.available() else self.config.community.language

    def _words(self, language: str) -> Words:
        return Words(language, self.config.community.zone, self.config.value.currency)


def _permit(ask: Ask) -> None:
    """Raise unless the asker may do this."""
    right = ask.entry.right
    if right not in ask.rights:
        raise ask.wrong(
            "`{command}` is for people with the right “{right}”. Ask whoever looks after this community.",
            command=ask.call(ask.entry.called(ask.language)),
            right=right,
        )
    if "public" in ask.options and "publish" not in ask.rights:
        raise ask.wrong(
            "Only people with the right “publish” can show an answer to everybody. Leave “public” out, and I tell you alone."
        )


def _look(session: Session, ask: Ask, source: str, channel_id: str) -> tuple[bool, str | None, bool]:
    """Whether the channel is known, its gate, and whether the asker is a guest."""
    own = source_ids(session).get(source)
    if own is None:
        return False, None, False
    gate = gates(session, [own], [channel_id]).get((own, channel_id))
    return is_known(session, own, channel_id), gate, is_guest(session, ask.source, ask.command.asker)
