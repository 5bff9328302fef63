"""What every format has in common, and the formats that people read: terminal, Markdown, HTML, JSON."""

import json
import re
import subprocess
import sys
import unicodedata
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import cache
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.cells import cell_len
from rich.console import Console

from bot.digest.model import AreaReadings, Digest
from bot.digest.render import FORMATS, render, terminal
from bot.digest.spoken import speak
from bot.spaces.model import Area, Value
from tests.bot.digest.hostile import BENIGN, hostile, named
from tests.bot.digest.samples import AS_OF, metric, reading, sample_digest

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "digest.schema.json").read_text(encoding="utf-8"))
MENTION = re.compile(r"@[\w{<&!]|(?<!\\)<[@#!]")


def bare() -> Digest:
    """Nothing is known, and nobody said anything."""
    return replace(
        sample_digest(), purpose="", areas=(), unanswered=(), unanswered_total=0, ideas=(), thanks=(), coverage=(), days=(),
    )  # fmt: skip


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("form", FORMATS)
def test_every_format_says_what_a_digest_says(form: str, language: str) -> None:
    said = render(sample_digest(), form, language)
    # Escapes and joiners are not what is tested here.
    plain = re.sub("[\\\\\u2060]", "", said)
    percent, waiting, until, team, reason = {
        "en": ("64%", "1h 31m", "11–17 July 2016", "no data after 15 July 2016, 20:03", "no source tells when members join"),
        "es": ("64\xa0%", "1h 31min", "11 al 17 de julio de 2016", "no hay datos después del 15 de julio de 2016, 20:03", "ninguna fuente dice cuándo se unen los miembros"),
    }[language]  # fmt: skip
    expected = [
        "Aurora Makers",
        "People who build weather stations",
        until,
        reason,
        "¿Alguien sabe si la antena aguanta",
    ]
    expected += ["https://forum.example/t/1", "Iñigo", "Ana López", "Oluwaseun"]
    if form != "json":
        expected += [percent, waiting, "3 of 4" if language == "en" else "3 de 4", "▲ 20", team]
        expected += [
            "and 7 more wait" if language == "en" else "esperan 7 más",
            "32 of 50" if language == "en" else "32 de 50",
        ]
    if form == "html":
        plain = plain.replace("&nbsp;", " ")
    for text in expected:
        assert text in plain, text


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("form", FORMATS)
def test_a_digest_of_nothing_is_still_a_digest(form: str, language: str) -> None:
    assert "Aurora Makers" in render(bare(), form, language)


def test_an_unknown_format_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="The format 'pdf' is not known: take one of terminal, markdown"):
        render(sample_digest(), "pdf", "en")


def test_a_source_whose_data_stops_is_told_loudly() -> None:
    said = render(sample_digest(), "terminal", "en")
    assert "!! team: no data after 15 July 2016, 20:03." in said
    assert "forum: no data after" not in said


def test_what_is_imported_before_it_is_asked_for_is_light() -> None:
    heavy = ("babel", "jinja2", "matplotlib", "rich", "orjson")
    program = f"import sys, bot.digest.render, bot.languages; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Terminal


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_no_line_of_the_terminal_is_wider_than_it(width: int) -> None:
    out = StringIO()
    terminal.show(sample_digest(), "es", Console(file=out, width=width, color_system=None))
    assert max(cell_len(line) for line in out.getvalue().splitlines()) <= width


def test_arrows_are_coloured_by_good_and_bad() -> None:
    out = StringIO()
    terminal.show(sample_digest(), "en", Console(file=out, width=120, force_terminal=True, color_system="standard"))  # fmt: skip
    assert "\x1b[32m▲ 46 points" in out.getvalue()
    assert "\x1b[31m▲ 10" in out.getvalue()
    assert "\x1b[32m▼ 9" in out.getvalue()


