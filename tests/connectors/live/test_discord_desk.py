"""The whole way on Discord: from what people do to what is stored and what each of them sees, on both databases."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from bot.commands.desk import Desk
from bot.live.metrics import Metrics
from bot.live.supervisor import Service, Supervisor
from bot.live.writer import Writer
from bot.settings import Config, Run, Source, Tagging
from bot.settle import Silent, settle
from storage import tables, tags
from storage.database import Database
from tests.fakes import discord_shapes as shapes
from tests.fakes.discord import FakeDiscord
from tests.fakes.discord_interactions import Interaction

PATIENCE = 10
SECRET, OPEN = "How do we price the secret rocket?", "How do I bake bread in a cold oven?"


@dataclass
class Home:
    """One server with a public channel and one for leads, and everything that `spaces run` does for it."""

    fake: FakeDiscord
    database: Database
    config: Config
    help: str
    leads: str
    ann: str
    lead: str
    """Moderates, and reads what the leads write."""
    moderator: str
    """Moderates, and does not."""

    async def until(self, fact: Callable[[], Any]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not fact():  # noqa: ASYNC110 - the database sets no event
                await asyncio.sleep(0.01)

    async def sees(
        self, member: str, name: str, channel: str, options: dict[str, str] | None = None
    ) -> Interaction:
        one = self.fake.talk.command(member, name, channel, options)
        await self.until(lambda: one.acks and not one.thinks and one.seen)
        return one

    def tags(self, message: str) -> dict[str, tuple[bool, str | None]]:
        """What people decided of a message: label -> verdict, and who."""
        with self.database.read() as session:
            rows = session.scalars(
                select(tables.Tag).where(
                    tables.Tag.external_id == message, tables.Tag.decided_by == tags.MODERATOR
                )
            )
            return {row.label: (row.verdict, row.decider) for row in rows}


@pytest.fixture
async def home(database: Database) -> AsyncIterator[Home]:
    fake = FakeDiscord()
    await fake.start()
    help_, leads = fake.add_channel("help"), fake.add_channel("leads", private=True)
    fake.allow(leads)
    read = {"type": 0, "allow": str(shapes.VIEW | shapes.HISTORY), "deny": "0"}
    fake.rooms[leads].exceptions = [read | {"id": shapes.HELPER_ROLE}]
    people = [fake.add_member(name) for name in ("ann", "lead", "moderator")]
    fake.people[people[1]].roles = [shapes.MODERATOR_ROLE, shapes.HELPER_ROLE]
    fake.people[people[2]].roles = [shapes.MODERATOR_ROLE]
    source = Source(**fake.settings | {"include": ("leads",)})
    config = Config(sources={"chat": source}, tagging=Tagging(emoji={"💡": "product_idea"}))
    home = Home(fake, database, config, help_, leads, *people)
    secret, asked = fake.say(leads, home.ann, SECRET), fake.say(help_, home.ann, OPEN)
    async with Writer(database) as writer:
        run = Run(port=0, sweep_hours=0, lease_seconds=0.6)
        service = Service(database, writer, Metrics(), Desk(database, writer, config), "test", run)
        task = asyncio.create_task(Supervisor("chat", source, fake.secrets, service).serve())
        try:
            await home.until(lambda: {secret, asked} <= _stored(database) and fake.talk.commands)
            await asyncio.to_thread(settle, database, config, Silent())
            yield home
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await fake.stop()
    assert fake.talk.pings == []
    assert fake.talk.wrongs == []


def _stored(database: Database) -> set[str]:
    with database.read() as session:
        return set(session.scalars(select(tables.Message.external_id)))


# --- nobody sees what is not for them -----------------------------------------------------------------------------


async def test_what_a_private_channel_says_reaches_its_readers_alone(home: Home) -> None:
    reader, other = (
        await home.sees(home.lead, "unanswered", home.help),
        await home.sees(home.moderator, "unanswered", home.help),
    )
    member = await home.sees(home.ann, "unanswered", home.help)
    assert "rocket" in reader.text
    assert "bread" in reader.text
    assert "rocket" not in other.text
    assert "bread" in other.text
    assert "rocket" not in member.text
    assert "bread" not in member.text, "members without the right see numbers"
    assert {form["flags"] for one in (reader, other, member) for form in one.seen} == {64}


async def test_an_answer_for_everybody_says_what_everybody_there_may_read(home: Home) -> None:
    here = await home.sees(home.lead, "unanswered", home.help, {"public": "yes"})
    there = await home.sees(home.lead, "unanswered", home.leads, {"public": "yes"})
    await home.until(lambda: here.followups and there.followups)
    assert "rocket" not in here.text
    assert "bread" in here.text
    assert "rocket" in there.text
    home.fake.say(home.help, home.lead, f"<@{shapes.BOT}> unanswered")
    await home.until(lambda: home.fake.letters.to(home.lead))
    assert "rocket" in home.fake.letters.to(home.lead)[0]
    home.fake.say(home.help, home.lead, f"<@{shapes.BOT}> unanswered public")
    await home.until(lambda: len(home.fake.posted()) == 3)
    shown = [str(form["content"]) for place, _, form in home.fake.posted() if place == home.help]
    assert len(shown) == 2
    assert not any("rocket" in text for text in shown)


async def test_late_answers_stay_private(home: Home) -> None:
    one = home.fake.talk.command(home.lead, "unanswered", home.help)
    one.late = True
    await home.until(lambda: home.fake.letters.to(home.lead))
    assert "rocket" in home.fake.letters.to(home.lead)[0]
    assert home.fake.posted() == []


# --- tagging ------------------------------------------------------------------------------------------------------


async def test_a_moderator_tags_from_the_menu_and_takes_it_back(home: Home) -> None:
    fake = home.fake
    said = fake.say(home.help, home.ann, "It should fly.")
    question = fake.talk.menu(home.moderator, said, locale="es-ES")
    await home.until(lambda: question.acks)
    await home.until(lambda: said in _stored(home.database))
    chosen = fake.talk.choose(home.moderator, "product_idea", question)
    await home.until(lambda: home.tags(said) == {"product_idea": (True, f"chat:{home.moderator}")})
    await home.until(lambda: "**" in chosen.text)
    assert chosen.original is not None
    undone = fake.talk.press(home.moderator, "Undo", chosen.original, home.help)
    await home.until(lambda: undone.acks and not undone.thinks)
    assert home.tags(said) == {}


async def test_labels_are_reviewed_by_buttons(home: Home) -> None:
    """Each is asked about what they can read, whoever moderates; one press decides, and the next is asked."""
    fake = home.fake
    (asked,) = (id_ for id_, said in fake.standing().items() if said.text == OPEN)
    refused = await home.sees(home.ann, "review", home.help)
    assert "right" in refused.text
    one = await home.sees(home.moderator, "review", home.help)
    assert "bread" in one.text
    assert "rocket" not in one.text
    assert one.original is not None
    pressed = fake.talk.press(home.moderator, "Yes", one.original, home.help)
    await home.until(lambda: (True, f"chat:{home.moderator}") in home.tags(asked).values())
    await home.until(lambda: pressed.acks and not pressed.thinks and pressed.seen)
    assert "rocket" not in pressed.text


async def test_a_member_may_not_tag(home: Home) -> None:
    fake = home.fake
    said = fake.say(home.help, home.ann, "It should fly.")
    await home.until(lambda: said in _stored(home.database))
    question = fake.talk.menu(home.ann, said)
    await home.until(lambda: question.acks)
    chosen = fake.talk.choose(home.ann, "product_idea", question)
    await home.until(lambda: chosen.original and "right" in chosen.original["content"])
    fake.react(said, "💡", home.ann)
    fake.react(said, "💡", home.moderator)
    await home.until(lambda: fake.letters.to(home.moderator))
    assert home.tags(said) == {"product_idea": (True, f"chat:{home.moderator}")}
    assert fake.letters.to(home.ann) == []


async def test_a_reaction_tags_and_taking_it_away_untags(home: Home) -> None:
    fake = home.fake
    said = fake.say(home.help, home.ann, "It should fly.")
    await home.until(lambda: said in _stored(home.database))
    fake.react(said, "💡", home.moderator)
    await home.until(lambda: home.tags(said) == {"product_idea": (True, f"chat:{home.moderator}")})
    fake.unreact(said, "💡", home.moderator)
    await home.until(lambda: home.tags(said).get("product_idea", (False,))[0] is False)
    assert fake.posted() == []


async def test_the_same_interaction_twice_is_one_decision(home: Home) -> None:
    fake = home.fake
    said = fake.say(home.help, home.ann, "It should fly.")
    await home.until(lambda: said in _stored(home.database))
    question = fake.talk.menu(home.moderator, said)
    await home.until(lambda: question.acks)
    fake.double()
    chosen = fake.talk.choose(home.moderator, "product_idea", question)
    event = next(
        each for each in fake.gateway.sessions["session-1"].told[::-1] if each["t"] == "INTERACTION_CREATE"
    )
    fake.gateway.tell(event["t"], event["d"])
    await home.until(lambda: "**" in chosen.text)
    with home.database.read() as session:
        assert len(session.scalars(select(tables.TagChange)).all()) == 1


async def test_a_digest_comes_in_discords_own_form(home: Home) -> None:
    one = await home.sees(home.moderator, "weekly", home.help)
    assert one.original is not None
    assert one.original["embeds"][0]["title"]
    spanish = home.fake.talk.command(home.ann, "daily", home.help, locale="es-419")
    await home.until(lambda: spanish.original)
    assert spanish.original is not None
    assert spanish.original["embeds"][0]["title"] != one.original["embeds"][0]["title"]
    typing = home.fake.talk.command(home.ann, "explain", home.help, {"metric": "unansw"}, focus="metric")
    await home.until(lambda: typing.acks)
    assert "unanswered_questions" in {choice["value"] for choice in typing.choices}
