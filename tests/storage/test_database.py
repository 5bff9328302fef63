"""One database behind two doors: whole transactions, one moment to read, and every failure in a sentence."""

import socket
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import func, select

from storage import schema
from storage.database import Database, DatabaseError
from storage.tables import Setting


def settings(database: Database) -> dict[str, str]:
    with database.read() as session:
        return {row.key: row.value for row in session.scalars(select(Setting))}


def test_sqlite_keeps_a_write_ahead_log(sqlite: Database) -> None:
    with sqlite.read() as session:
        assert session.connection().exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"


def test_two_writers_that_read_first_wait_for_each_other(sqlite: Database) -> None:
    """With a plain BEGIN most of these fail at once with "database is locked", or one loses the other's count."""
    with sqlite.write() as session:
        session.add(Setting(key="count", value="0"))
    together = Barrier(2)

    def count() -> None:
        together.wait()
        for _ in range(200):
            with sqlite.write() as session:
                setting = session.get_one(Setting, "count")
                setting.value = str(int(setting.value) + 1)

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(count) for _ in range(2)]:
            done.result()
    assert settings(sqlite) == {"count": "400"}


def test_an_error_leaves_nothing_behind(database: Database) -> None:
    def break_off() -> None:
        with database.write() as session:
            session.add(Setting(key="half", value="done"))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert settings(database) == {}


def test_a_reader_sees_one_moment(database: Database) -> None:
    with database.read() as reader:
        assert reader.scalar(select(func.count()).select_from(Setting)) == 0
        with database.write() as writer:
            writer.add(Setting(key="later", value="yes"))
        assert reader.scalar(select(func.count()).select_from(Setting)) == 0
    assert settings(database) == {"later": "yes"}


def test_nothing_that_a_reader_does_is_kept(database: Database) -> None:
    with database.read() as session:
        session.add(Setting(key="read", value="only"))
        session.flush()
    assert settings(database) == {}


async def test_work_is_done_off_the_event_loop(database: Database) -> None:
    def write(key: str) -> str:
        with database.write() as session:
            session.add(Setting(key=key, value="x"))
        return key

    assert await database.run(write, "async") == "async"
    assert settings(database) == {"async": "x"}


# --- failures, each in words ------------------------------------------------------------------------------------


def refused(url: str) -> str:
    """What the user reads when this database is opened and brought up to date."""

    def use() -> None:
        with closing(Database(url)) as database:
            schema.ensure(database)

    with pytest.raises(DatabaseError) as caught:
        use()
    message = str(caught.value)
    assert "\n" not in message
    assert "sqlalche.me" not in message
    return message


@pytest.mark.parametrize("url", ["spaces.sqlite3", "", "mysql://root@localhost/spaces"])
def test_an_address_that_is_none_or_not_supported(url: str) -> None:
    assert "Write sqlite:///spaces.sqlite3 or postgresql://" in refused(url)


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    message = refused(f"sqlite:///{tmp_path}/nowhere/spaces.sqlite3")
    assert f"{tmp_path}/nowhere" in message
    assert "Create it" in message


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "notes.sqlite3"
    file.write_text("Dear diary, " * 100)
    assert "not a database" in refused(f"sqlite:///{file}")
    assert file.read_text() == "Dear diary, " * 100


def test_a_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    assert "unable to open" in refused(f"sqlite:///{tmp_path}")


def test_a_table_that_is_missing(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "empty.sqlite3").close()
    database = Database(f"sqlite:///{tmp_path}/empty.sqlite3")
    with pytest.raises(DatabaseError, match="spaces db upgrade"):
        settings(database)
    database.close()


def test_a_server_that_does_not_answer() -> None:
    with socket.socket() as taken:  # bound but not listening: nobody else can answer there
        taken.bind(("127.0.0.1", 0))
        message = refused(f"postgresql://spaces:s3cret@127.0.0.1:{taken.getsockname()[1]}/spaces")
    assert "Check that the server runs" in message
    assert "s3cret" not in message


def test_a_server_without_the_database(postgres: Database) -> None:
    url = postgres.url.set(database="spaces_nobody_made_this").render_as_string(hide_password=False)
    assert "Check that the server runs" in refused(url)
