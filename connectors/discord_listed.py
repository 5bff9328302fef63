"""Long lists of a Discord server, read page by page: threads that rest, members, the servers themselves."""

import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from connectors.discord_asking import MOST, Ask, Missing, Refused
from connectors.discord_messages import Place, Server, now
from connectors.records import Join, Page
from connectors.values import iso_moment

log = logging.getLogger("connectors.discord")

PUBLIC = "/channels/{channel_id}/threads/archived/public"
PRIVATE = "/channels/{channel_id}/threads/archived/private"

_MEMBERS = 1000
_MEMBERS_AGAIN = timedelta(hours=6)
_PAST = timedelta(milliseconds=1)


async def archived(ask: Ask, server: Server, place: Place, stop: datetime, path: str) -> AsyncIterator[Place]:
    """Archived threads, the last archived first, down to `stop`."""
    seen: set[str] = set()
    before: datetime | None = None
    while True:
        query = {"limit": MOST} | ({} if before is None else {"before": before.isoformat()})
        answer = await ask("GET", path, query=query, channel_id=place.id)
        found = [server.place(raw) for raw in answer.get("threads") or ()]
        threads = [thread for thread in found if thread.archived_at]
        for thread in threads:
            if iso_moment(thread.archived_at) >= stop and thread.id not in seen:
                yield thread
        if not threads or not answer.get("has_more"):
            return
        last = min(iso_moment(thread.archived_at) for thread in threads)
        if last < stop:
            return
        # Several may have been archived in one moment, and the bound is exclusive.
        fresh = {thread.id for thread in threads} - seen
        seen |= fresh
        before = last + _PAST if fresh and last + _PAST != before else last


async def joined(ask: Ask, server: Server, place: Place, stop: datetime) -> AsyncIterator[Place]:
    """Archived private threads that the bot is in: listed by their ids, the newest first."""
    before: str | None = None
    while True:
        query = {"limit": MOST} | ({} if before is None else {"before": before})
        path = "/channels/{channel_id}/users/@me/threads/archived/private"
        answer = await ask("GET", path, query=query, channel_id=place.id)
        threads = [server.place(raw) for raw in answer.get("threads") or ()]
        for thread in threads:
            if thread.archived_at and iso_moment(thread.archived_at) >= stop:
                yield thread
        last = min((thread.id for thread in threads), key=int, default=before)
        if not threads or not answer.get("has_more") or last == before:
            return
        before = last


async def members(ask: Ask, server: Server, cursor: str, *, afresh: bool) -> AsyncIterator[Page]:
    """All members with their roles and when they joined: at first, then every few hours, and whenever asked for `afresh`.

    The cursor is "when" or, on the way, "when after".
    """
    stream = f"members:{server.id}"
    when, _, after = cursor.partition(" ")
    started = now()
    if when and not after and not afresh and started - iso_moment(when) < _MEMBERS_AGAIN:
        return
    begun = when if after else started.isoformat()
    after = after or "0"
    while True:
        asked = now()
        query = {"limit": _MEMBERS, "after": after}
        try:
            rows = await ask("GET", "/guilds/{guild_id}/members", query=query, guild_id=server.id)
        except (Missing, Refused):
            log.warning(
                "the list of members is refused: turn on Server Members Intent in the Developer Portal"
            )
            return
        rows = [row for row in rows or () if row.get("user")]
        found = [server.member(row["user"], row) for row in rows]
        joins = [
            Join(str(row["user"]["id"]), iso_moment(row["joined_at"])) for row in rows if row.get("joined_at")
        ]
        last = max((member.id for member in found), key=int, default=after)
        ended = not found or last == after
        yield Page(stream, begun if ended else f"{begun} {last}", asked, members=found, joins=joins)
        if ended:
            return
        after = last


async def servers(ask: Ask) -> list[str]:
    """The ids of all servers that the bot is in."""
    found: list[str] = []
    while True:
        query = {"limit": 200} | ({"after": found[-1]} if found else {})
        rows = await ask("GET", "/users/@me/guilds", query=query) or []
        fresh = sorted({str(row["id"]) for row in rows} - set(found), key=int)
        if not fresh:
            return found
        found += fresh
