"""Live events: how long from the socket to the durable row, how many at most, and what it costs to wait.

Latency: 200 events a second on Discord for 20 seconds into SQLite, with a Slack read at full speed beside it, again and
again; from the moment at which the platform (another process) wrote the message to the moment at which its row is
durable. Its floor: discord.py with a handler that writes one row of two columns on a thread of its own, and nothing
beside it. Most: as many as are taken, against the platform's client library with an empty handler. Memory: what
`spaces run` holds when three sources are connected and nothing happens.
"""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from benchmarks import bare, beside
from benchmarks.platforms import Platform, platform
from benchmarks.report import by_turns, compare, folder

_SECONDS, _RATE = 20, 200
_BURST = {"discord": 20_000, "slack": 5_000}
_HISTORY = 20_000
_ROUNDS = 3
_T = TypeVar("_T")


def run() -> None:
    waits = by_turns(_ROUNDS, partial(_apart, _latency), partial(_apart, _bare_latency))
    for name, at, goal in (("p50", 0.50, "< 5 ms"), ("p99", 0.99, "< 50 ms"), ("most", 1.0, "")):
        ours, floor = ([_part(each, at) * 1000 for each in rounds] for rounds in waits)
        compare(f"event to durable row, {_RATE}/s, a backfill beside it, {name}", ours, floor, "ms", goal)
    for name, count in _BURST.items():
        rates = by_turns(
            _ROUNDS, partial(_apart, _most, name, count), partial(_apart, _bare_most, name, count)
        )
        compare(f"{name} at most, {count:,} events", *rates, "events/s", ">= 0.7")
    _memory()


