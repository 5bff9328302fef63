"""A forum: a server on 127.0.0.1 that answers as Discourse's API does, and misbehaves when told.

Written from Discourse's published OpenAPI document and fixtures, and from what pydiscourse asks for.
"""

import asyncio
import hashlib
import hmac
import socket
from collections import deque
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import aiohttp
import orjson

from tests.fakes.base import Chaos, Standing
from tests.fakes.dialects import Dialect
from tests.fakes.discourse_http import Server
from tests.fakes.discourse_state import Category, Json, Post, Topic, User

BOT = "spaces"


class FakeDiscourse:
    """One forum. `paging` is "old" (a window of fifty ids) or "new" (fifty posts)."""

    name = "discourse"

    def __init__(
        self, *, paging: str = "new", webhooks: bool = False, seed: int = 0, poll_seconds: float = 0.05
    ) -> None:
        self.paging = paging
        self.solved_plugin = True
        self.solved_in_posts = True
        """Posts say themselves that they are accepted; else only their topic does."""
        self.knows_external = True
        """Topics may have an id of ours."""
        self.tag_objects = True
        self.include_raw = True
        self.mega_from = 10_000
        self.page, self.topics_page = 50, 30
        self.page_before_rights = False
        """A page is cut first, and what may not be seen is taken from it then."""
        self.dialect: Dialect | None = None
        self.is_admin = True
        self.limits = True
        self.key = "k" * 64
        self.chaos = Chaos(Random(seed))
        self.requests: list[tuple[str, str, dict[str, Any]]] = []
        self.hooks_sent = 0
        self.users: dict[int, User] = {}
        self.groups: dict[str, bool] = {"staff": True, "trust_level_1": True}
        self.categories: dict[int, Category] = {}
        self.topics: dict[int, Topic] = {}
        self.posts: dict[int, Post] = {}
        self.order: list[int] = []
        """The ids of all posts ever made."""
        self.uploads: list[bytes] = []
        self.made: dict[int, tuple[str, Json]] = {}
        """What the bot posted: post -> its place, and the request."""
        self._next = {"user": 0, "category": 3, "topic": 10, "post": 100}
        self._server = Server(self)
        self._secret = "hush"
        self._hooks: deque[tuple[str, bytes]] = deque()
        self._hooks_lost = self._hooks_doubled = 0
        self._hooking: asyncio.Task[None] | None = None
        self._hook_waits = asyncio.Event()
        self.hook_url: str | None = None
        self.settings: dict[str, Any] = {
            "connector": "discourse", "url": "", "user": BOT, "poll_seconds": poll_seconds, "include": [],
        }  # fmt: skip
        self.secrets = {"api_key": self.key, "webhook_secret": self._secret}
        if webhooks:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.settings["listen"] = f"127.0.0.1:{free.getsockname()[1]}"
            self.hook_url = f"http://{self.settings['listen']}/"
        system = User(
            -1, "system", datetime(2020, 1, 1, tzinfo=UTC), admin=True, moderator=True, trust_level=4
        )
        self.users[-1] = system
        self.bot = self.users[int(self.add_member(BOT, staff=True))]
        self.bot.admin = True

    # --- running ------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        self.settings["url"] = await self._server.start()
        self._hooking = asyncio.create_task(self._send_hooks())

    async def stop(self) -> None:
        if self._hooking is not None:
            self._hooking.cancel()
            await asyncio.gather(self._hooking, return_exceptions=True)
        await self._server.stop()

    def cut(self) -> None:
        self._server.cut()

    # --- people act ---------------------------------------------------------------------------------------------

    def add_channel(self, name: str, *, private: bool = False, forum: bool = False) -> str:  # noqa: ARG002 - all are
        id_ = self._number("category")
        self.categories[id_] = Category(id_, name, private)
        return str(id_)

    def add_member(self, name: str, *, bot: bool = False, staff: bool = False) -> str:
        if bot:
            return "-1"  # the only accounts that a forum itself calls bots
        id_ = self._number("user")
        self.users[id_] = User(id_, name, datetime.now(UTC), moderator=staff)
        return str(id_)

    def remove_member(self, member: str) -> None:
        del self.users[int(member)]

    def say(
        self, channel: str, author: str, text: str, *, thread: str | None = None, reply_to: str | None = None,
        at: datetime | None = None,
    ) -> str:  # fmt: skip
        if thread is None and reply_to is not None:
            thread = str(self.posts[int(reply_to)].topic)
        if thread is None:
            return self.open_thread(channel, author, f"About {text[:40]}", text, at=at)
        number = self.posts[int(reply_to)].number if reply_to is not None else None
        return str(self.add_post(self.topics[int(thread)], self._author(author), text, at, number).id)

    def open_thread(
        self, channel: str, author: str, title: str, text: str, *, at: datetime | None = None
    ) -> str:
        topic = self.add_topic(int(channel), title, at)
        return str(self.add_post(topic, self._author(author), text, at).id)

    def add_topic(
        self, category: int | None, title: str, at: datetime | None = None, *, is_pm: bool = False, external: str | None = None
    ) -> Topic:  # fmt: skip
        at = at or datetime.now(UTC)
        topic = Topic(self._number("topic"), title, category, at, at, external, is_pm=is_pm)
        self.topics[topic.id] = topic
        return topic

    def add_post(
        self, topic: Topic, user: User, raw: str, at: datetime | None = None, reply_to: int | None = None, kind: int = 1
    ) -> Post:  # fmt: skip
        at = at or datetime.now(UTC)
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        topic.highest += 1
        post = Post(self._number("post"), topic.id, topic.highest, user, raw, at, at, reply_to, kind=kind)
        self.posts[post.id] = post
        self.order.append(post.id)
        topic.posts.append(post.id)
        if kind == 1:
            topic.bumped = max(topic.bumped, at)
        self._tell("post", "post_created", post)
        return post

    def edit(self, message: str, text: str) -> None:
        post = self.posts[int(message)]
        post.raw, post.version = text, post.version + 1
        now = datetime.now(UTC)
        post.updated = max(now, post.updated + timedelta(milliseconds=1))
        topic = self.topics[post.topic]
        if post.id == max(topic.posts):
            topic.bumped = now
        self._tell("post", "post_edited", post)

    def delete(self, message: str) -> None:
        post = self.posts[int(message)]
        post.deleted = datetime.now(UTC)
        if post.number == 1:
            self.topics[post.topic].deleted = post.deleted
        post.accepted = False
        self._tell("post", "post_destroyed", post)

    def restore(self, message: str) -> None:
        post = self.posts[int(message)]
        post.deleted = None
        if post.number == 1:
            self.topics[post.topic].deleted = None
        self._tell("post", "post_recovered", post)

    def delete_many(self, messages: list[str]) -> None:
        for message in messages:
            self.delete(message)

    def delete_channel(self, channel: str) -> None:
        self.categories[int(channel)].deleted = True
        for topic in self.topics.values():
            if topic.category == int(channel):
                topic.deleted = datetime.now(UTC)
                self._tell("topic", "topic_destroyed", self.posts[topic.posts[0]])

    def move(self, message: str, thread: str) -> str:
        """A moderator moves a post to another topic: it gets a new id there, and the old one vanishes."""
        old = self.posts[int(message)]
        new = self.add_post(self.topics[int(thread)], old.user, old.raw, old.created)
        new.updated, new.version, new.reactions = old.updated, old.version, old.reactions
        old.deleted = datetime.now(UTC)
        return str(new.id)

    def react(self, message: str, emoji: str, member: str) -> None:
        self.posts[int(message)].reactions.setdefault(emoji, set()).add(member)
        self._tell("like", "post_liked", self.posts[int(message)])

    def unreact(self, message: str, emoji: str, member: str) -> None:
        self.posts[int(message)].reactions.get(emoji, set()).discard(member)

    def solve(self, message: str) -> None:
        post = self.posts[int(message)]
        for other in self.topics[post.topic].posts:
            self.posts[other].accepted = other == post.id
        self._tell("solved", "accepted_solution", post)

    # --- it misbehaves ------------------------------------------------------------------------------------------

    def lose(self, count: int = 1) -> None:
        self._hooks_lost += count

    def double(self, count: int = 1) -> None:
        self._hooks_doubled += count

    def expire_session(self) -> None:
        """There are no sessions here: each request stands for itself."""

    def limit(self, requests: int = 1, seconds: float = 0.2) -> None:
        self._server.limit(requests, seconds)

    def fail(self, requests: int = 1, *, after_effect: bool = False) -> None:
        self._server.fail(requests, after_effect=after_effect)

    def refuse(self, channel: str) -> None:
        self.categories[int(channel)].refused = True

    def revoke(self) -> None:
        self.key = "another" * 8

    # --- what the test looks at ---------------------------------------------------------------------------------

    def standing(self) -> dict[str, Standing]:
        found = {}
        for post in self.posts.values():
            topic = self.topics[post.topic]
            if not self.is_listed(post) or post.user_deleted:
                continue
            category = None if topic.category is None else self.categories[topic.category]
            if category is not None and category.restricted and category.name not in self.settings["include"]:
                continue
            if category is not None and self.excluded(category):
                continue
            text = f"{topic.title}\n{post.raw}" if post.number == 1 else post.raw
            found[str(post.id)] = Standing(
                str(post.id), str(topic.category or "uncategorized"), str(post.user.id), text, str(topic.id),
                post.counts, post.accepted,
            )  # fmt: skip
        return found

    def excluded(self, category: Category) -> bool:
        """Whether the operator named it, or the one that it is in."""
        names = {str(name).lstrip("#").lower() for name in self.settings.get("exclude") or ()}
        above = self.categories.get(category.parent or 0)
        return bool({str(category.id), category.name.lower()} & names) or (
            above is not None and self.excluded(above)
        )

    def posted(self) -> list[tuple[str, str, dict[str, Any]]]:
        return [
            (place, str(id_), form) for id_, (place, form) in self.made.items()
            if not self.posts[id_].deleted and not self.topics[self.posts[id_].topic].deleted
        ]  # fmt: skip

    # --- what the forum shows -----------------------------------------------------------------------------------

    def may_see(self, topic: Topic) -> bool:
        if topic.deleted or topic.is_pm:
            return False
        category = None if topic.category is None else self.categories[topic.category]
        return category is None or not (category.deleted or category.refused)

    def is_listed(self, post: Post) -> bool:
        """It stands among the newest posts of the forum."""
        topic = self.topics[post.topic]
        return (
            self.may_see(topic) and topic.visible and post.deleted is None and not post.hidden and post.kind in {1, 2}
        )  # fmt: skip

    def stream(self, topic: Topic) -> list[Post]:
        found = [self.posts[id_] for id_ in topic.posts]
        return sorted((post for post in found if post.deleted is None), key=lambda post: post.number)

    def _author(self, member: str) -> User:
        return self.users[int(member)]

    def _number(self, what: str) -> int:
        self._next[what] += 1
        return self._next[what]

    # --- webhooks -----------------------------------------------------------------------------------------------

    def _tell(self, kind: str, event: str, post: Post) -> None:
        if self.hook_url is None:
            return
        topic = self.topics[post.topic]
        about: Json = (
            {"id": topic.id, "title": topic.title}
            if kind == "topic"
            else {"id": post.id, "topic_id": topic.id}
        )
        copies = 1
        if self._hooks_lost:
            self._hooks_lost, copies = self._hooks_lost - 1, 0
        elif self._hooks_doubled:
            self._hooks_doubled, copies = self._hooks_doubled - 1, 2
        elif self.chaos.on and self.chaos.random.random() < self.chaos.rate:
            copies = self.chaos.random.choice((0, 2))
            self.chaos.seen.append("webhook lost" if not copies else "webhook doubled")
        body = orjson.dumps({kind if kind != "like" else "post": about, "raw": post.raw})
        for _ in range(copies):
            self._hooks.append((event, body))
            if self.chaos.on and self.chaos.random.random() < self.chaos.rate:
                self._hooks.rotate(1)
        self._hook_waits.set()

    async def _send_hooks(self) -> None:
        """Send what waits, once each: a refused webhook is never repeated."""
        async with aiohttp.ClientSession() as session:
            while True:
                await self._hook_waits.wait()
                self._hook_waits.clear()
                while self._hooks:
                    event, body = self._hooks.popleft()
                    await self.send_hook(session, event, body)

    async def send_hook(
        self, session: aiohttp.ClientSession, event: str, body: bytes, signature: str | None = None
    ) -> int:
        """Send one webhook; returns the status of the answer, 0 for none."""
        right = "sha256=" + hmac.new(self._secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json", "X-Discourse-Instance": self.settings["url"],
            "X-Discourse-Event-Id": str(self.hooks_sent), "X-Discourse-Event-Type": event.partition("_")[0],
            "X-Discourse-Event": event, "X-Discourse-Event-Signature": signature or right,
        }  # fmt: skip
        try:
            async with session.post(self.hook_url or "", data=body, headers=headers) as answer:
                self.hooks_sent += 1
                return answer.status
        except aiohttp.ClientError:
            return 0
