"""A Discord on which people talk to the bot: a connector that listens, and an inbox that answers what it is told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from connectors.discord import DiscordConnector
from connectors.records import Choice, Command, Offer, Option, Reply
from storage.database import Database
from tests.connectors.live.discord_room import PATIENCE, Kept, listening
from tests.fakes import discord_shapes as shapes
from tests.fakes.discord import FakeDiscord
from tests.fakes.discord_interactions import Interaction

LABELS = (
    Choice("product_idea", {"en": "Idea", "es": "Idea de producto"}),
    Choice("question", {"en": "Question", "es": "Pregunta"}),
)
OFFERS = (
    Offer("weekly", {"en": "The last week.", "es": "La última semana."}, (
        Option("area", {"en": "Only this area.", "es": "Solo esta área."}, (Choice("support", {"en": "Support", "es": "Soporte"}),)),
        Option("public", {"en": "For all.", "es": "Para todos."}, (Choice("yes", {"en": "yes", "es": "sí"}),)),
    ), {"es": "semanal"}),
    Offer("explain", {"en": "One number.", "es": "Un número."}, (
        Option("metric", {"en": "Which.", "es": "Cuál."}, is_required=True, suggests=True),
    ), {"es": "explica"}),
    Offer("tag", {"en": "Tag a message.", "es": "Etiqueta un mensaje."}, (
        Option("label", {"en": "As what.", "es": "Como qué."}, LABELS, is_required=True),
    ), {"es": "etiqueta"}),
)  # fmt: skip


class Room(Kept):
    """An inbox that offers these commands; with `answering` it answers when that is set."""

    answering: asyncio.Event | None = None
    failing = False

    @property
    def offers(self) -> tuple[Offer, ...]:
        return OFFERS

    async def answer(self, command: Command) -> Reply | None:
        reply = await super().answer(command)
        self.changed.set()
        if self.answering is not None:
            await self.answering.wait()
        if self.failing:
            raise RuntimeError("the desk is broken")
        return reply


@dataclass
class Chat:
    """One server with a channel and a member, and a bot that listens."""

    fake: FakeDiscord
    kept: Room
    connector: DiscordConnector
    ann: str
    help: str

    def asks(self, name: str = "weekly", options: dict[str, str] | None = None, **more: Any) -> Interaction:
        """Ann gives a command in #help."""
        return self.fake.talk.command(self.ann, name, self.help, options, **more)

    async def rest(self) -> None:
        """Until everything that was heard is done."""
        async with asyncio.timeout(PATIENCE):
            while tasks := self.connector._talk._tasks:
                await asyncio.wait(tasks)

    async def answered(self, one: Interaction) -> Interaction:
        await self.fake.talk.until(lambda: one.acks and not one.thinks and one.seen)
        return one


@asynccontextmanager
async def chatting(database: Database, *others: str, **settings: Any) -> AsyncIterator[Chat]:
    """Listening, with the commands offered. In the end nobody was pinged, and nothing was refused as malformed.

    `others` are servers that the bot is in beside the usual one.
    """
    fake = FakeDiscord()
    fake.guilds += others
    await fake.start()
    settings = {"emoji": {"💡": "product_idea", ":Shipit:": "question"}} | settings
    connector, kept = DiscordConnector(fake.settings | settings, fake.secrets), Room(database)
    chat = Chat(fake, kept, connector, fake.add_member("ann"), fake.add_channel("help"))
    try:
        async with listening(connector, kept, fake):
            await fake.talk.until(lambda: fake.talk.commands.keys() >= {shapes.GUILD, *others})
            yield chat
        assert fake.talk.pings == []
        assert fake.talk.wrongs == []
    finally:
        await connector.close()
        await fake.stop()