def _apart(measure: Callable[..., Awaitable[_T]], *args: Any) -> _T:
    """What a measurement finds in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_awaited, measure, *args).result()


def _awaited(measure: Callable[..., Awaitable[_T]], *args: Any) -> _T:
    async def main() -> _T:
        return await measure(*args)

    return asyncio.run(main())


def _part(waits: list[float], at: float) -> float:
    return sorted(waits)[min(int(len(waits) * at), len(waits) - 1)]


# --- latency ----------------------------------------------------------------------------------------------------


async def _latency() -> list[float]:
    from bot.cli.run import SWITCH, freeze  # noqa: PLC0415 - the bare libraries' processes shall not carry it
    from bot.commands.desk import Desk  # noqa: PLC0415
    from bot.live import supervisor  # noqa: PLC0415
    from bot.live.inbox import Inbox  # noqa: PLC0415
    from bot.live.metrics import Metrics  # noqa: PLC0415
    from bot.live.writer import Writer  # noqa: PLC0415
    from bot.settings import Config, Run, Source  # noqa: PLC0415
    from connectors.records import Page  # noqa: PLC0415
    from storage import schema  # noqa: PLC0415
    from storage.database import Database  # noqa: PLC0415

    sys.setswitchinterval(SWITCH)
    waits: list[float] = []

    class Timed(Inbox):
        async def deliver(self, page: Page) -> None:
            await super().deliver(page)
            now = time.time()
            waits.extend(now - float(message.text) for message in page.messages)

    vars(supervisor)["Inbox"] = Timed
    with platform("discord", 0) as live, platform("slack", _HISTORY) as old, folder() as home:
        database = Database(f"sqlite:///{home / 'bench.sqlite3'}")
        schema.upgrade(database)
        async with Writer(database) as writer:
            desk = Desk(database, writer, Config())
            service = supervisor.Service(database, writer, Metrics(), desk, "bench", Run())
            serving = supervisor.Supervisor("chat", Source(**live.settings), live.secrets, service)
            task = asyncio.create_task(serving.serve())
            await _until(lambda: serving.connected and serving._fraction is None)  # noqa: SLF001 - how far it is
            full_speed = asyncio.Event()
            backfill = asyncio.create_task(beside.backfill(old, database, writer, full_speed))
            await full_speed.wait()
            freeze()
            live.say(_SECONDS * _RATE, _RATE)
            await _until(lambda: len(waits) >= _SECONDS * _RATE)
            backfill.cancel()
            task.cancel()
            await asyncio.wait([task, backfill])
        database.close()
    return waits


async def _bare_latency() -> list[float]:
    waits: list[float] = []
    loop = asyncio.get_running_loop()
    with platform("discord", 0) as there, folder() as home, ThreadPoolExecutor(1) as thread:
        file = sqlite3.connect(home / "bare.sqlite3", isolation_level=None, check_same_thread=False)
        file.execute("PRAGMA journal_mode=WAL")
        file.execute("PRAGMA synchronous=NORMAL")
        file.execute("CREATE TABLE messages (number INTEGER, text TEXT)")

        async def heard(text: str) -> None:
            said = "INSERT INTO messages VALUES (?, ?)"
            await loop.run_in_executor(thread, file.execute, said, (len(waits), text))
            waits.append(time.time() - float(text))

        async with bare.discord(there, heard):
            there.say(_SECONDS * _RATE, _RATE)
            await _until(lambda: len(waits) >= _SECONDS * _RATE)
        file.close()
    return waits


# --- at most ----------------------------------------------------------------------------------------------------


class _Count:
    """Counts messages, the first of which is there to warm up."""

    def __init__(self, count: int) -> None:
        self._count, self._heard, self._came = count, 0, asyncio.Event()

    def add(self, number: int) -> None:
        self._heard += number
        self._came.set()

    async def rate(self, there: Platform) -> float:
        """Have them said; how many a second were heard."""
        await self._until(there, 1)
        began = time.perf_counter()
        await self._until(there, self._count)
        return self._count / (time.perf_counter() - began)

    async def _until(self, there: Platform, count: int) -> None:
        wanted = self._heard + count
        there.say(count)
        while self._heard < wanted:
            self._came.clear()
            await self._came.wait()


async def _most(name: str, count: int) -> float:
    """Until every row is durable."""
    from bot.cli.run import SWITCH, freeze  # noqa: PLC0415 - the bare libraries' processes shall not carry it
    from bot.commands.desk import Desk  # noqa: PLC0415
    from bot.live.inbox import Inbox  # noqa: PLC0415
    from bot.live.metrics import Metrics  # noqa: PLC0415
    from bot.live.writer import Writer  # noqa: PLC0415
    from bot.settings import Config  # noqa: PLC0415
    from connectors.base import load_connector  # noqa: PLC0415
    from connectors.records import Page  # noqa: PLC0415
    from storage import ingest, schema  # noqa: PLC0415
    from storage.database import Database  # noqa: PLC0415

    sys.setswitchinterval(SWITCH)
    counted = _Count(count)

    class Counted(Inbox):
        async def deliver(self, page: Page) -> None:
            await super().deliver(page)
            counted.add(len(page.messages))

    with platform(name, 0) as there, folder() as home:
        database = Database(f"sqlite:///{home / 'bench.sqlite3'}")
        schema.upgrade(database)
        async with Writer(database) as writer:
            source = await writer.first(partial(ingest.source_id, name=name, connector=name))
            inbox = Counted(name, source, writer, Metrics(), Desk(database, writer, Config()))
            connector = load_connector(name)(there.settings, there.secrets)
            listening = asyncio.create_task(connector.listen(inbox))
            await inbox.lost.wait()  # the session stands: only up to here history would have to be read
            freeze()  # as `spaces run` does once it has settled
            rate = await counted.rate(there)
            listening.cancel()
            await asyncio.wait([listening])
            await connector.close()
        database.close()
    return rate


async def _bare_most(name: str, count: int) -> float:
    counted = _Count(count)

    async def heard(_text: str) -> None:
        counted.add(1)

    with platform(name, 0) as there:
        async with bare.LISTEN[name](there, heard):
            return await counted.rate(there)


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
        spaces = [sys.executable, "-m", "bot", "-c", str(home / "spaces.toml")]
        # What migrates a database is not there the next time.
        subprocess.run([*spaces, "db", "upgrade"], env=environ, check=True, stdout=subprocess.DEVNULL)
        process = subprocess.Popen([*spaces, "run"], env=environ, stderr=subprocess.PIPE, text=True)
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
