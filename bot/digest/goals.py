"""A goal in words: where it stands, where it is to be, by when, and whether it is on its way."""

from bot.digest.words import Words
from bot.goals import Pace, Progress
from bot.languages import msgid

_PACES = {
    Pace.REACHED: msgid("reached"),
    Pace.ON_PACE: msgid("on pace"),
    Pace.BEHIND: msgid("behind"),
    Pace.MISSED: msgid("missed"),
    Pace.UNKNOWN: msgid("pace unknown"),
}


def goal_said(found: Progress, words: Words) -> str:
    """Questions answered: 64% of 70% by 30 June 2026: behind (66% by now)."""
    unit = found.metric.unit
    said = words.gettext(
        "{title}: {value} of {target} by {day}: {pace}",
        title=words.gettext(found.metric.title),
        value=words.value(unit, found.value),
        target=words.amount(unit, found.target),
        day=words.full_day(found.due),
        pace=words.gettext(_PACES[found.pace]),
    )
    if found.expected is not None and found.pace in (Pace.ON_PACE, Pace.BEHIND):
        by_now = words.gettext("{value} by now", value=words.amount(unit, found.expected))
        said += f" ({by_now})"
    return said
