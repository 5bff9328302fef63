"""`python -m bot.spaces`: writes docs/metrics.md from the catalogue, so that the page cannot lie."""

from pathlib import Path

from bot.spaces.catalogue import LABELS, METRICS
from bot.spaces.model import Area, Direction, Metric, Unit

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"

_HEAD = """# The metrics

This page is made from the program (`python -m bot.spaces`); a test keeps it so.

Every number is a contract. `spaces explain NAME` prints it, with the messages behind the number; on the platforms
`/spaces explain` does, with those that the asker can read.

Rules for all of them:

- A window is half-open and cut at midnight in the community's time zone. A question belongs to the window in which
  it was asked.
- Members only: staff and bots are shown apart. Private channels count only when the configuration names them;
  deleted messages never.
- Unknown is not zero: a number that nobody can know is a dash, with the reason.
- A share shows its denominator and a 95 % Wilson interval; below five it says "too few to say".
- Waiting times count those who still wait (Kaplan-Meier), so that silence never makes a number better.
- An arrow appears only where the change against the window before is more than chance: Newcombe's interval for
  shares, the conditional Poisson test for counts, intervals apart for medians.
- What people recorded ([talking.md](talking.md)) belongs to a window that holds all of its days; a sum is known only
  where no day of the window is left out.
- Money is off until you set the assumptions in `[value]`; low, middle and high are always shown together.
"""

_UNITS = {
    Unit.COUNT: "a number",
    Unit.SHARE: "a share",
    Unit.SECONDS: "a time",
    Unit.DAYS: "days",
    Unit.RATE: "a ratio",
    Unit.MONEY: "money",
    Unit.SCORE: "-100 to 100",
}
_GOOD = {
    Direction.UP: "more is better",
    Direction.DOWN: "less is better",
    Direction.NEITHER: "neither way is better",
}


def page() -> str:
    """The whole text of docs/metrics.md."""
    parts = [_HEAD]
    for area in Area:
        parts.append(f"## {area.capitalize()}\n")
        parts += [_entry(metric) for metric in METRICS.values() if metric.area is area]
    parts.append(
        "## Labels\n\nA message may bear several; a moderator's verdict always beats the machine's.\n"
    )
    parts.append("\n".join(f"- `{label.name}`: {label.definition}" for label in LABELS.values()) + "\n")
    return "\n".join(parts)


def _entry(metric: Metric) -> str:
    return (
        f"### {metric.title}\n\n`{metric.name}`: {_UNITS[metric.unit]}, {_GOOD[metric.direction]}. "
        f"{metric.definition}\nSource: {metric.source}.\n"
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
