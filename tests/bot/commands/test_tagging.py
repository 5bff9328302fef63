"""Tagging by people, as they do it: by link, by menu, by reaction; by whom it is allowed, and of what they can read."""

import pytest
from sqlalchemy import select

from bot.commands.tagging import emoji_name
from bot.settings import Roles, Tagging
from connectors.records import Button, Channel, Message, Page, Reply
from storage import ingest, population, tags
from storage.database import Database
from storage.tables import TagChange
from tests.bot.commands.room import CONFIG, SOURCES, Room, room
from tests.golden.community import AS_OF

EMOJI = CONFIG.model_copy(
    update={
        "tagging": Tagging(emoji={"💡": "product_idea", ":bug:": "bug_report", "❤️": "thanks"}),
        "roles": Roles(moderators=("team:ann", "team:kim")),
    }
)


def borne(here: Room, id_: str, source: str = "team") -> set[str]:
    with here.database.read() as session:
        return {tag.label for tag in tags.of_message(session, here.numbers[source], id_) if tag.verdict}


def trail(here: Room) -> list[tuple[str, str, bool | None, str, str]]:
    with here.database.read() as session:
        rows = session.scalars(select(TagChange).order_by(TagChange.id))
        return [(row.external_id, row.label, row.after, row.decider, row.via) for row in rows]


def tell(here: Room, *messages: Message, source: str = "team", channels: tuple[Channel, ...] = ()) -> None:
    with here.database.write() as session:
        page = Page("more", None, AS_OF, messages=messages, channels=channels)
        ingest.save(session, here.numbers[source], page)
        population.settle(session, CONFIG.policy())


SLACK = Message("C1:1774000000.000100", "general", "cat", AS_OF, "hello")
POST = Message("987", "lounge", "ben2", AS_OF, "hello", "12", url="https://forum.acme.example/t/how/12/4")


async def test_by_link_and_back(database: Database) -> None:
    async with room(database) as here:
        tell(here, SLACK)
        link = "https://acme.slack.com/archives/C1/p1774000000000100"
        reply = await here.ask("ann", f"tag <{link}|a link> IDEA!")
        assert reply == Reply(
            "1 message tagged as **Product idea**.", buttons=(Button("Undo", "tag undo 1"),)
        )
        assert borne(here, SLACK.id) == {"product_idea"}
        said = await here.said("ann", f"desetiqueta {link} idea", language="es")
        assert said == "1 mensaje ya no está etiquetado como **Idea de producto**."
        assert borne(here, SLACK.id) == set()
        assert "still tagged as **Product idea**" in await here.said("ann", "tag undo")
        assert "the program decides again" in await here.said("ann", "tag undo 1")
        assert await here.said("ann", "untag undo") == "There is nothing of yours to undo."
        assert trail(here) == [
            (SLACK.id, "product_idea", True, "team:ann", "command"),
            (SLACK.id, "product_idea", False, "team:ann", "command"),
            (SLACK.id, "product_idea", True, "team:ann", "undo"),
            (SLACK.id, "product_idea", None, "team:ann", "undo"),
        ]


@pytest.mark.parametrize(
    ("words", "label"),
    [("idea", "product_idea"), ("Product idea", "product_idea"), ("pregunta", "question"), ("fallo", "bug_report"),
     ("success story", "success_story"), ("éxito", "success_story"), ("product_idea", "product_idea"), ("contrib", "contribution")],
)  # fmt: skip
async def test_labels_in_ones_own_words(sqlite: Database, words: str, label: str) -> None:
    async with room(sqlite) as here:
        assert "1 message tagged as" in await here.said("ann", f"tag {words}", message="p3")
        assert borne(here, "p3") == {label}
        assert "1 message tagged as" in await here.said("ann", "tag", message="p3", options={"label": words})


