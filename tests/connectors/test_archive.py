"""Files as they come: broken, hostile, misplaced. Each is named in one line, and the rest goes on."""

import os
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors import archive
from connectors.archive import MEGABYTE, Unreadable, open_bundle
from connectors.errors import Misconfigured
from tests.connectors.written import CATEGORIES, discord, everything, posted, said, slack, topic, zipped
from tests.connectors.written import post as forum_post

GOOD = "C2:1709985600.000100"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return zipped(tmp_path / "good.zip", slack([said()]))


async def refused(connector: str, *paths: Path) -> str:
    with pytest.raises(Misconfigured) as caught:
        await everything(connector, *paths)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b"PK\3\4 and then nothing", "is a broken ZIP, or only a part of one"),
        (b"\x1f\x8b\x08\0rest", "is packed with gzip. Unpack it and import the folder."),
        (b"7z\xbc\xaf\x27\x1c", "is packed with 7-Zip"),
        (b"<!DOCTYPE html><html>", "is a web page. Export again as JSON"),
        (b"just text", "is no archive that is known here"),
        (b"[1, 2", "is no archive that is known here"),
        (b"\xff\xfe\0\0\1", "is no archive that is known here"),
    ],
)
async def test_not_an_archive(tmp_path: Path, good: Path, content: bytes, what: str) -> None:
    bad = tmp_path / "bad.zip"
    bad.write_bytes(content)
    alone = await refused("slack", bad)
    assert alone.startswith(f"bad.zip: {what}")
    assert "\n" not in alone
    found = await everything("slack", bad, good)
    assert found.ids == [GOOD]
    assert found.problem == alone


async def test_nothing_there(tmp_path: Path, good: Path) -> None:
    assert await refused("slack", tmp_path / "nowhere.zip") == "nowhere.zip: does not exist. Check the name."
    assert await refused("slack") == "No archive was named."
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "empty: holds no JSON file and no ZIP" in await refused("slack", empty)
    pipe = tmp_path / "pipe.zip"
    os.mkfifo(pipe)
    found = await everything("slack", pipe, good)
    assert found.ids == [GOOD]
    assert "pipe.zip: is neither a file nor a folder" in found.problem


