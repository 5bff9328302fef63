"""A Slack workspace that speaks the wire: Web API, Socket Mode and signed HTTP events (see slack_api, slack_events).

This module holds what stands in the workspace and what people do there; all rows have Slack's own form.
"""

import random
import socket
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tests.fakes.base import Chaos, Standing
from tests.fakes.dialects import Dialect, speaking
from tests.fakes.slack_api import Api
from tests.fakes.slack_events import Wire
from tests.fakes.slack_room import BOT_USER, TEAM, Room, Row, group, user

SCOPES = (
    "channels:read,channels:history,groups:read,groups:history,users:read,users:read.email,usergroups:read,"
    "reactions:read,chat:write,files:write,commands"
)
BOT = "B0SPACESBOT"


class FakeSlack:
    """See tests.fakes.base.FakePlatform."""

    name = "slack"

    def __init__(self, *, http_events: bool = False, seed: int = 1) -> None:
        self.random = random.Random(seed)
        self.chaos = Chaos(random.Random(seed))
        self.requests: list[tuple[str, str, Row]] = []
        self.settings: dict[str, Any] = {}
        self.secrets = {
            "bot_token": "xoxb-1-fake", "app_token": "xapp-1-fake", "signing_secret": "8f742231b10e8888abcd99yyyzzz85a5"
        }  # fmt: skip
        self.rooms: dict[str, Room] = {}
        self.users: dict[str, Row] = {}
        self.hidden_users: set[str] = set()
        self.groups: dict[str, Row] = {}
        self.scopes = SCOPES
        self.page_limit = 999
        self.cursors = True
        """Pages of messages say where the next begins; else only that there is more."""
        self.dialect: Dialect | None = None
        self.revoked = False
        self.http_events = http_events
        self._last = 0
        self._counts: dict[str, int] = {}
        self.api, self.wire = Api(self), Wire(self)
        self._user(BOT_USER, "spaces", bot=True)

    # --- life ---------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        app = web.Application(client_max_size=64 * 1024 * 1024, middlewares=[speaking(self)])
        app.router.add_route("*", "/api/{method}", self.api.answer)
        app.router.add_post("/upload/{file}", self.api.upload)
        app.router.add_get("/link", self.wire.link)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.address = f"http://127.0.0.1:{port}"
        self.settings |= {
            "connector": "slack", "api_url": f"{self.address}/api/", "url": "https://acme.slack.com", "include": [], "exclude": [],
        }  # fmt: skip
        if self.http_events:
            with socket.socket() as reserved:
                reserved.bind(("127.0.0.1", 0))
                self.settings |= {"events": "http", "listen": f"127.0.0.1:{reserved.getsockname()[1]}"}

    async def stop(self) -> None:
        await self.wire.stop()
        await self._runner.cleanup()

    # --- names and times --------------------------------------------------------------------------------------

    def _id(self, letter: str) -> str:
        self._counts[letter] = self._counts.get(letter, 0) + 1
        return f"{letter}0{self._counts[letter]:08d}"

    def ts(self, at: datetime | None = None) -> str:
        micros = int((at or datetime.now(UTC)).timestamp() * 1_000_000)
        if at is None:
            self._last = micros = max(micros, self._last + 1)
        while any(self._form(micros) in room.rows for room in self.rooms.values()):
            micros += 1
        return self._form(micros)

    @staticmethod
    def _form(micros: int) -> str:
        return f"{micros // 1_000_000}.{micros % 1_000_000:06d}"

    def find(self, message: str) -> tuple[Room, Row]:
        channel, _, ts = message.partition(":")
        return self.rooms[channel], self.rooms[channel].rows[ts]

    def _user(self, id_: str, name: str, *, bot: bool = False, staff: bool = False) -> None:
        self.users[id_] = user(id_, name, bot=bot, staff=staff)

    # --- people act -------------------------------------------------------------------------------------------

    def add_channel(self, name: str, *, private: bool = False, forum: bool = False) -> str:  # noqa: ARG002 - Slack has no forums
        room = Room(self._id("G" if private else "C"), name, private=private, general=name == "general")
        self.rooms[room.id] = room
        told = {"id": room.id, "name": name, "created": 1600000000, "creator": BOT_USER}
        if not private:
            self.wire.emit({"type": "channel_created", "channel": told})
        self.wire.emit({"type": "member_joined_channel", "user": BOT_USER, "channel": room.id, "team": TEAM,
                        "channel_type": "G" if private else "C"})  # fmt: skip
        return room.id

    def add_member(self, name: str, *, bot: bool = False, staff: bool = False) -> str:
        id_ = self._id("U")
        self._user(id_, name, bot=bot, staff=staff)
        self.wire.emit({"type": "team_join", "user": self.users[id_]})
        return id_

    def add_group(self, name: str, handle: str, members: list[str]) -> str:
        """A user group."""
        id_ = self._id("S")
        self.groups[id_] = group(id_, name, handle, members)
        self.wire.emit({"type": "subteam_created", "subteam": self.groups[id_]})
        return id_

    def regroup(self, id_: str, members: list[str]) -> None:
        """Others are in a user group from now on."""
        before, self.groups[id_]["users"] = self.groups[id_]["users"], members
        self.groups[id_]["user_count"] = len(members)
        added, removed = sorted({*members} - {*before}), sorted({*before} - {*members})
        self.wire.emit({
            "type": "subteam_members_changed", "subteam_id": id_, "team_id": TEAM, "date_previous_update": 1600000000,
            "date_update": 1600000001, "added_users": added, "added_users_count": len(added),
            "removed_users": removed, "removed_users_count": len(removed),
        })  # fmt: skip

    def remove_member(self, member: str) -> None:
        self.users[member]["deleted"] = True
        self.wire.emit({"type": "user_change", "user": self.users[member]})

    def add_stranger(self, name: str) -> str:
        """A guest of Slack Connect: in no list."""
        id_ = self._id("W")
        self._user(id_, name)
        self.hidden_users.add(id_)
        return id_

    def say(
        self, channel: str, author: str, text: str, *, thread: str | None = None, reply_to: str | None = None,
        at: datetime | None = None, subtype: str | None = None, **more: Any,
    ) -> str:  # fmt: skip
        room = self.rooms[channel]
        row: Row = {"type": "message", "user": author, "text": text, "ts": self.ts(at), "team": TEAM, **more}
        if self.users[author]["is_bot"]:
            row |= {"bot_id": BOT if author == BOT_USER else "B" + author[1:]}
        if subtype:
            row["subtype"] = subtype
        root = thread or reply_to
        if root:
            row["thread_ts"] = self._root(room, root.partition(":")[2])["ts"]
        room.add(row)
        if root:
            self._count(room, row["thread_ts"])
        self._emit(room, row)
        return f"{channel}:{row['ts']}"

    def _root(self, room: Room, ts: str) -> Row:
        row = room.rows[ts]
        return room.rows[row.get("thread_ts", ts)]

    def _count(self, room: Room, ts: str) -> None:
        """Bring what a thread's first message says of its replies up to date."""
        root, replies = room.rows.get(ts), room.replies(ts)
        if root is None:
            return
        before = dict(root)
        for key in ("thread_ts", "reply_count", "reply_users_count", "latest_reply", "reply_users"):
            root.pop(key, None)
        if replies:
            users = sorted({row.get("user", "") for row in replies})
            root |= {
                "thread_ts": ts, "reply_count": len(replies), "reply_users_count": len(users), "reply_users": users,
                "latest_reply": replies[-1]["ts"],
            }  # fmt: skip
        elif root.get("subtype") == "tombstone":
            room.remove(ts)
            return
        if room.member:
            self._changed(room, root, before)

    def _emit(self, room: Room, row: Row) -> None:
        kind = "group" if room.private else "channel"
        if room.member:
            self.wire.emit({**row, "channel": room.id, "event_ts": row["ts"], "channel_type": kind})

    def _changed(self, room: Room, row: Row, before: Row) -> None:
        hidden = {"reactions"}  # Slack's event does not carry them
        self._emit(room, {
            "type": "message", "subtype": "message_changed", "hidden": True, "ts": self.ts(),
            "message": {key: value for key, value in row.items() if key not in hidden},
            "previous_message": {key: value for key, value in before.items() if key not in hidden},
        })  # fmt: skip

    def open_thread(
        self, channel: str, author: str, title: str, text: str, *, at: datetime | None = None
    ) -> str:
        return self.say(channel, author, f"{title}\n{text}", at=at)

    def edit(self, message: str, text: str) -> None:
        room, row = self.find(message)
        before = dict(row)
        row |= {"text": text, "edited": {"user": row.get("user", ""), "ts": self.ts()}}
        self._changed(room, row, before)

    def unfurl(self, message: str) -> None:
        """A link's preview arrives: a change that is no edit."""
        room, row = self.find(message)
        before = dict(row)
        row["attachments"] = [{"id": 1, "title": "a page", "fallback": "a page"}]
        self._changed(room, row, before)

    def delete(self, message: str) -> None:
        room, row = self.find(message)
        ts, thread = row["ts"], row.get("thread_ts")
        if thread == ts:
            before = dict(row)
            for key in ("edited", "reactions", "files", "attachments", "blocks", "bot_id"):
                row.pop(key, None)
            row |= {
                "subtype": "tombstone",
                "text": "This message was deleted.",
                "user": "USLACKBOT",
                "hidden": True,
            }
            self._changed(room, row, before)
            return
        room.remove(ts)
        self._emit(room, {"type": "message", "subtype": "message_deleted", "hidden": True, "deleted_ts": ts,
                          "ts": self.ts(), "previous_message": row})  # fmt: skip
        if thread:
            self._count(room, thread)

    def delete_many(self, messages: list[str]) -> None:
        for message in messages:
            self.delete(message)

    def delete_channel(self, channel: str) -> None:
        del self.rooms[channel]
        self.wire.emit({"type": "channel_deleted", "channel": channel, "actor_id": BOT_USER})

    def archive(self, channel: str) -> None:
        self.rooms[channel].archived = True
        self.wire.emit({"type": "channel_archive", "channel": channel, "user": BOT_USER, "is_moved": 0})

    def rename(self, channel: str, name: str) -> None:
        self.rooms[channel].name = name
        self.wire.emit({"type": "channel_rename", "channel": {
            "id": channel, "is_channel": True, "is_mpim": False, "name": name, "name_normalized": name, "created": 1}})  # fmt: skip

    def react(self, message: str, emoji: str, member: str) -> None:
        room, row = self.find(message)
        reactions = row.setdefault("reactions", [])
        found = next((one for one in reactions if one["name"] == emoji), None)
        if found is None:
            reactions.append(found := {"name": emoji, "users": [], "count": 0})
        if member not in found["users"]:
            found["users"].append(member)
            found["count"] += 1
            self._reaction("reaction_added", room, row, emoji, member)

    def unreact(self, message: str, emoji: str, member: str) -> None:
        room, row = self.find(message)
        for one in row.get("reactions", []):
            if one["name"] == emoji and member in one["users"]:
                one["users"].remove(member)
                one["count"] -= 1
        row["reactions"] = [one for one in row.get("reactions", []) if one["count"]]
        if not row["reactions"]:
            del row["reactions"]
        self._reaction("reaction_removed", room, row, emoji, member)

    def _reaction(self, kind: str, room: Room, row: Row, emoji: str, member: str) -> None:
        if room.member:
            self.wire.emit({
                "type": kind, "user": member, "reaction": emoji, "item_user": row.get("user", ""),
                "item": {"type": "message", "channel": room.id, "ts": row["ts"]},
            })  # fmt: skip

    def solve(self, message: str) -> None:
        room, row = self.find(message)
        asker = room.rows[str(row.get("thread_ts") or row["ts"])].get("user", "")
        self.react(message, "white_check_mark", asker)

    # --- the platform misbehaves ------------------------------------------------------------------------------

    def cut(self) -> None:
        self.wire.cut()

    def lose(self, count: int = 1) -> None:
        self.wire.losing += count

    def double(self, count: int = 1) -> None:
        self.wire.doubling += count

    def expire_session(self) -> None:
        self.wire.forget()  # Slack knows no sessions: what is not acknowledged yet is not sent again

    def limit(self, requests: int = 1, seconds: float = 0.2) -> None:
        self.api.limits += [seconds] * requests

    def fail(self, requests: int = 1, *, after_effect: bool = False) -> None:
        self.api.faults += [after_effect] * requests

    def refuse(self, channel: str) -> None:
        room = self.rooms[channel]
        room.member, room.refused = False, True
        self.wire.emit(
            {
                "type": "group_left" if room.private else "channel_left",
                "channel": channel,
                "actor_id": BOT_USER,
            }
        )

    def invite(self, channel: str) -> None:
        self.rooms[channel].member, self.rooms[channel].refused = True, False
        self.wire.emit({"type": "member_joined_channel", "user": BOT_USER, "channel": channel, "team": TEAM,
                        "channel_type": "C"})  # fmt: skip

    def revoke(self) -> None:
        self.revoked = True
        self.wire.emit({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [BOT_USER]}})
        self.wire.cut(after=0.2)

    # --- what the test looks at -------------------------------------------------------------------------------

    def seen(self, room: Room) -> bool:
        named = {str(name).lstrip("#").lower() for name in self.settings.get("include", [])}
        excluded = {str(name).lstrip("#").lower() for name in self.settings.get("exclude", [])}
        names = {room.id.lower(), room.name.lower()}
        return room.member and not names & excluded and (not room.private or bool(names & named))

    def standing(self) -> dict[str, Standing]:
        found = {}
        for room in filter(self.seen, self.rooms.values()):
            for ts, row in room.rows.items():
                if row.get("subtype") in {
                    None,
                    "thread_broadcast",
                    "file_share",
                    "me_message",
                    "bot_message",
                }:
                    thread = row.get("thread_ts")
                    found[f"{room.id}:{ts}"] = Standing(
                        f"{room.id}:{ts}", room.id, row.get("user") or row.get("bot_id"), row["text"],
                        f"{room.id}:{thread}" if thread else None,
                        {one["name"]: one["count"] for one in row.get("reactions", [])},
                    )  # fmt: skip
        return found

    def posted(self) -> list[tuple[str, str, dict[str, Any]]]:
        return [
            (
                f"{room.id}/{row['thread_ts']}" if row.get("thread_ts", ts) != ts else room.id,
                f"{room.id}:{ts}",
                row,
            )
            for room in self.rooms.values()
            for ts, row in room.rows.items()
            if row.get("user") == BOT_USER
            and row.get("subtype") != "file_share"  # a picture belongs to its post
        ]