@given(hostile(), hostile())
@settings(max_examples=50, deadline=None)
def test_nothing_controls_the_terminal(name: str, text: str) -> None:
    said = render(named(name=name, text=text), "terminal", "en")
    assert {unicodedata.category(char) for char in said.replace("\n", "")}.isdisjoint(
        {"Cc", "Cf", "Cs", "Co"}
    )
    assert max(cell_len(line) for line in said.splitlines()) <= 100


# Markdown


def _shape(said: str) -> tuple[list[str], list[str]]:
    """The markup of a Markdown text without its words, and the addresses it links to."""
    kinds: list[str] = []
    links: list[str] = []

    def walk(tokens: list[Token]) -> None:
        for token in tokens:
            if token.type not in {"text", "text_special"}:
                kinds.append(f"{token.type} {token.tag}")
            if token.type == "link_open":
                links.append(str(token.attrs["href"]))
            walk(token.children or [])

    walk(MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(said))
    return kinds, links


@cache
def _benign_shape() -> tuple[list[str], list[str]]:
    return _shape(render(BENIGN, "markdown", "en"))


@given(hostile(), hostile())
@settings(max_examples=100, deadline=None)
def test_nothing_breaks_out_of_markdown(name: str, text: str) -> None:
    said = render(named(name=name, text=text), "markdown", "en")
    assert _shape(said) == _benign_shape()
    ours = re.sub(r"\]\(https://forum\.example/t/1\)", "", said)
    assert not MENTION.search(ours)
    assert "://" not in ours
    assert not re.search(r"\w\.(?:com|gg|example)\b", ours)


def test_markdown_shows_a_name_letter_by_letter() -> None:
    said = render(named(name="*a* [b](c) <d> &amp; `e` | f", text="x"), "markdown", "en")
    shown = (
        re.sub("<[^>]+>", "", MarkdownIt("commonmark").render(said)).replace("&lt;", "<").replace("&gt;", ">")
    )
    assert "*a* [b](c) <d> &amp;amp; `e` | f" in shown


def test_a_bar_in_a_title_opens_no_column() -> None:
    def with_title(title: str) -> Digest:
        line = reading(metric("x", Area.SUPPORT, title), Value(1))
        return replace(sample_digest(), areas=(AreaReadings(Area.SUPPORT, (line,)),))

    assert _shape(render(with_title("a | b"), "markdown", "en")) == _shape(
        render(with_title("a"), "markdown", "en")
    )
    assert "a \\| b" in render(with_title("a | b"), "markdown", "en")


# HTML


class _Page(HTMLParser):
    """Tags and addresses of a page, its words apart."""

    def __init__(self, said: str) -> None:
        super().__init__(convert_charrefs=True)
        self.shape: list[tuple[str, Counter[str]]] = []
        self.addresses: set[str] = set()
        self.words = ""
        self.feed(said)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.shape.append((tag, Counter(name for name, _ in attrs)))
        self.addresses |= {value or "" for name, value in attrs if name in {"href", "src"}}

    def handle_endtag(self, tag: str) -> None:
        self.shape.append((f"/{tag}", Counter()))

    def handle_data(self, data: str) -> None:
        self.words += data


@cache
def _benign_page() -> _Page:
    return _Page(render(BENIGN, "html", "en"))


@given(hostile(), hostile())
@settings(max_examples=60, deadline=None)
def test_nothing_breaks_out_of_the_page(name: str, text: str) -> None:
    page = _Page(render(named(name=name, text=text), "html", "en"))
    assert page.shape == _benign_page().shape
    assert page.addresses == {"https://forum.example/t/1"}


def test_the_page_stands_alone() -> None:
    said = render(sample_digest(), "html", "es")
    assert said.startswith('<!doctype html>\n<html lang="es">')
    assert not re.search(r"<(?:script|link|img|iframe|object)\b|@import|url\(", said)
    assert "prefers-color-scheme: dark" in said
    assert "@media print" in said


