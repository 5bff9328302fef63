"""A page in the making, from what the gateway says, and what must be asked for to make the next."""

from datetime import datetime
from typing import NamedTuple

from connectors.discord_messages import now
from connectors.records import Channel, ChannelGone, Deletion, Join, Leave, Member, Message, Page, Problem


class Stale(NamedTuple):
    """A message to look at again, and when we first heard that it is."""

    channel_id: str
    received_at: datetime


class Draft:
    """A page in the making, from a run of events."""

    def __init__(self) -> None:
        self.channels: list[Channel] = []
        self.members: dict[str, Member] = {}
        self.messages: dict[tuple[str, int], Message] = {}
        self.deletions: list[str] = []
        self.gone_channels: list[str] = []
        self.joins: list[Join] = []
        self.leaves: list[str] = []
        self.problems: list[Problem] = []
        self.left_out: dict[str, int] = {}

    def page(self) -> Page | None:
        """What was found; None when it was nothing. Whoever is deleted here was seen before, so the same moment does."""
        if not any(vars(self).values()):
            return None
        at = now()
        return Page(
            "live", None, at, channels=self.channels, members=list(self.members.values()),
            messages=list(self.messages.values()), deletions=[Deletion(id_, at) for id_ in self.deletions],
            gone_channels=[ChannelGone(id_, at) for id_ in self.gone_channels], joins=self.joins,
            leaves=[Leave(id_, at) for id_ in self.leaves], problems=self.problems, left_out=self.left_out,
        )  # fmt: skip
