"""Communities with places that not everybody can read: each place has a word of its own in all that is said there.

The word stands in the place's name, in the texts, in the links, in the names of the people who write there only, and in
their accounts' ids; so whoever sees the word has seen something of the place.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import insert

from bot.settings import Config, Rights, Roles, Source
from storage import tables
from storage.database import Database
from tests.golden.community import AS_OF

SOURCES = {"team": (1, "slack"), "chat": (2, "discord"), "forum": (3, "discourse")}
ASKERS = {"mod": "moderators", "ana": "analysts", "joe": "", "gus": "moderators"}
"""Who asks on the team's Slack, and what they are there; gus is a guest."""
LABELS = ("question", "product_idea", "bug_report", "contribution", "success_story", "advocacy")


@dataclass(frozen=True)
class Place:
    source: str
    id: str
    parent: str | None
    is_private: bool
    counted: bool
    internal: bool

    @property
    def word(self) -> str:
        return f"zq{self.source}{self.id}"


@dataclass(frozen=True)
class Community:
    places: tuple[Place, ...]
    readers: dict[str, frozenset[str]]
    """Asker -> the places of the team that the platform says they can read."""
    open: frozenset[str]
    everyone_quotes: bool
    merged: bool

    @property
    def config(self) -> Config:
        everyone: tuple[Any, ...] = ("read", "quote") if self.everyone_quotes else ("read",)
        return Config(
            sources={
                name: Source(connector=connector, open=name in self.open, url=f"https://{name}.slack.com")
                for name, (_, connector) in SOURCES.items()
            },
            roles=Roles(moderators=("team:mod", "team:gus"), analysts=("team:ana",), platform_admins=False),
            rights=Rights(everyone=everyone),
        )

    def of_team(self, id_: str) -> Place:
        return next(place for place in self.places if (place.source, place.id) == ("team", id_))

    def is_public(self, place: Place) -> bool:
        """Whether everybody on its source can read it: neither it nor what it stands in is private."""
        return self.reads(place, frozenset())

    def reads(self, place: Place, rooms: frozenset[str]) -> bool:
        """Whether somebody reads a place who reads everything public and these places."""
        here: Place | None = place
        while here is not None:
            if here.id in rooms:
                return True
            if here.is_private:
                return False
            parent = here.parent
            here = next(
                (each for each in self.places if (each.source, each.id) == (place.source, parent)), None
            )
        return True

    def tell(self, database: Database) -> None:
        rows: dict[Any, list[dict[str, Any]]] = {
            tables.Source: [{"id": id_, "name": name, "connector": connector} for name, (id_, connector) in SOURCES.items()],
            tables.Channel: [], tables.Member: [], tables.Message: [], tables.Tag: [], tables.Refusal: [],
        }  # fmt: skip
        for name, role in ASKERS.items():
            rows[tables.Member].append(
                _member(1, name, f"zqasker{name}", roles='["guest"]' if name == "gus" else "[]")
            )
            del role
        for number, place in enumerate(self.places):
            self._write(rows, place, number)
        with database.write() as session:
            for table, some in rows.items():
                if some:
                    session.execute(insert(table), some)

    def _write(self, rows: dict[Any, list[dict[str, Any]]], place: Place, number: int) -> None:
        source, word = SOURCES[place.source][0], place.word
        rows[tables.Channel].append(
            {"source_id": source, "external_id": place.id, "name": f"{word}-room", "parent_id": place.parent,
             "is_private": place.is_private, "is_archived": False, "url": f"https://x.example/{word}", "observed_at": AS_OF,
             "counted": place.counted, "is_internal": place.internal})  # fmt: skip
        rows[tables.Refusal].append(
            {"source_id": source, "channel_id": place.id, "why": f"Invite me to {word}.", "told_at": AS_OF}
        )
        for who in ("a", "b"):
            # Where people are merged, all those who write are one, with an account in every place.
            person = f"1:person{who}" if self.merged else f"{source}:{word}{who}"
            rows[tables.Member].append(_member(source, f"{word}{who}", f"Name {word} {who}", person=person))
        for place_in_week, label in enumerate(LABELS):
            at = AS_OF - timedelta(days=1 + place_in_week % 6, hours=5, minutes=number)
            id_ = f"{word}m{place_in_week}"
            rows[tables.Message].append(_message(source, id_, place.id, f"{word}a", at, f"text {word}", None))
            rows[tables.Tag].append(_tag(source, id_, label))
            if label == "product_idea":
                reply = f"{id_}r"
                rows[tables.Message].append(
                    _message(
                        source, reply, place.id, f"{word}b", at + timedelta(minutes=1), f"reply {word}", id_
                    )
                )


def _member(source: int, id_: str, name: str, roles: str = "[]", person: str = "") -> dict[str, Any]:
    return {
        "source_id": source, "external_id": id_, "name": id_, "display_name": name, "email": None, "is_bot": False,
        "is_staff": False, "roles": roles, "links": "[]", "is_active": True, "complete": True, "observed_at": AS_OF,
        "joined_at": AS_OF - timedelta(days=3), "rejoined_at": None, "left_at": None, "person": person or f"{source}:{id_}",
        "standing": "member",
    }  # fmt: skip


def _message(
    source: int, id_: str, channel: str, author: str, at: Any, text: str, under: str | None
) -> dict[str, Any]:
    return {
        "source_id": source, "external_id": id_, "channel_id": channel, "author_id": author, "created_at": at, "text": text,
        "thread_id": None, "opens_thread": False, "reply_to": None, "revision": 0, "observed_at": at, "reactions": None,
        "reaction_count": 2, "is_solution": False, "url": f"https://x.example/{id_}", "deleted_at": None, "deleted": False,
        "conversation_id": under or id_, "untagged": False,
    }  # fmt: skip


def _tag(source: int, id_: str, label: str) -> dict[str, Any]:
    return {
        "source_id": source, "external_id": id_, "label": label, "verdict": True, "decided_by": "rules", "decider": None,
        "why": "drawn", "decided_at": AS_OF,
    }  # fmt: skip


@st.composite
def communities(draw: st.DrawFn) -> Community:
    places = [
        Place("team", "general", None, False, True, False),
        Place("team", "secret", None, True, True, False),
    ]
    for source in SOURCES:
        ids = [place.id for place in places if place.source == source]
        for number in range(draw(st.integers(1, 5))):
            parent = draw(st.sampled_from([None, None, *ids]))
            id_ = f"p{number}"
            places.append(
                Place(source, id_, parent, draw(st.booleans()), draw(st.sampled_from([True, True, True, False])),
                      draw(st.sampled_from([False, False, False, True])))
            )  # fmt: skip
            ids.append(id_)
    team = [place.id for place in places if place.source == "team"]
    return Community(
        tuple(places),
        {asker: draw(st.frozensets(st.sampled_from(team))) for asker in ASKERS},
        draw(st.sampled_from([frozenset(), frozenset({"forum"}), frozenset({"chat", "forum"})])),
        draw(st.sampled_from([False, False, True])),
        draw(st.booleans()),
    )
