"""A digest for Slack: one message in Block Kit, within its limits.

Limits (Block Kit reference): 50 blocks, 3000 characters of section text, 150 of a header, 40,000 in all. The chart
is a file of its own (bot.digest.chart), uploaded by whoever posts.
"""

import json
import re
from typing import Any

from bot.digest import plain
from bot.digest.model import Digest
from bot.digest.render import fitting
from bot.digest.render.fitting import LATE, Line, Section, fit, size
from bot.digest.spoken import MessageSaid, MetricSaid, Spoken, speak

_HEADER, _SECTION, _TOTAL = 150, 2_900, 36_000

# Slack has no escape for its own marks: look-alikes that mean nothing to it.
_LOOKALIKES = str.maketrans(
    {
        "|": "\N{DIVIDES}",
        "*": "\N{ASTERISK OPERATOR}",
        "~": "\N{TILDE OPERATOR}",
        "`": "\N{MODIFIER LETTER GRAVE ACCENT}",
    }
)
_EMPHASIS = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
"""Underscores, but not those inside a word, which mean nothing."""


def escape(text: str) -> str:
    """Clean text as mrkdwn that shows it letter by letter: no markup, no mention, no link."""
    text = plain.inert(_EMPHASIS.sub("\N{FULLWIDTH LOW LINE}", text.translate(_LOOKALIKES)))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def render(digest: Digest, language: str) -> str:
    """The payload as JSON."""
    return json.dumps(payload(digest, language), ensure_ascii=False, indent=2) + "\n"


def payload(digest: Digest, language: str) -> dict[str, Any]:
    """`text` (what notifications show) and `blocks`, ready for chat.postMessage."""
    spoken = speak(digest, language)
    head = f"{spoken.community}: {spoken.title}"
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _header(head), "emoji": False}}
    ]
    if spoken.purpose:
        blocks.append(_section(f"_{escape(plain.shorten(spoken.purpose, 400))}_"))
    if spoken.warnings:
        warnings = [Line(f"⚠ *{escape(warning)}*") for warning in spoken.warnings]
        blocks += [
            _section(text)
            for _, text in fit([Section("", warnings)], each=_SECTION, total=_SECTION, more="…")
        ]
    blocks.append(_context(escape(f"{spoken.rules} ({spoken.compared})")))
    for title, text in fit(
        _sections(spoken), each=_SECTION - 100, total=_TOTAL - 8_000, more=escape(spoken.more)
    ):
        blocks.append(_section(f"*{title}*\n{text}"))
    coverage = [
        Line(escape(f"{source.source}: {source.counted} · {source.newest}")) for source in spoken.coverage
    ]
    sources = Section("", [*coverage, Line(escape(spoken.made))])
    blocks += [_context(text) for _, text in fit([sources], each=1_900, total=2_000, more="…")]
    return {"text": escape(fitting.summary(spoken)), "blocks": blocks}


def _sections(spoken: Spoken) -> list[Section]:
    sections = [
        Section(
            escape(f"{area.letter} · {area.name}"),
            [Line(_metric(metric), fitting.metric_weight(metric)) for metric in area.metrics],
        )
        for area in spoken.areas
    ]
    questions = [
        Line(_message(message), fitting.question_weight(n)) for n, message in enumerate(spoken.unanswered)
    ]
    if spoken.unanswered_more:
        questions.append(Line(f"_{escape(spoken.unanswered_more)}_"))
    sections.append(Section(escape(spoken.unanswered_title), questions))
    sections.append(Section(escape(spoken.ideas_title), [Line(_message(idea)) for idea in spoken.ideas]))
    thanks = [Line(f"• *{escape(person.name)}*: {escape(person.deeds)}", LATE) for person in spoken.thanks]
    sections.append(Section(escape(spoken.thanks_title), thanks))
    return sections


def _metric(metric: MetricSaid) -> str:
    head, change, details = map(escape, fitting.metric_parts(metric))
    marked = f"*{head}*" if metric.headline else head
    line = "  ".join(filter(None, (f"• {marked}", change)))
    return f"{line}\n      {details}" if details else line


def _message(message: MessageSaid) -> str:
    text = escape(message.text)
    address = (message.url or "").replace("&", "&amp;")
    linked = f"<{address}|{text}>" if address else text
    return f"• {linked}\n      {escape(' · '.join(filter(None, (message.byline, message.support))))}"


def _header(text: str) -> str:
    text = plain.shorten(text, _HEADER)
    while size(text) > _HEADER:
        text = plain.shorten(text, len(text) - 1)
    return text


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}
