"""Support: its labels and its metrics."""

from bot.spaces.model import Area, Label

LABELS = (
    Label(
        "question",
        Area.SUPPORT,
        "Question",
        "Someone asks for help or information about the product or the community.",
    ),
    Label(
        "support_answer",
        Area.SUPPORT,
        "Answer",
        "Someone else than the asker answers a question in its conversation.",
    ),
    Label(
        "resolved",
        Area.SUPPORT,
        "Resolved",
        "Shows that the question of its conversation is solved: a check-mark on the question, or the asker saying that it works.",
    ),
)
