"""What people type, word by word: any case, accents or none, quotes, links in angle brackets, stray punctuation."""

import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple

_TOKEN = re.compile(
    r"<(?P<link>https?://[^<>|\s]+)(?:\|[^<>]*)?>"  # Slack, and CommonMark
    r"|<[@#!][^<>]*>"  # mentions: of the bot, or of nobody who matters here
    r"|\[[^\[\]]*\]\((?P<target>https?://[^()\s]+)\)"
    r"|(?P<key>[A-Za-z]+)=(?P<value>\S+)"
    r'|"(?P<double>[^"]*)"|“(?P<curly>[^“”]*)”|«(?P<angle>[^«»]*)»|(?<!\S)\'(?P<single>[^\']*)\'(?!\w)'
    r"|(?P<word>\S+)"
)
_EDGES = "¡!¿?.,;:()[]{}*_~`'\"“”«»<>…"
_LONGEST = 4_000
"""Characters looked at: no command is longer."""


class Token(NamedTuple):
    """One word, or what stood in quotes."""

    text: str
    """As it was written, without quotes and stray punctuation."""
    plain: str
    """For comparing: small letters without accents."""
    is_quoted: bool = False
    key: str = ""
    """What stood before an equals sign: `area` of "area=support"."""

    @property
    def is_link(self) -> bool:
        """It is a web address."""
        return self.text.startswith(("http://", "https://"))


def tokens(text: str) -> list[Token]:
    """The words of a text; mentions are left out."""
    found = []
    for match in _TOKEN.finditer(text[:_LONGEST]):
        parts = {name: part for name, part in match.groupdict().items() if part is not None}
        link = parts.get("link") or parts.get("target")
        if link:
            found.append(Token(link, link))
        elif "key" in parts:
            value = parts["value"].strip("\"'“”«»")
            found.append(Token(value, plain(value), key=parts["key"].casefold()))
        elif "word" in parts:
            word = parts["word"]
            word = word.rstrip(".,;!)>'\"") if word.startswith("http") else word.strip(_EDGES) or word
            found.append(Token(word, plain(word)))
        elif parts:
            (said,) = parts.values()
            found.append(Token(said.strip(), plain(said), is_quoted=True))
    return [token for token in found if token.text]


def plain(text: str) -> str:
    """Small letters without accents, hyphens and underscores as blanks."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[-_\s]+", " ", letters).split())


def nearest(word: str, known: Iterable[str], cutoff: float = 0.7) -> str | None:
    """The one of the known plain words that was probably meant; None if none is like it."""
    found = get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return found[0] if found else None
