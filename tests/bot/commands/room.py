"""The golden community with a desk in it: whoever speaks up is answered as on a platform."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import time_machine

from bot.commands.desk import Desk
from bot.live.writer import Writer
from bot.settings import Config, Roles, Source
from connectors.records import Command, Member, Reply
from storage.database import Database
from tests.bot.live.platform import Village
from tests.golden.community import AS_OF, Golden

SOURCES = {
    "team": Source(connector="slack", url="https://acme.slack.com"),
    "forum": Source(connector="discourse", url="https://forum.acme.example"),
}
CONFIG = Config(
    sources=SOURCES,
    roles=Roles(moderators=("team:ann", "mods"), analysts=("team:dan",)),
)
"""Ann moderates, Dan analyses, Cat is anybody. Ben is merged with Benito on the forum."""


@dataclass
class Room:
    """Ann, Dan, Cat and the others of the golden community, as if it were Monday 30 March 2026, 8:00 in Madrid."""

    database: Database
    desk: Desk
    village: Village
    numbers: dict[str, int]
    ids: "count[int]" = field(default_factory=count)

    async def ask(self, who: str, text: str, source: str = "team", **command: Any) -> Reply | None:
        """Who says what, of whom the platform tells as little as most do."""
        asker = command.pop("asker", None) or Member(who, who, complete=False)
        return await self.desk.answer(source, Command(str(next(self.ids)), asker, text, **command))

    def forget(self) -> None:
        """A minute later: whatever the platform said of who can read what is asked again."""
        self.desk._readers._known.clear()

    async def said(self, who: str, text: str, source: str = "team", **command: Any) -> str:
        """The words of the answer."""
        reply = await self.ask(who, text, source, **command)
        assert reply is not None
        assert "Something went wrong" not in reply.text
        return reply.text


@asynccontextmanager
async def room(database: Database, config: Config = CONFIG) -> AsyncIterator[Room]:
    golden = Golden(database)
    golden.tell()
    village = Village()
    with time_machine.travel(AS_OF, tick=True):
        async with Writer(database) as writer:
            desk = Desk(database, writer, config)
            desk.attach("team", village.connector()({}, {}))
            yield Room(database, desk, village, golden.numbers)
