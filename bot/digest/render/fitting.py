"""What a chat platform has room for: the most important lines, and a word where some were left out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bot.digest import plain
from bot.digest.spoken import MetricSaid, Spoken

FIRST, EARLY, USUAL, LATE, LAST = range(5)
"""Headlines and warnings; the first open questions; other numbers; the rest of lists; numbers that are unknown."""

_QUESTIONS_EARLY = 4
_TITLE, _DETAILS = 80, 240
"""Characters of a line's parts, before escaping: no single line can then fill a message."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line, in the platform's markup, with its weight: the lower, the longer it is kept."""

    text: str
    weight: int = USUAL
    is_spare: bool = False
    """When it is left out nobody needs to be told."""


@dataclass(slots=True)
class Section:
    """A titled run of lines."""

    title: str
    lines: list[Line] = field(default_factory=list)


def size(text: str) -> int:
    """Characters as the strictest platform counts them: UTF-16 units, of which an emoji has two."""
    return len(text.encode("utf-16-le")) // 2


def fit(sections: Sequence[Section], *, each: int, total: int, more: str) -> list[tuple[str, str]]:
    """(title, lines) of the sections, with at most `each` characters of lines in one and `total` with titles in all.

    The least important lines go first, the later before the earlier; `more` stands where some went. A section of
    which nothing is left goes too.
    """
    room_for_more = size(more) + 1
    kept: list[set[int]] = [set() for _ in sections]
    used = [0 for _ in sections]
    everything = 0
    order = sorted(
        (line.weight, number, index)
        for number, section in enumerate(sections)
        for index, line in enumerate(section.lines)
    )
    for _, number, index in order:
        length = size(sections[number].lines[index].text) + 1
        opening = 0 if kept[number] else size(sections[number].title) + room_for_more
        if used[number] + length + room_for_more <= each and everything + length + opening <= total:
            kept[number].add(index)
            used[number] += length
            everything += length + opening
    return list(_kept(sections, kept, more))


def _kept(sections: Sequence[Section], kept: list[set[int]], more: str) -> Iterator[tuple[str, str]]:
    for section, indexes in zip(sections, kept, strict=True):
        if indexes:
            lines = [section.lines[index].text for index in sorted(indexes)]
            is_cut = any(not line.is_spare for n, line in enumerate(section.lines) if n not in indexes)
            yield section.title, "\n".join(lines + [more] * is_cut)


def metric_parts(metric: MetricSaid) -> tuple[str, str, str]:
    """(title and value, change, what else) of a number, each bounded, before escaping.

    Everything that is known of the headline and of what changed; of the rest what no number may stand without.
    """
    head = f"{plain.shorten(metric.title, _TITLE)}: {plain.shorten(metric.value, _TITLE)}"
    beside = metric.details if metric.headline or metric.change.arrow else metric.caveat
    return head, plain.shorten(str(metric.change), _TITLE), plain.shorten(beside, _DETAILS)


def metric_weight(metric: MetricSaid) -> int:
    """Headlines stay longest, unknown numbers go first."""
    if metric.headline:
        return FIRST
    return USUAL if metric.known else LAST


def question_weight(index: int) -> int:
    """The oldest open questions are kept before most numbers."""
    return EARLY if index < _QUESTIONS_EARLY else LATE


def short_parts(metric: MetricSaid) -> tuple[str, str, str]:
    """(value with its arrow, title, what else in brackets) of a number for the community, before escaping."""
    change = metric.change
    before = change.before if metric.headline or change.arrow else ""
    beside = ", ".join(filter(None, (metric.of, before)))
    value = plain.shorten(f"{change.arrow} {metric.value}".strip(), _TITLE)
    return value, plain.shorten(metric.title, _TITLE), f" ({beside})" if beside else ""


def summary(spoken: Spoken) -> str:
    """The digest in one line, for notifications: whose it is, and what matters most."""
    return plain.shorten(f"{plain.shorten(spoken.community, _TITLE)}: {spoken.briefing.headline}", 400)
