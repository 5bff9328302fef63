"""A reading of a forum that is killed, or never kept, while events are: whatever goes then is still found to be gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest

from connectors.discourse import DiscourseConnector
from connectors.discourse_calls import Pace
from storage.database import Database
from tests.connectors.live.discourse_home import EPOCH, Home, connected
from tests.fakes.discourse import FakeDiscourse


@pytest.fixture
async def forum() -> AsyncIterator[FakeDiscourse]:
    fake = FakeDiscourse()
    await fake.start()
    fake.add_channel("Help")
    yield fake
    await fake.stop()


@pytest.fixture
def home(database: Database) -> Home:
    return Home(database)


def topic(forum: FakeDiscourse, title: str, at: datetime | None = None) -> str:
    return forum.open_thread(str(next(iter(forum.categories))), "1", title, "hello", at=at)


async def read_in_vain(home: Home, connector: DiscourseConnector, until: str) -> None:
    """Read until a message was met, and be killed before any of it is kept."""
    pages = connector.fetch(await home.cursors(), EPOCH, home.held, sweep=True)
    async with aclosing(pages) as found:  # type: ignore[type-var]
        async for page in found:
            if any(message.id == until for message in page.messages):
                return
    raise AssertionError(f"{until} was not met")


async def hear(home: Home, connector: DiscourseConnector) -> None:
    """What the events tell is kept."""
    listening = asyncio.create_task(connector.listen(home))
    await home.polled(1)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_what_a_lost_reading_met_first(forum: FakeDiscourse, home: Home) -> None:
    """The reading knew of the topic, its pages were lost; the event of the topic was kept."""
    topic(forum, "It stays")
    async with connected(forum) as connector:
        await home.fetch(connector)
        goes = topic(forum, "It goes")
        await read_in_vain(home, connector, goes)
        await hear(home, connector)
    assert goes in home.standing()
    forum.delete(goes)
    async with connected(forum) as connector:
        await home.fetch(connector)
        await home.fetch(connector, sweep=True)
    assert home.standing() == forum.standing()


async def test_what_a_lost_sweep_found_to_be_gone(forum: FakeDiscourse, home: Home) -> None:
    """The sweep saw that the topic is gone, and was lost; what came after it was kept."""
    goes, stays = topic(forum, "It goes"), topic(forum, "It stays")
    async with connected(forum) as connector:
        await home.fetch(connector)
    forum.delete(goes)
    async with connected(forum) as connector:
        pages = connector.fetch(await home.cursors(), EPOCH, home.held, sweep=True)
        async with aclosing(pages) as found:  # type: ignore[type-var]
            async for _ in found:
                pass
        topic(forum, "It comes")
        await hear(home, connector)
    assert {goes, stays} < home.standing().keys()
    async with connected(forum) as connector:
        await home.fetch(connector)
        await home.fetch(connector, sweep=True)
    assert home.standing() == forum.standing()


async def test_a_sweep_is_killed_anywhere(forum: FakeDiscourse, home: Home) -> None:
    said = [topic(forum, f"Topic number {n}") for n in range(60)]
    async with connected(forum) as connector:
        await home.fetch(connector)
    for id_ in said[::7]:
        forum.delete(id_)
    for id_ in said[1::7]:
        forum.edit(id_, "edited")
    for pages in range(1, 12):
        async with connected(forum) as connector:
            await home.fetch(connector, sweep=True, stop_after=pages)
    async with connected(forum) as connector:
        await home.fetch(connector, sweep=True)
    assert home.standing() == forum.standing()


async def test_a_sweep_asks_for_what_differs_alone(forum: FakeDiscourse, home: Home) -> None:
    """Each topic by itself would take a question each: on a large forum it would never end."""
    said = [topic(forum, f"Topic number {n}", datetime.now(UTC) - timedelta(hours=n)) for n in range(400)]
    async with connected(forum) as connector:
        await home.fetch(connector)
        forum.edit(said[5], "edited")
        forum.delete(said[7])
        forum.requests.clear()
        await home.fetch(connector, sweep=True)
    assert home.standing() == forum.standing()
    paths = [path for _, path, _ in forum.requests]
    assert [path for path in paths if path.startswith("/t/")] == [
        f"/t/{forum.posts[int(said[7])].topic}.json"
    ]
    assert len(paths) < 40, "400 posts, fifty a question; 400 topics, thirty a question; and some more"


@pytest.mark.parametrize("calls", [3, 12])
async def test_a_pace_learned_from_few_calls_is_soon_forgotten(calls: int) -> None:
    """Calls before a limit that are far apart, because the forum was broken, say little of what it takes."""
    now = [0.0]
    pace = Pace(lambda: now[0])
    for _ in range(calls):
        assert pace.wait() == 0
        now[0] += 5.0
    pace.told(0.05)
    now[0] += 0.05
    begin = now[0]
    for _ in range(1_000):
        while wait := pace.wait():
            now[0] += max(wait, 0.001)
    assert now[0] - begin < 15
