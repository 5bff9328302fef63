"""What the fake Discord tells its listeners of messages, threads and reactions, to those who may see them."""

from typing import TYPE_CHECKING, Any

from tests.fakes import discord_shapes as shapes
from tests.fakes.discord_shapes import Room, Said

if TYPE_CHECKING:
    from tests.fakes.discord import FakeDiscord


class Telling:
    def __init__(self, world: "FakeDiscord") -> None:
        self._world = world

    def message(self, kind: str, said: Said) -> None:
        world = self._world
        if not world.sees(said.room):
            return
        person = world.people[said.author]
        data = shapes.message(said, person) | {
            "guild_id": shapes.GUILD,
            "member": shapes.member(person, whole=False),
        }
        if said.nonce:
            data["nonce"] = said.nonce
        if kind == "MESSAGE_UPDATE" and not world.update_reactions:
            data.pop("reactions", None)
        world.gateway.tell(kind, data)

    def thread(self, kind: str, room: Room, **more: Any) -> None:
        if self._world.sees(room.id):
            self._world.gateway.tell(kind, shapes.thread(room) | more)

    def channel(self, room: Room) -> None:
        """It was changed."""
        self._world.gateway.tell("CHANNEL_UPDATE", shapes.channel(room))

    def reaction(self, kind: str, message: str, emoji: str, member: str) -> None:
        said = self._world.messages[message]
        if not self._world.sees(said.room):
            return
        data = {
            "user_id": member, "channel_id": said.room, "message_id": message, "guild_id": shapes.GUILD,
            "emoji": shapes.emoji_of(emoji), "type": 0, "burst": False,
        }  # fmt: skip
        if kind == "MESSAGE_REACTION_ADD":
            data |= {"member": shapes.member(self._world.people[member]), "message_author_id": said.author}
        self._world.gateway.tell(kind, data)
