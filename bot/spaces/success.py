"""Success: its labels and its metrics."""

from bot.spaces.model import Area, Label

LABELS = (
    Label(
        "success_story",
        Area.SUCCESS,
        "Success story",
        "A win reached with the product: an outcome, a launch, a saving.",
    ),
)
