"""`spaces run` as people start it, in a process of its own, and what stands in its database."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import select

from connectors.records import Post
from storage import ingest, leases, posts, tables
from storage.database import Database
from tests.contract.world import NAMES
from tests.fakes.base import FakePlatform, Standing

ROOT = Path(__file__).parents[1]
MARK = "kumquat"
"""A word in every message: it must be in no log."""


class Program:
    """`spaces run`, killed and started again."""

    def __init__(
        self, folder: Path, database: Database, fakes: list[FakePlatform], lease_seconds: int = 2
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.log_file = folder / "log"
        self.log = self.log_file.open("ab")
        self.kills = 0
        config = [
            "[run]",
            "port = 0",
            f"lease_seconds = {lease_seconds}",
            "sweep_hours = 0.0002",
            "sweep_days = 2",
        ]
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

    @property
    def pid(self) -> int:
        """The number of the process, as leases name it."""
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command, cwd=ROOT, env=self.environ, stderr=self.log, stdout=self.log
        )

    async def at_work(self, database: Database) -> None:
        """Wait until it serves all sources."""
        pid = str(self.pid)
        while await asyncio.to_thread(holders, database) != {pid}:  # noqa: ASYNC110 - another process sets no event
            await asyncio.sleep(0.2)

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


def holders(database: Database) -> set[str]:
    """The process ids that hold a lease; "" for a source that nobody serves."""
    with database.read() as session:
        found = [leases.holder(session, id_) for id_ in session.scalars(select(tables.Source.id))]
    return {held[0].split(":")[1] if held else "" for held in found} if len(found) == len(NAMES) else {""}


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


def times_said(fake: FakePlatform, count: int) -> list[int]:
    """How often each of so many things stands on the platform."""
    forms = [json.dumps(form, default=str) for _, _, form in fake.posted()]
    return [sum(said(number) in form for form in forms) for number in range(count)]


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
