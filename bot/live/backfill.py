"""History: read from where each stream stands, page by page, each durable with its cursor before the next."""

from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime
from functools import partial

from bot.live.inbox import pieces
from bot.live.writer import Writer
from connectors.base import Connector
from connectors.records import Page
from storage import ingest
from storage.database import Database


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
    # aclosing exists at run time for every asynchronous generator, which is what connectors return.
    async with aclosing(connector.fetch(cursors, since, sweep=sweep)) as pages:  # type: ignore[type-var]
        async for page in pages:
            for piece in pieces(page):
                await writer.later(partial(_save, database, source_id, piece))
            on_page(page)


def _cursors(database: Database, source_id: int) -> dict[str, str]:
    with database.read() as session:
        return ingest.cursors(session, source_id)


def _save(database: Database, source_id: int, page: Page) -> None:
    with database.write() as session:
        ingest.save(session, source_id, page)
