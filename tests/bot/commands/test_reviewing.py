"""Yes or no to labels, one after the other: who is asked what, and what becomes of the answers."""

from datetime import timedelta
from json import loads
from typing import Any

from sqlalchemy import delete

from bot.app import community_at, digest_of
from bot.digest.render import json, markdown
from bot.digest.spoken import speak
from bot.spaces.window import Period, last_closed
from connectors.records import Message, Reply
from storage import decisions, reviews, tags
from storage.database import Database
from storage.tables import Tag
from storage.tags import MachineTag
from tests.bot.commands.room import CONFIG, Room, room
from tests.bot.commands.test_tagging import tell, trail
from tests.golden.community import AS_OF, MADRID

NOTHING = "Nothing waits for you."


def guess(here: Room, *given: tuple[str, str, str]) -> None:
    """The machine's labels, (message, label, decided by), and no others."""
    with here.database.write() as session:
        session.execute(delete(Tag))
        for id_, label, decided_by in given:
            found = [MachineTag(id_, label, decided_by, "by its words", 0.42)]
            tags.replace(session, here.numbers["team"], [id_], found)


def said(here: Room, id_: str, label: str) -> tuple[bool, str] | None:
    with here.database.read() as session:
        found = {tag.label: tag for tag in tags.of_message(session, here.numbers["team"], id_)}
        return (found[label].verdict, found[label].decided_by) if label in found else None


async def ask(here: Room, text: str = "review", who: str = "ann", **more: Any) -> Reply:
    reply = await here.ask(who, text, **more)
    assert reply is not None
    return reply


async def test_one_after_the_other(database: Database) -> None:
    async with room(database) as here:
        tell(
            here,
            Message("u1", "general", "cat", AS_OF - timedelta(hours=2), "an *older* one"),
            Message("u2", "general", "ben", AS_OF - timedelta(hours=1), "a newer one", url="https://acme.example/2"),
        )  # fmt: skip
        guess(here, ("u1", "question", "unsure"), ("u2", "product_idea", "unsure"), ("q1", "thanks", "rules"))
        shown = {}
        reply = await ask(here)
        while reply.text != NOTHING:  # skipping shows each once
            assert not reply.public
            yes, no, skip = reply.buttons
            assert (yes.title, no.title, skip.title) == ("Yes", "No", "Skip")
            shown[yes.text.split()[2]] = reply
            reply = await ask(here, skip.text)
        assert shown.keys() == {"question", "product_idea", "thanks"}
        assert (
            shown["product_idea"].text
            == "**Is this “Product idea”?** (I am 42% sure)\n\n> [a newer one](https://acme.example/2)"
        )
        assert shown["thanks"].text.startswith("**Is this “Thanks”?** (I tagged it so; drawn at random)")
        await ask(here, shown["product_idea"].buttons[0].text)
        last = await ask(here, shown["thanks"].buttons[1].text.rpartition(" ")[0])
        assert last.text.startswith("Noted. **Is this “Question”?**")
        assert "older" in last.text
        assert (await ask(here)).text == last.text.removeprefix("Noted. ")
        assert said(here, "u2", "product_idea") == (True, "moderator")
        assert said(here, "q1", "thanks") == (False, "moderator")
        assert trail(here) == [
            ("u2", "product_idea", True, "team:ann", "review"), ("q1", "thanks", False, "team:ann", "audit"),
        ]  # fmt: skip


async def test_in_spanish_and_in_ones_own_words(sqlite: Database) -> None:
    async with room(sqlite) as here:
        guess(here, ("q1", "question", "unsure"))
        asked = await ask(here, "revisa", language="es")
        assert asked.text.startswith("**¿Es esto «Pregunta»?** (estoy seguro al 42%)")
        assert [button.title for button in asked.buttons] == ["Sí", "No", "Saltar"]
        assert (
            await ask(here, "revisa sí pregunta", language="es", message="q1")
        ).text == "Anotado. No hay nada pendiente."
        assert said(here, "q1", "question") == (True, "moderator")


async def test_the_number_of_a_message_is_no_place_in_the_queue(sqlite: Database) -> None:
    async with room(sqlite) as here:
        tell(
            here,
            Message("4711", "general", "cat", AS_OF, "one"),
            Message("4712", "general", "cat", AS_OF, "two"),
        )
        guess(here, ("4711", "question", "unsure"), ("4712", "question", "unsure"))
        reply = await ask(here, "review yes question message=4711")
        assert reply.text.startswith("Noted. **Is this “Question”?**")
        assert said(here, "4711", "question") == (True, "moderator")


async def test_an_answer_to_nothing_is_told_so(sqlite: Database) -> None:
    async with room(sqlite) as here:
        guess(here, ("q1", "question", "unsure"))
        wrong = "Say yes or no to a message that I showed you: `/spaces review`"
        assert (await ask(here, "review yes")).text == wrong
        assert (await ask(here, "review no question")).text == wrong
        assert (await ask(here, "review yes message=q1")).text == wrong
        assert (await ask(here, "review yes question message=nowhere")).text == "I cannot find that message."
        assert trail(here) == []


async def test_only_by_those_who_may_tag_and_of_what_they_can_read(database: Database) -> None:
    async with room(database) as here:
        tell(here, Message("h1", "secret", "cat", AS_OF, "hidden"))
        guess(here, ("h1", "question", "unsure"), ("q2", "question", "unsure"))
        assert "with the right “tag”" in (await ask(here, who="cat")).text
        assert "hidden" not in (await ask(here)).text
        assert (await ask(here, "review yes question message=h1 0")).text == "I cannot find that message."
        assert trail(here) == []


async def test_what_was_checked_at_random_is_measured_and_told_to_staff(database: Database) -> None:
    week = last_closed(Period.WEEKLY, AS_OF, MADRID)
    async with room(database) as here:
        checked = ("q1", "q2", "q3", "q4", "p1", "o2")
        guess(here, *((id_, "question", "model") for id_ in checked), ("i1", "product_idea", "model"))
        for number, id_ in enumerate(checked):
            await ask(here, f"review {'no' if number < 2 else 'yes'} question message={id_} audit 0")
        await ask(here, "review yes product_idea message=i1 audit 0")  # one says nothing yet
        await ask(here, "review yes thanks message=q1 0")  # not drawn at random
        with here.database.read() as session:
            assert list(reviews.measured(session)) == [("product_idea", 1, 1), ("question", 4, 6)]
            assert list(reviews.measured(session, AS_OF + timedelta(days=1))) == []
            digest = digest_of(community_at(session, CONFIG, AS_OF), CONFIG, week)
        assert (
            "Tags found right by people who checked some at random: Question 4 of 6."
            in speak(digest, "en").made
        )
        assert "Pregunta 4 de 6" in markdown.render(digest, "es")
        assert loads(json.render(digest, "en"))["measured"] == {"question": {"right": 4, "asked": 6}}
        with here.database.write() as session:  # taken back, it says nothing any more
            decisions.undo(session, "team:ann")
            decisions.undo(session, "team:ann")
            decisions.undo(session, "team:ann")
            assert list(reviews.measured(session)) == [("question", 3, 5)]
