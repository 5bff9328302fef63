"""The commands as Discord is told of them: within its limits, in two languages, and only when they changed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from bot.commands.registry import offers
from connectors.discord import DiscordConnector
from connectors.discord_commands import command_set, weight, wish
from connectors.records import Choice, Offer, Option
from storage.database import Database
from tests.connectors.live.discord_people import Chat, Room, chatting
from tests.connectors.live.discord_room import listening
from tests.fakes import discord_judge as judge
from tests.fakes import discord_shapes as shapes
from tests.fakes.discord import FakeDiscord

LONG = (
    "Everything that this command does, told at such length that nobody would read it to its end, ever. " * 2
)


@pytest.fixture
async def chat(sqlite: Database) -> AsyncIterator[Chat]:
    async with chatting(sqlite) as found:
        yield found


def offer(number: int, choices: int = 0, options: int = 1, words: str = "What it does.") -> Offer:
    said = tuple(Choice(f"value-{n}", {"en": f"Title {n}", "es": f"Título {n}"}) for n in range(choices))
    inner = tuple(
        Option(f"option{n}", {"en": words, "es": words}, said, n == options - 1) for n in range(options)
    )
    return Offer(f"command{number}", {"en": words, "es": words}, inner, {"es": f"orden{number}"})


MANY = {
    "what is offered": offers(),
    "one": [offer(1)],
    "none": [],
    "25": [offer(n) for n in range(25)],
    "26": [offer(n) for n in range(26)],
    "60": [offer(n) for n in range(60)],
    "too long in all": [offer(n, choices=25, options=3, words=LONG) for n in range(25)],
    "more choices than fit": [offer(1, choices=40)],
    "more options than fit": [offer(1, options=30)],
    "strange names": [
        Offer("What's New? 2026 🎉", {"en": "", "es": ""}, (Option("Der Größe nach", {}),), {"es": "¿Qué?"}),
        Offer("día", {"en": "x"}, names={"es": "dia"}), Offer("dia", {"en": "x"}, names={"es": "día"}),
        Offer("día", {"en": "x"}), Offer("!!!", {"en": "x"}), Offer("x" * 50, {"en": "👩‍👩‍👧‍👦" * 40}),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", MANY)
def test_what_is_offered_keeps_the_limits(name: str) -> None:
    found = command_set(MANY[name])
    assert judge.wrong_commands(found) == ""
    assert weight(found[0]) == judge.weight(found[0])


def leaves(command: dict[str, Any]) -> list[dict[str, Any]]:
    inner = command["options"]
    return [leaf for each in inner for leaf in (leaves(each) if each["type"] == 2 else [each])]


@pytest.mark.parametrize("name", ["what is offered", "25", "26", "60", "too long in all"])
def test_every_command_is_offered_in_both_languages(name: str) -> None:
    wanted: Sequence[Offer] = MANY[name]
    found = leaves(command_set(wanted)[0])
    assert [leaf["name"] for leaf in found] == [each.name for each in wanted]
    for leaf, each in zip(found, wanted, strict=True):
        assert leaf["name_localizations"] == {"es-ES": each.names["es"], "es-419": each.names["es"]}
        assert leaf["description_localizations"].keys() == {"es-ES", "es-419"}
        assert {option["name"] for option in leaf["options"]} == {option.name for option in each.options}
        data = {
            "name": "spaces",
            "options": [{"name": leaf["name"], "type": 1, "options": [{"name": "x", "value": 5}]}],
        }
        assert wish(data, wanted) == (each.name, {"x": "5"}, "")


def test_the_menu_bears_its_name_in_both_languages() -> None:
    label = Option("label", {"en": "As what."}, (Choice("idea", {"en": "Idea"}),))
    (_, menu) = command_set([Offer("tag", {"en": "Tag it."}, (label,))])
    assert menu == {
        "type": 3, "name": "Tag as…",
        "name_localizations": {"es-ES": "Etiquetar como…", "es-419": "Etiquetar como…"},
    }  # fmt: skip
    assert len(command_set([offer(1)])) == 1


# --- telling Discord ----------------------------------------------------------------------------------------------


def told(fake: FakeDiscord) -> int:
    return len([path for method, path, _ in fake.requests if method == "PUT" and path.endswith("/commands")])


SPOILED: tuple[Callable[[dict[str, Any]], Any], ...] = (
    lambda one: one["name_localizations"].update({"es-ES": "semana"}),
    lambda one: one["options"].append({"type": 3, "name": "more", "description": "x"}),
    lambda one: one["options"].pop(),
    lambda one: one.update({"description": "old words"}),
    lambda one: one["options"][0].pop("choices"),
    lambda one: one["options"][0].update({"autocomplete": True}),
)


async def test_commands_are_told_when_they_changed_and_only_then(chat: Chat) -> None:
    fake, kept = chat.fake, chat.kept
    assert (told(fake), fake.talk.creates) == (1, 2)
    again = DiscordConnector(fake.settings, fake.secrets)
    asked = len(fake.requests)
    async with listening(again, kept, fake):
        await fake.talk.until(lambda: any(path.endswith("/commands") for _, path, _ in fake.requests[asked:]))
        await chat.answered(chat.asks())
    await again.close()
    assert (told(fake), fake.talk.creates) == (1, 2)
    for spoil in SPOILED:
        spoil(fake.talk.commands[shapes.GUILD][0]["options"][0])
        await _retold(chat)
    fake.talk.commands[shapes.GUILD].pop()
    await _retold(chat)
    assert fake.talk.creates == 3


async def _retold(chat: Chat) -> None:
    """The server is told again, as after a reconnect, and the commands are put right."""
    fake, before = chat.fake, told(chat.fake)
    guild = shapes.created(fake.people[shapes.BOT], fake.rooms.values(), 1)
    fake.gateway.tell("GUILD_CREATE", guild)
    await fake.talk.until(lambda: told(fake) > before)


async def test_without_the_scope_everything_else_works(
    sqlite: Database, caplog: pytest.LogCaptureFixture
) -> None:
    fake, kept = FakeDiscord(), Room(sqlite)
    await fake.start()
    fake.talk.scope = False
    connector = DiscordConnector(fake.settings, fake.secrets)
    ann, help_ = fake.add_member("ann"), fake.add_channel("help")
    async with listening(connector, kept, fake):
        fake.say(help_, ann, "hello")
        await kept.equals(fake)
        fake.say(help_, ann, f"<@{shapes.BOT}> weekly")
        await fake.talk.until(lambda: fake.letters.to(ann) == ["Here you are."])
    await connector.close()
    await fake.stop()
    assert told(fake) == 0
    assert (
        "the bot may not offer its commands, though reading works: invite it again with https://"
        in caplog.text
    )


async def test_a_fault_while_the_commands_are_told(sqlite: Database) -> None:
    fake, kept = FakeDiscord(), Room(sqlite)
    await fake.start()

    async def pause(method: str, _: str) -> None:
        if method == "PUT" and told(fake) < 3:
            fake.fail(1, after_effect=told(fake) == 2)

    fake.rest.pause = pause
    connector = DiscordConnector(fake.settings, fake.secrets)
    async with listening(connector, kept, fake):
        await fake.talk.until(lambda: fake.talk.commands and told(fake) == 3)
    await connector.close()
    await fake.stop()
    assert fake.talk.creates == 2


# --- while it is typed --------------------------------------------------------------------------------------------


async def test_suggestions_while_it_is_typed(chat: Chat) -> None:
    chat.kept.choices = [
        Choice("questions", {"en": "Questions", "es": "Preguntas"}),
        Choice("y" * 101, {"en": "Cannot be sent"}),
        Choice("long", {"en": "👩‍👩‍👧‍👦 words " * 20}),
        *(Choice(f"metric{number}", {"en": f"Metric {number}"}) for number in range(40)),
    ]
    one = chat.asks("explain", {"metric": "que"}, focus="metric", locale="es-ES")
    await chat.fake.talk.until(lambda: one.acks)
    assert chat.kept.typed == [("explain", "metric", "que", "es-ES")]
    assert one.choices[0] == {"name": "Preguntas", "value": "questions"}
    assert (one.choices[1]["value"], len(one.choices)) == ("long", 25)
    assert chat.kept.commands == []


async def test_late_or_failing_suggestions_are_none(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    never = asyncio.Event()

    async def late(*_: Any) -> Sequence[Choice]:
        await never.wait()
        return []

    async def broken(*_: Any) -> Sequence[Choice]:
        raise RuntimeError("broken")

    for suggest in (late, broken):
        monkeypatch.setattr(chat.kept, "suggest", suggest)
        one = chat.asks("explain", {"metric": "que"}, focus="metric")
        await chat.fake.talk.until(lambda one=one: one.acks)
        assert one.choices == []
        assert one.ack_after < 2


async def test_choices_that_found_no_room_are_suggested(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Room, "offers", [offer(n, choices=25, options=3, words=LONG) for n in range(25)])
    async with chatting(sqlite) as chat:
        _, command = chat.fake.talk.offered("command7")
        assert command["options"][0]["autocomplete"]
        one = chat.asks("command7", {"option0": "título 2"}, focus="option0", locale="es-ES")
        await chat.fake.talk.until(lambda: one.acks)
        found = [choice["value"] for choice in one.choices]
    assert found == ["value-2", *(f"value-2{n}" for n in range(5))]
    assert one.choices[0]["name"] == "Título 2"
    assert chat.kept.typed == []
