"""What is stored of one source, for its connector to ask (see `connectors.base.Held`)."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from connectors.records import Thread
from storage import held
from storage.database import Database

T = TypeVar("T")


class Held:
    """Asks the database; `run` does blocking work when it is its turn."""

    def __init__(
        self, database: Database, source_id: int, run: Callable[[Callable[[], Any]], Awaitable[Any]]
    ) -> None:
        self._database = database
        self._id = source_id
        self._run = run

    async def channels(self, since: datetime) -> set[str]:
        """The channels with a message since then; not those inside other channels."""
        return await self._ask(partial(held.channels, source=self._id, since=since))

    async def threads(self, since: datetime) -> Mapping[str, Thread]:
        """The threads with a message since then, each with all that stands of it."""
        return await self._ask(partial(held.threads, source=self._id, since=since))

    async def messages(self, since: datetime, until: datetime) -> Mapping[str, str]:
        """The messages of that time that stand in threads, and the thread of each."""
        return await self._ask(partial(held.messages, source=self._id, since=since, until=until))

    async def absent(self, since: datetime) -> set[str]:
        """The accounts that were told whole, but not since then, and have not left."""
        return await self._ask(partial(held.absent, source=self._id, since=since))

    async def _ask(self, question: Callable[[Session], T]) -> T:
        found: T = await self._run(partial(_answer, self._database, question))
        return found


def _answer(database: Database, question: Callable[[Session], T]) -> T:
    with database.read() as session:
        return question(session)
