"""Engagement: its labels and its metrics."""

from bot.spaces.model import Area, Label

LABELS = (
    Label("event", Area.ENGAGEMENT, "Event", "Announces or invites to a meeting, call or other event."),
    Label("thanks", Area.ENGAGEMENT, "Thanks", "Someone thanks somebody."),
)
