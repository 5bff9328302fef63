"""From whatever cursor reading goes on, nothing is lost and nothing is read twice."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from connectors import discord_export, paging
from connectors.records import Message
from tests.connectors.written import (
    CATEGORIES,
    Everything,
    discord,
    pages,
    post,
    posted,
    said,
    slack,
    topic,
    zipped,
)


def slack_files() -> dict[str, Any]:
    days = {
        f"{channel}/2024-03-0{day}.json": [said(f"{1709985600 + day}.{n:06d}") for n in range(day)]
        for channel in ("general", "help")
        for day in range(1, 8)
    }
    users = [{"id": f"U{n}", "name": f"u{n}"} for n in range(7)]
    return (
        slack([])
        | days
        | {
            "users.json": users,
            "help/2024-03-05.json": [7, said("1709985605.000001"), {}],
            "general/2024-03-02.json": b"[",
        }
    )


def discord_files() -> dict[str, Any]:
    return {
        f"{file}.json": discord(
            [posted(f"{file}{n}", type="GuildMemberJoin" if n % 4 == 2 else "Default") for n in range(file)],
            {"id": f"20{file}"},
            exportedAt=f"2024-03-1{file % 3}T00:00:00Z",
        )
        for file in range(9)
    }


def discourse_files() -> dict[str, Any]:
    topics = {f"t/{n}.json": topic([post(n * 100 + p, p) for p in range(1, n)], n) for n in range(1, 9)}
    return topics | {"c.json": CATEGORIES, "u/a.json": {"user": {"id": 21, "username": "ann"}}}


FILES = {"slack": slack_files, "discord": discord_files, "discourse": discourse_files}


def messages(found: list[Any]) -> list[Message]:
    return Everything(found).messages


@pytest.mark.parametrize("connector", FILES)
@pytest.mark.parametrize("size", [1, 3, 7, 1000])
@pytest.mark.parametrize("streamed", [False, True])
async def test_from_every_cursor(
    tmp_path: Path, connector: str, size: int, streamed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE", size)
    monkeypatch.setattr(discord_export, "_WHOLE", 0 if streamed else 1 << 20)
    path = zipped(tmp_path / "a.zip", FILES[connector]())
    other = zipped(tmp_path / "b.zip", FILES[connector]() | {"extra.json": 1})
    whole = await pages(connector, path, other)
    total = messages(whole)
    assert len(total) > 30
    assert len({message.id for message in total}) * 2 == len(total)
    counted = Everything(whole).left_out
    cursors: dict[str, str] = {}
    left_out: Counter[str] = Counter()
    seen: list[Message] = []
    for page in whole:
        seen += page.messages
        left_out.update(page.left_out)
        if page.cursor is None:
            continue
        cursors[page.stream] = page.cursor
        if page.cursor == "":
            continue  # read to its end: a new import reads it again
        started = [stream for stream in cursors if cursors[stream] == ""]
        rest = await pages(connector, path, other, cursors=cursors)
        remaining = [page for page in rest if page.stream not in started]
        assert seen + messages(remaining) == total
        assert left_out + Everything(remaining).left_out == counted
    assert set(cursors.values()) == {""}
    assert len(cursors) == 2


@pytest.mark.parametrize("connector", FILES)
@pytest.mark.parametrize("cursor", ["", "nonsense", "1", "-1:-1", "1:x", "²:1"])
async def test_from_a_cursor_that_is_none(tmp_path: Path, connector: str, cursor: str) -> None:
    path = zipped(tmp_path / "a.zip", FILES[connector]())
    whole = await pages(connector, path)
    assert messages(await pages(connector, path, cursors={whole[0].stream: cursor})) == messages(whole)


async def test_other_settings_are_another_reading(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", slack([said()]))
    ways: list[dict[str, Any]] = [{}, {"include": ["x"]}, {"url": "https://x.slack.com"}, {"include": ["#X"]}]
    readings = [await pages("slack", path, **way) for way in ways]
    streams = [reading[0].stream for reading in readings]
    assert len(set(streams)) == 3
    assert streams[1] == streams[3]
