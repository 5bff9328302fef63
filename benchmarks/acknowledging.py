"""How soon Slack and Discord hear that a command has come, at 1,000,000 messages, while a history is read at full speed.

`/spaces weekly`, twice a second, from when the platform (another process) sends it to when the acknowledgement has
arrived there. Every one of them is computed anew, since the catch-up changes the numbers. Floor: the same with nothing
beside it and nothing changed, so that the digest is shown again.
"""

import asyncio
import statistics
import sys
from datetime import UTC, datetime
from functools import partial

from benchmarks import beside
from benchmarks.digest import fill
from benchmarks.platforms import platform
from benchmarks.report import databases, say
from bot.cli.run import SWITCH, freeze
from bot.commands.desk import Desk
from bot.live.inbox import Inbox
from bot.live.metrics import Metrics
from bot.live.writer import Writer
from bot.settings import Config, Source
from connectors.base import load_connector
from storage import ingest
from storage.database import Database

_MESSAGES, _HISTORY = 1_000_000, 20_000
_TIMES, _A_SECOND = 100, 2


def run() -> None:
    sys.setswitchinterval(SWITCH)
    with databases() as each:
        for database in each:
            fill(database, _MESSAGES, datetime.now(UTC))
            for name in ("slack", "discord"):
                asyncio.run(_measure(database, name))


async def _measure(database: Database, name: str) -> None:
    with platform(name, 0) as there, platform("slack", _HISTORY) as old:
        async with Writer(database) as writer:
            config = Config(sources={"team": Source(connector="slack"), name: Source(connector=name)})
            source = await writer.first(partial(ingest.source_id, name=name, connector=name))
            inbox = Inbox(name, source, writer, Metrics(), Desk(database, writer, config))
            connector = load_connector(name)(there.settings, there.secrets)
            listening = asyncio.create_task(connector.listen(inbox))
            await inbox.lost.wait()  # the session stands
            freeze()
            alone = await asyncio.to_thread(there.ask, _TIMES, _A_SECOND)
            full_speed = asyncio.Event()
            reading = asyncio.create_task(beside.backfill(old, database, writer, full_speed))
            await full_speed.wait()
            waits = await asyncio.to_thread(there.ask, _TIMES, _A_SECOND)
            for task in (reading, listening):
                task.cancel()
            await asyncio.wait([reading, listening])
            await connector.close()
    what = f"{name}, acknowledged beside a backfill, {database.engine.dialect.name}"
    for part, goal in ((50, ""), (99, "< 200 ms")):
        ours, floor = (
            statistics.quantiles(each, n=100, method="inclusive")[part - 1] for each in (waits, alone)
        )
        say(f"{what}: p{part}", ours * 1000, floor * 1000, "ms", goal)
