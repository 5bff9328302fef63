"""Health over HTTP, for this machine only: /healthz, /readyz and /metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from bot.live.metrics import Metrics
from bot.mistakes import ConfigError
from connectors.records import Problem

_PATIENCE = 5.0


class Health:
    """The server. `ready` tells of the database (None: it answers) and of each source (None: it is connected)."""

    def __init__(self, metrics: Metrics, ready: Callable[[], Awaitable[Mapping[str, str | None]]]) -> None:
        self._metrics = metrics
        self._ready = ready
        app = web.Application()
        app.add_routes(
            [
                web.get("/healthz", self._alive),
                web.get("/readyz", self._is_ready),
                web.get("/metrics", self._figures),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        self.port = 0
        """Where it listens, once it does."""

    async def start(self, port: int) -> None:
        """Listen.

        Raises:
            ConfigError: the port is taken or not allowed.
        """
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", port).start()
        except OSError as error:
            await self._runner.cleanup()
            cure = "Choose another in the configuration: [run] port = 0 takes any that is free."
            why = error.strerror or "it cannot be used"
            raise ConfigError(
                [Problem(f"port {port} on this machine", why.partition("]")[0].lower(), cure)]
            ) from None
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def _alive(self, _request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def _is_ready(self, _request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(_PATIENCE):
                found = dict(await self._ready())
        except TimeoutError:
            found = {"database": "It did not answer in time."}
        ready = not any(found.values())
        body: dict[str, Any] = {"ready": ready, **{name: why or "ok" for name, why in found.items()}}
        return web.json_response(body, status=200 if ready else 503)

    async def _figures(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=self._metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )
