"""The soak: half a minute of everything going wrong at once, and at the end nothing is missing and nothing is double.

`spaces run` as people start it serves a Slack, a Discord and a Discourse on which people write, edit and delete while
requests and events fail at random, connections break, and the process is killed again and again. The seed is printed;
SPACES_TEST_SOAK_SEED repeats a run as far as clocks allow, SPACES_TEST_SOAK_SECONDS makes it longer or shorter.
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from connectors.records import Post
from storage import ingest, posts, tables
from storage.database import Database
from tests.contract.world import NAMES, make, until
from tests.fakes.base import FakePlatform, Standing

SECONDS = float(os.environ.get("SPACES_TEST_SOAK_SECONDS", "30"))
SEED = int(os.environ.get("SPACES_TEST_SOAK_SEED", random.SystemRandom().randrange(1_000_000)))
ROOT = Path(__file__).parents[1]
MARK = "kumquat"
"""A word in every message: it must be in no log."""
HISTORY, ACTS_A_SECOND = 900, 60


class Town:
    """One platform, and the people on it, who do things at random."""

    def __init__(self, fake: FakePlatform, chance: random.Random) -> None:
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
        for number in range(HISTORY):
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
            except (KeyError, LookupError):
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
        else:
            self.fake.double(3)


class Program:
    """`spaces run`, killed and started again."""

    def __init__(self, folder: Path, database: Database, fakes: list[FakePlatform]) -> None:
        self.log = (folder / "log").open("ab")
        self.kills = 0
        config = ["[run]", "port = 0", "lease_seconds = 0.8", "sweep_hours = 0.0002", "sweep_days = 2"]
        self.environ = {key: value for key, value in os.environ.items() if not key.startswith("SPACES_")}
        for fake in fakes:
            settings = {"poll_seconds": 0.2, "history_days": 2} | fake.settings
            config += [f"[sources.{fake.name}]"]
            config += [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
            self.environ |= {
                f"SPACES_{fake.name}_{key}".upper(): secret for key, secret in fake.secrets.items()
            }
        (folder / "spaces.toml").write_text("\n".join(config), encoding="utf-8")
        url = database.url.render_as_string(hide_password=False)
        self.command = [
            sys.executable,
            "-m",
            "bot",
            "-c",
            str(folder / "spaces.toml"),
            "--database",
            url,
            "run",
        ]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command, cwd=ROOT, env=self.environ, stderr=self.log, stdout=self.log
        )

    def kill(self) -> None:
        assert self.process is not None
        assert self.process.poll() is None, f"it ended by itself: {self.process.returncode}"
        self.process.kill()
        self.process.wait()
        self.kills += 1

    def end(self) -> None:
        """Whatever happened, nothing of it is left."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()

    async def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self.process.wait, 10)


def stored(database: Database) -> dict[str, dict[str, Standing]]:
    """What stands in the database, by source."""
    found: dict[str, dict[str, Standing]] = {name: {} for name in NAMES}
    with database.read() as session:
        chosen = select(tables.Message, tables.Source.name).join(
            tables.Source, tables.Source.id == tables.Message.source_id
        )
        alive = tables.Message.deleted.is_(False), tables.Message.created_at.is_not(None)
        for row, name in session.execute(chosen.where(*alive)):
            found[name][row.external_id] = Standing(
                row.external_id, row.channel_id or "", row.author_id, row.text, row.thread_id,
                orjson.loads(row.reactions or "{}"), row.is_solution,
            )  # fmt: skip
    return found


def schedule(database: Database, fake: FakePlatform, place: str, number: int) -> None:
    """Write down one more thing to be said."""
    with database.write() as session:
        source = ingest.source_id(session, fake.name, str(fake.settings["connector"]))
        title = f"The {MARK} digest numbered {number}"
        assert posts.intend(
            session, source, place, f"weekly {number}", Post("", title, f"{title}. {said(number)}")
        )


def said(number: int) -> str:
    """What only this post says."""
    return f"word{number}word"


def swept(database: Database, since: datetime) -> bool:
    with database.read() as session:
        states = session.scalars(select(tables.State)).all()
        return len(states) == len(NAMES) and all(
            state.swept_at is not None and state.swept_at > since for state in states
        )


def all_sent(database: Database) -> bool:
    with database.read() as session:
        return set(session.scalars(select(tables.Post.state))) == {posts.SENT}


def differing(database: Database, fakes: list[FakePlatform]) -> dict[str, Any]:
    """What is stored otherwise than it stands, by source and message; a few of them."""
    found = stored(database)
    wrong: dict[str, Any] = {}
    for fake in fakes:
        ours, theirs = found[fake.name], fake.standing()
        ids = [id_ for id_ in sorted({*ours, *theirs}) if ours.get(id_) != theirs.get(id_)]
        if ids:
            wrong[fake.name] = len(ids), {id_: (ours.get(id_), theirs.get(id_)) for id_ in ids[:5]}
    return wrong


@asynccontextmanager
async def towns(chance: random.Random) -> AsyncIterator[list[Town]]:
    fakes = [make(name) for name in NAMES]
    for fake in fakes:
        await fake.start()
        fake.chaos.random = random.Random(chance.random())
        fake.chaos.rate = 0.06
    try:
        yield [Town(fake, random.Random(chance.random())) for fake in fakes]
    finally:
        for fake in fakes:
            await fake.stop()


async def storm(program: Program, database: Database, everywhere: list[Town], chance: random.Random) -> int:
    """Let everything happen at random; returns how many things are to be said on each platform."""
    loop = asyncio.get_running_loop()
    end, die, speak, said_so_far = loop.time() + SECONDS, loop.time() + 7, loop.time() + 1, 0
    for town in everywhere:
        town.fake.chaos.on = True
    while loop.time() < end:
        for town in everywhere:
            town.act()
        if loop.time() > die:
            program.kill()
            program.start()
            # Mostly when it is at work, which takes some seconds, and now and then when it is not yet.
            die = loop.time() + (chance.uniform(5, 9) if chance.random() < 0.75 else chance.uniform(0.5, 3))
        if loop.time() > speak:
            for town in everywhere:
                await asyncio.to_thread(schedule, database, town.fake, town.channels[0], said_so_far)
            said_so_far, speak = said_so_far + 1, loop.time() + chance.uniform(2, 4)
        await asyncio.sleep(len(everywhere) / ACTS_A_SECOND)
    for town in everywhere:
        town.fake.chaos.on = False
    return said_so_far


@pytest.mark.soak
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
            assert await program.stop() == 0
        finally:
            program.end()
        for fake in fakes:
            forms = [json.dumps(form, default=str) for _, _, form in fake.posted()]
            twice = {n: found for n in range(count) if (found := sum(said(n) in form for form in forms)) != 1}
            assert twice == {}, fake.name
        messages = sum(len(fake.standing()) for fake in fakes)
        faults = {fake.name: len(fake.chaos.seen) for fake in fakes}
        sys.stderr.write(
            f"soak: {messages} messages, faults {faults}, {program.kills} kills, {count * 3} posts\n"
        )
        assert program.kills
        assert all(faults.values())
    said_in_log = (tmp_path / "log").read_text(encoding="utf-8")
    assert MARK not in said_in_log
    assert not any(secret in said_in_log for fake in fakes for secret in fake.secrets.values())
    for line in said_in_log.splitlines():
        orjson.loads(line)
