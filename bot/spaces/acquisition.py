"""Acquisition: its labels and its metrics."""

from bot.spaces.model import Area, Label

LABELS = (
    Label(
        "advocacy",
        Area.ACQUISITION,
        "Advocacy",
        "Someone recommends the product or the community, refers others to it, or vouches for it.",
    ),
    Label("introduction", Area.ACQUISITION, "Introduction", "A newcomer says who they are."),
)
