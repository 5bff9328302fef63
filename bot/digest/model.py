"""A digest: computed, not yet words. Every renderer takes this and nothing else (and a language)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from bot.spaces.model import Area, Evidence, Metric, Value
from bot.spaces.window import Window

if TYPE_CHECKING:
    from bot.goals import Progress
    from storage.reviews import Measured

VERSION = 2
"""Of the JSON form (docs/digest.schema.json). Raised when a reader of the old form would go wrong."""


class Change(StrEnum):
    """Against the window before. UP and DOWN only where the change is more than chance could make."""

    UP = "up"
    DOWN = "down"
    STEADY = "steady"
    """There is a difference, or none, but not one that chance could not make."""
    UNKNOWN = "unknown"
    """One of the two numbers is not known, or a source's data begin in between, so that they are not of the same thing."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One metric in this window and the one before."""

    metric: Metric
    value: Value
    previous: Value
    change: Change


@dataclass(frozen=True, slots=True)
class AreaReadings:
    """The readings of one area, headline first."""

    area: Area
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class Thanks:
    """A person to thank, by display name, and for what: label or "message" -> how many."""

    name: str
    did: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SourceCoverage:
    """What stands behind the numbers, for one source, in this window."""

    source: str
    connector: str
    messages: int
    """By members, in counted channels; staff's and bots' stand apart."""
    staff_messages: int
    bot_messages: int
    last_message_at: datetime | None
    """The newest message known at all: an old one means the data stops there."""
    first_message_at: datetime | None = None
    """The oldest message known at all: a young one means that there is nothing whole to compare with."""


@dataclass(frozen=True, slots=True)
class Correction:
    """A headline number of the window before that was published, and is another one since."""

    metric: Metric
    published: Value
    now: Value


@dataclass(frozen=True, slots=True)
class Refused:
    """Channels of one source that the platform does not let us read. Only those are named whose names all may know."""

    source: str
    channels: tuple[str, ...]
    unnamed: int


@dataclass(frozen=True, slots=True)
class DayCount:
    """One bar of the chart."""

    day: date
    messages: int
    questions: int
    members: int
    """Distinct active members."""


@dataclass(frozen=True, slots=True)
class Digest:
    """Everything a digest says."""

    community: str
    purpose: str
    window: Window
    previous: Window
    as_of: datetime
    areas: tuple[AreaReadings, ...]
    unanswered: tuple[Evidence, ...]
    """Questions of the window without any answer, oldest first; at most ten."""
    unanswered_total: int
    ideas: tuple[Evidence, ...]
    """Product ideas of the window, by distinct people and reactions; at most five."""
    thanks: tuple[Thanks, ...]
    coverage: tuple[SourceCoverage, ...]
    days: tuple[DayCount, ...]
    """One bar a bucket: days; for a quarter, 13 weeks (named by their first day), the last of 6 to 8 days."""
    currency: str = "EUR"
    """ISO 4217 code that the money lines are in (bot.spaces.community.Assumptions)."""
    friendly: bool = False
    """For the community itself: fewer numbers, and nobody named for waiting."""
    goals: tuple["Progress", ...] = ()
    corrections: tuple[Correction, ...] = ()
    unread: tuple[str, ...] = ()
    """Sources whose history was still being read: more may come."""
    unsure: int = 0
    """Messages of the window that the machine is unsure about, for a person to look at."""
    judged: int = 0
    """Messages of the window of which an outside judge decided something."""
    measured: tuple["Measured", ...] = ()
    """How often the machine's labels were right here, of those that people checked in the year before `as_of`."""
    refused: tuple[Refused, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Nobody wrote anything, bots apart."""
        return not any(source.messages or source.staff_messages for source in self.coverage)


@dataclass(frozen=True, slots=True)
class Explanation:
    """One number with its contract and the messages behind it."""

    metric: Metric
    window: Window
    value: Value
    evidence: Sequence[Evidence] | None
    """None where the number has no single messages behind it."""
    as_of: datetime
    answer_days: int
    currency: str = "EUR"
