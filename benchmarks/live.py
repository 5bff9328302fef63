"""Live events: how long from the socket to the durable row, how many at most, and what it costs to wait.

Latency: 200 events a second on Discord for 20 seconds into SQLite, with a Slack read at full speed beside it, again and
again; from the moment at which the platform (another process) wrote the message to the moment at which its row is
durable. Most: a burst, against the platform's client library with an empty handler and the same burst. Memory: what
`spaces run` holds when three sources are connected and nothing happens.
"""

import asyncio
import itertools
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.platforms import Platform, platform
from benchmarks.report import folder, say

_SECONDS, _RATE = 20, 200
_BURST = {"discord": 20_000, "slack": 5_000}
_HISTORY = 20_000


def run() -> None:
    with platform("discord", 0) as live, platform("slack", _HISTORY) as old:
        waits = asyncio.run(_latency(live, old))
    for name, at, goal in (("p50", 0.50, "< 5 ms"), ("p99", 0.99, "< 50 ms"), ("most", 1.0, "")):
        found = waits[min(int(len(waits) * at), len(waits) - 1)] * 1000
        print(
            f"event to durable row, {_RATE}/s, a backfill beside it, {name}: {found:,.1f} ms   {goal}",
            flush=True,
        )
    for name, count in _BURST.items():
        rates = [
            _burst(name, count, work)
            for work in (_ours, {"discord": _bare_discord, "slack": _bare_slack}[name])
        ]
        say(f"{name} at most, {count:,} events", rates[0], rates[1], "events/s", ">= 0.7")
    _memory()


# --- latency ----------------------------------------------------------------------------------------------------


async def _latency(live: Platform, old: Platform) -> list[float]:
    from bot.commands.desk import Desk  # noqa: PLC0415 - as below
    from bot.live import supervisor  # noqa: PLC0415 - the bare libraries' processes shall not carry it
    from bot.live.inbox import Inbox  # noqa: PLC0415
    from bot.live.metrics import Metrics  # noqa: PLC0415
    from bot.live.writer import Writer  # noqa: PLC0415
    from bot.settings import Config, Run, Source  # noqa: PLC0415
    from connectors.records import Page  # noqa: PLC0415
    from storage import schema  # noqa: PLC0415
    from storage.database import Database  # noqa: PLC0415

    sys.setswitchinterval(0.0005)  # as `spaces run` does
    waits: list[float] = []

    class Timed(Inbox):
        async def deliver(self, page: Page) -> None:
            await super().deliver(page)
            now = time.time()
            waits.extend(now - float(message.text) for message in page.messages)

    vars(supervisor)["Inbox"] = Timed
    with folder() as home:
        database = Database(f"sqlite:///{home / 'bench.sqlite3'}")
        schema.upgrade(database)
        async with Writer(database) as writer:
            desk = Desk(database, writer, Config())
            service = supervisor.Service(database, writer, Metrics(), desk, "bench", Run())
            serving = supervisor.Supervisor("chat", Source(**live.settings), live.secrets, service)
            task = asyncio.create_task(serving.serve())
            await _until(lambda: serving.connected and serving._fraction is None)  # noqa: SLF001 - how far it is
            full_speed = asyncio.Event()
            backfill = asyncio.create_task(_again_and_again(old, database, writer, full_speed))
            await full_speed.wait()
            live.say(_SECONDS * _RATE, _RATE)
            await _until(lambda: len(waits) >= _SECONDS * _RATE)
            backfill.cancel()
            task.cancel()
            await asyncio.wait([task, backfill])
        database.close()
    return sorted(waits)


async def _again_and_again(old: Platform, database: Any, writer: Any, full_speed: asyncio.Event) -> None:
    """Read a whole history at full speed, each time into a source of its own."""
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415

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


# --- at most ----------------------------------------------------------------------------------------------------


def _burst(name: str, count: int, work: Callable[[Platform, int], Awaitable[float]]) -> float:
    """Events a second, the best of three, each in a process of its own against a platform of its own."""
    rates = []
    for _ in range(3):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            rates.append(count / pool.submit(_alone, name, count, work).result())
    return max(rates)


def _alone(name: str, count: int, work: Callable[[Platform, int], Awaitable[float]]) -> float:
    async def measure() -> float:
        return await work(there, count)

    with platform(name, 0) as there:
        return asyncio.run(measure())


class _Count:
    """Counts to a number; the seconds between the first and the last."""

    def __init__(self, count: int) -> None:
        self.left, self.done, self.began, self.seconds = count, asyncio.Event(), 0.0, 0.0

    def add(self, number: int) -> None:
        now = time.perf_counter()
        self.began = self.began or now
        self.left -= number
        if self.left <= 0:
            self.seconds = now - self.began
            self.done.set()


