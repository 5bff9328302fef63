"""Runs the migrations on the connection that storage.schema hands over (or on `-x url=...` for the alembic command)."""

from alembic import context

from storage.database import Database
from storage.tables import Base
from storage.times import UTCDateTime


def _type(kind: str, item: object, _context: object) -> str | bool:
    # Migrations speak SQL types only, so that they keep working when our classes move.
    return "sa.BigInteger()" if kind == "type" and isinstance(item, UTCDateTime) else False


def _run() -> None:
    connection = context.config.attributes.get("connection")
    if connection is None:
        url = context.get_x_argument(as_dictionary=True).get("url", "sqlite:///spaces.sqlite3")
        connection = Database(url).engine.connect()
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_server_default=True,
        render_item=_type,
    )
    with context.begin_transaction():
        context.run_migrations()
    if connection.in_transaction() and context.config.attributes.get("connection") is None:
        connection.commit()


_run()
