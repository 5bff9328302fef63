"""`spaces backfill`: once, under the lease, resumable, and never beside another process."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from bot.checks import source_states
from bot.live.once import backfill_once
from bot.mistakes import ConfigError
from bot.settings import Config, Source
from connectors.errors import Misconfigured, Unavailable
from connectors.records import Page, Refusal
from storage import ingest, leases, tables
from storage.database import Database
from tests.bot.live.platform import Village

CONFIG = Config(sources={"team": Source(connector="slack")})


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACES_TEAM_BOT_TOKEN", "xoxb-1")


def backfill(
    database: Database, village: Village, since: datetime | None = None, source: str = "team"
) -> int:
    return backfill_once(
        database, CONFIG, source, since, lambda _done, _note: None, lambda _: village.connector()
    )


def count(database: Database) -> int:
    with database.read() as session:
        return len(session.scalars(select(tables.Message.external_id)).all())


def test_it_reads_once_and_goes_on_where_it_was(database: Database) -> None:
    village = Village(page=7)
    for number in range(30):
        village.say(f"text {number}")
    village.broken["page"] = [Unavailable("Slow down.", 0.0)]
    assert backfill(database, village) == 30
    village.say("one more")
    assert backfill(database, village) == 1
    assert count(database) == 31
    assert village.closed == 2
    with database.read() as session:
        assert leases.holder(session, 1) is None


def test_an_earlier_beginning_reads_everything_again(database: Database) -> None:
    village = Village()
    village.say("text")
    for since in (None, datetime.now(UTC) - timedelta(days=400), datetime.now(UTC) - timedelta(days=5)):
        backfill(database, village, since)
    cursors = [found for found, _, _ in village.fetched]
    begins = [begin for _, begin, _ in village.fetched]
    assert cursors == [{}, {}, {"c": "1"}]
    assert begins[0] > begins[1] == begins[2]


def test_it_refuses_while_another_process_serves_the_source(database: Database) -> None:
    with database.write() as session:
        source = ingest.source_id(session, "team", "slack")
        leases.take(session, source, "host:1:x", timedelta(minutes=1))
    with pytest.raises(Misconfigured, match="Source team is served by process host:1:x"):
        backfill(database, Village())


def test_what_is_missing_is_said(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match='there is no source "tean" in the configuration'):
        backfill(sqlite, Village(), source="tean")
    monkeypatch.delenv("SPACES_TEAM_BOT_TOKEN")
    with pytest.raises(Misconfigured, match="Set SPACES_TEAM_BOT_TOKEN"):
        backfill(sqlite, Village())


def test_status_tells_how_it_stands(sqlite: Database) -> None:
    village = Village()
    village.say("text")
    backfill(sqlite, village)
    with sqlite.write() as session:
        refused = [Refusal("ops", "Invite the bot.")]
        ingest.save(session, 1, Page("s", None, datetime.now(UTC), refusals=refused))
    (found,) = source_states(sqlite, CONFIG)
    assert found.live is not None
    assert found.live.words == "not running: start it with spaces run"
    assert found.live.history.startswith("whole since ")
    assert found.live.refused == (("ops", "ops", "Invite the bot."),)