async def _ours(there: Platform, count: int) -> float:
    """Until every row is durable."""
    from bot.commands.desk import Desk  # noqa: PLC0415 - the bare libraries' processes shall not carry it
    from bot.live.inbox import Inbox  # noqa: PLC0415
    from bot.live.metrics import Metrics  # noqa: PLC0415
    from bot.live.writer import Writer  # noqa: PLC0415
    from bot.settings import Config  # noqa: PLC0415
    from connectors.base import load_connector  # noqa: PLC0415
    from connectors.records import Page  # noqa: PLC0415
    from storage import ingest, schema  # noqa: PLC0415
    from storage.database import Database  # noqa: PLC0415

    counted = _Count(count)

    class Counted(Inbox):
        async def deliver(self, page: Page) -> None:
            counted.began = counted.began or time.perf_counter()
            await super().deliver(page)
            counted.add(len(page.messages))

    with folder() as home:
        database = Database(f"sqlite:///{home / 'bench.sqlite3'}")
        schema.upgrade(database)
        async with Writer(database) as writer:
            source = await writer.first(partial(ingest.source_id, name=there.name, connector=there.name))
            inbox = Counted(there.name, source, writer, Metrics(), Desk(database, writer, Config()))
            connector = load_connector(there.name)(there.settings, there.secrets)
            listening = asyncio.create_task(connector.listen(inbox))
            await inbox.heard.wait()
            there.say(count)
            await counted.done.wait()
            listening.cancel()
            await asyncio.wait([listening])
            await connector.close()
        database.close()
    return counted.seconds


async def _bare_discord(there: Platform, count: int) -> float:
    import discord  # noqa: PLC0415
    import discord.http  # noqa: PLC0415
    from yarl import URL  # noqa: PLC0415

    discord.http.Route.BASE = there.settings["api_url"]
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = URL(there.settings["gateway_url"])
    counted = _Count(count)
    client = discord.Client(intents=discord.Intents.all(), chunk_guilds_at_startup=False)

    async def on_message(_message: discord.Message) -> None:
        counted.add(1)

    ready = asyncio.Event()

    async def on_ready() -> None:
        ready.set()

    client.event(on_message)
    client.event(on_ready)
    async with client:
        running = asyncio.create_task(client.start(there.secrets["bot_token"]))
        await ready.wait()
        there.say(count)
        await counted.done.wait()
        await client.close()
        await running
    return counted.seconds


async def _bare_slack(there: Platform, count: int) -> float:
    from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler  # noqa: PLC0415
    from slack_bolt.app.async_app import AsyncApp  # noqa: PLC0415
    from slack_sdk.web.async_client import AsyncWebClient  # noqa: PLC0415

    counted = _Count(count)
    client = AsyncWebClient(there.secrets["bot_token"], base_url=there.settings["api_url"])
    logging.disable(logging.WARNING)  # it suggests listeners for what nobody listens to
    app = AsyncApp(client=client)

    @app.event("message")
    async def heard() -> None:
        counted.add(1)

    web = AsyncWebClient(base_url=there.settings["api_url"])
    handler = AsyncSocketModeHandler(app, there.secrets["app_token"], web_client=web)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    there.say(count)
    await counted.done.wait()
    await handler.close_async()  # type: ignore[no-untyped-call]
    return counted.seconds


# --- memory -----------------------------------------------------------------------------------------------------


def _memory() -> None:
    with ExitStack() as stack:
        home = stack.enter_context(folder())
        config = ["[run]", "port = 0"]
        environ = {key: value for key, value in os.environ.items() if not key.startswith("SPACES_")}
        for name in ("slack", "discord", "discourse"):
            there = stack.enter_context(platform(name, 1_000))
            config.append(f"[sources.{name}]")
            config += [f"{key} = {json.dumps(value)}" for key, value in there.settings.items()]
            environ |= {f"SPACES_{name}_{key}".upper(): secret for key, secret in there.secrets.items()}
        (home / "spaces.toml").write_text("\n".join(config), encoding="utf-8")
        command = [sys.executable, "-m", "bot", "-c", str(home / "spaces.toml"), "run"]
        process = subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None  # noqa: S101 - it is a pipe
        read = 0
        for line in process.stderr:
            read += '"kind":"sweep"' in line
            if read == 3:
                break
        time.sleep(10)
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        held = int(status.partition("VmRSS:")[2].split()[0]) / 1024
        process.send_signal(signal.SIGTERM)
        process.communicate()
    print(f"memory of spaces run, three sources, idle: {held:,.0f} MB", flush=True)


async def _until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(120):
        while not condition():  # noqa: ASYNC110 - threads set no event
            await asyncio.sleep(0.01)
