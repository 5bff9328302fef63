"""A lease is held by one at a time: also between processes, also after its holder died."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from storage import ingest, leases
from storage.database import Database

MINUTE = timedelta(minutes=1)

RACER = """
import sys
from datetime import timedelta
from storage import leases
from storage.database import Database
database, name = Database(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
won = 0
for source in range(1, 41):
    with database.write() as session:
        won += leases.take(session, source, name, timedelta(minutes=1))
database.close()
print(won)
"""


@pytest.fixture
def source(database: Database) -> int:
    with database.write() as session:
        return ingest.source_id(session, "team", "slack")


@pytest.fixture
def take(database: Database, source: int) -> Callable[..., bool]:
    def taken(owner: str, length: timedelta = MINUTE) -> bool:
        with database.write() as session:
            return leases.take(session, source, owner, length)

    return taken


def test_one_holds_it_until_it_is_given_back(
    database: Database, source: int, take: Callable[..., bool]
) -> None:
    assert take("one")
    assert not take("two")
    assert take("one"), "renewed"
    with database.write() as session:
        leases.release(session, source, "two")
    assert not take("two"), "only its holder can give it back"
    with database.write() as session:
        leases.release(session, source, "one")
    assert take("two")


def test_an_expired_lease_is_anybodys(database: Database, source: int, take: Callable[..., bool]) -> None:
    assert take("one", -MINUTE)
    with database.read() as session:
        assert leases.holder(session, source) is None
    assert take("two")
    assert not take("one"), "who lost it does not get it back"


def test_its_holder_is_known(database: Database, source: int, take: Callable[..., bool]) -> None:
    take("one")
    with database.read() as session:
        found = leases.holder(session, source)
    assert found is not None
    assert found[0] == "one"
    assert timedelta(seconds=50) < found[1] - datetime.now(UTC) <= MINUTE


def test_two_processes_never_hold_the_same_lease(database: Database) -> None:
    with database.write() as session:
        for number in range(1, 41):
            assert ingest.source_id(session, f"s{number}", "slack") == number
    url = database.url.render_as_string(hide_password=False)
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, url, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name in ("one", "two")
    ]
    won = []
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        out, _ = racer.communicate(timeout=60)
        assert racer.returncode == 0
        won.append(int(out))
    assert sum(won) == 40
