"""What the bot may write on the forum: posts, topics and private messages, within the forum's limits; and uploads."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import orjson
from aiohttp import web

from tests.fakes.discourse_replies import answer, forbidden, missing, unfit
from tests.fakes.discourse_state import Json, Post, Topic

if TYPE_CHECKING:
    from tests.fakes.discourse import FakeDiscourse


class Writing:
    """The part of the forum's web server that takes posts."""

    forum: "FakeDiscourse"
    _row: Callable[[Post], orjson.Fragment]
    _seen: Callable[[Topic | None], Topic | web.Response]

    async def create(self, request: web.Request) -> web.Response:
        forum = self.forum
        asked: Json = await request.json()
        now = datetime.now(UTC)
        for post in forum.posts.values():
            # The same again within two minutes is the same.
            if (
                post.user is forum.bot and post.raw == asked["raw"] and now - post.created < timedelta(seconds=forum.memory)
                and not post.deleted and forum.made.get(post.id, ("", {}))[1] == asked
            ):  # fmt: skip
                return answer(self._row(post))
        if "write" not in forum.may:
            return forbidden()
        topic = self._place(asked)
        if isinstance(topic, web.Response):
            return topic
        if too := self._wrong_length(asked["raw"], 10 if topic.is_pm else forum.shortest):
            return unfit(too)
        place = f"{topic.category}/{topic.id}"
        if "topic_id" not in asked:
            place = "@" + asked["target_recipients"] if topic.is_pm else str(topic.category)
            forum.topics[topic.id] = topic
        made = forum.add_post(topic, forum.bot, asked["raw"], reply_to=asked.get("reply_to_post_number"))
        forum.made[made.id] = (place, asked)
        return answer(self._row(made))

    def _place(self, asked: Json) -> Topic | web.Response:
        """The topic to write in, made if it is to be a new one (nobody sees it before its first post is taken)."""
        forum = self.forum
        if "topic_id" in asked:
            found = self._seen(forum.topics.get(asked["topic_id"]))
            return forbidden() if isinstance(found, Topic) and found.closed else found
        external, title, category = asked.get("external_id"), asked.get("title") or "", asked.get("category")
        is_pm = asked.get("archetype") == "private_message"
        known = forum.topics.values() if forum.knows_external else ()
        if external and any(topic.external_id == external for topic in known):
            return unfit("External has already been taken")
        if not (2 if is_pm else 15) <= len(title) <= 255:
            return unfit(f"Title is too {'long' if len(title) > 255 else 'short'} (minimum is 15 characters)")
        if is_pm:
            return self._message(asked, title, external)
        if category is not None and (category not in forum.categories or forum.categories[category].refused):
            return forbidden()
        topic = forum.add_topic(category, title, external=external)
        del forum.topics[topic.id]
        return topic

    def _message(self, asked: Json, title: str, external: str | None) -> Topic | web.Response:
        forum = self.forum
        names = asked["target_recipients"].lower().split(",")
        people = [user for user in forum.users.values() if user.username.lower() in names]
        begun = [topic for topic in forum.topics.values() if topic.is_pm and topic.external_id]
        if not all(user.accepts for user in people):
            return unfit("Sorry, you cannot send a private message to that user.")
        if forum.messages_a_day is not None and len(begun) >= forum.messages_a_day:
            wait = {"wait_seconds": 40_000, "time_left": "11 hours"}
            body = {
                "errors": ["You've performed this action too many times."],
                "error_type": "rate_limit",
                "extras": wait,
            }
            return answer(body, 429, {"Retry-After": "40000"})
        topic = forum.add_topic(None, title, external=external, is_pm=True)
        topic.people = {forum.bot.id, *(user.id for user in people)}
        del forum.topics[topic.id]
        return topic

    def _wrong_length(self, raw: str, shortest: int) -> str:
        shown = re.sub(r"<!--.*?-->", "", raw, flags=re.DOTALL).strip()
        if len(shown) < min(shortest, self.forum.shortest):
            return f"Body is too short (minimum is {shortest} characters)"
        return f"Body is limited to {self.forum.longest} characters" if len(raw) > self.forum.longest else ""

    async def update(self, request: web.Request) -> web.Response:
        post = self.forum.posts.get(int(request.match_info["id"]))
        if post is None or post.deleted:
            return missing()
        asked = await request.json()
        self.forum.edit(str(post.id), asked["post"]["raw"])
        if post.id in self.forum.made:
            place, form = self.forum.made[post.id]
            self.forum.made[post.id] = (place, {**form, "raw": asked["post"]["raw"]})
        return answer({"post": self._row(post)})

    async def destroy(self, request: web.Request) -> web.Response:
        self.forum.delete(request.match_info["id"])
        return web.Response()

    async def retitle(self, request: web.Request) -> web.Response:
        topic = self.forum.topics[int(request.match_info["id"])]
        topic.title = (await request.json())["title"]
        return answer({"basic_topic": {"id": topic.id, "title": topic.title}})

    async def upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        file = form["file"]
        if not isinstance(file, web.FileField) or form.get("upload_type", form.get("type")) != "composer":
            return answer({"errors": ["upload_type is missing"]}, 422)
        self.forum.uploads.append(file.file.read())
        number = len(self.forum.uploads)
        return answer({
            "id": number, "url": f"/uploads/default/{number}.png", "original_filename": file.filename,
            "filesize": len(self.forum.uploads[-1]), "width": 1, "height": 1, "thumbnail_width": 1,
            "thumbnail_height": 1, "extension": "png", "short_url": f"upload://{number}.png",
            "short_path": f"/uploads/short-url/{number}.png", "retain_hours": None, "human_filesize": "1 KB",
            "dominant_color": None,
        })  # fmt: skip
