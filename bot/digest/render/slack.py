"""A digest for Slack: one message in Block Kit, within its limits.

Limits (Block Kit reference): 50 blocks, 3000 characters of section text, 10 fields of 2000, 150 of a header, 40,000 in
all. The chart is a file of its own (bot.digest.chart), and the buttons a block more: both are for whoever posts.
"""

import json
import re
from typing import Any

from bot.digest import plain
from bot.digest.model import Digest
from bot.digest.render import fitting
from bot.digest.render.fitting import LATE, Line, Section, fit, size
from bot.digest.spoken import AreaSaid, MessageSaid, MetricSaid, Spoken, speak

_HEADER, _SECTION, _FIELD, _CONTEXT, _TOTAL = 150, 2_900, 900, 1_900, 36_000

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
    briefing = spoken.briefing
    head = f"{spoken.community}: {spoken.title}"
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _header(head), "emoji": False}}
    ]
    if spoken.purpose:
        blocks.append(_context(f"_{escape(plain.shorten(spoken.purpose, 400))}_"))
    blocks += _fitted([Section("", [Line(f"⚠ *{escape(warning)}*") for warning in spoken.warnings])])
    said = [f"*{escape(plain.shorten(briefing.headline, 400))}*", escape(briefing.beside)]
    blocks.append(_section("\n".join(filter(None, said))))
    sections = [
        _changes(spoken),
        _todo(spoken),
        Section(escape(spoken.goals_title), list(map(_bullet, spoken.goals))),
    ]
    blocks += _fitted(sections, escape(spoken.more))
    if spoken.friendly:
        blocks += _fields(spoken)
    else:
        blocks += _fitted([*map(_area, spoken.areas), *_lists(spoken)], escape(spoken.more))
    blocks += _fitted(
        [Section(escape(spoken.staff_title), list(map(_bullet, spoken.staff)))], escape(spoken.more)
    )
    foot = [
        Line(escape(spoken.rules if spoken.friendly else f"{spoken.rules} ({spoken.compared})"), weight=0)
    ]
    foot += [
        Line(escape(f"{source.source}: {source.counted} · {source.newest}")) for source in spoken.coverage
    ]
    foot.append(Line(escape(spoken.made), weight=0))
    blocks += [
        _context(text) for _, text in fit([Section("", foot)], each=_CONTEXT, total=_CONTEXT, more="…")
    ]
    return {"text": escape(fitting.summary(spoken)), "blocks": blocks}


def _fitted(sections: list[Section], more: str = "…") -> list[dict[str, Any]]:
    found = fit(sections, each=_SECTION - 100, total=(_TOTAL - 8_000) // 2, more=more)
    return [_section(f"*{title}*\n{text}" if title else text) for title, text in found]


def _fields(spoken: Spoken) -> list[dict[str, Any]]:
    """The areas side by side, two in a row; the first, which matters most, alone."""
    areas = [
        Section(
            escape(area.name),
            [Line(_short(metric), fitting.metric_weight(metric)) for metric in area.metrics],
        )
        for area in spoken.areas
    ]
    texts = [
        f"*{title}*\n{text}" for title, text in fit(areas, each=_FIELD, total=6_000, more=escape(spoken.more))
    ]
    blocks = [_section(text) for text in texts[:1]]
    fields = [{"type": "mrkdwn", "text": text, "verbatim": True} for text in texts[1:]]
    return blocks + [{"type": "section", "fields": fields[at : at + 2]} for at in range(0, len(fields), 2)]


def _changes(spoken: Spoken) -> Section:
    lines = [Line(escape(change), fitting.FIRST) for change in spoken.briefing.changes]
    if spoken.briefing.corrections:
        lines.append(Line(escape(plain.shorten(spoken.briefing.corrections, 600)), fitting.FIRST))
    return Section(escape(spoken.briefing.changes_title), lines)


def _todo(spoken: Spoken) -> Section:
    lines = []
    for number, each in enumerate(spoken.briefing.todo, 1):
        lines.append(Line(f"*{number}.* {escape(each.words)}", fitting.FIRST))
        lines += [Line(_message(message), fitting.EARLY) for message in each.messages]
        lines += [
            Line(
                f"      • *{escape(person.name)}*: {escape(plain.shorten(person.deeds, 200))}", fitting.EARLY
            )
            for person in each.people
        ]
        lines += [Line(f"      _{escape(each.more)}_", fitting.EARLY)] if each.more else []
    return Section(escape(spoken.briefing.todo_title), lines)


def _area(area: AreaSaid) -> Section:
    lines = [Line(_metric(metric), fitting.metric_weight(metric)) for metric in area.metrics]
    if area.unknown:
        lines.append(Line(f"_{escape(plain.shorten(area.unknown, 600))}_", fitting.LAST, is_spare=True))
    return Section(escape(f"{area.letter} · {area.name}"), lines)


def _lists(spoken: Spoken) -> list[Section]:
    questions = [
        Line(_message(message), fitting.question_weight(n)) for n, message in enumerate(spoken.unanswered)
    ]
    if spoken.unanswered_more:
        questions.append(Line(f"_{escape(spoken.unanswered_more)}_"))
    thanks = [Line(f"• *{escape(person.name)}*: {escape(person.deeds)}", LATE) for person in spoken.thanks]
    return [
        Section(escape(spoken.unanswered_title), questions),
        Section(escape(spoken.ideas_title), [Line(_message(idea)) for idea in spoken.ideas]),
        Section(escape(spoken.thanks_title), thanks),
    ]


def _bullet(text: str) -> Line:
    return Line(f"• {escape(plain.shorten(text, 300))}")


def _short(metric: MetricSaid) -> str:
    """75%  Questions answered (33 of 44, was 86%)."""
    value, title, beside = map(escape, fitting.short_parts(metric))
    return f"*{value}*  {title}{beside}" if metric.headline else f"{value}  {title}{beside}"


def _metric(metric: MetricSaid) -> str:
    head, change, beside = map(escape, fitting.metric_parts(metric))
    marked = f"*{head}*" if metric.headline else head
    line = "  ".join(filter(None, (f"• {marked}", change)))
    if metric.headline and beside:
        return f"{line}\n      {beside}"
    return f"{line} · {beside}" if beside else line


def _message(message: MessageSaid) -> str:
    text = escape(message.text)
    address = (message.url or "").replace("&", "&amp;")
    linked = f"<{address}|{text}>" if address else text
    return f"      • {linked} · {escape(message.about)}"


def _header(text: str) -> str:
    text = plain.shorten(text, _HEADER)
    while size(text) > _HEADER:
        text = plain.shorten(text, len(text) - 1)
    return text


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}
