"""One database: SQLite (WAL, one writer) or PostgreSQL (a small pool), behind the same two doors: read and write."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session

T = TypeVar("T")

_READERS = 2


class DatabaseError(Exception):
    """The database cannot be used; the message says why and what to do."""


class Database:
    """Opens sessions. Blocking work is done through `run` when called from an event loop."""

    def __init__(self, url: str) -> None:
        self.url = _parse(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(self.url) if self.is_sqlite else _postgres_engine(self.url)
        # SQLite has one writer whatever we do: one thread that owns it makes everybody else wait outside the loop.
        self._threads = ThreadPoolExecutor(1 if self.is_sqlite else 4, thread_name_prefix="database")
        # Readers have threads of their own: in WAL mode, and on PostgreSQL, they never wait for a writer.
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="reading")

    @property
    def path(self) -> Path | None:
        """The file of a SQLite database; None for PostgreSQL and for a database in memory."""
        name = self.url.database
        return Path(name) if self.is_sqlite and name and name != ":memory:" else None

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one moment of the database throughout; nothing it does is kept."""
        with _plain_errors(self.url), self.engine.connect() as connection:
            options = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
            with Session(connection.execution_options(**options)) as session:
                yield session
                session.rollback()

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that is committed at the end, or rolled back whole."""
        with (
            _plain_errors(self.url),
            self.engine.connect() as connection,
            Session(connection.execution_options(writes=True)) as session,
            session.begin(),
        ):
            yield session

    async def run(self, work: Callable[..., T], *args: Any) -> T:
        """Do blocking work on the database's own threads."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)

    async def run_reading(self, work: Callable[..., T], *args: Any) -> T:
        """Do blocking work that only reads, on threads that no writing keeps busy."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, work, *args)

    def close(self) -> None:
        """Give back every connection and thread."""
        self._threads.shutdown()
        self._readers.shutdown()
        self.engine.dispose()


def _parse(url: str) -> URL:
    cure = "Write sqlite:///spaces.sqlite3 or postgresql://user@host/name."
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseError(f"The database address cannot be read. {cure}") from None
    match parsed.get_backend_name():
        case "sqlite":
            return parsed
        case "postgresql" | "postgres":
            return parsed.set(drivername="postgresql+psycopg")
        case other:
            raise DatabaseError(f"The database '{other}' is not supported. {cure}")


def _sqlite_engine(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        parent = Path(url.database).resolve().parent
        if not parent.is_dir():
            raise DatabaseError(
                f"The folder {parent} of the database does not exist. Create it, or name another."
            )
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        # Python's own transaction handling begins too late (before the first write only); we begin ourselves.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=10000", "temp_store=MEMORY",
                       "cache_size=-32000"):  # fmt: skip
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _(connection: Any) -> None:
        # A transaction that reads first and writes later fails with "database is locked"; BEGIN IMMEDIATE waits.
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgres_engine(url: URL) -> Engine:
    try:
        engine = create_engine(
            url, pool_size=4 + _READERS, pool_pre_ping=True,
            connect_args={"connect_timeout": 10, "application_name": "spaces"},
        )  # fmt: skip
    except ModuleNotFoundError:
        raise DatabaseError(
            "PostgreSQL needs one more package. Install it with: pip install 'spaces-bot[postgres]'"
        ) from None

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        # Compiling a statement that runs once takes ten times as long as running it.
        connection.autocommit = True
        connection.execute("SET jit = off")
        # A month of a large community is sorted and hashed in memory: the default is made for hundreds of connections.
        connection.execute("SET work_mem = '64MB'")
        connection.autocommit = False

    return engine


@contextmanager
def _plain_errors(url: URL) -> Iterator[None]:
    """Say what happened to the database in words; the driver's own words go into `__cause__`."""
    try:
        yield
    except DBAPIError as error:
        said = str(error.orig).strip().splitlines()
        what = said[0] if said else type(error).__name__
        if error.connection_invalidated or "connect" in what:
            cure = "Check that the server runs and that the address, user, password and database are right."
        elif "no such table" in what or "does not exist" in what:
            cure = "Run `spaces db upgrade` to bring it up to date."
        elif "locked" in what:
            cure = "Another process is writing to it; try again when it has finished."
        elif "not a database" in what or "malformed" in what:
            cure = "It is no SQLite database or it is damaged; name another file, or put back a copy."
        elif "readonly" in what or "unable to open" in what:
            cure = "Give this user the right to write to the file and its folder."
        else:
            cure = "If it happens again, please report it with this line."
        raise DatabaseError(f"The database {url.render_as_string()} said: {what}. {cure}") from error