async def test_not_and_whole_conversations(database: Database) -> None:
    async with room(database) as here:
        assert "4 messages tagged as **Event**" in await here.said("ann", "tag event thread", message="q1b")
        assert all("event" in borne(here, id_) for id_ in ("q1", "q1a", "q1b", "q1c"))
        assert "event" not in borne(here, "q2")
        assert "1 message not tagged" in await here.said("ann", "tag not event", message="q1a")
        assert "1 message tagged as" in await here.said("ann", "untag not event", message="q1a")
        for _ in range(3):
            await here.said("ann", "tag undo")
        assert not any("event" in borne(here, id_) for id_ in ("q1", "q1a", "q1b", "q1c"))


async def test_by_menu_and_button(database: Database) -> None:
    async with room(database) as here:
        said = await here.ask("ann", "tag", message="i1", options={"label": "bug_report"}, via="menu")
        assert said is not None
        assert trail(here)[-1] == ("i1", "bug_report", True, "team:ann", "menu")
        (undo,) = said.buttons
        assert "Taken back" in await here.said("ann", undo.text, via="button")
        offered = await here.ask("ann", "tag", message="i1", via="menu")
        assert offered is not None
        assert len(offered.buttons) == 5
        assert all(len(button.text) <= 90 for button in offered.buttons)
        assert "tagged as **Question**" in await here.said("ann", offered.buttons[0].text, via="button")
        # It bears two labels: which one is not said.
        assert "What is it?" in await here.said("ann", "untag", message="i1")
        assert "not tagged as **Bug report** any more" in await here.said("ann", "untag", message="b1")


async def test_wrong_words_get_the_right_ones(database: Database) -> None:
    async with room(database) as here:
        assert await here.said("ann", "tag ideea", message="i1") == (
            "There is no label “ideea”. Did you mean “Product idea”?"
        )
        assert "There are: `question`" in await here.said("ann", "tag xyzzy", message="i1")
        assert "There is no label “nonsense”" in await here.said("ann", "tag idea nonsense", message="i1")
        assert "Say which message, by its link" in await here.said("ann", "tag idea")
        assert trail(here) == []


async def test_what_cannot_be_read_and_what_is_not_there_look_alike(database: Database) -> None:
    hidden = Message("C9:1774000000.000300", "secret", "cat", AS_OF, "hidden")
    gone = "https://acme.slack.com/archives/C9/p1774000000000999"
    async with room(database) as here:
        tell(here, hidden, SLACK)
        link = "https://acme.slack.com/archives/C9/p1774000000000300"
        answers = {
            await here.said("ann", f"{command} {which}")
            for which in (f"{link} idea", f"{gone} idea", "https://acme.slack.com/x idea", "https://[x idea", "message=q7 idea",
                          "message=nowhere idea", f"{link} thread idea", f"not {link} idea", f"{link}")
            for command in ("tag", "untag")
        }  # fmt: skip
        assert answers == {"I cannot find that message."}
        assert trail(here) == []
        # She is there, or the platform says that she can read it.
        assert "1 message tagged" in await here.said("ann", f"tag {link} bug", channel_id="secret")
        here.village.readers["secret"] = {"ann"}
        here.forget()
        assert "1 message tagged" in await here.said("ann", f"tag {link} idea")


async def test_another_sources_messages_only_if_it_is_open(database: Database) -> None:
    link = "https://forum.acme.example/t/how/12/4"
    async with room(database) as here:
        tell(here, POST, source="forum")
        assert await here.said("ann", f"tag {link} idea") == "I cannot find that message."
        opened = SOURCES | {"forum": SOURCES["forum"].model_copy(update={"open": True})}
        here.desk.config = CONFIG.model_copy(update={"sources": opened})
        assert "1 message tagged" in await here.said("ann", f"tag {link} idea")
        assert borne(here, "987", "forum") == {"product_idea"}
        assert (
            await here.said("ann", "tag https://forum.acme.example/t/how/12/5 idea")
            == "I cannot find that message."
        )
        assert (
            await here.said("ann", "tag https://other.example/t/how/12/4 idea")
            == "I cannot find that message."
        )
        assert "1 message tagged" in await here.said("ann", "tag https://forum.acme.example/p/987 bug")


