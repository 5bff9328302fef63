"""The parts of a digest in words. Texts are plain and clean (bot.digest.plain), but not escaped for any format."""

from dataclasses import dataclass

from bot.digest import plain
from bot.digest.model import Digest
from bot.digest.words import ChangeSaid, Words
from bot.spaces.model import Area, Evidence


@dataclass(frozen=True, slots=True)
class MetricSaid:
    """One line of an area."""

    name: str
    title: str
    definition: str
    value: str
    known: bool
    notes: tuple[str, ...]
    """Why unknown, of how many, how sure, its parts."""
    apart: str
    """What staff and bots did beside it; empty when nothing."""
    caveat: str
    """What the number may never stand without: of how many, that they are too few, how low and high it may be."""
    of: str
    """The part and the whole of a share: "33 of 44"; empty elsewhere, and where that is the value."""
    change: ChangeSaid
    headline: bool

    @property
    def details(self) -> str:
        """Notes and what is told apart, in one line."""
        return " · ".join(part for part in (*self.notes, self.apart) if part)


@dataclass(frozen=True, slots=True)
class AreaSaid:
    """One area: its letter in SPACES, its name, its lines."""

    area: Area
    letter: str
    name: str
    metrics: tuple[MetricSaid, ...]
    """The headline first; those that are known."""
    unknown: str
    """What is not known, and why, in one line; empty where nothing is missing."""


@dataclass(frozen=True, slots=True)
class MessageSaid:
    """A message that the digest points to."""

    text: str
    url: str | None
    byline: str
    """Who, where and how old: "Ana in #help, 3 days ago"."""
    support: str
    """How many people and reactions stand behind it; empty for a question."""

    @property
    def about(self) -> str:
        """All that is told of it beside its words."""
        return " · ".join(filter(None, (self.byline, self.support)))


@dataclass(frozen=True, slots=True)
class ThanksSaid:
    """A person and what for."""

    name: str
    deeds: str


@dataclass(frozen=True, slots=True)
class CoverageSaid:
    """What stands behind the numbers, for one source. `warning` says that its data begins too late or stops too early."""

    source: str
    counted: str
    newest: str
    warning: str


_SHORT, _LONG = 100, 140


def message(
    said: Evidence, digest: Digest, words: Words, *, support: bool = False, short: bool = False
) -> MessageSaid:
    """A message to point to. Who waits for an answer is named to staff only."""
    behind = []
    if support and said.people:
        behind.append(words.ngettext("{n} person", "{n} people", said.people))
    if support and said.reactions:
        behind.append(words.ngettext("{n} reaction", "{n} reactions", said.reactions))
    channel = f"#{plain.name(said.channel).lstrip('#')}"
    age = words.age(said.created_at, digest.as_of)
    if digest.friendly and not support:
        byline = words.gettext("in {channel}, {age}", channel=channel, age=age)
    else:
        author = plain.name(said.author)
        byline = words.gettext("{author} in {channel}, {age}", author=author, channel=channel, age=age)
    return MessageSaid(
        text=plain.excerpt(said.text, _SHORT if short else _LONG) or words.gettext("(no text)"),
        url=plain.address(said.url),
        byline=byline,
        support=", ".join(behind),
    )
