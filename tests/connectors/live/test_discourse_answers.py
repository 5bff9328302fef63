"""How an answer reaches whoever asked on a forum: where, in how many posts, and without telling anybody else."""

import re

import pytest

from connectors.discourse_posts import Writer
from connectors.records import Button, Post, Reply
from tests.connectors.live.discourse_home import Home, connected, listening
from tests.connectors.live.discourse_town import Town
from tests.fakes.discourse import FakeDiscourse

LONG = "\n\n".join(f"Paragraph {n} 👩‍👩‍👧‍👦 " + "señal de vida " * 40 for n in range(150))
CODE = "```python\n" + "\n".join(f"print({n})  # ñandú 👍🏽" for n in range(2_500)) + "\n```"


def bare(raw: str) -> str:
    """What is seen of a post."""
    return re.sub(r"<!--.*?-->", "", raw).strip()


# --- where ------------------------------------------------------------------------------------------------------------


async def test_a_public_answer_replies_in_the_topic(forum: FakeDiscourse, home: Home, town: Town) -> None:
    home.reply = Reply("Seventeen questions are open.", public=True)
    async with listening(forum, home):
        asked = town.say("@spaces weekly public")
        (answer,) = await town.answers(home, asked)
    assert (answer.topic, answer.reply_to) == (int(town.topic), forum.posts[int(asked)].number)
    assert bare(answer.raw) == "Seventeen questions are open."
    assert [topic for topic in forum.topics.values() if topic.is_pm] == []


async def test_where_the_topic_is_closed_the_asker_alone_is_told(
    forum: FakeDiscourse, home: Home, town: Town
) -> None:
    home.reply = Reply("Seventeen questions are open.", public=True)
    async with listening(forum, home):
        asked = town.say("@spaces weekly public")
        forum.topics[int(town.topic)].closed = True
        (answer,) = await town.answers(home, asked)
    assert forum.topics[answer.topic].people == {forum.bot.id, int(town.ann)}


@pytest.mark.parametrize(("locale", "words"), [("en", "I cannot send you"), ("es", "No puedo enviarte")])
@pytest.mark.parametrize("why", ["refused", "too many today"])
async def test_where_no_private_message_can_be_sent_a_sentence_says_so(
    forum: FakeDiscourse, home: Home, town: Town, locale: str, words: str, why: str
) -> None:
    home.reply = Reply("A secret of the moderators.")
    forum.users[int(town.ann)].locale = locale
    forum.users[int(town.ann)].accepts = why != "refused"
    forum.messages_a_day = 0
    async with listening(forum, home):
        asked = town.say("@spaces weekly")
        (answer,) = await town.answers(home, asked)
        opener = forum.open_thread(town.help, town.ben, "Still read?", "At once, whatever may be sent.")
        await home.until(lambda: opener in home.standing())
    assert answer.topic == int(town.topic)
    assert bare(answer.raw).startswith(words)
    assert "secret" not in answer.raw


async def test_a_key_that_may_not_write_reads_all_the_same(
    forum: FakeDiscourse, home: Home, town: Town
) -> None:
    forum.may.discard("write")
    async with listening(forum, home):
        town.say("@spaces weekly")
        await home.until(lambda: bool(home.commands))
        opener = forum.open_thread(town.help, town.ben, "Still read?", "At once, whatever may be sent.")
        await home.until(lambda: opener in home.standing())
        await town.looked(home)
    assert len(home.commands) == 1
    assert forum.answers() == []


async def test_nothing_is_said_where_there_is_nothing_to_say(
    forum: FakeDiscourse, home: Home, town: Town
) -> None:
    home.reply = None
    async with listening(forum, home):
        town.say("@spaces weekly")
        await town.looked(home)
        assert len(home.commands) == 1
        assert forum.answers() == []


# --- what -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("public", [True, False])
async def test_nobody_is_pinged(forum: FakeDiscourse, home: Home, town: Town, public: bool) -> None:
    url = forum.settings["url"]
    other = forum.posts[int(forum.open_thread(town.help, town.ben, "Another topic", "Something."))]
    last = forum.posts[int(forum.say(town.help, town.cleo, "more", thread=str(other.topic)))]
    forum.users[int(town.cleo)].groups = ["helpers"]
    home.reply = Reply(
        f'@Ben and @helpers wrote, said cleo:\n\n[quote="cleo, post:1, topic:{town.topic}"]\nhi\n[/quote]\n\n'
        f"- [one]({url}/t/another-topic/{other.topic})\n- [two]({url}/t/another-topic/{other.topic}/{last.number}?u=ann)"
        f"\n- [three]({url}/t/{other.topic}/{last.number}) {url}/t/gone/99999/3\n- `@spaces help`",
        public=public,
    )  # fmt: skip
    async with listening(forum, home):
        asked = town.say("@spaces weekly")
        (answer,) = await town.answers(home, asked)
        await connected_post(forum, town, home.reply.text)
    assert forum.pings() == []
    assert "`@spaces help`" in answer.raw, "the bot's own name is copied from here"
    if public:
        assert f"[one]({url}/p/{other.id})" in answer.raw
        assert answer.raw.count(f"{url}/p/{last.id}") == 2