def test_the_page_can_be_read_aloud() -> None:
    said = render(sample_digest(), "html", "en")
    page = _Page(said)
    assert re.findall(r"<h([1-6])", said)[:3] == ["1", "2", "3"]
    assert all("scope" in names for tag, names in page.shape if tag == "th")
    assert 'role="img" aria-label="Week of 11–17 July 2016: 1,992 messages by members' in said
    assert "What questions means." in page.words


@pytest.mark.parametrize("back", ["--page", "--card"])
@pytest.mark.parametrize("ink", ["--ink", "--soft", "--accent", "--good", "--bad"])
@pytest.mark.parametrize("scheme", [0, 1])
def test_the_pages_colours_have_contrast(ink: str, back: str, scheme: int) -> None:
    """At least 4.5 to 1 (WCAG 2 AA), light and dark."""
    said = render(sample_digest(), "html", "en")
    palette = re.findall(r":root \{([^}]*)\}", said)[scheme]
    colours = dict(re.findall(r"(--[\w-]+): (#\w+);", palette))
    lights = sorted((_luminance(colours[ink]), _luminance(colours[back])), reverse=True)
    assert (lights[0] + 0.05) / (lights[1] + 0.05) >= 4.5


def _luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[index : index + 2], 16) / 255 for index in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


# JSON


def _valid(said: str) -> Any:
    document = json.loads(said)
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(SCHEMA, format_checker=checker).validate(document)
    return document


def test_the_schema_is_one_and_is_strict() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for name, part in [("digest", SCHEMA), *SCHEMA["$defs"].items()]:
        assert part["additionalProperties"] is False, name
        assert set(part["required"]) == set(part["properties"]), name


@pytest.mark.parametrize("language", ["en", "es"])
def test_json_keeps_every_number_as_it_is(language: str) -> None:
    digest = sample_digest()
    document = _valid(render(digest, "json", language))
    metrics = {metric["name"]: metric for area in document["areas"] for metric in area["metrics"]}
    assert metrics["answered_questions"]["value"] == {
        "number": 0.64, "numerator": 32, "denominator": 50, "interval": [0.501, 0.759],
        "reason": "", "too_few": False, "lower_bound": False, "parts": {"open": 4},
    }  # fmt: skip
    assert metrics["new_members"]["value"]["number"] is None
    assert metrics["advocates"]["value"]["number"] == 0
    assert metrics["time_to_resolution"]["value"]["lower_bound"] is True
    assert document["window"]["start"] == "2016-07-10T22:00:00+00:00"
    assert document["as_of"] == AS_OF.isoformat()
    assert [day["messages"] for day in document["days"]] == [day.messages for day in digest.days]
    assert document["unanswered_total"] == 10


def test_a_digest_of_nothing_is_valid_json_too() -> None:
    _valid(render(bare(), "json", "en"))


@given(hostile(), hostile())
@settings(max_examples=50, deadline=None)
def test_nothing_in_json_is_invisible_or_pings(name: str, text: str) -> None:
    said = render(named(name=name, text=text), "json", "en")
    _valid(said)
    strings = re.findall(r'"(?:[^"\\]|\\.)*"', said)
    assert not any(MENTION.search(json.loads(string)) for string in strings if "@" in string)
    assert {unicodedata.category(char) for char in said.replace("\n", "").replace("\u2060", "")}.isdisjoint(
        {"Cc", "Cf", "Cs", "Co"}
    )


@pytest.mark.parametrize(
    ("silence", "said"), [(timedelta(days=2), False), (timedelta(days=2, seconds=1), True)]
)
def test_a_quiet_day_is_no_gap_but_two_are(silence: timedelta, said: bool) -> None:
    digest = sample_digest()
    (first, *_) = digest.coverage
    quiet = replace(first, last_message_at=digest.window.end - silence)
    warnings = speak(replace(digest, coverage=(quiet,)), "en").warnings
    assert bool(warnings) is said
