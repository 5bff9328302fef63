"""A Discord with one server on it: REST and gateway over real sockets, for the real client library."""

import itertools
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from aiohttp import web

from tests.fakes import discord_gateway
from tests.fakes import discord_shapes as shapes
from tests.fakes.base import Chaos, Standing
from tests.fakes.dialects import Dialect, speaking
from tests.fakes.discord_rest import Rest
from tests.fakes.discord_shapes import Person, Room, Said

ALL_INTENTS = 1 << 18 | 1 << 14
SOLVED = "✅"


class FakeDiscord:
    """See tests.fakes.base.FakePlatform; and some acts that only Discord has."""

    name = "discord"

    def __init__(self, seed: int = 1) -> None:
        self.settings: dict[str, Any] = {"connector": "discord", "server": shapes.GUILD}
        self.secrets = {"bot_token": "discord-bot-token"}
        self.chaos = Chaos(Random(seed))
        self.requests: list[tuple[str, str, dict[str, Any]]] = []
        self.people: dict[str, Person] = {shapes.BOT: Person(shapes.BOT, "spaces", bot=True)}
        self.rooms: dict[str, Room] = {}
        self.messages: dict[str, Said] = {}
        self.forms: dict[str, dict[str, Any]] = {}
        self.flags = ALL_INTENTS
        self.in_guild = True
        self.guilds = [shapes.GUILD]
        self.dialect: Dialect | None = None
        self.revoked = False
        self.sessions_left = 900
        self.archive_page = self.history_page = 100
        self.update_reactions = False
        """Whether an edit's event carries the reactions."""
        self.gateway_url = ""
        self.rest = Rest(self)
        self.gateway = discord_gateway.Gateway()
        self.gateway.allowed = self._allowed
        self.gateway.welcome = self._welcome
        self.gateway.shaped = self._shaped
        self.gateway.chaotic = lambda _line: self.chance(
            "lost event", "doubled event", "reconnect", "cut", "malformed event"
        )
        self._by_room: dict[str, list[str]] = {}
        self._count = itertools.count(1)

    async def start(self) -> None:
        app = web.Application(middlewares=[speaking(self), self.rest.door], client_max_size=32 * 1024**2)
        doors = [web.get(path, self.gateway.handle) for path in ("/gateway", "/gateway/")]
        app.add_routes([*self.rest.routes(), *doors])
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.gateway_url = f"ws://{host}:{port}/gateway"
        self.settings |= {"api_url": f"http://{host}:{port}/api/v10", "gateway_url": self.gateway_url}

    async def stop(self) -> None:
        self.cut()
        await self._runner.cleanup()

    # --- people act -------------------------------------------------------------------------------------------------

    def snowflake(self, at: datetime | None = None) -> str:
        at = at or datetime.now(UTC)
        return str(((at - shapes.EPOCH) // timedelta(milliseconds=1) << 22) | next(self._count) & 0x3FFFFF)

    def add_guild(self) -> str:
        """The bot is invited to one more server."""
        self.guilds.append(shapes.OTHER_GUILD)
        self.people[shapes.BOT].guilds.add(shapes.OTHER_GUILD)
        self.gateway.tell("GUILD_CREATE", shapes.created(self.people[shapes.BOT], [], 1, shapes.OTHER_GUILD))
        return shapes.OTHER_GUILD

    def add_channel(
        self, name: str, *, private: bool = False, forum: bool = False, guild: str = shapes.GUILD
    ) -> str:
        kind = shapes.FORUM if forum else shapes.TEXT
        room = Room(self.snowflake(), name, kind, private=private, guild=guild)
        self.rooms[room.id] = room
        self.gateway.tell("CHANNEL_CREATE", shapes.channel(room))
        return room.id

    def add_member(self, name: str, *, bot: bool = False, staff: bool = False) -> str:
        person = Person(self.snowflake(), name, bot, staff, datetime.now(UTC))
        self.people[person.id] = person
        self.gateway.tell("GUILD_MEMBER_ADD", shapes.member(person) | {"guild_id": shapes.GUILD})
        return person.id

    def remove_member(self, member: str, guild: str = shapes.GUILD) -> None:
        self.people[member].guilds.discard(guild)
        gone = {"guild_id": guild, "user": shapes.user(self.people[member])}
        self.gateway.tell("GUILD_MEMBER_REMOVE", gone)

    def say(
        self, channel: str, author: str, text: str, *, thread: str | None = None, reply_to: str | None = None,
        at: datetime | None = None, kind: int = 0,
    ) -> str:  # fmt: skip
        room = self.rooms[thread or channel]
        if room.archived_at:
            room.archived_at = None
            self._tell_thread("THREAD_UPDATE", room)
        said = Said(self.snowflake(at), room.id, author, text, shapes.REPLY if reply_to else kind, reply_to)
        self.hear(said)
        return said.id

    def hear(self, said: Said) -> None:
        self.messages[said.id] = said
        self._by_room.setdefault(said.room, []).append(said.id)
        room = self.rooms[said.room]
        room.last = str(max(int(said.id), int(room.last or 0)))
        self._tell_message("MESSAGE_CREATE", said)

    def open_thread(
        self, channel: str, author: str, title: str, text: str, *, at: datetime | None = None
    ) -> str:
        id_ = self.snowflake(at)
        if self.rooms[channel].kind == shapes.FORUM:
            self.add_thread(channel, id_, title, author)
            self.hear(Said(id_, id_, author, text))
        else:
            self.hear(Said(id_, channel, author, text))
            self.add_thread(channel, id_, title, author)
            self.hear(Said(self.snowflake(at), id_, author, "", shapes.STARTER, id_))
        return id_

    def add_thread(
        self, channel: str, id_: str, title: str, owner: str, kind: int = shapes.PUBLIC_THREAD
    ) -> Room:
        room = self.rooms[id_] = Room(id_, title, kind, channel, owner, guild=self.rooms[channel].guild)
        self._tell_thread("THREAD_CREATE", room, newly_created=True)
        return room

    def archive(self, thread: str, at: datetime | None = None) -> None:
        self.rooms[thread].archived_at = at or datetime.now(UTC)
        self._tell_thread("THREAD_UPDATE", self.rooms[thread])

    def rename(self, thread: str, title: str) -> None:
        self.rooms[thread].name = title
        self._tell_thread("THREAD_UPDATE", self.rooms[thread])

    def edit(self, message: str, text: str) -> None:
        said = self.messages[message]
        said.text = text
        self.changed(said)

    def changed(self, said: Said) -> None:
        now = datetime.now(UTC)
        later = said.edited + timedelta(microseconds=1) if said.edited else now
        said.edited = max(now, later)
        self._tell_message("MESSAGE_UPDATE", said)

    def preview(self, message: str) -> None:
        """A link's preview is ready: an update that is no edit, and tells the embeds alone."""
        said = self.messages[message]
        part = {
            "id": said.id,
            "channel_id": said.room,
            "guild_id": self.rooms[said.room].guild,
            "embeds": [{"type": "link"}],
        }
        if self.sees(said.room):
            self.gateway.tell("MESSAGE_UPDATE", part)

    def delete(self, message: str) -> None:
        said = self._forget(message)
        if said is not None and self.sees(said.room):
            gone = {"id": message, "channel_id": said.room, "guild_id": self.rooms[said.room].guild}
            self.gateway.tell("MESSAGE_DELETE", gone)

    def delete_many(self, messages: list[str]) -> None:
        gone: dict[str, list[str]] = {}
        for message in messages:
            said = self._forget(message)
            if said is not None:
                gone.setdefault(said.room, []).append(message)
        for room, ids in gone.items():
            if self.sees(room):
                self.gateway.tell("MESSAGE_DELETE_BULK", {"ids": ids, "channel_id": room, "guild_id": self.rooms[room].guild})  # fmt: skip

    def delete_channel(self, channel: str) -> None:
        room = self.rooms[channel]
        data = {"id": room.id, "guild_id": room.guild, "parent_id": room.parent, "type": room.kind}
        for inner in [room, *(each for each in self.rooms.values() if each.parent == channel)]:
            for message in list(self.said_in(inner.id)):
                self._forget(message)
            del self.rooms[inner.id]
        if room.parent:
            self.gateway.tell("THREAD_DELETE", data)
        else:
            self.gateway.tell("CHANNEL_DELETE", shapes.channel(room))

    def react(self, message: str, emoji: str, member: str) -> None:
        self.messages[message].reactions.setdefault(emoji, set()).add(member)
        self._tell_reaction("MESSAGE_REACTION_ADD", message, emoji, member)

    def unreact(self, message: str, emoji: str, member: str) -> None:
        self.messages[message].reactions.get(emoji, set()).discard(member)
        self._tell_reaction("MESSAGE_REACTION_REMOVE", message, emoji, member)

    def solve(self, message: str) -> None:
        said = self.messages[message]
        room = self.rooms[said.room]
        self.react(message, SOLVED, room.owner or said.author)

    def _forget(self, message: str) -> Said | None:
        said = self.messages.pop(message, None)
        if said is not None:
            self._by_room[said.room].remove(message)
        return said

    def said_in(self, room: str) -> list[str]:
        return self._by_room.get(room, [])

    # --- the platform misbehaves --------------------------------------------------------------------------------------

    def cut(self) -> None:
        for line in list(self.gateway.lines):
            line.cut()

    def lose(self, count: int = 1) -> None:
        self.gateway.losing += count

    def double(self, count: int = 1) -> None:
        self.gateway.doubling += count

    def expire_session(self) -> None:
        for session in self.gateway.sessions.values():
            session.expired = True

    def limit(self, requests: int = 1, seconds: float = 0.2) -> None:
        self.rest.faults.limits, self.rest.faults.limit_seconds = requests, seconds

    def fail(self, requests: int = 1, *, after_effect: bool = False) -> None:
        self.rest.faults.failures, self.rest.faults.after_effect = requests, after_effect

    def refuse(self, channel: str) -> None:
        self.rooms[channel].refused = True
        self.gateway.tell("CHANNEL_UPDATE", shapes.channel(self.rooms[channel]))

    def allow(self, channel: str) -> None:
        self.rooms[channel].refused = False
        self.rooms[channel].admitted = True
        self.gateway.tell("CHANNEL_UPDATE", shapes.channel(self.rooms[channel]))

    def revoke(self) -> None:
        self.revoked = True
        self.gateway.send(4004)

    def chance(self, *kinds: str) -> str:
        """One of these faults, or mostly none."""
        chaos = self.chaos
        if not chaos.on or chaos.random.random() >= chaos.rate:
            return ""
        kind = chaos.random.choice(kinds)
        chaos.seen.append(kind)
        return kind

    # --- what the test looks at ---------------------------------------------------------------------------------------

    def sees(self, room_id: str) -> bool:
        room = self.rooms[room_id]
        if room.parent and room.kind != shapes.PRIVATE_THREAD:
            return self.sees(room.parent)
        closed = room.private or room.kind == shapes.PRIVATE_THREAD
        return not room.refused and (room.admitted or not closed)

    def excluded(self, room: Room) -> bool:
        """Whether the operator named it, or what it is in."""
        names = {str(name).lstrip("#").lower() for name in self.settings.get("exclude") or ()}
        return bool({room.id, room.name.lower()} & names) or (
            room.parent is not None and self.excluded(self.rooms[room.parent])
        )

    def sees_name(self, room: Room) -> bool:
        """Bots are told of all channels, and of the threads they may read."""
        return room.parent is None or self.sees(room.id)

    def content_allowed(self, said: Said) -> bool:
        return bool(self.flags & (1 << 18 | 1 << 19)) or said.author == shapes.BOT

    def standing(self) -> dict[str, Standing]:
        found = {}
        for said in self.messages.values():
            room = self.rooms[said.room]
            if said.kind not in {0, shapes.REPLY} or not self.sees(room.id) or self.excluded(room):
                continue
            text = shapes.seen(said, room)
            reactions = {emoji: len(people) for emoji, people in said.reactions.items() if people}
            thread = room.id if room.parent else None
            found[said.id] = Standing(said.id, room.id, said.author, text, thread, reactions)
        return found

    def posted(self) -> list[tuple[str, str, dict[str, Any]]]:
        found = []
        for id_, form in self.forms.items():
            if id_ in self.messages:
                room = self.rooms[self.messages[id_].room]
                starts = room.parent and room.id == id_
                place = room.id if not room.parent else room.parent if starts else f"{room.parent}/{room.id}"
                found.append((place, id_, form))
        return found

    # --- the wire -----------------------------------------------------------------------------------------------------

    def _allowed(self, token: str, intents: int) -> int:
        if self.revoked or token != self.secrets["bot_token"]:
            return 4004
        content = intents & discord_gateway.CONTENT and not self.flags & (1 << 18 | 1 << 19)
        members = intents & discord_gateway.MEMBERS and not self.flags & (1 << 14 | 1 << 15)
        return 4014 if content or members else 0

    def _welcome(self, session: discord_gateway.Session) -> list[tuple[str, dict[str, Any]]]:
        bot = self.people[shapes.BOT]
        ready = shapes.ready(bot, session.id, self.gateway_url, self.flags, self.guilds)
        if not self.in_guild:
            return [("READY", ready | {"guilds": []})]
        rooms = [room for room in self.rooms.values() if not room.archived_at and self.sees_name(room)]
        created = [
            shapes.created(bot, [room for room in rooms if room.guild == guild], len(self.people), guild)
            for guild in self.guilds
        ]
        return [("READY", ready), *(("GUILD_CREATE", one) for one in created)]

    def _shaped(self, kind: str, data: dict[str, Any], session: discord_gateway.Session) -> dict[str, Any]:
        data = data if self.dialect is None else self.dialect.told(data)
        if (
            kind in {"MESSAGE_CREATE", "MESSAGE_UPDATE"}
            and "content" in data
            and not session.intents & discord_gateway.CONTENT
        ):
            return data | {"content": "", "embeds": [], "attachments": []}
        return data

    def _tell_message(self, kind: str, said: Said) -> None:
        if not self.sees(said.room):
            return
        person = self.people[said.author]
        data = shapes.message(said, person) | {
            "guild_id": self.rooms[said.room].guild,
            "member": shapes.member(person, whole=False),
        }
        if said.nonce:
            data["nonce"] = said.nonce
        if kind == "MESSAGE_UPDATE" and not self.update_reactions:
            data.pop("reactions", None)
        self.gateway.tell(kind, data)

    def _tell_thread(self, kind: str, room: Room, **more: Any) -> None:
        if self.sees(room.id):
            self.gateway.tell(kind, shapes.thread(room) | more)

    def _tell_reaction(self, kind: str, message: str, emoji: str, member: str) -> None:
        said = self.messages[message]
        if not self.sees(said.room):
            return
        data = {
            "user_id": member, "channel_id": said.room, "message_id": message, "guild_id": self.rooms[said.room].guild,
            "emoji": {"id": None, "name": emoji}, "type": 0, "burst": False,
        }  # fmt: skip
        if kind == "MESSAGE_REACTION_ADD":
            data |= {"member": shapes.member(self.people[member]), "message_author_id": said.author}
        self.gateway.tell(kind, data)
