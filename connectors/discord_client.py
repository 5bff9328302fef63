"""Discord's own library, discord.py: one request, one connection. The only file that knows it.

The library keeps the connection (heartbeats, RESUME, compression) and the rate limits. Addresses are set for each client
by itself, so that several in one process do not disturb each other.
"""

import asyncio
import io
import logging
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import aiohttp
import discord
import orjson
import yarl

from connectors import discord_rights as rights
from connectors.discord_asking import (
    SILENT,
    WRONG_TOKEN,
    Limited,
    TriedEnough,
    Unanswered,
    json_in,
    meaning,
)
from connectors.discord_forms import PICTURE
from connectors.discord_listening import Pace
from connectors.discord_live import Feed
from connectors.discord_messages import now
from connectors.errors import ConnectorError, Misconfigured, Unavailable, UnreadablePayload

log = logging.getLogger("connectors.discord")
# The library logs payloads, which hold what people write, and tracebacks; what matters of it is said here.
logging.getLogger("discord").setLevel(logging.CRITICAL)


SILENCE = 60.0
"""Seconds without a word after which a connection is given up and resumed."""
_REQUEST = aiohttp.ClientTimeout(total=60, sock_connect=10)
_TRIES, _LIMITS, _FRUITLESS = 4, 8, 4
_BAD_TOKEN, _INTENTS_REFUSED = 4004, 4014
_LONGEST_WAIT, _CLOSING = 60.0, 4.0
_DOORS = ".discord.gg"


class _Once:
    """Stands among the files of a request, which the library rewinds before it repeats it: it must not."""

    def reset(self, *, seek: int = 0) -> None:
        if seek:
            raise RuntimeError("to be sent once")


class _Socket(discord.gateway.DiscordWebSocket):
    """The library's, for gateways that say no more than Discord promises to say."""

    async def received_message(self, msg: Any, /) -> None:
        """Complete what the library would stumble over."""
        text = self._decompressor.decompress(msg) if isinstance(msg, bytes) else msg
        if text is not None:
            await super().received_message(_completed(text))


class _Limit(discord.http.Ratelimit):
    """The library's, for limits of which nobody says when they end."""

    __slots__ = ()

    def update(self, response: aiohttp.ClientResponse, *, use_clock: bool = False) -> None:
        """Learn from an answer, if it says enough."""
        if any(name in response.headers for name in ("X-RateLimit-Reset", "X-RateLimit-Reset-After")):
            super().update(response, use_clock=use_clock)


# The library leaves no other way to say it.
setattr(discord.client, "DiscordWebSocket", _Socket)  # noqa: B010 - a name of theirs, beside our class
setattr(discord.http, "Ratelimit", _Limit)  # noqa: B010 - as above


def _completed(text: str) -> str:
    if "READY" not in text and "RESUMED" not in text:
        return text
    event = orjson.loads(text)
    match event.get("t"):
        case "READY":
            event["d"] = {"resume_gateway_url": ""} | event["d"]
        case "RESUMED":
            event["d"] = event.get("d") or {}
        case _:
            return text
    return orjson.dumps(event).decode()


