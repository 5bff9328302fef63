"""What every command is made of: the entry that registers it, and the ask that its handler works with."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from sqlalchemy.orm import Session

from bot import languages
from bot.digest.words import Words
from bot.settings import Config, Right
from connectors.records import Choice, Command, Offer, Option, Reply

T = TypeVar("T")


class Wrong(Exception):
    """What was asked cannot be done: one sentence for whoever asked, in their language, with the right command."""


class Doors(Protocol):
    """The ways to the database, off the event loop."""

    async def read(self, work: Callable[[Session], T]) -> T:
        """Do this in a session that sees one moment; it never waits behind a writer."""
        ...

    async def write(self, work: Callable[[Session], T]) -> T:
        """Do this in a transaction; it is durable when this returns."""
        ...


@dataclass(frozen=True, slots=True)
class Ask:
    """One wish of one person, understood."""

    command: Command
    source: str
    connector: str
    entry: "Entry"
    options: Mapping[str, str]
    """What was chosen, by option: values of its choices, or as typed."""
    rest: tuple[str, ...]
    """What was said beside, word by word; a quoted text is one word."""
    rights: frozenset[Right]
    words: Words
    config: Config
    now: datetime
    doors: Doors

    @property
    def language(self) -> str:
        """The code of the language to answer in."""
        return self.words.language.code


Handler = Callable[[Ask], Awaitable[Reply | None]]


@dataclass(frozen=True, slots=True)
class Entry:
    """A command: everything that is known of it. Titles and words are English msgids of the catalogues."""

    name: str
    right: Right
    words: str
    """What it does; at most 100 characters."""
    handler: Handler
    parameters: tuple["Parameter", ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    """What it is called in other languages; offered there."""
    aliases: tuple[str, ...] = ()
    """Other words that are understood, in any language."""

    def offer(self) -> Offer:
        """The command as connectors are told of it."""
        return Offer(
            self.name, _said(self.words), tuple(each.offer() for each in self.parameters), self.names
        )


@dataclass(frozen=True, slots=True)
class Parameter:
    """An option of a command. `choices` are (value, English title)."""

    name: str
    words: str
    choices: tuple[tuple[str, str], ...] = ()
    is_required: bool = False
    suggests: bool = False

    def offer(self) -> Option:
        """The option as connectors are told of it."""
        choices = tuple(Choice(value, _said(title)) for value, title in self.choices)
        return Option(self.name, _said(self.words), choices, self.is_required, self.suggests)


def _said(text: str) -> dict[str, str]:
    """A text in every language."""
    return {code: languages.load(code).gettext(text) for code in languages.available()}
