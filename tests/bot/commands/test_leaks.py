"""Nothing of a place is told to those who cannot read it: not in words, links, names, numbers' notes, buttons or posts."""

import asyncio
from dataclasses import dataclass
from itertools import count
from typing import Any

import orjson
import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bot.commands.desk import Desk
from bot.commands.registry import COMMANDS
from bot.live.writer import Writer
from connectors.records import Command, Member, Reply
from storage import observations
from storage.database import Database
from storage.observations import Fact
from storage.tables import Post
from tests.bot.commands.places import ASKERS, SOURCES, Community, Place, communities
from tests.bot.live.platform import Village
from tests.conftest import wipe
from tests.golden.community import AFTER_SUNDAY, AS_OF, MONDAY

FIXTURES = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
SUBJECT = "zqsubject"

TEXTS = (
    "weekly", "weekly full", "daily", "monthly full", "support", "product", "contribution", "engagement", "success",
    "unanswered", "unanswered monthly", "ideas", "top", "top monthly", "explain", "explain questions", "explain bugs",
    "explain unanswered_questions", "explain product_ideas", "explain success_stories", "explain contributions",
    "explain advocacy", "explain internal_engagement", "explain attendance_rate", "explain event_attendees monthly",
    "goal", "goal internal_engagement 5 2026-12-31", "goal questions 5 2026-12-31", "record", "record undo", "status", "me",
    "me hide", "me show", "help", "digest weekly", "review", "review skip 1", "tag", "untag", "tag undo", "nonsense", "weekly nonsense", "",
)  # fmt: skip


@dataclass(frozen=True)
class Where:
    """Where something is asked, and how it is answered."""

    channel: str | None
    thread: str | None
    public: bool


@st.composite
def wheres(draw: st.DrawFn, community: Community) -> Where:
    rooms = [place.id for place in community.places if place.source == "team"]
    channel = draw(st.sampled_from([None, "general", "secret", *rooms]))
    thread = draw(st.sampled_from([None, None, *rooms])) if channel else None
    return Where(channel, thread, draw(st.booleans()))


def quotes(community: Community, asker: str) -> bool:
    return community.everyone_quotes or ASKERS[asker] != ""


def visible(community: Community, asker: str, where: Where, *, public: bool) -> set[str]:
    """The words of the places that all readers of the answer can read."""
    if not quotes(community, asker):
        return set()
    here = frozenset(filter(None, (where.channel, where.thread)))
    rooms = here if public else here | community.readers[asker]

    def shown(place: Place) -> bool:
        if place.source != "team":
            return place.source in community.open and community.is_public(place)
        if asker == "gus" and not public:
            # A guest reads what is named and what stands in it, and nothing because it is public.
            named = {place.id, place.parent} & rooms
            return bool(named) and community.reads(place, rooms)
        return community.reads(place, rooms)

    return {place.word for place in community.places if shown(place)}


def told(reply: Reply) -> str:
    return orjson.dumps([reply._replace(picture=None), reply.buttons], default=str).decode()


def leaks(community: Community, text: str, allowed: set[str], own: str) -> list[str]:
    words = {place.word for place in community.places} | {f"zqasker{name}" for name in ASKERS} | {SUBJECT}
    return sorted(word for word in words - allowed - {own} if _holds(text, word))


def _holds(text: str, word: str) -> bool:
    """Whether the word stands there, and not only the beginning of a longer one."""
    ends = {"-", "a", "b", "m", " ", ".", '"', "\\", "/", ")", "]", "*", ",", ":", "r", "<", "|", "`"}
    begin = text.find(word)
    while begin >= 0:
        if text[begin + len(word) : begin + len(word) + 1] in ends:
            return True
        begin = text.find(word, begin + 1)
    return False


