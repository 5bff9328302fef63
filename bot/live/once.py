"""`spaces backfill`: the history of one source, read once, under its lease."""

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.config import Config
from bot.environment import source_secrets
from bot.live.backfill import read_history
from bot.live.supervisor import connector_settings
from bot.live.writer import Writer
from bot.mistakes import ConfigError, suggestion
from connectors.base import Connector, load_connector
from connectors.errors import Misconfigured, Unavailable
from connectors.records import Page, Problem
from storage import ingest, leases, states
from storage.database import Database

_LONGEST_PAUSE = 60.0
_TRIES = 8

Show = Callable[[float | None, str], None]


def backfill_once(
    database: Database,
    config: Config,
    source: str,
    since: datetime | None,
    show: Show,
    load: Callable[[str], type[Connector]] = load_connector,
) -> int:
    """Read all history that is not known yet, from `since` or from where it began; returns the messages read.

    Raises:
        ConfigError: there is no such source.
        Misconfigured: it has no credentials, they are wrong, or another process serves the source.
        Unavailable: the platform did not answer for long; what was read is kept.
    """
    if source not in config.sources:
        cure = (
            suggestion(source, config.sources)
            if config.sources
            else "Add [sources.NAME] to the configuration."
        )
        raise ConfigError([Problem("backfill", f'there is no source "{source}" in the configuration', cure)])
    said = source_secrets(source, os.environ)
    if not said:
        prefix = f"SPACES_{source}".upper().replace("-", "_")
        raise Misconfigured(
            f"Source {source} has no credentials in the environment. Set {prefix}_BOT_TOKEN (Slack, Discord) or "
            f"{prefix}_API_KEY (Discourse)."
        )
    return asyncio.run(_backfill(database, config, source, said, since, show, load))


async def _backfill(
    database: Database,
    config: Config,
    name: str,
    said: dict[str, str],
    since: datetime | None,
    show: Show,
    load: Callable[[str], type[Connector]],
) -> int:
    settings = config.sources[name]
    owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    length = timedelta(seconds=config.run.lease_seconds)
    read = 0

    def on_page(page: Page) -> None:
        nonlocal read
        read += len(page.messages)
        show(page.fraction, f"{read:,} messages")

    async with Writer(database) as writer:
        id_ = await writer.first(lambda session: ingest.source_id(session, name, settings.connector))
        await _hold(writer, id_, owner, length, name)
        keeping = asyncio.create_task(_keep(writer, id_, owner, length, name))
        try:
            begin = since or datetime.now(UTC) - timedelta(days=settings.history_days)
            start = await writer.first(
                lambda session: states.begin_history(session, id_, begin, earlier=since is not None)
            )
            began = datetime.now(UTC)
            connector = load(settings.connector)(
                connector_settings(settings, config.run, config.tagging), said
            )
            try:
                reading = asyncio.create_task(
                    _persist(
                        lambda: read_history(connector, database, writer, id_, start, on_page=on_page), show
                    )
                )
                await asyncio.wait([reading, keeping], return_when=asyncio.FIRST_COMPLETED)
                if keeping.done():
                    reading.cancel()
                    await asyncio.wait([reading])
                    await keeping
                await reading
            finally:
                await connector.close()
            await writer.first(lambda session: states.write(session, id_, caught_up_at=began))
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])
            await writer.first(lambda session: leases.release(session, id_, owner))
    return read


async def _persist(read: Callable[[], Coroutine[Any, Any, None]], show: Show) -> None:
    """Read until the end, waiting where the platform tells us to; patience is measured in failures without success."""
    failures = 0
    while True:
        try:
            await read()
        except Unavailable as error:
            failures += 1
            if failures >= _TRIES:
                raise
            show(None, str(error))
            await asyncio.sleep(min(max(error.retry_after, 2.0**failures), _LONGEST_PAUSE))
        else:
            return


async def _keep(writer: Writer, id_: int, owner: str, length: timedelta, name: str) -> None:
    while True:
        await asyncio.sleep(length.total_seconds() / 3)
        await _hold(writer, id_, owner, length, name)


async def _hold(writer: Writer, id_: int, owner: str, length: timedelta, name: str) -> None:
    if await writer.first(lambda session: leases.take(session, id_, owner, length)):
        return
    found = await writer.first(lambda session: leases.holder(session, id_))
    who = (
        f"process {found[0]}, until {found[1]:%H:%M:%S} UTC unless it goes on" if found else "another process"
    )
    raise Misconfigured(
        f"Source {name} is served by {who}. It reads history itself; stop it first if you want to do it here."
    )
