"""The command line's frame: global options, and the order of the commands."""

from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.state import State

app = typer.Typer(
    name="spaces",
    help="Shows what your community is worth: SPACES digests for Slack, Discord and Discourse.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="First steps: spaces demo; spaces init; spaces import team export.zip; spaces digest weekly. "
    "Exit codes: 0 done, 1 failed or done in part, 2 wrong command line or configuration, 130 stopped.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"spaces {installed_version('spaces-bot')}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", metavar="FILE", help="The configuration; default spaces.toml here."),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option("--database", metavar="URL", help="Another database than the configured one."),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress, only results and errors.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """Keep the global options for the command that follows."""
    del version
    context.obj = State(config, database, quiet=quiet)


# The commands register themselves; their order here is the order in the help.
from bot.cli import setup, collect, run, digest, schedule, people, asking, classify, review, judge, train, db  # noqa: E402, F401, I001
