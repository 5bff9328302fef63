"""Leases: at most one process serves a source, because two would do everything twice.

A row, not an advisory lock: it outlives pooled connections, and works on every database that speaks SQL. The
database's clock decides on PostgreSQL; SQLite is on the machine that uses it.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from storage.queue import mark
from storage.times import from_micros

# SQLite counts days since 4714 BC; milliseconds are exact enough.
_NOW = {
    "sqlite": "CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000",
    "postgresql": "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)",
}


def take(session: Session, source_id: int, owner: str, length: timedelta) -> bool:
    """Take or renew the lease of a source: True if `owner` holds it now, for so long."""
    connection = session.connection()
    sign, now = mark(connection), _now(connection)
    taken = connection.exec_driver_sql(
        f"INSERT INTO leases (source_id, owner, expires_at) VALUES ({sign}, {sign}, {now} + {sign}) "
        "ON CONFLICT (source_id) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at "
        f"WHERE leases.owner = excluded.owner OR leases.expires_at <= {now}",
        (source_id, owner, length // timedelta(microseconds=1)),
    )
    return taken.rowcount == 1


def release(session: Session, source_id: int, owner: str) -> None:
    """Give a lease back, if `owner` still holds it."""
    connection = session.connection()
    sign = mark(connection)
    connection.exec_driver_sql(
        f"DELETE FROM leases WHERE source_id = {sign} AND owner = {sign}", (source_id, owner)
    )


def holder(session: Session, source_id: int) -> tuple[str, datetime] | None:
    """Who holds the lease of a source, and until when; None when it is free."""
    connection = session.connection()
    found = connection.exec_driver_sql(
        f"SELECT owner, expires_at FROM leases WHERE source_id = {mark(connection)} "
        f"AND expires_at > {_now(connection)}",
        (source_id,),
    ).first()
    return None if found is None else (found[0], from_micros(found[1]))


def _now(connection: Connection) -> str:
    return _NOW[connection.dialect.name]
