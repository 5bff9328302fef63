"""Two `spaces run` with the same tokens: one serves, the other waits, and takes over when the first one dies."""

import asyncio
import random
from functools import partial
from pathlib import Path

import orjson

from storage.database import Database
from tests.contract.world import NAMES, until
from tests.fakes.base import FakePlatform
from tests.fakes.discord import FakeDiscord
from tests.fakes.slack import FakeSlack
from tests.program import Program, all_sent, differing, holders, schedule, times_said
from tests.test_soak import Town, towns

_LEASE = 8
"""Seconds: a process that a busy machine keeps waiting for less than this has not lost its lease."""

WAITS = "It is served by another process"


def waiting(program: Program) -> set[str]:
    """The sources of which a process has said that another serves them."""
    whole = program.log_file.read_text("utf-8").split("\n")[:-1]  # the last may be written just now
    lines = [orjson.loads(line) for line in whole]
    return {line["source"] for line in lines if WAITS in line["message"]}


def connections(fakes: list[FakePlatform]) -> list[int]:
    """How many sockets are open on the platforms that have sockets."""
    open_ = [len(fake.wire.sockets) for fake in fakes if isinstance(fake, FakeSlack)]
    return open_ + [len(fake.gateway.lines) for fake in fakes if isinstance(fake, FakeDiscord)]


async def test_one_serves_and_the_other_takes_over(database: Database, tmp_path: Path) -> None:
    chance = random.Random(7)
    async with towns(chance, history=60) as everywhere:
        fakes = [town.fake for town in everywhere]
        first, second = (Program(tmp_path / name, database, fakes, _LEASE) for name in ("first", "second"))
        try:
            first.start()
            await until(lambda: holders(database) == {str(first.pid)} and not differing(database, fakes), 60)
            second.start()
            await until(lambda: waiting(second) == {*NAMES}, 30)
            count = await lively(database, everywhere, 0)
            assert connections(fakes) == [1, 1]
            assert holders(database) == {str(first.pid)}
            assert waiting(first) == set()

            begun = asyncio.create_task(lively(database, everywhere, count))
            await asyncio.sleep(0)
            first.kill()
            count = await begun
            await until(lambda: holders(database) == {str(second.pid)}, 30)
            await quiet(database, fakes, count)

            first.start()
            await until(lambda: waiting(first) == {*NAMES}, 30)
            second.kill()
            count = await lively(database, everywhere, count)
            await until(lambda: holders(database) == {str(first.pid)}, 30)
            await quiet(database, fakes, count)
            assert connections(fakes) == [1, 1]
            assert await first.stop() == 0
        finally:
            first.end()
            second.end()


async def lively(database: Database, everywhere: list[Town], count: int) -> int:
    """People talk, and there is something to be said; returns how many things have been, on each platform."""
    for number in range(count, count + 3):
        for town in everywhere:
            for _ in range(10):
                town.speak()
            await asyncio.to_thread(schedule, database, town.fake, town.channels[0], number)
    return count + 3


async def quiet(database: Database, fakes: list[FakePlatform], count: int) -> None:
    """Wait until all is stored and said; each thing stands there once."""
    await until(partial(all_sent, database), 60)
    await until(lambda: not differing(database, fakes), 60)
    for fake in fakes:
        assert times_said(fake, count) == [1] * count, fake.name
