"""Learning in the database: from a moderator's corrections to other labels, and back, as the operator does it."""

import asyncio
import multiprocessing
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pytest
import time_machine
from sqlalchemy import select
from typer.testing import CliRunner

from bot import learning
from bot.cli import app
from bot.mistakes import ConfigError
from bot.settings import Config
from bot.tagger import drain
from bot.training.corpus import LABELS, read_file
from connectors.records import Member, Message, Page
from storage import ingest, models, tags
from storage.database import Database
from storage.tables import Message as Stored
from storage.tables import Model, Tag
from tests.bot.test_adapted import COMMUNITIES, CORPUS, jargon

NOW = datetime(2026, 5, 4, tzinfo=UTC)


class Town(NamedTuple):
    """A community that speaks in words of its own: what each message is, as its moderator knows."""

    database: Database
    truth: dict[str, frozenset[str]]
    judged: list[str]
    """Messages that the moderator looks at; the others only tell how good the labels are."""

    def label(self) -> None:
        drain(self.database, classifier=learning.classifier(self.database, Config()))

    def given(self) -> set[tuple[str, str]]:
        with self.database.read() as session:
            rows = session.execute(
                select(Tag.external_id, Tag.label).where(Tag.verdict, Tag.decided_by.not_in(["unsure"]))
            )
            return {(id_, label) for id_, label in rows}

    def correct(self, count: int) -> None:
        given = self.given()
        wrong = [
            (id_, label, label in self.truth[id_])
            for id_ in self.judged
            for label in LABELS
            if ((id_, label) in given) != (label in self.truth[id_])
        ]
        with self.database.write() as session:
            for id_, label, verdict in wrong[:count]:
                assert tags.decide(session, 1, id_, label, verdict, "ann")

    def quality(self) -> float:
        """Macro F1 where the moderator never looked."""
        given, found = self.given(), []
        others = self.truth.keys() - set(self.judged)
        for label in LABELS:
            said = {id_ for id_, what in given if what == label} & others
            true = {id_ for id_ in others if label in self.truth[id_]}
            found.append(2 * len(said & true) / max(len(said) + len(true), 1))
        return sum(found) / len(found)


@pytest.fixture
def town(database: Database) -> Town:
    messages: list[Message] = []
    talks: list[list[str]] = []
    truth = {}
    for name in COMMUNITIES[:2]:
        for (community, talk), lines in groupby(
            read_file(CORPUS / f"{name}.txt"), key=lambda line: (line.community, line.talk)
        ):
            first, ids = f"{community}-{talk}-0", list[str]()
            for line in lines:
                id_ = first if not ids else f"{community}-{talk}-{line.number}"
                ids.append(id_)
                at = NOW - timedelta(days=10) + timedelta(seconds=60 * len(messages))
                text = jargon(line.text) or ""
                messages.append(Message(id_, community, line.author, at, text, first, id_ == first))
                if not line.is_bot:
                    truth[id_] = frozenset(line.labels)
            talks.append(ids)
    authors = {message.author_id for message in messages if message.author_id}
    with database.write() as session:
        source = ingest.source_id(session, "team", "slack")
        members = [Member(name, name) for name in sorted(authors)]
        ingest.save(session, source, Page("", None, NOW, members, messages=messages))
    judged = [id_ for talk in talks[: len(talks) * 6 // 10] for id_ in talk if id_ in truth]
    found = Town(database, truth, judged)
    found.label()
    return found


@pytest.fixture
def spaces(database: Database, tmp_path: Path) -> Callable[..., str]:
    config = tmp_path / "spaces.toml"
    config.touch()
    url = database.url.render_as_string(hide_password=False)

    def run(*words: str) -> str:
        done = CliRunner().invoke(app, ["-c", str(config), "--database", url, "-q", *words])
        return str(done.exception) if isinstance(done.exception, ConfigError) else done.output

    return run


def test_corrections_make_the_labels_of_other_messages_better(town: Town, spaces: Callable[..., str]) -> None:
    before, given = town.quality(), town.given()
    town.correct(200)
    said = spaces("train", "--local")
    assert "Model 1 is in use from now on." in said
    assert "verdicts, surer by" in said
    assert town.quality() > before + 0.05

    assert "shipped: made of" in (listed := spaces("models"))
    assert "1: " in listed
    assert ", in use: " in listed
    assert "stays so" in spaces("models", "use", "shipped")
    assert ", in use, pinned" in spaces("models")
    assert "kept, but another is pinned" in spaces("train", "--local")
    with town.database.read() as session:
        # That a message is a question makes answers of others in its talk, whichever model is in use.
        corrected = {
            tag.external_id.rpartition("-")[0]
            for tag in session.scalars(select(Tag).where(Tag.decided_by == "moderator"))
        }
    others = {each for each in town.given() if each[0].rpartition("-")[0] not in corrected}
    assert others
    assert others <= given, "the model that ships labels as it did"

    assert spaces("models", "use", "newest").startswith("Model 2 is in use")
    for none in ("7", "9" * 30):
        assert f'there is no model "{none}"' in spaces("models", "use", none)
    assert "Model 1 is in use and stays so" in spaces("models", "use", "1")
    assert "kept, but another is pinned" in spaces("train", "--local")


def test_where_nobody_said_anything_it_says_what_to_do(spaces: Callable[..., str]) -> None:
    assert "tag some with spaces tag" in spaces("train", "--local")


def test_it_is_learned_once_a_day_where_there_is_something_new(town: Town) -> None:
    assert not learning.is_due(town.database)
    town.correct(5)
    assert learning.is_due(town.database)
    learning.learn_here(town.database)
    assert not learning.is_due(town.database)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1, hours=1)):
        assert not learning.is_due(town.database), "nobody said anything since"
        town.correct(10)
        assert learning.is_due(town.database)


def _has_tried(database: Database) -> bool:
    with database.read() as session:
        return models.tried_at(session) is not None


async def test_events_are_stored_while_it_learns(town: Town) -> None:
    town.correct(100)
    town.label()
    task = asyncio.create_task(learning.learn_beside(town.database))
    stored = 0
    while not task.done():
        event = Message(f"new-{stored}", "c", None, NOW, "hello")
        with town.database.write() as session:
            ingest.save(session, 1, Page("", None, NOW, messages=[event]))
        stored += 1
        await asyncio.sleep(0)
    assert (await task).verdicts == 100
    assert stored > 1
    assert _has_tried(town.database)
    with town.database.read() as session:
        kept = set(session.scalars(select(Stored.external_id).where(Stored.external_id.startswith("new-"))))
    assert kept == {f"new-{n}" for n in range(stored)}


async def test_whoever_stops_does_not_wait_for_it(town: Town) -> None:
    town.correct(100)
    town.label()
    task = asyncio.create_task(learning.learn_beside(town.database))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for child in multiprocessing.active_children():
        child.join()
    assert not _has_tried(town.database), "it learned to the end, and a stop would have waited for that"


def test_models_that_nobody_uses_do_not_pile_up(database: Database) -> None:
    with database.write() as session:
        first = models.keep(session, "base", "{}", "{}").id
        models.choose(session, first)
        for _ in range(50):
            newest = models.keep(session, "base", "{}", "{}").id
    with database.read() as session:
        kept = [each.id for each in session.scalars(select(Model))]
    assert {first, newest} <= set(kept)
    assert len(kept) == 21
