"""The forum's web server: routes, the key, limits and faults."""

import asyncio
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterator
from itertools import cycle
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import orjson
from aiohttp import web

from tests.fakes.discourse_replies import answer, forbidden, missing
from tests.fakes.discourse_state import Category, Json, Post, Topic, listed, slug
from tests.fakes.discourse_writing import Writing

if TYPE_CHECKING:
    from tests.fakes.discourse import FakeDiscourse

_PAGE = 50
_CHUNK = 20
_TOPICS = 30
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server(Writing):
    def __init__(self, forum: "FakeDiscourse") -> None:
        self.forum = forum
        self._runner: web.AppRunner | None = None
        self._transports: WeakSet[asyncio.Transport] = WeakSet()
        self._limits: list[float] = []
        self._failures: list[bool] = []
        self._forms = cycle(("json", "text", "header"))
        self._kinds = cycle(("500", "503", "reset"))

    async def start(self) -> str:
        app = web.Application(middlewares=[self._guard], client_max_size=8 << 20)
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
            ("GET", "/notifications.json", self.notifications), ("GET", "/u/{username}.json", self.profile),
            ("GET", "/topics/private-messages/{username}.json", self.messages),
            ("GET", r"/admin/users/{id:\d+}.json", self.account),
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
        if forum.gate("before", f"{request.method} {request.path}"):
            return self._broken(request, "reset")
        if self._limits:
            return self._limited(self._limits.pop(0))
        fault, after = self._fault()
        if fault == "limit":
            return self._limited(0.05)
        if fault and not after:
            return self._broken(request, fault)
        if (
            request.headers.get("Api-Key") != forum.key
            or request.headers.get("Api-Username", "").lower() != forum.bot.username.lower()
        ):
            return forbidden()
        try:
            response = await handler(request)
        except web.HTTPNotFound:
            response = missing()
        if forum.gate("after", f"{request.method} {request.path}"):
            fault = "reset"
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
        return answer(
            {"current_user": bot.row() | {"can_send_private_messages": bot.trust_level > 0 or bot.admin}}
        )

    def _categories(self) -> list[Json]:
        found = [category for category in self.forum.categories.values() if not category.deleted]
        return [
            category.row([below.id for below in found if below.parent == category.id], 0) for category in found
        ]  # fmt: skip

    async def site(self, _: web.Request) -> web.Response:
        told = {"default_archetype": "regular", "categories": self._categories(), "groups": []}
        return answer(
            told | ({"max_post_length": self.forum.longest} if self.forum.longest != 32_000 else {})
        )

    async def category_list(self, _: web.Request) -> web.Response:
        return answer({"category_list": {"can_create_category": False, "categories": self._categories()}})

    async def category(self, request: web.Request) -> web.Response:
        found: Category | None = self.forum.categories.get(int(request.match_info["id"]))
        if found is None or found.deleted:
            return missing()
        more = found.permissions() if self.forum.bot.admin else {}
        return forbidden() if found.refused else answer({"category": found.row([], 0) | more})

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
            ids: Iterator[int] = iter([id_ for id_ in range(last, last - _PAGE, -1) if id_ in forum.posts])
        else:
            end = bisect_left(everything, before) if before > 0 else len(everything)
            ids = iter(everything[n] for n in range(end - 1, -1, -1))
        found: list[orjson.Fragment] = []
        for id_ in ids:
            post = forum.posts[id_]
            if forum.is_listed(post):
                found.append(self._row(post, in_list=True))
            if len(found) == _PAGE:
                break
        return answer({"latest_posts": found})

    async def post(self, request: web.Request) -> web.Response:
        found = self.forum.posts.get(int(request.match_info["id"]))
        if found is None or found.deleted or not self.forum.reads(self.forum.topics[found.topic]):
            return missing()
        return answer(self._row(found))

    async def latest(self, request: web.Request) -> web.Response:
        forum = self.forum
        page = int(request.query.get("page") or 0)
        seen = [topic for topic in forum.topics.values() if forum.may_see(topic) and topic.visible]
        if request.query.get("order") == "created":
            seen.sort(key=lambda topic: (topic.created, topic.id), reverse=True)
        else:
            seen.sort(key=lambda topic: (topic.pinned, topic.bumped, topic.id), reverse=True)
        rows = [
            listed(topic, forum.stream(topic), solved=forum.solved_plugin, tag_objects=forum.tag_objects)
            for topic in seen[page * _TOPICS : (page + 1) * _TOPICS]
        ]
        if not forum.has_tags:
            rows = [{key: value for key, value in row.items() if key != "tags"} for row in rows]
        more = (
            {"more_topics_url": f"/latest.json?page={page + 1}"} if len(seen) > (page + 1) * _TOPICS else {}
        )
        top = {"can_create_topic": True, "per_page": _TOPICS, "top_tags": [], **more, "topics": rows}
        return answer({"users": [], "primary_groups": [], "topic_list": top})

    def _seen(self, topic: Topic | None) -> Topic | web.Response:
        if topic is None or topic.deleted:
            return missing()
        return topic if self.forum.reads(topic) else forbidden()

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
            "deleted_by": None, "external_id": topic.external_id, "details": forum.details(topic), "bookmarks": [],
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

    # --- what people ask ----------------------------------------------------------------------------------------

    async def notifications(self, request: web.Request) -> web.Response:
        if "notifications" not in self.forum.may:
            return forbidden()
        asked = request.query
        return answer(self.forum.notifications(int(asked.get("limit") or 60), int(asked.get("offset") or 0)))

    async def messages(self, request: web.Request) -> web.Response:
        own = request.match_info["username"].lower() == self.forum.bot.username.lower()
        if "messages" not in self.forum.may or not own:
            return forbidden()
        return answer(self.forum.messages(int(request.query.get("page") or 0)))

    async def profile(self, request: web.Request) -> web.Response:
        name = request.match_info["username"].lower()
        found = next((user for user in self.forum.users.values() if user.username.lower() == name), None)
        if "users" not in self.forum.may:
            return forbidden()
        return missing() if found is None else answer({"user_badges": [], "user": self.forum.profile(found)})

    async def account(self, request: web.Request) -> web.Response:
        found = self.forum.users.get(int(request.match_info["id"]))
        if "users" not in self.forum.may or not self.forum.is_admin:
            return forbidden()
        return missing() if found is None else answer(self.forum.profile(found))

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
