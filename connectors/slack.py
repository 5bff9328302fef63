"""Slack, live: Socket Mode or signed HTTP events in, the Web API for history and for what we say.

The only file that knows slack_bolt (slack_sdk is in connectors.slack_client). Settings: `api_url`, `url`, `include`, `exclude`, `events` ("socket" or
"http"), `listen` (host:port for HTTP events), `emoji` (label by emoji), `sweep_days` (how far back a sweep rereads) and
`silence_seconds` (after how long without a word the connection is made anew). Secrets: bot_token, app_token, signing_secret.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web as http
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from connectors.base import Held, Inbox
from connectors.errors import Misconfigured, Unavailable
from connectors.records import Finding, Page, Post
from connectors.slack_answering import Answering
from connectors.slack_asking import Asking
from connectors.slack_checks import check, token_fault
from connectors.slack_client import CONNECT, SILENT, Client, Handle, Socket
from connectors.slack_events import Events
from connectors.slack_history import History
from connectors.slack_people import People
from connectors.slack_posting import Posting
from connectors.slack_web import Declined, Web
from connectors.slack_workspace import Workspace

_LOG = logging.getLogger("connectors.slack")

_EVENTS_PATH = "/slack/events"
_SHORT = 5.0
"""Seconds: connections that do not live longer are made again ever more slowly."""


class SlackConnector:
    """One Slack workspace."""

    def __init__(self, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
        self._settings, self._secrets = settings, secrets
        self._api_url = str(settings.get("api_url") or "https://slack.com/api/").rstrip("/") + "/"
        self._silence = float(settings.get("silence_seconds") or 900)
        self._client = Client(self._api_url, secrets)
        self._workspace = Workspace(Web(self._client.send, self._api_url), settings)
        self._history = History(self._workspace, float(settings.get("sweep_days") or 7))
        self._posting = Posting(self._workspace, self._client.upload)
        self._people = People(self._workspace)
        self._answering = Answering(self._workspace, self._client.respond, self._client.upload)

    # --- what is read, said and looked at ---------------------------------------------------------------------

    async def fetch(
        self, cursors: Mapping[str, str], since: datetime, held: Held, *, sweep: bool = False
    ) -> AsyncIterator[Page]:
        """Read history, from the cursor of each stream, or from `since` where there is none."""
        self._demand("bot_token")
        async with contextlib.aclosing(self._history.fetch(cursors, since, held, sweep=sweep)) as pages:
            async for page in pages:
                yield page

    async def post(self, place: str, post: Post) -> str:
        """Send, once; returns the id."""
        self._demand("bot_token")
        return await self._posting.post(place, post)

    async def find(self, place: str, key: str) -> str | None:
        """The id of what was sent with this key."""
        self._demand("bot_token")
        return await self._posting.find(place, key)

    async def edit(self, place: str, id_: str, post: Post) -> None:
        """Replace what was posted."""
        self._demand("bot_token")
        await self._posting.edit(place, id_, post)

    async def readable(self, member_id: str, channel_ids: Sequence[str]) -> set[str]:
        """Which of these channels a member can read now."""
        self._demand("bot_token")
        return await self._people.readable(member_id, channel_ids)

    async def check(self, places: Sequence[str] = ()) -> list[Finding]:
        """Try the tokens, scopes, channels and addresses, and the places to post to."""
        return await check(self._workspace, self._settings, self._secrets, places)

    async def close(self) -> None:
        """Give back the sockets."""
        await self._client.close()

    # --- listening --------------------------------------------------------------------------------------------

    async def listen(self, inbox: Inbox) -> None:
        """Deliver what happens until cancelled; each event is kept before Slack is told that we have it."""
        over_http = self._settings.get("events") == "http"
        self._demand("bot_token", "signing_secret" if over_http else "app_token")
        await self._workspace.introduce()
        async for page in self._workspace.list_channels():
            await inbox.deliver(page)
        asking = Asking(
            self._workspace, self._people, self._answering, inbox, self._settings.get("emoji") or {}
        )
        events = Events(self._workspace, self._history, self._people, asking, inbox)
        app = self._app(_Keep(events, asking))
        try:
            if over_http:
                await self._serve(app, events, inbox)
            else:
                await self._connect_for_ever(app, events, inbox)
        finally:
            await events.close()
            await asking.close()

    async def _connect_for_ever(self, app: AsyncApp, events: Events, inbox: Inbox) -> None:
        loop, short = asyncio.get_running_loop(), 0
        while True:
            # Asked by ourselves: the library would try a bad token for ever.
            url = await self._open()
            socket = Socket(self._client.library(), _handler(app, events), inbox, events.ended)
            try:
                reason = await socket.run(url, self._silence)
            finally:
                await socket.close()
            _LOG.info("the Slack socket ended (%s): connecting anew", reason)
            short = short + 1 if loop.time() - socket.began < _SHORT else 0
            if short > 1:
                await asyncio.sleep(min(0.1 * 2**short, 30.0))

    async def _open(self) -> str:
        try:
            async with asyncio.timeout(CONNECT):
                told = await self._workspace.web.call("apps.connections.open")
            return str(told["url"])
        except TimeoutError:
            raise Unavailable("Slack gives no address for its events in time. It is tried again.") from None
        except Declined as no:
            if no.error in {"missing_scope", "no_permission"}:
                raise Misconfigured(
                    "The app token may not open a connection: make one with the scope connections:write at "
                    "https://api.slack.com/apps, Basic Information > App-Level Tokens."
                ) from None
            raise Misconfigured(
                f"Slack opens no connection for events ({no.error}): switch Socket Mode on at "
                "https://api.slack.com/apps, Settings > Socket Mode."
            ) from None

    async def _serve(self, app: AsyncApp, events: Events, inbox: Inbox) -> None:
        """Take events and requests over HTTP, each with Slack's signature on it."""
        ended = events.ended

        async def answer(request: http.Request) -> http.Response:
            return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

        host, _, port = str(self._settings.get("listen") or "127.0.0.1:3000").rpartition(":")
        server = http.Application(client_max_size=4 * 1024 * 1024)
        server.router.add_post(_EVENTS_PATH, answer)
        runner = http.AppRunner(server, access_log=None, handle_signals=False)
        await runner.setup()
        try:
            try:
                await http.TCPSite(runner, host or "127.0.0.1", int(port)).start()
            except (OSError, ValueError) as error:
                raise Misconfigured(
                    f"Slack's events cannot be taken at listen = {self._settings.get('listen')!r} "
                    f"({getattr(error, 'strerror', None) or 'no address'}): name a free host:port."
                ) from None
            inbox.gap()
            while not ended.done():
                await asyncio.wait([ended], timeout=self._silence)
                if not ended.done():
                    await self._workspace.web.call("auth.test")
                    inbox.alive()
            await ended
        finally:
            await runner.cleanup()

    def _app(self, keep: AsyncMiddleware) -> AsyncApp:
        return AsyncApp(
            name="spaces",
            client=self._client.library(),
            signing_secret=self._secrets.get("signing_secret") or "",
            logger=SILENT,
            before_authorize=keep,
            ignoring_self_events_enabled=False,
        )

    def _demand(self, *names: str) -> None:
        """See that the tokens are there and of their kind, before anything is asked."""
        for name in names:
            if (fault := token_fault(name, self._secrets.get(name) or "")) is not None:
                raise Misconfigured(fault)


