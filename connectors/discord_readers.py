"""Who can read what on Discord now: asked of Discord itself, each time; what it does not say is not readable."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from connectors.discord_asking import Ask, Missing, Refused
from connectors.discord_messages import PRIVATE_THREAD, THREADS, Server
from connectors.discord_rights import READING, permissions

_CONNECT, _MANAGE_THREADS = 1 << 20, 1 << 34
_VOICE = frozenset({2, 13})
_AT_ONCE = 20

Raw = Mapping[str, Any]


class Thread(NamedTuple):
    """What never changes of a thread."""

    server_id: str
    parent_id: str
    is_private: bool


class Readers:
    """Tells who can read what. It remembers of which channel each thread is."""

    def __init__(self, ask: Ask, servers: Mapping[str, Server]) -> None:
        self._ask = ask
        self._servers = servers
        self._threads: dict[str, Thread] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def readable(self, servers: Iterable[str], member_id: str, channels: Sequence[str]) -> set[str]:
        """Which of the channels and threads the member can read.

        Raises:
            ConnectorError: Discord did not say.
        """
        parts = await asyncio.gather(*(self._on(server, member_id, set(channels)) for server in servers))
        return set().union(*parts)

    async def _on(self, server_id: str, member_id: str, wanted: set[str]) -> set[str]:
        try:
            raw, channels, member = await asyncio.gather(
                self._ask("GET", "/guilds/{guild_id}", guild_id=server_id),
                self._ask("GET", "/guilds/{guild_id}/channels", guild_id=server_id),
                self._ask(
                    "GET", "/guilds/{guild_id}/members/{user_id}", guild_id=server_id, user_id=member_id
                ),
            )
        except (Missing, Refused):
            return set()  # one of us is not there
        server = Server(raw, {})
        rights = {
            str(channel["id"]): _of(server, channel, {**member, "user": {"id": member_id}})
            for channel in channels or ()
        }
        found = {id_ for id_ in wanted & rights.keys() if _reads(rights[id_])}
        rest = sorted(wanted - rights.keys())
        seen = await asyncio.gather(*(self._thread(server_id, id_, member_id, rights) for id_ in rest))
        return found | {id_ for id_, is_seen in zip(rest, seen, strict=True) if is_seen}

    async def _thread(self, server_id: str, id_: str, member_id: str, rights: Mapping[str, int]) -> bool:
        """Whether the member can read what may be a thread: of a public one whoever can read its channel."""
        async with self._slots:
            try:
                thread = await self._known(id_)
                if thread is None or thread.server_id != server_id:
                    return False
                around = rights.get(thread.parent_id, 0)
                if not _reads(around):
                    return False
                if not thread.is_private or around & _MANAGE_THREADS:
                    return True
                path = "/channels/{channel_id}/thread-members/{user_id}"
                await self._ask("GET", path, channel_id=id_, user_id=member_id)
            except (Missing, Refused):
                return False
        return True

    async def _known(self, id_: str) -> Thread | None:
        """What never changes of a thread; None when it is none."""
        if id_ not in self._threads:
            place = next((one.places[id_] for one in self._servers.values() if id_ in one.places), None)
            if place is not None:
                told: Raw = {"type": place.kind, "guild_id": place.server_id, "parent_id": place.parent_id}
            else:
                told = await self._ask("GET", "/channels/{channel_id}", channel_id=id_)
            kind, server, parent = told.get("type"), told.get("guild_id"), told.get("parent_id")
            if kind not in THREADS or not server or not parent:
                return None
            self._threads[id_] = Thread(str(server), str(parent), kind == PRIVATE_THREAD)
        return self._threads[id_]


def _of(server: Server, channel: Raw, member: Raw) -> int:
    """The member's rights in a channel; none in a voice channel that they cannot enter."""
    rights = permissions(server, channel, member)
    return 0 if channel.get("type") in _VOICE and not rights & _CONNECT else rights


def _reads(rights: int) -> bool:
    return all(rights & bit for bit in READING.values())
