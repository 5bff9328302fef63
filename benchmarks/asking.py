"""From a person's command to its answer, at 1,000,000 messages: alone, and while history is being written.

Whatever is cached is thrown away before each answer, unless the line says otherwise. The floor is the computing of the
digest alone, on an idle database.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import time_machine

from benchmarks.digest import END, fill
from benchmarks.report import databases, say
from bot.app import digest_of
from bot.cli.run import SWITCH, freeze
from bot.commands.desk import Desk
from bot.live.backfill import save_pages
from bot.live.writer import Writer
from bot.settings import Community, Config, Roles, Source
from bot.spaces.community import Community as Seen
from bot.spaces.window import Period, last_closed
from connectors.records import Command, Member, Message, Page
from storage.database import Database

_MESSAGES = 1_000_000
_TIMES = 20
_NOW = END + timedelta(hours=9)
_CONFIG = Config(
    community=Community(timezone="Europe/Madrid"),
    sources={"team": Source(connector="slack")},
    roles=Roles(moderators=("team:U1",)),
)
_TEXTS = ("weekly", "support", "unanswered", "explain questions", "top", "help")


def run() -> None:
    sys.setswitchinterval(SWITCH)
    with databases() as each:
        for database in each:
            fill(database, _MESSAGES)
            with time_machine.travel(_NOW, tick=True):
                asyncio.run(_measure(database))


async def _measure(database: Database) -> None:
    kind, floor = database.engine.dialect.name, _floor(database)
    freeze()  # as `spaces run` does once it has settled
    async with Writer(database) as writer:
        desk = Desk(database, writer, _CONFIG)
        for text in _TEXTS:
            _tell(f"`{text}`, {kind}", await _ask(desk, writer, text), floor)
        _tell(f"`weekly`, shown again, {kind}", await _ask(desk, None, "weekly"), floor)
        _tell(f"`weekly`, four at once, {kind}", await _ask(desk, writer, "weekly", at_once=4), floor)
        writing = asyncio.create_task(_write(writer, database))
        _tell(f"`weekly`, while history is written, {kind}", await _ask(desk, writer, "weekly"), floor)
        writing.cancel()
        await asyncio.wait([writing])


def _tell(what: str, waits: list[float], floor: float) -> None:
    """p50 and p95, in milliseconds; `floor` in seconds."""
    for name, share in (("p50", 0.5), ("p95", 0.95)):
        found = statistics.quantiles(waits, n=100, method="inclusive")[int(share * 100) - 1]
        say(f"{what}: {name}", found * 1000, floor * 1000, "ms", "p95 < 1,000 ms" if name == "p95" else "")


async def _ask(desk: Desk, writer: Writer | None, text: str, at_once: int = 1) -> list[float]:
    """How long each answer took. With a writer, nothing is shown again."""
    waits: list[float] = []

    async def one(number: int) -> None:
        # Everybody reads something else: each looks at another area's order, so that no two share an answer.
        asker = Member(f"U{number % at_once + 1}", "", complete=False)
        began = time.perf_counter()
        reply = await desk.answer("team", Command("", asker, text, channel_id=f"C{number % at_once}"))
        waits.append(time.perf_counter() - began)
        assert reply is not None and "again in a moment" not in reply.text  # noqa: S101, PT018 - or it measures nothing

    await one(0)
    waits.clear()
    for _ in range(_TIMES):
        if writer is not None:
            writer.changes += 1
        await asyncio.gather(*(one(number) for number in range(at_once)))
    return waits


async def _write(writer: Writer, database: Database) -> None:
    """Write history as a catch-up does, page after page."""
    number = 0
    while True:
        at = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
        page = Page("history", str(number), _NOW, messages=[
            Message(f"H{number}:{n}", f"C{n % 40}", f"U{n}", at + timedelta(milliseconds=n), "How do I make it work?")
            for n in range(50)
        ])  # fmt: skip
        await writer.later(_saving(database, page))
        writer.changes += 1
        number += 1


def _saving(database: Database, page: Page) -> Callable[[], None]:
    return lambda: save_pages(database, 1, [page])


def _floor(database: Database) -> float:
    window, best = last_closed(Period.WEEKLY, _NOW, _CONFIG.community.zone), 1e9
    for _ in range(3):
        began = time.perf_counter()
        with database.read() as session:
            digest_of(Seen(session, _NOW), _CONFIG, window)
        best = min(best, time.perf_counter() - began)
    return best
