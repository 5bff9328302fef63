"""Who asks on Discord, and where: the roles by their names, what they may on the server, the thread and its channel."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from connectors.discord_asking import Ask, Missing
from connectors.discord_messages import THREADS, Server
from connectors.records import Member

_ADMINISTER, _MANAGE_SERVER, _MODERATE = 1 << 3, 1 << 5, 1 << 40
_STAFF = _ADMINISTER | _MANAGE_SERVER | _MODERATE
"""Nothing that a channel's own exceptions can give: they would make a moderator in one channel."""

Raw = Mapping[str, Any]


class Spot(NamedTuple):
    """Where something was asked; both None in a direct message."""

    channel_id: str | None = None
    thread_id: str | None = None


class Askers:
    """Tells who somebody is."""

    def __init__(
        self, ask: Ask, servers: Mapping[str, Server], server_ids: Callable[[], Awaitable[list[str]]]
    ) -> None:
        """Prepare. `servers` are those that are known, `server_ids` finds all."""
        self._ask = ask
        self._servers = servers
        self._server_ids = server_ids
        self._fetched: dict[str, Server] = {}

    async def member(self, user: Raw, raw: Raw | None, server_id: str | None) -> Member | None:
        """The account with its roles; None when it is in no server of ours.

        Args:
            user: the user object, or only its id.
            raw: the member object, where Discord told it.
            server_id: where it asks; None in a direct message.

        Raises:
            ConnectorError: Discord did not say who it is.
        """
        if server_id is not None:
            return await self._on(server_id, user, raw)
        found = None
        for id_ in await self._server_ids():
            member = await self._on(id_, user, None)
            if member is not None:
                found = member if found is None else _both(found, member)
        return found

    async def _on(self, server_id: str, user: Raw, raw: Raw | None) -> Member | None:
        server = await self._server(server_id)
        if raw is None:
            path = "/guilds/{guild_id}/members/{user_id}"
            try:
                raw = await self._ask("GET", path, guild_id=server_id, user_id=str(user["id"]))
            except Missing:
                return None
        member = server.member(raw.get("user") or user, raw)
        allowed = int(raw.get("permissions") or 0)
        return member._replace(
            is_staff=member.is_staff or allowed & _STAFF != 0, complete=isinstance(raw.get("roles"), list)
        )

    async def _server(self, id_: str) -> Server:
        """The server with its roles: as it was told, else as it is asked for once."""
        known = self._servers.get(id_)
        if known is not None and known.roles:
            return known
        if id_ not in self._fetched:
            raw = await self._ask("GET", "/guilds/{guild_id}", guild_id=id_)
            self._fetched[id_] = Server({"id": id_, **(raw or {})}, {})
        return self._fetched[id_]


def spot(server: Server | None, channel_id: str, told: Raw | None = None) -> Spot:
    """The channel, and the thread if it is one. `told` is a channel object, where Discord told it."""
    place = server.places.get(channel_id) if server else None
    if place is not None:
        told = {"type": place.kind, "parent_id": place.parent_id}
    if told and told.get("type") in THREADS:
        return Spot(str(told.get("parent_id") or channel_id), channel_id)
    return Spot(channel_id)


def _both(one: Member, other: Member) -> Member:
    """One account in two servers."""
    return one._replace(
        roles=tuple(dict.fromkeys((*one.roles, *other.roles))), is_staff=one.is_staff or other.is_staff
    )
