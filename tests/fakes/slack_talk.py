"""People ask the app for something: slash commands, menus, modals, buttons; and what they are shown in return.

Deadlines are Slack's: an acknowledgement within 3 seconds, a trigger for 3 seconds and one modal, a response address
for 30 minutes and five messages.
"""

import asyncio
import json
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

from tests.fakes.slack_blocks import Wrong, check_message, check_view
from tests.fakes.slack_room import BOT_USER, TEAM
from tests.fakes.slack_said import No
from tests.fakes.slack_shown import Asked, Shown

if TYPE_CHECKING:
    from tests.fakes.slack import FakeSlack
    from tests.fakes.slack_room import Room

Row = dict[str, Any]

_PATIENCE, _TRIGGER = 3.0, 3.0
_RESPONSES, _LIFE = 5, 1800.0


class Talk:
    """What people do with the app, and what it shows them."""

    def __init__(self, slack: "FakeSlack") -> None:
        self.slack = slack
        self.locales: dict[str, str] = {}
        self.shown: list[Shown] = []
        self.asked: list[Asked] = []
        self.views: dict[str, tuple[Asked, Row]] = {}
        self.views_refused: list[str] = []
        self._conversations: dict[str, str] = {}
        self._numbers = count(1)
        self._responses: dict[str, Asked] = {}
        self._changed = asyncio.Event()
        self.broken = ""
        """What every response address answers while it is set: "500", "reset" or an error of Slack's."""

    def said(self) -> None:
        """Something was said that everybody sees."""
        self._changed.set()

    async def until(self, holds: Callable[[], Any], seconds: float = 10.0) -> None:
        """Wait until something holds of what people see."""
        async with asyncio.timeout(seconds):
            while not holds():
                self._changed.clear()
                await self._changed.wait()

    async def seen(self, user: str, count: int = 1) -> list[Shown]:
        """Wait until this person alone was shown so many things; returns all of them."""
        await self.until(lambda: len(self.to(user)) >= count)
        return self.to(user)

    async def opened(self, asked: Asked) -> Row:
        """Wait for the modal that an interaction opens."""
        await self.until(lambda: asked.view)
        assert asked.view is not None
        return asked.view

    # --- people -----------------------------------------------------------------------------------------------

    def add_guest(self, name: str, *channels: str) -> str:
        """A guest, in these channels alone."""
        id_ = self.slack.add_member(name)
        self.slack.users[id_]["is_restricted"] = True
        self.join(id_, *channels)
        return id_

    def join(self, member: str, *channels: str) -> None:
        for channel in channels:
            self.slack.rooms[channel].people.add(member)

    def leave(self, member: str, *channels: str) -> None:
        for channel in channels:
            self.slack.rooms[channel].people.discard(member)

    def inside(self, room: "Room") -> set[str]:
        """Who is a member of a channel: of a public one everybody but guests and strangers."""
        users = self.slack.users
        everyone = {id_ for id_, row in users.items() if not row["is_restricted"] and row["team_id"] == TEAM}
        return room.people | ({BOT_USER} if room.private else everyone)

    # --- they ask ---------------------------------------------------------------------------------------------

    def command(self, user: str, channel: str, text: str, **more: Any) -> Asked:
        """`/spaces text`, written in a channel."""
        return self._ask("slash_commands", {
            "token": "t", "team_id": TEAM, "team_domain": "acme", "channel_id": channel, "channel_name": self._name(channel),
            "user_id": user, "user_name": self.slack.users[user]["name"], "command": "/spaces", "text": text,
            "api_app_id": "A0SPACES", "is_enterprise_install": "false", **more,
        })  # fmt: skip

    def shortcut(self, user: str, message: str, callback: str = "spaces_tag") -> Asked:
        """A message's menu."""
        room, row = self.slack.find(message)
        return self._ask("interactive", {
            "type": "message_action", "action_ts": self.slack.ts(), **self._who(user), "callback_id": callback,
            "channel": {"id": room.id, "name": room.name}, "message_ts": row["ts"], "message": row,
        })  # fmt: skip

    def submit(self, user: str, view_id: str, value: str | None) -> Asked:
        """The button of a modal, after one of the options of its select was chosen."""
        _, view = self.views[view_id]
        values = {}
        for block in view["blocks"]:
            if block["type"] == "input":
                option = next((each for each in block["element"]["options"] if each["value"] == value), None)
                chosen = {"type": "static_select", "selected_option": option}
                values[block["block_id"]] = {block["element"]["action_id"]: chosen}
        body = {
            "type": "view_submission",
            "api_app_id": "A0SPACES",
            **self._who(user),
            "view": view | {"state": {"values": values}},
        }
        return self._ask("interactive", body | {"response_urls": []}, response=False)

    def press(self, user: str, where: "Shown | str", title: str) -> Asked:
        """A button under something that is shown to this person, or stands as a message."""
        if isinstance(where, Shown):
            channel, ts, thread, row = where.channel, where.ts, where.thread, where.message
        else:
            room, row = self.slack.find(where)
            channel, ts, thread = room.id, row["ts"], row.get("thread_ts")
        blocks = [block for block in row["blocks"] if block["type"] == "actions"]
        (action,) = [each for block in blocks for each in block["elements"] if each["text"]["text"] == title]
        container = {"type": "message", "message_ts": ts, "channel_id": channel,
                     "is_ephemeral": isinstance(where, Shown) and channel[:1] != "D"}  # fmt: skip
        if thread:
            container["thread_ts"] = thread
        # Of an ephemeral message Slack tells nothing but where it is.
        message = {} if container["is_ephemeral"] else {"message": row}
        return self._ask("interactive", {
            "type": "block_actions", "api_app_id": "A0SPACES", **self._who(user), "container": container, **message,
            "channel": {"id": channel, "name": self._name(channel)}, "state": {"values": {}},
            "actions": [{"type": "button", "block_id": "b", "action_ts": self.slack.ts(), **action}],
        })  # fmt: skip

    def again(self, asked: Asked) -> Asked:
        """The same once more, as a network that stumbles delivers it."""
        return self._hand_over(Asked(asked.kind, asked.body, asked.at))

    def raw(self, kind: str, body: Row) -> Asked:
        """Something of a form of one's own."""
        return self._hand_over(Asked(kind, body, asyncio.get_running_loop().time()))

    def mentioned(self, channel: str, row: Row) -> None:
        """Tell the app that it was called by its name; the message itself is told besides."""
        told: Row = {
            key: row[key] for key in ("user", "text", "ts", "team", "bot_id", "thread_ts") if key in row
        }
        self.slack.wire.emit({"type": "app_mention", **told, "channel": channel, "event_ts": row["ts"]})

    def _who(self, user: str) -> Row:
        row = self.slack.users[user]
        return {
            "user": {"id": user, "name": row["name"], "team_id": row["team_id"]},
            "team": {"id": TEAM, "domain": "acme"}, "enterprise": None, "is_enterprise_install": False,
            "token": "t",
        }  # fmt: skip

    def _name(self, channel: str) -> str:
        room = self.slack.rooms.get(channel)
        return "directmessage" if room is None else ("privategroup" if room.private else room.name)

    def _ask(self, kind: str, body: Row, *, response: bool = True) -> Asked:
        number = next(self._numbers)
        asked = Asked(
            kind, body | {"trigger_id": f"{number}.1.{number:032x}"}, asyncio.get_running_loop().time()
        )
        if response:
            self._responses[str(number)] = asked
            asked.body["response_url"] = f"{self.slack.address}/respond/{number}"
        self.asked.append(asked)
        return self._hand_over(asked)

    def _hand_over(self, asked: Asked) -> Asked:
        self.slack.wire.start(self._deliver(asked))
        return asked

    async def _deliver(self, asked: Asked) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            told = await self.slack.wire.ask(asked.kind, asked.body, _PATIENCE)
        except (aiohttp.ClientError, OSError, TimeoutError):
            told = None
        if told is None:
            asked.failed = True
            return
        asked.seconds = loop.time() - began
        if told["body"]:
            self.slack.wire.faults.append(f"{asked.kind} was acknowledged with {told['body'][:80]!r}")
        asked.acknowledged.set()
        self._changed.set()

    # --- they are shown ---------------------------------------------------------------------------------------

    def show(self, user: str, channel: str, message: Row, thread: str | None) -> str:
        ts = self.slack.ts()
        self.shown.append(Shown(user, channel, thread, message, ts))
        self._changed.set()
        return ts

    def to(self, user: str) -> list[Shown]:
        """All that this person alone was shown."""
        return [shown for shown in self.shown if shown.user == user]

    async def respond(self, request: web.Request) -> web.Response:
        """A message comes to a response address."""
        asked = self._responses[request.match_info["token"]]
        if self.broken == "reset":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        age = asyncio.get_running_loop().time() - asked.at
        error = self.broken or (
            "expired_url" if age > _LIFE else "used_url" if len(asked.answers) >= _RESPONSES else ""
        )
        if error == "500":
            return web.Response(status=500, text="server_error")
        message = await request.json()
        if not error:
            try:
                check_message(message)
            except Wrong as wrong:
                error = wrong.error
        if error:
            asked.refused.append(error)
            self._changed.set()
            # In one way or the other, by turns: Slack does both.
            if len(asked.refused) % 2:
                return web.json_response({"ok": False, "error": error}, status=404)
            return web.Response(status=404, text=error)
        asked.answers.append(message)
        self._place(asked, message)
        self._changed.set()
        return web.json_response({"ok": True})

    def _place(self, asked: Asked, message: Row) -> None:
        body = asked.body
        user = str(body.get("user_id") or body["user"]["id"])
        channel = str(body.get("channel_id") or body["channel"]["id"])
        if message.get("replace_original", asked.kind == "interactive" and "container" in body) is not False:
            self.slack.wire.faults.append("what stood there was replaced")
        thread = message.get("thread_ts")
        if message.get("response_type") != "in_channel":
            self.show(user, channel, message, thread)
        elif channel[:1] == "D":
            self.show(user, channel, message, None)
        else:
            more = {"blocks": message["blocks"]} if message.get("blocks") else {}
            self.slack.say(
                channel,
                BOT_USER,
                message.get("text", ""),
                thread=f"{channel}:{thread}" if thread else None,
                **more,
            )

    # --- direct messages and modals ---------------------------------------------------------------------------

    def conversation(self, user: str) -> str:
        """The direct conversation of the app with somebody."""
        if user not in self.slack.users:
            raise No("user_not_found")
        return self._conversations.setdefault(user, f"D0{len(self._conversations):08d}")

    def direct(self, place: str, message: Row) -> Row:
        """A direct message, to a conversation that was opened."""
        user = next((user for user, id_ in self._conversations.items() if id_ == place), None)
        if user is None:
            raise No("channel_not_found")
        return {"channel": place, "ts": self.show(user, place, message, None)}

    def open(self, trigger: str, view: Row) -> Row:
        asked = next((each for each in self.asked if each.body["trigger_id"] == trigger), None)
        error = "invalid_trigger_id" if asked is None else self._spent(asked)
        if asked is None or error:
            self.views_refused.append(error)
            self._changed.set()
            raise No(error)
        asked.view = self.kept(f"V{next(self._numbers):08d}", asked, view)
        asked.exchanged = True
        return asked.view

    @staticmethod
    def _spent(asked: Asked) -> str:
        if asyncio.get_running_loop().time() - asked.at > _TRIGGER:
            return "expired_trigger_id"
        return "exchanged_trigger_id" if asked.exchanged else ""

    def update(self, view_id: str, view: Row) -> Row:
        if view_id not in self.views:
            raise No("not_found")
        asked, _ = self.views[view_id]
        asked.view = self.kept(view_id, asked, view)
        return asked.view

    def kept(self, id_: str, asked: Asked, view: Row) -> Row:
        try:
            check_view(view)
        except Wrong as wrong:
            raise No("invalid_arguments", response_metadata={"messages": [wrong.why]}) from None
        kept = view | {
            "id": id_, "team_id": TEAM, "hash": f"{next(self._numbers)}.x", "state": {"values": {}}, "app_id": "A0SPACES",
            "bot_id": "B0SPACESBOT", "root_view_id": id_, "previous_view_id": None, "external_id": "",
        }  # fmt: skip
        self.views[id_] = (asked, kept)
        self._changed.set()
        return json.loads(json.dumps(kept))  # type: ignore[no-any-return]
