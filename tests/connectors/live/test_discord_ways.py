"""Other ways to the bot on Discord: several servers, direct messages, mentions, menus on messages, reactions."""

from collections.abc import AsyncIterator

import pytest

from connectors.records import Button, Command, Reply
from storage.database import Database
from tests.connectors.live.discord_people import Chat, chatting
from tests.fakes import discord_shapes as shapes
from tests.fakes.discord_interactions import EPHEMERAL


@pytest.fixture
async def chat(sqlite: Database) -> AsyncIterator[Chat]:
    async with chatting(sqlite) as found:
        yield found


# --- several servers, direct messages -----------------------------------------------------------------------------


async def test_several_servers(sqlite: Database) -> None:
    async with chatting(sqlite, shapes.OTHER, server="") as chat:
        fake, ann = chat.fake, chat.ann
        fake.people[ann].elsewhere = True
        fake.people[ann].roles = [shapes.HELPER_ROLE]
        await chat.answered(chat.asks())
        await chat.answered(fake.talk.command(ann, "weekly", "77", guild=shapes.OTHER))
        fake.letters.write(ann, "weekly")
        await chat.kept.until(lambda: len(chat.kept.commands) == 3)
    roles = [command.asker.roles for command in chat.kept.commands]
    assert roles == [("Helpers",), ("Chefs",), ("Helpers", "Chefs")]


async def test_another_server_is_none_of_ours(chat: Chat) -> None:
    ann, help_ = chat.ann, chat.help
    data = {"name": "spaces", "options": [{"name": "weekly", "type": 1}]}
    other = chat.fake.talk.tell(2, ann, "77", data, guild=shapes.OTHER)
    await chat.answered(chat.fake.talk.command(ann, "weekly", help_))
    assert other.acks == []
    assert shapes.OTHER not in chat.fake.talk.commands


async def test_a_direct_message_is_answered_there(chat: Chat) -> None:
    ann = chat.ann
    chat.fake.people[ann].roles = [shapes.MODERATOR_ROLE]
    chat.kept.reply = Reply("For you.", public=True, buttons=(Button("Undo", "undo 7"),))
    id_ = chat.fake.letters.write(ann, "  weekly support ")
    await chat.fake.talk.until(lambda: chat.fake.letters.to(ann))
    (asked,) = chat.kept.commands
    assert asked.asker.is_staff
    assert asked == Command(id_, asked.asker, "weekly support", via="mention")
    (_, form), = chat.fake.letters.sent  # fmt: skip
    one = chat.fake.talk.press(ann, "Undo", form, None)
    await chat.answered(one)
    assert (
        chat.kept.commands[-1].text,
        chat.kept.commands[-1].channel_id,
        chat.kept.commands[-1].asker.is_staff,
    ) == (
        "undo 7",
        None,
        True,
    )
    assert chat.kept.pages == [page for page in chat.kept.pages if not page.messages]


async def test_a_command_in_direct_messages(chat: Chat) -> None:
    chat.fake.people[chat.ann].roles = [shapes.HELPER_ROLE]
    chat.kept.reply = Reply("For you.", public=True)
    data = {"name": "spaces", "options": [{"name": "weekly", "type": 1}]}
    one = await chat.answered(chat.fake.talk.tell(2, chat.ann, None, data))
    (asked,) = chat.kept.commands
    assert (asked.text, asked.channel_id, asked.asker.roles) == ("weekly", None, ("Helpers",))
    assert [(form["content"], form["flags"]) for form in one.seen] == [("For you.", EPHEMERAL)]


async def test_strangers_are_told_so(chat: Chat) -> None:
    eve = chat.fake.add_member("eve")
    chat.fake.strangers.add(eve)
    chat.fake.letters.write(eve, "weekly")
    await chat.fake.talk.until(lambda: chat.fake.letters.to(eve))
    assert chat.fake.letters.to(eve) == [
        "I answer members of the servers that I read, and you are in none of them."
    ]
    assert chat.kept.commands == []