async def test_at_the_terminal_everything_is_read(database: Database) -> None:
    async with room(database) as here:
        tell(here, POST, source="forum")
        reply = await here.desk.answer_operator(
            "terminal:ann", "tag https://forum.acme.example/t/how/12/4 idea", {}
        )
        assert reply is not None
        assert trail(here) == [("987", "product_idea", True, "terminal:ann", "terminal")]


async def react(here: Room, who: str, emoji: str, message: str = "q1a", *, put: bool = True) -> str | None:
    text = f"{'tag' if put else 'untag'} {emoji}"
    reply = await here.ask(who, text, via="emoji", message=message, channel_id="general")
    assert reply is None or not reply.public
    return reply.text if reply else None


async def test_a_moderators_reaction_tags(database: Database) -> None:
    async with room(database, EMOJI) as here:
        assert "tagged as **Product idea**" in str(await react(here, "ann", "💡"))
        assert await react(here, "ann", "💡") is None  # told twice
        assert borne(here, "q1a") == {"product_idea"}
        assert "Product idea" in str(await react(here, "ann", "💡", put=False))
        assert await react(here, "ann", "💡", put=False) is None
        assert borne(here, "q1a") == set()
        assert "Bug report" in str(await react(here, "ann", "bug"))
        assert "Thanks" in str(await react(here, "ann", "❤"))
        assert [row[-1] for row in trail(here)] == ["emoji", "unreact", "emoji", "emoji"]


async def test_reactions_that_mean_nothing_are_met_with_silence(database: Database) -> None:
    async with room(database, EMOJI) as here:
        assert await react(here, "cat", "💡") is None  # without the right
        assert await react(here, "ned", "💡") is None  # closed
        assert await react(here, "robot", "💡") is None
        assert await react(here, "ann", "🎉") is None
        assert await react(here, "ann", "💡", "nowhere") is None
        assert await react(here, "ann", "💡", "q7") is None  # private
        assert await here.ask("ann", "tag", via="emoji", message="q1") is None
        assert await here.ask("ann", "nonsense", via="emoji", message="q1") is None
        assert await here.ask("ann", "tag 💡", via="emoji") is None
        assert trail(here) == []


async def test_two_moderators_by_reaction(database: Database) -> None:
    async with room(database, EMOJI) as here:
        await react(here, "ann", "💡")
        await react(here, "kim", "💡")
        assert "Your reaction is gone" in str(await react(here, "ann", "💡", put=False))
        assert borne(here, "q1a") == {"product_idea"}  # kim's stands
        await here.said("ann", "untag idea", message="q1a")
        assert borne(here, "q1a") == set()  # the later wins
        await react(here, "kim", "💡", put=False)
        assert borne(here, "q1a") == set()  # ann's stands
        assert [(row[3], row[2], row[4]) for row in trail(here)] == [
            ("team:ann", True, "emoji"), ("team:kim", True, "emoji"), ("team:ann", True, "unreact"),
            ("team:ann", False, "command"), ("team:kim", False, "unreact"),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("💡", ":💡:"),
        ("bulb", ":bulb:"),
        ("+1", ":+1::skin-tone-3:"),
        ("👍🏽", "👍"),
        ("❤️", "❤"),
        ("Idea", "idea"),
    ],
)
def test_one_emoji_however_it_is_written(one: str, other: str) -> None:
    assert emoji_name(one) == emoji_name(other)


async def test_what_a_person_said_is_in_the_digest_at_once(database: Database) -> None:
    async with room(database) as here:
        assert "**Product ideas** | **2**" in await here.said("cat", "weekly")
        await here.said("ann", "tag idea", message="q1a")
        assert "**Product ideas** | **3**" in await here.said("cat", "weekly")
