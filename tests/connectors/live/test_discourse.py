"""The forum connector against a forum that speaks the wire: history, listening, posting."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from connectors.records import Post
from tests.connectors.live.discourse_home import Home, connected, listening
from tests.fakes.discourse import FakeDiscourse


@pytest.fixture(params=["new", "old"])
async def forum(request: pytest.FixtureRequest) -> AsyncIterator[FakeDiscourse]:
    fake = FakeDiscourse(paging=request.param)
    await fake.start()
    yield fake
    await fake.stop()


def populate(forum: FakeDiscourse, posts: int = 260) -> tuple[list[str], str, str]:
    """A community of three: categories, topics of all lengths, with holes between the ids."""
    help_, lounge = forum.add_channel("Help"), forum.add_channel("Lounge")
    ann, ben = forum.add_member("ann"), forum.add_member("ben", staff=True)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    made: list[str] = []
    topics: list[str] = []
    for n in range(posts):
        at = start + timedelta(minutes=n)
        if n % 13 == 0:
            made.append(
                forum.open_thread((help_, lounge)[n % 2], ann, f"Topic number {n}", f"opens {n}", at=at)
            )
            topics.append(str(forum.posts[int(made[-1])].topic))
        else:
            topic = topics[n % len(topics)] if n % 3 else topics[-1]
            last = str(forum.topics[int(topic)].posts[n % len(forum.topics[int(topic)].posts)])
            made.append(
                forum.say(
                    "", (ann, ben)[n % 2], f"text {n}", thread=topic, reply_to=last if n % 2 else None, at=at
                )
            )
        forum._next["post"] += n % 7
    return made, help_, ann


async def test_history_is_what_stands(forum: FakeDiscourse, home: Home) -> None:
    made, _, ann = populate(forum)
    forum.react(made[7], "heart", ann)
    forum.react(made[9], "tada", ann)
    forum.solve(made[11])
    forum.delete(made[20])
    async with connected(forum) as connector:
        await home.fetch(connector)
    assert home.standing() == forum.standing()
    reply = next(
        post for post in forum.posts.values() if post.reply_to and post.reply_to > 1 and not post.deleted
    )
    target = next(p for p in forum.posts.values() if p.topic == reply.topic and p.number == reply.reply_to)
    assert home.row(str(reply.id)).reply_to == str(target.id)
    assert all(
        home.row(str(post.id)).reply_to is not None
        for post in forum.posts.values() if post.reply_to and str(post.id) in home.standing()
    )  # fmt: skip


@pytest.mark.parametrize("stop_after", [1, 2, 3, 4, 5, 7, 9])
async def test_killed_anywhere_it_goes_on_without_loss(
    forum: FakeDiscourse, home: Home, stop_after: int
) -> None:
    made, help_, ann = populate(forum)
    for round_ in range(12):
        async with connected(forum) as connector:
            await home.fetch(connector, stop_after=stop_after)
        forum.open_thread(help_, ann, f"While away {round_}", "came meanwhile")
        forum.say(help_, ann, "in an old topic", reply_to=made[round_])
    forum.delete_many(made[30:33])
    async with connected(forum) as connector:
        await home.fetch(connector)
        await home.fetch(connector)
        assert set(forum.standing()) <= set(home.standing())
        await home.fetch(connector, sweep=True)
    assert home.standing() == forum.standing()


async def test_listening_keeps_up(forum: FakeDiscourse, home: Home) -> None:
    made, help_, ann = populate(forum, 90)
    async with listening(forum, home) as connector:
        await home.fetch(connector)
        assert home.standing() == forum.standing()
        opener = forum.open_thread(help_, ann, "A new question", "how do I?")
        answer = forum.say(help_, ann, "like so", reply_to=opener)
        await home.until(lambda: answer in home.standing())
        assert home.row(answer).reply_to == opener
        forum.edit(answer, "like so, and so")
        forum.react(opener, "heart", ann)
        forum.solve(answer)
        forum.delete(made[-1])
        await home.polled()
        assert home.standing() == forum.standing()
        forum.restore(made[-1])
        moved = forum.move(answer, str(forum.posts[int(made[3])].topic))
        await home.polled()
        assert moved in home.standing()
        assert home.standing() == forum.standing()
        forum.delete(opener)
        await home.polled()
        assert home.standing() == forum.standing()


async def test_a_topic_is_posted_once_and_found_and_edited(forum: FakeDiscourse) -> None:
    help_ = forum.add_channel("Help")
    post = Post("k1", "The week of 4 May 2026", "# Hello\n@ann wrote", picture=b"\x89PNG", alt="a [chart]")
    async with connected(forum) as connector:
        assert await connector.find(help_, "k1") is None
        id_ = await connector.post(help_, post)
        assert await connector.post(help_, post) == id_
        assert await connector.find(help_, "k1") == id_
        [(place, found, form)] = forum.posted()
        assert (place, found, form["title"]) == (help_, id_, "The week of 4 May 2026")
        assert "![a  chart ](upload://1.png)" in form["raw"]
        assert "@ann" not in form["raw"]
        await connector.edit(
            help_, id_, post._replace(title="The week, put right", text="better", picture=None)
        )
        assert forum.posts[int(id_)].raw == "better\n\n<!-- spaces:k1 -->"
        assert forum.topics[forum.posts[int(id_)].topic].title == "The week, put right"


async def test_a_reply_is_found_by_its_comment(forum: FakeDiscourse) -> None:
    help_ = forum.add_channel("Help")
    topic = forum.posts[int(forum.open_thread(help_, "1", "Weekly digests", "come here"))].topic
    place = f"{help_}/{topic}"
    async with connected(forum) as connector:
        id_ = await connector.post(place, Post("k2", "Title", "hello"))
        for n in range(50):
            forum.say(help_, "1", f"noise {n}", thread=str(topic))
        assert await connector.find(place, "k2") == id_
        assert await connector.find(place, "k") is None
        await connector.edit(place, id_, Post("k2", "Title", "hello again"))
        assert await connector.find(place, "k2") == id_
    assert forum.posts[int(id_)].raw.startswith("hello again")


async def test_stopping_ends_a_call_that_waits(forum: FakeDiscourse) -> None:
    with socket.socket() as silent:  # it takes connections and never says a word
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        async with connected(forum, url=f"http://127.0.0.1:{silent.getsockname()[1]}") as connector:
            task = asyncio.create_task(connector.find("1", "k"))
            taken, _ = await asyncio.to_thread(silent.accept)
            assert not task.done()
        async with asyncio.timeout(5):
            await asyncio.gather(task, return_exceptions=True)
        taken.close()
