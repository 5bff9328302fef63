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
from multiprocessing import get_context
from typing import Any

from benchmarks.platforms import platform
from benchmarks.report import by_turns, compare, folder

_MESSAGES = {"slack": 20_000, "discourse": 6_000}
_ROUNDS = 5


def run() -> None:
    for name, messages in _MESSAGES.items():
        with platform(name, messages) as there:
            facts = there.settings, there.secrets, there.channels
            rates = by_turns(
                _ROUNDS,
                partial(_rate, _ours, name, messages, *facts),
                partial(_rate, {"slack": _slack, "discourse": _discourse}[name], name, messages, *facts),
            )
        compare(f"backfill {name}, {messages:,} messages", *rates, "messages/s", ">= 3")


def _rate(read: Callable[..., float], name: str, messages: int, *facts: Any) -> float:
    """Messages a second, in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return messages / pool.submit(read, name, messages, *facts).result()


def _ours(
    name: str, messages: int, settings: dict[str, Any], secrets: dict[str, str], _channels: list[str]
) -> float:
    return asyncio.run(_backfill(name, messages, settings, secrets))


async def _backfill(name: str, messages: int, settings: dict[str, Any], secrets: dict[str, str]) -> float:
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
            began = time.perf_counter()
            await read_history(connector, database, writer, source, since)
            seconds = time.perf_counter() - began
            await connector.close()
        with database.read() as session:
            count = session.scalar(select(func.count()).select_from(tables.Message)) or 0
        database.close()
    if count < messages:
        raise SystemExit(f"{messages - count} messages are missing.")
    return seconds


def _slack(
    _name: str, messages: int, settings: dict[str, Any], secrets: dict[str, str], channels: list[str]
) -> float:
    from perceval.backends.core.slack import Slack, SlackClient  # noqa: PLC0415

    SlackClient.URL = str(settings["api_url"]).rstrip("/") + "/%(resource)s"
    began = time.perf_counter()
    count = sum(1 for channel in channels for _ in Slack(channel, secrets["bot_token"]).fetch())
    seconds = time.perf_counter() - began
    return _whole(seconds, count, messages)


def _discourse(
    _name: str, messages: int, settings: dict[str, Any], secrets: dict[str, str], _channels: list[str]
) -> float:
    from perceval.backends.core.discourse import Discourse  # noqa: PLC0415

    backend = Discourse(settings["url"], settings.get("user") or "system", secrets["api_key"])
    began = time.perf_counter()
    count = sum(len(topic["data"]["post_stream"]["posts"]) for topic in backend.fetch())
    seconds = time.perf_counter() - began
    return _whole(seconds, count, messages)


def _whole(seconds: float, count: int, messages: int) -> float:
    if count < messages:
        raise SystemExit(f"Perceval read {count} of {messages} messages.")
    return seconds
