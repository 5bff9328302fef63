"""What happens on a forum, by asking it again and again; webhooks only say that it is worth asking now."""

import asyncio
import hmac
import logging
from collections.abc import Callable, Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

import orjson
from aiohttp import web

from connectors.base import Inbox
from connectors.discourse_calls import NoList
from connectors.discourse_forum import Forum, Json
from connectors.discourse_history import OVERLAP, History, Slice, descend, position
from connectors.discourse_people import newcomers
from connectors.discourse_tags import tags_of
from connectors.discourse_topics import Topics, bumped_at
from connectors.errors import Misconfigured
from connectors.paging import Draft
from connectors.records import Message, Page
from connectors.values import micros

_log = logging.getLogger("connectors.discourse")
_STREAM = "live"
_LARGEST_HOOK = 4 << 20
_GRACE = timedelta(seconds=5)


class _Seen(NamedTuple):
    """A post as it was when last read."""

    topic: int
    message: Message | None


class Live:
    """Asks a forum for what is new, and reads again what may have changed."""

    def __init__(self, forum: Forum, history: History, topics: Topics) -> None:
        self.wake = asyncio.Event()
        self.mark = 0
        """Every post up to this one has been delivered."""
        self._forum = forum
        self._history = history
        self._topics = topics
        self._hints: set[int] = set()
        self._window: dict[int, _Seen] = {}
        self._rows: dict[int, Json] = {}
        self._bumped: datetime | None = None
        self._stored: dict[str, Any] = {}
        self._places: dict[str, str] = {}
        """The cursor of the categories."""
        self._told: set[str] = set()
        """The categories that were told of."""
        self.people = ""
        """The youngest account that is known; empty as long as nobody has read the list of all."""

    def hint(self, topic: int | None) -> None:
        """Something happened, in this topic if that is known: ask now."""
        if topic is not None:
            self._hints.add(topic)
        self.wake.set()

    async def run(self, inbox: Inbox, pause: float) -> None:
        """Ask until cancelled."""
        cursors = await inbox.cursors()
        self._begin(cursors)
        while True:
            self.wake.clear()
            await self._poll(inbox)
            inbox.alive()
            try:
                async with asyncio.timeout(pause):
                    await self.wake.wait()
            except TimeoutError:
                continue

    def _begin(self, cursors: Mapping[str, str]) -> None:
        """Go on where we stopped; else where history began to be read, so that no gap stays between the two."""
        stored = orjson.loads(cursors.get(_STREAM) or "{}")
        read = position(cursors)
        self.mark = stored.get("mark") or (0 if read is None else read.top if read.before else read.mark)
        if "bumped" in stored:
            self._bumped = datetime.fromisoformat(stored["bumped"])
        self.people = cursors.get("people", self.people)
        self._places = {"categories": cursors.get("categories", "")}

    async def _poll(self, inbox: Inbox) -> None:
        if not self._told or self._told != self._forum.categories.open.keys():
            page = await self._history.places(self._places)
            await inbox.deliver(page)
            self._places = {"categories": page.cursor or ""}
            self._told = set(self._forum.categories.open)
        hints, self._hints = self._hints, set()
        before = (self._rows, self._window, self._bumped)
        try:
            changed = await self._changed()
            again = await self._posts_again(inbox)
            async for page in self._topics.read(dict.fromkeys(sorted(changed | again | hints), "")):
                await inbox.deliver(page._replace(received_at=datetime.now(UTC)))
            stored = {"mark": self.mark, "bumped": (self._bumped or datetime.now(UTC)).isoformat()}
            if stored != self._stored:
                await inbox.deliver(Page(_STREAM, orjson.dumps(stored).decode(), datetime.now(UTC)))
                self._stored = stored
        except BaseException:
            self._hints |= hints  # whatever was not read is still to be read
            self._rows, self._window, self._bumped = before
            raise
        async for page in newcomers(self._forum, {"people": self.people}):
            await inbox.deliver(page._replace(received_at=datetime.now(UTC)))
            self.people = page.cursor or self.people

    # --- posts ------------------------------------------------------------------------------------------------

    async def _posts_again(self, inbox: Inbox) -> set[int]:
        """As `_posts`; nothing where there is no list of posts: then the topics tell."""
        try:
            return await self._posts(inbox)
        except NoList:
            return set()

    async def _posts(self, inbox: Inbox) -> set[int]:
        """Deliver what is new or different among the newest posts; returns topics in which posts vanished."""
        floor = max(self.mark - OVERLAP, 0)
        window: dict[int, _Seen] = {}
        top, met = self.mark, False
        async with aclosing(descend(self._forum, None, floor)) as slices:
            async for found in slices:
                if found.posts and not met:
                    met, top = True, max([self.mark, *(post["id"] for post in found.posts)])
                    # The very first time: what was before is history's.
                    floor = floor if self.mark else max(top - OVERLAP, 0)
                await self._deliver(inbox, found, window)
                if found.next <= floor:
                    break
        vanished = {seen.topic for id_, seen in self._window.items() if id_ > floor and id_ not in window}
        self._window = {id_: seen for id_, seen in window.items() if id_ > top - OVERLAP}
        self.mark = top  # also if the newest post is gone since
        return vanished

    async def _deliver(self, inbox: Inbox, found: Slice, window: dict[int, _Seen]) -> None:
        draft = Draft(_STREAM, found.at)
        posts = await self._forum.categories.ours(found.posts)
        answered = {post["id"]: await self._forum.answered(post) for post in posts}
        self._forum.remember(posts)
        await self._forum.tell_latest(posts, draft, answered)
        told = {int(message.id): message for message in draft.messages}
        read = {post["id"]: _Seen(post["topic_id"], told.get(post["id"])) for post in posts}
        window.update(read)
        fresh = {id_ for id_, seen in read.items() if self._window.get(id_) != seen}
        draft.messages = [message for message in draft.messages if int(message.id) in fresh]
        draft.deletions = [deletion for deletion in draft.deletions if int(deletion.message_id) in fresh]
        if draft.messages or draft.deletions or draft.members:
            page = draft.page(None, 0.0)
            await inbox.deliver(page._replace(fraction=None, received_at=found.received_at))

    # --- topics -----------------------------------------------------------------------------------------------

    async def _changed(self) -> set[int]:
        """The topics that look different in the list than the last time, or that vanished from it."""
        since = self._bumped
        rows = await self._forum.topics(0)
        if (
            since is not None
            and rows
            and all(bumped_at(row) > since for row in rows if not row.get("pinned"))
        ):
            rows = await self._topics.bumped(since - _GRACE)
        rows = await self._forum.categories.ours(rows)
        listed = {row["id"]: _look(row) for row in rows}
        known, self._rows = self._rows, listed
        changed = {
            id_ for id_, look in listed.items() if known.get(id_, look) != look or (id_ not in known and self._is_new(look))
        }  # fmt: skip
        oldest = min((look["at"] for look in listed.values() if not look["pinned"]), default=0)
        # Most leave the page because others push them down.
        vanished = {
            id_ for id_, look in known.items()
            if id_ not in listed and (look["at"] > oldest or len(listed) < len(known))
        }  # fmt: skip
        newest = max(map(bumped_at, rows), default=None)
        if newest is not None:
            self._bumped = newest if since is None else max(since, newest)
        return changed | vanished

    def _is_new(self, look: Json) -> bool:
        """Whether a topic, not seen in the list before, has changed since we last looked."""
        if look["solved"] and look["id"] not in self._forum.solved:
            return True
        return self._bumped is None or look["at"] >= micros(self._bumped - _GRACE)


