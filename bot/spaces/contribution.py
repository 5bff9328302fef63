"""Contribution: its labels and its metrics."""

from bot.spaces.model import Area, Label

LABELS = (
    Label(
        "contribution",
        Area.CONTRIBUTION,
        "Contribution",
        "Something made for others: a guide, tutorial, showcase, resource, translation, code or an organised event.",
    ),
)
