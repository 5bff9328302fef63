"""Reads the script files and turns their `{a|b}` choices and `{slots}` into sentences."""

import re
from dataclasses import dataclass, field
from random import Random

from examples.scripts.model import TEXTS

_INNER = re.compile(r"\{([^{}]*)\}")
_PAIRED = re.compile(r"(\d):")
_RANGE = re.compile(r"#(\d+)-(\d+)")
_LINE = re.compile(r"^([A-D]|S|T|@[a-z_0-9]+)([?*=^!x]*)(?: \+(\d+)([mhd]))?: (.*)$")
_MINUTES = {"m": 1, "h": 60, "d": 1440}


@dataclass
class Line:
    """One line of a script: who says what, and when after the line before.

    Flags: `?` may be left out, `*` the answer that solves it, `=` the asker confirms,
    `^` edited later, `!` deleted later, `x` something special the place decides about.
    """

    role: str
    flags: str
    delay: int | None
    text: str
    reactions: str = ""


@dataclass
class Script:
    """A conversation as written: its header's words and its lines."""

    slug: str
    kind: str
    lang: str
    opts: dict[str, str]
    lines: list[Line] = field(default_factory=list)
    title: str = ""
    used: int = 0

    @property
    def limit(self) -> int:
        """How often it may be told."""
        return int(self.opts.get("x", "1"))


def read_scripts(pattern: str) -> list[Script]:
    """All scripts of the text files that match, in file order."""
    scripts: list[Script] = []
    for path in sorted(TEXTS.glob(pattern)):
        for row in path.read_text(encoding="utf-8").splitlines():
            if row.startswith("## "):
                scripts.append(_header(row[3:], path.stem))
            elif scripts:
                _feed(scripts[-1], row)
    for script in scripts:
        for line in script.lines:
            line.text = line.text.strip("\n")
    return scripts


def _header(row: str, stem: str) -> Script:
    slug, kind, *words = row.split()
    opts = dict(word.split("=", 1) for word in words)
    return Script(f"{stem}/{slug}", kind, opts.get("lang", stem.split("_", maxsplit=1)[0]), opts)


def _feed(script: Script, row: str) -> None:
    found = _LINE.match(row)
    if row.startswith("= ") and not script.lines:
        script.title = row[2:]
    elif row.startswith("~ ") and script.lines:
        script.lines[-1].reactions = row[2:]
    elif found:
        role, flags, number, unit, text = found.groups()
        script.lines.append(Line(role, flags, int(number) * _MINUTES[unit] if number else None, text))
    elif script.lines:
        script.lines[-1].text += "\n" + row


class Speaker:
    """Says a template in words, and avoids saying the same long sentence twice."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._slots: dict[str, list[str]] = {}
        self._said: set[str] = set()
        for row in (TEXTS / "slots.txt").read_text(encoding="utf-8").splitlines():
            if ": " in row and not row.startswith("#"):
                name, words = row.split(": ", 1)
                self._slots[name] = words.split(" || ")

    def say(self, template: str, sticky: dict[str, str]) -> str:
        """The template with its choices made; `{ver1}` keeps its value within one `sticky`."""
        text = ""
        for _ in range(60):
            text = self._expand(template, sticky).strip(" ,")
            if len(text) <= 25 or text not in self._said:
                break
        else:
            while text in self._said:
                text = self._vary(text, sticky)
        self._said.add(text)
        return text

    def _option(self, inner: str, sticky: dict[str, str]) -> str:
        """One of the options; `{1:a|b}` takes the same place as the first `{1:...}` of the talk."""
        paired = _PAIRED.match(inner)
        if paired is None:
            return self._rng.choice(inner.split("|"))
        options = inner[paired.end() :].split("|")
        place = sticky.setdefault(f"#{paired.group(1)}", str(self._rng.randrange(len(options))))
        return options[int(place) % len(options)]

    def _vary(self, text: str, sticky: dict[str, str]) -> str:
        """A turn of phrase around a sentence that somebody has said already."""
        before, after = self._rng.random() < 0.6, self._rng.random() < 0.5
        lang = sticky.get("lang", "en")
        if before or not after:
            text = self._expand("{before_" + lang + "}", {}) + text
        if after and not text.endswith("```"):
            text += self._expand("{after_" + lang + "}", {})
        return text

    def _expand(self, template: str, sticky: dict[str, str]) -> str:
        text = template
        while (found := _INNER.search(text)) is not None:
            text = text[: found.start()] + self._choose(found.group(1), sticky) + text[found.end() :]
        if "```" not in text:
            text = re.sub(r"(?<=\S) +(?=[,.!?](?:\s|$))", "", re.sub(r"(?<=\S)  +(?=\S)", " ", text))
        return text.replace("⟪", "{").replace("⟫", "}")

    def _choose(self, inner: str, sticky: dict[str, str]) -> str:
        if "|" in inner:
            return self._option(inner, sticky)
        if inner in sticky:
            return sticky[inner]
        if span := _RANGE.fullmatch(inner):
            return str(self._rng.randint(int(span.group(1)), int(span.group(2))))
        name = inner.rstrip("0123456789")
        if name == "ver" and "early" in sticky:
            name, inner = "early", inner.replace("ver", "early")
        if name not in self._slots:
            message = f"no slot called {inner!r}"
            raise KeyError(message)
        value = self._expand(self._rng.choice(self._slots[name]), sticky)
        if name != inner:
            sticky[inner] = value
        return value
