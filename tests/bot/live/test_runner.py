"""`spaces run` on a platform in memory: listening, catching up, failing, stopping."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from sqlalchemy import select

from bot.live.runner import Runner
from bot.mistakes import ConfigError
from bot.settings import Config, Source
from bot.settings import Run as RunSettings
from connectors.base import Connector
from connectors.errors import Misconfigured, Unavailable
from connectors.records import Post, Problem
from storage import ingest, leases, posts, states, tables
from storage.database import Database
from tests.bot.live.platform import Village

ENVIRON = {"SPACES_TEAM_BOT_TOKEN": "xoxb-1-secret", "SPACES_CHAT_BOT_TOKEN": "other"}
FAST = RunSettings(port=0, sweep_hours=0, lease_seconds=0.6)


def config(*names: str, run: RunSettings = FAST) -> Config:
    connectors = {"team": "slack", "chat": "discord"}
    return Config(sources={name: Source(connector=connectors[name]) for name in names or ("team",)}, run=run)


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for what another thread or task does; it is looked at again each time the loop comes round."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - other threads and processes set no event
            await asyncio.sleep(0.002)


@asynccontextmanager
async def running(
    database: Database,
    villages: Mapping[str, Village],
    settings: Config | None = None,
    reread: Callable[[], Config] | None = None,
) -> AsyncIterator[Runner]:
    """A runner whose connectors visit these villages (by the name of the connector)."""

    def load(name: str) -> type[Connector]:
        return villages[name].connector()

    settings = settings or config()
    runner = Runner(database, settings, reread or (lambda: settings), environ=ENVIRON, load=load)
    task = asyncio.create_task(runner.run())
    started = asyncio.create_task(runner.started.wait())
    await asyncio.wait([task, started], return_when=asyncio.FIRST_COMPLETED)
    started.cancel()
    try:
        yield runner
    finally:
        runner.stop()
        async with asyncio.timeout(10):
            await task


def stored(database: Database) -> dict[str, str]:
    with database.read() as session:
        chosen = select(tables.Message).where(tables.Message.deleted.is_(False))
        return {row.external_id: row.text for row in session.scalars(chosen)}


def state(database: Database) -> tables.State:
    with database.read() as session:
        found = session.scalars(select(tables.State)).first()
        if found is None:
            return tables.State(connected=False)
        session.expunge(found)
        return found


async def ask(runner: Runner, path: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{runner.port}{path}") as answer,
    ):
        return answer.status, await answer.text()


# --- listening and catching up ----------------------------------------------------------------------------------


async def test_history_and_events_side_by_side_become_what_stands(database: Database) -> None:
    village = Village(page=3)
    for number in range(50):
        village.say(f"old {number}", "cd"[number % 2])
    village.hold = asyncio.Event()
    async with running(database, {"slack": village}):
        await until(lambda: bool(stored(database)))
        # A live message must not make the history that is being read look finished.
        await village.tell(village.say("new"))
        await village.tell_gone("c3")
        village.hold.set()
        await until(lambda: state(database).caught_up_at is not None)
        await village.tell(village.say("newer"))
        assert set(stored(database)) == village.standing()
    assert village.closed == 1


async def test_history_begins_where_it_first_began(database: Database) -> None:
    village = Village()
    village.say("one")
    async with running(database, {"slack": village}):
        await until(lambda: state(database).caught_up_at is not None)
    async with running(database, {"slack": village}):
        await until(lambda: len(village.fetched) == 2)
    first, second = village.fetched[0], village.fetched[-1]
    assert first[1] == second[1]
    assert timedelta(days=89) < datetime.now(UTC) - first[1] <= timedelta(days=90, minutes=1)
    assert (first[0], second[0]) == ({}, {"c": "1"})


async def test_gaps_are_caught_up_once(database: Database) -> None:
    village = Village(page=1)
    village.say("one")
    async with running(database, {"slack": village}):
        await until(lambda: state(database).caught_up_at is not None)
        before = len(village.fetched)
        village.say("missed")
        for inbox, _ in village.listening:
            for _ in range(100):
                inbox.gap()
        await until(lambda: len(stored(database)) == 2)
        await until(lambda: (state(database).fraction, len(village.fetched)) == (None, before + 1))
        assert not village.fetched[-1][2]


async def test_a_sweep_finds_what_was_deleted_unnoticed(database: Database) -> None:
    village = Village()
    for number in range(5):
        village.say(f"text {number}")
    settings = config(run=FAST.model_copy(update={"sweep_hours": 0.0001, "sweep_days": 1.0}))
    async with running(database, {"slack": village}, settings):
        await until(lambda: len(stored(database)) == 5)
        village.gone |= {"c1", "c4"}
        await until(lambda: set(stored(database)) == village.standing())
    swept = [since for _, since, sweep in village.fetched if sweep]
    assert swept
    assert datetime.now(UTC) - swept[0] < timedelta(days=1, minutes=1)


async def test_what_came_is_tagged(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.live.runner._SETTLE_EVERY", 0.05)
    village = Village()
    village.say("How do I restore the vault?")

    def untagged() -> int:
        with sqlite.read() as session:
            return len(session.scalars(select(tables.Message).where(tables.Message.untagged)).all())

    async with running(sqlite, {"slack": village}):
        await until(lambda: bool(stored(sqlite)))
        await until(lambda: untagged() == 0)


async def test_words_are_forgotten_where_they_are_not_to_be_kept(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.live.runner._SETTLE_EVERY", 0.05)
    village = Village()
    village.say("How do I restore the vault?")
    source = Source(connector="slack", keep_text_days=0)
    settings = Config(sources={"team": source}, run=FAST)
    async with running(sqlite, {"slack": village}, settings):
        await until(lambda: stored(sqlite) == {"c0": ""})
        with sqlite.read() as session:
            assert session.scalars(select(tables.Tag.label)).all()


# --- failing ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [Unavailable("Away.", retry_after=0.01), RuntimeError("a defect"), Misconfigured("Wrong token.")]
)
async def test_one_that_fails_leaves_the_others_alone(database: Database, error: Exception) -> None:
    villages = {"slack": Village(), "discord": Village()}
    villages["slack"].broken["listen"] = [error]
    villages["discord"].say("hello")
    async with running(database, villages, config("team", "chat")) as runner:
        await until(lambda: bool(stored(database)))
        if not isinstance(error, Misconfigured):
            async with asyncio.timeout(10):
                await villages["slack"].arrived.wait()
            return
        await until(lambda: "Wrong token." in str(state(database).why))
        status, body = await ask(runner, "/readyz")
        assert (status, json.loads(body)) == (
            503, {"ready": False, "database": "ok", "team": "Wrong token.", "chat": "ok"}
        )  # fmt: skip
        os.kill(os.getpid(), signal.SIGHUP)
        async with asyncio.timeout(10):
            await villages["slack"].arrived.wait()


async def test_a_connection_that_breaks_is_made_again_and_history_read(database: Database) -> None:
    village = Village()
    async with running(database, {"slack": village}):
        async with asyncio.timeout(10):
            await village.arrived.wait()
        village.cut(Unavailable("The connection broke.", retry_after=0.0))
        village.say("missed")
        await until(lambda: set(stored(database)) == village.standing())
        await until(lambda: bool(village.listening))


async def test_history_that_fails_is_read_on_while_we_listen(database: Database) -> None:
    village = Village(page=2)
    for number in range(8):
        village.say(f"text {number}")
    village.broken["page"] = [Unavailable("Slow down.", retry_after=0.01), RuntimeError("a defect")]
    async with running(database, {"slack": village}) as runner:
        await until(lambda: set(stored(database)) == village.standing())
        await until(lambda: bool(village.listening))
        _, text = await ask(runner, "/metrics")
    assert [cursors for cursors, _, _ in village.fetched[:3]] == [{}, {"c": "2"}, {"c": "4"}]
    assert 'spaces_errors_total{kind="unavailable",source="team"} 1.0' in text
    assert 'spaces_errors_total{kind="unexpected",source="team"} 1.0' in text
    assert 'spaces_connector_up{source="team"} 1.0' in text
    assert "spaces_backfill_fraction" in text


async def test_who_loses_the_lease_stops_and_who_gets_it_goes_on(database: Database) -> None:
    village = Village()
    with database.write() as session:
        source = ingest.source_id(session, "team", "slack")
        assert leases.take(session, source, "another", timedelta(minutes=1))
    async with running(database, {"slack": village}) as runner:
        supervisor, _ = runner._served["team"]
        await until(lambda: "It is served by another process (another)" in str(supervisor.why))
        assert not village.listening
        with database.write() as session:
            leases.release(session, source, "another")
        async with asyncio.timeout(10):
            await village.arrived.wait()
        with database.write() as session:
            session.connection().exec_driver_sql(
                "UPDATE leases SET owner = 'another', expires_at = expires_at + 60000000"
            )
        await until(lambda: not village.listening)
        await until(lambda: "It is served by another process (another)" in str(supervisor.why))
        status, body = await ask(runner, "/readyz")
        assert (status, json.loads(body)["team"]) == (503, supervisor.why)
    with database.read() as session:
        assert leases.holder(session, source) is not None, "not ours to give back"


# --- stopping, reloading, posting -------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_it_cleanly(database: Database, number: signal.Signals) -> None:
    village = Village()
    async with running(database, {"slack": village}) as runner:
        async with asyncio.timeout(10):
            await village.arrived.wait()
        assert await ask(runner, "/healthz") == (200, '{"alive": true}')
        last = village.say("last words")
        telling = asyncio.create_task(village.tell(last))
        await asyncio.sleep(0)
        os.kill(os.getpid(), number)
        await until(lambda: village.closed == 1)
        await asyncio.gather(telling, return_exceptions=True)
    assert stored(database) == {last.id: last.text}
    assert (state(database).connected, state(database).why) == (
        False,
        "It is not running. Start it with: spaces run",
    )
    with database.read() as session:
        assert leases.holder(session, 1) is None


async def test_a_new_configuration_is_taken_over_and_a_wrong_one_is_not(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    villages = {"slack": Village(), "discord": Village()}
    configs: list[Config | ConfigError] = [
        ConfigError([Problem("spaces.toml, line 3", "it is wrong", "Mend it.")]), config("chat")
    ]  # fmt: skip

    def reread() -> Config:
        found = configs.pop(0)
        if isinstance(found, ConfigError):
            raise found
        return found

    async with running(database, villages, config("team"), reread):
        async with asyncio.timeout(10):
            await villages["slack"].arrived.wait()
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: "spaces.toml, line 3: it is wrong. Mend it." in caplog.text)
        assert villages["slack"].listening
        os.kill(os.getpid(), signal.SIGHUP)
        async with asyncio.timeout(10):
            await villages["discord"].arrived.wait()
        await until(lambda: not villages["slack"].listening)


async def test_a_port_that_is_taken_is_told(database: Database) -> None:
    async with running(database, {"slack": Village()}) as runner:
        taken = config(run=FAST.model_copy(update={"port": runner.port}))
        other = Runner(database, taken, lambda: taken, environ={})
        with pytest.raises(ConfigError, match=f"port {runner.port} on this machine"):
            await other.run()


async def test_what_waits_to_be_said_is_said_once(database: Database) -> None:
    village = Village()
    # The first answer is lost although it took effect; the one after that never got there.
    village.broken["answer"] = [Unavailable("Reset.", retry_after=0.0)]
    with database.write() as session:
        source = ingest.source_id(session, "team", "slack")
        for number in range(3):
            assert posts.intend(session, source, "C1", f"weekly {number}", Post("", "Week", "Text"))

    def sent() -> list[str]:
        with database.read() as session:
            return list(session.scalars(select(tables.Post.state)))

    async with running(database, {"slack": village}) as runner:
        await until(lambda: sent() == ["sent"] * 3)
        _, text = await ask(runner, "/metrics")
    assert len(village.posts) == 3
    assert 'spaces_posts_total{outcome="sent",source="team"} 3.0' in text


def test_states_read_by_another_process(sqlite: Database) -> None:
    with sqlite.write() as session:
        source = ingest.source_id(session, "team", "slack")
        states.write(session, source, connected=True, why=None)
    with sqlite.read() as session:
        found = states.read(session, source)
        assert found is not None
        assert found.connected
