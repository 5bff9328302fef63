"""A forum that misbehaves: limits, broken answers, lost connections, keys that end; and webhooks."""

import asyncio
from datetime import UTC, datetime, timedelta

import aiohttp
import orjson
import pytest

from connectors.discourse_calls import URGENT, Calls, Pace
from connectors.errors import Misconfigured, Unsure
from connectors.records import Post
from tests.connectors.live.discourse_home import EPOCH, Home, connected, listening
from tests.fakes.discourse import FakeDiscourse


def populate(forum: FakeDiscourse, topics: int = 12, replies: int = 9) -> tuple[str, list[str]]:
    help_ = forum.add_channel("Help")
    at = datetime(2026, 1, 1, tzinfo=UTC)
    made = []
    for n in range(topics):
        made.append(forum.open_thread(help_, "1", f"Topic number {n}", "hello", at=at + timedelta(hours=n)))
        made += [
            forum.say(help_, "1", f"reply {m}", reply_to=made[-1], at=at + timedelta(hours=n, minutes=m))
            for m in range(1, replies)
        ]
    return help_, made


async def test_limits_in_every_form_are_waited_for(forum: FakeDiscourse, home: Home) -> None:
    populate(forum)
    forum.limit(3, 0.05)
    async with connected(forum) as connector:
        await home.fetch(connector)
        forum.limit(4, 0.05)
        await connector.post("4", Post("k", "A title that is long enough", "text"))
    assert len(forum.posted()) == 1
    forum.posts.pop(int(forum.posted()[0][1]))
    assert home.standing() == forum.standing()


async def test_the_pace_is_what_the_forum_told() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    for _ in range(60):
        assert pace.wait() == 0
        now[0] += 0.1
    assert pace.wait() == 0
    pace.told(54.0)
    assert pace.wait() == pytest.approx(54.0)
    now[0] += 54.0
    taken = 0
    while pace.wait() == 0:
        taken += 1
    assert taken == 60, "so many went through before, in so much time"
    assert 50 < pace.wait() <= 60.1
    now[0] += 61
    while pace.wait() == 0:
        taken += 1
    assert taken == 60 + 120, "nobody complained"


async def test_what_somebody_waits_for_goes_first() -> None:
    """History takes every place that a forum gives; a question gets the next one all the same."""
    calls, done = Calls("http://forum"), list[str]()
    calls._pace._most, calls._pace._window, calls._pace._calm_since = 1, 0.02, float("inf")

    async def history() -> None:
        while True:
            await calls.read(done.append, "history")

    async def ask() -> None:
        URGENT.set(True)
        for _ in range(5):
            await calls.read(done.append, "question")

    waiting = [asyncio.create_task(history()) for _ in range(12)]
    try:
        await calls.read(done.append, "first")
        done.clear()
        await asyncio.create_task(ask())
        assert done.count("history") <= 6, done
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        calls.close()


async def test_broken_answers_are_asked_for_again(forum: FakeDiscourse, home: Home) -> None:
    populate(forum)
    forum.fail(6)
    async with connected(forum) as connector:
        await home.fetch(connector)
    assert home.standing() == forum.standing()


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_a_post_that_nobody_is_sure_of(forum: FakeDiscourse, times: int) -> None:
    """500, 503 and a reset, before it is made and after."""
    help_ = forum.add_channel("Help")
    topic = str(forum.posts[int(forum.open_thread(help_, "1", "Weekly digests", "here"))].topic)
    async with connected(forum) as connector:
        for n in range(times - 1):  # to the kind of failure that is meant
            forum.fail(1)
            with pytest.raises(Unsure):
                await connector.post(help_, Post(f"before{n}", "A title that is long enough", "text"))
            assert await connector.find(help_, f"before{n}") is None
        forum.fail(1, after_effect=True)
        with pytest.raises(Unsure):
            await connector.post(help_, Post("after", "Another title, long enough", "text"))
        assert await connector.find(help_, "after") == forum.posted()[0][1]
        forum.fail(1, after_effect=True)
        with pytest.raises(Unsure):
            await connector.post(f"{help_}/{topic}", Post("reply", "", "text"))
        assert await connector.find(f"{help_}/{topic}", "reply") == forum.posted()[1][1]
    assert len(forum.posted()) == 2


async def test_a_forum_that_knows_no_ids_of_ours(forum: FakeDiscourse) -> None:
    forum.knows_external = False
    help_ = forum.add_channel("Help")
    post = Post("k1", "A title that is long enough", "text")
    async with connected(forum) as connector:
        assert await connector.find(help_, "k1") is None
        forum.fail(1, after_effect=True)
        with pytest.raises(Unsure):
            await connector.post(help_, post)
        for n in range(90):
            forum.open_thread(help_, "1", f"Topic number {n}", "hello")
        assert await connector.find(help_, "k1") == forum.posted()[0][1]


async def test_what_a_forum_will_not_take_is_said_in_a_sentence(forum: FakeDiscourse) -> None:
    help_ = forum.add_channel("Help")
    async with connected(forum) as connector:
        for place, title, words in (
            ("Help", "A title that is long enough", "number of a category"),
            (help_, "Short", "too short"),
            ("4/999999", "", "It is gone"),
        ):
            with pytest.raises(Misconfigured, match=words):
                await connector.post(place, Post("k", title, "text"))
        forum.refuse(help_)
        with pytest.raises(Misconfigured, match="right to create topics"):
            await connector.post(help_, Post("k", "A title that is long enough", "text"))
        assert forum.posted() == []
        id_ = await connector.post("@ann,ben", Post("pm", "A private word with you", "text"))
        assert forum.posted()[0][0] == "@ann,ben"
        assert id_


