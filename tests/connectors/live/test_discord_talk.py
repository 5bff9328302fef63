"""What people ask on Discord, over the wire: what arrives as a Command, and what they see of the answer."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors.records import Button, Command, Reply
from storage.database import Database
from tests.connectors.live.discord_people import Chat, chatting
from tests.fakes import discord_judge as judge
from tests.fakes import discord_shapes as shapes
from tests.fakes.discord_interactions import EPHEMERAL


@pytest.fixture
async def chat(sqlite: Database) -> AsyncIterator[Chat]:
    async with chatting(sqlite) as found:
        yield found


# --- commands -----------------------------------------------------------------------------------------------------


async def test_a_command_is_heard_and_answered_in_private(chat: Chat) -> None:
    ann, help_ = chat.ann, chat.help
    chat.fake.people[ann].roles = [shapes.HELPER_ROLE]
    one = chat.fake.talk.command(ann, "weekly", help_, {"area": "support"}, locale="es-ES")
    await chat.answered(one)
    (asked,) = chat.kept.commands
    assert asked.asker.complete
    assert (asked.asker.id, asked.asker.name, asked.asker.display_name) == (ann, "ann", "Ann")
    assert (asked.asker.roles, asked.asker.is_staff) == (("Helpers",), False)
    assert asked == Command(
        one.id, asked.asker, "weekly", {"area": "support"}, help_, None, "es-ES", None, "command"
    )
    assert one.acks == [{"type": 5, "data": {"flags": EPHEMERAL}}]
    assert [(each["content"], each["flags"]) for each in one.seen] == [("Here you are.", EPHEMERAL)]
    assert chat.fake.posted() == []
    assert chat.fake.letters.sent == []


@pytest.mark.parametrize(
    ("roles", "staff", "expected"),
    [
        ([], False, False),
        ([shapes.HELPER_ROLE], False, False),
        ([shapes.MODERATOR_ROLE], False, True),
        ([], True, True),
    ],
)
async def test_who_may_moderate_is_staff(chat: Chat, roles: list[str], staff: bool, expected: bool) -> None:
    ann = chat.fake.add_member("ann", staff=staff)
    chat.fake.people[ann].roles = roles
    await chat.answered(chat.fake.talk.command(ann, "weekly", chat.help))
    assert chat.kept.commands[0].asker.is_staff is expected


@pytest.mark.parametrize(
    ("right", "expected"), [(1 << 13, False), (1 << 3, True), (1 << 5, True), (1 << 40, True), (0, False)]
)
async def test_rights_on_the_server_make_staff_and_rights_in_one_channel_do_not(
    chat: Chat, right: int, expected: bool
) -> None:
    ann, help_ = chat.ann, chat.help
    data = {"id": "1", "name": "spaces", "type": 1, "options": [{"name": "weekly", "type": 1}]}
    member = shapes.member(chat.fake.people[ann]) | {"permissions": str(shapes.USUAL | right)}
    told = shapes.interaction(chat.fake.people[ann], chat.fake.rooms[help_], help_, shapes.GUILD)
    chat.fake.gateway.tell(
        "INTERACTION_CREATE", told | {"id": "5", "token": "t", "type": 2, "data": data, "member": member}
    )
    await chat.kept.until(lambda: chat.kept.commands)
    assert chat.kept.commands[0].asker.is_staff is expected


async def test_a_thread_and_its_channel(chat: Chat) -> None:
    ann, help_ = chat.ann, chat.help
    thread = chat.fake.open_thread(help_, ann, "Aside", "…")
    await chat.answered(chat.fake.talk.command(ann, "weekly", thread))
    assert (chat.kept.commands[0].channel_id, chat.kept.commands[0].thread_id) == (help_, thread)


async def test_an_answer_for_everybody(chat: Chat) -> None:
    ann, help_ = chat.ann, chat.help
    chat.kept.reply = Reply(
        "## Week 47\nSee @everyone and <@5>.", buttons=(Button("Why?", "explain"),), public=True
    )
    one = chat.fake.talk.command(ann, "weekly", help_, {"public": "yes"}, locale="es-419")
    await chat.fake.talk.until(lambda: one.followups)
    assert one.original is not None
    assert (one.original["content"], one.original["flags"]) == ("Todos aquí ven la respuesta.", EPHEMERAL)
    (form,) = one.followups
    assert form["content"].startswith("## Week 47\n")
    assert judge.PINGS.findall(form["content"]) == [], "not even by its words"
    assert not form["flags"]
    ((place, _, posted),) = chat.fake.posted()
    assert (place, posted["content"]) == (help_, form["content"])
    again = chat.fake.talk.press(ann, "Why?", form, help_)
    await chat.answered(again)
    assert (chat.kept.commands[-1].text, chat.kept.commands[-1].via) == ("explain", "button")


async def test_the_platforms_own_form_with_a_picture(chat: Chat) -> None:
    embed = {"title": "Week 47", "description": "numbers", "image": {"url": "attachment://spaces.png"}}
    chat.kept.reply = Reply(
        "Week 47", payload={"content": "Home", "embeds": [embed]}, picture=b"\x89PNG", alt="a chart"
    )
    ann, help_ = chat.ann, chat.help
    one = chat.fake.talk.command(ann, "weekly", help_)
    await chat.answered(one)
    assert one.original is not None
    assert one.original["embeds"] == [embed]
    assert one.original["_files"] == {"files[0]": b"\x89PNG"}
    chat.kept.reply = chat.kept.reply._replace(picture=None, public=True)
    one = chat.fake.talk.command(ann, "weekly", help_)
    await chat.fake.talk.until(lambda: one.followups)
    assert one.followups[0]["embeds"] == [{"title": "Week 47", "description": "numbers"}]


async def test_a_form_that_discord_refuses_gives_way_to_its_words(chat: Chat) -> None:
    chat.kept.reply = Reply("Week 47", payload={"embeds": [{"description": "x" * 7_000}]})
    one = chat.asks()
    await chat.answered(one)
    assert one.text == "Week 47"
    assert chat.fake.talk.wrongs == ["embeds are larger than 6000"]
    chat.fake.talk.wrongs.clear()


@pytest.mark.parametrize("embeds", [["no object"], 7, [{"description": "x" * 7_000}]])
async def test_an_answer_that_cannot_be_sent_is_a_sentence(chat: Chat, embeds: Any) -> None:
    chat.kept.reply = Reply("Week 47 " + "\ud800", payload={"embeds": embeds})
    one = await chat.answered(chat.asks())
    assert one.text.startswith("Something went wrong between Discord and me.")
    chat.fake.talk.wrongs.clear()


@pytest.mark.parametrize("public", [False, True])
async def test_a_long_answer_comes_in_parts(chat: Chat, public: bool) -> None:
    family = "👩‍👩‍👧‍👦"
    text = f"Señales\n```python\n{'x = 1  # ñandú 👍🏽' * 200}\n```\n" + f"{family} ¿qué? " * 300
    chat.kept.reply = Reply(text, public=public, buttons=(Button("More", "help"),))
    one = chat.asks()
    await chat.fake.talk.until(lambda: one.seen and one.seen[-1].get("components"))
    parts = one.seen[1:] if public else one.seen
    assert len(parts) > 3
    assert {part["flags"] for part in parts} == ({0} if public else {EPHEMERAL})
    whole = "".join(part["content"] for part in parts)
    assert all(part["content"].count("```") % 2 == 0 for part in parts)
    assert whole.count(family) == 300
    assert [bool(part.get("components")) for part in parts] == [False] * (len(parts) - 1) + [True]


async def test_saying_nothing_takes_the_sign_of_thinking_away(chat: Chat) -> None:
    chat.kept.reply = None
    one = chat.asks()
    await chat.fake.talk.until(lambda: one.deleted)
    assert one.seen == []


async def test_told_twice_it_is_one(chat: Chat) -> None:
    ann, help_ = chat.ann, chat.help
    chat.fake.double()
    one = chat.fake.talk.command(ann, "weekly", help_)
    await chat.answered(one)
    # Not by the number of the event alone: a new one, the same interaction.
    event = dict(
        next(
            told for told in chat.fake.gateway.sessions["session-1"].told if told["t"] == "INTERACTION_CREATE"
        )
    )
    chat.fake.gateway.tell(event["t"], event["d"])
    two = chat.fake.talk.command(ann, "weekly", help_)
    await chat.answered(two)
    assert [command.id for command in chat.kept.commands] == [one.id, two.id]
    assert len(one.acks) == 1
    assert [path for _, path, _ in chat.fake.requests if path.endswith("/callback")] == [
        f"/interactions/{each.id}/{each.token}/callback" for each in (one, two)
    ]
