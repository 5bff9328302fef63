"""What every command starts from: the configuration, the database, and a place to show progress."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from bot.config import Config
    from storage.database import Database


@dataclass
class State:
    """The global options, and what is opened with them at first use."""

    config_path: Path | None
    database_url: str | None
    quiet: bool

    @cached_property
    def config(self) -> "Config":
        """The configuration; every mistake in it at once as `ConfigError`."""
        from bot.config import load  # noqa: PLC0415 - pydantic is needed by commands only

        return load(self.config_path, self.database_url)

    @contextmanager
    def database(self) -> Iterator["Database"]:
        """The database, with its schema up to date."""
        from storage import schema  # noqa: PLC0415 - SQLAlchemy is needed by commands only
        from storage.database import Database  # noqa: PLC0415

        database = Database(self.config.database.url)
        try:
            copy = schema.ensure(database)
            if copy is not None:
                self.say(f"The database was brought up to date; a copy of it as it was is {copy}.")
            yield database
        finally:
            database.close()

    def say(self, words: str) -> None:
        """A note beside the result: on stderr, and not when quiet."""
        if not self.quiet:
            typer.echo(words, err=True)

    @contextmanager
    def progress(self, what: str) -> Iterator[Callable[[float | None, str], None]]:
        """A progress bar on stderr: call it with how much is done (0 to 1, None if unknown) and a note."""
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415

        console = Console(stderr=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[note]}"),
            TimeRemainingColumn(),
        )
        with Progress(
            *columns, console=console, transient=True, disable=self.quiet or not console.is_terminal
        ) as bar:
            task = bar.add_task(what, total=1.0, note="")

            def show(done: float | None, note: str) -> None:
                bar.update(task, total=None if done is None else 1.0, completed=done or 0, note=note)

            yield show


def state(context: typer.Context) -> State:
    """The state that the global options made."""
    found = context.obj
    assert isinstance(found, State)  # noqa: S101 - typer types it as Any
    return found
