"""Platform text made plain: one short line that no renderer has to fear.

`excerpt` takes the markup of any of the platforms away; `clean` takes what cannot be seen. Neither knows how a format
is escaped: that is each renderer's own business. `inert` is shared by those whose platform notifies people.
"""

import html
import re
import unicodedata

_JOINER = "\u2060"
"""Word joiner: invisible, never breaks a line, and no platform's mention or link survives it."""

_MARKS_KEPT = 4
"""Combining marks kept on one letter: enough for any script, too few to climb over the neighbouring lines."""

_BLANKS = str.maketrans(dict.fromkeys("\u115f\u1160\u3164\uffa0\u2800\u034f", " "))
"""Letters and marks of general use that show nothing at all."""

_MARKS = re.compile(rf"([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{{{_MARKS_KEPT}}})[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")  # fmt: skip

_RULES = (
    # A block of code says little in one line; its fences say nothing.
    (re.compile(r"```[\w+-]*\n?|~~~[\w+-]*\n?"), " "),
    # Discourse quotes and other bracket tags, with what they quote.
    (re.compile(r"\[quote[^\]]*\].*?\[/quote\]", re.DOTALL | re.IGNORECASE), " "),
    (re.compile(r"\[/?(?:details|spoiler|poll|date|b|i|u|s|code|img|url)(?:[= ][^\]]*)?\]", re.IGNORECASE), " "),
    # Slack: <@U1|name>, <#C1|name>, <!subteam^S1|@team>, <!here>, <https://…|text>.
    (re.compile(r"<[@#!][^<>|\s]{1,80}\|([^<>]{1,80})>"), r"\1"),
    (re.compile(r"<!(here|channel|everyone)>"), r"@\1"),
    (re.compile(r"<@[!&]?\w{1,30}>"), "@…"),
    (re.compile(r"<#\w{1,30}>"), "#…"),
    (re.compile(r"<!date\^[^<>|]*>"), " "),
    (re.compile(r"<((?:https?|mailto|tel):[^<>|\s]+)\|([^<>]+)>"), r"\2"),
    (re.compile(r"<((?:https?|mailto|tel):[^<>\s]+)>"), r"\1"),
    # Discord: custom emoji, moments.
    (re.compile(r"<a?(:\w{1,40}:)\d{1,30}>"), r"\1"),
    (re.compile(r"<t:-?\d{1,15}(?::\w)?>"), " "),
    # Markdown: pictures and links keep their words; quotes, headings and list marks at the start of a line go.
    (re.compile(r"!\[([^\[\]|\n]{0,200})(?:\|[^\[\]\n]{0,50})?\]\([^()\n]{0,500}\)"), r"\1"),
    (re.compile(r"\[([^\[\]\n]{1,300})\]\([^()\n]{1,500}\)"), r"\1"),
    (re.compile(r"^[ \t]*(?:>+[ \t]?|#{1,6}[ \t]+|[-*+][ \t]+(?=\S))", re.MULTILINE), ""),
    (re.compile(r"</?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>]*)?/?>|<!--.*?-->", re.DOTALL), " "),
    (re.compile(r"(\*\*|__|~~|\|\|)(?=\S)(.+?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<![\w*_~`])([*_~`])(?=\S)([^*_~`\n]+?)(?<=\S)\1(?![\w*_~`])"), r"\2"),
)  # fmt: skip

_EMPHASIS = re.compile(r"[*_~`]")

_LIST = re.compile(r"^(\d*)([-+]|(?<=\d)[.)](?=\s|$))")

_TITLE = re.compile(r"(?<=[\w)\]])[ \t]*\n+\s*(?=\S)")
"""The end of a first line that is no sentence: what follows does not go on with it."""

_READ = 4_000
"""Characters looked at: an excerpt never needs more, and no rule can then become slow."""


def clean(text: str) -> str:
    """One line of visible characters: no controls, no direction overrides, nothing zero-width, no towers of marks."""
    spaced = "".join(" " if char.isspace() else char for char in text.translate(_BLANKS))
    visible = "".join(char for char in spaced if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co"))
    return " ".join(_MARKS.sub(r"\1", visible).split())


def name(text: str) -> str:
    """A name that people gave themselves or their channel: clean, and never empty nor endless."""
    return shorten(clean(text), 40) or "?"


def excerpt(text: str, limit: int = 140) -> str:
    """The first `limit` characters of what a message says, without its platform's markup, in one line."""
    text = _untitled(text[:_READ])
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    text = _TITLE.sub(" \N{EM DASH} ", text.strip(), count=1)
    return shorten(clean(html.unescape(text)), limit)


def _untitled(text: str) -> str:
    """The text without a title that the first sentence only repeats."""
    title, _, body = text.partition("\n")
    repeated, begins = (_EMPHASIS.sub("", said).strip(" .?!\n").casefold() for said in (title, body))
    return body if repeated and begins.startswith(repeated) else text


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, cut between words where one is near, never inside a character."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    # A mark belongs to the letter before it.
    while cut and unicodedata.combining(text[len(cut)]):
        cut = cut[:-1]
    words = cut.rsplit(" ", 1)[0]
    return (words if len(words) > limit * 2 // 3 else cut).rstrip(" ,;:.") + "…"


def unaddressed(text: str) -> str:
    """Text in which no platform finds someone to notify."""
    return re.sub(r"@|<(?=[@!#])", rf"\g<0>{_JOINER}", text)


def inert(text: str) -> str:
    """Text in which no platform finds someone to notify, an address to link or an emoji to show."""
    text = unaddressed(text).replace("://", f":{_JOINER}//")
    text = re.sub(r"(?<=\w)\.(?=[^\W\d_])", f".{_JOINER}", text)
    return re.sub(r":(?=[\w+-]+:)", f":{_JOINER}", text)


def unlisted(text: str) -> str:
    """Markdown text that begins no list and draws no rule, wherever it is put."""
    return _LIST.sub(r"\1\\\2", text)


def address(url: str | None) -> str | None:
    """A web address fit to be linked in any format, or None: http(s), no blanks, nothing that closes a link."""
    if url is None or not re.fullmatch(r"https?://[!-~]{1,1900}", url):
        return None
    for char, code in (("<", "%3C"), (">", "%3E"), ("|", "%7C"), ('"', "%22"), ("(", "%28"), (")", "%29"),
                       ("`", "%60"), ("*", "%2A"), ("\\", "%5C"), ("[", "%5B"), ("]", "%5D"), ("'", "%27")):  # fmt: skip
        url = url.replace(char, code)
    return url
