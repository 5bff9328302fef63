"""What somebody means: a command and its options, from free text and from what the platform understood by itself.

Options may stand in any order, also before the command; what the platform says is stronger than the text.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from bot.commands.fillers import FILLERS
from bot.commands.model import Entry, Parameter, said
from bot.commands.text import Token, nearest, plain, tokens
from bot.digest.render.markdown import escape
from bot.digest.words import Words
from connectors.records import Command

_WEAK = frozenset({"me", "yo"})
"""Commands whose names are such words: meant only where nothing else is."""

_SELF = frozenset({"spaces", "/spaces", "@spaces"})


class Parsed(NamedTuple):
    """A command, understood."""

    entry: Entry
    options: dict[str, str]
    rest: tuple[Token, ...]


class NotUnderstood(Exception):
    """The text is no command; the message says so to the person, with the nearest right one."""


def parse(command: Command, entries: Sequence[Entry], words: Words, call: str) -> Parsed:
    """Find out what is meant. `call` is what stands before a command ("/spaces ").

    Raises:
        NotUnderstood: there is no such command or option.
    """
    typed = tokens(command.text)
    while typed and typed[0].plain in _SELF:
        typed = typed[1:]
    where, entry = _find(typed, entries, words, call)
    del typed[where : where + 1]
    reading = _Reading(entry, command)
    rest = [token for token in typed if not reading.takes(token)]
    if not entry.takes_rest:
        unknown = without_fillers(rest)
        if unknown:
            raise NotUnderstood(_unknown(entry, unknown[0], words, call, _help(entries)))
        rest = []
    for name, value in command.options.items():
        if not reading.choose(name, value) and entry.takes_rest:
            rest += tokens(value)
    return Parsed(entry, reading.options, tuple(rest))


def without_fillers(rest: Sequence[Token]) -> list[Token]:
    """The words that say something."""
    return [token for token in rest if token.is_quoted or token.is_link or token.plain not in FILLERS]


@cache
def names(entry: Entry) -> frozenset[str]:
    """Every word for a command, plain."""
    return frozenset(map(plain, (entry.name, *entry.names.values(), *entry.aliases)))


@cache
def values(parameter: Parameter) -> dict[str, str]:
    """Every word for a choice of a parameter, plain -> its value."""
    found = {plain(word): value for word, value in parameter.aliases.items()}
    for value, title in parameter.choices:
        found |= {plain(word): value for word in (value, *said(title).values())}
    return found


def _find(typed: Sequence[Token], entries: Sequence[Entry], words: Words, call: str) -> tuple[int, Entry]:
    """Where the command stands, and which it is."""
    found = [
        (where, entry)
        for where, token in enumerate(typed)
        for entry in entries
        if not token.is_quoted and not token.key and token.plain in names(entry)
    ]
    strong = [pair for pair in found if typed[pair[0]].plain not in _WEAK]
    # "show me the weekly": a word of the sentence is no command while there is another one.
    for where, entry in (*strong, *found):
        return where, entry
    if not typed:
        return 0, _help(entries)
    raise NotUnderstood(_no_command(typed, entries, words, call))


def _no_command(typed: Sequence[Token], entries: Sequence[Entry], words: Words, call: str) -> str:
    every = {name: entry for entry in entries for name in names(entry)}
    telling = [token for token in typed if token.plain not in FILLERS] or list(typed)
    for token in telling[:3]:
        meant = nearest(token.plain, every)
        if meant is not None:
            return words.gettext(
                "There is no command “{word}”. Did you mean `{command}`?",
                word=escape(_short(token.text)),
                command=call + every[meant].called(words.language.code),
            )
    return words.gettext(
        "There is no command “{word}”. See `{command}`.",
        word=escape(_short(telling[0].text)),
        command=call + _help(entries).called(words.language.code),
    )


def _unknown(entry: Entry, token: Token, words: Words, call: str, help_: Entry) -> str:
    known = {word: value for parameter in entry.parameters for word, value in values(parameter).items()}
    name = entry.called(words.language.code)
    meant = nearest(token.plain, known)
    if meant is not None:
        return words.gettext(
            "I do not understand “{word}”. Did you mean `{command}`?",
            word=escape(_short(token.text)),
            command=f"{call}{name} {meant}",
        )
    return words.gettext(
        "I do not understand “{word}”. See `{command}`.",
        word=escape(_short(token.text)),
        command=f"{call}{help_.called(words.language.code)} {name}",
    )


def _help(entries: Sequence[Entry]) -> Entry:
    return next(entry for entry in entries if entry.name == "help")


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"  # noqa: PLR2004 - enough to know it again


class _Reading:
    """Takes words as the options of one command."""

    def __init__(self, entry: Entry, command: Command) -> None:
        self._parameters = {parameter.name: parameter for parameter in entry.parameters}
        self._command = command
        self.options: dict[str, str] = {}

    def takes(self, token: Token) -> bool:
        """Whether the word is an option of the command; if so, it is taken."""
        if token.is_quoted:
            return False
        if token.key:
            return self.choose(token.key, token.text)
        for name, parameter in self._parameters.items():
            value = values(parameter).get(token.plain)
            if value is not None and name not in self.options:
                self.options[name] = value
                return True
        return False

    def choose(self, name: str, value: str) -> bool:
        """Take what the platform understood; of an option with choices only one of them, or none."""
        parameter = self._parameters.get(name)
        if parameter is None:
            return False
        value = value.strip()
        if not parameter.choices:
            self.options[name] = value
            return True
        chosen = values(parameter).get(plain(value))
        if chosen is None and name == "public" and plain(value) in _YES:
            chosen = "yes"
        if chosen is None:
            return False
        self.options[name] = chosen
        return True


_YES = frozenset({"1", "true", "on", "y", "s"})
