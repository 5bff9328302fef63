"""Bring the catalogues up to date: `python -m bot.languages`.

Texts that the program no longer says go, new ones appear untranslated, and each is listed; nothing is guessed.
"""

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

from bot.languages import FOLDER
from bot.spaces import catalogue, reasons

_BOT = Path(__file__).parents[1]
_SPEAKING = (_BOT / "digest", _BOT / "commands", _BOT / "spaces")
"""Where the program speaks to a community: all its words are below these folders."""

_KEYWORDS = {"gettext": None, "ngettext": (1, 2), "msgid": None, "Plural": (1, 2), "wrong": None}


def template() -> Catalog:
    """All the texts that the program says, untranslated."""
    catalogue = Catalog(charset="utf-8")
    for text, place in _texts():
        catalogue.add(text, locations=[(place, 0)])
    return catalogue


def update(path: Path) -> bytes:
    """The catalogue at `path` as it should be: translations kept, unused texts gone, new ones empty."""
    with path.open("rb") as file:
        old = read_po(file, locale=path.stem)
    new = Catalog(locale=path.stem, charset="utf-8", project="spaces", header_comment="")
    for message in template():
        if message.id:
            known: Message | None = old.get(message.id)
            # A text that has got, or lost, its plural is another one.
            string = (
                known.string if known is not None and known.pluralizable is message.pluralizable else None
            )
            new.add(message.id, string, locations=message.locations)
    written = BytesIO()
    write_po(written, new, omit_header=True, include_lineno=False, sort_output=True, width=110)
    header = f"# {old.header_comment.strip('# ')}\n" if old.header_comment.strip("# \n") else ""
    kept = f'msgid ""\nmsgstr ""\n"Language: {path.stem}\\n"\n"Plural-Forms: {new.plural_forms}\\n"\n'
    kept += '"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    return (header + kept).encode() + written.getvalue().strip() + b"\n"


def untranslated(path: Path) -> list[str]:
    """The texts of a catalogue that have no translation, or only a doubtful one."""
    with path.open("rb") as file:
        return [
            str(message.id)
            for message in read_po(file, locale=path.stem)
            if message.id and (message.fuzzy or not all(_strings(message)))
        ]


def _strings(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ("",))


def _texts() -> Iterator[tuple[str | tuple[str, ...], str]]:
    """(msgid, the file that says it), each file in its turn."""
    for path in sorted(path for folder in _SPEAKING for path in folder.rglob("*")):
        method = {".py": "python", ".jinja": "jinja2.ext:babel_extract"}.get(path.suffix)
        if method:
            place = path.relative_to(_BOT.parent).as_posix()
            for _, text, _, _ in extract_from_file(method, path, _KEYWORDS):
                yield text, place
    for label in catalogue.LABELS.values():
        yield from ((text, f"bot/spaces/{label.area}.py") for text in (label.title, label.definition))
    for metric in catalogue.METRICS.values():
        yield from (
            (text, f"bot/spaces/{metric.area}.py")
            for text in (metric.title, metric.definition, metric.source)
        )
    for name, reason in vars(reasons).items():
        if name.isupper():
            yield reason, "bot/spaces/reasons.py"


def main() -> int:
    """Rewrite every catalogue; say what is still to be translated."""
    left = 0
    for path in sorted(FOLDER.glob("*.po")):
        path.write_bytes(update(path))
        for text in untranslated(path):
            left += 1
            sys.stdout.write(f"{path.name}: not translated yet: {text}\n")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
