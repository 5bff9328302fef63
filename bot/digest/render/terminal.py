"""A digest for the terminal: tables and bars, readable without colour and at 80 columns."""

from collections.abc import Sequence
from io import StringIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from bot.digest import chart
from bot.digest.model import Digest
from bot.digest.spoken import AreaSaid, MessageSaid, MetricSaid, Spoken, speak
from bot.digest.words import Words

_WIDE = 110
"""From here on the details of a number have a column of their own."""

_MOODS = {"good": "green", "bad": "red", "": "default"}
_DIM = "bright_black"


def render(digest: Digest, language: str) -> str:
    """Without colour or any other control character, 100 columns wide: what a file or a pipe gets."""
    out = StringIO()
    show(digest, language, Console(file=out, width=100, color_system=None, force_terminal=False, emoji=False))
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def show(digest: Digest, language: str, console: Console | None = None) -> None:
    """Print a digest on a console, in whatever width and colours it has; without one, on standard output."""
    console = console or Console(emoji=False)
    spoken = speak(digest, language)
    words = Words(language, digest.window.zone, digest.currency)
    console.print(_head(spoken))
    console.print(_briefing(spoken, links=console.is_terminal))
    if spoken.goals:
        console.print(_section(spoken.goals_title, _lines(spoken.goals)))
    for area in spoken.areas:
        console.print(_area(area, wide=console.width >= _WIDE))
    for title, messages, more in (
        (spoken.unanswered_title, spoken.unanswered, spoken.unanswered_more),
        (spoken.ideas_title, spoken.ideas, ""),
    ):
        if messages or more:
            console.print(_messages(title, messages, more, links=console.is_terminal))
    if spoken.thanks:
        rows = _grid(2)
        for person in spoken.thanks:
            rows.add_row(Text(person.name), Text(person.deeds, style=_DIM))
        console.print(_section(spoken.thanks_title, rows))
    if digest.days:
        console.print(_section(words.gettext("Messages by members"), _bars(digest, words)))
    if spoken.staff:
        console.print(_section(spoken.staff_title, _lines(spoken.staff)))
    console.print(_foot(spoken))


def _briefing(spoken: Spoken, *, links: bool) -> RenderableType:
    briefing = spoken.briefing
    blocks: list[RenderableType] = [Text(briefing.headline, style="bold")]
    blocks += [Text(text) for text in (briefing.beside, briefing.corrections) if text]
    if briefing.changes:
        blocks.append(_section(briefing.changes_title, _lines(briefing.changes)))
    if briefing.todo:
        rows = _grid(2)
        for number, each in enumerate(briefing.todo, 1):
            said = Text(each.words)
            for message in each.messages:
                said.append("\n• ").append_text(_message(message, links=links))
            for person in each.people:
                said.append(f"\n• {person.name}: ").append(person.deeds, style=_DIM)
            if each.more:
                said.append(f"\n{each.more}", style=_DIM)
            rows.add_row(Text(f"{number}."), said)
        blocks.append(_section(briefing.todo_title, rows))
    return Group(*blocks)


def _lines(texts: Sequence[str]) -> RenderableType:
    rows = _grid(2)
    for text in texts:
        rows.add_row(Text("•"), Text(text))
    return rows


def _head(spoken: Spoken) -> RenderableType:
    lines: list[RenderableType] = [
        Rule(Text(spoken.community, style="bold"), characters="═", style="cyan"),
        Text(spoken.title, style="bold", justify="center"),
        Text(spoken.compared, style=_DIM, justify="center"),
    ]
    if spoken.purpose:
        lines.append(Text(f"“{spoken.purpose}”", style="italic", justify="center"))
    lines.append(Text())
    lines += [Text(f"!! {warning}", style="bold yellow") for warning in spoken.warnings]
    return Group(*lines)


def _area(area: AreaSaid, *, wide: bool) -> RenderableType:
    blocks: list[RenderableType] = []
    for metric in area.metrics:
        row = Table.grid(padding=(0, 2, 0, 0), expand=True)
        row.add_column(ratio=24)
        row.add_column(ratio=13, justify="right")
        row.add_column(ratio=25)
        title = Text(metric.title, style="bold" if metric.headline else "")
        details = Text(metric.details, style=_DIM)
        if wide:
            row.add_column(ratio=40)
            row.add_row(title, _value(metric), _change(metric), details)
        else:
            row.add_row(title, _value(metric), _change(metric))
        blocks.append(row)
        if metric.details and not wide:
            blocks.append(Padding(details, (0, 0, 0, 4)))
    if area.unknown:
        blocks.append(Text(area.unknown, style=_DIM))
    return _section(f"{area.letter} │ {area.name}", Group(*blocks))


def _value(metric: MetricSaid) -> Text:
    style = "bold" if metric.headline else ""
    return Text(metric.value, style=style if metric.known else _DIM)


def _change(metric: MetricSaid) -> Text:
    change = metric.change
    said = Text(f"{change.arrow} {change.difference}".strip(), style=_MOODS[change.mood])
    if change.before:
        said.append(f" ({change.before})" if said.plain else change.before, style=_DIM)
    return said


def _messages(title: str, messages: tuple[MessageSaid, ...], more: str, *, links: bool) -> RenderableType:
    rows = _grid(2)
    for message in messages:
        rows.add_row(Text("•"), _message(message, links=links))
    if more:
        rows.add_row(Text(" "), Text(more, style=_DIM))
    return _section(title, rows)


def _message(message: MessageSaid, *, links: bool) -> Text:
    said = Text(message.text, style=f"link {message.url}" if links and message.url else "")
    said.append(f"\n{message.about}", style=_DIM)
    if message.url:
        said.append(f"\n{message.url}", style=_DIM)
    return said


def _bars(digest: Digest, words: Words) -> RenderableType:
    most = max((day.messages for day in digest.days), default=0) or 1
    rows = _grid(3)
    for day in digest.days:
        name = words.day(day.day, weekday=not chart.by_week(digest))
        bar = Text(_bar(day.messages / most), style="cyan")
        bar.append(f" {words.number(day.messages)}")
        counts = [words.ngettext("{n} member", "{n} members", day.members)]
        if day.questions:
            counts.append(words.ngettext("{n} question", "{n} questions", day.questions))
        rows.add_row(Text(name, style=_DIM, justify="right"), bar, Text(", ".join(counts), style=_DIM))
    return rows


def _bar(share: float, width: int = 32) -> str:
    eighths = round(share * width * 8)
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def _foot(spoken: Spoken) -> RenderableType:
    rows = _grid(2)
    for source in spoken.coverage:
        rows.add_row(Text(source.source), Text(f"{source.counted} · {source.newest}", style=_DIM))
    made = [Text(spoken.rules, style=_DIM), Text(spoken.made, style=_DIM)]
    return Group(*([_section(spoken.coverage_title, rows)] if spoken.coverage else [Text()]), *made)


def _section(title: str, body: RenderableType) -> RenderableType:
    head = Rule(Text(title, style="bold cyan"), align="left", style="cyan")
    return Group(Text(), head, body)


def _grid(columns: int) -> Table:
    rows = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(columns):
        rows.add_column()
    return rows
