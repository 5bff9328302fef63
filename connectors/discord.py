"""Discord, live: the gateway for what happens, REST for history and for posting.

What the library hands on as objects is not used: the raw payloads are read by the same functions, live and old.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors import discord_checks as checks
from connectors import discord_gone as gone
from connectors import discord_rights as rights
from connectors.base import Held, Inbox
from connectors.discord_asking import (
    PORTAL,
    readable,
)
from connectors.discord_client import Client
from connectors.discord_history import SWEEP_DAYS, History
from connectors.discord_listed import servers
from connectors.discord_listening import Listening, Pace, door_of
from connectors.discord_live import Feed
from connectors.discord_messages import Server, now
from connectors.discord_posts import Posts, place_of
from connectors.discord_readers import Readers
from connectors.discord_talk import Talk
from connectors.errors import ConnectorError, Misconfigured
from connectors.records import Finding, Page, Post

API = "https://discord.com/api/v10"


class DiscordConnector:
    """One source on Discord: all servers that the bot is in, or the one that `server` names.

    Settings: `api_url`, `gateway_url` (a proxy or a test server), `server`, `include`, `exclude`, `emoji` (what a
    reaction tags a message as). Secret: `bot_token`.
    """

    def __init__(self, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
        self._settings = settings
        self._token = (secrets.get("bot_token") or "").strip()
        self._api = str(settings.get("api_url") or API).rstrip("/")
        self._servers: dict[str, Server] = {}
        self._refused: dict[str, datetime] = {}
        self._feed = Feed(settings, self._servers, self._refused)
        self._talk = Talk(settings, self._servers, self._server_ids, self._feed.look_again)
        self._feed.ear = self._talk.hear
        self._readers: Readers | None = None
        self._client: Client | None = None
        self._login = asyncio.Lock()
        self._pace = Pace()

    # --- history ----------------------------------------------------------------------------------------------------

    async def fetch(
        self, cursors: Mapping[str, str], since: datetime, held: Held, *, sweep: bool = False
    ) -> AsyncIterator[Page]:
        """Read history, server by server, channel by channel; see `connectors.base.Connector`."""
        days = timedelta(days=float(self._settings.get("sweep_days") or SWEEP_DAYS))
        begin = now() - days if sweep else None
        with readable():
            rest = await self._rest()
            ask = rest.ask
            application = await rights.application(ask, rest.me, self._server_ids)
            listed = rights.is_silent(application) or rights.has(application, rights.MEMBERS_INTENT)
            readings: dict[str, History] = {}
            for id_ in await self._server_ids():
                server = self._servers.setdefault(id_, Server({"id": id_}, self._settings))
                history = readings[id_] = History(
                    ask, server, self._refused, self._feed.gone, with_members=listed, sweep=begin
                )
                async for page in history.pages(cursors, since):
                    yield page
            async for page in gone.places(ask, readings, cursors, held, since, begin):
                yield page
            async for page in gone.members(readings.values(), cursors, held):
                yield page
            if any(reading.is_partial for reading in readings.values()):
                self._feed.gap()

    async def _server_ids(self) -> list[str]:
        named = self._settings.get("server")
        return [str(named)] if named else await servers((await self._rest()).ask)

    async def _rest(self) -> Client:
        """The client for requests, logged in."""
        async with self._login:
            if self._client is not None:
                return self._client
            if not self._token:
                raise Misconfigured(
                    f"There is no bot token for Discord: copy it from {PORTAL} (your application, Bot)."
                )
            client = Client(self._api)
            await client.enter(self._token)
            self._client = client
            return client

    # --- live -------------------------------------------------------------------------------------------------------

    async def listen(self, inbox: Inbox) -> None:
        """Deliver what happens until cancelled; see `connectors.base.Connector`."""
        self._feed.gap = inbox.gap
        rest = await self._rest()
        with readable():
            me = rest.me
            application, door = (
                await rights.application(rest.ask, me, self._server_ids),
                await door_of(rest.ask),
            )
        configured = str(self._settings.get("gateway_url") or "")
        may_list = rights.has(application, rights.MEMBERS_INTENT)
        client = Client(self._api, configured or door.url, self._feed, members=may_list)
        client.pace = self._pace
        self._pace.every, self._pace.left = door.every, door.left
        application_id = str(application.get("id") or me)
        # That we heard is said by the connection's own client: nothing else is asked there, so nothing is waited for.
        self._talk.open(inbox, rest.ask, client.ask, application_id, me)
        try:
            listening = Listening(self._feed, rest.ask, inbox, self._servers)
            await listening.run(client.hold(self._token, application_id), client.arrived)
        finally:
            await client.shut()

    # --- posting ----------------------------------------------------------------------------------------------------

    async def post(self, place: str, post: Post) -> str:
        """Send, once; see `connectors.base.Connector`. In a forum a new post is made."""
        with readable():
            return await (await self._posts(place)).send(post)

    async def find(self, place: str, key: str) -> str | None:
        """The id of what was sent with this key."""
        with readable():
            return await (await self._posts(place)).find(key)

    async def edit(self, place: str, id_: str, post: Post) -> None:
        """Replace what was posted."""
        with readable():
            await (await self._posts(place)).edit(id_, post)

    async def _posts(self, place: str) -> Posts:
        client = await self._rest()
        return Posts(client.ask, await place_of(client.ask, place, self._server_ids), client.me)

    # --- the rest ---------------------------------------------------------------------------------------------------

    async def readable(self, member_id: str, channel_ids: Sequence[str]) -> set[str]:
        """Which of these channels a member can read now; see `connectors.base.Connector`."""
        ask = (await self._rest()).ask
        with readable():
            self._readers = self._readers or Readers(ask, self._servers)
            return await self._readers.readable(await self._server_ids(), member_id, channel_ids)

    async def check(self, places: Sequence[str] = ()) -> list[Finding]:
        """Try everything that is needed; never raises."""
        try:
            with readable():
                client = await self._rest()
                return await checks.look(
                    client.ask, self._settings, client.me, lambda: client.ahead, self._server_ids, places
                )
        except ConnectorError as error:
            return [Finding(good=False, words=str(error))]

    async def close(self) -> None:
        """Give back the sockets."""
        await self._talk.close()
        if self._client is not None:
            await self._client.shut()
            self._client = None
