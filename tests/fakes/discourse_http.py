"""The forum's web server: routes, the key, limits and faults."""

import asyncio
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import orjson
from aiohttp import web

from tests.fakes.dialects import speaking
from tests.fakes.discourse_state import Category, Json, Post, Topic, listed, slug

if TYPE_CHECKING:
    from tests.fakes.discourse import FakeDiscourse

_CHUNK = 20
_INVALID = "You are not permitted to view the requested resource. The API username or key is invalid."
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=orjson.dumps(body), status=status,
        headers={"Content-Type": "application/json; charset=utf-8", **(headers or {})},
    )  # fmt: skip


def refusal(status: int, words: str, kind: str) -> web.Response:
    return answer({"errors": [words], "error_type": kind}, status)


def missing() -> web.Response:
    return refusal(404, "The requested URL or resource could not be found.", "not_found")


def forbidden() -> web.Response:
    return refusal(403, _INVALID, "invalid_access")


class Server:
    def __init__(self, forum: "FakeDiscourse") -> None:
        self.forum = forum
        self._runner: web.AppRunner | None = None
        self._transports: WeakSet[asyncio.Transport] = WeakSet()
        self._limits: list[float] = []
        self._failures: list[bool] = []
        self._forms = cycle(("json", "text", "header"))
        self._kinds = cycle(("500", "503", "reset"))

    async def start(self) -> str:
        app = web.Application(middlewares=[speaking(self.forum), self._guard], client_max_size=8 << 20)
        for method, path, handler in (
            ("GET", "/site.json", self.site), ("GET", "/categories.json", self.category_list),
            ("GET", "/site/basic-info.json", self.basic), ("GET", "/about.json", self.about),
            ("GET", r"/c/{id:\d+}/show.json", self.category), ("GET", "/session/current.json", self.session),
            ("GET", "/posts.json", self.latest_posts), ("POST", "/posts.json", self.create),
            ("POST", "/posts", self.create), ("GET", r"/posts/{id:\d+}.json", self.post),
            ("PUT", r"/posts/{id:\d+}.json", self.update), ("DELETE", r"/posts/{id:\d+}.json", self.destroy),
            ("GET", "/latest.json", self.latest), ("GET", r"/t/external_id/{key}.json", self.external),
            ("GET", r"/t/{id:\d+}.json", self.topic), ("GET", r"/t/{id:\d+}/posts.json", self.topic_posts),
            ("GET", r"/t/{slug}/{id:\d+}.json", self.topic), ("PUT", r"/t/-/{id:\d+}.json", self.retitle),
            ("POST", "/uploads.json", self.upload), ("GET", "/admin/users/list/{flag}.json", self.users),
            ("GET", "/groups.json", self.groups), ("GET", "/groups/{name}/members.json", self.members),
        ):  # fmt: skip
            app.router.add_route(method, path, handler)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def cut(self) -> None:
        for transport in list(self._transports):
            transport.abort()

    def limit(self, requests: int, seconds: float) -> None:
        self._limits += [seconds] * requests

    def fail(self, requests: int, *, after_effect: bool) -> None:
        self._failures += [after_effect] * requests

    # --- what goes wrong ----------------------------------------------------------------------------------------

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        forum = self.forum
        if isinstance(request.transport, asyncio.Transport):
            self._transports.add(request.transport)
        await self._record(request)
        if self._limits:
            return self._limited(self._limits.pop(0))
        fault, after = self._fault()
        if fault == "limit":
            return self._limited(0.05)
        if fault and not after:
            return self._broken(request, fault)
        if (
            request.headers.get("Api-Key") != forum.key
            or request.headers.get("Api-Username") != forum.bot.username
        ):
            return forbidden()
        try:
            response = await handler(request)
        except web.HTTPNotFound:
            response = missing()
        return self._broken(request, fault) if fault else response

    async def _record(self, request: web.Request) -> None:
        asked: dict[str, Any] = dict(request.query)
        if request.can_read_body and request.content_type == "application/json":
            asked |= await request.json()
        self.forum.requests.append((request.method, request.path, asked))

    def _fault(self) -> tuple[str | None, bool]:
        if self._failures:
            return next(self._kinds), self._failures.pop(0)
        chaos = self.forum.chaos
        if chaos.on and chaos.random.random() < chaos.rate:
            fault, after = chaos.random.choice(("limit", "500", "503", "reset")), chaos.random.random() < 0.5
            chaos.seen.append(
                fault if fault == "limit" else f"{fault} {'after' if after else 'before'} effect"
            )
            return fault, after
        return None, False

    def _limited(self, seconds: float) -> web.Response:
        words = f"You’ve performed this action too many times, please try again in {seconds} seconds."
        match next(self._forms):
            case "json":
                extras = {"wait_seconds": seconds, "time_left": f"{seconds} seconds"}
                body = {"errors": [words], "error_type": "rate_limit", "extras": extras}
                return answer(body, 429, {"Retry-After": str(seconds)})
            case "header":
                return answer(
                    {"errors": [words], "error_type": "rate_limit"}, 429, {"Retry-After": str(seconds)}
                )
            case _:
                headers = {"Retry-After": str(seconds), "Discourse-Rate-Limit-Error-Code": "ip_10_secs_limit"}
                return web.Response(
                    text="Slow down, too many requests from this IP address.\n", status=429, headers=headers
                )

    def _broken(self, request: web.Request, fault: str) -> web.Response:
        if fault == "reset" and request.transport is not None:
            request.transport.abort()
        status = 500 if fault == "reset" else int(fault)
        return web.Response(
            text="<html>We're sorry, but something went wrong.</html>",
            status=status,
            content_type="text/html",
        )

    # --- the site -----------------------------------------------------------------------------------------------

    async def basic(self, _: web.Request) -> web.Response:
        return answer({"title": "Forum", "description": "", "logo_url": "", "login_required": False})

    async def about(self, _: web.Request) -> web.Response:
        return answer({"about": {"title": "Forum", "version": "3.5.0", "stats": {}}})

    async def session(self, _: web.Request) -> web.Response:
        bot = self.forum.bot
        return answer({"current_user": {"id": bot.id, "username": bot.username, "admin": bot.admin}})

    def _categories(self) -> list[Json]:
        known = self.forum.categories.values()
        found = [category for category in known if category.listed and not category.deleted]
        return [
            category.row([below.id for below in found if below.parent == category.id], 0) for category in found
        ]  # fmt: skip

    async def site(self, _: web.Request) -> web.Response:
        return answer({"default_archetype": "regular", "categories": self._categories(), "groups": []})

    async def category_list(self, _: web.Request) -> web.Response:
        return answer({"category_list": {"can_create_category": False, "categories": self._categories()}})

    async def category(self, request: web.Request) -> web.Response:
        found: Category | None = self.forum.categories.get(int(request.match_info["id"]))
        if found is None or found.deleted:
            return missing()
        return forbidden() if found.refused else answer({"category": found.row([], 0)})

    # --- reading ------------------------------------------------------------------------------------------------

    def _row(self, post: Post, *, raw: bool = True, in_list: bool = False) -> orjson.Fragment:
        forum = self.forum
        return post.json(
            forum.topics[post.topic], raw=raw, yours=post.user is forum.bot,
            solved=forum.solved_plugin and forum.solved_in_posts, listed=in_list,
        )  # fmt: skip

    async def latest_posts(self, request: web.Request) -> web.Response:
        forum = self.forum
        before = int(request.query.get("before") or 0)
        # Ids only grow, so that the posts stand in their order.
        everything = forum.order
        if forum.paging == "old":
            last = before if before > 0 else max(everything, default=0)
            ids: Iterator[int] = iter(
                [id_ for id_ in range(last, last - forum.page, -1) if id_ in forum.posts]
            )
        else:
            end = bisect_left(everything, before) if before > 0 else len(everything)
            ids = iter(everything[n] for n in range(end - 1, -1, -1))
        found: list[orjson.Fragment] = []
        if forum.page_before_rights:
            ids = islice(ids, forum.page)
        for id_ in ids:
            post = forum.posts[id_]
            if forum.is_listed(post):
                found.append(self._row(post, in_list=True))
            if len(found) == forum.page:
                break
        return answer({"latest_posts": found})

    async def post(self, request: web.Request) -> web.Response:
        found = self.forum.posts.get(int(request.match_info["id"]))
        if found is None or found.deleted or not self.forum.may_see(self.forum.topics[found.topic]):
            return missing()
        return answer(self._row(found))

    async def latest(self, request: web.Request) -> web.Response:
        forum = self.forum
        page, size = int(request.query.get("page") or 0), forum.topics_page
        seen = [topic for topic in forum.topics.values() if forum.may_see(topic) and topic.visible]
        seen.sort(key=lambda topic: (topic.pinned, topic.bumped, topic.id), reverse=True)
        rows = [
            listed(topic, forum.stream(topic), solved=forum.solved_plugin, tag_objects=forum.tag_objects)
            for topic in seen[page * size : (page + 1) * size]
        ]
        more = {"more_topics_url": f"/latest.json?page={page + 1}"} if len(seen) > (page + 1) * size else {}
        top = {"can_create_topic": True, "per_page": size, "top_tags": [], **more, "topics": rows}
        return answer({"users": [], "primary_groups": [], "topic_list": top})

    def _seen(self, topic: Topic | None) -> Topic | web.Response:
        if topic is None or topic.deleted or topic.is_pm:
            return missing()
        return topic if self.forum.may_see(topic) else forbidden()

    async def topic(self, request: web.Request) -> web.Response:
        forum = self.forum
        topic = self._seen(forum.topics.get(int(request.match_info["id"])))
        return topic if isinstance(topic, web.Response) else answer(self._whole(topic, request))

    def _whole(self, topic: Topic, request: web.Request) -> Json:
        forum = self.forum
        posts = forum.stream(topic)
        raw = forum.include_raw and request.query.get("include_raw") in {"1", "true"}
        stream: Json = {"posts": [self._row(post, raw=raw) for post in posts[:_CHUNK]]}
        if len(posts) >= forum.mega_from:
            stream |= {"isMegaTopic": True, "lastId": posts[-1].id}
        else:
            stream["stream"] = [post.id for post in posts]
        facts = listed(topic, posts, solved=False, tag_objects=forum.tag_objects)
        facts |= {
            "post_stream": stream, "chunk_size": _CHUNK, "timeline_lookup": [], "suggested_topics": [],
            "tags_descriptions": {}, "user_id": posts[0].user.id if posts else None, "deleted_at": None,
            "deleted_by": None, "external_id": topic.external_id, "details": {}, "bookmarks": [],
        }  # fmt: skip
        if forum.solved_plugin and (accepted := next((post for post in posts if post.accepted), None)):
            facts["accepted_answer"] = {"post_number": accepted.number, "username": accepted.user.username}
        return facts

    async def topic_posts(self, request: web.Request) -> web.Response:
        forum = self.forum
        topic = self._seen(forum.topics.get(int(request.match_info["id"])))
        if isinstance(topic, web.Response):
            return topic
        posts = forum.stream(topic)
        if ids := request.query.getall("post_ids[]", []):
            wanted = {int(id_) for id_ in ids}
            posts = [post for post in posts if post.id in wanted]
        elif number := request.query.get("post_number"):
            ascending = request.query.get("asc") == "true"
            posts = [
                post
                for post in posts
                if (post.number > int(number)) == ascending and post.number != int(number)
            ]
            posts = posts[:_CHUNK] if ascending else posts[-_CHUNK:]
        else:
            posts = posts[:_CHUNK]
        raw = forum.include_raw and request.query.get("include_raw") in {"1", "true"}
        return answer(
            {"post_stream": {"posts": [self._row(post, raw=raw) for post in posts]}, "id": topic.id}
        )

    async def external(self, request: web.Request) -> web.StreamResponse:
        key = request.match_info["key"]
        topics = self.forum.topics.values() if self.forum.knows_external else ()
        found = next((topic for topic in topics if topic.external_id == key), None)
        if found is None or found.deleted:
            return missing()
        return web.Response(status=301, headers={"Location": f"/t/{slug(found.title)}/{found.id}.json"})

    # --- writing ------------------------------------------------------------------------------------------------

    async def create(self, request: web.Request) -> web.Response:
        forum = self.forum
        asked: Json = await request.json()
        now = datetime.now(UTC)
        for post in forum.posts.values():
            # The same again within two minutes is the same.
            if (
                post.user is forum.bot and post.raw == asked["raw"] and now - post.created < timedelta(seconds=120)
                and not post.deleted and forum.made.get(post.id, ("", {}))[1] == asked
            ):  # fmt: skip
                return answer(self._row(post))
        if "topic_id" in asked:
            topic = self._seen(forum.topics.get(asked["topic_id"]))
            if isinstance(topic, web.Response):
                return topic
            place = f"{topic.category}/{topic.id}"
        else:
            external = asked.get("external_id")
            if (
                external
                and self.forum.knows_external
                and any(topic.external_id == external for topic in forum.topics.values())
            ):
                return answer({"action": "create_post", "errors": ["External has already been taken"]}, 422)
            if len(asked.get("title") or "") < 15:
                return answer(
                    {"action": "create_post", "errors": ["Title is too short (minimum is 15 characters)"]},
                    422,
                )
            is_pm = asked.get("archetype") == "private_message"
            category = None if is_pm else asked.get("category")
            if category is not None and (
                category not in forum.categories or forum.categories[category].refused
            ):
                return forbidden()
            topic = forum.add_topic(category, asked["title"], external=external, is_pm=is_pm)
            place = "@" + asked["target_recipients"] if is_pm else str(category)
        made = forum.add_post(topic, forum.bot, asked["raw"])
        forum.made[made.id] = (place, asked)
        return answer(self._row(made))

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

    # --- people -------------------------------------------------------------------------------------------------

    async def users(self, request: web.Request) -> web.Response:
        if not self.forum.is_admin:
            return forbidden()
        page = int(request.query.get("page") or 1) - 1
        rows = sorted(
            self.forum.users.values(), key=lambda user: user.id, reverse=request.query.get("asc") != "true"
        )
        return answer([user.row() for user in rows[page * 100 : page * 100 + 100]])

    async def groups(self, request: web.Request) -> web.Response:
        page = int(request.query.get("page") or 0)
        rows = [
            {"id": n, "name": name, "automatic": automatic, "user_count": 0}
            for n, (name, automatic) in enumerate(self.forum.groups.items(), 1)
        ]
        return answer({
            "groups": rows[page * 36 : page * 36 + 36], "extras": {}, "total_rows_groups": len(rows),
            "load_more_groups": f"/groups?page={page + 1}",
        })  # fmt: skip

    async def members(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        found = [user for user in self.forum.users.values() if name in user.groups]
        limit, offset = int(request.query.get("limit") or 50), int(request.query.get("offset") or 0)
        rows = [{"id": user.id, "username": user.username} for user in found[offset : offset + limit]]
        return answer(
            {"members": rows, "owners": [], "meta": {"total": len(found), "limit": limit, "offset": offset}}
        )
