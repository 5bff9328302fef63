"""`spaces run` is killed again and again while people ask it on a forum: each of them is answered, and once."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

from storage.database import Database
from tests.connectors.live.discourse_town import Town, looks
from tests.contract.world import until
from tests.fakes.discourse import FakeDiscourse

ROOT = Path(__file__).parents[2]
KILLS = 3


class Program:
    """`spaces run` for one forum."""

    def __init__(self, folder: Path, database: Database, forum: FakeDiscourse) -> None:
        lines = ["[run]", "port = 0", "lease_seconds = 0.5", "[sources.forum]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in forum.settings.items()]
        (folder / "spaces.toml").write_text("\n".join(lines), encoding="utf-8")
        self._environ = {key: value for key, value in os.environ.items() if not key.startswith("SPACES_")}
        self._environ["SPACES_FORUM_API_KEY"] = forum.key
        url = database.url.render_as_string(hide_password=False)
        self._command = [
            sys.executable,
            "-m",
            "bot",
            "-c",
            str(folder / "spaces.toml"),
            "--database",
            url,
            "run",
        ]
        self.log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environ, stdout=log, stderr=log
            )

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()


async def test_killed_again_and_again_it_answers_once(database: Database, tmp_path: Path) -> None:
    forum, chance = FakeDiscourse(poll_seconds=0.1), random.Random(database.url.drivername)
    forum.memory = 0
    await forum.start()
    town = Town(forum)
    program = Program(tmp_path, database, forum)
    asked: list[str] = []
    try:
        for _ in range(KILLS):
            program.start()
            asked += [
                town.say("@spaces weekly"),
                forum.write_private(town.cleo, "Hi", "monthly"),
                town.say("@spaces daily public", town.ben),
            ]
            made, steps = len(forum.requests), chance.randrange(5, 60)
            await until(lambda made=made, steps=steps: len(forum.requests) >= made + steps)  # type: ignore[misc]
            program.kill()
        program.start()
        for each in asked:
            await until(lambda each=each: bool(forum.answers(each)))  # type: ignore[misc]
        seen = looks(forum)[0]
        await until(lambda: looks(forum)[0] >= seen + 4)
    finally:
        program.kill()
        await forum.stop()
    assert [len(forum.answers(each)) for each in asked] == [1] * len(asked)
    assert forum.pings() == []
    log = program.log.read_text("utf-8")
    assert "Traceback" not in log
    assert forum.key not in log