async def test_a_revoked_key_stops_with_the_cure(forum: FakeDiscourse, home: Home) -> None:
    populate(forum)
    async with connected(forum) as connector:
        await home.fetch(connector)
        before = home.standing()
        forum.revoke()
        with pytest.raises(Misconfigured, match="/admin/api/keys"):
            await home.fetch(connector)
        with pytest.raises(Misconfigured, match="/admin/api/keys"):
            await connector.listen(home)
    assert home.standing() == before


async def test_a_redirect_is_not_followed_with_the_key(forum: FakeDiscourse, home: Home) -> None:
    async def moved(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/x\r\nContent-Length: 0\r\n\r\n"
        )
        writer.close()

    server = await asyncio.start_server(moved, "127.0.0.1", 0)
    async with server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with connected(forum, url=address) as connector:
            with pytest.raises(Misconfigured, match=r"elsewhere\.example"):
                await anext(aiter(connector.fetch({}, EPOCH, home.held)))


# --- webhooks -------------------------------------------------------------------------------------------------------


async def test_the_proxy_of_the_environment_is_asked(
    forum: FakeDiscourse, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    populate(forum)
    monkeypatch.setenv("http_proxy", forum.settings["url"])  # it knows the forum as any proxy would
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    forum.settings["url"] = "http://forum.example"
    async with connected(forum) as connector:
        await home.fetch(connector)
    assert home.standing() == forum.standing()


async def test_a_webhook_wakes_the_poll_and_carries_nothing(home: Home) -> None:
    forum = FakeDiscourse(webhooks=True, poll_seconds=3600)
    await forum.start()
    help_, made = populate(forum, 60)
    try:
        async with listening(forum, home) as connector:
            await home.fetch(connector)
            forum.double(2)
            new = forum.say(help_, "1", "hello", reply_to=made[-1])
            await home.until(lambda: new in home.standing())
            forum.edit(made[0], "edited in a topic that nobody looks at")
            await home.until(lambda: home.standing() == forum.standing())
            forum.delete(made[1])
            await home.until(lambda: home.standing() == forum.standing())
            forum.lose(1)
            forum.edit(made[2], "lost on the way")
            async with aiohttp.ClientSession() as session:
                forged = orjson.dumps({"post": {"id": 1, "topic_id": 424_242, "raw": "forged"}})
                for signature in ("sha256=" + "0" * 64, "", "sha1=x", "sha256=\u00e9"):
                    assert await forum.send_hook(session, "post_created", forged, signature or "none") == 403
                assert await forum.send_hook(session, "post_created", b"{not json") == 200
            await home.polled(1)
            assert not any("424242" in path for _, path, _ in forum.requests)
            await home.fetch(connector, sweep=True)
            assert home.standing() == forum.standing()
    finally:
        await forum.stop()


async def test_an_address_that_is_taken_is_said(forum: FakeDiscourse, home: Home) -> None:
    taken = forum.settings["url"].removeprefix("http://")
    async with connected(forum, listen=taken) as connector:
        with pytest.raises(Misconfigured, match="free port"):
            await connector.listen(home)


# --- check ----------------------------------------------------------------------------------------------------------


async def test_check_names_what_is_wrong(forum: FakeDiscourse) -> None:
    forum.add_channel("Help")

    async def bad(secrets: dict[str, str] | None = None, **settings: object) -> str:
        before = dict(forum.secrets)
        forum.secrets.update(secrets or {})
        async with connected(forum, **settings) as connector:
            found = await connector.check()
        forum.secrets.clear()
        forum.secrets.update(before)
        assert found
        return "\n".join(finding.words for finding in found if not finding.good)

    assert await bad() == ""
    assert "does not accept the API key" in await bad({"api_key": "wrong"})
    assert "/admin/api/keys" in await bad({"api_key": ""})
    assert "does not accept the API key" in await bad(user="nobody")
    assert "Set `url`" in await bad(url="forum.example.com")
    assert "web_hooks" in await bad({"webhook_secret": ""}, listen="127.0.0.1:0")
    forum.is_admin = False
    assert "list of members" in await bad()


# --- all at once ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("paging", ["new", "old"])
async def test_chaos_ends_in_what_stands(home: Home, seed: int, paging: str) -> None:
    forum = FakeDiscourse(seed=seed, paging=paging, webhooks=bool(seed % 2))
    await forum.start()
    help_, made = populate(forum, 30)
    chance = forum.chaos.random
    forum.chaos.on, forum.chaos.rate = True, 0.08
    try:
        for _ in range(4):
            async with listening(forum, home) as connector:
                reading = asyncio.create_task(home.fetch(connector, stop_after=chance.randrange(3, 20)))
                for n in range(40):
                    standing = forum.standing()
                    alive = [id_ for id_ in made if id_ in standing]
                    match chance.randrange(6):
                        case 0 | 1:
                            made.append(forum.say(help_, "1", f"more {n}", reply_to=chance.choice(alive)))
                        case 2:
                            made.append(forum.open_thread(help_, "1", f"Another topic {n}", "hello"))
                        case 3:
                            forum.edit(chance.choice(alive), f"edited {n}")
                        case 4:
                            forum.delete(chance.choice(alive))
                        case _:
                            forum.react(chance.choice(alive), "heart", "1")
                    if n % 10 == 5:
                        await home.polled(1)
                    if n % 20 == 7:
                        forum.cut()
                await asyncio.gather(reading)
        forum.chaos.on = False
        async with listening(forum, home) as connector:
            await home.fetch(connector)
            await home.fetch(connector, sweep=True)
            await home.polled()
            assert home.standing() == forum.standing()
            assert len(set(forum.chaos.seen)) > 3
    finally:
        await forum.stop()
