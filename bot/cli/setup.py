"""`spaces init`, `check` and `status`: from nothing to a community that is read, and what stands."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.app import app
from bot.cli.state import state


@app.command(epilog="Example: spaces init, then open spaces.toml in an editor")
def init(
    path: Annotated[Path, typer.Argument(help="The file to write.")] = Path("spaces.toml"),
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
) -> None:
    """Write a configuration, every setting explained."""
    from bot.config import example  # noqa: PLC0415
    from bot.mistakes import ConfigError  # noqa: PLC0415
    from connectors.records import Problem  # noqa: PLC0415

    if path.exists() and not force:
        cure = "Edit it, name another file, or replace it with --force."
        raise ConfigError([Problem(str(path), "the file is there already", cure)])
    path.write_text(example(), encoding="utf-8")
    typer.echo(f"{path} is written. Open it, name your community and its sources, then run: spaces check")


@app.command(epilog="Example: spaces check")
def check(context: typer.Context) -> None:
    """Check the set-up, and say what is missing.

    The configuration, the database, and the credentials of each source.
    """
    from bot.checks import check_all, check_live  # noqa: PLC0415

    here = state(context)
    config = here.config
    typer.echo(
        f"ok       configuration of {config.community.name}, sources: {', '.join(config.sources) or 'none'}"
    )
    with here.database() as database:
        findings = check_all(database, config)
    findings += check_live(config)
    for finding in findings:
        typer.echo(f"{'ok' if finding.good else 'missing':<8} {finding.words}")
    if not all(finding.good for finding in findings):
        raise typer.Exit(1)


@app.command(epilog="Example: spaces status")
def status(context: typer.Context) -> None:
    """Show what is stored of each source, and how it fares.

    Of those that are served: connected or not, delay, history, and what is refused. And what is wrong with schedules.
    """
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    from bot.checks import source_states  # noqa: PLC0415
    from bot.schedules.overview import troubles  # noqa: PLC0415
    from storage import opinions  # noqa: PLC0415

    here = state(context)
    with here.database() as database:
        states = source_states(database, here.config)
        with database.read() as session:
            wrong = troubles(session, here.config, datetime.now(UTC))
            asked, trouble = opinions.asked(session, datetime.now(UTC).date()), opinions.trouble(session)
    table = Table(
        "source", "connector", "messages", "members", "channels", "first", "newest", "untagged", box=None
    )
    for found in states:
        table.add_row(
            found.name, found.connector, f"{found.messages:,}", f"{found.members:,}", f"{found.channels:,}",
            *(f"{at.astimezone(here.config.community.zone):%Y-%m-%d %H:%M}" if at else "-"
              for at in (found.first_at, found.newest_at)),
            f"{found.untagged:,}",
        )  # fmt: skip
    console = Console()
    console.print(table)
    for name, waits in wrong.items():
        console.print(f"schedule {name}: {waits.words}", markup=False, highlight=False, soft_wrap=True)
    if here.config.judge.is_on:
        words = f"judge: asked about {asked} of at most {here.config.judge.per_day} messages today. {trouble}"
        console.print(words.strip(), markup=False, highlight=False, soft_wrap=True)
    served = [(found.name, found.live) for found in states if found.live is not None]
    if not served:
        return
    live = Table("source", "live", "last event", "lag", "history", box=None)
    for name, fares in served:
        at = (
            f"{fares.event_at.astimezone(here.config.community.zone):%Y-%m-%d %H:%M}"
            if fares.event_at
            else "-"
        )
        lag = "-" if fares.lag is None else f"{fares.lag.total_seconds() * 1000:,.0f} ms"
        live.add_row(name, fares.words, at, lag, fares.history)
    console.print()
    console.print(live)
    for name, fares in served:
        for _, channel, why in fares.refused:
            console.print(f"{name}: {channel} cannot be read. {why}", markup=False, highlight=False)
