"""How far we are with what people ask on a forum: kept durably, so that each of them is answered once.

What is dealt with is remembered by number: all up to a floor, and single ones above it, since numbers become visible
in another order than they are given. An answer is a letter, written down here before it is sent, word for word: the
same words again are the same post to a forum, also while the first attempt is still under way.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from connectors.records import Page
from connectors.values import iso_moment, micros

STREAM = "asked"

_KEPT = 500
_GRACE = timedelta(hours=1)
"""Whoever asked so long before the bot first listens is answered too."""


class Dealt:
    """Numbers that are dealt with: all up to a floor, and some above."""

    def __init__(self, floor: int = 0, single: tuple[int, ...] | list[int] = ()) -> None:
        self.floor = floor
        self.single = set(single)

    def __contains__(self, number: int) -> bool:
        return number <= self.floor or number in self.single

    def add(self, number: int) -> None:
        """This one is dealt with."""
        if number > self.floor:
            self.single.add(number)
        if len(self.single) > _KEPT:
            lowest = sorted(self.single)[: _KEPT // 2]
            self.floor = lowest[-1]
            self.single.difference_update(lowest)

    @property
    def facts(self) -> list[Any]:
        """What is to be kept."""
        return [self.floor, sorted(self.single)]


@dataclass
class Letter:
    """An answer that is being sent."""

    key: str
    """Sent with it, so that it can be found again."""
    post: int
    """The post that asked."""
    asker: str
    """The user name of whoever did."""
    pieces: list[str]
    title: str
    topic: int = 0
    """Where it is answered; 0: in a new private message."""
    number: int = 0
    """The post's number in that topic."""
    sorry_topic: int = 0
    """Where to say that no private message can be sent; 0: nowhere."""
    sorry: str = ""
    tries: int = 0


@dataclass
class Asked:
    """The whole of it."""

    since: int
    """Microseconds since 1970: what was written before is not answered."""
    rows: Dealt = field(default_factory=Dealt)
    """Notifications."""
    posts: Dealt = field(default_factory=Dealt)
    """Posts. The floor holds for private messages only: elsewhere an old post can ask when it is edited."""
    heard: dict[int, int] = field(default_factory=dict)
    """Private message -> the number of its newest post, of those that the forum lists first."""
    letters: dict[int, Letter] = field(default_factory=dict)
    """By the post that asked."""

    def is_young(self, row: Mapping[str, Any], key: str = "created_at") -> bool:
        """Whether it was made since the bot listens; what does not say when, was."""
        try:
            return micros(iso_moment(row[key])) >= self.since
        except (KeyError, TypeError, ValueError):
            return True

    def page(self) -> Page:
        """What is to be kept now."""
        kept = {
            "since": self.since, "rows": self.rows.facts, "posts": self.posts.facts,
            "heard": {str(topic): number for topic, number in self.heard.items()},
            "letters": [asdict(letter) for letter in self.letters.values()],
        }  # fmt: skip
        return Page(STREAM, orjson.dumps(kept).decode(), datetime.now(UTC))


def load(cursors: Mapping[str, str]) -> Asked | None:
    """How far we were; None where the bot listens for the first time."""
    text = cursors.get(STREAM)
    if not text:
        return None
    kept = orjson.loads(text)
    letters = [Letter(**letter) for letter in kept["letters"]]
    return Asked(
        kept["since"], Dealt(*kept["rows"]), Dealt(*kept["posts"]),
        {int(topic): number for topic, number in kept["heard"].items()},
        {letter.post: letter for letter in letters},
    )  # fmt: skip


def begin(topics: Iterable[Mapping[str, Any]]) -> Asked:
    """Begin to listen, a little before now: by the forum's own time, as its newest topics tell it.

    Args:
        topics: rows of the list of topics, the last bumped first.
    """
    times = []
    for row in topics:
        with suppress(KeyError, TypeError, ValueError):
            times.append(iso_moment(row["bumped_at"]))
    return Asked(micros(min(max(times), datetime.now(UTC)) - _GRACE) if times else 0)
