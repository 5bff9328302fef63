"""The gateway of the fake Discord: sessions with sequence numbers, RESUME with replay, zlib-stream, faults."""

import asyncio
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import WSMsgType, web

MEMBERS, MESSAGES, REACTIONS, DIRECT, CONTENT = 1 << 1, 1 << 9, 1 << 10, 1 << 12, 1 << 15
NEEDED = {
    "GUILD_MEMBER_ADD": MEMBERS, "GUILD_MEMBER_REMOVE": MEMBERS, "MESSAGE_CREATE": MESSAGES, "MESSAGE_UPDATE": MESSAGES,
    "MESSAGE_DELETE": MESSAGES, "MESSAGE_DELETE_BULK": MESSAGES, "MESSAGE_REACTION_ADD": REACTIONS,
    "MESSAGE_REACTION_REMOVE": REACTIONS, "MESSAGE_REACTION_REMOVE_ALL": REACTIONS,
}  # fmt: skip


@dataclass
class Session:
    id: str
    intents: int
    sequence: int = 0
    told: list[dict[str, Any]] = field(default_factory=list)
    expired: bool = False
    line: "Line | None" = None


class Line:
    """One socket. What is to be sent waits in order; a line gone silent sends nothing more, not even an ACK."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self.request = request
        self.socket = socket
        self.silent = False
        self.goodbye: int | None = None
        """The code with which this side closed."""
        self.out: asyncio.Queue[dict[str, Any] | int] = asyncio.Queue()
        self._pack = zlib.compressobj() if request.query.get("compress") == "zlib-stream" else None

    def cut(self) -> None:
        if self.request.transport is not None:
            self.request.transport.abort()

    async def write(self) -> None:
        while True:
            payload = await self.out.get()
            if self.silent:
                continue
            if isinstance(payload, int):
                self.goodbye = payload
                await self.socket.close(code=payload)
                return
            data = orjson.dumps(payload)
            if self._pack is None:
                await self.socket.send_str(data.decode())
            else:
                packed = self._pack.compress(data) + self._pack.flush(zlib.Z_SYNC_FLUSH)
                half = len(packed) // 2 if len(packed) > 512 else len(packed)
                for part in (packed[:half], packed[half:]):
                    if part:
                        await self.socket.send_bytes(part)


class Gateway:
    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.lines: list[Line] = []
        self.interval = 41_250
        self.losing = self.doubling = self.malforming = 0
        self.silently_losing = 0
        self.deaf = False
        """Read nothing more from anyone, not even a goodbye."""
        self.deafened = asyncio.Event()
        self.greeting_code = 0
        """Close with this code instead of saying hello."""
        self.identified: list[dict[str, Any]] = []
        self.resumed: list[int] = []
        self.connected = asyncio.Event()
        self.allowed: Callable[[str, int], int] = lambda _token, _intents: 0
        """Returns the close code for an IDENTIFY or RESUME, 0 when it is welcome."""
        self.welcome: Callable[[Session], list[tuple[str, dict[str, Any]]]] = lambda _session: []
        self.shaped: Callable[[str, dict[str, Any], Session], dict[str, Any]] = lambda _t, d, _s: d
        self.chaotic: Callable[[Line], str] = lambda _line: ""

    # --- what happens -----------------------------------------------------------------------------------------------

    def tell(self, kind: str, data: dict[str, Any]) -> None:
        """An event, to every session that asked for its kind."""
        lose, self.losing = self.losing > 0, max(0, self.losing - 1)
        hide, self.silently_losing = self.silently_losing > 0, max(0, self.silently_losing - 1)
        double, self.doubling = self.doubling > 0, max(0, self.doubling - 1)
        spoil, self.malforming = self.malforming > 0, max(0, self.malforming - 1)
        for session in self.sessions.values():
            needed = NEEDED.get(kind, 0)
            if kind == "MESSAGE_CREATE" and "guild_id" not in data:
                needed = DIRECT
            if (
                (session.expired and session.line is None)
                or hide
                or (needed and not session.intents & needed)
            ):
                continue
            session.sequence += 1
            payload = {
                "op": 0,
                "t": kind,
                "s": session.sequence,
                "d": self.shaped(kind, data, session),
            }
            session.told.append(payload)
            line = session.line
            if line is None or lose:
                continue
            fault = self.chaotic(line)
            if fault == "lost event":
                continue
            if spoil or fault == "malformed event":
                payload = payload | {"d": {"id": None, "guild_id": data.get("guild_id")}}
            line.out.put_nowait(payload)
            if double or fault == "doubled event":
                line.out.put_nowait(payload)
            if fault == "reconnect":
                line.out.put_nowait({"op": 7, "d": None})
            elif fault == "cut":
                line.cut()

    def send(self, payload: dict[str, Any] | int) -> None:
        """Something other than an event to every open line; a number closes it with that code."""
        for line in self.lines:
            line.out.put_nowait(payload)

    # --- one socket -------------------------------------------------------------------------------------------------

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        line = Line(request, socket)
        self.lines.append(line)
        writer = asyncio.create_task(line.write())
        line.out.put_nowait(
            self.greeting_code or {"op": 10, "t": None, "s": None, "d": {"heartbeat_interval": self.interval}}
        )
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                self._answer(line, orjson.loads(message.data))
                if self.deaf:
                    self.deafened.set()
                    await asyncio.Event().wait()
        finally:
            writer.cancel()
            self.lines.remove(line)
            for session in self.sessions.values():
                if session.line is line:
                    session.line = None
                    # A goodbye ends a session, from either side; anything else leaves it open for RESUME.
                    session.expired = session.expired or (line.goodbye or socket.close_code) in {1000, 1001}
        return socket

    def _answer(self, line: Line, asked: dict[str, Any]) -> None:
        operation, data = asked["op"], asked["d"]
        if operation == 1:
            line.out.put_nowait({"op": 11, "t": None, "s": None, "d": None})
        elif operation == 2:
            self.identified.append(data)
            code = self.allowed(data["token"], data["intents"])
            if code:
                line.out.put_nowait(code)
                return
            session = Session(f"session-{len(self.sessions) + 1}", data["intents"], line=line)
            self.sessions[session.id] = session
            for kind, event in self.welcome(session):
                session.sequence += 1
                payload = {"op": 0, "t": kind, "s": session.sequence, "d": event}
                session.told.append(payload)
                line.out.put_nowait(payload)
            self.connected.set()
        elif operation == 6:
            self.resumed.append(data["seq"])
            found = self.sessions.get(data["session_id"])
            code = self.allowed(data["token"], found.intents if found else 0)
            if code:
                line.out.put_nowait(code)
            elif found is None or found.expired:
                line.out.put_nowait({"op": 9, "t": None, "s": None, "d": False})
            else:
                found.line = line
                for payload in found.told:
                    if payload["s"] > data["seq"]:
                        line.out.put_nowait(payload)
                found.sequence += 1
                resumed = {"op": 0, "t": "RESUMED", "s": found.sequence, "d": {"_trace": []}}
                found.told.append(resumed)
                line.out.put_nowait(resumed)
                self.connected.set()
