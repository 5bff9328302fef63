"""Slack's own library: one request, one upload, one socket. Nothing else knows it."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from connectors.base import Inbox
from connectors.errors import Misconfigured, Unavailable, Unsure
from connectors.records import Post
from connectors.slack_posting import picture_name
from connectors.slack_web import Answer, seconds

_LOG = logging.getLogger("connectors.slack")

SILENT = logging.getLogger("connectors.slack.library")
"""For the libraries, which write messages, tokens and addresses with tickets into their logs."""
SILENT.setLevel(logging.CRITICAL + 1)

_TIMEOUT = aiohttp.ClientTimeout(total=60, connect=10)
CONNECT = 20.0
"""Seconds for a connection to be made and to say hello."""
_PING = 10.0
_LAST_WORDS, _GOODBYE = 2.0, 1.0
_RESPONSE = 10.0
_READS = (
    "conversations.list", "conversations.info", "conversations.members", "conversations.history", "conversations.replies",
    "users.", "usergroups.", "reactions.get",
)  # fmt: skip
"""Methods that are asked with GET, as Slack describes them; all others take JSON."""

Handle = Callable[[AsyncBaseSocketModeClient, SocketModeRequest], Awaitable[None]]


class Client:
    """Requests with the tokens of one workspace."""

    def __init__(self, api_url: str, secrets: Mapping[str, str]) -> None:
        self._api_url, self._secrets = api_url, secrets
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def close(self) -> None:
        """Give back the connections, for good."""
        self._closed = True
        if self._session is not None:
            await self._session.close()

    def library(self, kind: str = "bot_token") -> AsyncWebClient:
        """A web client of the library, over connections of ours."""
        if self._closed:
            raise Unavailable("The connection to Slack was closed.")
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                timeout=_TIMEOUT, response_class=_Response, connector=aiohttp.TCPConnector(limit=20)
            )
        client = AsyncWebClient(
            self._secrets.get(kind), self._api_url, session=self._session, logger=SILENT, retry_handlers=[]
        )
        if _is_here(self._api_url):
            client.proxy = None
        return client

    async def send(self, method: str, params: dict[str, Any]) -> Answer:
        """One request; see `connectors.slack_web.Send`."""
        client = self.library("app_token" if method.startswith("apps.connections") else "bot_token")
        try:
            if method.startswith(_READS):
                told = await client.api_call(method, http_verb="GET", params=params)
            else:
                told = await client.api_call(method, json=params)
        except SlackApiError as error:
            return _answer(error.response)
        except aiohttp.ClientConnectorError as error:
            raise ConnectionRefusedError(str(error.os_error.strerror)) from None
        except (aiohttp.ClientError, SlackClientError, ValueError) as error:
            raise ConnectionError(type(error).__name__) from None
        return _answer(told)

    async def respond(self, url: str, message: dict[str, Any]) -> str:
        """A message to a response address; returns why Slack did not take it, empty when it did.

        Raises:
            Unsure: it may have been taken.
        """
        client = AsyncWebhookClient(url, session=self.library().session, logger=SILENT, retry_handlers=[])
        if _is_here(url):
            client.proxy = None
        try:
            async with asyncio.timeout(_RESPONSE):
                told = await client.send_dict(message)
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
            return type(error).__name__
        except (aiohttp.ClientError, SlackClientError, OSError, TimeoutError, ValueError) as error:
            raise Unsure(f"Slack may or may not have shown an answer ({type(error).__name__}).") from None
        if told.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unsure(f"Slack may or may not have shown an answer (HTTP {told.status_code}).")
        return _refusal(told.status_code, told.body)

    async def upload(self, channel: str, ts: str, post: Post) -> None:
        """The picture of a post, into its thread."""
        try:
            await self.library().files_upload_v2(
                channel=channel, thread_ts=ts or None, filename=picture_name(post), file=post.picture,
                title=post.title[:150], alt_txt=(post.alt or post.title)[:2000],
            )  # fmt: skip
        except SlackApiError as error:
            answer = _answer(error.response)
            code = str((answer.body or {}).get("error") or f"HTTP {answer.status}")
            if code in {"missing_scope", "not_in_channel", "channel_not_found", "invalid_auth"}:
                cure = "add the bot scope files:write at https://api.slack.com/apps, OAuth & Permissions, and reinstall"
                raise Misconfigured(f"Slack takes no picture ({code}): {cure}.") from None
            wait = seconds(answer.headers.get("Retry-After"))
            raise Unavailable(f"Slack took no picture ({code}).", 0.5 if wait is None else wait) from None
        except (aiohttp.ClientError, SlackClientError, OSError, TimeoutError, ValueError) as error:
            raise Unavailable(f"Slack took no picture ({type(error).__name__}).", 0.5) from None


class Socket(SocketModeClient):
    """One connection of Socket Mode, from hello to its end. It never reconnects by itself: the connector does."""

    def __init__(
        self, client: AsyncWebClient, handle: Handle, inbox: Inbox, ended: "asyncio.Future[None]"
    ) -> None:
        super().__init__("", SILENT, client, client.proxy, auto_reconnect_enabled=False, ping_interval=_PING)
        self.proxy = client.proxy
        self._inbox, self._ended = inbox, ended
        loop = asyncio.get_running_loop()
        self._over: asyncio.Future[str] = loop.create_future()
        self._heard = self.began = loop.time()
        self._greeted = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.socket_mode_request_listeners.append(handle)

    async def run(self, url: str, silence: float) -> str:
        """Connect, and stay until there is a reason to connect anew, which is returned.

        Raises:
            Misconfigured: Slack says that there is no use in it.
            Unavailable: there is no connection now.
        """
        loop = asyncio.get_running_loop()
        try:
            # Not wait_for, which in Python 3.11 may swallow a cancellation.
            async with asyncio.timeout(CONNECT):
                self.current_session = await self.aiohttp_client_session.ws_connect(
                    url, autoping=False, heartbeat=_PING, proxy=self.proxy
                )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Unavailable(
                f"Slack's socket cannot be reached ({type(error).__name__}). It is tried again."
            ) from None
        self.message_receiver = asyncio.ensure_future(self.receive_messages())
        waited: list[asyncio.Future[Any]] = [self._over, self._ended]
        while (left := self._heard + (silence if self._greeted else min(silence, CONNECT)) - loop.time()) > 0:
            await asyncio.wait(waited, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if self._ended.done():
                self._ended.result()
            if self._over.done():
                return self._reason(self._over.result())
        return "silence"

    @staticmethod
    def _reason(reason: str) -> str:
        if reason == "link_disabled":
            raise Misconfigured(
                "Slack says that Socket Mode was switched off for the app (link_disabled): switch it on again at "
                'https://api.slack.com/apps, Settings > Socket Mode, or set events = "http".'
            )
        if reason == "too_many_websockets":
            raise Unavailable("Slack has too many open connections of this app: is it running twice?", 10.0)
        return reason

    async def receive_messages(self) -> None:
        """Read the socket to its end."""
        session = self.current_session
        while session is not None:
            message = await session.receive()
            if message.type is aiohttp.WSMsgType.TEXT:
                self._take(message.data)
            elif message.type is aiohttp.WSMsgType.PING:
                self._inbox.alive()
                with contextlib.suppress(ConnectionError, aiohttp.ClientError):
                    await session.pong(message.data)
            elif message.type is not aiohttp.WSMsgType.PONG:
                self._end("closed")
                return

    def _take(self, raw: str) -> None:
        self._heard = asyncio.get_running_loop().time()
        try:
            message = orjson.loads(raw)
            kind = message.get("type")
        except (ValueError, AttributeError):
            _LOG.warning("Slack's socket said something unreadable")
            return
        if kind == "hello":
            self._greeted = True
            self._inbox.alive()
            self._inbox.gap()
        elif kind == "disconnect":
            self._end(str(message.get("reason")))
        else:
            task = asyncio.create_task(self.run_message_listeners(message, raw))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _end(self, reason: str) -> None:
        if not self._over.done():
            self._over.set_result(reason)

    async def close(self) -> None:
        """Let what was received be kept and acknowledged, then give back the socket, even when cancelled meanwhile."""
        running: list[asyncio.Future[Any]] = [*self._tasks, self.message_processor]
        if self.message_receiver is not None:
            running.append(self.message_receiver)
        try:
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=_LAST_WORDS)
            if self.current_session is not None:
                async with asyncio.timeout(_GOODBYE):
                    await self.current_session.close()
        except (TimeoutError, ConnectionError, aiohttp.ClientError):
            _LOG.debug("the Slack socket was closed without an answer")
        finally:
            self.closed = True
            for task in running:
                task.cancel()
            await self.aiohttp_client_session.close()
            await asyncio.gather(*running, return_exceptions=True)


class _Response(aiohttp.ClientResponse):
    """Reads JSON faster than the library would."""

    async def json(self, **_: Any) -> Any:
        """The body; whatever is no JSON object is told as the library expects it."""
        if self.content_type == "application/json" and (body := await self.read()):
            return orjson.loads(body)
        return await super().json(loads=orjson.loads)


def _answer(told: Any) -> Answer:
    """What the library says, as it came over HTTP: a response of its own, of aiohttp, or a plain dictionary."""
    body = getattr(told, "data", None)
    status: Any = getattr(told, "status_code", None) or getattr(told, "status", 200)
    return Answer(int(status), getattr(told, "headers", None) or {}, body if isinstance(body, dict) else None)


def _refusal(status: int, body: str) -> str:
    """What a response address answered, where that was no; Slack says it in JSON or in plain text."""
    told: Any = None
    with contextlib.suppress(ValueError):
        told = orjson.loads(body)
    if isinstance(told, dict) and told.get("ok") is not True and "error" in told:
        return str(told["error"])
    return "" if status == HTTPStatus.OK else body[:80] or f"HTTP {status}"


def _is_here(url: str) -> bool:
    """Whether an address is of this machine, which no proxy reaches."""
    return urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"}