def _look(row: Json) -> Json:
    """What a list says of a topic that changes with its posts."""
    marks = (
        "id",
        "title",
        "posts_count",
        "highest_post_number",
        "like_count",
        "category_id",
        "last_posted_at",
    )
    return {
        "at": micros(bumped_at(row)), "pinned": bool(row.get("pinned")),
        "solved": bool(row.get("has_accepted_answer")), "tags": tags_of(row), **{mark: row.get(mark) for mark in marks},
    }  # fmt: skip


class Hooks:
    """A small web server for a forum's webhooks, which are signed with a secret."""

    def __init__(self, live: Live, secret: str, hint: Callable[[str, bytes], None]) -> None:
        self._live = live
        self._hint = hint
        self._secret = secret.encode()
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self, address: str) -> None:
        """Listen at "host:port".

        Raises:
            Misconfigured: it is no address of this machine, or it is taken.
        """
        host, _, port = address.rpartition(":")
        app = web.Application(client_max_size=_LARGEST_HOOK)
        app.router.add_post("/{path:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        try:
            site = web.TCPSite(self._runner, host.strip("[]") or None, int(port))
            await site.start()
        except (OSError, ValueError, OverflowError) as error:
            await self.stop()
            raise Misconfigured(
                f"Webhooks cannot be received at {address} ({getattr(error, 'strerror', None) or error}). "
                "Set `listen` to an address of this machine with a free port, such as 127.0.0.1:8322."
            ) from error
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        given = request.headers.get("X-Discourse-Event-Signature", "")
        if not is_signed(body, given, self._secret):
            _log.warning("a webhook with a wrong signature was refused")
            return web.Response(status=403, text="wrong signature")
        kind = request.headers.get("X-Discourse-Event-Type", "")
        self._hint(kind, body)
        if kind != "notification":  # there is one for every member who is told of anything
            self._live.hint(_topic_named(body))
        return web.Response(text="ok")


def is_signed(body: bytes, given: str, secret: bytes) -> bool:
    """Whether a webhook comes from whoever knows the secret; without a secret nobody does."""
    right = "sha256=" + hmac.new(secret, body, sha256).hexdigest()
    return bool(secret) and hmac.compare_digest(given.encode(), right.encode())


def _topic_named(body: bytes) -> int | None:
    """Which topic a webhook is about: only to ask the forum for it."""
    try:
        found: Any = orjson.loads(body)
        about = found.get("post") or found.get("topic") or found.get("solved") or {}
        topic = about.get("topic_id") or (about.get("id") if "topic" in found else None)
    except (ValueError, AttributeError):
        return None
    return topic if type(topic) is int else None
