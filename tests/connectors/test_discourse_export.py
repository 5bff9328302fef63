from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.records import Channel, Join, Member
from tests.connectors.written import CATEGORIES, everything, folder, post, topic, zipped

URL = "https://forum.example.org"


def forum(tmp_path: Path, *topics: Any, **files: Any) -> Path:
    named = {f"t/{number}.json": content for number, content in enumerate(topics)}
    return zipped(tmp_path / "forum.zip", {"categories.json": CATEGORIES} | named | files)


async def test_a_post_is_told_whole(tmp_path: Path) -> None:
    row = post(
        updated_at="2024-03-09T13:00:00.500+01:00", version=2,
        actions_summary=[{"id": 2, "count": 3}, {"id": 3, "count": 1}, {"id": 8}],
    )  # fmt: skip
    found = await everything("discourse", forum(tmp_path, topic([row])), url=URL + "/")
    message = found.message
    assert (message.id, message.channel_id, message.author_id) == ("71", "5", "21")
    assert message.text == "A title\nhello"
    assert message.created_at == datetime(2024, 3, 9, 12, 0, 0, 250000, tzinfo=UTC)
    assert message.revision == 1709985600500000
    assert (message.thread_id, message.opens_thread, message.reply_to) == ("11", True, None)
    assert message.reactions == {"heart": 3}
    assert message.url == f"{URL}/t/a-title/11/1"
    assert found.members == [Member("21", "ann", "Ann Lee", complete=False)]
    assert found.channels == [
        Channel("5", "Support", url=f"{URL}/c/support/5"),
        Channel("6", "Billing", "5", url=f"{URL}/c/billing/6"),
    ]
    assert found.left_out == {"private category": 1}
    assert found.problems == []
    assert {page.observed_at for page in found.pages} == {datetime(2024, 3, 10, 12, tzinfo=UTC)}


async def test_a_topic_in_several_files(tmp_path: Path) -> None:
    first = topic([post(71), post(72, 2, reply_to_post_number=1)])
    later = {"id": 11, "post_stream": {"posts": [post(72, 2, reply_to_post_number=1, cooked="<p>newer</p>", updated_at="2024-03-09T14:00:00Z"),
                                                  post(73, 3, reply_to_post_number=2), post(74, 4, reply_to_post_number=99)]}}  # fmt: skip
    # A name that comes before the topic's own: order and names do not matter.
    path = zipped(tmp_path / "forum.zip", {"deep/in/a_posts_2.json": later, "t/11.json": first})
    found = await everything("discourse", path)
    assert [(m.id, m.reply_to, m.opens_thread) for m in found.messages] == [
        ("71", None, True), ("72", "71", False), ("73", "72", False), ("74", None, False),
    ]  # fmt: skip
    assert found.messages[1].text == "newer"
    assert {m.thread_id for m in found.messages} == {"11"}


async def test_posts_without_their_topic_may_be_private(tmp_path: Path) -> None:
    path = forum(tmp_path, topic([post()]), {"id": 12, "post_stream": {"posts": [post(80, 2)]}})
    found = await everything("discourse", path)
    assert found.ids == ["71"]
    assert "posts of topic 12 without the topic itself" in found.problem
    assert found.left_out["post without its topic"] == 1


@pytest.mark.parametrize(
    ("more", "kind"),
    [({"hidden": True}, "hidden post"), ({"post_type": 3}, "small action"), ({"post_type": 4}, "whisper"),
     ({"post_type": 2, "cooked": ""}, "moderator action"), ({"post_type": 9}, "post of type 9")],
)  # fmt: skip
async def test_posts_that_are_no_messages(tmp_path: Path, more: dict[str, Any], kind: str) -> None:
    found = await everything("discourse", forum(tmp_path, topic([post(**more)])))
    assert found.messages == []
    assert found.left_out[kind] == 1
    assert found.problems == []


