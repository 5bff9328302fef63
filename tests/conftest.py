"""Databases for tests: a migrated SQLite file each, and one PostgreSQL database that is emptied before each.

PostgreSQL is looked for at SPACES_TEST_POSTGRES_URL, else on this machine; where none answers, those tests skip and
say so (.ci/run fails if they do).
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, make_url, select, text
from sqlalchemy.exc import OperationalError

from storage import schema
from storage.database import Database
from storage.tables import Base

_LOCAL = "postgresql://postgres@127.0.0.1:5432/postgres"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "spaces.sqlite3"
    database = Database(f"sqlite:///{path}")
    schema.upgrade(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.rollback()
    database.close()
    return path


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A database of our own on the server, dropped at the end."""
    url = make_url(os.environ.get("SPACES_TEST_POSTGRES_URL", _LOCAL)).set(drivername="postgresql+psycopg")
    admin = create_engine(url, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
    name = f"spaces_test_{os.getpid()}"
    try:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
            connection.execute(text(f"CREATE DATABASE {name}"))
            # Nothing here must outlive a power cut, and every test waits for its commits.
            connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
    except OperationalError as error:
        reason = (
            f"no PostgreSQL answers at {url.render_as_string()}: set SPACES_TEST_POSTGRES_URL ({error.orig})"
        )
        if os.environ.get("SPACES_TEST_REQUIRE_POSTGRES"):
            pytest.fail(reason)
        pytest.skip(reason)
    yield url.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(scope="session")
def postgres_database(postgres_url: str) -> Iterator[Database]:
    database = Database(postgres_url)
    schema.upgrade(database)
    yield database
    database.close()


@pytest.fixture
def sqlite(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "spaces.sqlite3"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


@pytest.fixture
def postgres(postgres_database: Database) -> Database:
    wipe(postgres_database)
    return postgres_database


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Database:
    """The same test on both databases."""
    found: Database = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def emptied(database: Database) -> Callable[[], Database]:
    """For property tests: the database, empty again at each call."""

    def fresh() -> Database:
        wipe(database)
        return database

    return fresh


def wipe(database: Database) -> None:
    with database.write() as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(table.delete())
        if not database.is_sqlite:  # SQLite begins again by itself; the same numbers make tables comparable
            for sequence in ("sources_id_seq", "merges_id_seq", "tag_changes_id_seq", "observations_id_seq"):
                session.execute(select(func.setval(sequence, 1, False)))