# --- mentions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [f"<@{shapes.BOT}>", f"<@!{shapes.BOT}>", f" <@&{shapes.BOT_ROLE}>,"])
async def test_a_mention(chat: Chat, name: str) -> None:
    ann, help_ = chat.ann, chat.help
    chat.fake.people[ann].roles = [shapes.HELPER_ROLE]
    chat.kept.reply = Reply("Week 47", public=True)
    said = chat.fake.say(help_, ann, f"{name} weekly public")
    await chat.fake.talk.until(chat.fake.posted)
    assert chat.kept.commands == [
        Command(said, chat.kept.commands[0].asker, "weekly public", {}, help_, None, None, None, "mention")
    ]
    assert chat.kept.commands[0].asker.roles == ("Helpers",)
    ((place, _, form),) = chat.fake.posted()
    assert (place, form["content"]) == (help_, "Week 47")
    assert form["message_reference"]["message_id"] == said
    assert form["allowed_mentions"] == {"parse": [], "replied_user": False}


async def test_a_mention_below_a_message_is_about_that(chat: Chat) -> None:
    ann, help_ = chat.ann, chat.help
    about = chat.fake.say(help_, ann, "It should fly.")
    said = chat.fake.say(help_, ann, f"<@{shapes.BOT}> tag idea", reply_to=about)
    await chat.kept.until(lambda: chat.kept.commands)
    assert (chat.kept.commands[0].id, chat.kept.commands[0].text, chat.kept.commands[0].message) == (
        said,
        "tag idea",
        about,
    )


async def test_a_private_answer_to_a_mention_is_a_letter(chat: Chat) -> None:
    ann, help_ = chat.ann, chat.help
    chat.fake.say(help_, ann, f"<@{shapes.BOT}> weekly")
    await chat.fake.talk.until(lambda: chat.fake.letters.to(ann) == ["Here you are."])
    assert chat.fake.posted() == []
    chat.fake.letters.closed.add(ann)
    chat.kept.reply = Reply("Secret.")
    chat.fake.say(help_, ann, f"<@{shapes.BOT}> weekly")
    await chat.fake.talk.until(chat.fake.posted)
    assert [form["content"] for _, _, form in chat.fake.posted()] == [
        "I cannot write to you privately: allow direct messages from members of this server, or ask with `/spaces`."
    ]


async def test_who_is_only_spoken_of_says_nothing(chat: Chat) -> None:
    ann, help_, robot = chat.fake.add_member("ann"), chat.help, chat.fake.add_member("robot", bot=True)
    chat.fake.say(help_, ann, f"Thanks to <@{shapes.BOT}> weekly")
    chat.fake.say(help_, robot, f"<@{shapes.BOT}> weekly")
    chat.fake.say(help_, ann, "weekly")
    last = chat.fake.say(help_, ann, f"<@{shapes.BOT}> last")
    await chat.kept.until(lambda: chat.kept.commands)
    assert [command.id for command in chat.kept.commands] == [last]


# --- tagging ------------------------------------------------------------------------------------------------------


async def test_tagging_from_the_menu_of_a_message(chat: Chat) -> None:
    ann, help_ = chat.ann, chat.help
    said = chat.fake.say(help_, ann, "It should fly.")
    one = chat.fake.talk.menu(ann, said, locale="es-419")
    await chat.fake.talk.until(lambda: one.acks)
    assert one.original is not None
    assert (one.original["content"], one.original["flags"]) == ("¿Qué es este mensaje?", EPHEMERAL)
    (row,) = one.original["components"]
    assert [(option["label"], option["value"]) for option in row["components"][0]["options"]] == [
        ("Idea de producto", "product_idea"), ("Pregunta", "question"),
    ]  # fmt: skip
    assert chat.kept.commands == []
    chat.kept.reply = Reply("Tagged.", buttons=(Button("Undo", "undo 5"),))
    two = chat.fake.talk.choose(ann, "product_idea", one)
    await chat.fake.talk.until(lambda: two.original and two.original["content"] == "Tagged.")
    (asked,) = chat.kept.commands
    assert asked == Command(
        two.id, asked.asker, "tag", {"label": "product_idea"}, help_, None, "en-US", said, "menu"
    )
    assert two.acks == [{"type": 6}]
    assert two.original is not None
    assert [each["label"] for each in two.original["components"][0]["components"]] == ["Undo"]
    three = chat.fake.talk.press(ann, "Undo", two.original, help_)
    await chat.answered(three)
    assert (chat.kept.commands[-1].text, chat.kept.commands[-1].via) == ("undo 5", "button")


