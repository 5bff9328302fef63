"""Who asks on Slack, who reads what there, and who calls the bot by its name."""

import asyncio

from connectors.records import Member, Reply
from connectors.slack import SlackConnector
from tests.connectors.live.slack_room import listening, read
from tests.connectors.live.slack_talk.room import Inbox
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_talk import Talk


# --- who asks ---------------------------------------------------------------------------------------------------------
async def test_strangers_and_guests_are_nobody_special(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    stranger, guest = slack.add_stranger("eve"), talk.add_guest("gus", general)
    talk.join(stranger, general)
    for who in (stranger, guest):
        talk.command(who, general, "weekly")
        await talk.seen(who)
    asker, other = (command.asker for command in inbox.commands)
    assert (asker.id, asker.is_staff, asker.roles) == (stranger, False, ("external",))
    assert (other.id, other.is_staff, other.roles) == (guest, False, ("guest",))


async def test_who_asks_is_known_by_the_request_where_slack_does_not_tell(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    ann = slack.add_member("ann", staff=True)
    slack.api.errors["users.info"] = "user_not_found"
    talk.command(ann, general, "weekly")
    await talk.seen(ann)
    assert inbox.commands[0].asker == Member(ann, "ann", complete=False)


async def test_until_the_list_was_read_what_is_told_is_not_all(slack: FakeSlack) -> None:
    ann, general = slack.add_member("ann"), slack.add_channel("general")
    connector, inbox = SlackConnector(slack.settings, slack.secrets), Inbox()
    async with listening(connector, inbox):
        slack.talk.command(ann, general, "weekly")
        await slack.talk.seen(ann)
        await read(connector, inbox)
        slack.talk.command(ann, general, "weekly")
        await slack.talk.seen(ann, 2)
    await connector.close()
    assert [command.asker.complete for command in inbox.commands] == [False, True]
    assert {command.asker.email for command in inbox.commands} == {"ann@example.com"}


async def test_what_a_member_may_is_asked_again_when_it_changes(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    ann = slack.add_member("ann", staff=True)
    await asyncio.wait_for(slack.wire.quiet(), 10)
    talk.command(ann, general, "weekly")
    await talk.seen(ann)
    slack.users[ann]["is_admin"] = False
    slack.wire.emit({"type": "user_change", "user": slack.users[ann]})
    await asyncio.wait_for(slack.wire.quiet(), 10)
    talk.command(ann, general, "weekly")
    await talk.seen(ann, 2)
    assert [command.asker.is_staff for command in inbox.commands] == [True, False]


async def test_who_reads_what(slack: FakeSlack, connector: SlackConnector, talk: Talk, general: str) -> None:
    slack.page_limit = 3
    leads, secrets = slack.add_channel("leads", private=True), slack.add_channel("secrets", private=True)
    elsewhere = slack.add_channel("elsewhere", private=True)
    slack.rooms[elsewhere].member = False
    members = [slack.add_member(f"m{number}") for number in range(9)]
    talk.join(members[8], leads, elsewhere)
    talk.join(members[0], secrets)
    guest, stranger = talk.add_guest("gus", leads), slack.add_stranger("eve")
    talk.join(stranger, general)
    everything = [general, leads, secrets, elsewhere, "C0NOWHERE"]
    assert await connector.readable(members[8], everything) == {general, leads}
    assert await connector.readable(members[0], everything) == {general, secrets}
    assert await connector.readable(members[1], everything) == {general}
    assert await connector.readable(guest, everything) == {leads}
    assert await connector.readable(stranger, everything) == {general}
    assert await connector.readable("U0NOBODY", everything) == set()
    talk.leave(members[0], secrets)
    assert await connector.readable(members[0], everything) == {general}
    slack.users[members[1]]["deleted"] = True
    slack.wire.emit({"type": "user_change", "user": slack.users[members[1]]})
    await asyncio.wait_for(slack.wire.quiet(), 10)
    assert await connector.readable(members[1], everything) == set()


# --- mentions ---------------------------------------------------------------------------------------------------------
async def test_a_mention_is_kept_once_and_answered_in_its_thread(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    ann = slack.add_member("ann")
    slack.double(4)
    said = slack.say(
        general, ann, "Hey <@U0SPACESBOT> tag <https://acme.slack.com/archives/C1/p1|that> in <#C1|news> idea"
    )
    (shown,) = await talk.seen(ann)
    (command,) = inbox.commands
    assert command.text == "tag https://acme.slack.com/archives/C1/p1 in #news idea"
    assert (command.id, command.via, command.channel_id, command.thread_id) == (
        said,
        "mention",
        general,
        None,
    )
    assert (shown.channel, shown.thread) == (general, None), "an ephemeral message cannot begin a thread"
    reply = slack.say(general, ann, "<@U0SPACESBOT|spaces> weekly", thread=said)
    shown = (await talk.seen(ann, 2))[1]
    assert shown.thread == said.partition(":")[2]
    assert inbox.commands[1].thread_id == said
    await inbox.equals(slack.standing)
    rows = [message for page in inbox.pages for message in page.messages if message.id in {said, reply}]
    assert {row.id for row in rows} == {said, reply}
    assert len(inbox.commands) == 2


async def test_a_public_answer_to_a_mention_stands_in_its_thread(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    ann, inbox.reply = slack.add_member("ann"), Reply("For all.", public=True)
    said = slack.say(general, ann, "<@U0SPACESBOT> weekly public")
    await talk.until(slack.posted)
    assert [place for place, _, _ in slack.posted()] == [said.replace(":", "/")]
    assert talk.shown == []


async def test_bots_are_not_answered(slack: FakeSlack, inbox: Inbox, talk: Talk, general: str) -> None:
    ann, robot = slack.add_member("ann"), slack.add_member("robot", bot=True)
    slack.say(general, robot, "<@U0SPACESBOT> weekly")
    slack.say(general, "U0SPACESBOT", "I am <@U0SPACESBOT> weekly")
    slack.say(general, ann, "<@U0SPACESBOT> help")
    await talk.seen(ann)
    await asyncio.wait_for(slack.wire.quiet(), 10)
    assert [command.text for command in inbox.commands] == ["help"]


async def test_a_mention_in_a_private_channel_that_is_not_read_is_answered_and_not_kept(
    slack: FakeSlack, inbox: Inbox, talk: Talk
) -> None:
    ann, hidden = slack.add_member("ann"), slack.add_channel("hidden", private=True)
    slack.say(hidden, ann, "<@U0SPACESBOT> weekly")
    (shown,) = await talk.seen(ann)
    assert shown.channel == hidden
    assert not [row for page in inbox.pages for row in page.messages if row.channel_id == hidden]
