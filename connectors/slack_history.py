"""Reading Slack's history: newest first, down to what is known, resumable at every page.

`conversations.history` never tells ordinary replies. A thread is read when its first message is met in a stretch that
is read, or when a reply of it was shown to the channel; so that new replies under older messages are met too, every
reading begins `sweep_days` below the known part. A reply that is lost by the events and stands under a message older
than that is not found: Slack has no way to ask for it but to read everything again.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterable, Iterator, Mapping
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any, TypeVar

from connectors.base import Held
from connectors.paging import Draft
from connectors.records import ChannelGone, Page, Refusal, Swept, Thread
from connectors.slack_messages import split_ts, to_moment, to_ts
from connectors.slack_stretch import (
    AT_ONCE,
    INSTANT,
    ROWS,
    STREAM,
    Position,
    Row,
    Stretch,
    dated,
    news,
    pieces,
    stream,
)  # fmt: skip
from connectors.slack_web import Declined
from connectors.slack_workspace import PAGE, SHAPE, Workspace, next_cursor

_OVERLAP = timedelta(minutes=5)
"""What was written just before the newest message may not have been shown with it."""
_AHEAD = timedelta(minutes=1)
"""`latest` lies in the future: without it Slack would begin at the other end."""
_CHANNELS, _THREADS, _WAITING = 4, 8, 4
_AGAIN = 3600.0
"""Seconds until a channel that refused is tried again."""

_T = TypeVar("_T")


class History:
    """Reads the history of one workspace."""

    def __init__(self, workspace: Workspace, sweep_days: float) -> None:
        self._workspace = workspace
        self._web = workspace.web
        self._reread = timedelta(days=sweep_days)
        self._refused: dict[str, float] = {}
        self._threads = asyncio.Semaphore(_THREADS)
        self._met: set[str] = set()
        """The threads that the running sweep has read."""

    def admitted(self, channel: str) -> None:
        """The bot became a member of this channel."""
        self._refused.pop(channel, None)

    async def fetch(
        self, cursors: Mapping[str, str], since: datetime, held: Held, *, sweep: bool
    ) -> AsyncGenerator[Page, None]:
        """All channels, members and messages, several channels at a time."""
        workspace = self._workspace
        await workspace.introduce()
        listed: set[str] = set()
        async for page in workspace.list_channels():
            listed.update(channel.id for channel in page.channels)
            yield page
        if sweep or not workspace.listed:
            async for page in workspace.list_members():
                yield page
        async for page in self._missing(cursors, await held.channels(since), listed):
            yield page
        self._met.clear()
        wanted = [id_ for id_ in sorted(listed) if workspace.wants(workspace.channels[id_])]
        stretches = {
            id_: self._sweep(id_, since) if sweep else self._new(id_, cursors, since) for id_ in wanted
        }
        async with aclosing(self._side_by_side(stretches)) as pages:
            async for page in pages:
                yield page
        if sweep:
            begin = max(self._web.now() - self._reread, since)
            async for page in self._unmet(await held.threads(begin), wanted):
                yield page

    async def _missing(
        self, cursors: Mapping[str, str], held: set[str], listed: set[str]
    ) -> AsyncIterator[Page]:
        """Channels that were read once and are in no list any more: deleted, unless they may be private."""
        workspace = self._workspace
        read = {name.removeprefix(STREAM) for name, at in cursors.items() if name.startswith(STREAM) and at}
        for id_ in sorted((read | held) - listed):
            now = self._web.now()
            if not await workspace.hides(id_):
                listed.update({id_} & workspace.channels.keys())
            elif not workspace.may_be_private(id_):
                yield Page(stream(id_), "", now, gone_channels=[ChannelGone(id_, now)])
            else:
                why = f"Slack shows the bot no channel {id_} any more: write /invite @{workspace.user} there."
                yield Page(stream(id_), None, now, refusals=[Refusal(id_, why)])

    async def _side_by_side(self, stretches: Mapping[str, Iterable[Stretch]]) -> AsyncGenerator[Page, None]:
        """The pages of several channels at a time, those of one channel in their order."""
        waiting = iter(stretches.items())
        pages: asyncio.Queue[Page | Exception | None] = asyncio.Queue(_WAITING)

        async def read() -> None:
            try:
                for channel, wanted in waiting:
                    async for page in self._guarded(channel, wanted):
                        await pages.put(page)
                await pages.put(None)
            except Exception as error:  # noqa: BLE001 - handed over to whoever reads the pages
                await pages.put(error)

        readers = [asyncio.create_task(read()) for _ in range(_CHANNELS)]
        left = len(readers)
        try:
            while left:
                found = await pages.get()
                if isinstance(found, Exception):
                    raise found
                if found is None:
                    left -= 1
                else:
                    yield found
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)

    async def message(self, channel: str, ts: str, thread: str | None) -> Row | None:
        """One message as it now stands; None when Slack does not show it."""
        if thread is None or thread == ts:  # an ordinary reply is not in the channel's history
            row = await self._shown("conversations.history", channel, ts, limit=1)
            if row is not None:
                return row
        row = await self._shown("conversations.replies", channel, ts, ts=thread or ts, limit=10)
        if row is None and thread is None:  # a thread may be found by its first message alone
            try:
                told = await self._web.call("reactions.get", channel=channel, timestamp=ts)
            except Declined:
                return None
            first = (told.get("message") or {}).get("thread_ts")
            if first and first != ts:
                return await self._shown("conversations.replies", channel, ts, ts=first, limit=10)
        return row

    async def _shown(self, method: str, channel: str, at: str, **more: Any) -> Row | None:
        """The message of this moment, as one method shows it."""
        try:
            told = await self._web.call(method, channel=channel, oldest=at, latest=at, inclusive=True, **more)
        except Declined:
            return None
        rows = (row for row in told.get("messages") or () if isinstance(row, dict) and row.get("ts") == at)
        return next(rows, None)

    # --- a channel --------------------------------------------------------------------------------------------

    def _sweep(self, channel: str, since: datetime) -> Iterator[Stretch]:
        now = self._web.now()
        yield Stretch(channel, max(now - self._reread, since), now + _AHEAD, None, None)

    def _new(self, channel: str, cursors: Mapping[str, str], since: datetime) -> Iterator[Stretch]:
        """What an interrupted reading left, then what came since."""
        newest = self._web.now() + _AHEAD
        position = Position.read(cursors.get(stream(channel), ""))
        if position is None:
            yield Stretch(channel, since, newest, since - _OVERLAP, Position(to_ts(since)))
            return
        if position.at:
            known = to_moment(position.known)
            yield Stretch(
                channel, self._below(known, since), to_moment(position.at), known - _OVERLAP, position
            )
            position = Position(position.top)
        known = to_moment(position.known)
        yield Stretch(channel, self._below(known, since), newest, known - _OVERLAP, position)

    def _below(self, known: datetime, since: datetime) -> datetime:
        """Where a reading ends: below the known part, for threads that went on, but not below what was asked for."""
        return min(known - _OVERLAP, max(known - self._reread, since))

    async def _guarded(self, channel: str, stretches: Iterable[Stretch]) -> AsyncIterator[Page]:
        """The pages of a channel, or that it refuses."""
        now = asyncio.get_running_loop().time()
        if self._refused.get(channel, now) > now and channel not in self._workspace.joined:
            return
        try:
            for stretch in stretches:
                async for page in self._descend(stretch):
                    yield page
        except Declined as no:
            self._refused[channel] = now + _AGAIN
            refusal = Refusal(channel, self._why(channel, no))
            yield Page(stream(channel), None, self._web.now(), refusals=[refusal])

    async def _descend(self, stretch: Stretch) -> AsyncIterator[Page]:
        params: dict[str, Any] = {
            "channel": stretch.channel, "limit": PAGE, "oldest": to_ts(stretch.oldest), "latest": to_ts(stretch.latest),
        }  # fmt: skip
        position, at, more = stretch.position, stretch.latest, True
        while more:
            observed_at = self._web.now()
            told = await self._history(params, at)
            stamps = await dated(told.get("messages"))
            rows, lowest = list(stamps.values()), min([at, *map(to_moment, stamps)])
            cursor = next_cursor(told)
            more = bool(cursor) or (told.get("has_more") is True and lowest < at)
            draft = Draft(stream(stretch.channel), observed_at)
            swept: list[Swept] = []
            for thread in await self._read_threads(rows, stretch):
                for chunk, piece in pieces(stretch, thread, observed_at):
                    if draft.messages and len(draft.messages) + len(chunk) > ROWS:
                        yield await self._page(draft, None, swept)
                    await self._fill(stretch.channel, draft, chunk)
                    swept += piece
            # Slack tells the newest first; the database's indexes would rather grow at their end.
            await self._fill(stretch.channel, draft, reversed(rows))
            if position is None:
                end = lowest if more else stretch.oldest + INSTANT
                last = min(at - INSTANT, observed_at)
                swept += [Swept(stretch.channel, None, end, last)] if end <= last else []
            else:
                # The first page with anything on it has the newest; before it there may be empty ones.
                met = position.top not in {"", position.known}
                top = position.top if met else max([position.known, *news(rows)], key=split_ts)
                position = Position(position.known, top, to_ts(lowest)) if more else Position(top)
            part = (stretch.latest - lowest) / (stretch.latest - stretch.oldest) if more else 1.0
            page = await self._page(draft, None if position is None else str(position), swept, part)
            yield page._replace(readable=(stretch.channel,))
            at = lowest
            params |= {"cursor": cursor} if cursor else {"cursor": "", "latest": to_ts(at)}

    async def _history(self, params: dict[str, Any], at: datetime) -> dict[str, Any]:
        try:
            return await self._web.call("conversations.history", **params)
        except Declined as no:
            if no.error != "invalid_cursor" or not params.pop("cursor", None):
                raise
            params["latest"] = to_ts(at)
            return await self._web.call("conversations.history", **params)

    async def _fill(self, channel: str, draft: Draft, rows: Iterable[Row]) -> None:
        accept = self._workspace.rows.of(channel)
        for number, row in enumerate(rows):
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
            try:
                accept(row, draft)
            except SHAPE:
                draft.left_out["unreadable row"] += 1

    async def _page(self, draft: Draft, cursor: str | None, swept: list[Swept], part: float = 0.0) -> Page:
        await self._workspace.meet(draft)
        page = draft.page(cursor, part)._replace(swept=tuple(swept))
        swept.clear()
        return page

    # --- threads ----------------------------------------------------------------------------------------------

    async def _read_threads(self, rows: list[Row], stretch: Stretch) -> list[list[Row]]:
        """The threads that have to be read when these rows are met, each whole or from `news` on."""
        asked: dict[str, datetime | None] = {}
        for row in rows:
            ts, thread = row["ts"], row.get("thread_ts")
            if row.get("reply_count") or (thread == ts and "reply_count" not in row):
                latest = row.get("latest_reply")
                if stretch.news is None or latest is None or to_moment(latest) > stretch.news:
                    known = stretch.news is not None and to_moment(ts) <= stretch.news
                    asked[ts] = stretch.news if known else None
            elif thread and thread != ts and to_moment(thread) <= stretch.oldest:
                asked[thread] = stretch.news
        self._met.update(f"{stretch.channel}:{ts}" for ts in asked)
        return await _together([self._replies(stretch.channel, *item) for item in asked.items()])

    async def _unmet(self, held: Mapping[str, Thread], wanted: list[str]) -> AsyncIterator[Page]:
        """After a sweep: the threads of which we hold something new, though it did not read them.

        Their first message is older, or gone, or has no replies any more.
        """
        for name, thread in sorted(held.items()):
            channel, now = thread.channel_id, self._web.now()
            if name in self._met or channel not in wanted or channel in self._refused:
                continue
            try:
                rows = await self._replies(channel, name.rpartition(":")[2], None)
            except Declined:
                continue  # its channel refuses since a moment ago
            if not rows:
                yield Page("", None, now, swept=[Swept("", name, None, now)])
            for chunk, swept in pieces(Stretch(channel, now, now, None, None), rows, now):
                draft = Draft("", now)
                await self._fill(channel, draft, chunk)
                yield await self._page(draft, None, swept)

    async def _replies(self, channel: str, ts: str, news: datetime | None) -> list[Row]:
        """A thread, its first message included; with `news` only what is younger."""
        params: dict[str, Any] = {"channel": channel, "ts": ts, "limit": PAGE}
        if news is not None:
            params["oldest"] = to_ts(news)
        found: dict[str, Row] = {}
        async with self._threads:
            while True:
                try:
                    told = await self._web.call("conversations.replies", **params)
                except Declined as no:
                    if no.error in {"thread_not_found", "message_not_found"}:
                        return []  # deleted since
                    raise
                before = len(found)
                found |= await dated(told.get("messages"))
                params["cursor"] = next_cursor(told)
                if not params["cursor"]:
                    if told.get("has_more") is not True or len(found) == before:
                        return [found[ts] for ts in sorted(found, key=to_moment)]
                    params["oldest"] = max(found, key=to_moment)

    def _why(self, channel: str, no: Declined) -> str:
        name = self._workspace.channels[channel].name
        match no.error:
            case "not_in_channel" | "channel_not_found" | "no_permission" | "access_denied":
                return f"The bot is no member of #{name}: write /invite @{self._workspace.user} there."
            case "missing_scope":
                scope = no.needed or "channels:history"
                return (
                    f"The app may not read #{name}: add the bot scope {scope} at https://api.slack.com/apps, "
                    "OAuth & Permissions, and reinstall the app."
                )
        return f"Slack does not let the bot read #{name} ({no.error}): invite it again with /invite @{self._workspace.user}."


async def _together(coroutines: Iterable[Coroutine[Any, Any, _T]]) -> list[_T]:
    """All results; when one fails the others are given up."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
