"""The REST half of the fake Discord: history, threads, members, posting, rate limits and other ways to fail."""

import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.fakes import discord_judge as judge
from tests.fakes import discord_shapes as shapes
from tests.fakes.discord_faults import Faults, answered, error, failed, limited

if TYPE_CHECKING:
    from tests.fakes.discord import FakeDiscord

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
BODY = web.RequestKey("body", dict[str, Any])


class Rest:
    def __init__(self, world: "FakeDiscord") -> None:
        self._world = world
        self.faults = Faults(world.chance)
        self._nonces: dict[str, str] = {}
        self.pause: Callable[[str, str], Awaitable[None]] | None = None
        """Awaited before each answer."""
        self.application_more: dict[str, Any] = {}
        self.knows_nonces = True
        """They are known for some minutes."""

    def routes(self) -> list[web.RouteDef]:
        at = "/api/v10"
        return [
            web.get(f"{at}/gateway/bot", self.gateway_bot),
            web.get(f"{at}/users/@me", self.me),
            web.get(f"{at}/users/@me/guilds", self.my_guilds),
            web.get(f"{at}/applications/@me", self.application),
            web.get(f"{at}/guilds/{{guild}}", self.guild),
            web.get(f"{at}/guilds/{{guild}}/channels", self.channels),
            web.get(f"{at}/guilds/{{guild}}/threads/active", self.active),
            web.get(f"{at}/guilds/{{guild}}/members", self.members),
            web.get(f"{at}/guilds/{{guild}}/members/{{user}}", self.member),
            web.get(f"{at}/channels/{{channel}}", self.channel),
            web.get(f"{at}/channels/{{channel}}/messages", self.history),
            web.post(f"{at}/channels/{{channel}}/messages", self.post),
            web.get(f"{at}/channels/{{channel}}/messages/{{message}}", self.message),
            web.patch(f"{at}/channels/{{channel}}/messages/{{message}}", self.edit),
            web.delete(f"{at}/channels/{{channel}}/messages/{{message}}", self.delete),
            web.post(f"{at}/channels/{{channel}}/threads", self.open),
            web.get(f"{at}/channels/{{channel}}/threads/archived/{{kind}}", self.archived),
            web.get(f"{at}/channels/{{channel}}/users/@me/threads/archived/private", self.joined),
        ]

    # --- the door ---------------------------------------------------------------------------------------------------

    @web.middleware
    async def door(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        world = self._world
        if not request.path.startswith("/api/"):
            return await handler(request)
        body: dict[str, Any] = dict(request.query)
        if request.method in {"POST", "PATCH", "PUT"}:
            body = await self._body(request)
        request[BODY] = body
        world.requests.append((request.method, request.path.removeprefix("/api/v10"), body))
        if self.pause is not None:
            await self.pause(request.method, request.path)
        if world.revoked or request.headers.get("Authorization") != f"Bot {world.secrets['bot_token']}":
            return error(401, 0, "401: Unauthorized")
        fault = self.faults.next()
        world.talk.note()
        if fault.startswith("429"):
            return limited(fault.removeprefix("429 "), self.faults.limit_seconds)
        if fault and "after" not in fault:
            return failed(request, fault)
        answer = await handler(request)
        world.talk.note()
        if fault:
            return failed(request, fault)
        answer.headers.update(
            {"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": "999", "X-RateLimit-Reset-After": "1.000",
             "X-RateLimit-Reset": f"{time.time() + 1:.3f}", "X-RateLimit-Bucket": str(hash(request.match_info.route) & 0xFFFFFF),
             "Via": "1.1 google"}
        )  # fmt: skip
        return answer

    def body(self, request: web.Request) -> Any:
        """What was sent, JSON and files."""
        return request[BODY]

    async def _body(self, request: web.Request) -> dict[str, Any]:
        if not request.content_type.startswith("multipart/"):
            found: dict[str, Any] = await request.json()
            return found
        body: dict[str, Any] = {}
        files: dict[str, bytes] = {}
        async for part in await request.multipart():
            assert part is not None, part
            data = await part.read(decode=True)  # type: ignore[union-attr]
            if part.name == "payload_json":  # type: ignore[union-attr]
                body = json.loads(data)
            else:
                files[str(part.name)] = bytes(data)  # type: ignore[union-attr]
        return body | {"_files": files}

    # --- answers ----------------------------------------------------------------------------------------------------

    async def gateway_bot(self, _: web.Request) -> web.Response:
        world = self._world
        limit = {
            "total": 1000,
            "remaining": world.sessions_left,
            "reset_after": 14_400_000,
            "max_concurrency": 100,
        }
        return answered({"url": world.gateway_url, "shards": 1, "session_start_limit": limit})

    async def me(self, _: web.Request) -> web.Response:
        return answered(shapes.me(self._world.people[shapes.BOT]))

    async def my_guilds(self, request: web.Request) -> web.Response:
        after = int(request.query.get("after", 0))
        there = self._world.guilds if self._world.in_guild else []
        return answered([shapes.my_guild(id_) for id_ in there if int(id_) > after])

    async def application(self, _: web.Request) -> web.Response:
        return answered(shapes.application(self._world.flags) | self.application_more)

    async def guild(self, request: web.Request) -> web.Response:
        if request.match_info["guild"] not in self._world.guilds or not self._world.in_guild:
            return error(404, 10004, "Unknown Guild")
        return answered(shapes.guild(request.match_info["guild"]))

    async def channels(self, request: web.Request) -> web.Response:
        if request.match_info["guild"] != shapes.GUILD:
            return answered([])
        rooms = [room for room in self._world.rooms.values() if room.parent is None]
        return answered([shapes.channel(room) for room in rooms])

    async def active(self, _: web.Request) -> web.Response:
        world = self._world
        rooms = [
            room
            for room in world.rooms.values()
            if room.parent and not room.archived_at and world.sees(room.id)
        ]
        return answered(
            {"threads": [shapes.thread(room) for room in rooms], "members": [], "has_more": False}
        )

    async def members(self, request: web.Request) -> web.Response:
        world = self._world
        if not world.flags & (1 << 14 | 1 << 15):
            return error(403, 50001, "Missing Access")
        after, limit = int(request.query.get("after", 0)), int(request.query.get("limit", 1))
        there = [person for person in world.people.values() if int(person.id) > after and not person.left]
        found = sorted(there, key=lambda person: int(person.id))
        return answered([shapes.member(person) for person in found[:limit]])

    async def member(self, request: web.Request) -> web.Response:
        guild, person = request.match_info["guild"], self._world.people.get(request.match_info["user"])
        if (
            person is None
            or (guild == shapes.OTHER and not person.elsewhere)
            or person.id in self._world.strangers
        ):
            return error(404, 10007, "Unknown Member")
        return answered(shapes.member(person, guild=guild))

    def _room(self, request: web.Request) -> shapes.Room | web.Response:
        id_ = request.match_info["channel"]
        if id_ not in self._world.rooms:
            return error(404, 10003, "Unknown Channel")
        if not self._world.sees(id_):
            return error(403, 50001, "Missing Access")
        return self._world.rooms[id_]

    async def channel(self, request: web.Request) -> web.Response:
        room = self._room(request)
        if isinstance(room, web.Response):
            return room
        return answered(shapes.thread(room) if room.parent else shapes.channel(room))

    async def history(self, request: web.Request) -> web.Response:
        room = self._room(request)
        if isinstance(room, web.Response):
            return room
        ids = sorted(int(id_) for id_ in self._world.said_in(room.id))
        limit = int(request.query.get("limit", 50))
        if not 1 <= limit <= 100:
            return error(400, 50035, "Invalid Form Body")
        if "after" in request.query:
            ids = [id_ for id_ in ids if id_ > int(request.query["after"])][:limit]
        else:
            before = int(request.query.get("before", 1 << 63))
            ids = [id_ for id_ in ids if id_ < before][-limit:]
        return answered([self._shown(str(id_)) for id_ in reversed(ids)])

    def _shown(self, id_: str) -> dict[str, Any]:
        world = self._world
        said = world.messages[id_]
        return shapes.message(said, world.people[said.author], content=world.content_allowed(said))

    async def message(self, request: web.Request) -> web.Response:
        room = self._room(request)
        if isinstance(room, web.Response):
            return room
        id_ = request.match_info["message"]
        if id_ not in self._world.messages or self._world.messages[id_].room != room.id:
            return error(404, 10008, "Unknown Message")
        return answered(self._shown(id_))

    async def archived(self, request: web.Request) -> web.Response:
        room = self._room(request)
        if isinstance(room, web.Response):
            return room
        private = request.match_info["kind"] == "private"
        if private:
            return error(403, 50013, "Missing Permissions")
        before = request.query.get("before")
        bound = datetime.fromisoformat(before) if before else datetime.max.replace(tzinfo=UTC)
        found = [
            thread for thread in self._world.rooms.values()
            if thread.parent == room.id and thread.archived_at and thread.archived_at < bound
            and thread.kind == shapes.PUBLIC_THREAD
        ]  # fmt: skip
        found.sort(key=lambda thread: thread.archived_at or bound, reverse=True)
        limit = int(request.query.get("limit", 50))
        if not 2 <= limit <= 100:
            return error(400, 50035, "Invalid Form Body")
        limit = min(limit, self._world.archive_page)
        return answered(
            {
                "threads": [shapes.thread(thread) for thread in found[:limit]],
                "members": [],
                "has_more": len(found) > limit,
            }
        )

    async def joined(self, request: web.Request) -> web.Response:
        found = [
            thread for thread in self._world.rooms.values()
            if thread.parent == request.match_info["channel"] and thread.archived_at
            and thread.kind == shapes.PRIVATE_THREAD and thread.admitted
        ]  # fmt: skip
        return answered(
            {"threads": [shapes.thread(thread) for thread in found], "members": [], "has_more": False}
        )

    # --- posting ----------------------------------------------------------------------------------------------------

    async def post(self, request: web.Request) -> web.Response:
        direct = self._world.letters.post(request.match_info["channel"], request[BODY])
        if direct is not None:
            return direct
        room = self._room(request)
        if isinstance(room, web.Response):
            return room
        body = request[BODY]
        wrong = self._invalid(body)
        if wrong or room.kind == shapes.FORUM:
            return wrong or error(400, 50008, "Cannot send messages in a non-text channel")
        nonce = body.get("nonce")
        if (
            self.knows_nonces
            and nonce
            and body.get("enforce_nonce")
            and self._nonces.get(nonce) in self._world.messages
        ):
            return answered(self._shown(self._nonces[nonce]) | {"nonce": nonce})
        said = self.say(room.id, body)
        if nonce:
            self._nonces[nonce] = said.id
        return answered(self._shown(said.id) | ({"nonce": nonce} if nonce else {}))

    async def open(self, request: web.Request) -> web.Response:
        room = self._room(request)
        if isinstance(room, web.Response):
            return room
        body = request[BODY]
        wrong = self._invalid(body["message"] | {"_files": body.get("_files", {})})
        if wrong or room.kind != shapes.FORUM or not 1 <= len(body["name"]) <= 100:
            return wrong or error(400, 50035, "Invalid Form Body")
        world = self._world
        id_ = world.snowflake()
        thread = world.add_thread(room.id, id_, body["name"], shapes.BOT)
        said = self.say(thread.id, body["message"] | {"_files": body.get("_files", {})}, id_)
        return answered(shapes.thread(thread) | {"message": self._shown(said.id)}, 201)

    async def edit(self, request: web.Request) -> web.Response:
        world, body = self._world, request[BODY]
        said = world.messages.get(request.match_info["message"])
        if said is None:
            return error(404, 10008, "Unknown Message")
        if said.author != shapes.BOT:
            return error(403, 50005, "Cannot edit a message authored by another user")
        wrong = self._invalid(body, sent=False)
        if wrong:
            return wrong
        said.text, said.embeds, said.files = (
            body.get("content", said.text) or "", self._embeds(body) if "embeds" in body else said.embeds, self._files(body),
        )  # fmt: skip
        world.changed(said)
        return answered(self._shown(said.id))

    async def delete(self, request: web.Request) -> web.Response:
        self._world.delete(request.match_info["message"])
        return web.Response(status=204)

    def _invalid(self, body: dict[str, Any], *, sent: bool = True) -> web.Response | None:
        wrong = judge.wrong_message(body, sent=sent)
        if wrong:
            self._world.talk.wrongs.append(wrong)
        self._world.talk.pings += judge.pings(body)
        return error(400, 50035, f"Invalid Form Body: {wrong}") if wrong else None

    def _embeds(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"type": "rich"} | embed for embed in body.get("embeds") or ()]

    def _files(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {
                "id": self._world.snowflake(), "filename": file["filename"], "size": len(body["_files"][f"files[{file['id']}]"]),
                "url": "http://127.0.0.1/file", "proxy_url": "http://127.0.0.1/file",
            } | ({"description": file["description"]} if file.get("description") else {})
            for file in body.get("attachments") or ()
        ]  # fmt: skip

    def say(self, room: str, body: dict[str, Any], id_: str | None = None) -> shapes.Said:
        world = self._world
        said = shapes.Said(
            id_ or world.snowflake(), room, shapes.BOT, body.get("content") or "", embeds=self._embeds(body),
            files=self._files(body), nonce=body.get("nonce"),
        )  # fmt: skip
        world.forms[said.id] = body
        world.hear(said)
        return said
