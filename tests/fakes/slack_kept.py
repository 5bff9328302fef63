"""An inbox that folds pages as storage does, for tests of the connector alone."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

from connectors.records import Channel, Join, Leave, Member, Message, Page
from tests.fakes.asked import Asked
from tests.fakes.base import Standing


class Kept(Asked):
    """Keeps what is delivered; the newest snapshot wins, a deletion hides what was seen before it."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: list[Page] = []
        self.gaps = self.signs = 0
        self.positions: dict[str, str] = {}
        self.snapshots: dict[str, tuple[int, datetime, Message]] = {}
        self.deleted: dict[str, datetime] = {}
        self.members: dict[str, tuple[bool, datetime, Member]] = {}
        self.channels: dict[str, tuple[datetime, Channel]] = {}
        self.joins: set[Join | Leave] = set()
        self.refused: dict[str, str] = {}
        self.failing: list[Exception] = []
        self._changed = asyncio.Event()

    async def deliver(self, page: Page) -> None:
        if self.failing:
            raise self.failing.pop(0)
        self.keep(page)
        self._changed.set()

    def keep(self, page: Page) -> None:
        self.pages.append(page)
        at = page.observed_at
        for message in page.messages:
            known = self.snapshots.get(message.id)
            if known is None or (message.revision, at) >= known[:2]:
                self.snapshots[message.id] = (message.revision, at, message)
        for deletion in page.deletions:
            self._delete(deletion.message_id, deletion.at)
        for gone in page.gone_channels:
            for id_, (_, _, message) in self.snapshots.items():
                if message.channel_id == gone.channel_id:
                    self._delete(id_, gone.at)
        self._know(page)
        self.joins.update(page.joins, page.leaves)
        self._sweep(page)
        for refusal in page.refusals:
            self.refused[refusal.channel_id] = refusal.why
        for id_ in page.readable:
            self.refused.pop(id_, None)
        if page.cursor is not None:
            self.positions[page.stream] = page.cursor

    def _know(self, page: Page) -> None:
        at = page.observed_at
        for member in page.members:
            if member.id not in self.members or (member.complete, at) >= self.members[member.id][:2]:
                self.members[member.id] = (member.complete, at, member)
        for channel in page.channels:
            if channel.id not in self.channels or at >= self.channels[channel.id][0]:
                self.channels[channel.id] = (at, channel)

    def _sweep(self, page: Page) -> None:
        at = page.observed_at
        shown = {message.id for message in page.messages}
        for swept in page.swept:
            for id_, (_, observed, message) in self.snapshots.items():
                if id_ in shown or message.channel_id != swept.channel_id or observed > at:
                    continue
                reply = message.thread_id is not None and not message.opens_thread
                inside = message.thread_id == swept.thread_id if swept.thread_id else not reply
                if (
                    inside
                    and (swept.since is None or message.created_at >= swept.since)
                    and (swept.until is None or message.created_at <= swept.until)
                ):
                    self._delete(id_, at)

    def _delete(self, id_: str, at: datetime) -> None:
        self.deleted[id_] = max(at, self.deleted.get(id_, at))

    async def cursors(self) -> Mapping[str, str]:
        return dict(self.positions)

    def gap(self) -> None:
        self.gaps += 1
        self._changed.set()

    def alive(self) -> None:
        self.signs += 1
        self._changed.set()

    def standing(self) -> dict[str, Standing]:
        return {
            id_: Standing(id_, m.channel_id, m.author_id, m.text, m.thread_id, dict(m.reactions))
            for id_, (_, observed, m) in self.snapshots.items()
            if id_ not in self.deleted or self.deleted[id_] < observed
        }

    async def equals(self, standing: Callable[[], dict[str, Standing]], seconds: float = 10.0) -> None:
        """Wait until what is kept is what stands; say where it is not."""
        try:
            await self.until(lambda: self.standing() == standing(), seconds)
        except TimeoutError:
            mine, theirs = self.standing(), standing()
            wrong = [
                (mine.get(id_), theirs.get(id_))
                for id_ in sorted({*mine, *theirs})
                if mine.get(id_) != theirs.get(id_)
            ]
            raise AssertionError(f"kept, standing: {wrong[:5]}") from None

    async def until(self, holds: Callable[[], bool], seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            while not holds():
                self._changed.clear()
                await self._changed.wait()
