"""How a benchmark says what it found, and what it needs of the machine."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TypeVar

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from storage import schema
from storage.database import Database

_T = TypeVar("_T")


def say(what: str, ours: float, floor: float, unit: str, goal: str = "", *, spread: str = "") -> None:
    """One line: ours, the floor of the same run, the ratio; `goal` is what we aimed at."""
    aim = f"   goal {goal}" if goal else ""
    print(
        f"{what:<58} ours {ours:>12,.1f}  floor {floor:>12,.1f} {unit:<12} ratio {ours / floor:6.2f}{spread}{aim}",
        flush=True,
    )


def by_turns(rounds: int, ours: Callable[[], _T], floor: Callable[[], _T]) -> tuple[list[_T], list[_T]]:
    """What both find, one after the other, since a machine that others use too is not the same all the time."""
    found = [(ours(), floor()) for _ in range(rounds)]
    return [each for each, _ in found], [each for _, each in found]


def compare(what: str, ours: list[float], floor: list[float], unit: str, goal: str = "") -> None:
    """One line: the medians of ours and of the floor, the ratio of each round, and the goal."""
    ratios = sorted(mine / bare for mine, bare in zip(ours, floor, strict=True))
    say(what, median(ours), median(floor), unit, goal, spread=f" ({ratios[0]:.2f} to {ratios[-1]:.2f})")


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with TemporaryDirectory(prefix="spaces-bench-") as name:
        yield Path(name)


@contextmanager
def databases() -> Iterator[Iterator[Database]]:
    """An empty migrated database of each kind: SQLite, and PostgreSQL where a server answers."""
    with folder() as home:
        yield _each(home)


def _each(home: Path) -> Iterator[Database]:
    sqlite = Database(f"sqlite:///{home / 'bench.sqlite3'}")
    schema.upgrade(sqlite)
    yield sqlite
    sqlite.close()
    url = make_url(
        os.environ.get("SPACES_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
    )
    admin = create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    name = f"spaces_bench_{os.getpid()}"
    try:
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except OperationalError:
        print("No PostgreSQL answers; set SPACES_TEST_POSTGRES_URL to measure it too.")
        return
    try:
        postgres = Database(url.set(database=name).render_as_string(hide_password=False))
        schema.upgrade(postgres)
        yield postgres
        postgres.close()
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()
