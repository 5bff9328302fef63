"""The schema's version: built, brought up to date, and refused when it is newer than the program.

alembic is loaded only when there is something to migrate: a process that runs for weeks would hold it for nothing.
"""

import shutil
import sqlite3
from pathlib import Path

from sqlalchemy import Connection, inspect

from storage.database import Database, DatabaseError


def scripts() -> Path:
    """The folder of the migrations: beside us in an installed wheel, at the top in a checkout."""
    here = Path(__file__).resolve().parent
    installed = here / "migrations"
    return installed if installed.is_dir() else here.parent / "alembic"


def head() -> str:
    """The newest revision that this program knows: their files are named by them, in one line, in their order."""
    found = sorted((scripts() / "versions").glob("[0-9a-z]*.py"))
    if not found:
        raise DatabaseError(f"The migrations in {scripts()} are missing. Install the program again.")
    return found[-1].stem.partition("_")[0]


def current(database: Database) -> str | None:
    """The revision of the database; None for an empty one."""
    with database.read() as session:
        connection = session.connection()
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        return found


def upgrade(database: Database) -> Path | None:
    """Bring the schema to `head()`, in one transaction. Returns the copy made of a SQLite file, if any.

    Raises:
        DatabaseError: the schema is newer than the program, or the migration failed (nothing is changed then).
    """
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415

    before = current(database)
    if before == head():
        return None
    refuse_newer(before)
    copy = _copy_file(database.path, before) if database.path and before else None
    config = Config()
    config.set_main_option("script_location", str(scripts()).replace("%", "%%"))
    with database.write() as session:
        connection = session.connection()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        _check_foreign_keys(connection)
    return copy


def ensure(database: Database) -> Path | None:
    """Make the database usable: SQLite is brought up to date by itself, PostgreSQL only on demand.

    Raises:
        DatabaseError: as in `upgrade`, or PostgreSQL waits for `spaces db upgrade`.
    """
    found = current(database)
    if found == head():
        return None
    refuse_newer(found)
    if database.is_sqlite:
        return upgrade(database)
    state = "is empty" if found is None else "is older than this program"
    raise DatabaseError(f"The database {state}. Run `spaces db upgrade` once to bring it up to date.")


def refuse_newer(found: str | None) -> None:
    """Stop before an older program misreads a newer schema.

    Raises:
        DatabaseError: the revision is none that this program knows.
    """
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - see above

    known = {script.revision for script in ScriptDirectory(str(scripts())).walk_revisions()}
    if found is not None and found not in known:
        raise DatabaseError(
            f"The database was written by a newer version of spaces (schema {found}). "
            "Upgrade the program, or name another database."
        )


def _copy_file(path: Path, revision: str) -> Path:
    copy = path.with_name(f"{path.name}.before-{revision}")
    free = shutil.disk_usage(path.parent).free
    if free < path.stat().st_size * 2:
        raise DatabaseError(
            f"Bringing {path} up to date needs a copy of it, and the disk has no room. Free some space and try again."
        )
    with sqlite3.connect(path) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    source.close()
    target.close()
    return copy


def _check_foreign_keys(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if broken is not None:
            raise DatabaseError(
                f"The migration would leave a row of '{broken[0]}' without its parent; nothing was changed."
            )
