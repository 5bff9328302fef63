"""The demo community, read whole, against the truth that its generator wrote down."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from bot.collect import import_archives
from bot.config import load
from bot.demo import archives, configuration
from examples.generate import generate
from storage import people, population
from storage.database import Database

EXAMPLES = Path(__file__).parents[1] / "examples"
TRUTH: dict[str, Any] = json.loads((EXAMPLES / "community" / "manifest.json").read_text(encoding="utf-8"))
SOURCES = {"team": "slack", "chat": "discord", "forum": "forum"}


@pytest.fixture
def demo(database: Database) -> Database:
    config = load(configuration())
    for source, paths in archives().items():
        settings = config.sources[source]
        found = import_archives(database, source, settings.connector, paths, settings.model_dump(mode="json"))
        assert found.problems == []
    with database.write() as session:
        population.settle(session, config.policy())
    return database


def test_everybody_and_everything_is_counted_as_it_was_written(demo: Database) -> None:
    with demo.read() as session:
        rows = session.connection().exec_driver_sql("""
            SELECT s.name, a.standing, COUNT(*) FROM messages m JOIN sources s ON s.id = m.source_id
            JOIN members a ON a.source_id = m.source_id AND a.external_id = m.author_id
            JOIN channels c ON c.source_id = m.source_id AND c.external_id = m.channel_id
            WHERE NOT m.deleted AND c.counted GROUP BY s.name, a.standing""")
        counts = {(source, standing): count for source, standing, count in rows}
    for source, name in SOURCES.items():
        truth = TRUTH["sources"][name]
        # What a moderator does on a forum ("closed this topic: ...") is a message of theirs with a text.
        by_staff = truth["of_which_by_staff"] + truth.get("moderator_actions", 0)
        assert counts[source, "staff"] == by_staff, source
        assert counts[source, "member"] == truth["countable_human_messages"] - truth["of_which_by_staff"], (
            source
        )
        assert counts[source, "bot"] == truth["bot_messages"], source


def test_every_planted_person_is_suggested_and_no_look_alike(demo: Database) -> None:
    with demo.read() as session:
        numbers: dict[str, int] = dict(
            session.connection().exec_driver_sql("SELECT name, id FROM sources").all()
        )
        suggested = [set(suggestion.accounts) for suggestion in people.suggest(session)]
    number_of = {name: numbers[source] for source, name in SOURCES.items()}

    def accounts(person: dict[str, Any]) -> set[str]:
        return {f"{number_of[name]}:{account['id']}" for name, account in person["accounts"].items()}

    for person in TRUTH["same_person"]:
        wanted = accounts(person)
        found = set().union(*(pair for pair in suggested if pair & wanted))
        assert wanted <= found, person["person"]
    for alike in TRUTH["look_alikes"]:
        different = [accounts(person) for person in alike["different_people"]]
        for pair in suggested:
            assert sum(bool(pair & one) for one in different) <= 1, alike["shown"]


def test_the_community_is_generated_again_to_the_byte(tmp_path: Path) -> None:
    generate(tmp_path / "community")

    def files(folder: Path) -> dict[str, bytes]:
        # Inside the ZIPs: how they are deflated is the business of the zlib that is installed.
        found: dict[str, bytes] = {}
        for path in (path for path in folder.rglob("*") if path.is_file()):
            name = str(path.relative_to(folder))
            if path.suffix == ".zip":
                with zipfile.ZipFile(path) as archive:
                    found |= {f"{name}/{entry}": archive.read(entry) for entry in archive.namelist()}
            else:
                found[name] = path.read_bytes()
        return found

    assert files(tmp_path / "community") == files(EXAMPLES / "community")
