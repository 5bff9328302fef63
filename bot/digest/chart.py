"""The picture of a digest: messages and active members over the window, as PNG with a sentence in its place.

matplotlib is slow to import, so it is imported only where it draws; without pyplot, which keeps every figure for ever.
"""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path

from bot.digest import plain
from bot.digest.model import Digest
from bot.digest.words import Words

_INK, _SOFT, _GRID, _BAR, _LINE = "#1f2933", "#52606d", "#d9e2ec", "#2f6fde", "#c2410c"
_WIDTH, _HEIGHT, _DENSITY = 8.0, 4.2, 200
"""Inches, and points an inch: 1600 x 840, twice what a chat shows."""

_CONFIG = "MPLCONFIGDIR"
_MANY = 16
"""More bars than this carry no number each."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture and what it shows, for those who do not see it."""

    png: bytes
    alt: str


def draw(digest: Digest, language: str) -> Chart:
    """Draw the chart: bars of the members' messages, below them a line of the active members."""
    _settle_config()
    return Chart(_png(digest, Words(language, digest.window.zone)), describe(digest, language))


def describe(digest: Digest, language: str) -> str:
    """What the chart shows, in two sentences with numbers; also where there is no room for a picture."""
    words = Words(language, digest.window.zone)
    total = sum(day.messages for day in digest.days)
    window = words.window(digest.window)
    if not total:
        return words.gettext("{window}: no messages by members.", window=window)
    busiest = max(digest.days, key=lambda day: day.messages)
    quietest = min(digest.days, key=lambda day: day.messages)
    said = words.gettext(
        "{window}: {messages} by members, {questions}.",
        window=window,
        messages=words.ngettext("{n} message", "{n} messages", total),
        questions=words.ngettext("{n} question", "{n} questions", sum(day.questions for day in digest.days)),
    )
    if len(digest.days) == 1:
        active = words.ngettext("{n} active member", "{n} active members", busiest.members)
        return f"{said} {active}."
    extremes = (
        words.gettext(
            "Most in the week from {most} ({n_most}), fewest in the week from {fewest} ({n_fewest})."
        )
        if by_week(digest)
        else words.gettext("Most on {most} ({n_most}), fewest on {fewest} ({n_fewest}).")
    ).format(
        most=words.day(busiest.day, weekday=not by_week(digest)),
        n_most=words.number(busiest.messages),
        fewest=words.day(quietest.day, weekday=not by_week(digest)),
        n_fewest=words.number(quietest.messages),
    )
    low, high = min(day.members for day in digest.days), max(day.members for day in digest.days)
    active = words.gettext("Active members: {low} to {high}.", low=words.number(low), high=words.number(high))
    return f"{said} {extremes} {active}"


def by_week(digest: Digest) -> bool:
    """Whether a bar is a week: in quarters."""
    return len(digest.days) > 1 and digest.days[1].day - digest.days[0].day > timedelta(days=1)


def _png(digest: Digest, words: Words) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - slow to import
    from matplotlib.figure import Figure  # noqa: PLC0415 - slow to import
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415 - slow to import

    figure = Figure(figsize=(_WIDTH, _HEIGHT), dpi=_DENSITY, facecolor="white")
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[5, 2])
    figure.subplots_adjust(left=0.085, right=0.975, top=0.8, bottom=0.075, hspace=0.42)
    places = range(len(digest.days))
    messages = [day.messages for day in digest.days]
    upper.bar(places, messages, color=_BAR, width=0.72, zorder=2)
    lower.plot(
        places, [day.members for day in digest.days],
        color=_LINE, linewidth=2, marker="o", markersize=4, zorder=2, clip_on=False,
    )  # fmt: skip
    if len(messages) <= _MANY:
        for place, number in zip(places, messages, strict=True):
            upper.annotate(words.number(number), (place, number), (0, 3), textcoords="offset points",
                           ha="center", fontsize=8.5, color=_INK)  # fmt: skip
    known = _drawable()
    titles = (words.gettext("Messages by members"), words.gettext("Active members"))
    for axes, title in zip((upper, lower), titles, strict=True):
        axes.set_title(title, loc="left", fontsize=9.5, color=_SOFT, pad=8 if axes is lower else 10)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_locator(MaxNLocator(4 if axes is upper else 3, integer=True))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda number, _: words.number(number)))
        axes.grid(axis="y", color=_GRID, linewidth=0.8, zorder=0)
        axes.tick_params(length=0, labelsize=8.5, colors=_SOFT)
        for spine in axes.spines.values():
            spine.set_visible(False)
    upper.set_ylim(top=max([*messages, 1]) * 1.12)
    lower.set_ylim(top=max([*(day.members for day in digest.days), 1]) * 1.15)
    # One day alone is a bar among others, not a wall.
    spare = max(0.0, (7 - len(messages)) / 2)
    lower.set_xlim(-0.6 - spare, len(messages) - 0.4 + spare)
    lower.set_xticks(*_ticks(digest, words))
    figure.text(
        0.02,
        0.955,
        _fitted(plain.clean(digest.community), known),
        fontsize=14,
        weight="bold",
        color=_INK,
        va="center",
    )
    figure.text(
        0.02, 0.895, _fitted(words.window(digest.window), known), fontsize=10, color=_SOFT, va="center"
    )
    picture = BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()


def _ticks(digest: Digest, words: Words) -> tuple[list[int], list[str]]:
    """Which bars are named, and how: every one while there is room, else every second, third ..."""
    step = max(-(-len(digest.days) // 14), 1)
    weekday = len(digest.days) <= 7 and not by_week(digest)  # noqa: PLR2004 - a week
    places = list(range(0, len(digest.days), step))
    return places, [words.short_day(digest.days[place].day, weekday=weekday) for place in places]


def _drawable() -> Callable[[str], bool]:
    """Whether the font has a character: what it lacks would be drawn as a box, with a warning."""
    from matplotlib.font_manager import FontProperties, findfont, get_font  # noqa: PLC0415 - slow to import

    characters = get_font(findfont(FontProperties(family="DejaVu Sans"))).get_charmap()
    return lambda char: ord(char) in characters


def _fitted(text: str, known: Callable[[str], bool]) -> str:
    """What the font can draw of a text, short enough for a line; `$` would begin a formula."""
    shown = " ".join("".join(char for char in text if known(char)).split())
    return plain.shorten(shown, 64).replace("$", r"\$")


def _settle_config() -> None:
    """Let matplotlib keep its cache of fonts in a temporary folder where home is not writable: it would complain."""
    try:
        writable = os.access(Path.home(), os.W_OK)
    except RuntimeError:  # a user whom the system does not know, as in many containers
        writable = False
    if _CONFIG not in os.environ and not writable:
        folder = Path(tempfile.gettempdir()) / f"spaces-matplotlib-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        os.environ[_CONFIG] = str(folder)
