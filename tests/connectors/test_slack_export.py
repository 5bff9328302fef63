import json
import zipfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.records import Channel, Member
from tests.connectors.written import ANN, everything, folder, said, slack, zipped

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "exports" / "slack-workspace-2016.zip"


async def test_a_message_is_told_whole(tmp_path: Path) -> None:
    row = said(
        edited={"user": "U1", "ts": "1709985700.000000"},
        reactions=[{"name": "+1", "count": 2, "users": ["U1"]}, {"name": "+1::skin-tone-3", "count": 1}],
    )
    found = await everything("slack", zipped(tmp_path / "a.zip", slack([row])), url="https://x.slack.com/")
    message = found.message
    assert (message.id, message.channel_id, message.author_id) == ("C2:1709985600.000100", "C2", "U1")
    assert message.created_at == datetime(2024, 3, 9, 12, 0, 0, 100, tzinfo=UTC)
    assert message.revision == 1709985700000000
    assert message.reactions == {"+1": 3}
    assert message.url == "https://x.slack.com/archives/C2/p1709985600000100"
    assert (message.thread_id, message.opens_thread, message.reply_to) == (None, False, None)
    assert found.problems == []
    assert found.pages[-1].cursor == ""
    assert found.channels[1] == Channel("C2", "help", is_archived=True, url="https://x.slack.com/archives/C2")


async def test_the_time_in_an_id_is_exact(tmp_path: Path) -> None:
    rows = [said(f"1709985600.{micro:06d}") for micro in (1, 123457, 999999)]
    found = await everything("slack", zipped(tmp_path / "a.zip", slack(rows)))
    assert [message.created_at.microsecond for message in found.messages] == [1, 123457, 999999]
    assert found.ids[2] == "C2:1709985600.999999"


async def test_threads(tmp_path: Path) -> None:
    root, reply = "1709985600.000100", "1709985660.000200"
    rows = [
        said(root, thread_ts=root, reply_count=2),
        said(reply, thread_ts=root),
        said("1709985720.000300", thread_ts=root, subtype="thread_broadcast", root={"ts": root}),
    ]
    found = await everything("slack", zipped(tmp_path / "a.zip", slack(rows)), url="https://x.slack.com")
    assert [message.thread_id for message in found.messages] == [f"C2:{root}"] * 3
    assert [message.opens_thread for message in found.messages] == [True, False, False]
    urls = [message.url for message in found.messages]
    assert urls[0] == "https://x.slack.com/archives/C2/p1709985600000100"
    assert urls[1] == "https://x.slack.com/archives/C2/p1709985660000200?thread_ts=1709985600.000100&cid=C2"


async def test_links_without_an_address_go_through_the_client(tmp_path: Path) -> None:
    found = await everything("slack", zipped(tmp_path / "a.zip", slack([said()])))
    assert found.message.url == "https://app.slack.com/client/T1/C2/p1709985600000100"
    nobody: dict[str, Any] = {"users.json": []}
    found = await everything("slack", zipped(tmp_path / "b.zip", slack([said()], **nobody)))
    assert found.message.url is None


@pytest.mark.parametrize(
    "kind", ["channel_join", "channel_leave", "channel_topic", "bot_add", "pinned_item", "reply_broadcast", "huddle_thread"]
)  # fmt: skip
async def test_system_rows_are_no_messages(tmp_path: Path, kind: str) -> None:
    found = await everything("slack", zipped(tmp_path / "a.zip", slack([said(subtype=kind)])))
    assert found.messages == []
    assert found.joins == []
    assert found.left_out == {kind: 1}
    assert found.problems == []


async def test_joining_the_general_channel_is_joining(tmp_path: Path) -> None:
    rows = [
        said(subtype="channel_join", inviter="U9"),
        {"type": "message", "subtype": "channel_join", "ts": "1709985601.0"},
    ]
    files = slack([said(subtype="channel_join", user="U2")]) | {"general/2024-03-08.json": rows}
    found = await everything("slack", zipped(tmp_path / "a.zip", files))
    assert [(join.member_id, join.at.second) for join in found.joins] == [("U1", 0)]
    assert found.left_out == {"channel_join": 3}