async def test_a_moderator_who_says_something(tmp_path: Path) -> None:
    found = await everything("discourse", forum(tmp_path, topic([post(72, 2, post_type=2, moderator=True)])))
    assert found.message.text == "hello"
    assert found.members[0].is_staff


async def test_deleted_posts_and_topics(tmp_path: Path) -> None:
    rows = [post(71), post(72, 2, deleted_at="2024-03-09T13:00:00Z"), post(73, 3, user_deleted=True)]
    gone = topic([post(81)], 12, deleted_at="2024-03-09T13:00:00Z")
    found = await everything("discourse", forum(tmp_path, topic(rows), gone))
    assert found.ids == ["71"]
    assert [deletion.message_id for deletion in found.deletions] == ["72", "73", "81"]
    assert {deletion.at for deletion in found.deletions} == {found.pages[0].observed_at}


async def test_private_places(tmp_path: Path) -> None:
    files = [
        topic([post(71)], 11, category_id=7),
        topic([post(72)], 12, archetype="private_message", category_id=None),
        topic([post(73)], 13),
    ]
    found = await everything("discourse", forum(tmp_path, *files))
    assert found.ids == ["73"]
    assert found.left_out == {"private category": 1, "post in a private category": 1, "private message": 1}
    assert found.members == [Member("21", "ann", "Ann Lee", complete=False)]
    found = await everything("discourse", forum(tmp_path, *files), include=["Staff"])
    assert found.ids == ["71", "73"]
    assert Channel("7", "Staff", is_private=True) in found.channels


async def test_topics_without_a_category(tmp_path: Path) -> None:
    found = await everything("discourse", forum(tmp_path, topic([post()], category_id=None)))
    assert found.message.channel_id == "uncategorized"
    assert Channel("uncategorized", "uncategorized") in found.channels


@pytest.mark.parametrize(
    ("of_topic", "of_post"),
    [({"accepted_answer": {"post_number": 2, "username": "bob"}}, {}), ({}, {"accepted_answer": True})],
)
async def test_the_accepted_answer(tmp_path: Path, of_topic: dict[str, Any], of_post: dict[str, Any]) -> None:
    rows = [post(71), post(72, 2, **of_post), post(73, 3)]
    found = await everything("discourse", forum(tmp_path, topic(rows, **of_topic)))
    assert [message.is_solution for message in found.messages] == [False, True, False]


async def test_reactions_of_the_plugin(tmp_path: Path) -> None:
    reactions = [{"id": "heart", "type": "emoji", "count": 2}, {"id": "tada", "type": "emoji", "count": 1}]
    row = post(reactions=reactions, actions_summary=[{"id": 2, "count": 3}])
    found = await everything("discourse", forum(tmp_path, topic([row])))
    assert found.message.reactions == {"heart": 2, "tada": 1}


async def test_raw_is_preferred(tmp_path: Path) -> None:
    rows = [post(72, 2, raw="**so**"), post(73, 3, raw=None)]
    found = await everything("discourse", forum(tmp_path, topic(rows)))
    assert [message.text for message in found.messages] == ["**so**", "hello"]


async def test_authors(tmp_path: Path) -> None:
    rows = [post(71, 1, user_id=-1, username="system"), post(72, 2, user_id=-2, username="discobot"), post(73, 3, user_id=None),
            post(74, 4, user_id=None, username=None), post(75, 5, user_id=22, username="bob", admin=True, email="bob@example.org", name=None)]  # fmt: skip
    found = await everything("discourse", forum(tmp_path, topic(rows)))
    assert [message.author_id for message in found.messages] == ["-1", "-2", "ann", None, "22"]
    assert [member.is_bot for member in found.members] == [True, True, False, False]
    assert found.members[3] == Member("22", "bob", "", "bob@example.org", is_staff=True, complete=False)


