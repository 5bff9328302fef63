"""Takes what a connector reads to the one door of storage: page by page, each in a transaction with its cursor."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors.base import load_archive
from connectors.records import Page, Problem
from storage import ingest
from storage.database import Database


@dataclass(slots=True)
class Collected:
    """What an import came to."""

    read: int = 0
    """Messages seen in the archives."""
    written: int = 0
    """Of them, new ones and changed ones."""
    deleted: int = 0
    """Deletions not known before."""
    left_out: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)

    def add(self, page: Page, saved: ingest.Saved) -> None:
        """Count one saved page in."""
        self.read += len(page.messages)
        self.written += saved.messages
        self.deleted += saved.deletions
        self.left_out.update(page.left_out)
        self.problems.extend(page.problems)


def import_archives(
    database: Database,
    source: str,
    connector: str,
    paths: Sequence[Path],
    settings: Mapping[str, Any],
    on_page: Callable[[Page, Collected], None] = lambda _page, _collected: None,
) -> Collected:
    """Import archives into a source. Killed anywhere and run again, it goes on where it was.

    Raises:
        Misconfigured: nothing of what was named is an archive of this connector.
        DatabaseError: the database cannot be written.
    """
    return asyncio.run(_import(database, source, connector, paths, settings, on_page))


async def _import(
    database: Database,
    source: str,
    connector: str,
    paths: Sequence[Path],
    settings: Mapping[str, Any],
    on_page: Callable[[Page, Collected], None],
) -> Collected:
    archive = load_archive(connector)(paths, settings)
    number, cursors = await database.run(_begin, database, source, connector)
    collected = Collected()
    async for page in archive.fetch(cursors):
        collected.add(page, await database.run(_save, database, number, page))
        on_page(page, collected)
    return collected


def _begin(database: Database, source: str, connector: str) -> tuple[int, dict[str, str]]:
    with database.write() as session:
        number = ingest.source_id(session, source, connector)
        return number, ingest.cursors(session, number)


def _save(database: Database, source: int, page: Page) -> ingest.Saved:
    with database.write() as session:
        return ingest.save(session, source, page)
