"""Discord's history, read over REST: each channel and thread is one stream, from its last message on.

Pages come newest first, at most 100 messages, and their bounds are exclusive; read with `after` they ascend, so that
the cursor (the last message's id) is right after every page. Threads that rest are listed channel by channel, by the
time of their archiving.
"""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors.discord_asking import MOST, Ask, Missing, Refused
from connectors.discord_listed import PRIVATE, PUBLIC, archived, joined, members
from connectors.discord_marks import retagged
from connectors.discord_messages import (
    FORUM,
    HAVE_MESSAGES,
    HAVE_THREADS,
    JOINED,
    MEDIA,
    MESSAGES,
    PRIVATE_THREAD,
    THREADS,
    Place,
    Server,
    id_at,
    moment_of,
    now,
    to_message,
)
from connectors.errors import Misconfigured
from connectors.records import (
    Join,
    Member,
    Message,
    Page,
    Problem,
    Refusal,
    Swept,
)
from connectors.values import iso_moment

log = logging.getLogger("connectors.discord")

SWEEP_DAYS = 7
_REFUSED_FOR = timedelta(hours=1)
_TICK = timedelta(microseconds=1)

Gone = Callable[[str], bool]


class History:
    """One reading of one server."""

    def __init__(
        self,
        ask: Ask,
        server: Server,
        refused: dict[str, datetime],
        gone: Gone,
        *,
        with_members: bool,
        sweep: datetime | None,
    ) -> None:
        """Prepare to read.

        Args:
            ask: puts a request.
            server: what is known of the server; completed here.
            refused: channels that refused, and when; they are asked again after an hour.
            gone: whether a message is known to be deleted.
            with_members: whether the bot may list the members.
            sweep: from when on known messages are read again.
        """
        self._ask = ask
        self.server = server
        self._refused = refused
        self._gone = gone
        self._members = with_members
        self._sweep = sweep
        self._answered: list[str] = []
        self.known: set[str] = set()
        """The channels that the server has."""
        self.seen: set[str] = set()
        """The places that were read."""
        self.is_partial = False
        """A sweep met places that were never read whole."""
        self.listed: datetime | None = None
        """When the last listing of all members began; None if it has not ended."""

    async def pages(self, cursors: Mapping[str, str], since: datetime) -> AsyncIterator[Page]:
        """Everything of the server, place by place."""
        server, started = self.server, now()
        try:
            server.learn(await self._ask("GET", "/guilds/{guild_id}", guild_id=server.id))
        except (Missing, Refused) as error:
            raise Misconfigured(
                f"The bot is not in the Discord server {server.id}: invite it (`spaces check` shows the link), "
                "or correct 'server'."
            ) from error
        raw_channels = await self._ask("GET", "/guilds/{guild_id}/channels", guild_id=server.id)
        known = [server.place(raw) for raw in raw_channels or ()]
        self.known.update(place.id for place in known)
        try:
            listed = await self._ask("GET", "/guilds/{guild_id}/threads/active", guild_id=server.id)
        except Missing:
            listed = None
        threads = [server.place(raw) for raw in (listed or {}).get("threads") or ()]
        places = [place for place in known if server.reads(place)]
        threads = [thread for thread in threads if server.reads(thread)]
        yield Page(
            f"server:{server.id}",
            None,
            started,
            channels=[server.channel(place) for place in (*places, *threads)],
        )
        if self._members:
            cursor = cursors.get(f"members:{server.id}") or ""
            async for page in members(self._ask, server, cursor, afresh=self._sweep is not None):
                cursor = page.cursor or cursor
                yield page
            self.listed = iso_moment(cursor) if cursor and " " not in cursor else None
        active: dict[str, list[Place]] = {}
        for thread in threads:
            active.setdefault(thread.parent_id or "", []).append(thread)
        for place in places:
            posts = active.pop(place.id, [])
            async for page in self._channel(place, posts, cursors, since):
                yield page
            if place.kind in {FORUM, MEDIA}:
                async for page in retagged(self._ask, place, posts, cursors, self._gone):
                    yield page
        yield Page(f"server:{server.id}", None, now(), readable=self._answered)

    # --- places -----------------------------------------------------------------------------------------------------

    async def _channel(
        self, place: Place, threads: list[Place], cursors: Mapping[str, str], since: datetime
    ) -> AsyncIterator[Page]:
        """A channel, its active threads, its archived threads."""
        if self._lately_refused(place.id):
            return
        try:
            async for page in self._inside(place, threads, cursors, since):
                yield page
        except Refused:
            self._refused[place.id] = now()
            why = (
                f"The bot may not read #{place.name}: give its role 'View Channel' and 'Read Message History' there "
                "(channel settings, Permissions), or name the channel in 'exclude'."
            )
            yield Page(f"channel:{place.id}", None, now(), refusals=[Refusal(place.id, why)])
        except Missing:
            log.info("a channel went away while it was read")
        else:
            self._refused.pop(place.id, None)
            self._answered.append(place.id)

    async def _inside(
        self, place: Place, threads: list[Place], cursors: Mapping[str, str], since: datetime
    ) -> AsyncIterator[Page]:
        if place.kind in HAVE_MESSAGES:
            async for page in self._messages(place, cursors, since):
                yield page
        for thread in threads:
            async for page in self._thread(thread, cursors, since):
                yield page
        if place.kind in HAVE_THREADS:
            async for page in self._archived(place, cursors, since):
                yield page

    async def _archived(
        self, place: Place, cursors: Mapping[str, str], since: datetime
    ) -> AsyncIterator[Page]:
        """Threads that were archived since we last looked; those made and archived while we were away are only here."""
        stream = f"archive:{place.id}"
        done = cursors.get(stream) or ""
        newest = stop = iso_moment(done) if done else since
        if self._sweep is not None and done:
            stop = min(stop, self._sweep)
        async for thread in self._resting(place, stop):
            newest = max(newest, iso_moment(thread.archived_at))
            if self.server.reads(thread) and thread.id not in self.seen:
                async for page in self._thread(thread, cursors, since):
                    yield page
        if self._sweep is not None and not done:
            self.is_partial = True
        elif newest.isoformat() != done and newest > since:
            yield Page(stream, newest.isoformat(), now())

    async def _resting(self, place: Place, stop: datetime) -> AsyncIterator[Place]:
        """The archived threads of a channel down to `stop`; private ones where the operator named any place."""
        async for thread in archived(self._ask, self.server, place, stop, PUBLIC):
            yield thread
        if not self.server.names_private:
            return
        async for thread in joined(self._ask, self.server, place, stop):
            yield thread
        if self._lately_refused(f"{place.id} private"):
            return
        try:
            async for thread in archived(self._ask, self.server, place, stop, PRIVATE):
                yield thread
        except Refused:
            # Without "Manage Threads" the bot sees the private threads it has joined, and no others.
            self._refused[f"{place.id} private"] = now()

    async def _thread(
        self, thread: Place, cursors: Mapping[str, str], since: datetime
    ) -> AsyncIterator[Page]:
        try:
            async for page in self._messages(thread, cursors, since):
                yield page
        except Missing:
            log.info("a thread went away while it was read")
        except Refused:
            if thread.kind != PRIVATE_THREAD:
                raise
            log.info("a private thread is closed to the bot")

    def _lately_refused(self, place: str) -> bool:
        refused = self._refused.get(place)
        return refused is not None and now() - refused < _REFUSED_FOR

    async def unlisted(
        self, raw: Mapping[str, Any], cursors: Mapping[str, str], since: datetime
    ) -> AsyncIterator[Page]:
        """A thread that stands in no list, as when it rests for long."""
        place = self.server.place(raw)
        if place.kind in THREADS and self.server.reads(place):
            async for page in self._thread(place, cursors, since):
                yield page

    # --- messages ---------------------------------------------------------------------------------------------------

    async def _messages(
        self, place: Place, cursors: Mapping[str, str], since: datetime
    ) -> AsyncIterator[Page]:
        """The messages of a place after the cursor; with a sweep, from further back."""
        self.seen.add(place.id)
        stream = f"{'thread' if place.is_thread else 'channel'}:{place.id}"
        cursor = cursors.get(stream) or ""
        done = int(cursor) if cursor.isdecimal() else None
        after = max(id_at(since) - 1, 0) if done is None else done
        if self._sweep is not None and done is not None:
            after = min(after, id_at(self._sweep))
        last_said = place.last_message_id
        # A smaller one was said long ago: it tells nothing.
        if self._sweep is None and last_said is not None and done is not None and int(last_said) == done:
            return
        if self._sweep is not None and done is None:
            self.is_partial = True
        begin, last, first, most = after, after, True, 1
        while True:
            # A sweep speaks of whole moments, and several messages may be of one: it reads the last moment again.
            edge = moment_of(str(last))
            after = last if self._sweep is None else id_at(edge) - 1
            asked = now()
            rows = chunk = await self._after(place, after)
            before, last = last, max((int(row["id"]) for row in rows), default=last)
            is_full, most = len(chunk) >= most, max(most, len(chunk))
            while after < before and is_full and moment_of(str(last)) == edge:
                # The moment alone fills a page: it is read to its end.
                chunk = await self._after(place, last)
                rows, is_full = [*rows, *chunk], len(chunk) >= most
                last = max((int(row["id"]) for row in chunk), default=last)
            ended = last <= before
            if ended and self._sweep is None:
                return
            # A sweep of what was never read whole leaves no cursor behind: what is older is still to be read.
            moved = last > begin if done is None else last > done
            moved = moved and (self._sweep is None or done is not None)
            page = self._page(stream, str(last) if moved else None, asked, place, rows)
            if self._sweep is not None:
                until = None if ended else moment_of(str(last)) - _TICK
                page = page._replace(
                    swept=[Swept(place.id, place.id if place.is_thread else None, edge, until)]
                )
            span = max(id_at(asked) - begin, 1)
            channels = [self.server.channel(place)] if first and place.is_thread else []
            yield page._replace(fraction=min(1.0, (last - begin) / span), channels=channels)
            if ended:
                return
            first = False

    async def _after(self, place: Place, after: int) -> list[dict[str, Any]]:
        """A page of the messages after an id, the oldest first."""
        path, query = "/channels/{channel_id}/messages", {"limit": MOST, "after": after}
        answer = await self._ask("GET", path, query=query, channel_id=place.id)
        rows = [row for row in answer or () if str(row.get("id")).isdecimal() and int(row["id"]) > after]
        return sorted({row["id"]: row for row in rows}.values(), key=lambda row: int(row["id"]))

    def _page(
        self, stream: str, cursor: str | None, asked: datetime, place: Place, rows: list[dict[str, Any]]
    ) -> Page:
        messages: list[Message] = []
        members: dict[str, Member] = {}
        joins: list[Join] = []
        problems: list[Problem] = []
        left_out: dict[str, int] = {}
        for row in rows:
            try:
                kind = row.get("type") or 0
                author = self.server.member(
                    row["author"], row.get("member"), hook=bool(row.get("webhook_id"))
                )
                if kind in MESSAGES:
                    if not self._gone(row["id"]):
                        messages.append(to_message(row, place))
                else:
                    left_out[f"type {kind}"] = left_out.get(f"type {kind}", 0) + 1
                    if kind == JOINED:
                        joins.append(Join(author.id, iso_moment(row["timestamp"])))
            except (KeyError, TypeError, ValueError, AttributeError):
                left_out["unreadable row"] = left_out.get("unreadable row", 0) + 1
            else:
                members[author.id] = author
        if "unreadable row" in left_out:
            problems.append(
                Problem(
                    f"#{place.name}", f"{left_out['unreadable row']} messages cannot be read and were skipped",
                    "Please report it: Discord may have changed its format.",
                )
            )  # fmt: skip
        return Page(
            stream, cursor, asked, members=list(members.values()), messages=messages, joins=joins,
            problems=problems, left_out=left_out,
        )  # fmt: skip
