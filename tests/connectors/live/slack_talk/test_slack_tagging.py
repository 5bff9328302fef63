"""People tag messages on Slack: by the menu of a message, and by reactions."""

import asyncio

import pytest

from connectors.slack import SlackConnector
from tests.connectors.live.slack_room import listening, read
from tests.connectors.live.slack_talk.room import OFFERS, Inbox
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_talk import Talk


# --- the menu of a message --------------------------------------------------------------------------------------------
async def test_a_message_is_tagged_by_its_menu(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    mia, ann = slack.add_member("mia", staff=True), slack.add_member("ann")
    said = slack.say(general, ann, "Dark mode would be great.")
    chosen = talk.shortcut(mia, said)
    view = await talk.opened(chosen)
    (block,) = view["blocks"]
    assert [each["text"]["text"] for each in block["element"]["options"]] == ["Product idea", "Bug report"]
    submitted = talk.submit(mia, view["id"], "product_idea")
    copy = talk.again(submitted)
    (shown,) = await talk.seen(mia)
    await copy.acknowledged.wait()
    (command,) = inbox.commands
    assert (command.text, command.options, command.message) == ("tag", {"label": "product_idea"}, said)
    assert (command.via, command.channel_id) == ("menu", general)
    assert command.asker.is_staff
    assert (shown.channel, shown.words) == (general, "Here you are.")
    assert talk.to(ann) == []


async def test_the_menu_speaks_the_language_of_whoever_opens_it(
    slack: FakeSlack, talk: Talk, general: str
) -> None:
    said = slack.say(general, slack.add_member("ann"), "Dark mode would be great.")
    eva = slack.add_member("eva")
    talk.locales[eva] = "es-LA"
    first = talk.shortcut(eva, said)
    await talk.until(lambda: first.view and "Etiquetar el mensaje" in str(first.view))
    assert "Idea de producto" in str(first.view)
    asked = [method for _, method, _ in slack.requests]
    assert asked.index("views.open") < asked.index("users.info"), "the modal comes before anything else"
    again = talk.shortcut(eva, said)
    assert "Informe de error" in str(await talk.opened(again)), "by now it is known"
    assert [method for _, method, _ in slack.requests].count("views.update") == 1


async def test_the_languages_of_all_are_known_from_the_list(slack: FakeSlack) -> None:
    eva, general = slack.add_member("eva"), slack.add_channel("general")
    slack.talk.locales[eva] = "es-ES"
    said = slack.say(general, eva, "Dark mode would be great.")
    connector, kept = SlackConnector(slack.settings, slack.secrets), Inbox()
    await read(connector, kept)
    async with listening(connector, kept):
        chosen = slack.talk.shortcut(eva, said)
        view = await slack.talk.opened(chosen)
    await connector.close()
    assert "Etiquetar el mensaje" in str(view)
    assert "users.info" not in [method for _, method, _ in slack.requests]


async def test_a_menu_too_late_says_so(slack: FakeSlack, inbox: Inbox, talk: Talk, general: str) -> None:
    mia = slack.add_member("mia")
    talk.locales[mia] = "es-ES"
    said = slack.say(general, mia, "Dark mode would be great.")
    talk.shortcut(mia, said).age(4)
    (shown,) = await talk.seen(mia)
    assert "no abrió el menú a tiempo" in shown.words
    assert talk.views_refused == ["expired_trigger_id"]
    assert inbox.commands == []


@pytest.mark.parametrize("after_effect", [False, True])
async def test_a_menu_is_opened_once_though_an_answer_was_lost(
    slack: FakeSlack, talk: Talk, general: str, after_effect: bool
) -> None:
    mia = slack.add_member("mia")
    said = slack.say(general, mia, "Dark mode would be great.")
    await asyncio.wait_for(slack.wire.quiet(), 10)
    slack.fail(1, after_effect=after_effect)
    chosen = talk.shortcut(mia, said)
    talk.again(chosen)
    view = await talk.opened(chosen)
    if after_effect:
        await talk.until(lambda: talk.views_refused == ["exchanged_trigger_id"])
    talk.submit(mia, view["id"], "bug_report")
    await talk.seen(mia)
    talk.command(mia, general, "weekly")
    assert [shown.words for shown in await talk.seen(mia, 2)] == ["Here you are."] * 2
    assert len(talk.views) == 1


async def test_tagging_where_the_bot_is_no_member_is_confirmed_all_the_same(
    slack: FakeSlack, talk: Talk, general: str
) -> None:
    mia = slack.add_member("mia")
    said = slack.say(general, mia, "Dark mode would be great.")
    slack.rooms[general].member = False
    for late, place in ((0, general), (1801, "D")):
        chosen = talk.shortcut(mia, said)
        view = await talk.opened(chosen)
        chosen.age(late)
        talk.submit(mia, view["id"], "bug_report")
        count = 1 if late == 0 else 2
        assert (await talk.seen(mia, count))[-1].channel.startswith(place)


async def test_where_no_label_is_offered_the_program_is_asked(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Inbox, "offers", OFFERS[:1])
    mia = slack.add_member("mia")
    said = slack.say(general, mia, "Dark mode would be great.")
    talk.shortcut(mia, said)
    await talk.seen(mia)
    assert (inbox.commands[0].text, inbox.commands[0].message, inbox.commands[0].options) == ("tag", said, {})


# --- reactions --------------------------------------------------------------------------------------------------------
async def test_a_mapped_reaction_tags_and_taking_it_away_untags(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    mia, ann = slack.add_member("mia", staff=True), slack.add_member("ann")
    said = slack.say(general, ann, "Dark mode would be great.")
    slack.double(2)
    slack.react(said, "bulb", mia)
    await talk.seen(mia)
    slack.unreact(said, "bulb", mia)
    await talk.seen(mia, 2)
    slack.react(said, "bulb", mia)
    (shown, *_) = await talk.seen(mia, 3)
    assert [(command.text, command.options) for command in inbox.commands] == [
        ("tag", {"label": "product_idea"}), ("untag", {"label": "product_idea"}), ("tag", {"label": "product_idea"}),
    ]  # fmt: skip
    assert {(command.message, command.via, command.channel_id) for command in inbox.commands} == {
        (said, "emoji", general)
    }
    assert all(command.asker.is_staff for command in inbox.commands)
    assert (shown.channel, shown.words) == (general, "Here you are.")
    assert talk.to(ann) == []
    await inbox.equals(slack.standing)


async def test_what_one_person_says_of_a_message_happens_in_that_order(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    mia = slack.add_member("mia")
    said = slack.say(general, mia, "It is broken.")
    inbox.gate.clear()
    slack.react(said, "bulb", mia)
    await inbox.until(lambda: bool(inbox.begun))
    slack.unreact(said, "bulb", mia)
    await asyncio.wait_for(slack.wire.quiet(), 10)
    assert [command.text for command in inbox.begun] == ["tag"]
    inbox.gate.set()
    await talk.seen(mia, 2)
    assert [command.text for command in inbox.commands] == ["tag", "untag"]


@pytest.mark.parametrize(
    ("emoji", "label"),
    [("bug::skin-tone-3", "bug_report"), ("our-own", "product_idea"), ("tada", None), ("beetle", None)],
)
async def test_what_a_reaction_means(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str, emoji: str, label: str | None
) -> None:
    mia = slack.add_member("mia")
    said = slack.say(general, mia, "It is broken.")
    slack.react(said, emoji, mia)
    slack.react(said, "bulb", mia)
    await talk.seen(mia)
    await asyncio.wait_for(slack.wire.quiet(), 10)
    given = [command.options["label"] for command in inbox.commands]
    assert sorted(given) == sorted(filter(None, [label, "product_idea"]))


async def test_the_bots_own_reactions_mean_nothing(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    mia, inbox.reply = slack.add_member("mia"), None
    said = slack.say(general, mia, "It is broken.")
    slack.react(said, "bulb", "U0SPACESBOT")
    slack.react(said, "bulb", mia)
    await inbox.until(lambda: bool(inbox.commands))
    await asyncio.wait_for(slack.wire.quiet(), 10)
    assert [command.asker.id for command in inbox.commands] == [mia]
    assert talk.shown == []
