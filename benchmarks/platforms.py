"""A fake platform in a process of its own, so that it takes no time from what is measured.

Started as `python -m benchmarks.platforms NAME MESSAGES [POSTS]` (POSTS: in each topic of a forum); it writes its settings and secrets on one line, and then does
what each line of its input says: `say COUNT PER_SECOND` (0: as fast as it can), `ask COUNT PER_SECOND`, which answers with
the seconds until each command was acknowledged. Each message's text is the moment at which it was sent.
"""

import asyncio
import contextlib
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

_CHANNELS, _PEOPLE = 5, 3_000
_UNHEARD = 500
"""As fast as it can: while no more than so many events wait for the word that they were heard, where a platform asks for it."""


_PATIENCE = 3.0
"""Seconds after which a platform tells a person that nobody answers."""


@dataclass
class Platform:
    """The process, seen from outside."""

    name: str
    settings: dict[str, Any]
    secrets: dict[str, str]
    channels: list[str]
    users: list[str]
    process: "subprocess.Popen[str]"

    def say(self, count: int, per_second: int = 0) -> None:
        """Have so many messages written."""
        assert self.process.stdin is not None  # noqa: S101 - it is a pipe
        self.process.stdin.write(f"say {count} {per_second}\n")
        self.process.stdin.flush()

    def ask(self, count: int, per_second: int) -> list[float]:
        """Have `/spaces weekly` asked so many times; the seconds until each was acknowledged. Blocks."""
        assert self.process.stdin is not None and self.process.stdout is not None  # noqa: S101, PT018 - they are pipes
        self.process.stdin.write(f"ask {count} {per_second}\n")
        self.process.stdin.flush()
        waits: list[float] = json.loads(self.process.stdout.readline())
        return waits


@contextmanager
def platform(name: str, messages: int, posts: int = 0) -> Iterator[Platform]:
    """A platform with so many messages of history; `posts` is how many stand in each topic, 0 for few in most."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.platforms", name, str(messages), str(posts)], cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        said = json.loads(process.stdout.readline())
        yield Platform(name, **said, process=process)
    finally:
        process.kill()
        process.communicate()


def _populated(name: str, messages: int, posts: int = 0) -> tuple[Any, list[str], list[str]]:
    """A platform before it is switched on, so that none of this is an event that still waits to be heard."""
    from tests.contract.world import make  # noqa: PLC0415 - the processes that measure shall not carry it

    fake: Any = make(name)
    people = [fake.add_member(f"person{n}") for n in range(_PEOPLE)]
    channels = [fake.add_channel(f"channel{n}") for n in range(_CHANNELS)]
    begin = datetime.now(UTC) - timedelta(days=30)
    chance, thread, left = random.Random(11), "", 0
    for number in range(messages):
        at, channel = begin + timedelta(seconds=number), channels[number % _CHANNELS]
        # Few write much and many write little; few topics are long and many are short.
        who = people[int(chance.paretovariate(0.8)) % _PEOPLE]
        text = f"{number} " + "how do we restore the vault after the agent was moved " * (1 + number % 3)
        if name != "discourse":
            fake.say(channel, who, text, at=at)
        elif left == 0:
            first = fake.open_thread(channel, who, f"A topic numbered {number}", text, at=at)
            thread = fake.standing()[first].thread_id or ""
            left = posts - 1 if posts else min(int(2 * chance.paretovariate(1.1)), 500)
        else:
            fake.say(channel, who, text, thread=thread, at=at)
            left -= 1
    return fake, channels, people


async def _serve(fake: Any, channels: list[str], people: list[str]) -> None:
    await fake.start()
    said = {"settings": fake.settings, "secrets": fake.secrets, "channels": channels, "users": people}
    print(json.dumps(said), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        what, count, per_second = line.split()
        if what == "ask":
            print(json.dumps(await _ask(fake, channels, people, int(count), int(per_second))), flush=True)
        else:
            await _say(fake, channels, people, int(count), int(per_second))


async def _say(fake: Any, channels: list[str], people: list[str], count: int, per_second: int) -> None:
    began = time.perf_counter()
    for number in range(count):
        fake.say(channels[number % _CHANNELS], people[number % _PEOPLE], f"{time.time():.6f}")
        if per_second:
            await asyncio.sleep(max(0.0, began + (number + 1) / per_second - time.perf_counter()))
        elif number % 50 == 49:
            await asyncio.sleep(0)
            while fake.name == "slack" and number - len(fake.wire.acked) > _UNHEARD:  # noqa: ASYNC110 - it sets no event
                await asyncio.sleep(0.001)


async def _ask(fake: Any, channels: list[str], people: list[str], count: int, per_second: int) -> list[float]:
    """Ask like people who have nothing to do with each other, and wait for every word that we were heard."""
    asked: list[Any] = []
    if fake.name == "discord":
        await fake.talk.until(lambda: fake.talk.commands)  # they are offered when the connection stands
    for number in range(count):
        who, where = people[number % _PEOPLE], channels[number % _CHANNELS]
        if fake.name == "slack":
            asked.append(fake.talk.command(who, where, "weekly"))
        else:
            asked.append(fake.talk.command(who, "weekly", where))
        await asyncio.sleep(1 / per_second)
    await asyncio.sleep(_PATIENCE)
    slack = fake.name == "slack"
    heard = [(one.seconds if one.acknowledged.is_set() else _PATIENCE) if slack
             else (one.ack_after if one.acks else _PATIENCE) for one in asked]  # fmt: skip
    return [float(each) for each in heard]


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(*_populated(sys.argv[1], *map(int, sys.argv[2:]))))
