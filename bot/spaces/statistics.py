"""The few formulas behind honest numbers: Wilson's interval, the Kaplan-Meier median, and what chance can do."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

Z = 1.959964
"""The 97.5 % quantile of the normal distribution, for 95 % intervals."""


def wilson(hits: int, of: int) -> tuple[float, float] | None:
    """The 95 % interval of a share (Wilson 1927); None when there is nothing to take a share of."""
    if of <= 0:
        return None
    share = hits / of
    centre = share + Z * Z / (2 * of)
    spread = Z * sqrt(share * (1 - share) / of + Z * Z / (4 * of * of))
    below = 1 + Z * Z / of
    return max(0.0, (centre - spread) / below), min(1.0, (centre + spread) / below)


def shares_differ(now: tuple[int, int], before: tuple[int, int]) -> bool:
    """Whether two shares (hits, of) differ by more than chance: Newcombe's interval (1998, method 10) leaves out 0."""
    first, second = wilson(*now), wilson(*before)
    if first is None or second is None:
        return False
    share, other = now[0] / now[1], before[0] / before[1]
    difference = share - other
    lower = difference - sqrt((share - first[0]) ** 2 + (second[1] - other) ** 2)
    upper = difference + sqrt((first[1] - share) ** 2 + (other - second[0]) ** 2)
    return lower > 0 or upper < 0


def counts_differ(now: int, before: int) -> bool:
    """Whether two counts differ by more than chance: given their sum, is one half outside the interval of its share?

    The conditional test of two Poisson counts (Przyborowski and Wilenski 1940), with Wilson's interval.
    """
    interval = wilson(now, now + before)
    return interval is not None and not interval[0] <= 0.5 <= interval[1]  # noqa: PLR2004 - one half


@dataclass(frozen=True, slots=True)
class Survival:
    """A quantile of waiting times of which some have not ended yet, in the unit of the times given."""

    value: float
    reached: bool
    """False when the quantile is only known to be longer than `value`, because too many are still open."""


def waiting_quantile(waits: Sequence[tuple[float, bool]], share: float) -> Survival | None:
    """The time by which `share` of all have ended, counting those still open (Kaplan and Meier 1958).

    Each wait is (time, ended): the time until it ended, or until we last looked. None without any wait.
    """
    if not waits:
        return None
    for time, left, _ in _steps(waits):
        if left <= 1 - share + 1e-12:
            return Survival(time, reached=True)
    return Survival(max(time for time, _ in waits), reached=False)


def median_interval(waits: Sequence[tuple[float, bool]]) -> tuple[float, float] | None:
    """The 95 % interval of the waiting median (Brookmeyer and Crowley 1982); None where it has no end."""
    inside = [time for time, left, error in _steps(waits) if abs(left - 0.5) <= Z * error]
    beyond = [time for time, left, error in _steps(waits) if left + Z * error < 0.5]  # noqa: PLR2004
    if not inside or not beyond:
        return None
    return inside[0], beyond[0]


def _steps(waits: Sequence[tuple[float, bool]]) -> list[tuple[float, float, float]]:
    """(time, share still waiting just after it, its standard error by Greenwood) at each time something ended."""
    ordered = sorted(waits)
    steps: list[tuple[float, float, float]] = []
    left, variance, at_risk, index = 1.0, 0.0, len(ordered), 0
    while index < len(ordered):
        time, ended, gone = ordered[index][0], 0, 0
        while index < len(ordered) and ordered[index][0] == time:
            ended += ordered[index][1]
            gone += 1
            index += 1
        if ended:
            left *= 1 - ended / at_risk
            if at_risk > ended:
                variance += ended / (at_risk * (at_risk - ended))
            steps.append((time, left, left * sqrt(variance)))
        at_risk -= gone
    return steps


def median(values: Sequence[float]) -> float | None:
    """The middle value; None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def absence_factor(counts: Sequence[int]) -> int:
    """How few people give half of the whole (CHAOSS Contributor Absence Factor); 0 of nothing."""
    reached, total = 0, sum(counts)
    for people, count in enumerate(sorted(counts, reverse=True), start=1):
        reached += count
        if reached * 2 >= total > 0:
            return people
    return 0