async def test_deleted_messages_are_tombstones(tmp_path: Path) -> None:
    tombstone = said(subtype="tombstone", hidden=True, user="USLACKBOT", text="This message was deleted.")
    gone = {"type": "message", "subtype": "message_deleted", "hidden": True, "ts": "1709985700.0", "deleted_ts": "1709985650.000300"}  # fmt: skip
    found = await everything("slack", zipped(tmp_path / "a.zip", slack([tombstone, gone])))
    assert [deletion.message_id for deletion in found.deletions] == [
        "C2:1709985600.000100",
        "C2:1709985650.000300",
    ]
    assert found.deletions[0].at == found.pages[0].observed_at == datetime(2024, 3, 10, 12, tzinfo=UTC)
    assert found.messages == []
    assert found.members == [Member("U1", "ann", "Ann Lee", "ann@example.org")], (
        "the bot that speaks for a deleted message is nobody"
    )


async def test_bots_files_comments_and_strangers(tmp_path: Path) -> None:
    rows = [
        {"type": "message", "subtype": "bot_message", "bot_id": "B1", "username": "deploys", "text": "done", "ts": "1709985600.1"},
        {"type": "message", "subtype": "file_comment", "text": "<@U1|ann> commented", "ts": "1709985600.2",
         "comment": {"user": "U1", "comment": "nice picture"}},
        said("1709985600.3", user="U7", user_profile={"name": "guest", "real_name": "A Guest"}),
        said("1709985600.4", user="U8", bot_id="B8", bot_profile={"name": "helper"}),
        {"type": "message", "subtype": "bot_message", "text": "nobody", "ts": "1709985600.5"},
        said("1709985600.6", user="USLACKBOT"),
    ]  # fmt: skip
    found = await everything("slack", zipped(tmp_path / "a.zip", slack(rows)))
    assert [message.author_id for message in found.messages] == ["B1", "U1", "U7", "U8", None, "USLACKBOT"]
    assert found.messages[1].text == "nice picture"
    assert found.members[1:] == [
        Member("B1", "deploys", is_bot=True, complete=False),
        Member("U7", "guest", "A Guest", complete=False),
        Member("U8", "helper", is_bot=True, complete=False),
        Member("USLACKBOT", "USLACKBOT", is_bot=True, complete=False),
    ]
    assert found.problems == []


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"files": [{"title": "Plan.pdf", "name": "x"}], "subtype": "file_share"}, "Plan.pdf"),
        ({"file": {"name": "old.png"}, "subtype": "file_share"}, "old.png"),
        ({"text": "<@U1|ann> uploaded a file: <https://x.example/F1/a.js|a.js> and commented: takes\nout doubles", "subtype": "file_share"},
         "a.js\ntakes\nout doubles"),
        ({"text": "<@U1|ann> shared a file: <https://x.example/F1/plan|Plan>", "subtype": "file_share"}, "Plan"),
        ({"text": "<@U1> uploaded a file: which?", "subtype": "file_share"}, "<@U1> uploaded a file: which?"),
        ({"text": ["no"], "subtype": "file_share"}, ""),
        ({"attachments": [{"fallback": "a build failed", "color": "red"}]}, "a build failed"),
        ({"attachments": [{"title": "T", "text": "body", "fallback": "f"}]}, "T\nbody"),
        ({"blocks": [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [
            {"type": "text", "text": "hi "}, {"type": "user", "user_id": "U1"}, {"type": "emoji", "name": "wave"}]}]}]},
         "hi <@U1>:wave:"),
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*so*"}}]}, "*so*"),
        ({"text": "<@U1|ann> &amp; <https://x.example|this>", "files": [{"title": "no"}]}, "<@U1|ann> &amp; <https://x.example|this>"),
        ({}, ""),
    ],
)  # fmt: skip
async def test_what_people_see_of_a_message(tmp_path: Path, more: dict[str, Any], text: str) -> None:
    found = await everything("slack", zipped(tmp_path / "a.zip", slack([said(**({"text": ""} | more))])))
    assert found.message.text == text


