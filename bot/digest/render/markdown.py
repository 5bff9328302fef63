"""A digest in Markdown, as Discourse reads it: headings, small tables, links."""

import re

from bot.digest import chart, plain
from bot.digest.model import Digest
from bot.digest.spoken import AreaSaid, MessageSaid, MetricSaid, speak
from bot.digest.words import Words

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~&$^=#!])")


def escape(text: str) -> str:
    """Clean text as Markdown that shows it letter by letter: no markup, no mention, no link."""
    return plain.unlisted(_SPECIAL.sub(r"\\\1", plain.inert(text)))


def render(digest: Digest, language: str) -> str:
    """One post. The chart is in words: a picture has to be uploaded by whoever posts it."""
    spoken = speak(digest, language)
    words = Words(language, digest.window.zone, digest.currency)
    blocks = [f"## {escape(spoken.community)}: {escape(spoken.title)}"]
    if spoken.purpose:
        blocks.append(f"*{escape(spoken.purpose)}*")
    blocks += [f"**⚠ {escape(warning)}**" for warning in spoken.warnings]
    blocks.append(f"{escape(spoken.rules)} {escape(spoken.compared[:1].upper() + spoken.compared[1:])}.")
    blocks += [block for area in spoken.areas for block in _area(area, words)]
    if digest.days:
        blocks.append(escape(chart.describe(digest, language)))
    if spoken.unanswered or spoken.unanswered_more:
        lines = [_message(message) for message in spoken.unanswered]
        lines += [f"- *{escape(spoken.unanswered_more)}*"] if spoken.unanswered_more else []
        blocks += [f"### {escape(spoken.unanswered_title)}", "\n".join(lines)]
    if spoken.ideas:
        blocks += [f"### {escape(spoken.ideas_title)}", "\n".join(map(_message, spoken.ideas))]
    if spoken.thanks:
        people = [f"- **{escape(person.name)}**: {escape(person.deeds)}" for person in spoken.thanks]
        blocks += [f"### {escape(spoken.thanks_title)}", "\n".join(people)]
    sources = [
        f"- {escape(source.source)}: {escape(source.counted)} · {escape(source.newest)}"
        for source in spoken.coverage
    ]
    if sources:
        blocks += [f"### {escape(spoken.coverage_title)}", "\n".join(sources)]
    blocks.append(escape(spoken.made))
    return "\n\n".join(blocks) + "\n"


def _area(area: AreaSaid, words: Words) -> list[str]:
    head = [
        words.gettext("Metric"),
        words.gettext("Number"),
        words.gettext("Change"),
        words.gettext("Details"),
    ]
    rows = [f"| {' | '.join(map(escape, head))} |", "|---|--:|---|---|"]
    rows += [_row(metric) for metric in area.metrics]
    return [f"### {area.letter} · {escape(area.name)}", "\n".join(rows)]


def _row(metric: MetricSaid) -> str:
    title, value = escape(metric.title), escape(metric.value)
    if metric.headline:
        title, value = f"**{title}**", f"**{value}**"
    return f"| {title} | {value} | {escape(str(metric.change))} | {escape(metric.details)} |"


def _message(message: MessageSaid) -> str:
    text = escape(message.text)
    linked = f"[{text}]({message.url})" if message.url else text
    return f"- {linked} — {escape(' · '.join(filter(None, (message.byline, message.support))))}"
