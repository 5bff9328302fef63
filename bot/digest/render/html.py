"""A digest as one HTML file: nothing is fetched, no script runs; for a phone, a desk, a printer and a screen reader."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.digest import chart
from bot.digest.model import Digest
from bot.digest.spoken import speak
from bot.digest.words import Words

_TEMPLATES = Path(__file__).parent / "templates"


def render(digest: Digest, language: str) -> str:
    """The whole page."""
    words = Words(language, digest.window.zone, digest.currency)
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    most = max((day.messages for day in digest.days), default=0) or 1
    bars = [
        {
            "name": words.day(day.day, weekday=not chart.by_week(digest)),
            "short": words.short_day(day.day, weekday=len(digest.days) <= 7 and not chart.by_week(digest)),  # noqa: PLR2004 - a week
            "messages": words.number(day.messages),
            "members": words.number(day.members),
            "questions": words.number(day.questions),
            "height": f"{100 * day.messages / most:.1f}",
        }
        for day in digest.days
    ]
    return environment.get_template("digest.html.jinja").render(
        digest=speak(digest, language),
        bars=bars,
        every=1 if len(bars) <= 7 else -(-len(bars) // 5),  # noqa: PLR2004 - what a phone is wide enough for
        alt=chart.describe(digest, language),
        gettext=words.gettext,
    )
