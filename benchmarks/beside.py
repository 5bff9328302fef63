"""What goes on beside what is measured: a catch-up at full speed, which never ends."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from benchmarks.platforms import Platform


async def backfill(old: Platform, database: Any, writer: Any, full_speed: asyncio.Event) -> None:
    """Read a whole history at full speed, each time into a source of its own."""
    from bot.live.backfill import read_history  # noqa: PLC0415
    from connectors.base import load_connector  # noqa: PLC0415
    from storage import ingest  # noqa: PLC0415

    connector = load_connector("slack")(old.settings, old.secrets)
    try:
        for number in itertools.count():
            source = await writer.first(partial(ingest.source_id, name=f"old{number}", connector="slack"))
            since = datetime.now(UTC) - timedelta(days=90)
            await read_history(
                connector, database, writer, source, since, on_page=lambda _page: full_speed.set()
            )
    finally:
        await connector.close()
