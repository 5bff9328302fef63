"""`spaces judge`: have the outside judge decide what the machine is unsure of, or see what it would be told."""

import asyncio
import json
import os
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.app import app
from bot.cli.state import State, state

if TYPE_CHECKING:
    from bot.judge.rounds import Round
    from storage.database import Database


@app.command(epilog="Examples: spaces judge --dry-run; spaces judge --limit 50")
def judge(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="About how many messages to ask.")] = 20,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be told, as JSON lines.")
    ] = False,
) -> None:
    """Ask the judge of [judge] about the newest messages that the machine is unsure of.

    `spaces run` does so by itself. The judge is told words from public channels, and no names; nothing of sources with
    keep_text_days. What it says counts like the machine's own labels, until a moderator says otherwise.
    """
    from bot.judge.asking import question  # noqa: PLC0415
    from bot.judge.cases import cases  # noqa: PLC0415
    from bot.mistakes import ConfigError  # noqa: PLC0415
    from bot.settle import settle  # noqa: PLC0415
    from connectors.records import Problem  # noqa: PLC0415

    here = state(context)
    if not (here.config.judge.is_on or dry_run):
        cure = "Name one: url and model in [judge]. To see what it would be told: spaces judge --dry-run"
        raise ConfigError([Problem("judge", "there is no judge in the configuration", cure)])
    with here.database() as database:
        settle(database, here.config, here)
        if dry_run:
            with database.read() as session:
                for case in cases(session, here.config, limit):
                    typer.echo(json.dumps(question(case), ensure_ascii=False))
            return
        done = asyncio.run(_ask(here, database, limit))
        settle(database, here.config, here)
    if done.asked:
        typer.echo(f"Messages asked about: {done.asked}. Labels decided: {done.decided}.")
    elif not done.trouble:
        typer.echo(
            "Nothing to ask: nothing is unsure, or the day's questions (per_day in [judge]) are used up."
        )
    if done.trouble:
        typer.echo(done.trouble, err=True)
        raise typer.Exit(1)


async def _ask(here: State, database: "Database", limit: int) -> "Round":
    from bot.environment import JUDGE_KEY, read_secret  # noqa: PLC0415
    from bot.judge.rounds import ask_round  # noqa: PLC0415
    from bot.live.writer import Writer  # noqa: PLC0415

    async with Writer(database) as writer:
        return await ask_round(database, writer, here.config, read_secret(JUDGE_KEY, os.environ), limit)
