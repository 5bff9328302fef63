"""A real database that a connector delivers to, and a way to wait until something stands in it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import orjson
from sqlalchemy import select

from connectors.discourse import DiscourseConnector
from connectors.records import Page
from storage import ingest, tables
from storage.database import Database
from tests.fakes.asked import Asked
from tests.fakes.base import Standing
from tests.fakes.discourse import FakeDiscourse

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
PATIENCE = 20


class Home(Asked):
    """The inbox of one source."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database
        self.pages: list[Page] = []
        self.gaps = 0
        self.polls = 0
        self._news = asyncio.Condition()
        with database.write() as session:
            self.source = ingest.source_id(session, "forum", "discourse")

    async def deliver(self, page: Page) -> None:
        await self.database.run(self._save, page)
        self.pages.append(page)
        await self._wake()

    def _save(self, page: Page) -> None:
        with self.database.write() as session:
            ingest.save(session, self.source, page)

    async def cursors(self) -> Mapping[str, str]:
        with self.database.read() as session:
            return ingest.cursors(session, self.source)

    def gap(self) -> None:
        self.gaps += 1

    def alive(self) -> None:
        self.polls += 1
        self._waker = asyncio.get_running_loop().create_task(self._wake())

    async def _wake(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(holds)

    async def polled(self, times: int = 2) -> None:
        """Wait until the forum was asked anew, from the beginning of a poll to its end."""
        wanted = self.polls + times
        await self.until(lambda: self.polls >= wanted)

    def standing(self) -> dict[str, Standing]:
        with self.database.read() as session:
            rows = session.scalars(
                select(tables.Message).where(
                    ~tables.Message.deleted, tables.Message.source_id == self.source, tables.Message.created_at.is_not(None)
                )
            )  # fmt: skip
            return {
                row.external_id: Standing(
                    row.external_id, row.channel_id or "", row.author_id, row.text, row.thread_id,
                    orjson.loads(row.reactions or "{}"), bool(row.is_solution),
                )
                for row in rows
            }  # fmt: skip

    def row(self, id_: str) -> tables.Message:
        with self.database.read() as session:
            found = session.get(tables.Message, (self.source, id_))
            assert found is not None
            session.expunge(found)
            return found

    async def fetch(
        self, connector: DiscourseConnector, since: datetime = EPOCH, *, sweep: bool = False, stop_after: int | None = None
    ) -> None:  # fmt: skip
        """Fetch into the database; with `stop_after` only so many pages, as if killed then."""
        pages = connector.fetch(await self.cursors(), since, sweep=sweep)
        async for page in pages:
            await self.deliver(page)
            if stop_after is not None:
                stop_after -= 1
                if stop_after <= 0:
                    await pages.aclose()  # type: ignore[attr-defined] # an async generator
                    return


@asynccontextmanager
async def connected(forum: FakeDiscourse, **settings: object) -> AsyncIterator[DiscourseConnector]:
    connector = DiscourseConnector({**forum.settings, **settings}, forum.secrets)
    try:
        yield connector
    finally:
        await connector.close()


@asynccontextmanager
async def listening(
    forum: FakeDiscourse, home: Home, **settings: object
) -> AsyncIterator[DiscourseConnector]:
    async with connected(forum, **settings) as connector:
        task = asyncio.create_task(connector.listen(home))
        try:
            async with asyncio.timeout(PATIENCE):
                waiting = asyncio.create_task(home.polled(1))
                await asyncio.wait((waiting, task), return_when=asyncio.FIRST_COMPLETED)
                if task.done():
                    waiting.cancel()
                    await task
            yield connector
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