@dataclass
class Asking:
    """Somebody asks everything at one place."""

    community: Community
    database: Database
    asker: str
    where: Where
    language: str

    def __post_init__(self) -> None:
        self.seen: set[str] = set()

    async def run(self) -> None:
        community = self.community
        village = Village(readers=self._readers())
        ids = count()
        async with Writer(self.database) as writer:
            desk = Desk(self.database, writer, community.config)
            desk.attach("team", village.connector()({}, {}))
            for text in TEXTS:
                for public in sorted({False, self.where.public}):
                    command = self._command(f"{text} public" if public else text, str(next(ids)))
                    self._check(text, await desk.answer("team", command), public=public)
            for place in community.places:
                await self._tag(desk, place, ids)
            for entry in COMMANDS:
                for option in entry.parameters:
                    choices = await desk.suggest("team", entry.name, option.name, "zq", self.language)
                    assert "zq" not in str(choices)
        self._check_posts()

    def _command(self, text: str, id_: str, **more: Any) -> Command:
        asker = Member(self.asker, self.asker, complete=False)
        return Command(id_, asker, text, channel_id=self.where.channel, thread_id=self.where.thread,
                       language=self.language, **more)  # fmt: skip

    def _readers(self) -> dict[str, set[str]]:
        rooms = {place.id for place in self.community.places if place.source == "team"}
        return {room: {who for who, can in self.community.readers.items() if room in can} for room in rooms}

    def _check(self, text: str, reply: Reply | None, *, public: bool) -> None:
        assert reply is not None, text
        assert "Something went wrong" not in reply.text, text
        assert "Algo ha fallado" not in reply.text, text
        allowed = visible(self.community, self.asker, self.where, public=reply.public)
        own = f"zqasker{self.asker}" if not reply.public else ""
        if text.startswith("record") and "zq" in reply.text:
            allowed = allowed | {SUBJECT}  # who may record sees what was recorded
            assert ASKERS[self.asker]
        found = leaks(self.community, told(reply), allowed, own)
        assert not found, (
            f"{self.asker} at {self.where} asked {text!r} (public: {public}) and was told of {found}: {told(reply)}"
        )
        self.seen |= {word for word in allowed if _holds(told(reply), word)}

    async def _tag(self, desk: Desk, place: Place, ids: Any) -> None:
        """Of a message that cannot be read nobody hears whether it is there."""
        here = {self.where.channel, self.where.thread}
        answers = [
            await desk.answer("team", self._command(f"tag {label}", str(next(ids)), message=message))
            for label in ("event", "event thread", "")
            for message in (f"{place.word}m0", "nowhere")
        ]
        for real, none in zip(answers[::2], answers[1::2], strict=True):
            assert real is not None
            if place.source == "team" and ASKERS[self.asker] == "moderators":
                rooms = frozenset(self.community.readers[self.asker] | {room for room in here if room})
                guest = (
                    self.asker == "gus"
                    and self.community.is_public(place)
                    and not {place.id, place.parent} & here
                )
                if self.community.reads(place, rooms) and not guest:
                    continue
            assert real == none, (self.asker, self.where, place)
            assert not leaks(self.community, told(real), set(), "")

    def _check_posts(self) -> None:
        allowed = visible(self.community, self.asker, self.where, public=True)
        with self.database.read() as session:
            for post in session.scalars(select(Post)):
                assert not leaks(self.community, f"{post.content} {post.place} {post.purpose}", allowed, "")
                self.seen |= {word for word in allowed if _holds(post.content, word)}


def ask_everything(
    database: Database, community: Community, asker: str, where: Where, language: str
) -> set[str]:
    wipe(database)
    community.tell(database)
    with database.write() as session:
        observations.record(
            session, [Fact("attendance", SUBJECT, 3, 5, MONDAY, AFTER_SUNDAY, SUBJECT)], "team:mod"
        )
    asking = Asking(community, database, asker, where, language)
    with time_machine.travel(AS_OF, tick=True):
        asyncio.run(asking.run())
    return asking.seen


@given(st.data(), communities(), st.sampled_from(sorted(ASKERS)), st.sampled_from(["en", "es"]))
@settings(max_examples=25, deadline=None, suppress_health_check=FIXTURES)
def test_nothing_leaks(
    sqlite: Database, data: st.DataObject, community: Community, asker: str, language: str
) -> None:
    ask_everything(sqlite, community, asker, data.draw(wheres(community)), language)


@given(st.data(), communities(), st.sampled_from(sorted(ASKERS)))
@settings(max_examples=4, deadline=None, suppress_health_check=FIXTURES)
def test_nor_on_postgresql(postgres: Database, data: st.DataObject, community: Community, asker: str) -> None:
    ask_everything(postgres, community, asker, data.draw(wheres(community)), "en")


def place(source: str, id_: str, parent: str | None = None, *, private: bool = False) -> Place:
    return Place(source, id_, parent, private, counted=True, internal=False)


FIXED = Community(
    (
        place("team", "general"), place("team", "secret", private=True), place("team", "inside", "secret"),
        place("team", "vault", private=True), place("team", "thread", "vault", private=True),
        place("forum", "lounge"), place("forum", "closed", private=True), place("chat", "talk"),
    ),
    {"mod": frozenset({"secret"}), "ana": frozenset(), "joe": frozenset({"secret"}), "gus": frozenset()},
    frozenset({"forum"}), everyone_quotes=False, merged=False,
)  # fmt: skip


@pytest.mark.parametrize(
    ("asker", "where", "seen"),
    [
        ("mod", Where(None, None, public=False), {"zqteamgeneral", "zqteamsecret", "zqteaminside", "zqforumlounge"}),
        ("mod", Where("vault", None, public=False),
         {"zqteamgeneral", "zqteamsecret", "zqteaminside", "zqteamvault", "zqforumlounge"}),
        ("ana", Where(None, None, public=False), {"zqteamgeneral", "zqforumlounge"}),
        ("ana", Where("vault", "thread", public=True), {"zqteamgeneral", "zqteamvault", "zqteamthread", "zqforumlounge"}),
        ("joe", Where("secret", None, public=False), set()),
        ("gus", Where("general", None, public=False), {"zqteamgeneral", "zqforumlounge"}),
        ("gus", Where(None, None, public=False), {"zqforumlounge"}),
    ],
)  # fmt: skip
def test_what_can_be_read_is_told(database: Database, asker: str, where: Where, seen: set[str]) -> None:
    """So that the tests above do not hold only because nothing is ever said."""
    assert ask_everything(database, FIXED, asker, where, "en") == seen
    assert set(SOURCES) == {"team", "chat", "forum"}
