import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors import discord_export
from connectors.records import Channel, Join, Member
from tests.connectors.written import author, discord, everything, folder, posted, zipped


def exported(path: Path, rows: list[Any], channel: dict[str, Any] | None = None, **more: Any) -> Path:
    file = path / "Home - help [200].json"
    file.write_text(json.dumps(discord(rows, channel, **more), indent=2))
    return file


async def test_a_message_is_told_whole(tmp_path: Path) -> None:
    row = posted(
        timestampEdited="2024-03-09T13:00:00.5+01:00",
        author=author(roles=[{"id": "1", "name": "Helper", "position": 3}]),
        reactions=[{"emoji": {"id": "", "name": "👍", "code": "thumbsup"}, "count": 2}, {"emoji": {"id": "77", "name": "party"}, "count": 1}],
    )  # fmt: skip
    found = await everything("discord", exported(tmp_path, [row]))
    message = found.message
    assert (message.id, message.channel_id, message.author_id, message.text) == (
        "9001",
        "200",
        "501",
        "hello",
    )
    assert message.created_at == datetime(2024, 3, 9, 12, 0, 0, 250000, tzinfo=UTC)
    assert message.revision == 1709985600500000
    assert message.reactions == {"👍": 2, "party": 1}
    assert message.url == "https://discord.com/channels/100/200/9001"
    assert (message.thread_id, message.opens_thread, message.reply_to) == (None, False, None)
    assert found.members == [Member("501", "ann", "Ann Lee", roles=("Helper",))]
    assert found.channels == [Channel("200", "help", url="https://discord.com/channels/100/200")]
    assert [page.cursor for page in found.pages] == [""]
    assert found.pages[0].observed_at == datetime(2024, 3, 10, 12, tzinfo=UTC)
    assert found.problems == []


async def test_replies_but_not_forwards(tmp_path: Path) -> None:
    rows = [
        posted("1", type="Reply", reference={"type": "Default", "messageId": "9", "channelId": "200"}),
        posted("2", type="Default", reference={"type": "Forward", "messageId": "8"}, content="",
               forwardedMessage={"content": "passed on", "embeds": []}),
        posted("3", type="Reply", reference={"messageId": None}),
        posted("4", type="19", reference={"messageId": 7}),
        posted("5", type="Reply", reference={"type": "Forward", "messageId": "8"}),
    ]  # fmt: skip
    found = await everything("discord", exported(tmp_path, rows))
    assert [message.reply_to for message in found.messages] == ["9", None, None, "7", None]
    assert found.messages[1].text == "passed on"


async def test_system_types_by_name_and_by_number(tmp_path: Path) -> None:
    kinds = [
        "ThreadCreated",
        "ChannelPinnedMessage",
        "21",
        "ThreadStarterMessage",
        "RecipientAdd",
        "8",
        "GuildMemberJoin",
    ]
    rows = [posted(str(n), type=kind) for n, kind in enumerate(kinds)]
    rows += [posted("50", type="ChatInputCommand", author=author("9", isBot=True)), posted("51", type="23")]
    found = await everything("discord", exported(tmp_path, rows))
    assert found.ids == ["50", "51"]
    assert found.left_out == dict.fromkeys(kinds, 1)
    assert found.joins == [Join("501", datetime(2024, 3, 9, 12, 0, 0, 250000, tzinfo=UTC))]
    assert [member.is_bot for member in found.members] == [False, True, False]


@pytest.mark.parametrize("kind", ["GuildPublicThread", "GuildNewsThread", "11"])
async def test_a_thread_names_its_channel(tmp_path: Path, kind: str) -> None:
    thread = {"id": "205", "type": kind, "categoryId": "200", "category": "help", "name": "A thread"}
    rows = [posted("206", type="ThreadStarterMessage", content=""), posted("207")]
    found = await everything("discord", exported(tmp_path, rows, thread))
    assert found.channels == [
        Channel("200", "help", url="https://discord.com/channels/100/200"),
        Channel("205", "A thread", "200", url="https://discord.com/channels/100/205"),
    ]
    message = found.message
    assert (message.id, message.channel_id, message.thread_id, message.opens_thread) == (
        "207",
        "205",
        "205",
        False,
    )


async def test_a_forum_post_begins_with_its_title(tmp_path: Path) -> None:
    thread = {
        "id": "205",
        "type": "GuildPublicThread",
        "categoryId": "200",
        "category": "forum",
        "name": "How to?",
    }
    found = await everything("discord", exported(tmp_path, [posted("205"), posted("206")], thread))
    assert [(message.text, message.opens_thread) for message in found.messages] == [
        ("How to?\nhello", True),
        ("hello", False),
    ]


@pytest.mark.parametrize(
    ("kind", "name", "word"),
    [("GuildPrivateThread", "private thread", "#HELP"), ("DirectTextChat", "direct conversation", "dms"),
     ("DirectGroupTextChat", "group conversation", "mpims"), ("12", "private thread", "200")],
)  # fmt: skip
async def test_private_places_are_read_when_named(tmp_path: Path, kind: str, name: str, word: str) -> None:
    file = exported(tmp_path, [posted()], {"type": kind})
    found = await everything("discord", file)
    assert (found.messages, found.channels, found.left_out) == ([], [], {name: 1})
    found = await everything("discord", file, include=[word])
    assert found.ids == ["9001"]
    assert found.channels[-1].is_private


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"embeds": [{"title": "Release", "description": "It is out"}, {"title": "", "description": None}]}, "Release\nIt is out"),
        ({"attachments": [{"fileName": "log.txt"}]}, "log.txt"),
        ({"stickers": [{"name": "wave"}]}, "wave"),
        ({}, ""),
    ],
)  # fmt: skip
async def test_what_people_see_of_a_message(tmp_path: Path, more: dict[str, Any], text: str) -> None:
    found = await everything("discord", exported(tmp_path, [posted(content="", **more)]))
    assert found.message.text == text