def _handler(app: AsyncApp, events: Events) -> Handle:
    async def handle(client: Any, request: Any) -> None:
        if request.type == "events_api":
            # Over a socket there is no signature to check, which is all that the application would do for us.
            answer = await _kept(events, request.payload or {})
        else:
            answer = await run_async_bolt_app(app, request)
        await send_async_response(client, request, answer, 0.0)

    return handle


async def _kept(events: Events, body: dict[str, Any]) -> BoltResponse:
    """Keep an event; with any other answer than 200 it is not acknowledged, and Slack sends it again."""
    try:
        await events.take(body)
    except Misconfigured as error:
        events.end(error)
    except Exception as error:  # noqa: BLE001 - whatever it is: what is not kept is not acknowledged
        _LOG.warning("an event was not kept (%s): Slack will send it again", type(error).__name__)
        return BoltResponse(status=503, body="")
    return BoltResponse(status=200, body="")


class _Keep(AsyncMiddleware):
    """Keeps events before they are acknowledged, and acknowledges requests before anything is done about them.

    The library would acknowledge an event first, and run listeners later.
    """

    def __init__(self, events: Events, asking: Asking) -> None:
        self._events = events
        self._asking = asking

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,  # noqa: ARG002 - the shape of all middleware
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002
    ) -> BoltResponse | None:
        """Answer an event or a request; what Slack asks of itself is left to the library."""
        # The library loses a slash command in whose text the word "payload" stands.
        body = req.body or dict(parse_qsl(req.raw_body, keep_blank_values=True))
        if (kind := body.get("type")) == "url_verification":
            return await next()
        if kind not in {"event_callback", "app_rate_limited"}:
            self._asking.take(body)
            return BoltResponse(status=200, body="")
        return await _kept(self._events, body)
