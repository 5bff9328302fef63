"""The schema is built by its migrations alone, on both databases, and says so when it cannot be."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, make_url

from storage import schema
from storage.database import Database, DatabaseError
from storage.tables import Base, Setting


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without a single table."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path}/empty.sqlite3")
        yield database
        database.close()
        return
    url = make_url(request.getfixturevalue("postgres_url"))
    name = f"{url.database}_empty"
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    database = Database(url.set(database=name).render_as_string(hide_password=False))
    yield database
    database.close()
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    admin.dispose()


def tables(database: Database) -> set[str]:
    with database.read() as session:
        return set(inspect(session.connection()).get_table_names()) - {"alembic_version"}


def migrate(database: Database, to: str) -> None:
    """Go to any revision, as the alembic command would."""
    config = Config()
    config.set_main_option("script_location", str(schema.scripts()))
    with database.write() as session:
        config.attributes["connection"] = session.connection()
        (command.downgrade if to == "base" else command.upgrade)(config, to)


def stamp(database: Database, revision: str) -> None:
    with database.write() as session:
        session.connection().exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")


def test_built_from_nothing_and_again_is_nothing(empty: Database) -> None:
    assert schema.current(empty) is None
    assert schema.upgrade(empty) is None
    assert tables(empty) == set(Base.metadata.tables)
    assert schema.current(empty) == schema.head()
    with empty.write() as session:
        session.add(Setting(key="kept", value="yes"))
    assert schema.upgrade(empty) is None
    assert schema.ensure(empty) is None
    with empty.read() as session:
        assert session.get_one(Setting, "kept").value == "yes"


def test_down_to_nothing_and_up_again(empty: Database) -> None:
    schema.upgrade(empty)
    migrate(empty, "base")
    assert tables(empty) == set()
    migrate(empty, "head")
    assert tables(empty) == set(Base.metadata.tables)


def test_the_migrations_say_what_the_tables_say(empty: Database) -> None:
    """`alembic check`, on this database: nothing would be generated."""
    schema.upgrade(empty)
    config = Config()
    config.set_main_option("script_location", str(schema.scripts()))
    with empty.read() as session:
        config.attributes["connection"] = session.connection()
        command.check(config)


def test_there_is_one_line_of_migrations() -> None:
    assert ScriptDirectory(str(schema.scripts())).get_heads() == [schema.head()]


def test_alembic_is_not_loaded_where_nothing_is_to_be_migrated(sqlite: Database) -> None:
    said = (
        "import sys; from storage import schema; from storage.database import Database\n"
        f"schema.ensure(Database({str(sqlite.url)!r})); sys.exit('alembic.util' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", said], check=False).returncode == 0


def test_sqlite_is_brought_up_to_date_by_itself_and_postgres_on_demand(empty: Database) -> None:
    if empty.is_sqlite:
        schema.ensure(empty)
        assert schema.current(empty) == schema.head()
    else:
        with pytest.raises(DatabaseError, match=r"is empty\. Run `spaces db upgrade`"):
            schema.ensure(empty)
        assert tables(empty) == set()


def test_a_newer_schema_is_refused_and_left_alone(empty: Database) -> None:
    schema.upgrade(empty)
    stamp(empty, "9999")
    for use in (schema.upgrade, schema.ensure):
        with pytest.raises(
            DatabaseError, match=r"newer version of spaces \(schema 9999\). Upgrade the program"
        ):
            use(empty)
    assert schema.current(empty) == "9999"


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program of tomorrow: today's migrations and one more, whose upgrade a test may write."""
    scripts = tmp_path / "migrations 100%"
    (scripts / "versions").mkdir(parents=True)
    for file in schema.scripts().rglob("*.py"):
        (scripts / file.relative_to(schema.scripts())).write_text(file.read_text())
    before = schema.head()
    new = scripts / "versions" / "tomorrow.py"
    new.write_text(
        "from alembic import op\n"
        f"revision, down_revision, branch_labels, depends_on = 'tomorrow', '{before}', None, None\n"
        "def upgrade():\n    op.execute(\"INSERT INTO settings VALUES ('migrated', 'yes')\")\n"
    )
    monkeypatch.setattr(schema, "scripts", lambda: scripts)
    return new


def test_a_copy_is_made_before_a_sqlite_file_is_changed(sqlite: Database, next_version: Path) -> None:
    with sqlite.write() as session:
        session.add(Setting(key="old", value="fact"))
    before = schema.current(sqlite)
    assert next_version.exists()
    copy = schema.upgrade(sqlite)
    assert copy is not None
    assert sqlite.path is not None
    assert copy.name == f"{sqlite.path.name}.before-{before}"
    for path, expected in ((copy, [("old", "fact")]), (sqlite.path, [("migrated", "yes"), ("old", "fact")])):
        connection = sqlite3.connect(path)
        assert connection.execute("SELECT key, value FROM settings ORDER BY key").fetchall() == expected
        connection.close()
    assert schema.current(sqlite) == "tomorrow"


def test_a_migration_that_fails_changes_nothing(database: Database, next_version: Path) -> None:
    before = schema.current(database)
    next_version.write_text(
        next_version.read_text() + "    op.execute('INSERT INTO no_such_table VALUES (1)')\n"
    )
    with pytest.raises(DatabaseError, match="no_such_table"):
        schema.upgrade(database)
    assert schema.current(database) == before
    with database.read() as session:
        assert session.get(Setting, "migrated") is None


def test_a_migration_may_not_leave_a_row_without_its_parent(sqlite: Database, next_version: Path) -> None:
    next_version.write_text(
        next_version.read_text()
        + "    op.execute(\"INSERT INTO cursors (source_id, stream, cursor, saved_at) VALUES (77, 's', '', 0)\")\n"
    )
    with pytest.raises(DatabaseError, match="'cursors' without its parent; nothing was changed"):
        schema.upgrade(sqlite)
    assert schema.current(sqlite) != "tomorrow"
