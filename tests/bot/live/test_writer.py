"""Live work first, in one transaction where it gathers; the rest between; nothing that was asked for is lost."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from bot.commands.desk import Desk
from bot.live.backfill import read_history
from bot.live.inbox import Inbox, pieces
from bot.live.metrics import Metrics
from bot.live.writer import ALONE, BESIDE, Writer
from bot.settings import Config
from connectors.errors import UnreadablePayload
from connectors.records import Member, Message, Page, Swept
from storage import ingest, tables
from storage.database import Database, DatabaseError
from tests.bot.live.platform import Village

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def message(number: int, at: datetime = NOON) -> Message:
    return Message(f"m{number}", "c", "ada", at, f"text {number}")


def setting(key: str) -> Callable[[Session], str]:
    def write(session: Session) -> str:
        session.add(tables.Setting(key=key, value="yes"))
        session.flush()
        return key

    return write


def count(database: Database, table: type[tables.Base]) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


async def test_what_gathers_is_one_transaction(database: Database) -> None:
    transactions: list[int] = []

    def noting(session: Session) -> None:
        transactions.append(id(session))

    async with Writer(database) as writer:
        held = asyncio.Event()
        loop = asyncio.get_running_loop()
        # While this piece is being done, ten others gather.
        blocker = asyncio.create_task(
            writer.later(lambda: asyncio.run_coroutine_threadsafe(held.wait(), loop).result(10))
        )
        await asyncio.sleep(0)
        waiting = [asyncio.create_task(writer.first(noting)) for _ in range(10)]
        await asyncio.sleep(0)
        held.set()
        await asyncio.gather(blocker, *waiting)
    assert len(transactions) == 10
    assert len(set(transactions)) == 1


async def test_one_that_fails_takes_nothing_else_with_it(database: Database) -> None:
    async with Writer(database) as writer:
        results = await asyncio.gather(
            writer.first(setting("one")), writer.first(setting("one")), writer.first(setting("two")),
            return_exceptions=True,
        )  # fmt: skip
    assert [isinstance(result, DatabaseError) for result in results].count(True) == 1
    assert count(database, tables.Setting) == 2


async def test_live_work_never_waits_for_more_than_one_piece_of_the_rest(database: Database) -> None:
    order: list[str] = []
    async with Writer(database) as writer:
        rest = [asyncio.create_task(writer.later(lambda: order.append("rest"))) for _ in range(50)]
        await asyncio.sleep(0)
        for _ in range(5):
            await writer.first(lambda _session: order.append("live"))
        await asyncio.gather(*rest)
    places = [place for place, what in enumerate(order) if what == "live"]
    # One piece may be under way when it comes, and one has its turn in between.
    assert all(later - earlier <= 3 for earlier, later in zip([-1, *places], places, strict=False)), order


async def test_the_rest_is_not_starved(database: Database) -> None:
    async with Writer(database) as writer:
        stop = asyncio.Event()

        async def flood() -> None:
            while not stop.is_set():
                await writer.first(lambda _session: None)

        floods = [asyncio.create_task(flood()) for _ in range(20)]
        for _ in range(20):
            await writer.later(lambda: None)
        stop.set()
        await asyncio.gather(*floods)


async def test_what_is_live_is_finished_at_the_end_even_when_nobody_waits_for_it(database: Database) -> None:
    async with Writer(database) as writer:
        asked = [asyncio.create_task(writer.first(setting(f"key {n}"))) for n in range(20)]
        await asyncio.sleep(0)
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
    assert count(database, tables.Setting) == 20


async def test_while_the_database_is_away_we_wait(sqlite: Database) -> None:
    failures = [1, 1, 1]

    def work(session: Session) -> str:
        if failures:
            failures.pop()
            session.connection()
            raise DatabaseError("It is away.") from OperationalError("", {}, Exception("database is locked"))
        return "done"

    async with Writer(sqlite) as writer:
        assert await writer.first(work) == "done"
        assert writer.trouble is None
    assert failures == []


@pytest.mark.parametrize(("live", "most"), [(False, 1), (True, 12)])
async def test_history_is_kept_in_few_pieces_and_in_small_ones_while_events_come(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch, live: bool, most: int
) -> None:
    monkeypatch.setattr("bot.live.writer._CALM", 60.0 if live else 0.0)
    village, commits = Village(page=600), list[object]()
    for number in range(600):
        village.say(f"text {number}")
    with sqlite.write() as session:
        source = ingest.source_id(session, "team", "slack")
    async with Writer(sqlite) as writer:
        await writer.save(source, Page("live", None, NOON, messages=[message(1)]))
        assert writer.room == (BESIDE if live else ALONE)
        event.listen(sqlite.engine, "commit", commits.append)
        await read_history(village.connector()({}, {}), sqlite, writer, source, NOON)
    assert count(sqlite, tables.Message) == 601
    assert most // 2 < len(commits) <= most


# --- pages ------------------------------------------------------------------------------------------------------


def test_a_large_page_is_kept_in_pieces_and_the_cursor_moves_with_the_last() -> None:
    page = Page("s", "7", NOON, members=[Member(str(n), "") for n in range(130)],
                messages=[message(n) for n in range(300)])  # fmt: skip
    parts = list(pieces(page))
    assert [part.cursor for part in parts] == [None] * (len(parts) - 1) + ["7"]
    assert max(len(part.messages) + len(part.members) for part in parts) <= 100
    assert [each for part in parts for each in part.messages] == page.messages
    assert [each for part in parts for each in part.members] == page.members
    assert list(pieces(page._replace(swept=[Swept("c")]))) == [page._replace(swept=[Swept("c")])]
    assert list(pieces(Page("s", "8", NOON))) == [Page("s", "8", NOON)]


async def test_an_event_is_durable_when_it_was_delivered(database: Database) -> None:
    with database.write() as session:
        source = ingest.source_id(session, "team", "slack")
    metrics = Metrics()
    async with Writer(database) as writer:
        inbox = Inbox("team", source, writer, metrics, Desk(database, writer, Config()))
        page = Page("live", None, NOON, messages=[message(n) for n in range(250)])
        await inbox.deliver(page._replace(received_at=datetime.now(UTC) - timedelta(seconds=2)))
        await inbox.deliver(
            Page("live", None, NOON, messages=[message(0)])
        )  # no event, but what was asked for
        assert count(database, tables.Message) == 250
        assert dict(await inbox.cursors()) == {}
        assert inbox.lag is not None
        assert 2 <= inbox.lag < 60
        text = metrics.text().decode()
        assert 'spaces_events_total{kind="messages",source="team"} 251.0' in text
        assert 'spaces_event_lag_seconds_count{source="team"} 1.0' in text


async def test_an_event_that_cannot_be_kept_is_told_and_the_next_one_is_kept(database: Database) -> None:
    with database.write() as session:
        source = ingest.source_id(session, "team", "slack")
    metrics = Metrics()
    async with Writer(database) as writer:
        inbox = Inbox("team", source, writer, metrics, Desk(database, writer, Config()))
        naive = message(1, NOON.replace(tzinfo=None))
        with pytest.raises(UnreadablePayload):
            await inbox.deliver(Page("live", None, NOON, messages=[naive]))
        await inbox.deliver(Page("live", None, NOON, messages=[message(2)]))
    assert count(database, tables.Message) == 1
    assert 'spaces_errors_total{kind="unreadable",source="team"} 1.0' in metrics.text().decode()