class Client(discord.Client):
    """discord.py with addresses of its own, every request tried again where it may be, and events handed on raw."""

    def __init__(
        self, api: str, gateway: str = "", feed: Feed | None = None, *, members: bool = False
    ) -> None:
        """For requests to `api`; with `feed` also for a connection to `gateway`, or else to Discord's usual one.

        `members`: it may be told of members.
        """
        intents = discord.Intents.none() if feed is None else discord.Intents(
            guilds=True, guild_messages=True, guild_reactions=True, message_content=True, guild_scheduled_events=True,
            dm_messages=True, members=members,
        )  # fmt: skip
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(self._note_clock)
        super().__init__(
            intents=intents, chunk_guilds_at_startup=False, allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None, member_cache_flags=discord.MemberCacheFlags.none(), heartbeat_timeout=SILENCE,
            max_ratelimit_timeout=30.0, enable_debug_events=feed is not None, http_trace=trace,
        )  # fmt: skip
        self._api = api
        self._gateway = gateway or str(discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY)
        self._feed = feed
        self.arrived = asyncio.Event()
        self.pace = Pace()
        self.ahead: timedelta | None = None
        """How far Discord's clock is ahead of ours."""
        self._session_before = -1
        self._fruitless = 0
        # Left to the library's parsers, one event with a field missing would end the connection.
        self._connection.parsers.clear()
        self._put = self.http.request
        self._connect_socket = self.http.ws_connect
        setattr(self.http, "request", self._request)  # noqa: B010 - an instance's own, beside the library's
        setattr(self.http, "ws_connect", self._ws_connect)  # noqa: B010 - as above

    async def login(self, token: str) -> None:
        """Find out who we are.

        The library would also ask for the application, by a path that Discord describes no more, and for more of it
        than Discord promises to say.
        """
        await self._async_setup_hook()
        told = await self.http.static_login(token)
        whole: Any = {"username": "", "discriminator": "0", "avatar": None} | told
        self._connection.user = discord.ClientUser(state=self._connection, data=whole)

    @property
    def me(self) -> str:
        """The bot's own id; empty before it logged in."""
        return str(self.user.id if self.user else "")

    async def enter(self, token: str) -> None:
        """Log in for requests, or close.

        Raises:
            ConnectorError: it is not let in, or nobody is there.
        """
        try:
            await self.login(token)
        except BaseException as error:
            await self.close()
            if isinstance(error, ConnectorError) or not isinstance(error, Exception):
                raise
            raise UnreadablePayload(
                f"What answers at {self._api} is not Discord: correct api_url, or look at the proxy between."
            ) from error

    # --- the gateway ------------------------------------------------------------------------------------------------

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        """Hear what the library tells, at once and in order; none of it is handed to tasks."""
        del kwargs
        if event == "socket_raw_receive" and self._feed is not None:
            self._feed.take(args[0])
            self.arrived.set()
        elif event == "disconnect" and self._feed is not None:
            self._fruitless = self._fruitless + 1 if self._feed.session == self._session_before else 0
            self._session_before = self._feed.session
            if self._fruitless >= _FRUITLESS:
                raise Unavailable("Discord closes every connection at once; it is tried again.", 10.0)
            log.info("the connection to Discord ended; it is taken up again")

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Keep Discord's pace of new sessions, and its budget of them."""
        del shard_id, initial
        await self.pace.wait()

    async def _ws_connect(self, url: str, *, compress: int = 0) -> aiohttp.ClientWebSocketResponse:
        address = yarl.URL(url)
        # Where to resume is said by Discord; its usual door is replaced, and any of its doors where ours is elsewhere.
        host, usual = address.host or "", discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY.host
        ours = yarl.URL(self._gateway)
        if host in {"", usual} or (host.endswith(_DOORS) and not (ours.host or "").endswith(_DOORS)):
            address = ours.with_query(address.query)
        return await self._connect_socket(str(address), compress=compress)

    async def hold(self, token: str, application_id: str) -> None:
        """Hold the connection; that it ended is always an error."""
        try:
            await self.start(token, reconnect=False)
        except ConnectorError:
            raise
        except discord.ConnectionClosed as error:
            if error.code == _BAD_TOKEN:
                raise Misconfigured(WRONG_TOKEN) from error
            if error.code == _INTENTS_REFUSED:
                raise Misconfigured(rights.content_missing(application_id)) from error
            raise Unavailable(f"Discord closed the connection ({error.code}).", 5.0) from error
        except (OSError, aiohttp.ClientError, discord.DiscordException, RuntimeError) as error:
            raise Unavailable("Discord's gateway cannot be reached; it is tried again.", 5.0) from error
        except Exception as error:
            if self.ws is None:  # the library stumbles over a door that closes before the greeting
                raise Unavailable("Discord's gateway closed at once; it is tried again.", 5.0) from error
            raise UnreadablePayload(
                f"Discord sent an event that cannot be read ({type(error).__name__}); the connection begins anew."
            ) from error
        raise Unavailable("Discord closed the connection.", 1.0)

    async def shut(self) -> None:
        """Close, though the other side may not answer our goodbye."""
        try:
            async with asyncio.timeout(_CLOSING):
                await self.close()
        except TimeoutError:
            await self.http.close()
        finally:
            await self.hush()

    async def hush(self) -> None:
        """Stop the heartbeats of connections given up while they were made: nobody else knows of their threads."""
        beats = [
            thread for thread in threading.enumerate()
            if isinstance(thread, discord.gateway.KeepAliveHandler) and thread.ws._connection is self._connection  # noqa: SLF001
        ]  # fmt: skip
        for thread in beats:
            thread.stop()
        for _ in range(100):
            if not any(thread.is_alive() for thread in beats):
                break
            # One may be in the middle of a beat, which is sent on this loop.
            await asyncio.sleep(0.01)

    # --- requests ---------------------------------------------------------------------------------------------------

    async def ask(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | Sequence[Any] | None = None, picture: bytes | None = None, once: bool = False, **ids: str,
    ) -> Any:  # fmt: skip
        """See `connectors.discord_asking.Ask`."""
        more: dict[str, Any] = {}
        if query is not None:
            more["params"] = {key: str(value) for key, value in query.items()}
        # With its type said it is a part of a multipart body, whether files follow or not.
        form: list[dict[str, Any]] = [
            {"name": "payload_json", "value": orjson.dumps(body).decode(), "content_type": "application/json"}
        ]
        if picture is not None:
            file = discord.File(io.BytesIO(picture), PICTURE)
            more["files"] = [file]
            form.append({"name": "files[0]", "value": file.fp, "filename": PICTURE, "content_type": "image/png"})  # fmt: skip
        if once:
            more["files"] = [*more.get("files", ()), _Once()]
        if picture is not None:
            more["form"] = form
        elif body is not None:
            more["json"] = body
        return await self._request(discord.http.Route(method, path, **ids), **more)

    async def _request(self, route: discord.http.Route, **more: Any) -> Any:
        """The library's request, with what it leaves out: 503, resets, all forms of 429, errors in our words."""
        route.url = self._api + route.url.removeprefix(discord.http.Route.BASE)
        more.setdefault("timeout", _REQUEST)
        once = any(isinstance(file, _Once) for file in more.get("files") or ())
        failures = limits = 0
        while True:
            try:
                return await self._attempt(route, more)
            except Limited as limit:
                limits += 1
                if limit.wait > _LONGEST_WAIT or limits >= _LIMITS:
                    raise Unavailable("Discord asks us to wait.", max(limit.wait, 1.0)) from limit
                await asyncio.sleep(limit.wait)
            except Unanswered as error:
                failures += 1
                if once or failures >= _TRIES or isinstance(error, TriedEnough):
                    raise
                await asyncio.sleep(0.25 * 2**failures)

    async def _attempt(self, route: discord.http.Route, more: dict[str, Any]) -> Any:
        """One request.

        Raises:
            Limited: to be sent again after a while. Unanswered: it may be sent again. ConnectorError: it may not.
        """
        for file in more.get("files") or ():
            if isinstance(file, discord.File):
                file.reset(seek=True)
        try:
            answer = await self._put(route, **more)
        except discord.RateLimited as limit:
            raise Limited(limit.retry_after) from limit
        except discord.HTTPException as error:
            said = json_in(error.text)  # where it was not labelled as such, the library left it as it came
            if error.status == HTTPStatus.NOT_FOUND and not error.code and "<" in error.text:
                raise Unanswered(self._stranger(), 5.0) from error
            raise meaning(
                error.status, error.code or said.get("code") or 0, error.response.headers,
                f"{route.method} {route.path}", said.get("retry_after"),
            ) from error  # fmt: skip
        except aiohttp.ClientConnectorError as error:
            raise Unavailable(
                f"{self._api} cannot be reached: check the network, a proxy or firewall between. It is tried again.",
                5.0,
            ) from error
        except (OSError, aiohttp.ClientError, RuntimeError, LookupError, TypeError, ValueError) as error:
            raise Unanswered(SILENT, 5.0) from error
        if isinstance(answer, str) and answer:
            try:
                return orjson.loads(answer)
            except orjson.JSONDecodeError:
                raise Unanswered(self._stranger(), 5.0) from None
        return answer

    def _stranger(self) -> str:
        return f"What answers at {self._api} is not Discord: correct api_url, or look at the proxy between. It is tried again."

    async def _note_clock(self, _: Any, __: Any, end: aiohttp.TraceRequestEndParams) -> None:
        with suppress(KeyError, ValueError, TypeError):
            self.ahead = parsedate_to_datetime(end.response.headers["Date"]) - now()
