"""People who talk to the bot on the fake Discord: commands, menus, buttons, direct messages; and what they see.

Discord's rules are kept here: three seconds to acknowledge, once; fifteen minutes to answer; the first answer to a
deferred interaction takes its place, and its privacy; what the scope does not allow is refused.
"""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.fakes import discord_judge as judge
from tests.fakes import discord_shapes as shapes
from tests.fakes.discord_faults import answered, error

if TYPE_CHECKING:
    from tests.fakes.discord import FakeDiscord

EPHEMERAL = 64
IN_TIME = 3.0

Raw = dict[str, Any]


@dataclass
class Interaction:
    """One, from the first word of it to the last answer."""

    id: str
    token: str
    kind: int
    member: str
    channel: str | None
    told_at: float
    acks: list[Raw] = field(default_factory=list)
    ack_after: float = 0.0
    late: bool = False
    expired: bool = False
    under: Raw | None = None
    """The message whose button or list it was."""
    original: Raw | None = None
    """The message that the interaction has, or None while it thinks."""
    followups: list[Raw] = field(default_factory=list)
    deleted: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def thinks(self) -> bool:
        return bool(self.acks) and self.acks[0]["type"] == 5 and self.original is None and not self.deleted

    @property
    def seen(self) -> list[Raw]:
        """What its asker sees, in order."""
        return [*([self.original] if self.original else []), *self.followups]

    @property
    def text(self) -> str:
        return "\n".join(str(each.get("content") or "") for each in self.seen)

    @property
    def choices(self) -> list[Raw]:
        """What is suggested."""
        found: list[Raw] = self.acks[0]["data"]["choices"]
        return found


