"""What Slack's events mean: each is kept before it is acknowledged, whether it came over a socket or over HTTP."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from connectors.base import Inbox
from connectors.errors import Misconfigured
from connectors.paging import Draft
from connectors.records import ChannelGone, Deletion, Join, Page, Refusal
from connectors.slack_asking import Asking
from connectors.slack_history import History
from connectors.slack_messages import to_moment
from connectors.slack_people import People
from connectors.slack_workspace import SHAPE, Workspace

_LOG = logging.getLogger("connectors.slack")

_STREAM = "events"
_PATIENCE = 2.0
"""Seconds that an event waits for what must be asked first; Slack waits 3 for us, and then sends it again."""
_DEBOUNCE = 0.2
"""Seconds in which reactions to one message are one question."""
_REMEMBERED = 20_000

_RECEIVED: ContextVar[datetime | None] = ContextVar("received", default=None)
"""When the event came that is being kept; what is asked behind it inherits it."""

Row = dict[str, Any]


_ACTS = {
    "message": "_message", "app_mention": "_mention",
    "reaction_added": "_reaction", "reaction_removed": "_reaction",
    "channel_created": "_channel", "channel_rename": "_channel", "channel_archive": "_channel",
    "channel_unarchive": "_channel", "channel_shared": "_channel", "channel_unshared": "_channel",
    "group_rename": "_channel", "group_archive": "_channel", "group_unarchive": "_channel",
    "channel_deleted": "_channel_gone", "group_deleted": "_channel_gone",
    "channel_left": "_left", "group_left": "_left", "channel_id_changed": "_renumbered",
    "channel_history_changed": "_lost", "group_history_changed": "_lost",
    "member_joined_channel": "_joined", "team_join": "_user", "user_change": "_user",
    "subteam_created": "_group", "subteam_updated": "_group", "subteam_members_changed": "_group",
    "app_rate_limited": "_lost", "tokens_revoked": "_revoked", "app_uninstalled": "_revoked",
}  # fmt: skip


class Events:
    """Takes the events of one workspace."""

    def __init__(
        self, workspace: Workspace, history: History, people: People, asking: Asking, inbox: Inbox
    ) -> None:
        self._workspace = workspace
        self._history = history
        self._people = people
        self._asking = asking
        self._inbox = inbox
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when there is no use in listening any longer, with the reason as its exception."""
        self._asked: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._threads: OrderedDict[str, str] = OrderedDict()
        """Message -> the ts of its thread, for the newest: a reaction does not say which thread it is in."""

    async def take(self, body: Row) -> None:
        """Keep what an event says; when this returns it is durable.

        Raises:
            Misconfigured: Slack says that the token is gone; the event is answered all the same.
            ConnectorError, TimeoutError: it is not kept: it must not be acknowledged.
        """
        self._inbox.alive()
        _RECEIVED.set(datetime.now(UTC))
        event = body.get("event") or body
        kind = str(event.get("type"))
        if (name := _ACTS.get(kind)) is None:
            return
        act: Callable[[Row], Awaitable[None]] = getattr(self, name)
        try:
            await act(event)
        except SHAPE as error:
            # It would be as unreadable the next time: history is read instead.
            _LOG.warning("an event %s of unknown form (%s)", kind, type(error).__name__)
            self._inbox.gap()

    async def _deliver(self, page: Page) -> None:
        await self._inbox.deliver(page._replace(received_at=_RECEIVED.get()))

    def end(self, error: Misconfigured) -> None:
        """Say that there is no use in listening any longer."""
        if not self.ended.done():
            self.ended.set_exception(error)

    async def close(self) -> None:
        """Give up what is still being asked."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    # --- messages ---------------------------------------------------------------------------------------------

    async def _message(self, event: Row) -> None:
        channel = str(event["channel"])
        if not await self._reads(channel, str(event.get("channel_type") or "")):
            return
        match event.get("subtype"):
            case "message_changed":
                await self._changed(channel, event)
            case "message_replied":
                await self._replied(channel, event["message"])
            case "message_deleted":
                await self._deleted(
                    channel, str(event.get("deleted_ts") or event["previous_message"]["ts"]), event
                )
            case _:
                await self._said(channel, event)

    async def _mention(self, event: Row) -> None:
        """A message that names the bot is told twice; either is enough to keep it, and this one asks for something."""
        await self._message(event | {"type": "message"})
        self._asking.mentioned(event)

    async def _said(self, channel: str, event: Row) -> None:
        ts, thread = str(event["ts"]), event.get("thread_ts")
        # As it was when it was written: whatever is read later is truer, however late this event comes.
        draft = Draft(_STREAM, min(to_moment(ts), self._workspace.web.now()))
        self._workspace.rows.of(channel)(event, draft)
        if not (draft.messages or draft.joins or draft.deletions):
            return
        if draft.members and self._workspace.listed:
            await self._meet(draft)
        await self._deliver(draft.page(None, 0.0))
        if thread and thread != ts:
            is_new = f"{channel}:{thread}" not in self._threads
            self._remember(channel, ts, thread)
            if is_new:
                self._remember(channel, thread, thread)
                self._behind(channel, thread, thread)

    async def _meet(self, draft: Draft) -> None:
        try:
            async with asyncio.timeout(_PATIENCE / 2):
                await self._workspace.meet(draft)
        except TimeoutError:
            # The next reading of the list asks again.
            self._workspace.rows.known.difference_update(member.id for member in draft.members)

    async def _changed(self, channel: str, event: Row) -> None:
        message, before = event["message"], event.get("previous_message") or {}
        if message.get("subtype") == "tombstone":
            await self._deleted(channel, str(message["ts"]), event)
            return
        thread = message.get("thread_ts")
        if (message.get("edited") or {}).get("ts") != (before.get("edited") or {}).get("ts") or (
            "previous_message" in event
            and message.get("edited")
            and message.get("text") != before.get("text")
        ):
            # The event carries no reactions, and would take them away.
            await self._ask(channel, str(message["ts"]), thread, message)
        elif thread == message["ts"] and before.get("thread_ts") != thread:
            await self._replied(channel, message)

    async def _replied(self, channel: str, message: Row) -> None:
        """A message got its first reply, or lost its last: it opens a thread now, or no longer."""
        ts = str(message["ts"])
        if f"{channel}:{ts}" not in self._threads:
            self._remember(channel, ts, ts)
            self._behind(channel, ts, ts)

    async def _deleted(self, channel: str, ts: str, event: Row) -> None:
        to_moment(ts)
        # By our time, which is later than anything read of it: nothing on Slack comes back.
        now = self._workspace.web.now()
        await self._deliver(Page(_STREAM, None, now, deletions=[Deletion(f"{channel}:{ts}", now)]))
        thread = (event.get("previous_message") or {}).get("thread_ts") or self._threads.get(
            f"{channel}:{ts}"
        )
        if thread and thread != ts:
            self._threads.pop(f"{channel}:{thread}", None)
            self._behind(channel, thread, thread)

    async def _reaction(self, event: Row) -> None:
        item = event.get("item") or {}
        if item.get("type") != "message":
            return
        channel, ts = str(item["channel"]), str(item["ts"])
        to_moment(ts)
        if await self._reads(channel, ""):
            thread = self._threads.get(f"{channel}:{ts}")
            await self._ask(channel, ts, thread)
            self._asking.reacted(event, thread)

    # --- asking for what an event does not say ------------------------------------------------------------------

    async def _ask(self, channel: str, ts: str, thread: str | None, told: Row | None = None) -> None:
        """Deliver the message as it now stands; many events about it at once are one question.

        `told`: as the event has it, which is better than nothing where Slack does not show it.
        """
        task = self._behind(channel, ts, thread, told)
        async with asyncio.timeout(_PATIENCE + _DEBOUNCE):
            await asyncio.shield(task)

    def _behind(
        self, channel: str, ts: str, thread: str | None, told: Row | None = None
    ) -> asyncio.Task[None]:
        task = self._asked.get((channel, ts))
        if task is None:
            task = self._asked[channel, ts] = asyncio.create_task(self._refetch(channel, ts, thread, told))
            self._running.add(task)
            task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.warning("a message could not be read again (%s)", type(error).__name__)
            self._inbox.gap()

    async def _refetch(self, channel: str, ts: str, thread: str | None, told: Row | None) -> None:
        await asyncio.sleep(_DEBOUNCE)
        self._asked.pop((channel, ts), None)  # whatever happens from here on is asked for again
        draft = Draft(_STREAM, self._workspace.web.now())
        row = await self._history.message(channel, ts, thread)
        if row is None:
            if told is None:
                return  # deleted since: its own event, or the sweep, will say so
            # Perhaps deleted since: as it was when it was edited, so that its deletion is later.
            row = told
            draft = Draft(_STREAM, min(to_moment(row["edited"]["ts"]), draft.observed_at))
        self._workspace.rows.of(channel)(row, draft)
        await self._deliver(draft.page(None, 0.0))

    def _remember(self, channel: str, ts: str, thread: str) -> None:
        self._threads[f"{channel}:{ts}"] = thread
        while len(self._threads) > _REMEMBERED:
            self._threads.popitem(last=False)

    # --- channels and people --------------------------------------------------------------------------------

    async def _reads(self, id_: str, kind: str) -> bool:
        """Whether the messages of a channel are ours to read; what is not known to be public is private."""
        if kind in {"im", "mpim", "app_home"} or id_[:1] == "D":
            return False
        channel = self._workspace.channels.get(id_)
        if channel is None:
            async with asyncio.timeout(_PATIENCE):
                channel = await self._workspace.channel(id_)
            if channel is None:
                self._inbox.gap()
                return False
            if self._workspace.wants(channel):
                await self._deliver(Page(_STREAM, None, self._workspace.web.now(), channels=[channel]))
        return self._workspace.wants(channel)

    async def _channel(self, event: Row) -> None:
        """Something about a channel: asked for, since an event says only a part of it."""
        told = event["channel"]
        id_ = str(told["id"] if isinstance(told, dict) else told)
        observed_at = self._workspace.web.now()
        async with asyncio.timeout(_PATIENCE):
            channel = await self._workspace.channel(id_, afresh=True)
        if channel is not None and (not channel.is_private or self._workspace.wants(channel)):
            await self._deliver(Page(_STREAM, None, observed_at, channels=[channel]))

    async def _channel_gone(self, event: Row) -> None:
        now = self._workspace.web.now()
        id_ = str(event["channel"])
        self._workspace.channels.pop(id_, None)
        await self._deliver(Page(_STREAM, None, now, gone_channels=[ChannelGone(id_, now)]))

    async def _left(self, event: Row) -> None:
        id_ = str(event["channel"])
        channel = await self._workspace.channel(id_)
        if channel is None or self._workspace.wants(channel):
            why = f"The bot was removed from #{channel.name if channel else id_}: write /invite @{self._workspace.user} there."
            await self._deliver(Page(_STREAM, None, self._workspace.web.now(), refusals=[Refusal(id_, why)]))

    async def _renumbered(self, event: Row) -> None:
        self._workspace.channels.pop(str(event["old_channel_id"]), None)
        self._inbox.gap()

    async def _joined(self, event: Row) -> None:
        user, channel = str(event["user"]), str(event["channel"])
        if user == self._workspace.user_id:
            self._history.admitted(channel)
            self._inbox.gap()
        elif channel == self._workspace.rows.general:
            await self._deliver(Page(_STREAM, None, self._at(event), joins=[Join(user, self._at(event))]))

    async def _user(self, event: Row) -> None:
        member, at = self._workspace.member(event["user"]), self._at(event)
        self._workspace.rows.known.add(member.id)
        self._people.forget(member.id)
        joins = [Join(member.id, at)] if event["type"] == "team_join" else []
        await self._deliver(Page(_STREAM, None, at, members=[member], joins=joins))

    async def _group(self, event: Row) -> None:
        """Somebody joined or left a user group: the list of members says the roles of all anew."""
        del event
        self._workspace.listed = False
        self._inbox.gap()

    def _at(self, event: Row) -> datetime:
        """When it happened, by Slack's clock, and never later than now."""
        now = self._workspace.web.now()
        told = event.get("event_ts") or event.get("cache_ts")
        try:
            return min(to_moment(str(told)), now) if told else now
        except ValueError:
            return now

    async def _lost(self, event: Row) -> None:
        _LOG.warning("Slack held events back (%s): history is read", event.get("type"))
        self._inbox.gap()

    async def _revoked(self, event: Row) -> None:
        tokens = event.get("tokens") or {}
        if event["type"] == "app_uninstalled" or tokens.get("bot"):
            raise Misconfigured(
                "Slack says that the app was removed or its bot token revoked: install it again at "
                "https://api.slack.com/apps, Install App, and copy the new token."
            )
