"""History: read from where each stream stands, page by page, each durable with its cursor before the next."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime
from functools import partial
from typing import Any

from bot.live.held import Held
from bot.live.inbox import pieces, size
from bot.live.writer import Writer
from connectors.base import Connector
from connectors.records import Page
from storage import ingest
from storage.database import Database

_AHEAD = 48
"""How many pages may wait to be kept while the next are read."""


async def read_history(
    connector: Connector,
    database: Database,
    writer: Writer,
    source_id: int,
    since: datetime,
    *,
    sweep: bool = False,
    on_page: Callable[[Page], None] = lambda _page: None,
) -> None:
    """Read all that is not yet known (with `sweep`: the newest stretch again). Cancelled anywhere, it goes on there.

    Raises:
        ConnectorError: as the connector says; what was read until then is kept.
        DatabaseError: the database refused a page.
    """
    cursors = await writer.later(partial(_cursors, database, source_id))
    pages: asyncio.Queue[Page | Exception | None] = asyncio.Queue(_AHEAD)

    async def ask(work: Callable[[], Any]) -> Any:
        await pages.join()  # what was read just now is to be in the answer
        return await writer.later(work)

    held = Held(database, source_id, ask)

    async def fetch() -> None:
        end: Exception | None = None
        try:
            # aclosing exists at run time for every asynchronous generator, which is what connectors return.
            async with aclosing(connector.fetch(cursors, since, held, sweep=sweep)) as found:  # type: ignore[type-var]
                async for page in found:
                    for piece in pieces(page):
                        await pages.put(piece)
        except Exception as error:  # noqa: BLE001 - raised again when all that came before it is kept
            end = error
        await pages.put(end)

    fetching = asyncio.create_task(fetch())
    try:
        end: Page | Exception | None = await pages.get()
        while isinstance(end, Page):
            some, over = _gather(end, pages, writer.room)
            await writer.later(partial(save_pages, database, source_id, some))
            writer.changes += 1
            for page in some:
                pages.task_done()
                on_page(page)
            end = over or await pages.get()
        if end is not None:
            raise end
    finally:
        while not fetching.done():
            fetching.cancel()
            await asyncio.wait([fetching], timeout=1)


def _gather(
    first: Page, pages: "asyncio.Queue[Page | Exception | None]", room: int
) -> tuple[list[Page], Page | None]:
    """What is there already, as far as it has room in one transaction; and a page that does not fit any more."""
    some, rows = [first], size(first)
    while not pages.empty():
        page = pages.get_nowait()
        if not isinstance(page, Page):
            # The end: it is met again when everything before it is kept. Nobody waits to put more.
            pages.put_nowait(page)
            break
        rows += size(page)
        if rows > room:
            return some, page
        some.append(page)
    return some, None


def _cursors(database: Database, source_id: int) -> dict[str, str]:
    with database.read() as session:
        return ingest.cursors(session, source_id)


def save_pages(database: Database, source_id: int, pages: list[Page]) -> None:
    """Keep pages in one short transaction."""
    with database.write() as session:
        ingest.save_all(session, source_id, pages)
