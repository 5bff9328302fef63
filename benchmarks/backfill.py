"""Backfill of a Slack and a Discourse from fake servers without limits, into SQLite, against perceval.

Perceval reads the same served history by turns with us and keeps nothing; we keep every message durably. Each reader
has a process of its own, and so has the server. Perceval knows no threads on Slack: there are none.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.util import find_spec
from multiprocessing import get_context
from typing import Any, NamedTuple

from benchmarks.platforms import platform
from benchmarks.report import by_turns, compare, folder

_HISTORIES = (
    ("slack", 20_000, 0, ""),
    ("discourse", 6_000, 0, ", topics of any length"),
    ("discourse", 6_000, 20, ", twenty a topic"),
)
_ROUNDS = 5


_PEER = (
    "Perceval is not installed here. Run: python3 -m pip --python .venv/bin/python install 'perceval>=1.4'"
)


def run() -> None:
    if find_spec("perceval") is None:
        raise SystemExit(_PEER)
    for name, messages, posts, how in _HISTORIES:
        with platform(name, messages, posts) as there:
            facts = there.settings, there.secrets, there.channels
            ours, theirs = by_turns(
                _ROUNDS,
                partial(_taken, _ours, name, messages, *facts),
                partial(_taken, {"slack": _slack, "discourse": _discourse}[name], name, messages, *facts),
            )
        what = f"backfill {name}, {messages:,} messages{how}"
        rates = [[messages / each.seconds for each in rounds] for rounds in (ours, theirs)]
        compare(what, rates[0], rates[1], "messages/s", ">= 3")
        busy = [[each.busy * 1000 for each in rounds] for rounds in (ours, theirs)]
        compare("  processor", busy[0], busy[1], "ms")


class Taken(NamedTuple):
    """What a reading took of time, and of the processor: that says more on a machine that others use too."""

    seconds: float
    busy: float


class _Clock:
    """Both clocks, from now on."""

    def __init__(self) -> None:
        self._began = time.perf_counter(), time.process_time()

    def read(self) -> Taken:
        return Taken(time.perf_counter() - self._began[0], time.process_time() - self._began[1])


def _taken(read: Callable[..., Taken], *args: Any) -> Taken:
    """By a reader in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(read, *args).result()


def _ours(
    name: str, messages: int, settings: dict[str, Any], secrets: dict[str, str], _channels: list[str]
) -> Taken:
    return asyncio.run(_backfill(name, messages, settings, secrets))


async def _backfill(name: str, messages: int, settings: dict[str, Any], secrets: dict[str, str]) -> Taken:
    from sqlalchemy import func, select  # noqa: PLC0415 - perceval's process shall not carry it

    from bot.cli.run import freeze  # noqa: PLC0415
    from bot.live.backfill import read_history  # noqa: PLC0415
    from bot.live.writer import Writer  # noqa: PLC0415
    from connectors.base import load_connector  # noqa: PLC0415
    from storage import ingest, schema, tables  # noqa: PLC0415
    from storage.database import Database  # noqa: PLC0415

    with folder() as home:
        database = Database(f"sqlite:///{home / 'bench.sqlite3'}")
        schema.upgrade(database)
        async with Writer(database) as writer:
            source = await writer.first(partial(ingest.source_id, name=name, connector=name))
            connector = load_connector(name)(settings, secrets)
            since = datetime.now(UTC) - timedelta(days=90)
            freeze()  # as `spaces backfill` does
            clock = _Clock()
            await read_history(connector, database, writer, source, since)
            taken = clock.read()
            await connector.close()
        with database.read() as session:
            count = session.scalar(select(func.count()).select_from(tables.Message)) or 0
        database.close()
    if count < messages:
        raise SystemExit(f"{messages - count} messages are missing.")
    return taken


def _slack(
    _name: str, messages: int, settings: dict[str, Any], secrets: dict[str, str], channels: list[str]
) -> Taken:
    from perceval.backends.core.slack import Slack, SlackClient  # noqa: PLC0415

    SlackClient.URL = str(settings["api_url"]).rstrip("/") + "/%(resource)s"
    clock = _Clock()
    count = sum(1 for channel in channels for _ in Slack(channel, secrets["bot_token"]).fetch())
    return _whole(clock.read(), count, messages)


def _discourse(
    _name: str, messages: int, settings: dict[str, Any], secrets: dict[str, str], _channels: list[str]
) -> Taken:
    from perceval.backends.core.discourse import Discourse  # noqa: PLC0415

    backend = Discourse(settings["url"], settings.get("user") or "system", secrets["api_key"])
    clock = _Clock()
    count = sum(len(topic["data"]["post_stream"]["posts"]) for topic in backend.fetch())
    return _whole(clock.read(), count, messages)


def _whole(taken: Taken, count: int, messages: int) -> Taken:
    if count < messages:
        raise SystemExit(f"Perceval read {count} of {messages} messages.")
    return taken
