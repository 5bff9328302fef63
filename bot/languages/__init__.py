"""The languages we speak: English, which the program is written in, and one gettext catalogue for each other one.

A language is one file, `<code>.po`; `python -m bot.languages` brings the catalogues up to date with the program.
They are compiled in memory, so there is no built file to forget and nothing is installed process-wide.
"""

from dataclasses import dataclass
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent

_LOCALES = {"en": "en_GB"}
"""Where the locale is not the language itself: our English writes 11 July 2016 and 18:03."""


class Plural(NamedTuple):
    """A msgid in singular and plural, with `{n}` for the number; declared in one place, said in another."""

    one: str
    many: str


def msgid(text: str) -> str:
    """Mark a text for translation where it is declared; it is translated where it is said."""
    return text


@dataclass(frozen=True, slots=True)
class Language:
    """One language: the locale that writes its numbers and dates, and its catalogue."""

    code: str
    locale: str
    catalogue: NullTranslations

    def gettext(self, text: str) -> str:
        """The text in this language. The empty text stays empty (gettext keeps its header there)."""
        return self.catalogue.gettext(text) if text else ""

    def ngettext(self, one: str, many: str, n: int) -> str:
        """The form for `n`, still with its placeholders."""
        return self.catalogue.ngettext(one, many, n)


def available() -> tuple[str, ...]:
    """The codes of all languages, English first."""
    return ("en", *sorted(path.stem for path in FOLDER.glob("*.po")))


@cache
def load(code: str) -> Language:
    """The language of that code; ValueError names the ones there are."""
    if code not in available():
        raise ValueError(f"The language {code!r} is not known: take one of {', '.join(available())}.")
    return Language(code, _LOCALES.get(code, code), _compile(code))


def _compile(code: str) -> NullTranslations:
    path = FOLDER / f"{code}.po"
    if not path.exists():
        return NullTranslations()
    from babel.messages.mofile import write_mo  # noqa: PLC0415 - slow, and English needs none of it
    from babel.messages.pofile import read_po  # noqa: PLC0415 - as above

    compiled = BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=code))
    compiled.seek(0)
    return GNUTranslations(compiled)
