"""`spaces review`: say yes or no to what the machine is unsure of, and to a sample of what it gave."""

import getpass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.app import app
from bot.cli.state import state

if TYPE_CHECKING:
    from storage.reviews import Doubt

_EXCERPT = 300


@app.command(epilog="Examples: spaces review; spaces review --limit 50; spaces review --list")
def review(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many to look at.")] = 20,
    only_list: Annotated[bool, typer.Option("--list", help="Only show them.")] = False,
) -> None:
    """Look at labels one by one: y (right), n (wrong), Enter (skip), q (enough).

    Half of them the machine was unsure of; the others are drawn at random from those it gave, so that how often it is
    right in your community can be measured. It learns from both (spaces train --local).
    """
    from storage import decisions, reviews  # noqa: PLC0415

    here = state(context)
    with here.database() as database:
        with database.read() as session:
            doubts = reviews.pending(session, limit, today=datetime.now(UTC).date())
        if not doubts:
            typer.echo("Nothing waits for you.")
        for number, doubt in enumerate(doubts, 1):
            typer.echo(_shown(number, len(doubts), doubt))
            answer = (
                "" if only_list else typer.prompt("right?", default="", show_default=False).strip().lower()
            )
            if answer.startswith("q"):
                break
            if answer[:1] in {"y", "s", "n"}:
                with database.write() as session:
                    decisions.decide(
                        session, doubt.source_id, [doubt.external_id], doubt.label, answer[:1] != "n",
                        getpass.getuser(), doubt.via,
                    )  # fmt: skip
        with database.read() as session:
            for each in reviews.measured(session):
                typer.echo(f"Measured here: {each.label} {each.right} of {each.asked} right")


def _shown(number: int, of: int, doubt: "Doubt") -> str:
    from bot.digest.plain import excerpt  # noqa: PLC0415

    sure = "" if doubt.probability is None else f" ({doubt.probability:.0%} sure)"
    link = f"\n  {doubt.url}" if doubt.url else ""
    return f"\n{number}/{of} {doubt.source}: is this {doubt.label}{sure}?\n  {excerpt(doubt.text, _EXCERPT)}{link}"
