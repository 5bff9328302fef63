"""A source of which nothing is stored yet."""

from collections.abc import Mapping
from datetime import datetime

from connectors.records import Thread


class Empty:
    """See `connectors.base.Held`."""

    async def channels(self, since: datetime) -> set[str]:
        del since
        return set()

    async def threads(self, since: datetime) -> Mapping[str, Thread]:
        del since
        return {}

    async def messages(self, since: datetime, until: datetime) -> Mapping[str, str]:
        del since, until
        return {}

    async def absent(self, since: datetime) -> set[str]:
        del since
        return set()
