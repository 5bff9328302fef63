"""The desk itself: once for what is told twice, never an exception, and no waiting behind who writes."""

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from bot.app import digest_of
from bot.commands import desk
from bot.commands.desk import Desk
from bot.commands.registry import COMMANDS
from bot.digest.model import Digest
from bot.live.metrics import Metrics
from bot.live.writer import Writer
from connectors.errors import Unavailable
from connectors.records import Command, Member, Message, Page, Reply
from storage.database import Database
from storage.tables import TagChange
from tests.bot.commands.room import CONFIG, Room, room
from tests.golden.community import AS_OF

CAT = Member("cat", "cat", complete=False)


@pytest.fixture
async def here(database: Database) -> AsyncIterator[Room]:
    async with room(database) as found:
        yield found


async def test_what_is_told_twice_is_done_once(here: Room) -> None:
    ann = Member("ann", "ann", complete=False)
    command = Command("twice", ann, "tag idea", message="q1a")
    first, second = await asyncio.gather(here.desk.answer("team", command), here.desk.answer("team", command))
    assert first == second == await here.desk.answer("team", command)
    with here.database.read() as session:
        assert session.query(TagChange).count() == 1
    # The same id on another source is another request.
    assert await here.desk.answer("forum", command) != first


async def test_the_same_digest_is_computed_once_until_something_changes(
    here: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[str] = []

    def counted(*given: Any) -> Digest:
        computed.append(threading.current_thread().name)
        return digest_of(*given)

    monkeypatch.setattr(desk, "digest_of", counted)
    first = await asyncio.gather(*(here.said("cat", "weekly") for _ in range(5)))
    assert len(set(first)) == len(computed) == 1
    assert await here.said("kim", "weekly") == first[0]  # who may read the same
    await here.said("dan", "weekly")
    await here.said("cat", "weekly support")
    assert len(computed) == 3
    await here.said("dan", "record leads 3")  # something changes
    await asyncio.gather(*(here.said("cat", "weekly") for _ in range(5)))
    assert len(computed) == 4
    here.desk.config = here.desk.config.model_copy()
    await here.said("cat", "weekly")
    assert len(computed) == 5
    assert all(name.startswith("reading") for name in computed)


async def test_what_comes_in_is_in_the_next_answer(database: Database) -> None:
    async with room(database) as here:
        assert "Messages by members | 18" in await here.said("cat", "weekly full")
        page = Page(
            "live",
            None,
            AS_OF,
            messages=[Message("new", "general", "cat", AS_OF - timedelta(days=1), "hello")],
        )
        await here.desk._writer.save(here.numbers["team"], page)
        assert "Messages by members | 19" in await here.said("cat", "weekly full")


async def test_it_never_waits_for_who_writes(here: Room) -> None:
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with here.database.write() as session:
            session.connection().exec_driver_sql("UPDATE sources SET connector = connector")
            held.set()
            release.wait(20)

    holding = asyncio.create_task(here.database.run(hold))
    await asyncio.to_thread(held.wait, 10)
    try:
        async with asyncio.timeout(10):
            assert "Questions answered" in await here.said("cat", "weekly")
    finally:
        release.set()
        await holding


async def test_whatever_fails_is_told_in_words(here: Room, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    entry = COMMANDS[0]
    original = entry.handler
    object.__setattr__(entry, "handler", broken)
    try:
        reply = await here.ask("cat", "daily", language="es")
        assert reply == Reply("Algo ha fallado aquí. Pídelo otra vez dentro de un momento.")
        assert "zq-private-words" not in caplog.text
    finally:
        object.__setattr__(entry, "handler", original)


async def test_a_database_that_cannot_be_read_is_told_in_words(here: Room) -> None:
    with here.database.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE members RENAME TO lost")
    try:
        assert await here.ask("cat", "weekly") == Reply(
            "The database does not answer just now. Please ask again in a moment."
        )
        assert await here.ask("ann", "tag 💡", via="emoji", message="q1") is None
    finally:
        with here.database.write() as session:
            session.connection().exec_driver_sql("ALTER TABLE lost RENAME TO members")


async def test_what_the_platform_does_not_say_is_not_readable(here: Room) -> None:
    readers = here.desk._readers
    here.village.readers["secret"] = {"ann"}
    assert await readers.readable("team", "ann", ["secret"]) == {"secret"}
    assert await readers.readable("team", "ann", ["secret", "other"]) == {"secret"}
    here.village.readers.clear()
    assert await readers.readable("team", "ann", ["secret"]) == {"secret"}  # believed for a minute
    assert await readers.readable("team", "cat", ["secret"]) == frozenset()
    assert await readers.readable("forum", "ann", ["secret"]) == frozenset()  # not served here
    here.forget()
    here.village.broken["readable"] = [Unavailable("busy"), RuntimeError("a defect")]
    here.village.readers["secret"] = {"ann"}
    assert await readers.readable("team", "ann", ["secret"]) == frozenset()
    here.forget()
    assert await readers.readable("team", "ann", ["secret"]) == frozenset()
    here.forget()
    assert await readers.readable("team", "ann", ["secret"]) == {"secret"}
    here.desk.detach("team")
    here.forget()
    assert await readers.readable("team", "ann", ["secret"]) == frozenset()


async def test_suggestions_begin_with_the_likeliest(here: Room) -> None:
    async def suggested(option: str, typed: str) -> list[str]:
        return [choice.value for choice in await here.desk.suggest("team", "explain", option, typed, "es")]

    assert (await suggested("metric", "unans"))[0] == "unanswered_questions"
    assert (await suggested("metric", "preguntas sin"))[0] == "unanswered_questions"
    assert (await suggested("metric", "stikiness"))[0] == "stickiness"
    assert (await suggested("label", "ide"))[0] == "product_idea"
    assert (await suggested("kind", "asis"))[0] == "attendance"
    assert len(await suggested("metric", "")) == 25
    assert await suggested("metric", "xyzzyxyzzy") == []
    assert await suggested("link", "https") == []


async def test_answers_are_measured(database: Database) -> None:
    metrics = Metrics()
    async with room(database) as here, Writer(database) as writer:
        measured = Desk(database, writer, CONFIG, metrics)
        await measured.answer("team", Command("1", CAT, "help"))
        await measured.answer("team", Command("2", CAT, "nonsense"))
        assert here.desk is not measured
    text = metrics.text().decode()
    assert 'spaces_answer_seconds_count{command="help",source="team"} 1.0' in text
