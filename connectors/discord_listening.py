"""What goes on beside the gateway's connection: events are kept in order, and messages in doubt are looked at again."""

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from time import monotonic
from typing import Any, NamedTuple

from connectors.base import Inbox
from connectors.discord_asking import UNKNOWN_MESSAGE, Ask, Missing, Refused
from connectors.discord_live import Feed
from connectors.discord_messages import MESSAGES, Server, now, to_message
from connectors.errors import ConnectorError, Unavailable, UnreadablePayload
from connectors.records import Deletion, Page

_DEBOUNCE = 0.2
_LAST_WORDS = 2.0


class Door(NamedTuple):
    """Where the gateway is, and how many sessions may be begun."""

    url: str
    left: int
    every: float
    """Seconds between two beginnings."""


async def door_of(ask: Ask) -> Door:
    """Ask for the gateway.

    Raises:
        Unavailable: no session may be begun for now.
    """
    try:
        answer = await ask("GET", "/gateway/bot")
    except Missing:
        answer = {}  # then it is where it usually is
    limit = answer.get("session_start_limit") or {}
    left = limit.get("remaining")
    if left == 0:
        wait = float(limit.get("reset_after") or 60_000) / 1000
        raise Unavailable("Discord allows no more new sessions for now.", wait)
    every = 5.0 / max(int(limit.get("max_concurrency") or 1), 1)
    return Door(str(answer.get("url") or ""), int(left or 1000), every)


class Pace:
    """How fast sessions may be begun, whoever begins them."""

    def __init__(self) -> None:
        self.every = 5.0
        self.left = 1
        self._last = -self.every

    async def wait(self) -> None:
        """Wait until the next session may be begun, and count it.

        Raises:
            Unavailable: there is none left.
        """
        if self.left <= 0:
            raise Unavailable("Discord allows no more new sessions for now.", 600.0)
        await asyncio.sleep(self._last + self.every - monotonic())
        self.left -= 1
        self._last = monotonic()


class Listening:
    """One time of listening, from its connection's beginning to its end."""

    def __init__(self, feed: Feed, ask: Ask, inbox: Inbox, servers: Mapping[str, Server]) -> None:
        self._feed = feed
        self._ask = ask
        self._inbox = inbox
        self._servers = servers

    async def run(self, connection: Coroutine[Any, Any, None], arrived: asyncio.Event) -> None:
        """Work until the connection, the keeping of events or the looking up ends; what is heard by then is kept."""
        tasks = [
            asyncio.create_task(connection),
            asyncio.create_task(self._keep(arrived)),
            asyncio.create_task(self._look()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # More than once: asyncio.wait_for (before Python 3.12) swallows a cancellation that comes as it ends.
            while waiting := [task for task in tasks if not task.done()]:
                for task in waiting:
                    task.cancel()
                await asyncio.wait(waiting, timeout=0.2)
            # What has been heard already is kept before we go.
            with suppress(ConnectorError, TimeoutError):
                async with asyncio.timeout(_LAST_WORDS):
                    await self._drain()
        for task in tasks:
            if not task.cancelled():
                task.result()

    async def _keep(self, arrived: asyncio.Event) -> None:
        while True:
            await arrived.wait()
            arrived.clear()
            self._inbox.alive()
            await self._drain()

    async def _drain(self) -> None:
        """Deliver the events that wait, up to 500 at once; they are forgotten when they are durable."""
        while len(self._feed):
            page, count = self._feed.page()
            if page is not None:
                await self._inbox.deliver(page)
            self._feed.kept(count)
            await asyncio.sleep(0)

    async def _look(self) -> None:
        """Look again at messages whose reactions changed: the counts of the message itself are right."""
        feed = self._feed
        while True:
            await feed.stale_came.wait()
            await asyncio.sleep(_DEBOUNCE)
            feed.stale_came.clear()
            for message_id, (channel_id, received_at) in list(feed.stale.items()):
                if feed.stale.pop(message_id, None) is None:
                    continue
                try:
                    page = await self._seen(channel_id, message_id)
                except Refused:
                    continue
                except (Unavailable, UnreadablePayload) as error:
                    feed.look_again(channel_id, message_id, received_at)
                    await asyncio.sleep(getattr(error, "retry_after", 5.0))
                    break
                if page is not None and not (page.messages and feed.gone(message_id)):
                    await self._inbox.deliver(page._replace(received_at=received_at))

    async def _seen(self, channel_id: str, message_id: str) -> Page | None:
        asked = now()
        path = "/channels/{channel_id}/messages/{message_id}"
        try:
            raw = await self._ask("GET", path, channel_id=channel_id, message_id=message_id)
        except Missing as missing:
            if missing.code == UNKNOWN_MESSAGE:
                return Page("live", None, asked, deletions=[Deletion(message_id, asked)])
            return None
        place = next((s.places[channel_id] for s in self._servers.values() if channel_id in s.places), None)
        if place is None or (raw.get("type") or 0) not in MESSAGES:
            return None
        try:
            return Page("live", None, asked, messages=[to_message(raw, place)])
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise UnreadablePayload("Discord sent a message that cannot be read.") from error
