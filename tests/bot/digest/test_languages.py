"""Every text we say is said in every language, with the same places to fill in."""

import ast
import string
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from bot import languages
from bot.digest.formats import Language
from bot.languages.__main__ import template, untranslated, update

CATALOGUES = sorted(languages.FOLDER.glob("*.po"))


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_the_languages_are_those_of_the_command_line() -> None:
    assert set(languages.available()) == {language.value for language in Language}


def test_the_program_says_something() -> None:
    said = {message.id if isinstance(message.id, str) else message.id[0] for message in template()}
    # One from Python, one plural, one from the template, one label, one metric, one reason.
    assert {
        "More people to thank",
        "{n} answer",
        "What each number means",
        "Bug report",
        "Questions answered",
        "nobody posted",
    } <= said


def test_no_text_is_said_where_it_is_overlooked() -> None:
    """The extraction does not look into f-strings."""
    says = {"gettext", "ngettext", "msgid", "Plural", "wrong"}
    overlooked = [
        f"{path.name}:{call.lineno}"
        for path in (languages.FOLDER.parent).rglob("*.py")
        for text in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(text, ast.JoinedStr)
        for call in ast.walk(text)
        if isinstance(call, ast.Call) and getattr(call.func, "attr", getattr(call.func, "id", "")) in says
        and call.args and isinstance(call.args[0], ast.Constant)
    ]  # fmt: skip
    assert overlooked == []


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.name)
def test_every_text_is_translated(path: Path) -> None:
    with path.open("rb") as file:
        known = {message.id for message in read_po(file) if message.id}
    missing = {message.id for message in template() if message.id} - known
    assert not missing, "run `python -m bot.languages`, then translate what it lists"
    assert untranslated(path) == []


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.name)
def test_nothing_in_a_catalogue_is_stale(path: Path) -> None:
    assert update(path) == path.read_bytes(), "run `python -m bot.languages`"
    assert "#~" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.name)
def test_a_translation_fills_in_the_same_places(path: Path) -> None:
    with path.open("rb") as file:
        for message in read_po(file, locale=path.stem):
            originals = (message.id,) if isinstance(message.id, str) else tuple(message.id)
            strings = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
            for said in strings if message.id else ():
                assert _fields(said) == _fields(originals[0]) == _fields(originals[-1]), message.id


def test_a_translation_that_is_lacking_is_found(tmp_path: Path) -> None:
    path = tmp_path / "es.po"
    path.write_text(
        'msgid ""\nmsgstr ""\n"Language: es\\n"\n\nmsgid "Support"\nmsgstr ""\n', encoding="utf-8"
    )
    assert untranslated(path) == ["Support"]


def test_plurals_follow_the_language() -> None:
    spanish = languages.load("es")
    assert spanish.ngettext("{n} answer", "{n} answers", 1) == "{n} respuesta"
    assert spanish.ngettext("{n} answer", "{n} answers", 2) == "{n} respuestas"
    assert spanish.gettext("") == ""
