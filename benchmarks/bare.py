"""The floors of the live platforms: their client libraries alone, with whatever handler a benchmark gives them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace

from benchmarks.platforms import Platform

Heard = Callable[[str], Awaitable[None]]
"""Told the text of each message."""


@asynccontextmanager
async def discord(there: Platform, heard: Heard) -> AsyncIterator[None]:
    """Listen by discord.py, from when its session stands."""
    import discord  # noqa: PLC0415 - a process that measures another library shall not carry it
    import discord.http  # noqa: PLC0415
    from yarl import URL  # noqa: PLC0415

    discord.http.Route.BASE = there.settings["api_url"]
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = URL(there.settings["gateway_url"])
    client = discord.Client(intents=discord.Intents.all(), chunk_guilds_at_startup=False)
    vars(client)["application_info"] = (
        _application  # which Discord describes no more, nor do our servers have it
    )
    ready = asyncio.Event()

    async def on_message(message: discord.Message) -> None:
        await heard(message.content)

    async def on_ready() -> None:
        ready.set()

    client.event(on_message)
    client.event(on_ready)
    async with client:
        running = asyncio.create_task(client.start(there.secrets["bot_token"]))
        await ready.wait()
        yield
        await client.close()
        await running


async def _application() -> SimpleNamespace:
    """As much of the application as the library looks at when it logs in."""
    return SimpleNamespace(id=0, interactions_endpoint_url=None, flags=0)


@asynccontextmanager
async def slack(there: Platform, heard: Heard) -> AsyncIterator[None]:
    """Listen by slack-bolt, which tells Slack that it has an event before the handler runs."""
    from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler  # noqa: PLC0415 - as above
    from slack_bolt.app.async_app import AsyncApp  # noqa: PLC0415
    from slack_sdk.web.async_client import AsyncWebClient  # noqa: PLC0415

    client = AsyncWebClient(there.secrets["bot_token"], base_url=there.settings["api_url"])
    logging.disable(logging.WARNING)  # it suggests listeners for what nobody listens to
    app = AsyncApp(client=client)

    @app.event("message")
    async def said(event: dict[str, str]) -> None:
        await heard(event["text"])

    web = AsyncWebClient(base_url=there.settings["api_url"])
    handler = AsyncSocketModeHandler(app, there.secrets["app_token"], web_client=web)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    yield
    await handler.close_async()  # type: ignore[no-untyped-call]


LISTEN = {"discord": discord, "slack": slack}
