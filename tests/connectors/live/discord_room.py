"""A fake Discord with a connector on it, and an inbox that keeps pages in a real database."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from connectors.discord import DiscordConnector
from connectors.records import Page
from storage import ingest, tables
from storage.database import Database
from tests.fakes.asked import Asked
from tests.fakes.base import Standing
from tests.fakes.discord import FakeDiscord

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
PATIENCE = 4.0


class Kept(Asked):
    """An inbox on a database. `changed` is set at each word, so that tests wait for facts and never sleep."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database
        self.pages: list[Page] = []
        self.gaps = 0
        self.lives = 0
        self.changed = asyncio.Event()
        self.hold: asyncio.Event | None = None
        self.broken: Exception | None = None
        with database.write() as session:
            self.source = ingest.source_id(session, "chat", "discord")

    async def deliver(self, page: Page) -> None:
        if self.hold is not None:
            await self.hold.wait()
        if self.broken is not None:
            raise self.broken
        self.save(page)
        self.changed.set()

    def save(self, page: Page) -> None:
        with self.database.write() as session:
            ingest.save(session, self.source, page)
        self.pages.append(page)

    async def cursors(self) -> Mapping[str, str]:
        return self.known()

    def known(self) -> dict[str, str]:
        with self.database.write() as session:
            return ingest.cursors(session, self.source)

    def gap(self) -> None:
        self.gaps += 1
        self.changed.set()

    def alive(self) -> None:
        self.lives += 1
        self.changed.set()

    async def until(self, fact: Callable[[], Any]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not fact():
                self.changed.clear()
                await self.changed.wait()

    def standing(self) -> dict[str, Standing]:
        with self.database.write() as session:
            rows = session.scalars(select(tables.Message).where(tables.Message.deleted.is_(False))).all()
            return {
                row.external_id: Standing(
                    row.external_id, str(row.channel_id), row.author_id, row.text, row.thread_id,
                    json.loads(str(row.reactions or "{}")), row.is_solution,
                )
                for row in rows
            }  # fmt: skip

    async def equals(self, fake: FakeDiscord) -> None:
        await self.until(lambda: self.standing() == fake.standing())


async def read(
    connector: DiscordConnector,
    kept: Kept,
    since: datetime = LONG_AGO,
    *,
    sweep: bool = False,
    most: int | None = None,
) -> list[Page]:
    """Fetch and keep; at `most` pages the process dies."""
    found = []
    pages = connector.fetch(kept.known(), since, sweep=sweep)
    async for page in pages:
        found.append(page)
        kept.save(page)
        if most is not None and len(found) >= most:
            break
    await pages.aclose()  # type: ignore[attr-defined]
    return found


@asynccontextmanager
async def listening(
    connector: DiscordConnector, kept: Kept, fake: FakeDiscord
) -> AsyncIterator[asyncio.Task[None]]:
    fake.gateway.connected.clear()
    task = asyncio.create_task(connector.listen(kept))
    waiting = asyncio.create_task(fake.gateway.connected.wait())
    done, _ = await asyncio.wait({task, waiting}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    assert done, "it neither connected nor failed"
    waiting.cancel()
    if task in done:
        task.result()
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task


def ago(**since: float) -> datetime:
    return datetime.now(UTC) - timedelta(**since)
