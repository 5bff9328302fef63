"""Import of 200,000 messages: a Slack export and a DiscordChatExporter file, into SQLite and PostgreSQL.

Ours: `bot.collect.import_archives`. Floor on SQLite: inflate, orjson and sqlite3's own executemany into the same
columns and indexes. Floor on PostgreSQL: the same rows by one COPY. Each run has a process of its own, so that its peak
memory is its own.
"""

import json
import random
import sqlite3
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks import memory
from benchmarks.report import databases, folder, say
from storage.database import Database

_MESSAGES = 200_000
_WORDS = [
    "how",
    "do",
    "we",
    "restore",
    "the",
    "vault",
    "after",
    "the",
    "agent",
    "was",
    "moved",
    "to",
    "another",
    "host",
    "and",
    "why",
    "does",
    "it",
    "say",
    "403",
    "here",
]
_START = datetime(2025, 1, 6, tzinfo=UTC)

Rows = Iterator[tuple[Any, ...]]


def run() -> None:
    with folder() as home:
        slack, discord = home / "export.zip", home / "general.json"
        _write_slack(slack, _MESSAGES)
        _write_discord(discord, _MESSAGES)
        for name, path, rows in (("slack", slack, _slack_rows), ("discord", discord, _discord_rows)):
            for kind in ("sqlite", "postgresql"):
                # The best of two, by turns: a busy machine slows the one as much as the other.
                pairs = [
                    (_alone(_import, kind, name, path), _alone(_plain, kind, rows, path)) for _ in range(2)
                ]
                (ours, peak), (floor, plain_peak) = (min(side) for side in zip(*pairs, strict=True))
                goal = ">= 0.60" if kind == "sqlite" else ">= 0.40"
                say(f"import {name} into {kind}", _MESSAGES / ours, _MESSAGES / floor, "messages/s", goal)
                say(f"peak memory, import {name} into {kind}", peak, plain_peak, "MB", "< 150 MB")
        small, big = home / "small.json", home / "big.json"
        _write_discord(small, _MESSAGES // 4)
        _write_discord(big, _MESSAGES * 2)
        peaks = [_alone(_import, "sqlite", "discord", path)[1] for path in (small, big)]
        say(
            f"peak memory, {_MESSAGES * 2:,} against {_MESSAGES // 4:,} messages",
            peaks[1],
            peaks[0],
            "MB",
            "flat",
        )


def _alone(work: Callable[..., float], *args: Any) -> tuple[float, float]:
    """Seconds and peak megabytes of `work` in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_measured, work, *args).result()


def _measured(work: Callable[..., float], *args: Any) -> tuple[float, float]:
    seconds = work(*args)
    return seconds, memory.peak()


def _database(kind: str) -> Iterator[Database]:
    with databases() as each:
        for database in each:
            if database.engine.dialect.name == kind:
                yield database


def _import(kind: str, connector: str, path: Path) -> float:
    from bot.collect import import_archives  # noqa: PLC0415 - the floor's process shall not carry it

    for database in _database(kind):
        began = time.perf_counter()
        found = import_archives(database, "bench", connector, [path], {})
        seconds = time.perf_counter() - began
        if found.problems or found.written < found.read:
            raise SystemExit(f"The import went wrong: {found}")
    return seconds


def _plain(kind: str, rows: Callable[[Path], Rows], path: Path) -> float:
    for database in _database(kind):
        with database.write() as session:
            session.connection().exec_driver_sql("INSERT INTO sources VALUES (1, 'bench', 'bench')")
        began = time.perf_counter()
        if database.path is not None:
            _executemany(database.path, rows(path))
        else:
            with database.write() as session:
                cursor: Any = session.connection().connection.cursor()
                with cursor.copy("COPY messages FROM STDIN") as copy:
                    for row in rows(path):
                        copy.write_row(row)
        seconds = time.perf_counter() - began
    return seconds


def _executemany(path: Path, rows: Rows) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA synchronous=NORMAL")
        marks = ", ".join("?" * 21)
        batch: list[tuple[Any, ...]] = []
        for row in rows:
            batch.append(row)
            if len(batch) == 2_000:
                connection.executemany(f"INSERT INTO messages VALUES ({marks})", batch)
                connection.commit()
                batch.clear()
        connection.executemany(f"INSERT INTO messages VALUES ({marks})", batch)
    connection.close()


def _row(
    id_: str, channel: str, author: str, at: int, text: str, reactions: str | None, url: str
) -> tuple[Any, ...]:
    return (
        1,
        id_,
        channel,
        author,
        at,
        text,
        None,
        False,
        None,
        0,
        0,
        reactions,
        0,
        False,
        url,
        None,
        False,
        None,
        True,
        None,
        None,
    )


def _slack_rows(path: Path) -> Rows:
    import orjson  # noqa: PLC0415 - as above

    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            channel, slash, _ = name.partition("/")
            if slash:
                for row in orjson.loads(archive.read(name)):
                    whole, _, part = row["ts"].partition(".")
                    yield _row(f"{channel}:{row['ts']}", channel, row["user"], int(whole + part), row["text"], None,
                               f"https://x.slack.com/archives/{channel}/p{whole}{part}")  # fmt: skip


def _discord_rows(path: Path) -> Rows:
    import orjson  # noqa: PLC0415 - as above

    whole = orjson.loads(path.read_bytes())
    channel = whole["channel"]["id"]
    for row in whole["messages"]:
        at = (int(row["id"]) >> 22) + 1_420_070_400_000
        yield _row(row["id"], channel, row["author"]["id"], at * 1000, row["content"], None,
                   f"https://discord.com/channels/1/{channel}/{row['id']}")  # fmt: skip


def _texts(count: int) -> Iterator[tuple[datetime, str, str]]:
    chance = random.Random(11)
    for n in range(count):
        text = " ".join(chance.choices(_WORDS, k=chance.randint(4, 40)))
        yield _START + timedelta(seconds=n * 60), f"U{int(chance.paretovariate(0.8)) % 3000:05}", text


def _write_slack(path: Path, count: int) -> None:
    channels = [
        {"id": f"C{n:04}", "name": f"channel-{n}", "is_general": n == 0, "members": []} for n in range(20)
    ]
    users = [
        {"id": f"U{n:05}", "name": f"user{n}", "profile": {"email": f"u{n}@x.example"}} for n in range(3000)
    ]
    days: dict[str, list[dict[str, Any]]] = {}
    for n, (at, user, text) in enumerate(_texts(count)):
        days.setdefault(f"channel-{n % 20}/{at:%Y-%m-%d}.json", []).append(
            {
                "client_msg_id": f"{n:036}", "type": "message", "user": user, "text": text,
                "ts": f"{int(at.timestamp())}.{n % 1_000_000:06}", "team": "T0001",
                "blocks": [{"type": "rich_text", "block_id": "x", "elements": [
                    {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}]}],
            }
        )  # fmt: skip
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("channels.json", json.dumps(channels))
        archive.writestr("users.json", json.dumps(users))
        for name, rows in days.items():
            archive.writestr(name, json.dumps(rows))


def _write_discord(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write('{\n  "guild": {"id": "1", "name": "Bench", "iconUrl": ""},\n  "channel": {"id": "2", "type": '
                   '"GuildTextChat", "categoryId": "3", "category": "Talk", "name": "general", "topic": null},\n'
                   '  "exportedAt": "2026-01-01T00:00:00+00:00",\n  "messages": [')  # fmt: skip
        for n, (at, user, text) in enumerate(_texts(count)):
            number = user[1:]
            message: dict[str, Any] = {
                "id": str(((int(at.timestamp() * 1000) - 1_420_070_400_000) << 22) + n), "type": "Default",
                "timestamp": at.isoformat(timespec="milliseconds"), "timestampEdited": None,
                "callEndedTimestamp": None, "isPinned": False, "content": text,
                "author": {"id": number, "name": user, "discriminator": "0000", "nickname": user, "color": None,
                           "isBot": False, "roles": [{"id": "9", "name": "Member", "color": None, "position": 1}],
                           "avatarUrl": "https://cdn.discordapp.com/embed/avatars/0.png"},
                "attachments": [], "embeds": [], "stickers": [], "reactions": [], "mentions": [],
                "inlineEmojis": [],
            }  # fmt: skip
            block = json.dumps(message, indent=2, ensure_ascii=False).replace("\n", "\n    ")
            file.write(f"{',' if n else ''}\n    {block}")
        file.write(f'\n  ],\n  "messageCount": {count}\n}}\n')
