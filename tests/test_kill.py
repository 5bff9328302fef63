"""An import that is killed, really, at any statement: run again, it ends in the same tables as one left in peace."""

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from bot.demo import archives
from storage.database import Database
from tests.storage.test_ingest import contents

# SIGKILL before the Nth statement that goes to the database: in the middle of a page as well as between two.
_CHILD = textwrap.dedent("""
    import os, signal, sys
    from pathlib import Path
    from sqlalchemy import event
    from bot.collect import import_archives
    from storage.database import Database

    url, connector, path, deadly = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
    database = Database(url)
    seen = 0

    @event.listens_for(database.engine, "before_cursor_execute")
    def _(*_):
        global seen
        seen += 1
        if seen == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    found = import_archives(database, "demo", connector, [path], {})
    assert not found.problems, found.problems
    print("whole", seen)
""")


def _run(url: str, connector: str, path: Path, deadly: int) -> str:
    words = [sys.executable, "-c", _CHILD, url, connector, str(path), str(deadly)]
    ran = subprocess.run(words, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1])
    assert ran.returncode in {0, -9}, ran.stderr
    return ran.stdout


@pytest.mark.parametrize(
    ("connector", "source"), [("slack", "team"), ("discord", "chat"), ("discourse", "forum")]
)
def test_killed_again_and_again(emptied: Callable[[], Database], connector: str, source: str) -> None:
    (path,) = archives()[source]
    database = emptied()
    url = database.url.render_as_string(hide_password=False)
    whole = _run(url, connector, path, 0)
    assert whole.startswith("whole")
    statements = int(whole.split()[1])
    expected = contents(database)
    assert len(expected["messages"]) > 500

    database = emptied()
    chance = Random(connector)
    deaths = 0
    # Each run gets further than the last page kept: so it ends.
    while not _run(url, connector, path, chance.randrange(2, statements + 2)).startswith("whole"):
        deaths += 1
    assert deaths > 0
    assert contents(database) == expected
