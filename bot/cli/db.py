"""`spaces db`: the schema of the database."""

import typer

from bot.cli.app import app
from bot.cli.state import state

db = typer.Typer(help="The database's schema.", no_args_is_help=True)
app.add_typer(db, name="db")


@db.command(epilog="Example: spaces --database postgresql://spaces@localhost/spaces db upgrade")
def upgrade(context: typer.Context) -> None:
    """Bring the schema up to date. A SQLite file is copied first."""
    from storage import schema  # noqa: PLC0415
    from storage.database import Database  # noqa: PLC0415

    database = Database(_url(context))
    try:
        copy = schema.upgrade(database)
    finally:
        database.close()
    typer.echo(
        f"The database is at schema {schema.head()}."
        + (f" A copy of it as it was is {copy}." if copy else "")
    )


@db.command(epilog="Example: spaces db version")
def version(context: typer.Context) -> None:
    """Show the schema's version, and the newest that this program knows."""
    from storage import schema  # noqa: PLC0415
    from storage.database import Database  # noqa: PLC0415

    database = Database(_url(context))
    try:
        typer.echo(f"database {schema.current(database) or 'empty'}, program {schema.head()}")
    finally:
        database.close()


def _url(context: typer.Context) -> str:
    """The database's address; a configuration is not needed when it is given on the command line."""
    here = state(context)
    if here.database_url is not None and here.config_path is None:
        return here.database_url if "://" in here.database_url else f"sqlite:///{here.database_url}"
    return here.config.database.url