async def test_a_message_older_than_what_was_read_is_read_for_the_menu(chat: Chat) -> None:
    ann, help_ = chat.ann, chat.help
    chat.fake.lose()
    said = chat.fake.say(help_, ann, "From before.")
    chat.fake.talk.menu(ann, said)
    await chat.kept.until(lambda: said in chat.kept.standing())


@pytest.mark.parametrize(
    ("emoji", "label"), [("💡", "product_idea"), ("💡\ufe0f", "product_idea"), ("Shipit:123", "question")]
)
async def test_tagging_with_a_reaction(chat: Chat, emoji: str, label: str) -> None:
    ann, help_ = chat.ann, chat.help
    chat.fake.people[ann].roles = [shapes.MODERATOR_ROLE]
    said = chat.fake.say(help_, ann, "It should fly.")
    chat.kept.reply = Reply("Tagged.", public=True)
    chat.fake.react(said, emoji, ann)
    await chat.fake.talk.until(lambda: chat.fake.letters.to(ann) == ["Tagged."])
    chat.fake.unreact(said, emoji, ann)
    chat.fake.telling.reaction("MESSAGE_REACTION_REMOVE", said, emoji, ann)
    chat.fake.react(said, emoji, ann)
    chat.fake.telling.reaction("MESSAGE_REACTION_ADD", said, emoji, ann)
    await chat.kept.until(lambda: len(chat.kept.commands) == 3)
    await chat.rest()
    assert [command.text for command in chat.kept.commands] == ["tag", "untag", "tag"]
    assert len({command.id for command in chat.kept.commands}) == 3
    for asked in chat.kept.commands:
        assert asked.asker.is_staff
        assert asked == Command(
            asked.id, asked.asker, asked.text, {"label": label}, help_, None, None, said, "emoji"
        )
    assert chat.fake.posted() == []


async def test_reactions_that_mean_nothing_are_met_with_silence(chat: Chat) -> None:
    fake, robot, secret = (
        chat.fake,
        chat.fake.add_member("robot", bot=True),
        chat.fake.add_channel("secret", private=True),
    )
    fake.allow(secret)
    hidden, said = fake.say(secret, chat.ann, "psst"), fake.say(chat.help, chat.ann, "It should fly.")
    await chat.kept.until(lambda: said in chat.kept.standing())
    chat.kept.reply = None
    fake.react(said, "👍", chat.ann)
    fake.react(said, "💡", robot)
    fake.react(said, "💡", shapes.BOT)
    fake.react(hidden, "💡", chat.ann)
    fake.react(said, "💡", chat.ann)
    await chat.kept.until(lambda: chat.kept.commands)
    chat.kept.reply = Reply("Here you are.")
    await chat.answered(chat.asks())
    assert [(command.message, command.asker.id) for command in chat.kept.commands] == [
        (said, chat.ann),
        (None, chat.ann),
    ]
    assert fake.letters.sent == []


async def test_a_moderator_without_direct_messages_tags_in_silence(chat: Chat) -> None:
    ann, help_ = chat.ann, chat.help
    chat.fake.letters.closed.add(ann)
    chat.fake.react(chat.fake.say(help_, ann, "It should fly."), "💡", ann)
    await chat.answered(chat.fake.talk.command(ann, "weekly", help_))
    assert [command.text for command in chat.kept.commands] == ["tag", "weekly"]
    assert chat.fake.posted() == []
