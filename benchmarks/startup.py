"""How long `spaces --help` takes, against `python -c pass`; and what an idle process with an open database holds."""

import subprocess
import sys
import time

from benchmarks.report import say

_IDLE = """
from benchmarks import memory
from bot.config import Config
from bot.app import compute_digest
from storage.database import Database
from storage import schema
database = Database("sqlite:///" + __import__("tempfile").mkdtemp() + "/idle.sqlite3")
schema.ensure(database)
print(memory.peak())
"""

_BARE = """
from benchmarks import memory
import sqlalchemy.orm, pydantic_settings
print(memory.peak())
"""


def run() -> None:
    help_, nothing = (_best([sys.executable, *words]) for words in (["-m", "bot", "--help"], ["-c", "pass"]))
    say("spaces --help", help_ * 1000, nothing * 1000, "ms", "< 400 ms")
    idle = float(_output([sys.executable, "-c", _IDLE]))
    bare = float(_output([sys.executable, "-c", _BARE]))
    say("idle memory, configuration and database open", idle, bare, "MB")


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _best(command: list[str]) -> float:
    times = []
    for _ in range(7):
        began = time.perf_counter()
        _output(command)
        times.append(time.perf_counter() - began)
    return min(times)
