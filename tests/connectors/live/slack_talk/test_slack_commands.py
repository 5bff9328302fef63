"""What people ask by `/spaces` arrives as commands, each acknowledged at once and answered once."""

import asyncio

import pytest

from connectors.records import Member, Reply
from connectors.slack import SlackConnector
from tests.connectors.live.slack_room import listening
from tests.connectors.live.slack_talk.room import Inbox
from tests.contract.world import until
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_talk import Talk


async def test_a_command_arrives_with_who_asked_and_is_answered_to_them_alone(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    ann = slack.add_member("ann", staff=True)
    talk.locales[ann] = "es-ES"
    asked = talk.command(ann, general, "  weekly  public &lt;b&gt; ")
    (shown,) = await talk.seen(ann)
    (command,) = inbox.commands
    assert command.id == asked.body["trigger_id"]
    assert command.asker == Member(ann, "ann", "ann", "ann@example.com", is_staff=True, roles=("admin",))
    assert (command.text, command.options, command.via) == ("weekly  public <b>", {}, "command")
    assert (command.channel_id, command.thread_id, command.message) == (general, None, None)
    assert command.language == "es-ES"
    assert asked.seconds is not None
    assert asked.seconds < 1
    assert shown.words == "Here you are."
    assert shown.channel == general
    assert slack.posted() == []
    assert [shown.user for shown in talk.shown] == [ann]


async def test_a_public_answer_is_seen_by_everybody(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    ann = slack.add_member("ann")
    inbox.reply = Reply("All *well*, <!channel> @everyone", title="The week @here <!channel>", public=True)
    talk.command(ann, general, "weekly public")
    await talk.until(slack.posted)
    ((place, _, form),) = slack.posted()
    assert place == general
    assert [block["type"] for block in form["blocks"]] == ["header", "section"]
    assert "<!channel>" not in str(form)
    assert "@everyone" not in str(form)
    assert "@here" not in str(form)
    assert talk.shown == []


async def test_nothing_to_say_is_nothing_said(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    ann, inbox.reply = slack.add_member("ann"), None
    asked = talk.command(ann, general, "weekly")
    await inbox.until(lambda: bool(inbox.commands))
    inbox.reply = Reply("And now?")
    talk.command(ann, general, "weekly")
    (shown,) = await talk.seen(ann)
    assert shown.words == "And now?"
    assert asked.answers == []


async def test_the_word_payload_loses_no_command(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    talk.command(slack.add_member("ann"), general, "goal payload=5")
    await inbox.until(lambda: bool(inbox.commands))
    assert inbox.commands[0].text == "goal payload=5"


@pytest.mark.parametrize("again", [1, 3])
async def test_the_same_request_twice_is_one_effect_and_one_answer(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str, again: int
) -> None:
    ann = slack.add_member("ann")
    first = talk.command(ann, general, "weekly")
    copies = [talk.again(first) for _ in range(again)]
    for copy in copies:
        await copy.acknowledged.wait()
    await talk.seen(ann)
    talk.command(ann, general, "help")
    shown = await talk.seen(ann, 2)
    assert [command.text for command in inbox.commands] == ["weekly", "help"]
    assert len(shown) == 2


async def test_it_is_acknowledged_however_long_the_answer_takes(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    ann = slack.add_member("ann")
    inbox.gate.clear()
    asked = [talk.command(ann, general, f"weekly {number}") for number in range(20)]
    for each in asked:
        await asyncio.wait_for(each.acknowledged.wait(), 3)
    await inbox.until(lambda: len(inbox.begun) == 20)
    assert talk.shown == []
    inbox.gate.set()
    assert len(await talk.seen(ann, 20)) == 20


async def test_a_cut_connection_loses_no_answer(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    ann = slack.add_member("ann")
    asked = talk.command(ann, general, "weekly")
    await inbox.until(lambda: bool(inbox.commands))
    slack.cut()
    talk.again(asked)
    assert [shown.words for shown in await talk.seen(ann)] == ["Here you are."]
    assert len(inbox.commands) == 1


async def test_what_is_being_answered_when_it_stops_is_answered() -> None:
    slack, inbox = FakeSlack(), Inbox()
    await slack.start()
    ann, general = slack.add_member("ann"), slack.add_channel("general")
    connector = SlackConnector(slack.settings, slack.secrets)
    inbox.gate.clear()
    async with listening(connector, inbox) as task:
        slack.talk.command(ann, general, "weekly")
        await inbox.until(lambda: bool(inbox.begun))
        task.cancel()
        await until(lambda: not slack.wire.sockets)
        inbox.gate.set()
        await asyncio.wait([task])
    assert [shown.words for shown in slack.talk.to(ann)] == ["Here you are."]
    await connector.close()
    await slack.stop()
