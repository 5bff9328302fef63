"""How often the outside judge is asked, and that its failures harm nothing."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import time_machine
from aiohttp import web

from bot.classifiers import UNSURE
from bot.judge.asking import Asking
from bot.judge.settings import Judge
from storage import opinions
from storage.database import Database
from tests.bot.test_judge import NOW, asks, config, given, go, say, settle
from tests.fakes.openai import FakeOpenAI, error

KEY = "sk-none-of-your-business"


# --- how often ------------------------------------------------------------------------------------------------------


async def test_never_more_than_the_day_may_have(database: Database) -> None:
    async with FakeOpenAI() as fake:
        settings = config(fake.url, per_day=3)
        say(database, *(asks(f"a{n}") for n in range(8)))
        settle(database, settings)
        with time_machine.travel(datetime(2026, 5, 4, 23, 59, tzinfo=UTC), tick=False):
            fake.faults.append(lambda: error(500))
            assert (await go(database, settings)).asked == 1, "what failed may have cost something too"
            assert (await go(database, settings)).asked == 2
            assert (await go(database, settings)).asked == 0
            with database.read() as session:
                assert opinions.asked(session, datetime.now(UTC).date()) == 3
        with time_machine.travel(datetime(2026, 5, 5, 0, 1, tzinfo=UTC), tick=False):
            assert (await go(database, settings)).asked == 3
        assert len(fake.asked) == 6
        newest = [line["text"] for told in fake.asked for line in told["conversation"] if line.get("decide")]
        assert newest == ["a7?", "a7?", "a6?", "a5?", "a4?", "a3?"], "the newest first"


async def test_two_at_once_share_the_day(database: Database) -> None:
    taken = await asyncio.gather(*(database.run(_take, database) for _ in range(60)))
    assert sum(taken) == 50


def _take(database: Database) -> bool:
    with database.write() as session:
        return opinions.take(session, NOW.date(), 50)


# --- its failures ---------------------------------------------------------------------------------------------------


def _moved() -> web.Response:
    return web.Response(status=302, headers={"Location": "http://127.0.0.1:9/v1/chat/completions"})


@pytest.mark.parametrize(
    ("fault", "words", "wait", "taken"),
    [
        (
            lambda: error(401),
            "does not accept the key (HTTP 401). Put a valid one into SPACES_JUDGE_KEY.",
            3_600,
            0,
        ),
        (lambda: error(403), "does not accept the key", 3_600, 0),
        (lambda: error(402), "wants to be paid first", 3_600, 0),
        (lambda: error(404), "Check url (it usually ends in /v1) and model", 3_600, 0),
        (lambda: error(429, Retry_After="77"), "is asked too often", 77, 0),
        (lambda: error(429, Retry_After="soon"), "is asked too often", 300, 0),
        (lambda: error(500), "answers with HTTP 500; it is asked again later.", 300, 1),
        (lambda: error(503), "answers with HTTP 503", 300, 1),
        (_moved, "answers with HTTP 302", 300, 1),
    ],
)
async def test_what_is_wrong_ends_the_round_with_its_cure(
    sqlite: Database, fault: Callable[[], web.Response], words: str, wait: float, taken: int
) -> None:
    async with FakeOpenAI() as fake:
        settings = config(fake.url)
        say(sqlite, asks("a1"), asks("a2"))
        settle(sqlite, settings)
        fake.faults.append(fault)
        done = await go(sqlite, settings, KEY)
        assert words in done.trouble
        assert KEY not in done.trouble
        assert done.wait == wait
        with sqlite.read() as session:
            counted = opinions.asked(session, datetime.now(UTC).date())
        assert (done.asked, counted) == (taken, taken), "only what it may have worked on is counted"
        assert set(given(sqlite).values()) == {UNSURE}
        with sqlite.read() as session:
            assert opinions.trouble(session) == done.trouble
        done = await go(sqlite, settings, KEY)
        assert (done.asked, done.decided, done.trouble) == (2, 4, "")
        with sqlite.read() as session:
            assert opinions.trouble(session) == ""


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/v1", "http://no-such-host.invalid/v1", "https://127.0.0.1:9"]
)
async def test_nobody_there(sqlite: Database, url: str) -> None:
    say(sqlite, asks("a1"))
    settle(sqlite, config(url))
    done = await go(sqlite, config(url))
    assert done.asked == 0
    assert "does not answer" in done.trouble
    assert "Check url in [judge]" in done.trouble
    assert given(sqlite)["a1", "question"] == UNSURE


async def test_one_that_never_makes_sense_is_left_alone(sqlite: Database) -> None:
    async with FakeOpenAI() as fake:
        fake.wraps = "Certainly!"
        settings = config(fake.url)
        say(sqlite, *(asks(f"a{n}") for n in range(8)))
        settle(sqlite, settings)
        done = await go(sqlite, settings)
    assert (done.asked, done.decided, done.wait) == (3, 0, 3_600)
    assert (
        done.trouble
        == 'The judge gives no usable answers (an answer without the labels). Try another model than "small" in [judge].'
    )


async def test_a_key_that_is_none_is_not_sent(sqlite: Database) -> None:
    async with FakeOpenAI() as fake:
        say(sqlite, asks("a1"))
        settle(sqlite, config(fake.url))
        for key in ("sk-one\nsk-two", "schlüssel"):
            done = await go(sqlite, config(fake.url), key)
            assert "The key in SPACES_JUDGE_KEY cannot be one. Copy it again" in done.trouble
            assert key not in done.trouble
        assert fake.raw == []
        assert (await go(sqlite, config(fake.url), f" {KEY}\n")).asked == 1, (
            "what stands around it does not matter"
        )


async def test_a_proxy_is_not_asked_for_what_is_on_this_machine(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with FakeOpenAI() as fake:
        say(sqlite, asks("a1"))
        settle(sqlite, config(fake.url))
        assert (await go(sqlite, config(fake.url))).trouble == ""


# --- as the operator meets it ---------------------------------------------------------------------------------------


async def test_check_says_what_is_missing() -> None:
    async with FakeOpenAI(key=KEY) as fake:
        expected = {
            ("small", KEY): (True, "answers, with the model small"),
            ("large", KEY): (False, 'has no model "large". Write one of these as model in [judge]: small'),
            ("small", "sk-wrong"): (
                False,
                "does not accept the key (HTTP 401). Put a valid one into SPACES_JUDGE_KEY.",
            ),
            ("small", None): (False, "does not accept the key"),
        }
        for (model, key), (good, words) in expected.items():
            async with Asking(Judge(url=fake.url, model=model), key) as judge:
                found = await judge.check()
            assert (found.good, words in found.words) == (good, True), found
        async with Asking(Judge(url=fake.url.removesuffix("/v1"), model="small"), KEY) as judge:
            assert "it usually ends in /v1" in (await judge.check()).words
        assert fake.raw == [], "nothing is told to it"