async def test_people_in_their_own_files(tmp_path: Path) -> None:
    profile = {"user": {"id": 21, "username": "ann", "name": "Ann Lee", "website": "https://ann.example", "created_at": "2024-02-01T00:00:00Z",
                        "groups": [{"name": "trust_level_1", "automatic": True}, {"name": "helpers"}]}}  # fmt: skip
    admins = [
        {"id": 21, "username": "ann", "email": "ann@example.org", "name": None},
        {
            "id": 22,
            "username": "bob",
            "email": "bob@example.org",
            "admin": True,
            "suspended_till": "2099-01-01T00:00:00Z",
        },
    ]
    directory = {"directory_items": [{"id": 23, "user": {"id": 23, "username": "cem", "name": None}}]}
    more = {"u/ann.json": profile, "admin/users.json": admins, "directory.json": directory}
    found = await everything("discourse", forum(tmp_path, topic([post()]), **more))
    assert found.problems == []
    assert sorted(found.members) == [
        Member("21", "ann", "Ann Lee", "ann@example.org", roles=("helpers",), links=("https://ann.example",)),
        Member("22", "bob", "", "bob@example.org", is_staff=True, is_active=False),
        Member("23", "cem"),
    ]
    assert found.joins == [Join("21", datetime(2024, 2, 1, tzinfo=UTC))]


async def test_the_address_in_the_archive(tmp_path: Path) -> None:
    site = {"categories": CATEGORIES["category_list"]["categories"], "base_url": URL + "/"}
    found = await everything("discourse", forum(tmp_path, topic([post()]), **{"site.json": site}))
    assert found.message.url == f"{URL}/t/a-title/11/1"
    assert [channel.id for channel in found.channels] == ["5", "6"]


async def test_unpacked_and_dated_by_its_youngest_post(tmp_path: Path) -> None:
    files = {
        "t/1.json": topic([post(), post(72, 2, updated_at="2024-03-09T18:00:00Z")]),
        "readme.json": ["x"],
        "n.json": 5,
    }
    found = await everything("discourse", folder(tmp_path / "forum", files))
    assert {page.observed_at for page in found.pages} == {datetime(2024, 3, 9, 18, 0, 1, tzinfo=UTC)}
    assert found.problems == []


async def test_wrong_shapes(tmp_path: Path) -> None:
    wrong: list[Any] = [
        None, 5, "x", {"id": 1}, {"post_number": 1}, post(900, 2, created_at="soon"), post(901, 3, created_at=None), post([1], 4),
        post(902, 5, user_id=[1]), post(903, 6, cooked={}), post(904, 7, actions_summary=[{"id": 2, "count": "many"}]),
        post(905, 8, created_at="9999-12-31T23:59:59-14:00"),
    ]  # fmt: skip
    odd = {
        "categories.json": {
            "category_list": {"categories": [{"name": "no id"}, 7, {"id": 5, "name": "Support"}]}
        }
    }
    files = {
        "t/1.json": topic([*wrong, post()]),
        "t/2.json": topic({}, 12),
        "t/3.json": {"post_stream": {}, "id": 13, "title": "x"},
    }
    found = await everything("discourse", zipped(tmp_path / "forum.zip", odd | files))
    assert found.ids == ["71"]
    assert found.left_out["unreadable row"] == len(wrong)
    texts = sorted(str(problem) for problem in found.problems)
    assert len(texts) == 5
    assert sum("has a category of unknown form" in text for text in texts) == 2
    assert sum("posts are no list" in text for text in texts) == 2
    assert sum(f"topic 11: {len(wrong)} rows were skipped" in text for text in texts) == 1


async def test_a_broken_file_among_good_ones(tmp_path: Path) -> None:
    found = await everything(
        "discourse", forum(tmp_path, topic([post()]), **{"t/99.json": b'{"post_stream": {'})
    )
    assert found.ids == ["71"]
    assert found.problem.startswith("forum.zip, t/99.json: breaks off in the middle")
