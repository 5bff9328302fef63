"""How the fake workspace tells what happens: envelopes over Socket Mode, or signed requests over HTTP."""

import asyncio
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

if TYPE_CHECKING:
    from tests.fakes.slack import FakeSlack

Row = dict[str, Any]

_AGAIN = (0.0, 0.3, 0.6)
"""Seconds before each redelivery; Slack: at once, a minute, five minutes."""
_REORDER = 0.05


class Wire:
    """Sends events."""

    def __init__(self, slack: "FakeSlack") -> None:
        self.slack = slack
        self.losing = self.doubling = 0
        self.ack_seconds = 3.0
        self.sockets: list[web.WebSocketResponse] = []
        self.sent: list[Row] = []
        """Envelopes and bodies, in the order in which they went out."""
        self.acked: list[str] = []
        """Event ids that were acknowledged."""
        self.silent = False
        """Sockets stay open, and nothing comes."""
        self.connections = 0
        self._backlog: list[tuple[Row, int, str]] = []
        self._waiting: dict[str, asyncio.Future[bool]] = {}
        self._on: dict[str, web.WebSocketResponse] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._serial = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.connected = asyncio.Event()

    def emit(self, event: Row) -> None:
        """Tell what happened to whoever listens."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        slack, chaos = self.slack, self.slack.chaos
        self._serial += 1
        event = {"event_ts": slack.ts(), **event}
        event = event if slack.dialect is None else slack.dialect.told(event)
        body = {
            "token": "t", "team_id": "T0COMMUNITY", "api_app_id": "A0SPACES", "event": json.loads(json.dumps(event)),
            "type": "event_callback", "event_id": f"Ev{self._serial:010d}", "event_time": int(time.time()),
            "authorizations": [{"enterprise_id": None, "team_id": "T0COMMUNITY", "user_id": "U0SPACESBOT", "is_bot": True,
                                "is_enterprise_install": False}],
            "is_ext_shared_channel": False, "event_context": "4-context",
        }  # fmt: skip
        delay = 0.0
        if chaos.on and chaos.random.random() < chaos.rate:
            kind = chaos.random.choice(["lost event", "doubled event", "late event", "cut", "refresh"])
            chaos.seen.append(kind)
            match kind:
                case "lost event":
                    self.losing += 1
                case "doubled event":
                    self.doubling += 1
                case "late event":
                    delay = _REORDER
                case "cut":
                    self.cut()
                case _:
                    self.disconnect("warning")
        if self.losing > 0:
            self.losing -= 1
            return
        self._start(self._deliver(body, delay))
        if self.doubling > 0:
            self.doubling -= 1
            self._start(self._deliver(body | {"event_id": body["event_id"] + "x"}, delay))

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        self._idle.clear()
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not self._tasks:
            self._idle.set()
        if not task.cancelled():
            task.result()

    async def quiet(self) -> None:
        """Wait until everything that happened is acknowledged, or given up."""
        await self._idle.wait()

    async def _deliver(self, body: Row, delay: float) -> None:
        if delay:
            await asyncio.sleep(delay)
        reason = ""
        for attempt in range(len(_AGAIN) + 1):
            if attempt:
                await asyncio.sleep(_AGAIN[attempt - 1])
            try:
                if self.slack.http_events:
                    kept = await self._post(body, attempt, reason)
                else:
                    kept = await self._push(body, attempt, reason)
            except (aiohttp.ClientError, OSError, TimeoutError):
                kept = False
            if kept:
                self.acked.append(body["event_id"])
                return
            reason = "timeout" if not self.slack.http_events else "http_error"

    # --- Socket Mode --------------------------------------------------------------------------------------------

    def ticket(self) -> str:
        return f"{self.slack.address.replace('http', 'ws')}/link/?ticket=secret&app_id=A0SPACES".replace(
            "/link/?", "/link?"
        )

    async def link(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=None)
        await socket.prepare(request)
        self.connections += 1
        if not self.silent:
            await socket.send_json({
                "type": "hello", "num_connections": len(self.sockets) + 1, "connection_info": {"app_id": "A0SPACES"},
                "debug_info": {"host": "applink-1", "build_number": 1, "approximate_connection_time": 18060},
            })  # fmt: skip
            await socket.ping(b"Ping from applink-1")
        self.sockets.append(socket)
        self.connected.set()
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._acknowledge(json.loads(message.data))
        finally:
            self._forget(socket)
        return socket

    def _acknowledge(self, told: Row) -> None:
        waiting = self._waiting.get(told.get("envelope_id", ""))
        if waiting is not None and not waiting.done():
            waiting.set_result(True)

    async def _push(self, body: Row, attempt: int, reason: str) -> bool:
        while not self.sockets:
            self.connected.clear()
            await self.connected.wait()
        if self.silent:
            return False
        socket = self.slack.random.choice(self.sockets)
        envelope_id = f"env-{body['event_id']}-{attempt}-{len(self.sent)}"
        waiting: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id], self._on[envelope_id] = waiting, socket
        envelope = {"envelope_id": envelope_id, "type": "events_api", "accepts_response_payload": False, "payload": body,
                    "retry_attempt": attempt, "retry_reason": reason}  # fmt: skip
        self.sent.append(envelope)
        try:
            await socket.send_json(envelope)
            return await asyncio.wait_for(waiting, self.ack_seconds)
        except (TimeoutError, ConnectionError):
            return False
        finally:
            del self._waiting[envelope_id], self._on[envelope_id]

    def _forget(self, socket: web.WebSocketResponse) -> None:
        if socket in self.sockets:
            self.sockets.remove(socket)
        for envelope_id, on in self._on.items():
            if on is socket and not self._waiting[envelope_id].done():
                self._waiting[envelope_id].set_result(False)

    def cut(self, after: float = 0.0) -> None:
        """Drop the connections without a goodbye."""
        if after:
            asyncio.get_running_loop().call_later(after, self.cut)
            return
        for socket in list(self.sockets):
            self._forget(socket)
            if (transport := socket._req.transport if socket._req else None) is not None:
                transport.abort()

    def disconnect(self, reason: str) -> None:
        """Say goodbye: `warning` and `refresh_requested` are routine."""
        for socket in list(self.sockets):
            self._start(self._goodbye(socket, reason))

    async def _goodbye(self, socket: web.WebSocketResponse, reason: str) -> None:
        try:
            await socket.send_json(
                {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-1"}}
            )
            self._forget(socket)
        except ConnectionError:
            self._forget(socket)

    def forget(self) -> None:
        """Give up what is not acknowledged yet."""
        for task in self._tasks:
            task.cancel()

    # --- HTTP -----------------------------------------------------------------------------------------------------

    def sign(self, text: str, at: int | None = None, secret: str | None = None) -> dict[str, str]:
        stamp = str(int(time.time()) if at is None else at)
        key = (secret or self.slack.secrets["signing_secret"]).encode()
        digest = hmac.new(key, f"v0:{stamp}:{text}".encode(), hashlib.sha256).hexdigest()
        return {
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={digest}",
            "Content-Type": "application/json",
        }

    async def _post(self, body: Row, attempt: int, reason: str) -> bool:
        text = json.dumps(body)
        headers = self.sign(text)
        if attempt:
            headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason}
        self.sent.append(body)
        url = f"http://{self.slack.settings['listen']}/slack/events"
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self.ack_seconds)) as session,
            session.post(url, data=text.encode(), headers=headers) as response,
        ):
            return response.status == 200

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for socket in list(self.sockets):
            await socket.close()
