"""Direct messages on the fake Discord: what people write to the bot, and what it writes to them."""

from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.fakes import discord_judge as judge
from tests.fakes import discord_shapes as shapes
from tests.fakes.discord_faults import answered, error

if TYPE_CHECKING:
    from tests.fakes.discord import FakeDiscord


class Letters:
    def __init__(self, world: "FakeDiscord") -> None:
        self._world = world
        self._rooms: dict[str, str] = {}
        self._nonces: set[tuple[str, str]] = set()
        self.closed: set[str] = set()
        """Who takes none."""
        self.sent: list[tuple[str, dict[str, Any]]] = []
        """Member, form."""

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/api/v10/users/@me/channels", self.open)]

    def room_of(self, member: str) -> str:
        """The direct messages of a person and the bot."""
        return self._rooms.setdefault(member, self._world.snowflake())

    def to(self, member: str) -> list[str]:
        """What the bot wrote to a person."""
        return [str(form.get("content") or "") for who, form in self.sent if who == member]

    def write(self, member: str, text: str) -> str:
        """A person writes to the bot; returns the message's id."""
        said = shapes.Said(self._world.snowflake(), self.room_of(member), member, text)
        self._world.gateway.tell("MESSAGE_CREATE", shapes.message(said, self._world.people[member]))
        return said.id

    async def open(self, request: web.Request) -> web.Response:
        member = self._world.rest.body(request)["recipient_id"]
        if member not in self._world.people:
            return error(400, 50035, "Invalid Form Body")
        user = shapes.user(self._world.people[member])
        room = self.room_of(member)
        return answered({"id": room, "type": 1, "flags": 0, "last_message_id": None, "recipients": [user]})

    def post(self, room: str, body: dict[str, Any]) -> web.Response | None:
        """The bot writes; None when the channel is no direct one."""
        talk = self._world.talk
        member = next((each for each, id_ in self._rooms.items() if id_ == room), None)
        if member is None:
            return None
        if member in self.closed:
            return error(403, 50007, "Cannot send messages to this user")
        wrong = judge.wrong_message(body) or (
            "the message is elsewhere" if "message_reference" in body else ""
        )
        if wrong:
            return talk.refused(wrong)
        key = (room, str(body.get("nonce") or self._world.snowflake()))
        if key not in self._nonces or not body.get("enforce_nonce"):
            self._nonces.add(key)
            self.sent.append((member, body))
            talk.pings += judge.pings(body)
        talk.note()
        said = shapes.Said(self._world.snowflake(), room, shapes.BOT, body.get("content") or "")
        return answered(shapes.message(said, self._world.people[shapes.BOT]))
