"""Brings everything derived up to date: who is staff, what is counted, conversations and tags."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

from bot import learning
from bot.tagger import drain
from storage import population
from storage.database import Database

if TYPE_CHECKING:
    from bot.config import Config


class Screen(Protocol):
    """Where progress is shown."""

    def progress(self, what: str) -> AbstractContextManager[Callable[[float | None, str], None]]:
        """A progress bar, as a context."""
        ...


class Silent:
    """A screen that shows nothing."""

    @contextmanager
    def progress(self, what: str) -> Iterator[Callable[[float | None, str], None]]:
        """Take the progress and forget it."""
        del what
        yield lambda _done, _note: None


def settle(database: Database, config: "Config", screen: Screen) -> None:
    """Derive all that waits to be derived; quick when nothing does."""
    with database.write() as session:
        population.settle(session, config.policy())
    with screen.progress("Tagging") as show:
        drain(
            database,
            on_progress=lambda done, total: show(done / total if total else None, f"{done:,} messages"),
            topic_tags=config.tagging.topic_tags,
            classifier=learning.classifier(database, config),
            judged=config.judge.is_on,
        )
