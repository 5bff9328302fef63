"""The digest for the community itself: fewer numbers, no money, nothing that is for those who look after it."""

from dataclasses import replace

from bot.digest.model import Digest, Reading
from bot.spaces.model import Unit

_TOLD = frozenset({
    "answered_questions", "questions", "time_to_first_response", "answerers", "product_ideas", "idea_authors", "bugs",
    "new_contributors", "new_members", "advocacy", "contributions", "contributors", "active_members", "conversations",
    "messages", "reactions", "event_attendees", "success_stories", "learner_to_mentor", "csat",
})  # fmt: skip
"""Whatever else we count is for those who look after the community."""


def befriend(digest: Digest, *, money: bool = False) -> Digest:
    """The same digest for everybody; with `money`, figures of it too."""

    def is_told(reading: Reading) -> bool:
        if reading.metric.unit is Unit.MONEY or "low" in reading.value.parts:
            return money and reading.value.number is not None
        return reading.metric.name in _TOLD

    areas = [replace(area, readings=tuple(filter(is_told, area.readings))) for area in digest.areas]
    told = {reading.metric.name for area in areas for reading in area.readings}
    return replace(
        digest,
        friendly=True,
        areas=tuple(area for area in areas if area.readings),
        goals=tuple(goal for goal in digest.goals if goal.metric.name in told),
        corrections=tuple(each for each in digest.corrections if each.metric.name in told),
        unsure=0,
        judged=0,
        measured=(),
        refused=(),
    )
