"""Topic tags stand on a topic's first post, live and in history; and what the bot writes is a program's."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from connectors.discourse_tags import tags_of
from storage import tables
from storage.database import Database
from tests.connectors.live.discourse_home import Home, connected, listening
from tests.connectors.live.discourse_town import Town
from tests.fakes.discourse import FakeDiscourse


@pytest.fixture(params=[True, False], ids=["objects", "texts"])
async def forum(request: pytest.FixtureRequest) -> AsyncIterator[FakeDiscourse]:
    fake = FakeDiscourse()
    fake.tag_objects = request.param
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
def home(database: Database) -> Home:
    return Home(database)


def marks(home: Home, message: str) -> list[str]:
    if message not in home.standing():
        return []
    found: list[str] = orjson.loads(home.row(message).marks or "[]")
    return found


def test_tags_in_every_form() -> None:
    row = {"tags": ["b", {"id": 1, "name": "a", "slug": "x"}, {"slug": "c"}, None, {}]}
    assert tags_of(row) == ("a", "b", "c")
    assert tags_of({}) == tags_of({"tags": None}) == ()


async def test_tags_in_history(forum: FakeDiscourse, home: Home) -> None:
    help_, ann = forum.add_channel("Help"), forum.add_member("ann")
    start = datetime(2026, 1, 1, tzinfo=UTC)
    openers = []
    for n in range(95):
        opener = forum.open_thread(help_, ann, f"Topic number {n}", "text", at=start + timedelta(hours=n))
        forum.say(help_, ann, "more", reply_to=opener, at=start + timedelta(hours=n, minutes=1))
        forum.tag(opener, f"tag-{n % 7}", "idea")
        openers.append(opener)
    forum.tag(openers[3])
    async with connected(forum) as connector:
        await home.fetch(connector)
    for n, opener in enumerate(openers):
        assert marks(home, opener) == ([] if n == 3 else sorted(["idea", f"tag-{n % 7}"])), n
    with home.database.read() as session:
        rows = session.query(tables.Message).filter(tables.Message.marks.is_not(None))
        assert all(row.opens_thread for row in rows)
    lists = [asked for _, path, asked in forum.requests if path == "/latest.json" and asked.get("order")]
    assert len(lists) == 4, "thirty topics a question"


async def test_a_forum_without_tags_is_not_asked_for_them(forum: FakeDiscourse, home: Home) -> None:
    help_, ann = forum.add_channel("Help"), forum.add_member("ann")
    for n in range(70):
        forum.open_thread(help_, ann, f"Topic number {n}", "text")
    forum.has_tags = False
    async with connected(forum) as connector:
        await home.fetch(connector)
    assert home.standing() == forum.standing()
    assert (
        len([asked for _, path, asked in forum.requests if path == "/latest.json" and asked.get("order")])
        == 1
    )


async def test_tags_live(forum: FakeDiscourse, home: Home) -> None:
    town = Town(forum)
    async with listening(forum, home):
        opener = forum.open_thread(town.help, town.ann, "A wish of mine", "It could sing.")
        forum.tag(opener, "wish")
        await home.until(lambda: marks(home, opener) == ["wish"])
        forum.tag(opener, "done", "wish")
        await home.until(lambda: marks(home, opener) == ["done", "wish"])
        forum.tag(town.first, "old")
        await home.until(lambda: marks(home, town.first) == ["old"])
        forum.tag(opener)
        await home.until(lambda: marks(home, opener) == [])
        await home.polled()
        assert marks(home, town.first) == ["old"]
    assert home.row(opener).untagged, "it waits to be labelled anew"


async def test_tags_changed_meanwhile_are_found_by_the_sweep(forum: FakeDiscourse, home: Home) -> None:
    town = Town(forum)
    async with connected(forum) as connector:
        await home.fetch(connector)
    forum.tag(town.first, "wish")
    async with connected(forum) as connector:
        await home.fetch(connector, sweep=True)
    assert marks(home, town.first) == ["wish"]


@pytest.mark.parametrize("way", ["history", "live"])
async def test_the_bots_own_posts_are_a_programs(forum: FakeDiscourse, home: Home, way: str) -> None:
    town = Town(forum)
    forum.settings["user"] = "Spaces"
    own = forum.say(town.help, str(forum.bot.id), "What was asked, and answered.", thread=town.topic)
    async with listening(forum, home) as connector:
        if way == "history":
            await home.fetch(connector)
        await home.until(lambda: own in home.standing())
    with home.database.read() as session:
        bots = {
            row.name
            for row in session.query(tables.Member).filter(
                tables.Member.is_bot, tables.Member.source_id == home.source
            )
        }
        others = {row.name for row in session.query(tables.Member).filter(~tables.Member.is_bot)}
    assert bots - {"system"} == {"spaces"}
    assert "cleo" in others
