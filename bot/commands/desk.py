"""The desk: every wish comes here, from whatever platform, and leaves as an answer."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy.orm import Session

from bot import languages
from bot.commands import registry
from bot.commands.model import Ask, Entry, Wrong
from bot.digest.words import Words
from bot.live.writer import Writer
from bot.settings import RIGHTS, Config
from connectors.base import Connector
from connectors.records import Choice, Command, Offer, Reply
from storage.database import Database, DatabaseError

T = TypeVar("T")

_PATIENCE = 60.0

log = logging.getLogger("bot.commands.desk")


class Desk:
    """Answers what people ask; one for all sources of a process. `config` may be replaced at any time."""

    def __init__(self, database: Database, writer: Writer, config: Config) -> None:
        self.config = config
        self._database = database
        self._writer = writer
        self._connectors: dict[str, Connector] = {}

    # --- what connectors ask of it (connectors.base.Inbox) ----------------------------------------------------------

    @property
    def offers(self) -> Sequence[Offer]:
        """The commands to offer."""
        return registry.offers()

    async def answer(self, source: str, command: Command) -> Reply | None:
        """Do what a person asks on a source; never raises."""
        words = self._words(command)
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._answer(source, command, words)
        except Wrong as wrong:
            return Reply(str(wrong))
        except TimeoutError:
            return Reply(words.gettext("It took too long. Please ask again in a moment."))
        except DatabaseError as error:
            log.warning("a command could not be answered: %s", error, extra={"source": source})
        except Exception:
            log.exception("a command failed in a way that it should not", extra={"source": source})
        return Reply(words.gettext("Something went wrong here. Please ask again in a moment."))

    async def suggest(
        self, source: str, command: str, option: str, typed: str, language: str | None
    ) -> Sequence[Choice]:
        """What could be meant by what was typed so far."""
        del source, command, option, typed, language
        return ()

    # --- what a source's supervisor tells it --------------------------------------------------------------------------

    def attach(self, source: str, connector: Connector) -> None:
        """The source is served: its platform can be asked who may read what."""
        self._connectors[source] = connector

    def detach(self, source: str) -> None:
        """The source is not served any more."""
        self._connectors.pop(source, None)

    # --- what handlers ask of it (bot.commands.model.Doors) -----------------------------------------------------------

    async def read(self, work: Callable[[Session], T]) -> T:
        """Do this in a reading session, on a thread that does not wait behind the writer."""
        return await self._database.run_reading(self._reading, work)

    async def write(self, work: Callable[[Session], T]) -> T:
        """Do this in a transaction, before what can wait."""
        return await self._writer.first(work)

    def _reading(self, work: Callable[[Session], T]) -> T:
        with self._database.read() as session:
            return work(session)

    # --- one command --------------------------------------------------------------------------------------------------

    async def _answer(self, source: str, command: Command, words: Words) -> Reply | None:
        entry = _entry(command, words)
        settings = self.config.sources.get(source)
        ask = Ask(
            command, source, settings.connector if settings else "", entry, dict(command.options), (),
            frozenset(RIGHTS), words, self.config, datetime.now(UTC), self,
        )  # fmt: skip
        return await entry.handler(ask)

    def _words(self, command: Command) -> Words:
        """The asker's language where we speak it, else the community's."""
        community = self.config.community
        spoken = (command.language or "").replace("_", "-").partition("-")[0].lower()
        language = spoken if spoken in languages.available() else community.language
        return Words(language, community.zone, self.config.value.currency)


def _entry(command: Command, words: Words) -> Entry:
    said = command.text.split()
    for entry in registry.COMMANDS:
        if said and said[0].casefold() in {entry.name, *entry.names.values(), *entry.aliases}:
            return entry
    raise Wrong(words.gettext("There is no such command. Ask for `/spaces help`."))
