"""What every command is made of: the entry that registers it, and the ask that its handler works with."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from sqlalchemy.orm import Session

from bot import languages
from bot.app import community_at
from bot.audience import Audience
from bot.commands.text import Token
from bot.digest.model import Digest
from bot.digest.words import Words
from bot.settings import Config, Right
from bot.spaces.community import Community
from bot.spaces.model import Area
from bot.spaces.window import Period
from connectors.records import Choice, Command, Offer, Option, Reply
from storage import requests

T = TypeVar("T")


class Wrong(Exception):
    """What was asked cannot be done: one sentence for whoever asked, in their language, with the right command."""


class Doors(Protocol):
    """What a handler can ask of the desk; nothing of it blocks the event loop."""

    async def read(self, work: Callable[[Session], T]) -> T:
        """Do this in a session that sees one moment; it never waits behind a writer."""
        ...

    async def write(self, work: Callable[[Session], T]) -> T:
        """Do this in a transaction; it is durable when this returns."""
        ...

    async def audience(self, ask: "Ask") -> Audience:
        """Who will read the answer, and what they may read."""
        ...

    async def can_read(self, ask: "Ask", source: str, channel_id: str) -> bool:
        """Whether the asker can read a channel, whatever it is. What is not known is not readable."""
        ...

    async def digest(self, ask: "Ask", period: Period, areas: tuple[Area, ...]) -> Digest:
        """The digest of the last closed window, for the readers of this answer."""
        ...


@dataclass(frozen=True, slots=True)
class Ask:
    """One wish of one person, understood."""

    command: Command
    source: str
    """The source that it was asked on; empty at the terminal."""
    entry: "Entry"
    options: Mapping[str, str]
    """What was chosen, by parameter: values of its choices, or as typed."""
    rest: tuple[Token, ...]
    """What was said beside."""
    rights: frozenset[Right]
    words: Words
    config: Config
    now: datetime
    doors: Doors

    @property
    def language(self) -> str:
        """The code of the language to answer in."""
        return self.words.language.code

    @property
    def connector(self) -> str:
        """The kind of platform that it was asked on; empty at the terminal."""
        source = self.config.sources.get(self.source)
        return source.connector if source else ""

    @property
    def is_public(self) -> bool:
        """Everybody in the place where it was asked will see the answer."""
        wanted = "public" in self.options or self.entry.is_posted
        return wanted and self.command.channel_id is not None

    @property
    def who(self) -> str:
        """The asker, as decisions are signed: source and id."""
        return f"{self.source}:{self.command.asker.id}" if self.source else self.command.asker.id

    def call(self, text: str) -> str:
        """How a command is given where this was asked."""
        if not self.source:
            return f"spaces {text}"
        if self.connector == "discourse":
            return f"@{self.config.sources[self.source].user or 'spaces'} {text}"
        return f"/spaces {text}"

    def once(self, work: Callable[[Session], T]) -> Callable[[Session], T | None]:
        """The same work, not done again where this very request did it and nobody lived to answer: then None."""
        source, id_ = self.source, self.command.id
        return lambda session: work(session) if not id_ or requests.is_new(session, source, id_) else None

    def community(self, session: Session, audience: Audience) -> Community:
        """The community now, as these readers may see it."""
        return community_at(session, self.config, self.now, audience)

    def wrong(self, text: str, **placeholders: str) -> Wrong:
        """A sentence in the asker's language, to be raised."""
        return Wrong(self.words.gettext(text, **placeholders))


Handler = Callable[[Ask], Awaitable[Reply | None]]


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A command: everything that is known of it. Its words are English msgids of the catalogues."""

    name: str
    right: Right
    words: str
    """What it does; at most 100 characters."""
    handler: Handler
    parameters: tuple["Parameter", ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    """What it is called in other languages; offered there."""
    aliases: tuple[str, ...] = ()
    """Other words that are understood, in any language: plain."""
    takes_rest: bool = False
    """Its handler reads what no parameter takes."""
    is_posted: bool = False
    """What it says is posted for everybody, whatever else the asker chose."""
    example: str = ""
    """One way to say what stands behind the name, for help."""

    def offer(self) -> Offer:
        """The command as connectors are told of it."""
        return Offer(self.name, said(self.words), tuple(each.offer() for each in self.parameters), self.names)

    def called(self, language: str) -> str:
        """Its name in a language."""
        return self.names.get(language, self.name)


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """An option of a command. `choices` are (value, English title)."""

    name: str
    words: str
    choices: tuple[tuple[str, str], ...] = ()
    is_required: bool = False
    suggests: bool = False
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Other words for a choice, plain, in any language: word -> value."""

    def offer(self) -> Option:
        """The option as connectors are told of it."""
        choices = tuple(Choice(value, said(title)) for value, title in self.choices)
        return Option(self.name, said(self.words), choices, self.is_required, self.suggests)


def said(text: str) -> dict[str, str]:
    """A text in every language."""
    return {code: languages.load(code).gettext(text) for code in languages.available()}