class Interactions:
    def __init__(self, world: "FakeDiscord") -> None:
        self._world = world
        self.scope = True
        """Whether the invitation had the scope for commands."""
        self.commands: dict[str, list[Raw]] = {}
        self.creates = 0
        self.all: dict[str, Interaction] = {}
        self.changed = asyncio.Event()
        self.pings: list[str] = []
        self.wrongs: list[str] = []
        """What was refused as malformed."""

    def routes(self) -> list[web.RouteDef]:
        at = "/api/v10"
        hook = f"{at}/webhooks/{{application}}/{{token}}"
        own = f"{at}/applications/{{application}}/guilds/{{guild}}/commands"
        return [
            web.get(own, self.list_commands),
            web.put(own, self.set_commands),
            web.post(f"{at}/interactions/{{id}}/{{token}}/callback", self.callback),
            web.patch(f"{hook}/messages/@original", self.edit_original),
            web.get(f"{hook}/messages/@original", self.get_original),
            web.delete(f"{hook}/messages/@original", self.delete_original),
            web.post(hook, self.follow_up),
            web.get(f"{at}/channels/{{channel}}/thread-members/{{user}}", self.thread_member),
        ]

    async def until(self, fact: Any) -> None:
        async with asyncio.timeout(4):
            while not fact():
                self.changed.clear()
                await self.changed.wait()

    # --- people act -------------------------------------------------------------------------------------------------

    def command(
        self, member: str, name: str, channel: str | None, options: dict[str, str] | None = None, *,
        locale: str = "en-US", focus: str = "", guild: str = shapes.GUILD,
    ) -> Interaction:  # fmt: skip
        """`/spaces name ...`, as somebody's program sends it: only what is offered, with every required option."""
        group, offered = self.offered(name, guild)
        given = []
        for option, value in (options or {}).items():
            of = next(each for each in offered["options"] if each["name"] == option)
            if of.get("choices"):
                assert value in {choice["value"] for choice in of["choices"]}, f"{value} is no choice"
            one = {"name": option, "type": of["type"], "value": value}
            given.append(one | ({"focused": True} if option == focus else {}))
        missing = {each["name"] for each in offered.get("options", ()) if each.get("required")} - {
            *(options or {})
        }
        assert focus or not missing, f"{missing} must be given"
        inner: list[Raw] = [{"name": name, "type": 1, "options": given}]
        if group:
            inner = [{"name": group, "type": 2, "options": inner}]
        top = self._top(1, guild)
        data = {"id": top["id"], "name": top["name"], "type": 1, "guild_id": guild, "options": inner}
        return self.tell(4 if focus else 2, member, channel, data, locale=locale, guild=guild)

    def offered(self, name: str, guild: str = shapes.GUILD) -> tuple[str, Raw]:
        """The group and the subcommand that is called so."""
        for each in self._top(1, guild)["options"]:
            if each["type"] == 1 and each["name"] == name:
                return "", each
            for inner in each.get("options", ()) if each["type"] == 2 else ():
                if inner["name"] == name:
                    return str(each["name"]), inner
        raise AssertionError(f"/spaces {name} is not offered")

    def _top(self, kind: int, guild: str = shapes.GUILD) -> Raw:
        return next(command for command in self.commands[guild] if command["type"] == kind)

    def menu(self, member: str, message: str, *, locale: str = "en-US") -> Interaction:
        """The entry of the menu on a message."""
        said, top = self._world.messages[message], self._top(3)
        shown = shapes.message(said, self._world.people[said.author])
        data = {
            "id": top["id"], "name": top["name"], "type": 3, "target_id": message,
            "resolved": {"messages": {message: shown}},
        }  # fmt: skip
        return self.tell(2, member, said.room, data, locale=locale)

    def press(self, member: str, label: str, under: Raw, channel: str | None, **more: Any) -> Interaction:
        """A button under a message (its form)."""
        buttons = [each for row in under["components"] for each in row["components"]]
        button = next(each for each in buttons if each.get("label") == label)
        data = {"id": 2, "custom_id": button["custom_id"], "component_type": 2}
        return self.tell(3, member, channel, data, message=under, **more)

    def choose(self, member: str, value: str, under: Interaction) -> Interaction:
        """A value from the list that stands under an interaction's message."""
        assert under.original is not None
        (select,) = [each for row in under.original["components"] for each in row["components"]]
        assert value in {option["value"] for option in select["options"]}
        data = {"id": 2, "custom_id": select["custom_id"], "component_type": 3, "values": [value]}
        return self.tell(3, member, under.channel, data, message=under.original)

    def tell(
        self, kind: int, member: str, channel: str | None, data: Any, *, locale: str = "en-US",
        guild: str = shapes.GUILD, message: Raw | None = None, without: tuple[str, ...] = (),
    ) -> Interaction:  # fmt: skip
        """Tell the bot of an interaction; without a channel it is asked in direct messages."""
        world = self._world
        now = asyncio.get_running_loop().time()
        one = Interaction(world.snowflake(), f"aW50ZXJhY3Rpb246{len(self.all)}", kind, member, channel, now)
        self.all[one.token] = one
        one.under = message
        place = channel or world.letters.room_of(member)
        room = world.rooms.get(place)
        told = shapes.interaction(world.people[member], room, place, guild if channel else None) | {
            "id": one.id, "token": one.token, "type": kind, "data": data, "locale": locale,
        }  # fmt: skip
        if message is not None:
            told["message"] = {"id": world.snowflake(), "flags": 0} | message
        world.gateway.tell(
            "INTERACTION_CREATE", {key: value for key, value in told.items() if key not in without}
        )
        return one

    # --- the bot acts -----------------------------------------------------------------------------------------------

    async def list_commands(self, request: web.Request) -> web.Response:
        return answered(self.commands.get(request.match_info["guild"], [])) if self.scope else error(403, 50001, "Missing Access")  # fmt: skip

    async def set_commands(self, request: web.Request) -> web.Response:
        guild, wanted = request.match_info["guild"], self._world.rest.body(request)
        if not self.scope:
            return error(403, 50001, "Missing Access")
        wrong = judge.wrong_commands(wanted)
        if wrong:
            return self.refused(wrong)
        before = {(each["type"], each["name"]): each["id"] for each in self.commands.get(guild, ())}
        ids = [before.get((each.get("type", 1), each["name"])) for each in wanted]
        self.creates += ids.count(None)
        if self.creates > 200:
            return error(400, 30034, "Max number of daily application command creates has been reached (200)")
        self.commands[guild] = [
            judge.registered(each, id_ or self._world.snowflake(), guild, shapes.APPLICATION)
            for each, id_ in zip(wanted, ids, strict=True)
        ]
        self.note()
        return answered(self.commands[guild])

    async def callback(self, request: web.Request) -> web.Response:
        one, body = self.all.get(request.match_info["token"]), self._world.rest.body(request)
        if one is None or one.id != request.match_info["id"]:
            return error(404, 10062, "Unknown interaction")
        now = asyncio.get_running_loop().time()
        if one.acks:
            return error(400, 40060, "Interaction has already been acknowledged.")
        if one.late or now - one.told_at > IN_TIME:
            return error(404, 10062, "Unknown interaction")
        data = body.get("data") or {}
        allowed = {2: {4, 5}, 3: {4, 5, 6, 7}, 4: {8}}[one.kind]
        wrong = (
            "" if body["type"] in allowed else f"{body['type']} answers no interaction of the kind {one.kind}"
        )
        if body["type"] == 4:
            wrong = wrong or judge.wrong_message(data)
        if body["type"] == 8:
            sizes = [judge.units(text) for each in data["choices"] for text in (each["name"], each["value"])]
            wrong = wrong or (
                "" if len(data["choices"]) <= 25 and all(1 <= n <= 100 for n in sizes) else "choices"
            )
        if wrong:
            return self.refused(wrong)
        one.acks.append(body)
        one.ack_after = now - one.told_at
        if body["type"] == 4:
            one.original = data
            self.pings += judge.pings(data)
        elif body["type"] == 6:
            one.original = one.under
        self.note(one)
        return web.Response(status=204)

    def _open(self, request: web.Request) -> Interaction | web.Response:
        one = self.all.get(request.match_info["token"])
        if one is not None and one.expired:
            return error(401, 50027, "Invalid Webhook Token")
        if one is None or not one.acks or request.match_info["application"] != shapes.APPLICATION:
            return error(404, 10015, "Unknown Webhook")
        return one

    async def edit_original(self, request: web.Request) -> web.Response:
        one, body = self._open(request), self._world.rest.body(request)
        if isinstance(one, web.Response):
            return one
        wrong = judge.wrong_message(body, sent=one.thinks)
        if wrong or one.deleted:
            return error(404, 10008, "Unknown Message") if one.deleted else self.refused(wrong)
        return answered(self._set_original(one, body))

    def _set_original(self, one: Interaction, body: Raw) -> Raw:
        # Whether it is private was said when it was deferred.
        flags = (one.acks[0].get("data") or {}).get("flags", 0) if one.kind != 3 or one.acks[0]["type"] == 5 else EPHEMERAL  # fmt: skip
        one.original = (one.original or {}) | body | {"flags": flags}
        self.pings += judge.pings(body)
        self.note(one)
        return self._shown(one, one.original)

    def _shown(self, one: Interaction, form: Raw) -> Raw:
        said = shapes.Said(self._world.snowflake(), one.channel or "0", shapes.BOT, form.get("content") or "")
        return shapes.message(said, self._world.people[shapes.BOT]) | {"flags": form["flags"]}

    async def get_original(self, request: web.Request) -> web.Response:
        one = self._open(request)
        if isinstance(one, web.Response):
            return one
        return (
            answered(self._shown(one, one.original)) if one.original else error(404, 10008, "Unknown Message")
        )

    async def delete_original(self, request: web.Request) -> web.Response:
        one = self._open(request)
        if isinstance(one, web.Response):
            return one
        one.original, one.deleted = None, True
        self.note(one)
        return web.Response(status=204)

    async def follow_up(self, request: web.Request) -> web.Response:
        one, body = self._open(request), self._world.rest.body(request)
        if isinstance(one, web.Response):
            return one
        wrong = judge.wrong_message(body)
        if wrong:
            return self.refused(wrong)
        if one.thinks:
            return answered(self._set_original(one, body))
        self.pings += judge.pings(body)
        one.followups.append(body | {"flags": body.get("flags") or 0})
        if not one.followups[-1]["flags"] & EPHEMERAL and one.channel:
            self._world.rest.say(one.channel, body)
        self.note(one)
        return answered(self._shown(one, one.followups[-1]))

    async def thread_member(self, request: web.Request) -> web.Response:
        room, user = self._world.rooms.get(request.match_info["channel"]), request.match_info["user"]
        if room is None or user not in room.members:
            return error(404, 10007, "Unknown Member")
        return answered(
            {"id": room.id, "user_id": user, "join_timestamp": shapes.iso(shapes.EPOCH), "flags": 0}
        )

    def refused(self, wrong: str) -> web.Response:
        self.wrongs.append(wrong)
        return error(400, 50035, f"Invalid Form Body: {wrong}")

    def note(self, one: Interaction | None = None) -> None:
        self.changed.set()
        if one is not None:
            one.changed.set()
