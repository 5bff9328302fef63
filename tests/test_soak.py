"""The soak: half a minute of everything going wrong at once, and at the end nothing is missing and nothing is double.

`spaces run` as people start it serves a Slack, a Discord and a Discourse on which people write, edit and delete while
requests and events fail at random, connections break, and the process is killed again and again. The seed is printed;
SPACES_TEST_SOAK_SEED repeats a run as far as clocks allow, SPACES_TEST_SOAK_SECONDS makes it longer or shorter.
"""

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import orjson

from storage.database import Database
from tests.contract.world import NAMES, make, until
from tests.fakes.base import FakePlatform
from tests.program import MARK, Program, all_sent, differing, schedule, swept, times_said

SECONDS = float(os.environ.get("SPACES_TEST_SOAK_SECONDS", "30"))
SEED = int(os.environ.get("SPACES_TEST_SOAK_SEED", random.SystemRandom().randrange(1_000_000)))
HISTORY, ACTS_A_SECOND = 900, 60


class Town:
    """One platform, and the people on it, who do things at random."""

    def __init__(self, fake: FakePlatform, chance: random.Random, history: int = HISTORY) -> None:
        self.fake, self.chance = fake, chance
        self.people = [fake.add_member(f"person{n}") for n in range(20)] + [
            fake.add_member("robot", bot=True)
        ]
        self.channels = [fake.add_channel(f"channel{n}") for n in range(4)]
        self.forum = fake.add_channel("forum", forum=True)
        self.messages: list[str] = []
        self.threads: list[tuple[str, str]] = []
        self.count = 0
        begin = datetime.now(UTC) - timedelta(hours=20)
        for number in range(history):
            self.speak(begin + timedelta(seconds=60 * number + chance.random()))

    def text(self) -> str:
        self.count += 1
        return f"{MARK} {self.fake.name} {self.count} ✓"

    def speak(self, at: datetime | None = None) -> None:
        who, chance = self.chance.choice(self.people), self.chance.random()
        channel = self.chance.choice(self.channels)
        if chance < 0.1:
            where = self.chance.choice([channel, self.forum])
            first = self.fake.open_thread(where, who, f"About {self.count}", self.text(), at=at)
            self.threads.append((where, self.fake.standing()[first].thread_id or first))
            self.messages.append(first)
        elif chance < 0.4 and self.threads and at is None:
            where, thread = self.chance.choice(self.threads[-20:])
            try:
                self.messages.append(self.fake.say(where, who, self.text(), thread=thread))
            except LookupError:
                self.threads.remove((where, thread))  # deleted meanwhile
        else:
            self.messages.append(self.fake.say(channel, who, self.text(), at=at))

    def act(self) -> None:
        what = self.chance.random()
        standing = self.fake.standing()
        known = [id_ for id_ in self.messages[-300:] if id_ in standing]
        if what < 0.55 or len(known) < 20:
            self.speak()
        elif what < 0.75:
            self.fake.edit(self.chance.choice(known), self.text())
        elif what < 0.87:
            self.fake.delete(self.chance.choice(known))
        elif what < 0.9:
            self.fake.delete_many(self.chance.sample(known, 3))
        elif what < 0.97:
            emoji = "thumbsup" if self.fake.name == "slack" else "👍"
            self.fake.react(self.chance.choice(known), emoji, self.chance.choice(self.people))
        elif what < 0.98:
            self.fake.cut()
        elif what < 0.985:
            self.fake.expire_session()
        elif what < 0.99:
            self.channels.append(self.fake.add_channel(f"channel{self.count}"))
        elif what < 0.993:
            self.close()
        else:
            self.fake.double(3)

    def close(self) -> None:
        """A channel goes, or a thread, with all that was said in it; the oldest channel stays, for our posts."""
        if self.fake.name == "discord" and self.threads and self.chance.random() < 0.5:
            _, place = self.threads.pop(self.chance.randrange(len(self.threads)))
        elif len(self.channels) > 2:
            place = self.channels.pop(self.chance.randrange(len(self.channels) // 2, len(self.channels)))
            self.threads = [(channel, thread) for channel, thread in self.threads if channel != place]
        else:
            return
        self.fake.delete_channel(place)


@asynccontextmanager
async def towns(chance: random.Random, history: int = HISTORY) -> AsyncIterator[list[Town]]:
    fakes = [make(name) for name in NAMES]
    for fake in fakes:
        await fake.start()
        fake.chaos.random = random.Random(chance.random())
        # The more often, the less they are asked and say.
        fake.chaos.rate = {"slack": 0.06, "discord": 0.1, "discourse": 0.15}[fake.name]
    try:
        yield [Town(fake, random.Random(chance.random()), history) for fake in fakes]
    finally:
        for fake in fakes:
            await fake.stop()


async def storm(program: Program, database: Database, everywhere: list[Town], chance: random.Random) -> int:
    """Let everything happen at random; returns how many things are to be said on each platform.

    On a busy machine it lasts longer: until every platform has misbehaved while it was served.
    """
    loop = asyncio.get_running_loop()
    end, last, speak, said_so_far = loop.time() + SECONDS, loop.time() + 4 * SECONDS, loop.time() + 1, 0
    mortal = asyncio.create_task(death(program, database, chance))
    for town in everywhere:
        town.fake.chaos.on = True
    while loop.time() < end or (loop.time() < last and not stormy(program, everywhere)):
        for town in everywhere:
            town.act()
        if mortal.done():
            program.kill()
            program.start()
            mortal = asyncio.create_task(death(program, database, chance))
        if loop.time() > speak:
            for town in everywhere:
                await asyncio.to_thread(schedule, database, town.fake, town.channels[0], said_so_far)
            said_so_far, speak = said_so_far + 1, loop.time() + chance.uniform(2, 4)
        await asyncio.sleep(len(everywhere) / ACTS_A_SECOND)
    for town in everywhere:
        town.fake.chaos.on = False
    mortal.cancel()
    await asyncio.wait([mortal])
    return said_so_far


async def death(program: Program, database: Database, chance: random.Random) -> None:
    """Return when it is time to be killed: mostly when it has been at work for a while, and now and then when it is not yet."""
    if chance.random() < 0.75:
        await program.at_work(database)
        await asyncio.sleep(chance.uniform(1, 5))
    else:
        await asyncio.sleep(chance.uniform(0.5, 3))


def stormy(program: Program, everywhere: list[Town]) -> bool:
    """Whether enough went wrong for the rest to be worth anything."""
    return program.kills > 1 and all(len(town.fake.chaos.seen) > 2 for town in everywhere)


async def test_nothing_is_lost_and_nothing_is_double(database: Database, tmp_path: Path) -> None:
    sys.stderr.write(f"\nsoak: seed {SEED}, {SECONDS:g} s\n")
    chance = random.Random(SEED)
    async with towns(chance) as everywhere:
        fakes = [town.fake for town in everywhere]
        program = Program(tmp_path, database, fakes)
        program.start()
        try:
            count = await storm(program, database, everywhere, chance)
            calm = datetime.now(UTC)
            try:
                await until(partial(all_sent, database), 60)
                await until(partial(swept, database, calm), 60)
                await until(lambda: not differing(database, fakes), 60)
            except TimeoutError:
                sys.stderr.write(
                    f"soak: {differing(database, fakes)}\n{(tmp_path / 'log').read_text()[-3000:]}\n"
                )
                raise
            settled = (datetime.now(UTC) - calm).total_seconds()
            assert await program.stop() == 0
        finally:
            program.end()
        for fake in fakes:
            assert times_said(fake, count) == [1] * count, fake.name
        messages = sum(len(fake.standing()) for fake in fakes)
        faults = {fake.name: len(fake.chaos.seen) for fake in fakes}
        sys.stderr.write(
            f"soak: {messages} messages, faults {faults}, {program.kills} kills, {count * 3} posts, "
            f"settled in {settled:.1f} s\n"
        )
        assert stormy(program, everywhere)
    said_in_log = (tmp_path / "log").read_text(encoding="utf-8")
    assert MARK not in said_in_log
    assert not any(secret in said_in_log for fake in fakes for secret in fake.secrets.values())
    for line in said_in_log.splitlines():
        orjson.loads(line)
