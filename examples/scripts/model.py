"""What the generator talks about: people, posts and talks, before any platform's format."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

SLACK, DISCORD, FORUM = "slack", "discord", "forum"
HOMES = (SLACK, DISCORD, FORUM)

TEXTS = Path(__file__).resolve().parents[1] / "texts"

# Inside both the UTC and the Madrid calendar of 2 February to 3 May 2026.
BEGIN = datetime(2026, 2, 2, 6, 0, tzinfo=UTC)
END = datetime(2026, 5, 3, 21, 40, tzinfo=UTC)
EXPORTED = datetime(2026, 5, 4, 8, 30, tzinfo=UTC)
COMPANY = "tarnkeep.example"
FORUM_URL = f"https://forum.{COMPANY}"


@dataclass
class Person:
    """Somebody with an account on one to three homes."""

    key: str
    name: str
    homes: tuple[str, ...]
    zone: str
    lang: str
    opts: dict[str, str] = field(default_factory=dict)
    joined: datetime = BEGIN - timedelta(days=200)
    left: datetime | None = None
    weight: float = 1.0

    @property
    def staff(self) -> bool:
        """Works for the company behind the product."""
        return "staff" in self.opts

    @property
    def email(self) -> str:
        """The address the person signed up with."""
        if self.staff:
            return f"{self.key}@{COMPANY}"
        return self.opts.get("email", f"{self.key.replace('_', '.')}@mail.example")

    def handle(self, home: str) -> str:
        """The account name on a home."""
        return self.opts.get(home, self.key)

    def display(self, home: str) -> str:
        """The name that others read on a home."""
        return self.opts.get(f"{home}_name", self.name)

    def here(self, home: str, when: datetime) -> bool:
        """Whether the person is a member of a home at a moment."""
        return home in self.homes and self.joined <= when and (self.left is None or when < self.left)


@dataclass
class Post:
    """One message; `text` is Markdown, a mention in it is a key between the signs 1 and 2."""

    person: Person
    at: datetime
    text: str
    reactions: list[tuple[str, list[Person]]] = field(default_factory=list)
    edited: datetime | None = None
    deleted: bool = False
    accepted: bool = False
    reply_to: int | None = None
    extra: str = ""
    id: str = ""


@dataclass
class Talk:
    """A conversation in one place."""

    slug: str
    kind: str
    lang: str
    home: str
    place: str
    title: str
    posts: list[Post]
    threaded: bool
    outcome: str = ""
    confirmed: bool = False

    @property
    def root(self) -> Post:
        """The message that opens the talk."""
        return self.posts[0]


class Clock:
    """Hands out moments that no other message of a home has."""

    def __init__(self) -> None:
        self._taken: set[tuple[str, int]] = set()

    def unique(self, home: str, when: datetime) -> datetime:
        """The moment, or the next free one a few milliseconds later."""
        stamp = int(when.timestamp() * 1000)
        while (home, stamp) in self._taken:
            stamp += 7
        self._taken.add((home, stamp))
        return datetime.fromtimestamp(stamp / 1000, tz=UTC)


def pick(rng: Random, people: list[Person], weights: list[float]) -> Person | None:
    """One person by weight, or None from an empty crowd."""
    return rng.choices(people, weights)[0] if people and sum(weights) > 0 else None
