"""What an asker can read of the private places of a platform, as the platform says now; what is not known is not."""

import asyncio
import logging
import time
from collections.abc import Iterable

from connectors.base import Connector
from connectors.errors import ConnectorError

_PATIENCE = 2.0
_HOLDS = 60.0
"""Seconds for which an answer is believed; a failure for a twelfth of it."""
_MOST = 10_000

log = logging.getLogger("bot.commands.readers")


class Readers:
    """Asks the connectors that are attached, and remembers what they said for a minute."""

    def __init__(self) -> None:
        self._connectors: dict[str, Connector] = {}
        self._known: dict[tuple[str, str, str], tuple[float, bool]] = {}

    def attach(self, source: str, connector: Connector) -> None:
        """The source is served: its platform can be asked."""
        self._connectors[source] = connector

    def detach(self, source: str) -> None:
        """The source is not served any more."""
        self._connectors.pop(source, None)

    async def readable(self, source: str, member: str, channels: Iterable[str]) -> frozenset[str]:
        """Which of these channels the member can read."""
        wanted, now = set(channels), time.monotonic()
        asked = sorted(
            channel for channel in wanted if self._known.get((source, member, channel), (0.0,))[0] <= now
        )
        if asked:
            found, holds = await self._ask(source, member, asked)
            if len(self._known) > _MOST:
                self._known.clear()
            for channel in asked:
                self._known[source, member, channel] = (now + holds, channel in found)
        return frozenset(channel for channel in wanted if self._known[source, member, channel][1])

    async def _ask(self, source: str, member: str, channels: list[str]) -> tuple[set[str], float]:
        connector = self._connectors.get(source)
        if connector is None:
            return set(), 0.0
        try:
            async with asyncio.timeout(_PATIENCE):
                return await connector.readable(member, channels), _HOLDS
        except (ConnectorError, TimeoutError) as error:
            log.warning("the platform did not say who can read what: %s", error, extra={"source": source})
        except Exception:
            log.exception("who can read what could not be found out", extra={"source": source})
        return set(), _HOLDS / 12
