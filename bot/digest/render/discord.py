"""A digest for Discord: one message with one embed, within its limits.

Limits (Discord's message reference): content 2000; over all embeds 6000 characters of title, description, field names
and values, footer and author; title 256, description 4096, 25 fields of 256 and 1024, footer 2048. The chart is the
attachment `spaces.png`.
"""

import json
import re
from typing import Any

from bot.digest import plain
from bot.digest.model import Digest
from bot.digest.render import fitting
from bot.digest.render.fitting import LATE, Line, Section, fit, size
from bot.digest.spoken import MessageSaid, MetricSaid, Spoken, speak

PICTURE = "spaces.png"

_COLOUR = 0x2F6FDE
_TOTAL, _TITLE, _DESCRIPTION, _FIELD, _FOOTER = 6_000, 256, 1_200, 1_024, 400
_ADDRESS = 400
_SPECIAL = re.compile(r"([\\*_~`|<>\[\]#])")


def escape(text: str) -> str:
    """Clean text as Discord's markdown that shows it letter by letter: no markup, no mention, no link."""
    return plain.unlisted(_SPECIAL.sub(r"\\\1", plain.inert(text)))


def render(digest: Digest, language: str) -> str:
    """The payload as JSON."""
    return json.dumps(payload(digest, language), ensure_ascii=False, indent=2) + "\n"


def payload(digest: Digest, language: str) -> dict[str, Any]:
    """`content`, `embeds` and `allowed_mentions`, ready to be sent with the attachment `spaces.png`."""
    spoken = speak(digest, language)
    title = _cut(f"{spoken.community}: {spoken.title}", _TITLE)
    footer = _cut(
        " · ".join([*(f"{source.source}: {source.counted}, {source.newest}" for source in spoken.coverage), spoken.made]),
        _FOOTER,
        escaped=False,
    )  # fmt: skip
    description = _description(spoken)
    room = _TOTAL - size(title) - size(description) - size(footer)
    fields = fit(_sections(spoken), each=_FIELD, total=room, more=escape(spoken.more))
    embed: dict[str, Any] = {
        "title": title,
        "description": description,
        "color": _COLOUR,
        "fields": [{"name": name, "value": value, "inline": False} for name, value in fields],
        "footer": {"text": footer},
    }
    if digest.days:
        embed["image"] = {"url": f"attachment://{PICTURE}"}
    return {
        "content": _cut(fitting.summary(spoken), 1_000),
        "embeds": [embed],
        "allowed_mentions": {"parse": []},
    }


def _description(spoken: Spoken) -> str:
    lines = [Line(f"⚠ **{escape(warning)}**") for warning in spoken.warnings]
    if spoken.purpose:
        lines.insert(0, Line(f"*{escape(plain.shorten(spoken.purpose, 200))}*"))
    lines.append(Line(escape(f"{spoken.rules} ({spoken.compared})"), weight=0))
    ((_, text),) = fit([Section("", lines)], each=_DESCRIPTION, total=_DESCRIPTION, more="…")
    return text


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
        questions.append(Line(f"*{escape(spoken.unanswered_more)}*"))
    sections.append(Section(escape(spoken.unanswered_title), questions))
    sections.append(Section(escape(spoken.ideas_title), [Line(_message(idea)) for idea in spoken.ideas]))
    thanks = [Line(f"• **{escape(person.name)}**: {escape(person.deeds)}", LATE) for person in spoken.thanks]
    sections.append(Section(escape(spoken.thanks_title), thanks))
    return sections


def _metric(metric: MetricSaid) -> str:
    head, change, details = map(escape, fitting.metric_parts(metric))
    marked = f"**{head}**" if metric.headline else head
    return " · ".join(filter(None, (f"• {marked} {change}".rstrip(), details)))


def _message(message: MessageSaid) -> str:
    text = escape(message.text)
    # A very long address would cost the room of several lines.
    linked = f"[{text}]({message.url})" if message.url and len(message.url) <= _ADDRESS else text
    return f"• {linked} · {escape(' · '.join(filter(None, (message.byline, message.support))))}"


def _cut(text: str, limit: int, *, escaped: bool = True) -> str:
    """At most `limit` characters after escaping, cut before it, so that no escape is torn in two."""
    written = escape if escaped else plain.inert
    length = min(len(text), limit)
    while size(written(plain.shorten(text, length))) > limit:
        length -= 1
    return written(plain.shorten(text, length))