async def test_members(tmp_path: Path) -> None:
    users = [
        {"id": "U1", "name": "ann", "is_admin": True, "profile": {
            "display_name": "annie", "real_name": "Ann Lee", "fields": {"X1": {"value": "https://ann.example", "alt": ""}, "X2": {"value": "she"}}}},
        {"id": "U2", "name": "bob", "deleted": True, "is_bot": True, "profile": {"fields": None}},
        {"id": "U3", "name": "cem", "real_name": "Cem", "is_ultra_restricted": True},
        {"id": "U4", "name": "dee", "is_owner": True, "is_primary_owner": True, "is_admin": True, "profile": {"fields": []}},
        {"id": "USLACKBOT", "name": "slackbot", "is_bot": False},
    ]  # fmt: skip
    found = await everything("slack", zipped(tmp_path / "a.zip", slack([], **{"users.json": users})))
    assert found.members == [
        Member("U1", "ann", "annie", is_staff=True, roles=("admin",), links=("https://ann.example",)),
        Member("U2", "bob", is_bot=True, is_active=False),
        Member("U3", "cem", "Cem", roles=("guest",)),
        Member("U4", "dee", is_staff=True, roles=("owner", "admin")),
        Member("USLACKBOT", "slackbot", is_bot=True),
    ]


PRIVATE = {
    "groups.json": [{"id": "G1", "name": "secret"}, {"id": "G2", "name": "board"}],
    "dms.json": [{"id": "D1", "members": ["U1", "U2"]}],
    "mpims.json": [{"id": "G3", "name": "mpdm-ann--bob-1"}],
    "secret/2024-03-09.json": [said()],
    "board/2024-03-09.json": [said()],
    "D1/2024-03-09.json": [said()],
    "mpdm-ann--bob-1/2024-03-09.json": [said()],
}


@pytest.mark.parametrize(
    ("include", "channels"),
    [([], []), (["#Secret"], ["G1"]), (["dms"], ["D1"]), (["mpims", "G2"], ["G2", "G3"]), (["D1"], ["D1"])],
)
async def test_private_places_are_read_when_named(
    tmp_path: Path, include: list[str], channels: list[str]
) -> None:
    found = await everything("slack", zipped(tmp_path / "a.zip", slack([]) | PRIVATE), include=include)
    assert sorted(message.channel_id for message in found.messages) == channels
    assert sorted(channel.id for channel in found.channels if channel.is_private) == channels
    assert sum(found.left_out.values()) == 4 - len(channels)
    assert found.problems == []


async def test_a_folder_in_no_list_may_be_private(tmp_path: Path) -> None:
    files = slack([said()]) | {"whispers/2024-03-09.json": [said("1709985601.0")]}
    found = await everything("slack", zipped(tmp_path / "a.zip", files))
    assert found.ids == ["C2:1709985600.000100"]
    assert "whispers" in found.problem


async def test_a_common_top_folder_and_litter(tmp_path: Path) -> None:
    files = {f"My export/{name}": content for name, content in slack([said()]).items()}
    litter = {
        "__MACOSX/My export/._users.json": b"\0\5",
        "My export/.DS_Store": b"\0",
        "My export/help/canvas.json": [1],
    }
    found = await everything("slack", zipped(tmp_path / "a.zip", files | litter))
    assert found.ids == ["C2:1709985600.000100"]
    assert found.problems == []


async def test_unpacked_it_is_the_same(tmp_path: Path) -> None:
    packed = await everything("slack", zipped(tmp_path / "a.zip", slack([said()])))
    unpacked = await everything("slack", folder(tmp_path / "export", slack([said()])))
    assert unpacked.messages == packed.messages
    assert unpacked.pages[0].observed_at == datetime(2024, 3, 10, tzinfo=UTC), "the end of its last day"


@pytest.mark.parametrize("date", [(1980, 1, 1, 0, 0, 0), (2107, 1, 1, 0, 0, 0), (2024, 3, 8, 0, 0, 0)])
async def test_implausible_dates_of_the_archive(
    tmp_path: Path, date: tuple[int, int, int, int, int, int]
) -> None:
    found = await everything("slack", zipped(tmp_path / "a.zip", slack([said()]), date))
    assert {page.observed_at for page in found.pages} == {datetime(2024, 3, 10, tzinfo=UTC)}


