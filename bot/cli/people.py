"""`spaces people`: which accounts are one person."""

from typing import Annotated

import typer

from bot.cli.app import app
from bot.cli.state import state

people = typer.Typer(help="Which accounts are one person.", no_args_is_help=True)
app.add_typer(people, name="people")


@people.command(epilog="Example: spaces people suggest")
def suggest(context: typer.Context) -> None:
    """List accounts that are probably one person, with the reason. Nothing is changed."""
    from storage import people as storage  # noqa: PLC0415

    with state(context).database() as database, database.read() as session:
        found = storage.suggest(session)
        lines = [
            f"{storage.describe(session, suggestion.accounts)}\n    because {suggestion.reason}\n"
            f"    spaces people merge {' '.join(storage.handles(session, suggestion.accounts))}"
            for suggestion in found
        ]
    typer.echo("\n".join(lines) if lines else "No accounts look like one person.")


@people.command(epilog='Example: spaces people merge team:alice forum:alice --why "told me so"')
def merge(
    context: typer.Context,
    accounts: Annotated[list[str], typer.Argument(help="Two or more accounts: source:handle or source:id.")],
    why: Annotated[str, typer.Option(help="The reason, kept in the history.")] = "",
) -> None:
    """Say that accounts are one person. It can be undone."""
    from storage import people as storage  # noqa: PLC0415

    with state(context).database() as database, database.write() as session:
        found = [storage.find_account(session, account) for account in accounts]
        done = storage.merge(session, found, why, "the command line")
        typer.echo(f"Merged as number {done.id}. Undo with: spaces people unmerge {done.id}")


@people.command(epilog="Example: spaces people unmerge 3")
def unmerge(
    context: typer.Context,
    merge: Annotated[str, typer.Argument(help="The merge's number, or an account of the person.")],
) -> None:
    """Undo a merge: the accounts are apart again, as if it had never been."""
    from storage import people as storage  # noqa: PLC0415

    with state(context).database() as database, database.write() as session:
        undone = storage.unmerge(
            session, int(merge) if merge.isdigit() else storage.find_account(session, merge)
        )
        typer.echo(f"Undone: {', '.join(str(number) for number in undone)}")


@people.command(epilog="Example: spaces people history")
def history(context: typer.Context) -> None:
    """List every merge, also the undone ones."""
    from storage import people as storage  # noqa: PLC0415

    with state(context).database() as database, database.read() as session:
        for done in storage.history(session):
            accounts = storage.describe(session, storage.accounts_of(done))
            undone = f", undone {done.undone_at:%Y-%m-%d}" if done.undone_at else ""
            typer.echo(
                f"{done.id}: {accounts} ({done.decided_at:%Y-%m-%d}, {done.why or 'no reason given'}{undone})"
            )
