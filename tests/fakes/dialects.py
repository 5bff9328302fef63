"""Other servers: what a fake says, said otherwise, as the published contracts allow it and our fakes do not.

An `Interposed` stands between the connector and a fake. It passes on what both say, and its `Dialect` alters it: the
questions, the answers, the frames of sockets. What stands on the platform stays the same, so the contract does too.
"""

import asyncio
import zlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import aiohttp
import orjson
from aiohttp import WSMsgType, web
from multidict import CIMultiDict, MultiDict

from tests.fakes.base import FakePlatform

Json = Any
_OURS = {"host", "content-length", "transfer-encoding", "connection", "content-encoding", "date", "server"}


class Said(NamedTuple):
    """An answer. `body` is JSON, or a text of the type that the headers name."""

    status: int
    headers: CIMultiDict[str]
    body: Json


class Dialect:
    """One that says everything as the fake does: the others alter what they name."""

    prefix = ""
    """Where on the server the platform is."""
    compresses = True
    """Whether a socket is compressed where the client asks for it."""
    settings: dict[str, Any] = {}  # noqa: RUF012 - read only
    """What the operator has to set for such a server."""
    loses = False
    """Whether what it does loses events, so that only a sweep tells of them."""
    ill: frozenset[str] = frozenset()
    """Parts of what `check` rightly complains of."""

    def prepare(self, fake: Any) -> None:
        """Make of the fake what the dialect needs."""

    def asked(self, method: str, path: str, query: MultiDict[str]) -> Said | None:  # noqa: ARG002
        """Alter a question, or answer it instead of the fake."""
        return None

    def told(self, path: str, query: MultiDict[str], said: Said) -> Said:  # noqa: ARG002
        """Alter an answer."""
        return said

    def frame(self, frame: Json) -> list[Json]:
        """Alter what a socket says: nothing, one frame or several. A number closes it with that code."""
        return [frame]


def said(body: Json, status: int = 200, **headers: str) -> Said:
    """An answer of one's own."""
    kind = "application/json" if not isinstance(body, str) else "text/html; charset=utf-8"
    told = {"Content-Type": kind, **{key.replace("_", "-"): text for key, text in headers.items()}}
    return Said(status, CIMultiDict(told), body)


def altered(value: Json, alter: Callable[[dict[str, Any]], dict[str, Any]]) -> Json:
    """JSON in which each object was altered, from the innermost."""
    if isinstance(value, list):
        return [altered(item, alter) for item in value]
    if isinstance(value, dict):
        return alter({key: altered(item, alter) for key, item in value.items()})
    return value


def without(row: dict[str, Any], *keys: str) -> dict[str, Any]:
    """An object without these fields."""
    return {key: value for key, value in row.items() if key not in keys}


def wordy(row: dict[str, Any]) -> dict[str, Any]:
    """An object with fields that nobody has heard of."""
    return row | {"new_in_2031": {"id": 1, "items": [None, {}]}, "x_flag": True, "x_note": None}


class Interposed:
    """The server that the connector meets. After `start` the fake's settings lead to it."""

    def __init__(self, fake: FakePlatform, dialect: Dialect) -> None:
        self._fake = fake
        self._dialect = dialect

    async def start(self) -> None:
        """Stand before a fake that was started."""
        self._dialect.prepare(self._fake)
        app = web.Application(client_max_size=64 << 20)
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        here = f"127.0.0.1:{self._runner.addresses[0][1]}"
        address = str(self._fake.settings.get("api_url") or self._fake.settings["url"])
        self._there, self._here = address.split("/")[2], here
        for key in ("api_url", "gateway_url", "url"):
            if self._there in str(self._fake.settings.get(key)):
                at = str(self._fake.settings[key])
                self._fake.settings[key] = at.replace(self._there, here + self._dialect.prefix)
        self._fake.settings |= {
            key: value.replace("HERE", here) if isinstance(value, str) else value
            for key, value in self._dialect.settings.items()
        }

    async def stop(self) -> None:
        """Give back the sockets."""
        await self._session.close()
        await self._runner.cleanup()

    # --- requests ---------------------------------------------------------------------------------------------------

    async def _take(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix(self._dialect.prefix).replace("/api/v9", "/api/v10")
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._link(request, path)
        query = MultiDict(request.query)
        found = self._dialect.asked(request.method, path, query)
        if found is None:
            try:
                found = self._dialect.told(path, query, await self._ask(request, path, query))
            except (aiohttp.ClientError, OSError):
                if request.transport is not None:
                    request.transport.abort()
                return web.Response(status=500)
        body = found.body if isinstance(found.body, str) else orjson.dumps(found.body).decode()
        headers = found.headers
        if (location := headers.get("Location", "")).startswith("/"):
            headers["Location"] = self._dialect.prefix + location
        return web.Response(
            status=found.status, headers=headers, body=body.replace(self._there, self._here).encode()
        )

    async def _ask(self, request: web.Request, path: str, query: MultiDict[str]) -> Said:
        headers = CIMultiDict(
            (key, text) for key, text in request.headers.items() if key.lower() not in _OURS
        )
        async with self._session.request(
            request.method, f"http://{self._there}{path}", params=query, headers=headers, data=await request.read(),
            allow_redirects=False,
        ) as answer:  # fmt: skip
            text = (await answer.read()).decode()
            kept = CIMultiDict(
                (key, value) for key, value in answer.headers.items() if key.lower() not in _OURS
            )
            is_json = "json" in kept.get("Content-Type", "")
            return Said(answer.status, kept, orjson.loads(text) if is_json and text else text)

    # --- sockets ----------------------------------------------------------------------------------------------------

    async def _link(self, request: web.Request, path: str) -> web.WebSocketResponse:
        near = web.WebSocketResponse()
        await near.prepare(request)
        query = MultiDict(request.query)
        packs = query.popall("compress", [None])[0] == "zlib-stream" and self._dialect.compresses
        pack = zlib.compressobj() if packs else None
        path = path if path in {"/link", "/link/", "/gateway", "/gateway/"} else "/gateway"
        async with self._session.ws_connect(f"ws://{self._there}{path}", params=query) as far:
            back = asyncio.create_task(self._pass_back(near, far))
            try:
                async for message in far:
                    if message.type is WSMsgType.TEXT:
                        for frame in self._dialect.frame(orjson.loads(message.data)):
                            await self._send(near, frame, pack)
            except ConnectionError:
                pass
            finally:
                back.cancel()
            if far.close_code in {None, 1006} and request.transport is not None:
                request.transport.abort()
            elif not near.closed:
                await near.close(code=far.close_code or 1000)
        return near

    async def _send(self, near: web.WebSocketResponse, frame: Json, pack: Any) -> None:
        if isinstance(frame, int):
            await near.close(code=frame)
            return
        text = orjson.dumps(frame).decode().replace(self._there, self._here)
        if pack is None:
            await near.send_str(text)
        else:
            await near.send_bytes(pack.compress(text.encode()) + pack.flush(zlib.Z_SYNC_FLUSH))

    @staticmethod
    async def _pass_back(near: web.WebSocketResponse, far: aiohttp.ClientWebSocketResponse) -> None:
        async for message in near:
            if message.type is WSMsgType.TEXT:
                await far.send_str(message.data)
        # A connection that broke is no goodbye.
        await far.close(code=4000 if near.close_code in {None, 1006} else near.close_code)


def every(count: int) -> Iterator[bool]:
    """True each so many times."""
    number = 0
    while True:
        number += 1
        yield number % count == 0
