"""A digest in Markdown, as Discourse reads it: headings, small tables, links."""

import re

from bot.digest import chart, plain
from bot.digest.model import Digest
from bot.digest.spoken import AreaSaid, MessageSaid, MetricSaid, Spoken, ThanksSaid, speak
from bot.digest.words import Words

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~&$^=#!])")


def escape(text: str) -> str:
    """Clean text as Markdown that shows it letter by letter: no markup, no mention, no link."""
    return plain.unlisted(_SPECIAL.sub(r"\\\1", plain.inert(text)))


def render(digest: Digest, language: str) -> str:
    """One post. The chart is in words: a picture has to be uploaded by whoever posts it."""
    spoken = speak(digest, language)
    words = Words(language, digest.window.zone, digest.currency)
    briefing = spoken.briefing
    blocks = [f"## {escape(spoken.community)}: {escape(spoken.title)}"]
    if spoken.purpose:
        blocks.append(f"*{escape(spoken.purpose)}*")
    blocks += [f"**⚠ {escape(warning)}**" for warning in spoken.warnings]
    blocks.append(f"**{escape(briefing.headline)}** {escape(briefing.beside)}".rstrip())
    if briefing.changes:
        blocks += _list(briefing.changes_title, [f"- {escape(change)}" for change in briefing.changes])
    if briefing.corrections:
        blocks.append(escape(briefing.corrections))
    blocks += _list(briefing.todo_title, _todo(spoken))
    blocks += _list(spoken.goals_title, [f"- {escape(goal)}" for goal in spoken.goals])
    blocks += (
        _table(spoken, words)
        if spoken.friendly
        else [block for area in spoken.areas for block in _area(area, words)]
    )
    if digest.days:
        blocks.append(escape(chart.describe(digest, language)))
    questions = [_message(message) for message in spoken.unanswered]
    questions += [f"- *{escape(spoken.unanswered_more)}*"] if spoken.unanswered_more else []
    blocks += _list(spoken.unanswered_title, questions)
    blocks += _list(spoken.ideas_title, list(map(_message, spoken.ideas)))
    blocks += _list(spoken.thanks_title, list(map(_person, spoken.thanks)))
    blocks += _list(spoken.staff_title, [f"- {escape(text)}" for text in spoken.staff])
    blocks += _list(spoken.coverage_title, [
        f"- {escape(source.source)}: {escape(source.counted)} · {escape(source.newest)}" for source in spoken.coverage
    ])  # fmt: skip
    compared = "" if spoken.friendly else f" ({spoken.compared})"
    blocks.append(f"*{escape(spoken.rules + compared)} {escape(spoken.made)}.*")
    return "\n\n".join(blocks) + "\n"


def _list(title: str, lines: list[str]) -> list[str]:
    return [f"### {escape(title)}", "\n".join(lines)] if lines else []


def _todo(spoken: Spoken) -> list[str]:
    lines = []
    for number, each in enumerate(spoken.briefing.todo, 1):
        lines.append(f"{number}. {escape(each.words)}")
        lines += [f"   {_message(message)}" for message in each.messages]
        lines += [f"   {_person(person)}" for person in each.people]
        lines += [f"   - *{escape(each.more)}*"] if each.more else []
    return lines


def _table(spoken: Spoken, words: Words) -> list[str]:
    """All areas in one table, as few words as can be."""
    number, change = escape(words.gettext("Number")), escape(words.gettext("Change"))
    rows = [f"| | {number} | {change} |", "|---|--:|---|"]
    for area in spoken.areas:
        rows.append(f"| **{area.letter} · {escape(area.name)}** | | |")
        for metric in area.metrics:
            of = f" ({escape(metric.of)})" if metric.of else ""
            value = f"**{escape(metric.value)}**" if metric.headline else escape(metric.value)
            rows.append(f"| {escape(metric.title)} | {value}{of} | {escape(str(metric.change))} |")
    return ["\n".join(rows)] if spoken.areas else []


def _area(area: AreaSaid, words: Words) -> list[str]:
    head = [
        words.gettext("Metric"),
        words.gettext("Number"),
        words.gettext("Change"),
        words.gettext("Details"),
    ]
    rows = [f"| {' | '.join(map(escape, head))} |", "|---|--:|---|---|", *map(_row, area.metrics)]
    blocks = [f"### {area.letter} · {escape(area.name)}"]
    blocks += ["\n".join(rows)] if area.metrics else []
    return blocks + ([f"*{escape(area.unknown)}*"] if area.unknown else [])


def _row(metric: MetricSaid) -> str:
    title, value = escape(metric.title), escape(metric.value)
    if metric.headline:
        title, value = f"**{title}**", f"**{value}**"
    return f"| {title} | {value} | {escape(str(metric.change))} | {escape(metric.details)} |"


def _person(person: ThanksSaid) -> str:
    return f"- **{escape(person.name)}**: {escape(person.deeds)}"


def _message(message: MessageSaid) -> str:
    text = escape(message.text)
    linked = f"[{text}]({message.url})" if message.url else text
    return f"- {linked} — {escape(message.about)}"
