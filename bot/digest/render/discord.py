"""A digest for Discord: one message with one embed, within its limits.

Limits (Discord's message reference): content 2000; over all embeds 6000 characters of title, description, field names
and values, footer and author; title 256, description 4096, 25 fields of 256 and 1024, footer 2048. The chart is the
attachment `spaces.png`.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from bot.digest import plain
from bot.digest.model import Digest
from bot.digest.render import fitting
from bot.digest.render.fitting import EARLY, FIRST, LAST, LATE, Line, Section, fit, size
from bot.digest.spoken import AreaSaid, MessageSaid, MetricSaid, Spoken, speak

PICTURE = "spaces.png"

_COLOUR = 0x2F6FDE
_TOTAL, _CONTENT, _TITLE, _DESCRIPTION, _FIELD, _FOOTER = 6_000, 1_000, 256, 1_600, 1_024, 400
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
    made = [f"{source.source}: {source.counted}, {source.newest}" for source in spoken.coverage]
    footer = _cut(" · ".join([spoken.made, spoken.rules, *made]), _FOOTER, escaped=False)
    description = _description(spoken)
    room = _TOTAL - size(title) - size(description) - size(footer)
    fields = fit(_sections(spoken), each=_FIELD, total=room, more=escape(spoken.more))
    beside = {escape(area.name) for area in spoken.areas[1:]} if spoken.friendly else set()
    embed: dict[str, Any] = {
        "title": title,
        "description": description,
        "color": _COLOUR,
        "fields": [{"name": name, "value": value, "inline": name in beside} for name, value in fields],
        "footer": {"text": footer},
    }
    if digest.days:
        embed["image"] = {"url": f"attachment://{PICTURE}"}
    return {
        # Above the embed, and in notifications: the one sentence to read when only one is.
        "content": f"**{_cut(spoken.briefing.headline, _CONTENT)}**",
        "embeds": [embed],
        "allowed_mentions": {"parse": []},
    }


def _description(spoken: Spoken) -> str:
    briefing = spoken.briefing
    lines = [Line(f"*{escape(plain.shorten(spoken.purpose, 200))}*")] if spoken.purpose else []
    lines += [Line(f"⚠ **{escape(warning)}**") for warning in spoken.warnings]
    if briefing.beside:
        lines.append(Line(escape(briefing.beside), FIRST))
    if briefing.changes:
        lines.append(Line(f"**{escape(briefing.changes_title)}**", FIRST))
        lines += [Line(escape(plain.shorten(change, 200)), FIRST) for change in briefing.changes]
    if briefing.corrections:
        lines.append(Line(escape(plain.shorten(briefing.corrections, 400)), EARLY))
    if not spoken.friendly:
        lines.append(Line(escape(f"({spoken.compared})"), LATE))
    if briefing.todo:
        lines.append(Line(f"**{escape(briefing.todo_title)}**", FIRST))
    if not lines:
        return ""
    ((_, text),) = fit([Section("", lines)], each=_DESCRIPTION, total=_DESCRIPTION, more="…")
    return text


def _sections(spoken: Spoken) -> list[Section]:
    sections = [
        *_todo(spoken),
        Section(escape(spoken.goals_title), [Line(f"• {escape(goal)}") for goal in spoken.goals]),
    ]
    if spoken.friendly:
        return sections + [
            Section(
                escape(area.name),
                [Line(_short(metric), fitting.metric_weight(metric)) for metric in area.metrics],
            )
            for area in spoken.areas
        ]
    staff = [Line(f"• {escape(plain.shorten(text, 300))}", EARLY) for text in spoken.staff]
    return [*sections, *map(_area, spoken.areas), *_lists(spoken), Section(escape(spoken.staff_title), staff)]


def _todo(spoken: Spoken) -> Iterator[Section]:
    for number, each in enumerate(spoken.briefing.todo, 1):
        lines = [Line(_message(message), FIRST) for message in each.messages]
        lines += [
            Line(f"• **{escape(person.name)}**: {escape(plain.shorten(person.deeds, 200))}", EARLY)
            for person in each.people
        ]
        lines += [Line(f"*{escape(each.more)}*", EARLY)] if each.more else []
        # A field needs a value: a word joiner shows nothing.
        yield Section(f"{number} · {escape(each.words)}", lines or [Line("\u2060", FIRST)])


def _area(area: AreaSaid) -> Section:
    lines = [Line(_metric(metric), fitting.metric_weight(metric)) for metric in area.metrics]
    if area.unknown:
        lines.append(Line(f"*{escape(plain.shorten(area.unknown, 300))}*", LAST, is_spare=True))
    return Section(escape(f"{area.letter} · {area.name}"), lines)


def _lists(spoken: Spoken) -> list[Section]:
    questions = [
        Line(_message(message), fitting.question_weight(n)) for n, message in enumerate(spoken.unanswered)
    ]
    if spoken.unanswered_more:
        questions.append(Line(f"*{escape(spoken.unanswered_more)}*"))
    thanks = [Line(f"• **{escape(person.name)}**: {escape(person.deeds)}", LATE) for person in spoken.thanks]
    return [
        Section(escape(spoken.unanswered_title), questions),
        Section(escape(spoken.ideas_title), [Line(_message(idea)) for idea in spoken.ideas]),
        Section(escape(spoken.thanks_title), thanks),
    ]


def _short(metric: MetricSaid) -> str:
    """**75%** Questions answered (33 of 44, was 86%)."""
    value, title, beside = map(escape, fitting.short_parts(metric))
    return f"**{value}** {title}{beside}"


def _metric(metric: MetricSaid) -> str:
    head, change, details = map(escape, fitting.metric_parts(metric))
    marked = f"**{head}**" if metric.headline else head
    return " · ".join(filter(None, (f"• {marked} {change}".rstrip(), details)))


def _message(message: MessageSaid) -> str:
    text = escape(message.text)
    # A very long address would cost the room of several lines.
    linked = f"[{text}]({message.url})" if message.url and len(message.url) <= _ADDRESS else text
    return f"• {linked} · {escape(message.about)}"


def _cut(text: str, limit: int, *, escaped: bool = True) -> str:
    """At most `limit` characters after escaping, cut before it, so that no escape is torn in two."""
    written = escape if escaped else plain.inert
    length = min(len(text), limit)
    while size(written(plain.shorten(text, length))) > limit:
        length -= 1
    return written(plain.shorten(text, length))
