"""Asking on Discord when things go wrong: load, faults, expired tokens, lost connections, malformed events."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors import discord_answers
from connectors.records import Reply
from storage.database import Database
from tests.connectors.live.discord_people import Chat, chatting
from tests.fakes import discord_shapes as shapes
from tests.fakes.empty import Empty


@pytest.fixture
async def chat(sqlite: Database) -> AsyncIterator[Chat]:
    async with chatting(sqlite) as found:
        yield found


# --- when things go wrong -----------------------------------------------------------------------------------------


async def test_it_is_heard_at_once_while_everything_else_waits(chat: Chat) -> None:
    """History is read and limited, the database does not answer, nothing is answered: the first word goes out."""
    ann, help_ = chat.ann, chat.help
    for number in range(1_500):
        chat.fake.say(help_, ann, f"old {number}")
    chat.kept.hold = chat.kept.answering = asyncio.Event()
    chat.fake.rest.faults.limit_forms = ["global"]

    async def read() -> None:
        async for _ in chat.connector.fetch({}, shapes.EPOCH, Empty()):
            await asyncio.sleep(0)

    chat.fake.limit(1, 1.5)
    reading = asyncio.create_task(read())
    await chat.fake.talk.until(lambda: chat.fake.rest.faults.limits == 0)
    asked = [chat.fake.talk.command(ann, "weekly", help_) for _ in range(100)]
    await chat.fake.talk.until(lambda: all(one.acks for one in asked))
    assert max(one.ack_after for one in asked) < 1.4
    assert not any(one.seen for one in asked)
    chat.kept.hold.set()
    for one in asked:
        await chat.answered(one)
    reading.cancel()


@pytest.mark.parametrize("kinds", [[503], [0], [503, 0]])
@pytest.mark.parametrize("after_effect", [False, True])
async def test_a_fault_while_it_is_heard(
    chat: Chat, kinds: list[int], after_effect: bool, caplog: pytest.LogCaptureFixture
) -> None:
    chat.fake.rest.faults.failure_kinds = kinds
    chat.fake.fail(2, after_effect=after_effect)
    one = chat.asks()
    await chat.answered(one)
    assert len(one.acks) == 1
    assert len(chat.kept.commands) == 1
    assert one.text == "Here you are."
    assert caplog.text == ""


@pytest.mark.parametrize("after_effect", [False, True])
async def test_a_fault_while_it_is_answered_for_all(chat: Chat, after_effect: bool) -> None:
    chat.kept.reply = Reply("For all.", public=True)
    chat.kept.answering = asyncio.Event()
    one = chat.asks()
    await chat.kept.until(lambda: chat.kept.commands)

    async def pause(method: str, path: str) -> None:
        if method == "POST" and path.endswith(one.token):
            chat.fake.rest.pause = None
            chat.fake.fail(1, after_effect=after_effect)

    chat.fake.rest.pause = pause
    chat.kept.answering.set()
    await chat.fake.talk.until(lambda: one.followups)
    await chat.rest()
    assert [form["content"] for form in one.followups] == ["For all."]


@pytest.mark.parametrize("public", [False, True])
async def test_an_interaction_that_takes_no_more_answers(chat: Chat, public: bool) -> None:
    ann, help_ = chat.ann, chat.help
    chat.kept.reply, chat.kept.answering = Reply("Late. " * 500, public=public), asyncio.Event()
    one = chat.fake.talk.command(ann, "weekly", help_)
    await chat.fake.talk.until(lambda: one.acks)
    one.expired = True
    chat.kept.answering.set()
    if public:
        await chat.fake.talk.until(lambda: len(chat.fake.posted()) == 2)
        assert [place for place, _, _ in chat.fake.posted()] == [help_, help_]
        assert chat.fake.letters.sent == []
    else:
        await chat.fake.talk.until(lambda: len(chat.fake.letters.sent) == 2)
        assert "".join(chat.fake.letters.to(ann)).count("Late.") == 500
        assert chat.fake.posted() == []


async def test_an_interaction_is_not_asked_to_take_what_comes_too_late(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discord_answers, "_LIFE", 0.0)
    chat.asks()
    await chat.fake.talk.until(lambda: chat.fake.letters.to(chat.ann) == ["Here you are."])
    assert not [path for _, path, _ in chat.fake.requests if path.startswith("/webhooks/")]


async def test_what_was_said_before_it_expired_is_not_said_again(chat: Chat) -> None:
    ann = chat.ann
    chat.kept.reply = Reply("\n".join(f"line {number}" for number in range(600)))
    one = chat.fake.talk.command(ann, "weekly", chat.help)

    async def pause(method: str, path: str) -> None:
        one.expired = one.expired or (method == "POST" and path.endswith(one.token))

    chat.fake.rest.pause = pause
    await chat.fake.talk.until(lambda: "line 599" in "".join(chat.fake.letters.to(ann)))
    assert one.original is not None
    said = "\n".join([one.original["content"], *chat.fake.letters.to(ann)])
    assert said.split("\n") == [f"line {number}" for number in range(600)]


async def test_who_was_told_that_it_failed_is_answered_all_the_same(chat: Chat) -> None:
    ann, help_ = chat.ann, chat.help
    one = chat.fake.talk.command(ann, "weekly", help_)
    one.late = True
    await chat.fake.talk.until(lambda: chat.fake.letters.to(ann) == ["Here you are."])
    assert one.acks == []


async def test_a_lost_connection_loses_no_answer(chat: Chat) -> None:
    ann, help_ = chat.ann, chat.help
    chat.kept.answering = asyncio.Event()
    one = chat.fake.talk.command(ann, "weekly", help_)
    await chat.fake.talk.until(lambda: one.acks)
    chat.fake.gateway.connected.clear()
    chat.fake.cut()
    await chat.fake.gateway.connected.wait()
    chat.kept.answering.set()
    await chat.answered(one)
    assert one.text == "Here you are."
    assert len(chat.kept.commands) == 1


async def test_what_is_asked_while_the_connection_is_lost(chat: Chat) -> None:
    ann, help_ = chat.ann, chat.help
    chat.fake.gateway.connected.clear()
    chat.fake.cut()
    one = chat.fake.talk.command(ann, "weekly", help_)
    await chat.answered(one)
    assert len(chat.kept.commands) == 1


async def test_whoever_waits_when_it_stops_is_told(sqlite: Database) -> None:
    async with chatting(sqlite) as chat:
        chat.kept.answering = asyncio.Event()
        one = chat.asks(locale="es-ES")
        await chat.fake.talk.until(lambda: one.acks)
        await chat.kept.until(lambda: chat.kept.commands)
        async with asyncio.timeout(5):
            await chat.connector.close()
    assert one.text.startswith("Me detuvieron antes de poder responder.")


async def test_an_inbox_that_fails_is_a_sentence(chat: Chat, caplog: pytest.LogCaptureFixture) -> None:
    chat.kept.failing = True
    one = await chat.answered(chat.asks())
    assert one.text == "Something went wrong between Discord and me. Please ask again in a moment."
    assert "a command failed in a way that it should not" in caplog.text


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"type": 1},
        {"name": 5},
        {"name": "spaces", "options": [{"type": 1}]},
        {"name": "spaces", "options": 7},
        [],
        None,
    ],
)
async def test_a_malformed_command_is_heard_and_answered(chat: Chat, data: Any) -> None:
    ann, help_ = chat.ann, chat.help
    chat.kept.reply = Reply("There is no such command.")
    one = chat.fake.talk.tell(2, ann, help_, data)
    await chat.answered(one)
    assert one.text in {
        "There is no such command.",
        "I cannot read what Discord told me of this. Please ask with `/spaces help`.",
    }
    await chat.answered(chat.fake.talk.command(ann, "weekly", help_))


@pytest.mark.parametrize("kind", [2, 3, 4])
@pytest.mark.parametrize(
    "data",
    [{}, [], None, {"custom_id": "x", "component_type": 2}, {"custom_id": "tag:5", "component_type": 3}],
)
async def test_malformed_interactions_stop_nothing(chat: Chat, kind: int, data: Any) -> None:
    ann, help_ = chat.ann, chat.help
    one = chat.fake.talk.tell(kind, ann, help_, data, message={"content": "x", "flags": 0})
    for broken in (
        {},
        {"id": "1"},
        {"id": "1", "token": "t", "guild_id": shapes.GUILD},
        {"id": 5, "token": None, "member": 3},
    ):
        chat.fake.gateway.tell("INTERACTION_CREATE", broken)
        chat.fake.gateway.tell("MESSAGE_REACTION_ADD", broken)
    await chat.answered(chat.fake.talk.command(ann, "weekly", help_))
    await chat.fake.talk.until(lambda: one.acks)


async def test_absent_fields_are_done_without(chat: Chat) -> None:
    ann, help_ = chat.ann, chat.help
    data = {"name": "spaces", "options": [{"name": "weekly", "type": 1}]}
    absent = ("channel", "guild", "guild_locale", "locale", "context", "application_id", "version", "entitlements",
              "authorizing_integration_owners", "app_permissions", "attachment_size_limit")  # fmt: skip
    one = chat.fake.talk.tell(2, ann, help_, data, without=absent)
    await chat.answered(one)
    assert chat.kept.commands[0].channel_id == help_
    assert chat.kept.commands[0].language is None


async def test_when_it_is_not_found_out_who_asks_a_sentence_says_so(chat: Chat) -> None:
    async def pause(_: str, path: str) -> None:
        if "/members/" in path:
            chat.fake.rest.faults.failure_kinds = [400]
            chat.fake.fail(1)

    chat.fake.rest.pause = pause
    one = chat.fake.talk.tell(
        2, chat.ann, None, {"name": "spaces", "options": [{"name": "weekly", "type": 1}]}
    )
    await chat.answered(one)
    assert one.text.startswith("Something went wrong between Discord and me.")
    assert chat.kept.commands == []


async def test_roles_that_were_not_told_are_not_all_of_them(chat: Chat) -> None:
    data = {"name": "spaces", "options": [{"name": "weekly", "type": 1}]}
    told = shapes.interaction(chat.fake.people[chat.ann], None, chat.help, shapes.GUILD)
    told |= {"id": "5", "token": "t", "type": 2, "data": data, "member": {"user": told["member"]["user"]}}
    chat.fake.gateway.tell("INTERACTION_CREATE", told)
    await chat.kept.until(lambda: chat.kept.commands)
    assert not chat.kept.commands[0].asker.complete


async def test_nothing_that_people_write_is_logged(chat: Chat, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "connectors")
    ann, help_ = chat.ann, chat.help
    chat.kept.reply = Reply("secret answer")
    one = chat.fake.talk.command(ann, "explain", help_, {"metric": "secret words"})
    await chat.answered(one)
    chat.fake.talk.tell(2, ann, help_, {"name": "spaces", "options": [{"secret": "words"}]})
    chat.fake.letters.closed.add(ann)
    chat.fake.letters.write(ann, "secret letter")
    await chat.answered(chat.fake.talk.command(ann, "weekly", help_))
    assert "secret" not in caplog.text
