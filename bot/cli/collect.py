"""`spaces import`: archives that people already have."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.app import app
from bot.cli.state import State, state

if TYPE_CHECKING:
    from bot.collect import Collected
    from connectors.records import Page
    from storage.database import Database


@app.command(
    "import",
    epilog="Examples: spaces import team ~/Downloads/export.zip; spaces import chat discord-export/; "
    "spaces import forum archive.zip older.zip",
)
def import_(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="A source of the configuration, such as team.")],
    paths: Annotated[
        list[Path], typer.Argument(help="Files or folders; the format is recognised.", metavar="PATH...")
    ],
) -> None:
    """Import archives that you already have.

    A Slack export, DiscordChatExporter JSON files, or a Discourse archive.
    Importing twice changes nothing, overlapping archives merge, and an import that was stopped goes on where it was.
    """
    if not import_into(state(context), source, paths):
        raise typer.Exit(1)


def import_into(state: State, source: str, paths: list[Path]) -> bool:
    """Import archives and tag what is new; says what came of it. False when something could not be read."""
    from bot.mistakes import ConfigError, suggestion  # noqa: PLC0415
    from bot.settle import settle  # noqa: PLC0415
    from connectors.records import Problem  # noqa: PLC0415

    sources = state.config.sources
    if source not in sources:
        cure = suggestion(source, sources) if sources else "Add [sources.NAME] to the configuration."
        raise ConfigError([Problem("import", f'there is no source "{source}" in the configuration', cure)])
    with state.database() as database:
        found = read_into(state, database, source, paths)
        settle(database, state.config, state)
    return not found.problems


def read_into(state: State, database: "Database", source: str, paths: list[Path]) -> "Collected":
    """Read archives into a source of the configuration, with a progress bar; says what could not be read."""
    from bot.collect import import_archives  # noqa: PLC0415

    settings = state.config.sources[source]
    with state.progress(f"Importing into {source}") as show:

        def on_page(page: "Page", collected: "Collected") -> None:
            show(page.fraction, f"{collected.read:,} messages")

        found = import_archives(
            database, source, settings.connector, paths, settings.model_dump(mode="json"), on_page
        )
    for problem in found.problems:
        typer.echo(str(problem), err=True)
    state.say(_summary(source, found))
    return found


def _summary(source: str, found: "Collected") -> str:
    changed = f"{found.written:,} new or changed" if found.written else "nothing new"
    changed += f", {found.deleted:,} deleted" if found.deleted else ""
    left_out = ", ".join(f"{kind} {count:,}" for kind, count in found.left_out.most_common(8))
    return f"{source}: {found.read:,} messages read, {changed}." + (
        f" Left out: {left_out}." if left_out else ""
    )
