"""What every space is made of: labels, metrics, and the values they give. No platform, no words of a rendering."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from bot.spaces.window import Window

if TYPE_CHECKING:
    from bot.spaces.community import Community


class Area(StrEnum):
    """The six answers of CMX's SPACES model, in its order."""

    SUPPORT = "support"
    PRODUCT = "product"
    ACQUISITION = "acquisition"
    CONTRIBUTION = "contribution"
    ENGAGEMENT = "engagement"
    SUCCESS = "success"


class Unit(StrEnum):
    """What a number counts; it decides how the number is written."""

    COUNT = "count"
    SHARE = "share"
    """0 to 1, written as per cent with its denominator."""
    SECONDS = "seconds"
    DAYS = "days"
    RATE = "rate"
    """A plain ratio that may exceed 1, such as replies per conversation."""
    MONEY = "money"
    SCORE = "score"
    """-100 to 100, as NPS."""


class Direction(StrEnum):
    """Which way is good news."""

    UP = "up"
    DOWN = "down"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Label:
    """One thing a message can be. `name` is what the tags table holds; title and definition are English msgids."""

    name: str
    area: Area
    title: str
    definition: str


@dataclass(frozen=True, slots=True)
class Value:
    """One number of one window, with all that is needed to trust or distrust it.

    `number` None means unknown - never zero - and `reason` (an English msgid) says why. A share carries numerator,
    denominator and a 95 % Wilson interval; below n = 5 it has a number but `too_few` is True. `lower_bound` marks a
    median that is only known to be longer than `number` because more than half of the cases are still open.
    `parts` are further figures of the same thing, by name ("p90", "staff", "people").
    """

    number: float | None
    numerator: int | None = None
    denominator: int | None = None
    interval: tuple[float, float] | None = None
    reason: str = ""
    too_few: bool = False
    lower_bound: bool = False
    parts: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One message behind a number: what `explain` lists and the digest links to. `text` is raw platform text."""

    source: str
    channel: str
    author: str
    created_at: datetime
    text: str
    url: str | None
    people: int = 0
    """Distinct people behind it, where that is what is counted (reactions and replies to an idea)."""
    reactions: int = 0


@dataclass(frozen=True, slots=True)
class Metric:
    """A contract: what is counted, of whom, and how. All texts are English msgids of the language catalogues."""

    name: str
    area: Area
    title: str
    unit: Unit
    direction: Direction
    definition: str
    source: str
    """Where the formula comes from."""
    value: Callable[["Community", Window], Value]
    evidence: Callable[["Community", Window], Sequence[Evidence]] | None = None
    """The messages behind the number, oldest first; None where the number has no single messages behind it."""
    headline: bool = False
    """Shown first in its area."""
    recorded: bool = False
    """It rests on what people recorded, whether or not anything was said in that time."""
    staff_only: bool = False
    """It tells of places for staff only: nobody else is told."""
