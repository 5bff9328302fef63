"""What `spaces check` asks of Discord, one thing after the other; each failure is a finding with its cure."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import aiohttp
import yarl

from connectors import discord_rights as rights
from connectors.discord_asking import PORTAL, Ask, Missing, Refused
from connectors.discord_messages import THREADS, Server
from connectors.discord_posts import place_of
from connectors.errors import ConnectorError
from connectors.records import Finding

_CLOCK = timedelta(seconds=30)
_HELLO = 10


async def look(
    ask: Ask,
    settings: Mapping[str, Any],
    me: str,
    ahead: Callable[[], timedelta | None],
    server_ids: Callable[[], Awaitable[list[str]]],
    places: Sequence[str] = (),
) -> list[Finding]:
    """Findings on everything behind the token, which has been accepted.

    Args:
        ask: puts a request.
        settings: the source's settings.
        me: the bot's own id.
        ahead: how far Discord's clock is ahead of ours, once it was asked something.
        server_ids: the servers to read.
        places: where we want to post.

    Raises:
        ConnectorError: nothing more can be asked.
    """
    found = [Finding(good=True, words="Discord accepts the bot token.")]
    try:
        application = await ask("GET", "/applications/@me")
    except Missing:
        application = {}
    application_id = str(application.get("id") or me)
    ids = await server_ids()
    is_told = rights.is_silent(application) and await rights.words(ask, me, ids) is True
    found += rights.intents(application, is_told=is_told)
    if application.get("interactions_endpoint_url"):
        words = (
            "Discord tells what people ask to another address: empty 'Interactions Endpoint URL' at "
            f"{PORTAL}/{application_id}/information, so that the bot hears it."
        )
        found.append(Finding(good=False, words=words))
    found.append(_clock(ahead()))
    found.append(await _gateway(ask, settings))
    if not ids:
        link = rights.invite_link(application_id)
        found.append(Finding(good=False, words=f"The bot is in no server: invite it with {link}"))
    for id_ in ids:
        try:
            found += await _server(ask, settings, id_, me, application_id)
        except ConnectorError:
            link = rights.invite_link(application_id)
            words = f"The bot is not in the server {id_}: invite it with {link}, or correct 'server'."
            found.append(Finding(good=False, words=words))
    return found + [await _writable(ask, settings, place, me, server_ids) for place in places]


async def _writable(
    ask: Ask,
    settings: Mapping[str, Any],
    place: str,
    me: str,
    server_ids: Callable[[], Awaitable[list[str]]],
) -> Finding:
    """Whether the bot can post at a place."""
    try:
        raw = await place_of(ask, place, server_ids)
        is_thread = raw.get("type") in THREADS
        channel = (
            await ask("GET", "/channels/{channel_id}", channel_id=raw["parent_id"]) if is_thread else raw
        )
        guild = str(channel["guild_id"])
        server = Server(await ask("GET", "/guilds/{guild_id}", guild_id=guild), settings)
        member = await ask("GET", "/guilds/{guild_id}/members/{user_id}", guild_id=guild, user_id=me)
        lacks = rights.missing_to_post(server, channel, member, in_thread=is_thread)
    except Refused:  # Discord hides it by its number, not by its name
        lacks = "'View Channel'"
    except ConnectorError as error:
        return Finding(good=False, words=str(error))
    if lacks:
        cure = "allow it for the bot's role in the channel's settings (Edit Channel, Permissions)"
        return Finding(good=False, words=f"The bot cannot post to {place}: it lacks {lacks}; {cure}.")
    return Finding(good=True, words=f"The bot can post to {place}.")


async def _server(
    ask: Ask, settings: Mapping[str, Any], id_: str, me: str, application_id: str
) -> list[Finding]:
    raw = await ask("GET", "/guilds/{guild_id}", guild_id=id_)
    server = Server(raw, settings)
    channels = await ask("GET", "/guilds/{guild_id}/channels", guild_id=id_)
    member = await ask("GET", "/guilds/{guild_id}/members/{user_id}", guild_id=id_, user_id=me)
    name = str(raw.get("name") or id_)
    return [
        *rights.places(server, name, channels or (), member, application_id),
        await _commands(ask, id_, name, application_id),
    ]


async def _commands(ask: Ask, id_: str, name: str, application_id: str) -> Finding:
    """Whether the bot may offer its commands on a server."""
    path = "/applications/{application_id}/guilds/{guild_id}/commands"
    try:
        await ask("GET", path, application_id=application_id, guild_id=id_)
    except (Refused, Missing):
        return Finding(good=False, words=rights.commands_missing(name, application_id))
    return Finding(good=True, words=f"In {name} the bot may offer its commands.")


def _clock(ahead: timedelta | None) -> Finding:
    if ahead is None or abs(ahead) < _CLOCK:
        return Finding(good=True, words="The clock of this machine agrees with Discord's.")
    seconds = round(abs(ahead).total_seconds())
    side = "behind" if ahead > timedelta(0) else "ahead of"
    return Finding(
        good=False,
        words=f"The clock of this machine is {seconds} seconds {side} Discord's: switch on time synchronisation (NTP).",
    )


async def _gateway(ask: Ask, settings: Mapping[str, Any]) -> Finding:
    """Open the gateway as far as its greeting; no session is begun."""
    try:
        answer = await ask("GET", "/gateway/bot")
    except Missing:
        answer = {}
    address = str(settings.get("gateway_url") or answer.get("url") or "")
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_HELLO)) as session,
            session.ws_connect(yarl.URL(address).with_query(v="10", encoding="json")) as socket,
        ):
            await socket.receive_json(timeout=_HELLO)
    except (OSError, aiohttp.ClientError, TypeError, ValueError):
        return Finding(
            good=False,
            words=f"Discord's gateway {address} cannot be reached: let the firewall or proxy pass WebSockets to it, "
            "or correct 'gateway_url'.",
        )
    return Finding(good=True, words="Discord's gateway answers.")