async def test_rows_of_a_wrong_shape_are_counted_and_shown(tmp_path: Path) -> None:
    wrong: list[Any] = [
        {"type": "message", "text": "no time", "user": "U1"}, "text", None, 7, [],
        said(1709985600), said("NaN"), said("-5.000000"), said("253402300799.000000"), said("1e9"), said("1709985600.0000001"),
        said(user=["U1"]), said(user={"id": 1}), said(thread_ts=5), said(thread_ts="\0"), said(reactions=[{"count": 1}]),
        said(reactions=[{"name": "x", "count": 10**30}]), said(edited={"ts": None}), said(user="U\x009"), said(attachments=[3], text=""),
    ]  # fmt: skip
    found = await everything("slack", zipped(tmp_path / "a.zip", slack([*wrong, said("1709985699.000001")])))
    assert found.ids == ["C2:1709985699.000001"]
    assert found.left_out == {"unreadable row": len(wrong)}
    assert found.problem.startswith(f"a.zip, help/2024-03-09.json: {len(wrong)} rows were skipped")
    assert "row 1: KeyError 'ts'" in found.problem


async def test_broken_lists(tmp_path: Path) -> None:
    found = await everything(
        "slack", zipped(tmp_path / "a.zip", slack([said()], **{"users.json": b'[{"id": "U1", '}))
    )
    assert found.problem.startswith("a.zip, users.json: breaks off in the middle. ")
    assert found.ids == ["C2:1709985600.000100"]
    found = await everything(
        "slack", zipped(tmp_path / "b.zip", slack([said()], **{"channels.json": b"[]]"}))
    )
    assert found.messages == []
    assert "b.zip, channels.json: is not valid JSON" in str(found.problems[0])


async def test_an_emoji_or_name_that_no_database_takes(tmp_path: Path) -> None:
    users = [ANN | {"real_name": "A\ud83d\0", "profile": {}}]
    row = said(reactions=[{"name": "\ud83d", "count": 1}], text="half \ud83d")
    found = await everything("slack", zipped(tmp_path / "a.zip", slack([row], **{"users.json": users})))
    assert found.members[0].display_name == "A?"
    assert found.message.reactions == {"?": 1}


@pytest.mark.skipif(not REAL.exists(), reason=f"the real export is not at {REAL}")
async def test_a_real_workspace_counted_independently() -> None:
    rows: list[tuple[str, dict[str, Any]]] = []
    human = {None, "file_share", "file_comment"}
    with zipfile.ZipFile(REAL) as archive:
        ids = {channel["name"]: channel["id"] for channel in json.loads(archive.read("channels.json"))}
        for name in archive.namelist():
            if "/" in name:
                rows += [(ids[name.split("/")[0]], row) for row in json.loads(archive.read(name))]
        users = json.loads(archive.read("users.json"))
    kinds = Counter(row.get("subtype") for _, row in rows)
    assert (kinds[None], kinds["file_share"], kinds["file_comment"]) == (964, 61, 6)
    found = await everything("slack", REAL)
    assert found.problems == []
    assert sorted(found.ids) == sorted(
        f"{channel}:{row['ts']}" for channel, row in rows if row.get("subtype") in human
    )
    assert found.left_out == {kind: n for kind, n in kinds.items() if kind not in human}
    assert [member.id for member in found.members] == [user["id"] for user in users]
    general = [
        row for channel, row in rows if channel == ids["general"] and row.get("subtype") == "channel_join"
    ]
    assert sorted(join.member_id for join in found.joins) == sorted(row["user"] for row in general)
    assert sum(sum(message.reactions.values()) for message in found.messages) == sum(
        reaction["count"]
        for _, row in rows
        if row.get("subtype") in human
        for reaction in row.get("reactions", [])
    )
    assert sum(message.revision > 0 for message in found.messages) == sum(
        "edited" in row for _, row in rows if row.get("subtype") in human
    )
    assert {page.observed_at for page in found.pages} == {datetime(2016, 8, 1, tzinfo=UTC)}