@contextmanager
def as_nobody() -> Iterator[None]:
    """As a user without special rights, where the tests run as root."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


async def test_no_permission() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101, S103 - another user shall get in
        good, secret = (zipped(Path(folder, name), slack([said()])) for name in ("good.zip", "secret.zip"))
        os.chmod(good, 0o644)  # noqa: PTH101 - as above
        os.chmod(secret, 0)  # noqa: PTH101 - as above
        with as_nobody():
            found = await everything("slack", secret, good)
    assert found.ids == [GOOD]
    assert found.problem.startswith("secret.zip: may not be read by this user. Give read permission")


@pytest.mark.parametrize(
    ("given", "files", "looks"),
    [
        ("discourse", slack([said()]), "a Slack export"),
        ("slack", {"a.json": discord([posted()])}, "DiscordChatExporter files"),
        ("discord", {"t/1.json": topic([forum_post()]), "c.json": CATEGORIES}, "a Discourse archive"),
        (
            "discord",
            {"site.json": {"x": 1, "uncategorized_category_id": 1, "categories": []}},
            "a Discourse archive",
        ),
    ],
)
async def test_an_archive_of_another_platform(
    tmp_path: Path, given: str, files: dict[str, Any], looks: str
) -> None:
    other = zipped(tmp_path / "other.zip", files)
    message = await refused(given, other)
    assert message.startswith(f"other.zip: looks like {looks}")
    assert "connector = " in message


async def test_a_zip_of_other_things(tmp_path: Path) -> None:
    other = zipped(tmp_path / "other.zip", {"chat.html": b"<html>", "notes.txt": b"x"})
    assert (await refused("discord", other)).startswith("other.zip: holds no JSON file")


@pytest.mark.parametrize(
    "name", ["../help/2024-03-08.json", "/help/2024-03-08.json", "C:\\help\\2024-03-08.json", "help/../../2024-03-08.json", "..\\x.json", "../../etc/passwd"]
)  # fmt: skip
async def test_names_that_lead_out(tmp_path: Path, name: str) -> None:
    path = zipped(tmp_path / "a.zip", slack([said()]) | {name: [said("1709899200.000001")]})
    found = await everything("slack", path)
    assert found.ids == [GOOD]
    assert "has a name that leads out of the archive, and was skipped" in found.problem


async def test_backslashes_of_old_programs(tmp_path: Path) -> None:
    files = {name.replace("/", "\\"): content for name, content in slack([said()]).items()}
    assert (await everything("slack", zipped(tmp_path / "a.zip", files))).ids == [GOOD]


async def test_links(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", slack([said()]))
    with zipfile.ZipFile(path, "a") as opened:
        link = zipfile.ZipInfo("help/2024-03-08.json")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        opened.writestr(link, "/etc/passwd")
    found = await everything("slack", path)
    assert (found.ids, "help/2024-03-08.json: is a link" in found.problem) == ([GOOD], True)

    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(zipped(tmp_path / "b.zip", slack([said()]))) as opened:
        opened.extractall(unpacked)
    (unpacked / "help" / "2024-03-07.json").symlink_to("/etc/passwd")
    found = await everything("slack", unpacked)
    assert (found.ids, "help/2024-03-07.json: is a link" in found.problem) == ([GOOD], True)


async def test_a_folder_where_a_file_should_be(tmp_path: Path) -> None:
    export = tmp_path / "export"
    with zipfile.ZipFile(zipped(tmp_path / "b.zip", slack([said()]))) as opened:
        opened.extractall(export)
    (export / "help" / "2024-03-08.json").mkdir()
    found = await everything("slack", export)
    assert found.ids == [GOOD]


async def test_a_folder_of_zips(tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    zipped(folder / "1.zip", slack([said()]))
    zipped(folder / "2.ZIP", slack([said("1709985700.000200")]))
    found = await everything("slack", folder, folder / "1.zip", folder)
    assert found.ids == [GOOD, "C2:1709985700.000200"], "each once, however often it is named"
    assert found.problems == []
    fractions = [page.fraction for page in found.pages]
    assert fractions[-1] == 1.0
    assert 0 < (fractions[0] or 0) < 1


async def test_an_archive_inside(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", slack([said("1709985700.000200")])).read_bytes()
    found = await everything("slack", zipped(tmp_path / "a.zip", slack([said()]) | {"more/inner.zip": inner}))
    assert found.ids == [GOOD]
    assert found.problem.startswith(
        "a.zip, more/inner.zip: is an archive inside the archive, and was not opened"
    )


async def test_locked(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", slack([said()]))
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + offset] |= 1
            at = data.find(mark, at + 1)
    path.write_bytes(data)
    message = await refused("slack", path)
    assert message.startswith("a.zip, channels.json: is locked with a password (and 2 more like it)")


async def test_a_bomb_that_says_so(tmp_path: Path) -> None:
    path = zipped(
        tmp_path / "a.zip", slack([said()]) | {"help/2024-03-08.json": b"[" + b" " * 30 * MEGABYTE + b"]"}
    )
    assert path.stat().st_size < MEGABYTE
    found = await everything("slack", path)
    assert found.ids == [GOOD]
    assert "help/2024-03-08.json: would swell to 30 MB from" in found.problem


async def test_a_bomb_that_lies_about_its_size(tmp_path: Path) -> None:
    path = zipped(
        tmp_path / "a.zip", slack([said()]) | {"help/2024-03-08.json": b"[" + b" " * 30 * MEGABYTE + b"]"}
    )
    data = bytearray(path.read_bytes())
    size, lie = struct.pack("<L", 30 * MEGABYTE + 2), struct.pack("<L", 900)
    path.write_bytes(data.replace(size, lie))
    found = await everything("slack", path)
    assert found.ids == [GOOD]
    assert "help/2024-03-08.json: is a broken ZIP" in found.problem


async def test_too_large_to_be_what_it_should_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(tmp_path / "a.zip", slack([said()]))
    with open_bundle(path) as bundle:
        with pytest.raises(Unreadable, match="is larger than"):
            bundle.read("help/2024-03-09.json", 10)
        with (
            pytest.raises(Unreadable, match="is larger than"),
            bundle.open("help/2024-03-09.json", 10) as stream,
        ):
            stream.read(100)
    monkeypatch.setattr(archive, "_TOTAL_LIMIT", 100)
    assert "more than any real archive" in await refused("slack", path)


async def test_damage_within(tmp_path: Path) -> None:
    rows = [said(f"1709985600.{n:06d}", text=f"{n * 7919}") for n in range(500)]
    path = zipped(tmp_path / "a.zip", {"channels.json": slack([])["channels.json"], "users.json": [],
                                       "help/2024-03-08.json": rows, "help/2024-03-09.json": [said()]})  # fmt: skip
    with zipfile.ZipFile(path) as opened:
        at = opened.getinfo("help/2024-03-08.json").header_offset + 1000
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.write_bytes(data)
    found = await everything("slack", path)
    assert found.ids == [GOOD]
    assert found.problem.startswith("a.zip, help/2024-03-08.json: is a broken ZIP")


async def test_a_name_twice(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", slack([said("1709985000.000001")]))
    with zipfile.ZipFile(path, "a") as opened, pytest.warns(UserWarning, match="Duplicate name"):
        opened.writestr(
            "help/2024-03-09.json",
            b'[{"type": "message", "user": "U1", "text": "x", "ts": "1709985600.000100"}]',
        )
    found = await everything("slack", path)
    assert found.ids == [GOOD]
    assert "help/2024-03-09.json: is in the archive twice; the last one was read" in found.problem


async def test_zip64(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in slack([said()]).items():
            with opened.open(name, "w", force_zip64=True) as entry:
                entry.write(
                    str(content).replace("'", '"').replace("True", "true").replace("False", "false").encode()
                )
    assert (await everything("slack", path)).ids == [GOOD]


async def test_unusual_packing(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", slack([said()]))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_BZIP2) as opened:
        opened.writestr("help/2024-03-08.json", b"[]")
    found = await everything("slack", path)
    assert (found.ids, "is packed in an unusual way" in found.problem) == ([GOOD], True)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b'{"ok": false}', "holds no list"),
        (b'[{"type": "message", ', "breaks off in the middle"),
        (b"[{]", "is not valid JSON at line 1"),
        ('[{"text": "¿qué?"}]'.encode("latin-1"), "is not written in UTF-8 (byte 0xBF)"),
        ("[]".encode("utf-16-le"), "is not valid JSON"),
        (b"[" * 200_000, "holds a number or a nesting beyond all reason"),
        (b"[" + b"9" * 10_000 + b"]", "holds a number or a nesting beyond all reason"),
    ],
)
async def test_a_broken_file_in_a_good_archive(tmp_path: Path, content: bytes, what: str) -> None:
    found = await everything(
        "slack", zipped(tmp_path / "a.zip", slack([said()]) | {"help/2024-03-08.json": content})
    )
    assert found.ids == [GOOD]
    assert found.problem.startswith("a.zip, help/2024-03-08.json: ")
    assert what in found.problem


async def test_problems_do_not_write_on_the_terminal(tmp_path: Path) -> None:
    files = slack([said(ts="\x1b[2Jnow")]) | {"help/2024-03-08.json\x1b[31m/../x.json": b"[]"}
    found = await everything("slack", zipped(tmp_path / "a.zip", files))
    assert len(found.problems) == 2
    assert all(str(problem).isprintable() for problem in found.problems)


async def test_the_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    paths = [
        zipped(tmp_path / "a.zip", slack([said()])),
        zipped(tmp_path / "b.zip", slack([said()])),
        zipped(tmp_path / "c.zip", slack([])),
    ]
    prints = []
    for path in paths:
        with open_bundle(path) as bundle:
            prints.append(bundle.fingerprint)
            assert bundle.made == datetime(2024, 3, 10, 12, tzinfo=UTC)
    assert prints[0] == prints[1] != prints[2]


async def test_random_damage_never_ends_the_reading(tmp_path: Path, good: Path) -> None:
    """Each byte of a small archive changed once: whatever happens is said, and the next archive is read."""
    whole = zipped(tmp_path / "whole.zip", slack([said(), said("1709985700.000200")])).read_bytes()
    for at in range(0, len(whole), 3):
        damaged = tmp_path / "damaged.zip"
        damaged.write_bytes(
            whole[:at] + bytes([whole[at] ^ (zlib.crc32(bytes([at % 251])) % 255 + 1)]) + whole[at + 1 :]
        )
        found = await everything("slack", damaged, good)
        assert GOOD in found.ids
