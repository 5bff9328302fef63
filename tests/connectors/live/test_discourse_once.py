"""Each question on a forum is answered once: whenever the plug is pulled, whatever the forum does, however often it tells."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable

import pytest

from connectors.errors import ConnectorError
from connectors.records import Command, Page, Reply
from storage.database import Database
from tests.connectors.live.discourse_home import Home, connected, listening
from tests.connectors.live.discourse_town import Town, looked
from tests.fakes.discourse import FakeDiscourse
from tests.fakes.discourse_state import Post

OTHERS = ("GET /latest", "GET /posts.json", "GET /site", "GET /c/", "GET /admin/users/list")
"""What the forum is asked for beside, when nobody has asked anything."""


class Pulled(Exception):
    """There is no power."""


class Plug:
    """Counts the steps of a life: each request and each saving, before and after. At the last one it is pulled."""

    def __init__(self, steps: int | None) -> None:
        self.left = steps
        self.pulled = asyncio.Event()

    def is_out(self, _when: str = "", request: str = "") -> bool:
        if self.left is not None and not self.pulled.is_set() and not request.startswith(OTHERS):
            self.left -= 1
            if self.left <= 0:
                self.pulled.set()
        return self.pulled.is_set()


class Wired(Home):
    """A home that loses its power with the plug, and whose answers are never twice the same."""

    length = 1

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.plug = Plug(None)

    def step(self) -> None:
        if self.plug.is_out():
            raise Pulled

    async def deliver(self, page: Page) -> None:
        if page.stream != "asked":  # other streams have tests of their own
            return await super().deliver(page)
        self.step()
        await super().deliver(page)
        self.step()
        return None

    async def answer(self, command: Command) -> Reply | None:
        self.step()
        await super().answer(command)
        self.step()
        text = f"This is what was found out the {len(self.commands)}th time."
        return Reply("\n\n".join([text] * self.length), public="public" in command.text)


@pytest.fixture
async def forum() -> AsyncIterator[FakeDiscourse]:
    fake = FakeDiscourse(poll_seconds=0.05)
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
def home(sqlite: Database) -> Wired:
    return Wired(sqlite)


def pieces(posts: list[Post]) -> list[int]:
    """Which pieces of an answer they are, in their order."""
    marks = [re.search(r"<!-- spaces:answer-\d+-\d+(?::(\d+))? -->", post.raw) for post in posts]
    return [int(mark[1] or 1) for mark in marks if mark]


async def live(forum: FakeDiscourse, home: Wired, steps: int) -> bool:
    """One life of the bot that ends at a step; returns whether it came so far."""
    home.plug = Plug(steps)
    forum.gate = home.plug.is_out
    async with connected(forum) as connector:
        listening_ = asyncio.create_task(connector.listen(home))
        done = asyncio.create_task(home.until(lambda: False))
        pulled = asyncio.create_task(home.plug.pulled.wait())
        quiet = asyncio.create_task(_answered_and_quiet(forum, home))
        await asyncio.wait({pulled, quiet}, return_when=asyncio.FIRST_COMPLETED)
        tasks = (listening_, done, pulled, quiet)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    was_pulled = home.plug.pulled.is_set()
    home.plug = Plug(None)
    forum.gate = lambda _when, _path: False
    return was_pulled


async def _answered_and_quiet(forum: FakeDiscourse, home: Wired) -> None:
    before = len(home.commands)
    await home.until(lambda: len(home.commands) > before)
    await looked(forum, home)


WAYS: dict[str, Callable[[Town], str]] = {
    "a private answer": lambda town: town.say("@spaces weekly"),
    "a public answer": lambda town: town.say("@spaces weekly public"),
    "a private message": lambda town: town.forum.write_private(town.ann, "Hi", "weekly"),
}


@pytest.mark.parametrize("way", WAYS)
async def test_the_plug_may_be_pulled_at_any_step(
    forum: FakeDiscourse, home: Wired, town: Town, way: str
) -> None:
    ask = WAYS[way]
    home.length, forum.longest, forum.memory = 30, 1_900, 0
    step, asked = 0, ""
    while True:
        step += 1
        asked = ask(town)
        if not await live(forum, home, step):
            break
        async with listening(forum, home):
            answers = await town.answers(home, asked, 2)
        assert pieces(answers) == [1, 2], f"pulled at step {step}"
        assert len({answer.topic for answer in answers}) == 1
        times = {re.findall(r"the (\d+)th time", answer.raw)[0] for answer in answers}
        assert len(times) == 1, f"pulled at step {step}: pieces of two answers"
    assert step > 20
    assert pieces(forum.answers(asked)) == [1, 2]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("after_effect", [True, False])
async def test_what_nobody_is_sure_of_is_looked_for(
    forum: FakeDiscourse, home: Wired, town: Town, way: str, after_effect: bool
) -> None:
    """The forum fails as it takes the first piece, and as it takes the second."""
    ask = WAYS[way]
    home.length, forum.longest, forum.memory = 30, 1_900, 0
    made = 0

    def gate(when: str, request: str) -> bool:
        nonlocal made
        if when == ("after" if after_effect else "before") and request == "POST /posts.json":
            made += 1
            return made in ({1, 2} if after_effect else {1, 3})
        return False

    forum.gate = gate
    async with listening(forum, home):
        asked = ask(town)
        answers = await town.answers(home, asked, 2)
    assert made >= 2
    assert pieces(answers) == [1, 2]


async def test_a_lost_database_answers_nobody_again(
    forum: FakeDiscourse, sqlite: Database, town: Town
) -> None:
    """Who asked in the last hour is heard again by a bot that remembers nothing; the answers are found."""
    first, second = Wired(sqlite), Wired(sqlite)
    forum.memory = 0
    asked = [ask(town) for ask in WAYS.values()]
    async with listening(forum, first):
        for each in asked:
            await town.answers(first, each)
    second.source += 1  # nothing is stored of that one
    async with listening(forum, second):
        await second.until(lambda: len(second.commands) == len(asked))
        await town.looked(second)
    assert [len(forum.answers(each)) for each in asked] == [1, 1, 1]


async def test_an_answer_deleted_by_its_reader_is_not_sent_again(
    forum: FakeDiscourse, home: Wired, town: Town
) -> None:
    async with listening(forum, home):
        asked = town.say("@spaces weekly")
        (answer,) = await town.answers(home, asked)
        forum.delete(str(answer.id))
        await town.looked(home)
    async with listening(forum, home):
        await town.looked(home)
    assert forum.answers(asked) == []
    assert len(home.commands) == 1


async def _most_answered(home: Wired, forum: FakeDiscourse, count: int) -> None:
    await home.until(lambda: len(forum.answers()) >= count - 1)


async def test_faults_at_random_change_nothing(forum: FakeDiscourse, home: Wired, town: Town) -> None:
    forum.chaos.on, forum.chaos.rate = True, 0.1
    asked: list[str] = []
    for n in range(12):
        try:
            async with listening(forum, home):
                asked += [
                    town.say(f"@spaces weekly {n}"),
                    forum.write_private(town.cleo, "Hi", f"weekly {n}"),
                ]
                await _most_answered(home, forum, len(asked))
        except (ConnectorError, TimeoutError):
            continue
    forum.chaos.on = False
    async with listening(forum, home):
        for each in asked:
            assert len(await town.answers(home, each)) == 1
    assert len(forum.answers()) == len(asked)
    assert forum.chaos.seen
