"""Where on a forum somebody may have asked: notifications, the list of private messages, and webhooks."""

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import orjson

from connectors.discourse_answers import Me
from connectors.discourse_asked import Asked
from connectors.discourse_calls import Told
from connectors.discourse_forum import Forum, Json
from connectors.values import iso_moment, micros

_LOG = logging.getLogger("connectors.discourse")
_ROWS = 60
_REFUSED = 900.0
"""Seconds after which a list that may not be read is tried again."""


class News:
    """Tells of one forum what may be for the bot; it believes nothing but that it is worth looking there."""

    def __init__(self, forum: Forum) -> None:
        self.me = Me(0, forum.user)
        self.wake = asyncio.Event()
        self._forum = forum
        self._hinted: set[int] = set()
        self._refused: dict[str, float] = {}
        """List -> when it may be tried again."""

    def hint(self, kind: str, body: bytes) -> None:
        """Take a webhook: it is worth looking now, if it is about the bot."""
        try:
            found = orjson.loads(body)
            about = found.get("notification" if kind == "notification" else "post")
        except (ValueError, AttributeError):
            return
        if not isinstance(about, dict):
            return
        if kind == "notification":
            is_ours = about.get("user_id") in {None, self.me.id}
        else:
            is_ours = self._speaks_to_us(about)
            if is_ours and type(about.get("id")) is int:
                self._hinted.add(about["id"])
        if is_ours:
            self.wake.set()

    def _speaks_to_us(self, post: Json) -> bool:
        text = f"{post.get('raw') or ''}{post.get('cooked') or ''}".casefold()
        is_private = post.get("topic_archetype") == "private_message"
        return is_private or not text or f"@{self.me.name}".casefold() in text

    def hinted(self) -> list[int]:
        """The posts that webhooks told of since the last time."""
        found, self._hinted = sorted(self._hinted), set()
        return found

    async def notifications(self, asked: Asked) -> list[Json]:
        """The notifications that are not dealt with, the oldest first."""
        found: dict[int, Json] = {}
        offset = 0
        while True:
            told = await self._list("/notifications.json", limit=_ROWS, offset=offset)
            rows = [
                row for row in map(_numbered, told.get("notifications") or ()) if type(row.get("id")) is int
            ]
            new = [row for row in rows if row["id"] not in asked.rows and row["id"] not in found]
            found.update((row["id"], row) for row in new)
            offset += len(rows)
            if not rows or len(new) < len(rows) or not all(map(asked.is_young, new)):
                return [found[id_] for id_ in sorted(found)]

    async def messages(self, asked: Asked) -> tuple[dict[int, int], list[int]]:
        """The private messages with the number of each one's newest post; and those in which something is new."""
        heard: dict[int, int] = {}
        news: list[int] = []
        page = 0
        while True:
            told = await self._list(f"/topics/private-messages/{self.me.name}.json", page=page)
            rows = [
                row for row in (told.get("topic_list") or {}).get("topics") or ()
                if type(row.get("id")) is int and row["id"] not in heard
            ]  # fmt: skip
            newest = {
                row["id"]: row.get("highest_post_number") or row.get("posts_count") or 0 for row in rows
            }
            heard |= newest
            new = [
                row["id"] for row in rows
                if newest[row["id"]] != asked.heard.get(row["id"]) and asked.is_young(row, "last_posted_at")
            ]  # fmt: skip
            news += new
            page += 1
            if not rows or len(new) < len(rows):
                return heard, news

    async def _list(self, path: str, **parameters: Any) -> Json:
        """A list, empty where it may not be read; then it is tried again after a while."""
        if time.monotonic() < self._refused.get(path, 0.0):
            return {}
        try:
            found = await self._forum.get(path, **parameters)
        except Told as error:
            _LOG.warning("the key may not read %s (%s): what is asked there is not heard", path, error.status)
            self._refused[path] = time.monotonic() + _REFUSED
            return {}
        if isinstance(found, list):  # of old forums
            return {"notifications": found}
        return found if isinstance(found, Mapping) else {}


def _numbered(row: Json) -> Json:
    """A notification, which on old forums has no number, with one: its time."""
    if row.get("id") is None:
        with suppress(KeyError, TypeError, ValueError):
            return {**row, "id": micros(iso_moment(row["created_at"]))}
    return row
