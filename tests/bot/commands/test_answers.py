"""Each command as people meet it: short, in their language, in the form of their platform."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import select, update

from bot.commands.registry import COMMANDS
from bot.digest.render import fitting
from bot.schedules.settings import Schedule
from bot.settings import Community, Recognition
from bot.spaces.catalogue import METRICS
from bot.spaces.model import Area
from connectors import records
from connectors.records import Button, Reply
from storage import digests, people, posts
from storage.database import Database
from storage.tables import Member, OptOut, Post
from tests.bot.commands.room import CONFIG, Room, room

PERIODS = ("daily", "weekly", "monthly", "quarterly")


async def reply(here: Room, who: str, text: str, **command: Any) -> Reply:
    found = await here.ask(who, text, **command)
    assert found is not None
    assert "Something went wrong" not in found.text
    return found


@pytest.mark.parametrize("language", ["en", "es"])
async def test_every_command_answers_everybody(database: Database, language: str) -> None:
    async with room(database) as here:
        for entry in COMMANDS:
            for who in ("ann", "dan", "cat", "stranger"):
                for text in (entry.name, f"{entry.called(language)} {entry.example}".strip()):
                    found = await reply(here, who, text, language=language, channel_id="general")
                    assert found.text.strip(), text
                    assert not found.public
                    assert len(found.buttons) <= 5
                    assert all(len(button.text) <= 90 and button.title for button in found.buttons)


@pytest.mark.parametrize("period", PERIODS)
async def test_a_digest_is_short_and_in_the_platforms_form(database: Database, period: str) -> None:
    async with room(database) as here:
        brief, full = await reply(here, "ann", period), await reply(here, "ann", f"{period} full")
        assert len(brief.text) < len(full.text)
        assert brief.payload is not None
        assert {block["type"] for block in brief.payload["blocks"]} <= {"header", "section", "context"}
        assert fitting.size(orjson.dumps(brief.payload).decode()) < 12_000
        assert brief.buttons == (
            Button("Unanswered", f"unanswered {period}"), Button("Ideas", f"ideas {period}"), Button("Explain", "explain"),
        )  # fmt: skip
        assert (await reply(here, "ben2", period, source="forum")).payload is None
        for button in brief.buttons:
            await reply(here, "ann", button.text, via="button")


@pytest.mark.parametrize("area", list(Area))
async def test_an_area_has_all_its_numbers_and_its_lists_only(database: Database, area: Area) -> None:
    async with room(database) as here:
        found = await reply(here, "ann", area.value)
        assert found.text == (await reply(here, "ann", f"weekly {area.value}")).text
        titles = {metric.title for metric in METRICS.values() if metric.area is area}
        others = {metric.title for metric in METRICS.values()} - titles
        assert all(f"{title}" in found.text for title in titles)
        assert not any(f"| {title} |" in found.text or f"**{title}**" in found.text for title in others)
        assert ("text of q2" in found.text) is (area is Area.SUPPORT)
        assert ("text of i1" in found.text) is (area is Area.PRODUCT)


async def test_whoever_may_not_quote_gets_the_numbers(database: Database) -> None:
    async with room(database) as here:
        said = (await reply(here, "cat", "weekly full")).text
        assert "**3 of 4**" in said
        assert "text of" not in said
        assert "example.org" not in said
        assert "People to thank" not in said
        assert "Internal engagement" not in said
        assert "Internal engagement" in (await reply(here, "ann", "weekly full")).text
        assert "for staff only" in await here.said("cat", "explain internal_engagement")
        assert "1 question since 23 March waits" in await here.said("cat", "unanswered")
        assert "2 ideas since 23 March" in await here.said("cat", "ideas")
        assert "Names are for people with the right “quote”" in await here.said("cat", "top")


async def test_the_language_is_the_askers_or_as_they_wish(database: Database) -> None:
    spanish = CONFIG.model_copy(update={"community": Community(language="es", timezone="Europe/Madrid")})
    async with room(database, spanish) as here:
        assert "Semana del 23" in await here.said("cat", "weekly")
        assert "Week of 23" in await here.said("cat", "weekly", language="en-GB")
        assert "Semana del 23" in await here.said("cat", "weekly", language="fr")
        assert "Semana del 23" in await here.said("cat", "weekly español", language="en")
        assert "Preguntas respondidas" in await here.said("cat", "explica respondidas")


async def test_lists(database: Database) -> None:
    async with room(database) as here:
        assert await here.said("ann", "unanswered") == (
            "**1 question since 23 March waits for an answer.**\n\n"
            "- [text of q2](https://example.org/q2) — Cat in \\#general, 6 days ago"
        )
        ideas = await here.said("dan", "ideas")
        assert ideas.index("text of i1") < ideas.index("text of i2")
        assert "2 people, 3 reactions" in ideas
        top = await here.said("dan", "top")
        assert [line.split("**")[1] for line in top.splitlines()[2:]] == ["Ann", "Ben", "Dan", "Kim", "Cat"]
        assert "Every question since 29 March has an answer" in await here.said("ann", "unanswered daily")
        assert "No ideas since 29 March" in await here.said("ann", "ideas ayer")
        assert "Nobody yet." in await here.said("ann", "top monthly")


async def test_lists_shown_to_all(database: Database) -> None:
    async with room(database) as here:
        for text in ("unanswered", "ideas", "top", "weekly", "support", "explain questions"):
            assert (await reply(here, "dan", f"{text} public", channel_id="general")).public


# --- explain --------------------------------------------------------------------------------------------------------


async def test_explain_gives_the_contract_and_what_can_be_read(database: Database) -> None:
    async with room(database) as here:
        said = await here.said("dan", "explain questions answered")
        assert said.startswith("**Questions answered: 3 of 4** (Week of 23–29 March 2026)")
        for part in ("- 1 still open", "What it counts: Of the members' questions", "Formula from: CMX SPACES", "Answer time: 7 days",
                     "[text of q1](https://example.org/q1) — Ben in \\#general"):  # fmt: skip
            assert part in said
        assert "example.org" not in await here.said("cat", "explain questions answered")
        assert "**Questions: " in await here.said("cat", "explain questions monthly")
        assert await here.said("cat", "explain stikyness") == (
            "There is no number “stikyness”. Did you mean `/spaces explain stickiness`?"
        )
        assert "lists them all" in await here.said("cat", "explain xyzzy")
        every = await here.said("cat", "explain")
        assert all(metric.title in every for metric in METRICS.values())


async def test_every_number_is_explained_by_name_and_title(sqlite: Database) -> None:
    async with room(sqlite) as here:
        for name, metric in METRICS.items():
            by_name = await here.said("ann", "explain", options={"metric": name})
            assert f"**{metric.title}:" in by_name.replace("\\", "")
            by_title = await here.said("ann", f"explain {metric.title.upper()}?")
            assert by_title.split("\n")[:3] == by_name.split("\n")[:3]


# --- me -------------------------------------------------------------------------------------------------------------


async def test_me(database: Database) -> None:
    async with room(database) as here:
        assert await here.said("ben", "me") == (
            "- You are: team:ben (Ben), forum:ben2 (Benito) and forum:herald.\n"
            "- In the last 30 days you wrote: 5 messages, 2 questions, 1 answer, 1 thank-you.\n"
            "- You may be named among the people to thank."
        )
        assert "I know nothing of you yet." in await here.said("stranger", "me")
        assert "Ann" not in await here.said("ben", "me")


async def test_whoever_wants_is_not_named(database: Database) -> None:
    async with room(database) as here:
        assert "**Ben**" in await here.said("ann", "top")
        hidden = await reply(here, "ben2", "me hide", source="forum")  # another account of his
        assert "You are never named" in hidden.text
        (again,) = hidden.buttons
        for text in ("top", "weekly full"):
            assert "**Ben**" not in await here.said("ann", text)
        assert "You are never named" in await here.said("ben", "yo ocultar")
        assert "You may be named" in (await reply(here, "ben", again.text, via="button")).text
        assert "**Ben**" in await here.said("ann", "top")
        with database.read() as session:
            assert session.scalars(select(OptOut)).all() == []
        await here.said("stranger", "me hide")
        assert "You are never named" not in await here.said("cat", "me")


async def test_a_merge_later_takes_the_wish_along(database: Database) -> None:
    async with room(database) as here:
        await here.said("cat", "me hide")
        with database.write() as session:
            team = here.numbers["team"]
            people.merge(session, [f"{team}:cat", f"{team}:dan"], "", "test")
            session.execute(update(Member).where(Member.standing.is_(None)).values(standing="member"))
        here.forget()
        assert "**Dan**" not in await here.said("ann", "top")


async def test_the_operators_word_stands(database: Database) -> None:
    config = CONFIG.model_copy(update={"recognition": Recognition(opt_out=("team:ben",))})
    async with room(database, config) as here:
        said = await reply(here, "ben", "me show")
        assert "Whoever runs this has decided" in said.text
        assert said.buttons == ()
        assert "**Ben**" not in await here.said("ann", "top")


# --- status, help, posting ------------------------------------------------------------------------------------------


async def test_status_is_short_for_most(database: Database) -> None:
    async with room(database) as here:
        assert (await here.said("cat", "status")).startswith("All is well. As of 30 March 2026")
        full = await here.said("ann", "estado")
        assert "**team** (slack): 42 messages" in full
        assert "**forum**" in full


async def test_operators_are_told_of_schedules_that_wait(database: Database) -> None:
    schedule = Schedule.model_validate(
        {"source": "team", "channel": "C9", "period": "weekly", "time": "09:00"}
    )
    config = CONFIG.model_copy(update={"schedules": {"news": schedule}})
    async with room(database, config) as here:
        assert "Schedule" not in await here.said("ann", "status")
        with database.write() as session:
            due = datetime(2026, 3, 30, 5, tzinfo=UTC)
            decision = digests.Decision("news weekly", date(2026, 3, 23), due, due)
            digests.decide(session, decision, records.Post("", "news", ""), digests.Target(1, "C9", "news"))
            session.execute(update(Post).values(state=posts.FAILED, why="Invite the bot to #leads."))
        said = await here.said("ann", "status")
        assert said.endswith(
            "- Schedule **news**: the digest of 23 March 2026 could not be posted. In the terminal `spaces status` says why."
        )
        assert "no se pudo publicar" in await here.said("ann", "estado", language="es")
        assert "leads" not in said
        assert "Schedule" not in await here.said("cat", "status")


async def test_help_tells_of_what_the_asker_may(database: Database) -> None:
    async with room(database) as here:
        assert "`/spaces tag`" in await here.said("ann", "help")
        assert "`/spaces tag`" not in await here.said("cat", "help")
        assert "`@spaces weekly`" in await here.said("ben2", "help", source="forum")
        record = await here.said("cat", "help record")
        assert record.startswith('`/spaces record attendance 40/55 "Spring meetup" 2026-05-03`')
        assert "*when*" in record
        assert "`/spaces anota" in await here.said("cat", "ayuda registra", language="es")
        assert "There is no command “xyzzy”" in await here.said("cat", "help xyzzy")


async def test_a_digest_is_posted_here_once(database: Database) -> None:
    async with room(database) as here:
        assert (
            await here.said("dan", "digest weekly", channel_id="general")
            == "The digest will be here in a moment."
        )
        for who in ("dan", "ann"):
            said = await here.said(who, "resumen semanal", channel_id="general")
            assert said == "This digest is waiting to be posted here already."
        with database.write() as session:
            (post,) = session.scalars(select(Post)).all()
            assert (post.place, post.state) == ("general", posts.INTENDED)
            assert post.picture is not None
            assert post.picture.startswith(b"\x89PNG")
            content = orjson.loads(post.content)
            assert "Our community: Week of 23–29 March 2026" in content["title"]
            assert content["payload"]["blocks"]
            assert "text of q2" in content["text"]
            assert len(content["buttons"]) == 3
            claimed = posts.claim(session, here.numbers["team"], "me", timedelta(seconds=9))
            assert claimed is not None
            assert claimed.post.buttons[0] == Button("Unanswered", "unanswered weekly")
            posts.settle(session, source_id=here.numbers["team"], owner="me", claimed=claimed, state=posts.SENT,
                         external_id="p1", why=None, retry_at=None)  # fmt: skip
        assert "This digest was posted here already, on" in await here.said(
            "dan", "digest weekly", channel_id="general"
        )
        # Elsewhere, of another time, area or language it is another one.
        for text, where in (("digest weekly", {"channel_id": "general", "thread_id": "t"}), ("digest monthly", {"channel_id": "general"}),
                            ("digest weekly support", {"channel_id": "general"}), ("digest weekly es", {"channel_id": "general"})):  # fmt: skip
            assert "in a moment" in await here.said("dan", text, **where)
        assert "I can post a digest in a channel only" in await here.said("dan", "digest weekly")
        assert "right “publish”" in await here.said("cat", "digest weekly", channel_id="general")