async def test_numbers_for_ids_and_wrong_rows(tmp_path: Path) -> None:
    wrong: list[Any] = [
        {}, None, "x", posted(1.5), posted(""), posted(None), posted(author=None), posted(author={"id": "1"}), posted(content=["a"]),
        posted(timestamp="9999-01-01T00:00:00+00:00"), posted(timestamp="0001-01-01T00:00:00+14:00"), posted(timestamp=float("nan")),
        posted(timestamp="yesterday"), posted(timestamp=1709985600), posted(type=None, author={}), posted(reactions=[{"emoji": {}, "count": 1}]),
        posted(reactions=[{"emoji": {"name": "x"}, "count": -1}]), posted(type=["Default"]),
    ]  # fmt: skip
    found = await everything(
        "discord", exported(tmp_path, [*wrong, posted(9007199254740993, author=author(502))])
    )
    assert found.ids == ["9007199254740993"]
    assert found.message.author_id == "502"
    assert f"{len(wrong)} rows were skipped" in found.problem
    assert found.left_out == {"unreadable row": len(wrong)}


@pytest.mark.parametrize("pack", [folder, lambda path, files: zipped(path.with_suffix(".zip"), files)])
async def test_many_files_and_parts_of_a_channel(tmp_path: Path, pack: Any) -> None:
    files = {
        "a [part 1].json": discord([posted("1")]),
        "a [part 2].json": discord([posted("2")], exportedAt="2024-03-11T12:00:00+00:00"),
        "deep/b.json": discord([posted("3")], {"id": "201", "name": "b"}),
        "notes.txt": b"hello",
        "unrelated.json": {"name": "something else"},
        "broken.json": b'{"guild": {"id": "1"}, "channel": ',
    }
    found = await everything("discord", pack(tmp_path / "all", files))
    assert sorted(found.ids) == ["1", "2", "3"]
    assert found.left_out == {"file that is no exported channel": 1}
    assert "broken.json: breaks off in the middle" in found.problem
    assert {page.observed_at.day for page in found.pages if "2" in [m.id for m in page.messages]} == {11}
    assert {page.observed_at.day for page in found.pages if "1" in [m.id for m in page.messages]} == {10}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
async def test_encodings_that_tell_themselves(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps(discord([posted(content="¿Qué tal?")]), ensure_ascii=False), encoding=encoding)
    found = await everything("discord", file)
    assert found.message.text == "¿Qué tal?"


async def test_an_encoding_that_does_not(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(
        json.dumps(discord([posted(content="¿Qué tal?")]), ensure_ascii=False), encoding="latin-1"
    )
    found = await everything("discord", file)
    assert found.messages == []
    assert found.problem.startswith("a.json: is not written in UTF-8 (byte 0xBF); save it as UTF-8")


async def test_half_a_surrogate_pair(tmp_path: Path) -> None:
    found = await everything("discord", exported(tmp_path, [posted(content="half \ud83d")]))
    assert found.message.text == "half \ud83d"


async def test_exports_that_do_not_say_when(tmp_path: Path) -> None:
    file = exported(tmp_path, [posted()], exportedAt=None)
    found = await everything("discord", file)
    assert found.pages[0].observed_at == datetime.fromtimestamp(file.stat().st_mtime, UTC)


async def test_sorted_keys(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps(discord([posted()]), sort_keys=True))
    assert (await everything("discord", file)).ids == ["9001"]


class TestLargeFiles:
    """Files beyond the size that is read whole."""

    @pytest.fixture(autouse=True)
    def _small_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(discord_export, "_WHOLE", 100)

    @pytest.mark.parametrize("zipped_too", [False, True])
    async def test_are_read_alike(self, tmp_path: Path, zipped_too: bool) -> None:
        rows = [posted(str(n)) for n in range(4100)]
        path = exported(tmp_path, rows)
        if zipped_too:
            path = zipped(tmp_path / "a.zip", {"a.json": path.read_bytes()})
        found = await everything("discord", path)
        assert found.ids == [str(n) for n in range(4100)]
        assert [len(page.messages) for page in found.pages] == [2000, 2000, 100]
        fractions = [page.fraction or 0 for page in found.pages]
        assert fractions == sorted(fractions)
        assert fractions[-1] == 1.0

    async def test_that_break_off_write_nothing(self, tmp_path: Path) -> None:
        path = exported(tmp_path, [posted(str(n)) for n in range(50)])
        path.write_bytes(path.read_bytes()[:-40])
        found = await everything("discord", path)
        assert found.messages == []
        assert "breaks off in the middle" in found.problem

    async def test_that_break_within_say_what_was_kept(self, tmp_path: Path) -> None:
        path = exported(tmp_path, [posted(str(n)) for n in range(50)])
        path.write_bytes(path.read_bytes().replace(b'"id": "30"', b'"id": 30"'))
        found = await everything("discord", path)
        assert len(found.messages) == 30
        assert "the 30 rows before that were kept" in found.problem

    async def test_without_messages(self, tmp_path: Path) -> None:
        path = exported(tmp_path, [])
        found = await everything("discord", path)
        assert (found.messages, found.problems) == ([], [])
        assert [channel.id for channel in found.channels] == ["200"]
