"""A forum, the connector, the real desk: who gets which words, and who may tag. Over the wire, on both databases."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from bot.live.writer import Writer
from bot.settings import Config, Rights, Source
from bot.settle import Silent, settle
from storage import tables
from storage.database import Database
from tests.connectors.live.discourse_town import Town
from tests.contract.world import World, until
from tests.fakes.discourse import FakeDiscourse
from tests.fakes.discourse_state import Post

SECRET = "Can somebody tell me why the merger with Initech is still a secret?"
OPEN = "How do I make the teapot whistle?"


class Room(World):
    """A forum with a category for everybody and one for the board, both read."""

    def __init__(self, forum: FakeDiscourse, database: Database, writer: Writer) -> None:
        self.forum = forum
        self.town = Town(forum)
        self.board = forum.add_channel("Board", private=True)
        forum.categories[int(self.board)].groups = {"board": 1}
        forum.settings |= {"include": ["Board"]}
        forum.users[int(self.town.ben)].groups = ["board"]
        self.eve = forum.add_member(
            "eve", staff=True
        )  # she looks after the community, and is not on the board
        recently = datetime.now(UTC) - timedelta(minutes=5)
        dan = forum.add_member("dan")
        self.secret = forum.open_thread(self.board, dan, "The merger", SECRET, at=recently)
        self.question = forum.open_thread(self.town.help, self.town.cleo, "The teapot", OPEN, at=recently)
        super().__init__(forum, database, writer)
        rights = Rights(everyone=("read", "quote", "publish"))
        self.desk.config = Config(sources={forum.name: self.source}, rights=rights)

    @property
    def source(self) -> Source:
        return super().source.model_copy(update={"open": True})

    async def answer(self, asked: str) -> str:
        """What the bot answered, as it is seen."""
        await until(lambda: bool(self.forum.answers(asked)))
        (answer,) = self.forum.answers(asked)
        return answer.raw

    def place(self, asked: str) -> Post:
        (answer,) = self.forum.answers(asked)
        return answer

    async def settled(self) -> None:
        """Wait until history is read, and everything in it is labelled."""
        await until(lambda: (state := self.state()) and state.caught_up_at)
        await until(self.is_equal)
        await self.writer.later(lambda: settle(self.database, self.desk.config, Silent()))


@pytest.fixture
async def room(database: Database) -> AsyncIterator[Room]:
    forum = FakeDiscourse()
    await forum.start()
    try:
        async with Writer(database) as writer:
            yield Room(forum, database, writer)
    finally:
        await forum.stop()


async def test_words_of_a_private_category_reach_its_readers_alone(room: Room) -> None:
    async with room.served():
        await room.settled()
        town, forum = room.town, room.forum
        for asked, sees in (
            (town.say("@spaces unanswered", town.ann), False),
            (forum.write_private(town.ann, "Hi", "unanswered"), False),
            (town.say("@spaces unanswered", town.ben), True),
            (forum.write_private(town.ben, "Hi", "unanswered"), True),
            (town.say("@spaces unanswered public", town.ben), False),
            (forum.write_private(room.eve, "Hi", "unanswered"), False),
            (forum.say(room.board, town.ben, "@spaces unanswered public", reply_to=room.secret), True),
        ):
            said = await room.answer(asked)
            assert ("merger" in said) is sees, asked
            assert "teapot" in said
        everybody = [p for p in forum.answers() if forum.topics[p.topic].category == int(town.help)]
        assert len(everybody) == 1
        assert forum.pings() == []


async def test_who_left_the_group_sees_it_no_longer(room: Room) -> None:
    async with room.served():
        await room.settled()
        room.forum.users[int(room.town.ben)].groups = []
        assert "merger" not in await room.answer(room.town.say("@spaces unanswered", room.town.ben))


async def test_a_tag_by_reply_is_a_persons_decision(room: Room) -> None:
    async with room.served():
        await room.settled()
        town, forum = room.town, room.forum
        refused = forum.say(town.help, town.ann, "@spaces tag idea", reply_to=room.question)
        assert "right “tag”" in await room.answer(refused)
        assert forum.topics[room.place(refused).topic].is_pm
        asked = forum.say(town.help, town.ben, "@spaces tag idea", reply_to=room.question)
        said = await room.answer(asked)
        assert "1 message tagged" in said
        assert "Ask: `@spaces tag undo" in said
        assert _decisions(room) == [(room.question, "product_idea", True, f"discourse:{town.ben}", "mention")]
        back = forum.say(town.help, town.ben, "@spaces untag idea", thread=_topic(room, room.question))
        await room.answer(back)
        assert _decisions(room)[-1][:3] == (room.question, "product_idea", False)
        secret = forum.say(
            town.help, room.eve, f"@spaces tag {_link(room, room.secret)} idea", reply_to=room.question
        )
        assert "cannot find" in await room.answer(secret)
    assert len(_decisions(room)) == 2


async def test_labels_are_reviewed_in_words(room: Room) -> None:
    """There are no buttons: each answer says what to write, and that decides, of what the asker can read."""
    async with room.served():
        await room.settled()
        forum, eve = room.forum, room.eve
        shown = await room.answer(forum.write_private(eve, "Hi", "review"))
        assert "teapot" in shown
        assert "merger" not in shown
        command = next(each for each in re.findall(r"`@spaces ([^`]+)`", shown) if " yes" in each)
        noted = await room.answer(forum.write_private(eve, "Hi", command))
        assert noted.startswith("Noted.")
        assert "merger" not in noted
    ((message, _, verdict, who, _),) = _decisions(room)
    assert (message, verdict, who) == (room.question, True, f"discourse:{eve}")


def _topic(room: Room, message: str) -> str:
    return str(room.forum.posts[int(message)].topic)


def _link(room: Room, message: str) -> str:
    return f"{room.forum.settings['url']}/t/x/{_topic(room, message)}/1"


def _decisions(room: Room) -> list[tuple[str, str, bool | None, str, str]]:
    with room.database.read() as session:
        rows = session.scalars(select(tables.TagChange).order_by(tables.TagChange.id))
        return [(row.external_id, row.label, row.after, row.decider, row.via) for row in rows]


async def test_it_speaks_the_language_of_whoever_asks(room: Room) -> None:
    room.forum.users[int(room.town.ann)].locale = "es"
    async with room.served():
        await room.settled()
        assert "`@spaces ayuda" in await room.answer(room.town.say("@spaces"))
        assert "`@spaces help" in await room.answer(room.town.say("@spaces help", room.town.cleo))


async def test_the_digest_is_answered_in_public_and_as_a_topic(room: Room) -> None:
    async with room.served():
        await room.settled()
        asked = room.town.say("@spaces weekly public", room.town.ben)
        assert "##" in await room.answer(asked)
        assert room.place(asked).topic == int(room.town.topic)