async def connected_post(forum: FakeDiscourse, town: Town, text: str) -> None:
    """A digest says the same, by itself."""
    async with connected(forum) as connector:
        await connector.post(f"{town.help}/{town.topic}", Post("k9", "Title", text))
        await connector.post(town.help, Post("k10", "The week of 4 May", text))


async def test_the_pings_of_the_fake_are_real(forum: FakeDiscourse, town: Town) -> None:
    """What the answers are kept from would tell people."""
    other = forum.posts[int(forum.open_thread(town.help, town.ben, "Another topic", "Something."))]
    raw = f'@cleo\n[quote="ann, post:1"]x[/quote] {forum.settings["url"]}/t/{other.topic}'
    forum.add_post(forum.topics[int(town.topic)], forum.bot, raw)
    assert sorted(notice.user for notice in forum.pings()) == sorted(
        map(int, (town.ann, town.ben, town.cleo))
    )


async def test_what_can_be_asked_next_stands_in_the_last_line(
    forum: FakeDiscourse, home: Home, town: Town
) -> None:
    home.reply = Reply(
        "The week.", buttons=(Button("Questions", "explain questions"), Button("Ideas", "explain ideas"))
    )
    async with listening(forum, home):
        (answer,) = await town.answers(home, town.say("@spaces weekly"))
    assert bare(answer.raw) == "The week.\n\nAsk: `@spaces explain questions`, `@spaces explain ideas`"


async def test_so_it_does_under_a_digest(forum: FakeDiscourse, town: Town) -> None:
    button = Button("Explicar @ben", "explain `questions`")
    async with connected(forum) as connector:
        await connector.post(
            town.help, Post("k", "La semana del 4 de mayo", "Siete preguntas.", buttons=(button,))
        )
    ((_, _, form),) = forum.posted()
    assert bare(form["raw"]) == "Siete preguntas.\n\nExplicar @\u2060ben: `@spaces explain questions`"


async def test_an_answer_too_short_for_the_forum_says_what_it_answers(
    forum: FakeDiscourse, home: Home, town: Town
) -> None:
    home.reply = Reply("Ok.", public=True)
    async with listening(forum, home):
        (answer,) = await town.answers(home, town.say("@spaces tag `idea`"))
        (empty,) = await town.answers(home, town.say("@spaces"))
    assert bare(answer.raw) == "Ok.\n\nYou asked: `@spaces tag idea`"
    assert bare(empty.raw) == "Ok.\n\nYou asked: `@spaces`"


async def test_a_picture_is_shown(forum: FakeDiscourse, home: Home, town: Town) -> None:
    home.reply = Reply("The week in a picture.", picture=b"\x89PNG", alt="a [chart] of @ben")
    async with listening(forum, home):
        (answer,) = await town.answers(home, town.say("@spaces weekly"))
    assert forum.uploads == [b"\x89PNG"]
    assert "![a  chart  of @\u2060ben](upload://1.png)" in answer.raw


@pytest.mark.parametrize("public", [True, False])
@pytest.mark.parametrize("limit", [32_000, 5_000])
@pytest.mark.parametrize("text", [LONG, CODE], ids=["text", "code"])
async def test_a_long_answer_is_split_below_the_forums_limit(
    forum: FakeDiscourse, home: Home, town: Town, text: str, limit: int, public: bool
) -> None:
    forum.longest = limit
    home.reply = Reply(text, public=public, buttons=(Button("More", "explain questions"),))
    async with listening(forum, home):
        asked = town.say("@spaces weekly")
        await home.until(lambda: any("explain questions" in post.raw for post in forum.answers(asked)))
        pieces = await town.answers(home, asked)
    assert len(pieces) >= len(text) // limit + 1
    assert len({piece.topic for piece in pieces}) == 1
    assert all(len(piece.raw) <= limit for piece in pieces), "the fake would have refused it"
    assert all(piece.raw.count("```") % 2 == 0 for piece in pieces)
    joined = "".join(bare(piece.raw) for piece in pieces)
    assert all(line in joined for line in text.splitlines() if "```" not in line and len(line) < 300)


async def test_the_limit_is_asked_for_only_where_it_matters(forum: FakeDiscourse) -> None:
    async with connected(forum) as connector:
        assert await Writer(connector._forum).room("short") == 30_800
        assert forum.requests == []
