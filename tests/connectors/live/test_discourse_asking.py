"""People talk to the bot on a forum: in topics, in private messages, by replies; and nobody else does."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import aiohttp
import orjson
import pytest

from tests.connectors.live.discourse_home import Home, connected, listening
from tests.connectors.live.discourse_town import Town, looked
from tests.fakes.discourse import FakeDiscourse
from tests.fakes.discourse_state import Json
from tests.fakes.discourse_talk import MENTIONED

# --- in topics ------------------------------------------------------------------------------------------------------


async def test_a_mention_is_answered_privately(forum: FakeDiscourse, home: Home, town: Town) -> None:
    forum.users[int(town.ann)].locale = "es"
    forum.users[int(town.ann)].groups = ["helpers"]
    async with listening(forum, home):
        asked = town.say("Hello all,\n\n  @Spaces: semanal público\n@spaces daily", reply_to=town.first)
        (answer,) = await town.answers(home, asked)
    (command,) = home.commands
    assert (command.id, command.text, command.via) == (asked, "semanal público", "mention")
    assert (command.channel_id, command.thread_id, command.message) == (town.help, town.topic, town.first)
    assert command.language == "es"
    assert command.asker._replace(roles=()) == (
        town.ann, "ann", "", None, False, False, (), (), True, True
    )  # fmt: skip
    assert {"helpers", "trust_level_0", "trust_level_1"} == set(command.asker.roles)
    topic = forum.topics[answer.topic]
    assert topic.is_pm
    assert topic.people == {forum.bot.id, int(town.ann)}
    assert answer.raw.startswith("Here you are.")


async def test_what_staff_ask_is_asked_by_staff(forum: FakeDiscourse, home: Home, town: Town) -> None:
    forum.users[int(town.ben)].trust_level = 3
    async with listening(forum, home):
        await town.answers(home, town.say("@spaces weekly", town.ben))
    (command,) = home.commands
    assert command.asker.is_staff
    assert {"staff", "moderators", "trust_level_3"} <= set(command.asker.roles)


async def test_who_cannot_be_looked_up_is_known_by_the_post(
    forum: FakeDiscourse, home: Home, town: Town
) -> None:
    forum.may.discard("users")
    async with listening(forum, home):
        await town.answers(home, town.say("@spaces weekly", town.ben))
    (command,) = home.commands
    assert command.asker.is_staff
    assert command.asker.name == "Ben"
    assert command.language is None
    assert not command.asker.complete


@pytest.mark.parametrize("verb", ["tag", "untag"])
async def test_a_reply_is_about_the_post_that_it_replies_to(
    forum: FakeDiscourse, home: Home, town: Town, verb: str
) -> None:
    idea = town.say("It could sing.", town.cleo)
    for n in range(30):
        town.say(f"noise {n}", town.cleo)
    async with listening(forum, home):
        reply = town.say(f"@spaces {verb} idea", reply_to=idea)
        loose = town.say(f"@spaces {verb} question")
        await town.answers(home, reply)
        await town.answers(home, loose)
    assert [(command.text, command.message) for command in home.commands] == [
        (f"{verb} idea", idea),
        (f"{verb} question", town.first),
    ]


async def test_a_mention_beside_that_of_a_group_counts_once(
    forum: FakeDiscourse, home: Home, town: Town
) -> None:
    forum.bot.groups = ["robots"]
    async with listening(forum, home):
        asked = town.say("@robots look here\n@spaces weekly")
        await town.answers(home, asked)
        town.say("@robots just look here")
        forum.edit(asked, "@robots look here\n@spaces monthly")
        await town.looked(home)
    assert [command.text for command in home.commands] == ["weekly"]


async def test_whoever_is_told_late_answers_late(forum: FakeDiscourse, home: Home, town: Town) -> None:
    """A forum tells people of posts in jobs that may wait, in any order."""
    async with listening(forum, home):
        forum.hold_alerts()
        first, second = town.say("@spaces weekly"), town.say("@spaces daily", town.cleo)
        await town.looked(home)
        assert home.commands == []
        forum._waiting.reverse()
        forum.release_alerts()
        await town.answers(home, first)
        await town.answers(home, second)
    assert sorted(command.id for command in home.commands) == sorted([first, second])


async def test_more_are_told_than_stand_on_one_page(forum: FakeDiscourse, home: Home, town: Town) -> None:
    asked = [town.say(f"@spaces weekly {n}", town.cleo) for n in range(130)]
    async with listening(forum, home):
        await home.until(lambda: len(home.commands) >= len(asked))
        await home.until(lambda: len(forum.answers()) >= len(asked))
        await town.looked(home)
    assert [command.id for command in home.commands] == asked
    assert len(forum.answers()) == len(asked)


# --- in private messages ----------------------------------------------------------------------------------------------


async def test_a_private_message_is_answered_where_it_stands(
    forum: FakeDiscourse, home: Home, town: Town
) -> None:
    async with listening(forum, home):
        first = forum.write_private(town.ann, "Hi", "weekly, please\nThank you")
        await town.answers(home, first)
        second = town.add(first, "@spaces daily")
        third = town.add(first, "explain questions")
        await town.answers(home, second)
        await town.answers(home, third)
    assert [command.text for command in home.commands] == ["weekly, please", "daily", "explain questions"]
    assert {command.channel_id for command in home.commands} == {None}
    assert {command.message for command in home.commands} == {None}
    topic = forum.posts[int(first)].topic
    assert [answer.topic for answer in forum.answers()] == [topic] * 3
    assert [answer.reply_to for answer in forum.answers()] == [1, 3, 4]


async def test_many_private_posts_are_told_of_by_one_notification(
    forum: FakeDiscourse, home: Home, town: Town
) -> None:
    first = forum.write_private(town.ann, "Hi", "weekly 0")
    asked = [first, *(town.add(first, f"weekly {n}") for n in range(1, 45))]
    assert len(forum.notices) == 1
    forum.may.discard("messages")
    async with listening(forum, home):
        await home.until(lambda: len(forum.answers()) >= len(asked))
        await town.looked(home)
    assert [command.id for command in home.commands] == asked
    assert len(forum.answers()) == len(asked)


@pytest.mark.parametrize("without", ["notifications", "messages"])
async def test_one_of_the_two_lists_is_enough_for_private_messages(
    forum: FakeDiscourse, home: Home, town: Town, without: str
) -> None:
    forum.may.discard(without)
    async with listening(forum, home):
        asked = forum.write_private(town.ann, "Hi", "weekly")
        await town.answers(home, asked)
        other = town.add(asked, "daily")
        await town.answers(home, other)
        opener = forum.open_thread(town.help, town.ann, "Still read?", "Yes, topics are read all the same.")
        await home.until(lambda: opener in home.standing())
    assert [command.text for command in home.commands] == ["weekly", "daily"]


async def test_among_several_it_answers_only_whoever_names_it_and_apart(
    forum: FakeDiscourse, home: Home, town: Town
) -> None:
    async with listening(forum, home):
        first = forum.write_private(town.ann, "A talk", "What do you think?", to=[town.ben])
        town.add(first, "weekly is fine", town.ben)
        asked = town.add(first, "@spaces weekly", town.ben)
        (answer,) = await town.answers(home, asked)
        forum.write_private(town.ann, "To a group", "weekly", groups=["helpers"])
        await town.looked(home)
    (command,) = home.commands
    assert (command.id, command.channel_id) == (asked, None)
    assert answer.topic != forum.posts[int(first)].topic
    assert forum.topics[answer.topic].people == {forum.bot.id, int(town.ben)}


# --- who is not answered ----------------------------------------------------------------------------------------------


def _edit_of_another(town: Town) -> str:
    asked = town.say("Just a word.", town.ben)
    town.forum.edit(asked, "@spaces weekly", by=town.ann)
    return asked


def _wiki(town: Town) -> str:
    asked = town.say("@robots hello", town.ben)
    town.forum.posts[int(asked)].wiki = True
    town.forum.edit(asked, "@robots hello\n@spaces weekly")
    return asked


def _from(town: Town, *, id_: int = -1, **facts: object) -> str:
    post = town.forum.add_post(
        town.forum.topics[int(town.topic)],
        town.forum.users[id_],
        "nothing",
        kind=int(str(facts.pop("kind", 1))),
    )
    for name, value in facts.items():
        setattr(post, name, value)
    post.raw = "@spaces weekly"
    town.forum.alert(post)
    return str(post.id)


def _left_alone(town: Town, **facts: object) -> str:
    for name, value in facts.items():
        setattr(town.forum.users[int(town.cleo)], name, value)
    return town.say("@spaces weekly", town.cleo)


SOON = datetime.now(UTC) + timedelta(days=3)
NOBODY: dict[str, Callable[[Town], str]] = {
    "the system": _from,
    "the bot itself": lambda town: _from(town, id_=town.forum.bot.id),
    "a quotation of it": lambda town: town.say('[quote="spaces, post:1"]\n@spaces weekly\n[/quote]\n@spaces, thanks!'[:46]),
    "in the middle": lambda town: town.say("I asked @spaces weekly once."),
    "in code": lambda town: town.say("Like so:\n```\n@spaces weekly\n```\nand @spaces answers"),
    "another's name": lambda town: town.say("@spaces-admin weekly"),
    "a program's mail": lambda town: _from(town, id_=int(town.cleo), is_auto=True),
    "a whisper": lambda town: _from(town, id_=int(town.ben), kind=4),
    "an edit by another": _edit_of_another,
    "a wiki": _wiki,
    "a hidden post": lambda town: _from(town, id_=int(town.cleo), hidden=True),
    "suspended": lambda town: _left_alone(town, suspended_till=SOON),
    "silenced": lambda town: _left_alone(town, silenced_till=SOON),
    "long ago": lambda town: town.forum.say(
        town.help, town.ann, "@spaces weekly", thread=town.topic, at=datetime.now(UTC) - timedelta(days=2)
    ),
}  # fmt: skip


@pytest.mark.parametrize("who", NOBODY)
async def test_nobody_else_is_answered(forum: FakeDiscourse, home: Home, town: Town, who: str) -> None:
    forum.bot.groups = ["robots"]
    NOBODY[who](town)
    async with listening(forum, home):
        await town.looked(home)
        assert home.commands == []
        asked = town.say("@spaces daily")  # it does listen
        await town.answers(home, asked)
    assert [command.id for command in home.commands] == [asked]


async def test_an_edit_does_not_ask_again(forum: FakeDiscourse, home: Home, town: Town) -> None:
    async with listening(forum, home):
        asked = town.say("@spaces weekly")
        await town.answers(home, asked)
        forum.edit(asked, "@spaces monthly")
        late = town.say("Nothing to ask yet.")
        await town.looked(home)
        forum.edit(late, "@spaces daily")
        await town.answers(home, late)
        forum.edit(late, "@spaces daily public")
        await town.looked(home)
    assert [command.text for command in home.commands] == ["weekly", "daily"]


async def test_what_was_deleted_meanwhile_is_not_answered(
    forum: FakeDiscourse, home: Home, town: Town
) -> None:
    forum.delete(town.say("@spaces weekly"))
    async with listening(forum, home):
        await town.looked(home)
        assert home.commands == []


async def test_nonsense_is_passed_over(forum: FakeDiscourse, home: Home, town: Town) -> None:
    """Notifications of every other kind, and of no known form."""
    at = {"created_at": datetime.now(UTC).isoformat(), "notification_type": MENTIONED}
    odd = [
        {}, {"id": "x"}, {"id": 1}, {"id": 2, **at}, {"id": 3, **at, "topic_id": None, "post_number": None, "data": {}},
        {"id": 4, **at, "topic_id": 999_999, "post_number": 1, "data": {"original_post_id": 999_999}},
        {"id": 5, **at, "topic_id": int(town.topic), "post_number": 1, "data": {"original_post_id": "7"}},
        {"id": 6, **at, "topic_id": int(town.topic), "post_number": 77, "data": None},
        {"id": 7, **at, "topic_id": int(town.topic), "post_number": 1, "data": "no json"},
        {"id": 8, **at, "topic_id": int(town.topic), "post_number": 1, "data": []},
        {"id": 9, "notification_type": 12, "data": {"badge_id": 1}, "created_at": "never"},
    ]  # fmt: skip
    told = forum.notifications
    forum.notifications = lambda limit, offset: {  # type: ignore[method-assign]
        "notifications": [*odd, *told(limit, offset)["notifications"]] if not offset else []
    }
    async with listening(forum, home):
        asked = town.say("@spaces weekly")
        await town.answers(home, asked)
    assert [command.id for command in home.commands] == [asked]


async def test_little_is_enough(forum: FakeDiscourse, home: Home) -> None:
    """A forum that leaves out what it may leave out, and whose clock stands still in the past."""
    then = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
    help_, ann = forum.add_channel("Help"), forum.add_member("ann")
    topic = forum.posts[int(forum.open_thread(help_, ann, "How do I restore?", "It says no.", at=then))].topic
    told = forum.notifications

    def bare(limit: int, offset: int) -> Json:
        rows = told(limit, offset)["notifications"]
        wanted = ("id", "notification_type", "topic_id", "post_number")
        return {"notifications": [{key: row[key] for key in wanted} for row in rows]}

    forum.notifications = bare  # type: ignore[method-assign]
    forum.details = lambda topic: {}  # type: ignore[method-assign]  # noqa: ARG005 - as it is called
    forum.may -= {"users"}
    async with listening(forum, home):
        asked = forum.say(help_, ann, "@spaces weekly", thread=str(topic), at=then)
        message = forum.write_private(ann, "Hi", "daily", at=then)
        await home.until(lambda: bool(forum.answers(asked) and forum.answers(message)))
        await looked(forum, home)
    assert [len(forum.answers(asked)), len(forum.answers(message))] == [1, 1]
    assert forum.answers(message)[0].topic == forum.posts[int(message)].topic


# --- soon -------------------------------------------------------------------------------------------------------------


async def test_a_webhook_does_not_say_who_edited(home: Home) -> None:
    forum = FakeDiscourse(webhooks=True, poll_seconds=3_600)
    await forum.start()
    town = Town(forum)
    try:
        async with listening(forum, home):
            by_another, by_herself = town.say("Just a word.", town.ben), town.say("@spaces, hello?"[8:])
            forum.edit(by_another, "@spaces weekly", by=town.ann)
            forum.edit(by_herself, "@spaces daily")
            body = orjson.dumps({"notification": {"id": 1, "user_id": forum.bot.id, "notification_type": 1}})
            async with aiohttp.ClientSession() as session:
                assert await forum.send_hook(session, "notification_created", body) == 200
            await home.until(lambda: bool(forum.answers(by_herself)))
    finally:
        await forum.stop()
    assert [command.id for command in home.commands] == [by_herself]


async def test_with_webhooks_it_is_answered_at_once(home: Home) -> None:
    forum = FakeDiscourse(webhooks=True, poll_seconds=3_600)
    await forum.start()
    town = Town(forum)
    try:
        async with listening(forum, home):
            forum.hold_alerts()  # the webhook is faster than the notification
            asked = town.say("@spaces weekly")
            await home.until(lambda: bool(forum.answers(asked)))
            message = forum.write_private(town.ann, "Hi", "daily")
            await home.until(lambda: bool(forum.answers(message)))
            forum.release_alerts()
            body = orjson.dumps({"notification": {"id": 1, "user_id": forum.bot.id, "notification_type": 6}})
            other = town.add(message, "monthly")
            forum.lose(3)
            async with aiohttp.ClientSession() as session:
                assert await forum.send_hook(session, "notification_created", body) == 200
            await home.until(lambda: bool(forum.answers(other)))
    finally:
        await forum.stop()
    assert [command.text for command in home.commands] == ["weekly", "daily", "monthly"]


# --- spaces check -----------------------------------------------------------------------------------------------------


async def test_the_check_says_what_is_missing_to_be_asked(forum: FakeDiscourse) -> None:
    async def bad() -> list[str]:
        async with connected(forum) as connector:
            return [finding.words for finding in await connector.check() if not finding.good]

    forum.add_channel("Help")
    assert await bad() == []
    forum.may -= {"notifications", "messages"}
    assert [
        "may not hear who mentions" in words or "may not hear who writes" in words for words in await bad()
    ] == [
        True,
        True,
    ]
    forum.bot.admin, forum.bot.trust_level = False, 0
    assert any("trust level 1 or more" in words for words in await bad())
    forum.bot = forum.users[-1]
    forum.settings["user"] = "system"
    assert any("a user of its own for the bot" in words for words in await bad())
