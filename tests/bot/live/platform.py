"""A small platform in memory, and the connector to it: no mock of ours, but a place where people talk.

A stream is a channel, a cursor the number of messages read in it. `Village.connector` is the class that `load` gives.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.base import Connector, Held, Inbox
from connectors.errors import Unsure
from connectors.records import Deletion, Finding, Message, Page, Post, Swept

BEGIN = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)


@dataclass
class Village:
    """The platform. What `broken` holds by the name of a method is raised there, the first of it first."""

    messages: dict[str, list[Message]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    broken: dict[str, list[Exception]] = field(default_factory=dict)
    listening: list[tuple[Inbox, "asyncio.Future[None]"]] = field(default_factory=list)
    closed_places: dict[str, Exception] = field(default_factory=dict)
    """Where nothing can be posted, and what is raised there."""
    posts: list[tuple[str, Post]] = field(default_factory=list)
    fetched: list[tuple[dict[str, str], datetime, bool]] = field(default_factory=list)
    readers: dict[str, set[str]] = field(default_factory=dict)
    """Who can read a private channel."""
    closed: int = 0
    page: int = 10
    hold: asyncio.Event | None = None
    """While it is not set, reading history waits after each page."""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever somebody begins to listen."""

    def say(self, text: str, channel: str = "c") -> Message:
        talk = self.messages.setdefault(channel, [])
        message = Message(f"{channel}{len(talk)}", channel, "ada", BEGIN + timedelta(seconds=len(talk)), text)
        talk.append(message)
        return message

    async def tell(self, *messages: Message) -> None:
        """Send events to all who listen; returns when they have them."""
        for inbox, _ in self.listening:
            await inbox.deliver(Page("live", None, datetime.now(UTC), messages=messages))

    async def tell_gone(self, id_: str) -> None:
        self.gone.add(id_)
        for inbox, _ in self.listening:
            at = datetime.now(UTC)
            await inbox.deliver(Page("live", None, at, deletions=[Deletion(id_, at)]))

    def cut(self, error: Exception) -> None:
        """End every connection with this."""
        for _, ended in self.listening:
            ended.set_exception(error)

    def standing(self) -> set[str]:
        return {m.id for talk in self.messages.values() for m in talk if m.id not in self.gone}

    def connector(self) -> type[Connector]:
        class Visitor(_Visitor):
            village = self

        return Visitor


class _Visitor:
    village: Village

    def __init__(self, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
        self.settings, self.secrets = settings, secrets
        self._fail("init")

    def _fail(self, where: str) -> None:
        if self.village.broken.get(where):
            raise self.village.broken[where].pop(0)

    async def fetch(
        self, cursors: Mapping[str, str], since: datetime, held: Held, *, sweep: bool = False
    ) -> AsyncGenerator[Page, None]:
        del held  # a sweep of the village shows everything
        village = self.village
        village.fetched.append((dict(cursors), since, sweep))
        self._fail("fetch")
        for channel, talk in list(village.messages.items()):
            begin = 0 if sweep else int(cursors.get(channel, "0"))
            for start in range(begin, len(talk), village.page):
                end = min(start + village.page, len(talk))
                now = datetime.now(UTC)
                shown = [m for m in talk[start:end] if m.id not in village.gone]
                swept = [Swept(channel, None, talk[start].created_at, talk[end - 1].created_at)]
                cursor = None if sweep else str(end)
                yield Page(
                    channel,
                    cursor,
                    now,
                    messages=shown,
                    swept=swept if sweep else [],
                    fraction=end / len(talk),
                )
                if village.hold is not None:
                    await village.hold.wait()
                self._fail("page")

    async def listen(self, inbox: Inbox) -> None:
        self._fail("listen")
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.village.listening.append((inbox, ended))
        self.village.arrived.set()
        inbox.alive()
        try:
            await ended
        finally:
            self.village.listening.remove((inbox, ended))
            self.village.arrived.clear()

    async def post(self, place: str, post: Post) -> str:
        self._fail("post")
        if place in self.village.closed_places:
            raise self.village.closed_places[place]
        self.village.posts.append((place, post))
        lost = self.village.broken.get("answer")
        if lost:
            raise lost.pop(0)
        return f"p{len(self.village.posts)}"

    async def find(self, place: str, key: str) -> str | None:
        self._fail("find")
        for number, (where, post) in enumerate(self.village.posts, 1):
            if (where, post.key) == (place, key):
                return f"p{number}"
        return None

    async def edit(self, place: str, id_: str, post: Post) -> None:
        raise Unsure(f"Nobody edits {place} {id_} {post.key} here.")

    async def readable(self, member_id: str, channel_ids: Sequence[str]) -> set[str]:
        self._fail("readable")
        return {id_ for id_ in channel_ids if member_id in self.village.readers.get(id_, ())}

    async def check(self, places: Sequence[str] = ()) -> list[Finding]:
        here = [Finding(good=True, words=f"{place} is there") for place in places]
        return [Finding(good=True, words="the village is there"), *here]

    async def close(self) -> None:
        self.village.closed += 1
