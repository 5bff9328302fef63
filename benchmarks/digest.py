"""A weekly digest over 100,000 to 1,000,000 messages: 20,000 a week, so only the history grows, not the window.

With 100,000 there is no quarter to look back on yet; from 500,000 on there is.

Ours: all SQL of the digest, and its whole time. Floor: reading the rows of its two weeks once, with their authors.
"""

import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import event

from benchmarks.report import databases, say
from bot.digest.compute import compute
from bot.spaces.community import Community
from bot.spaces.window import Period, last_closed
from storage.database import Database
from storage.ingest import source_id
from storage.times import to_micros

_A_WEEK = 20_000
_MEMBERS_A_WEEK = 400
END = datetime(2026, 5, 4, tzinfo=UTC)
_LABELS = (
    ("question", 0.06),
    ("thanks", 0.05),
    ("product_idea", 0.02),
    ("bug_report", 0.015),
    ("contribution", 0.01),
)


def run() -> None:
    for messages in (100_000, 500_000, 1_000_000):
        with databases() as each:
            for database in each:
                fill(database, messages)
                _measure(database, messages)


def _measure(database: Database, messages: int) -> None:
    window = last_closed(Period.WEEKLY, END, ZoneInfo("Europe/Madrid"))
    spent: list[float] = []

    def before(*given: Any) -> None:
        given[4].info = time.perf_counter()

    def after(*given: Any) -> None:
        spent.append(time.perf_counter() - given[4].info)

    best, sql, floor = 1e9, 1e9, 1e9
    for _ in range(3):
        floor = min(floor, _floor(database, window.previous().start, window.end))
        event.listen(database.engine, "before_cursor_execute", before)
        event.listen(database.engine, "after_cursor_execute", after)
        spent.clear()
        began = time.perf_counter()
        with database.read() as session:
            compute(Community(session, END), window, name="bench")
        best, sql = min(best, time.perf_counter() - began), min(sql, sum(spent))
        event.remove(database.engine, "before_cursor_execute", before)
        event.remove(database.engine, "after_cursor_execute", after)
    kind = database.engine.dialect.name
    say(f"weekly digest, {messages:,} messages, {kind}: SQL", sql * 1000, floor * 1000, "ms", "1M < 1,000 ms")
    say(f"weekly digest, {messages:,} messages, {kind}: whole", best * 1000, floor * 1000, "ms")


def _floor(database: Database, start: datetime, end: datetime) -> float:
    began = time.perf_counter()
    with database.read() as session:
        session.connection().exec_driver_sql(
            "SELECT m.source_id, m.external_id, m.conversation_id, m.created_at, a.person FROM messages m "
            "JOIN members a ON a.source_id = m.source_id AND a.external_id = m.author_id "
            f"WHERE m.created_at >= {to_micros(start)} AND m.created_at < {to_micros(end)}"
        ).all()
    return time.perf_counter() - began


def fill(database: Database, messages: int, end: datetime = END) -> None:
    """Chat with threads of one to six messages by people of very different zeal, tagged as the rules would."""
    chance = random.Random(7)
    weeks = messages // _A_WEEK
    members = 2_000 + weeks * _MEMBERS_A_WEEK
    begin = end - timedelta(weeks=weeks)
    with database.write() as session:
        source_id(session, "team", "slack")  # the first: number 1
    _insert(database, "channels", [
        (1, f"C{n}", f"channel-{n}", None, False, False, None, 0, True, False) for n in range(40)
    ])  # fmt: skip
    _insert(database, "members", [
        (1, f"U{n}", f"user{n}", "", None, False, False, "[]", "[]", True, True, 0,
         to_micros(begin + timedelta(weeks=max(0, n - 2_000) / _MEMBERS_A_WEEK)), None, None, f"1:U{n}",
         "bot" if n % 500 == 7 else "staff" if n % 200 == 3 else "member")
        for n in range(members)
    ])  # fmt: skip
    rows, tags, root = [], [], ""
    for n in range(messages):
        at = begin + (end - begin) * (n / messages)
        week = n // _A_WEEK
        author = int(chance.paretovariate(0.6)) % (2_000 + week * _MEMBERS_A_WEEK)
        id_ = f"C{n % 40}:{to_micros(at)}"
        root = id_ if not root or chance.random() < 0.3 else root
        rows.append((1, id_, f"C{n % 40}", f"U{author}", to_micros(at), "How do I make it work? " * 4, None, False,
                     None, 0, 0, None, n % 3 // 2, False, None, None, False, root, False, None, None))  # fmt: skip
        for label, share in _LABELS if root == id_ else (("support_answer", 0.12), ("thanks", 0.05)):
            if chance.random() < share:
                tags.append((1, id_, label, True, "rules", None, "bench", 0, None))
    _insert(database, "messages", rows)
    _insert(database, "tags", tags)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def _insert(database: Database, table: str, rows: list[tuple[Any, ...]]) -> None:
    with database.write() as session:
        connection = session.connection()
        if database.is_sqlite:
            marks = ", ".join("?" * len(rows[0]))
            connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({marks})", rows)
            return
        cursor: Any = connection.connection.cursor()
        with cursor.copy(f"COPY {table} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
