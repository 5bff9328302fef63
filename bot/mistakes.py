"""Mistakes in the configuration, said to a person: where, what, and the cure; all of them at once."""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic_core import ErrorDetails

from connectors.records import Problem

Key = tuple[str | int, ...]
"""The way to a setting: ("sources", "team", "url"); a number names a place in a list."""


class ConfigError(Exception):
    """The configuration cannot be used. `problems` holds every mistake in it; `str()` says one a line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = list(problems)


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, whatever the case of its letters; None if nothing is like it."""
    by_lower = {name.lower(): name for name in known}
    found = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def suggestion(word: str, known: Iterable[str]) -> str:
    """A cure for a name that does not exist: the likely one, else all there are."""
    known = list(known)
    found = closest(word, known)
    return f'Did you mean "{found}"?' if found else f"Known are: {', '.join(known)}."


def shown(value: object) -> str:
    """The value as written, if it can be no secret: short words only."""
    text = str(value)
    plain = len(text) <= 40 and not is_secret(text)  # noqa: PLR2004 - no name is longer, most tokens are
    return f'"{text}"' if plain else "the value given"


# --- secrets ----------------------------------------------------------------------------------------------------

_SECRET_NAME = re.compile(
    r"token|secret|passw|pwd|credential|(?:api|private|access)[-_]?key|^key$", re.IGNORECASE
)
_SECRET_VALUE = re.compile(
    r"xox[a-z]-|xapp-|-----BEGIN"  # Slack; private keys
    r"|^[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}$"  # Discord
    r"|^[0-9a-f]{64}$"  # Discourse
)


def names_secret(name: str) -> bool:
    """Whether a setting of this name would hold a secret."""
    return _SECRET_NAME.search(name) is not None


def is_secret(text: str) -> bool:
    """Whether a text is a token or key of one of the platforms, by its form."""
    return _SECRET_VALUE.search(text) is not None


# --- lines of a TOML text ---------------------------------------------------------------------------------------

_PIECE = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}' r"|'''.*?'{3,5}" r'|"(?:\\.|[^"\\\n])*"' r"|'[^'\n]*'"
    r"|\#[^\n]*|\n|[][{}=,.]|[ \t\r]+|[^]\s\"'\#[{}=,.]+",
    re.DOTALL,
)  # fmt: skip


def lines(text: str) -> dict[Key, int]:
    """The line of each key and section of a TOML text that the standard parser has accepted.

    Keys inside an inline table are not told apart: they stand on the line of the key that holds it.
    """
    found: dict[Key, int] = {}
    line = 1
    section: Key = ()
    tables: dict[Key, int] = {}
    statement: list[str] = []
    begins = 1
    depth = 0
    for piece in [*_PIECE.findall(text), "\n"]:
        if piece == "\n" and (depth == 0 or statement[:1] == ["["]):
            if statement[:1] == ["["]:
                section = _names(statement)
                if statement[:2] == ["[", "["]:
                    tables[section] = tables.get(section, -1) + 1
                    section = (*section, tables[section])
                found.setdefault(section, begins)
            elif statement:
                key = (*section, *_names(statement[: statement.index("=")]))
                for end in range(len(section) + 1, len(key) + 1):
                    found.setdefault(key[:end], begins)
            statement, depth = [], 0
        elif piece.strip() and not piece.startswith("#"):
            if not statement:
                begins = line
            elif statement[0] != "[" and "=" in statement:
                depth += (piece in "[{") - (piece in "]}")
            statement.append(piece)
        line += piece.count("\n")
    return found


def _names(pieces: Sequence[str]) -> Key:
    return tuple(piece.strip("\"'") for piece in pieces if piece not in "[].")


# --- what pydantic found, in words ------------------------------------------------------------------------------

_WORDS = {
    "string_type": ("must be text", "Put it in quotes."),
    "int_type": ("must be a whole number", "Write it without quotes or fractions, such as 7."),
    "int_parsing": ("must be a whole number", "Write it without quotes or fractions, such as 7."),
    "int_from_float": ("must be a whole number", "Write it without a fraction, such as 7."),
    "float_type": ("must be a number", "Write it without quotes, such as 12.5."),
    "float_parsing": ("must be a number", "Write it without quotes, such as 12.5."),
    "bool_type": ("must be yes or no", "Write true or false, without quotes."),
    "bool_parsing": ("must be yes or no", "Write true or false, without quotes."),
    "tuple_type": ("must be a list", 'Put it in brackets, such as ["one", "two"].'),
    "greater_than_equal": ("must be at least {ge}", "Write a larger number."),
    "less_than_equal": ("must be at most {le}", "Write a smaller number."),
    "finite_number": ("must be a number", "Write it in digits, such as 12.5."),
    "missing": ("is missing", "Add it."),
}


def worded(error: ErrorDetails, known: Sequence[str]) -> tuple[str, str]:
    """What is wrong and the cure, for one finding of pydantic. `known` are the settings beside the one found."""
    kind, value, limits = error["type"], error["input"], error.get("ctx", {})
    if "what" in limits:  # said by one of our own validators
        return limits["what"], limits["cure"]
    if kind == "extra_forbidden":
        return "there is no such setting", suggestion(str(error["loc"][-1]), known)
    if kind in {"enum", "literal_error"}:
        allowed = re.findall(r"'([^']*)'", str(limits["expected"]))
        return f"{shown(value)} is not allowed here", suggestion(str(value), allowed)
    if kind in {"model_type", "model_attributes_type", "dict_type", "mapping_type"}:
        section = ".".join(map(str, error["loc"]))
        return "must be a section", f"Write [{section}] on a line of its own, and its settings below."
    what, cure = _WORDS.get(kind, (error["msg"][0].lower() + error["msg"][1:], "See config.example.toml."))
    return what.format_map(limits), cure


def where(key: Key, file: str, found: Mapping[Key, int], overridden: Mapping[Key, str]) -> str:
    """The place of a setting: the environment variable that gave it, else file, line and the key itself."""
    name = _dotted(key)
    for end in range(len(key), 0, -1):
        if key[:end] in overridden:
            return f"the environment variable {overridden[key[:end]]}"
    for end in range(len(key), 0, -1):
        if key[:end] in found:
            return f"{file}, line {found[key[:end]]}: {name}"
    return f"{file}: {name}"


def _dotted(key: Key) -> str:
    name = ""
    for part in key:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else part
    return name


def leaves(value: Any, key: Key = ()) -> Iterable[tuple[Key, Any]]:
    """Every setting of a read configuration that is no section, with the way to it."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaves(inner, (*key, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*key, index))
    else:
        yield key, value
