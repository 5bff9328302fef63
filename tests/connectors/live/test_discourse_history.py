"""What history means on a forum: dates, private places, solutions, members, mega topics, what vanished."""

from datetime import UTC, datetime, timedelta

import pytest

from storage import tables
from tests.connectors.live.discourse_home import Home, connected, listening
from tests.fakes.discourse import FakeDiscourse

START = datetime(2026, 1, 1, tzinfo=UTC)


def chat(forum: FakeDiscourse, count: int, at: datetime = START, author: str = "1") -> tuple[str, list[str]]:
    """A topic with many posts; returns it and them."""
    category = next((str(id_) for id_ in forum.categories), None) or forum.add_channel("Help")
    first = forum.open_thread(category, author, "A long talk", "begins", at=at)
    topic = str(forum.posts[int(first)].topic)
    rest = [
        forum.say(category, author, f"post {n}", thread=topic, at=at + timedelta(minutes=n))
        for n in range(1, count)
    ]
    return topic, [first, *rest]


async def test_only_what_came_since(forum: FakeDiscourse, home: Home) -> None:
    _, old = chat(forum, 900)
    _, new = chat(forum, 30, START + timedelta(days=100))
    async with connected(forum) as connector:
        await home.fetch(connector, START + timedelta(days=50))
    assert set(home.standing()) == set(new)
    asked = sum(path == "/posts.json" for _, path, _ in forum.requests)
    assert asked < 10, "it stops where it is old enough"
    async with connected(forum) as connector:
        await home.fetch(connector, START - timedelta(days=1))
    assert set(home.standing()) == {*old, *new}, "asked for more, it reads more"


async def test_an_import_gives_young_numbers_to_old_posts(forum: FakeDiscourse, home: Home) -> None:
    _, new = chat(forum, 30, START + timedelta(days=100))
    chat(forum, 2_500)
    async with connected(forum) as connector:
        await home.fetch(connector, START + timedelta(days=50))
    assert set(home.standing()) == set(new)


async def test_a_second_reading_asks_for_little(forum: FakeDiscourse, home: Home) -> None:
    chat(forum, 900)
    async with connected(forum) as connector:
        await home.fetch(connector)
    forum.requests.clear()
    async with connected(forum) as connector:
        await home.fetch(connector)
    assert sum(path == "/posts.json" for _, path, _ in forum.requests) <= 6


async def test_private_places_are_left_out_unless_named(forum: FakeDiscourse, home: Home) -> None:
    staff, open_ = forum.add_channel("Staff", private=True), forum.add_channel("Open")
    forum.open_thread(staff, "1", "Secret things", "hush")
    forum.open_thread(open_, "1", "Open things", "hello")
    secret = forum.add_topic(None, "Private message", is_pm=True)
    forum.add_post(secret, forum.bot, "between us")
    talk = forum.add_topic(int(open_), "Odd posts in it")
    for kind in (1, 3, 4):
        forum.add_post(talk, forum.bot, f"kind {kind}", kind=kind)
    forum.add_post(talk, forum.bot, "bad words").hidden = True
    async with connected(forum) as connector:
        await home.fetch(connector)
        await home.fetch(connector, sweep=True)
    assert {s.text for s in home.standing().values()} == {"Open things\nhello", "Odd posts in it\nkind 1"}
    assert home.standing() == forum.standing()
    forum.settings["include"] = ["Staff"]
    async with connected(forum) as connector:
        await home.fetch(connector, START - timedelta(days=1000))
        await home.fetch(connector, sweep=True)
    assert home.standing() == forum.standing()
    assert len(home.standing()) == 3


@pytest.mark.parametrize("in_posts", [True, False])
async def test_solutions_in_both_forms(forum: FakeDiscourse, home: Home, in_posts: bool) -> None:
    forum.solved_in_posts = in_posts
    _, posts = chat(forum, 45)
    forum.solve(posts[30])
    async with connected(forum) as connector:
        await home.fetch(connector)
        assert home.row(posts[30]).is_solution
    async with listening(forum, home):
        await home.polled()
        assert home.standing() == forum.standing()
        forum.solve(posts[41])
        forum.say("", "1", "bump", thread=str(forum.posts[int(posts[0])].topic))
        await home.polled()
        assert home.standing() == forum.standing()
        assert home.row(posts[41]).is_solution


@pytest.mark.parametrize("raw", [True, False])
async def test_topics_of_every_size_reread(forum: FakeDiscourse, home: Home, raw: bool) -> None:
    forum.include_raw = raw
    forum.mega_from = 60
    small, posts = chat(forum, 25)
    chat(forum, 70)
    async with connected(forum) as connector:
        await home.fetch(connector)
        assert home.standing() == forum.standing()
        forum.edit(posts[3], "**edited** long after")
        forum.delete(posts[4])
        forum.posts[int(posts[5])].user_deleted = True
        assert forum.topics[int(small)].bumped < START + timedelta(days=1), "nothing but a sweep can know"
        await home.fetch(connector, START - timedelta(days=1), sweep=True)
    assert home.standing() == forum.standing()
    assert home.row(posts[3]).revision > 0


async def test_what_vanished_while_nobody_looked(forum: FakeDiscourse, home: Home) -> None:
    lost = forum.add_channel("Lost")
    forum.open_thread(lost, "1", "In a category to go", "hello")
    _, posts = chat(forum, 500)
    forum.open_thread(str(next(iter(forum.categories))), "1", "A topic to go", "hello")
    async with connected(forum) as connector:
        await home.fetch(connector, stop_after=9)
        forum.delete_channel(lost)
        forum.delete(posts[0])
    async with connected(forum) as connector:
        await home.fetch(connector)
    async with connected(forum) as connector:
        await home.fetch(connector, sweep=True)
    assert home.standing() == forum.standing() == {}


async def test_a_category_that_refuses(forum: FakeDiscourse, home: Home) -> None:
    closed, open_ = forum.add_channel("Closed"), forum.add_channel("Open")
    forum.open_thread(closed, "1", "Seen earlier", "hello")
    forum.open_thread(open_, "1", "Seen always", "hello")
    async with connected(forum) as connector:
        await home.fetch(connector)
        forum.refuse(closed)
        await home.fetch(connector, sweep=True)
    refused = [refusal for page in home.pages for refusal in page.refusals]
    assert {refusal.channel_id for refusal in refused} == {closed}
    assert "Closed" in refused[0].why
    assert open_ in home.pages[-1].readable or any(open_ in page.readable for page in home.pages)
    assert len(home.standing()) == 2, "what may not be read is not deleted"


async def test_members_with_groups_and_the_day_they_joined(forum: FakeDiscourse, home: Home) -> None:
    forum.groups["champions"] = False
    for n in range(230):
        forum.add_member(f"user{n}")
    forum.users[7].groups.append("champions")
    forum.users[8].suspended_till = START
    async with connected(forum) as connector:
        await home.fetch(connector)
    async with listening(forum, home):
        late = forum.add_member("late")
        await home.polled()
    with home.database.read() as session:
        rows = {row.external_id: row for row in session.query(tables.Member)}
        assert (rows["7"].roles, rows["8"].is_active, rows["1"].is_staff) == ('["champions"]', False, True)
        assert rows["-1"].is_bot
        assert rows[late].joined_at is not None
        assert {row.complete for row in rows.values()} == {True}
        assert len(rows) == 233
