"""`spaces run` and `spaces backfill`: the live platforms."""

import gc
import sys
from typing import Annotated

import typer

from bot.cli.app import app
from bot.cli.state import state

_SETTLED = 10.0
"""Seconds after which everything that stays for as long as the process is there."""
SWITCH = 0.0001
"""Seconds after which a thread of the database hands over to the loop, fifty times sooner than by default."""


@app.command(
    epilog="Example: SPACES_TEAM_BOT_TOKEN=... SPACES_TEAM_APP_TOKEN=... spaces run. SIGTERM stops it, SIGHUP has it "
    "read the configuration again."
)
def run(context: typer.Context) -> None:
    """Serve all sources that have credentials in the environment: listen, catch up, and post."""
    import asyncio  # noqa: PLC0415

    from bot.config import load  # noqa: PLC0415
    from bot.live import logs  # noqa: PLC0415
    from bot.live.runner import Runner  # noqa: PLC0415

    here = state(context)
    config = here.config
    sys.setswitchinterval(SWITCH)
    lines = logs.begin()
    with here.database() as database:

        async def serve() -> None:
            asyncio.get_running_loop().call_later(_SETTLED, freeze)
            runner = Runner(
                database,
                config,
                lambda: load(here.config_path, here.database_url),
                on_secrets=lines.secrets.update,
            )
            await runner.run()

        asyncio.run(serve())


def freeze() -> None:
    """Have the garbage collector pass over what stays: each time that it looks through all of it the loop stands still.

    The libraries alone are 80 ms.
    """
    gc.collect()
    gc.freeze()


@app.command(epilog="Examples: spaces backfill team; spaces backfill forum --since 2025-01-01")
def backfill(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="A source of the configuration, such as team.")],
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Begin here instead of history_days ago.")
    ] = None,
) -> None:
    """Read the history of a source once, with a progress bar. Stopped anywhere, it goes on there the next time."""
    from bot.app import read_moment  # noqa: PLC0415
    from bot.live.once import backfill_once  # noqa: PLC0415
    from bot.settle import settle  # noqa: PLC0415

    here = state(context)
    begin = None if since is None else read_moment(since, here.config, "--since")
    with here.database() as database:
        freeze()
        with here.progress(f"Reading {source}") as show:
            found = backfill_once(database, here.config, source, begin, show)
        settle(database, here.config, here)
    here.say(f"{source}: {found:,} messages read.")
