"""What people ask on Slack arrives as commands, and what they are answered reaches them, over Socket Mode and HTTP."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence

import pytest

from connectors.records import Button, Choice, Member, Offer, Option, Post, Reply
from connectors.slack import SlackConnector
from tests.connectors.live.slack_room import listening, read
from tests.fakes.slack import FakeSlack
from tests.fakes.slack_kept import Kept
from tests.fakes.slack_talk import Asked, Shown, Talk

LABELS = (
    Choice("product_idea", {"en": "Product idea", "es": "Idea de producto"}),
    Choice("bug_report", {"en": "Bug report", "es": "Informe de error"}),
)
OFFERS = (
    Offer("weekly", {"en": "The week.", "es": "La semana."}),
    Offer("tag", {"en": "Tag."}, (Option("label", {"en": "The label", "es": "La etiqueta"}, LABELS),)),
)
EMOJI = {"💡": "product_idea", ":bug:": "bug_report", "our-own": "product_idea"}


class Inbox(Kept):
    """Offers a command with labels, whatever the program offers."""

    @property
    def offers(self) -> Sequence[Offer]:
        return OFFERS


@pytest.fixture(params=["socket", "http"])
async def slack(request: pytest.FixtureRequest) -> AsyncIterator[FakeSlack]:
    fake = FakeSlack(http_events=request.param == "http")
    await fake.start()
    yield fake
    await fake.stop()
    assert fake.wire.faults == []


@pytest.fixture
async def connector(slack: FakeSlack) -> AsyncIterator[SlackConnector]:
    made = SlackConnector(slack.settings | {"emoji": EMOJI}, slack.secrets)
    yield made
    await made.close()


@pytest.fixture
async def inbox(slack: FakeSlack, connector: SlackConnector) -> AsyncIterator[Inbox]:
    """Listens from before the test to its end."""
    slack.add_channel("general")
    kept = Inbox()
    await read(connector, kept)
    async with listening(connector, kept):
        yield kept


@pytest.fixture
def talk(slack: FakeSlack, inbox: Inbox) -> Talk:
    del inbox  # it listens
    return slack.talk


@pytest.fixture
def general(slack: FakeSlack) -> str:
    return next(iter(slack.rooms), "") or slack.add_channel("general")


def blocks(shown: Shown) -> list[str]:
    return [block["type"] for block in shown.message["blocks"]]


# --- commands ---------------------------------------------------------------------------------------------------


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
    inbox.reply = Reply("All *well*, <!channel> @everyone", title="The week", public=True)
    talk.command(ann, general, "weekly public")
    await talk.until(slack.posted)
    ((place, _, form),) = slack.posted()
    assert place == general
    assert [block["type"] for block in form["blocks"]] == ["header", "section"]
    assert "<!channel>" not in str(form)
    assert "@everyone" not in str(form)
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
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, free = slack.add_member("ann"), asyncio.Event()
    at_once = type(inbox).answer

    async def slow(self: Inbox, command: object) -> Reply | None:
        await free.wait()
        return await at_once(self, command)  # type: ignore[arg-type]

    monkeypatch.setattr(Inbox, "answer", slow)
    asked = [talk.command(ann, general, f"weekly {number}") for number in range(20)]
    for each in asked:
        await asyncio.wait_for(each.acknowledged.wait(), 3)
    assert talk.shown == []
    free.set()
    assert len(await talk.seen(ann, 20)) == 20


# --- answers that are long, late or unwelcome -------------------------------------------------------------------

LONG = "\n\n".join(
    [
        "Grüße 👩‍👩‍👧‍👦 an alle — ¿qué tal? " * 40,
        "```\n" + "línea 🏳️‍🌈 de código\n" * 400 + "```",
        "x" * 7000,
        "👍🏽" * 3000,
        "The end.",
    ]
)


async def test_a_long_answer_arrives_whole_and_within_the_limits(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    ann = slack.add_member("ann")
    inbox.reply = Reply(LONG * 4, title="Everything", buttons=(Button("More", "weekly"),))
    asked = talk.command(ann, general, "weekly")
    await talk.until(lambda: talk.shown and "actions" in blocks(talk.shown[-1]))
    # Five at the response address, as many as it takes; the rest beside it.
    assert len(asked.answers) == 5
    assert asked.refused == []
    assert len(talk.shown) > 5
    texts = [
        block["text"]["text"]
        for shown in talk.shown
        for block in shown.message["blocks"]
        if block["type"] == "section"
    ]
    assert all(text.count("```") % 2 == 0 for text in texts)
    said = "".join(texts)
    assert said.count("The end.") == 4
    assert said.count("x" * 500) >= 4 * 13
    assert said.count("👍🏽") == 12_000
    assert said.count("👩‍👩‍👧‍👦") == 160
    assert said.count("línea 🏳️‍🌈 de código") == 1600
    assert [blocks(shown)[0] for shown in talk.shown].count("header") == 1
    assert sum("actions" in blocks(shown) for shown in talk.shown) == 1


async def test_an_expired_address_is_followed_by_a_message_beside(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    ann = slack.add_member("ann")
    talk.command(ann, general, "weekly").age(1801)
    (shown,) = await talk.seen(ann)
    assert (shown.channel, shown.words) == (general, "Here you are.")
    assert talk.asked[0].refused == ["expired_url"]
    assert slack.posted() == []


async def test_where_the_bot_is_outside_it_answers_directly(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    ann = slack.add_member("ann")
    slack.rooms[general].member = False
    talk.command(ann, general, "weekly").age(1801)
    (shown,) = await talk.seen(ann)
    assert shown.channel.startswith("D")
    assert shown.words == "Here you are."


async def test_a_public_answer_whose_address_expired_is_posted(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    ann, inbox.reply = slack.add_member("ann"), Reply("For all.", public=True)
    talk.command(ann, general, "weekly public").age(1801)
    await talk.until(slack.posted)
    assert talk.shown == []
    slack.archive(general)
    talk.command(ann, general, "weekly public").age(1801)
    (shown,) = await talk.seen(ann)
    assert shown.channel.startswith("D"), "where it cannot be posted, whoever asked sees it at least"
    assert len(slack.posted()) == 1


@pytest.mark.parametrize("broken", ["500", "reset", "channel_not_found"])
async def test_an_address_that_is_broken(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str, broken: str
) -> None:
    ann, talk.broken = slack.add_member("ann"), broken
    talk.command(ann, general, "weekly")
    (shown,) = await talk.seen(ann)
    assert shown.words == "Here you are."
    inbox.reply = Reply("For all.", public=True)
    talk.command(ann, general, "weekly public")
    if broken == "channel_not_found":
        await talk.until(slack.posted)
    else:  # it may stand there already: it is not said to all again
        assert [shown.words for shown in await talk.seen(ann, 2)][1] == "For all."
        assert slack.posted() == []


async def test_blocks_that_slack_does_not_take_are_said_as_text(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    ann = slack.add_member("ann")
    inbox.reply = Reply("In words.", payload={"text": "In words.", "blocks": [{"type": "hologram"}]})
    talk.command(ann, general, "weekly")
    talk.command(ann, general, "weekly").age(1801)
    assert [shown.words for shown in await talk.seen(ann, 2)] == ["In words."] * 2


async def test_a_picture_is_shown_directly_or_to_all(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    ann = slack.add_member("ann")
    for public in (False, True):
        inbox.reply = Reply("See the chart.", picture=b"\x89PNG", alt="A chart", public=public)
        talk.command(ann, general, "chart")
        await talk.until(lambda public=public: len(slack.api.shared) == 1 + public)
    private, shared = slack.api.shared
    assert private["channel"].startswith("D")
    assert shared["channel"] == general
    assert [file["alt"] for file in slack.api.files.values()] == ["A chart"] * 2


async def test_limits_and_faults_of_the_web_api_pass(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    ann = slack.add_member("ann")
    slack.limit(2, 0.05)
    slack.fail(2)
    talk.command(ann, general, "weekly").age(1801)
    assert [shown.words for shown in await talk.seen(ann)] == ["Here you are."]


# --- who asks ---------------------------------------------------------------------------------------------------


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


async def test_who_reads_what(
    slack: FakeSlack, connector: SlackConnector, inbox: Inbox, talk: Talk, general: str
) -> None:
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


# --- mentions ---------------------------------------------------------------------------------------------------


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


# --- the menu of a message --------------------------------------------------------------------------------------


async def test_a_message_is_tagged_by_its_menu(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    mia, ann = slack.add_member("mia", staff=True), slack.add_member("ann")
    said = slack.say(general, ann, "Dark mode would be great.")
    chosen = talk.shortcut(mia, said)
    await talk.until(lambda: chosen.view)
    assert chosen.view is not None
    (block,) = chosen.view["blocks"]
    assert [each["text"]["text"] for each in block["element"]["options"]] == ["Product idea", "Bug report"]
    submitted = talk.submit(mia, chosen.view["id"], "product_idea")
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
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
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
    await talk.until(lambda: again.view)
    assert "Informe de error" in str(again.view), "by now it is known"
    assert [method for _, method, _ in slack.requests].count("views.update") == 1


async def test_the_languages_of_all_are_known_from_the_list(slack: FakeSlack) -> None:
    eva, general = slack.add_member("eva"), slack.add_channel("general")
    slack.talk.locales[eva] = "es-ES"
    said = slack.say(general, eva, "Dark mode would be great.")
    connector, kept = SlackConnector(slack.settings, slack.secrets), Inbox()
    await read(connector, kept)
    async with listening(connector, kept):
        chosen = slack.talk.shortcut(eva, said)
        await slack.talk.until(lambda: chosen.view)
    await connector.close()
    assert "Etiquetar el mensaje" in str(chosen.view)
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
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str, after_effect: bool
) -> None:
    mia = slack.add_member("mia")
    said = slack.say(general, mia, "Dark mode would be great.")
    await asyncio.wait_for(slack.wire.quiet(), 10)
    slack.fail(1, after_effect=after_effect)
    chosen = talk.shortcut(mia, said)
    talk.again(chosen)
    await talk.until(lambda: chosen.view)
    assert chosen.view is not None
    talk.submit(mia, chosen.view["id"], "bug_report")
    (shown,) = await talk.seen(mia)
    assert shown.words == "Here you are."
    assert len(talk.views) == 1


async def test_tagging_where_the_bot_is_no_member_is_confirmed_all_the_same(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    mia = slack.add_member("mia")
    said = slack.say(general, mia, "Dark mode would be great.")
    slack.rooms[general].member = False
    for late, place in ((0, general), (1801, "D")):
        chosen = talk.shortcut(mia, said)
        await talk.until(lambda chosen=chosen: chosen.view)
        assert chosen.view is not None
        chosen.age(late)
        talk.submit(mia, chosen.view["id"], "bug_report")
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


# --- reactions --------------------------------------------------------------------------------------------------


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


# --- buttons ----------------------------------------------------------------------------------------------------


async def test_buttons_stand_under_posts_and_answers_and_are_commands(
    slack: FakeSlack, connector: SlackConnector, inbox: Inbox, talk: Talk, general: str
) -> None:
    ann = slack.add_member("ann")
    long = "What is behind this number, and how is it counted? " * 3
    buttons = (Button("Explain", "explain questions"), Button(long, "help"))
    post = await connector.post(general, Post("weekly42", "The week", "All well.", buttons=buttons))
    inbox.reply = Reply("It is so.", buttons=(Button("Why?", "explain why"),))
    pressed = talk.press(ann, post, "Explain")
    talk.again(pressed)
    (shown,) = await talk.seen(ann)
    talk.press(ann, shown, "Why?")
    await talk.seen(ann, 2)
    first, second = inbox.commands
    assert (first.text, first.via, first.channel_id, first.thread_id) == (
        "explain questions",
        "button",
        general,
        None,
    )
    assert (second.text, second.via) == ("explain why", "button")
    assert len(slack.posted()) == 1, "the post stands as it was"
    assert slack.posted()[0][2]["blocks"][-1]["type"] == "actions"


async def test_a_button_in_a_thread_answers_in_the_thread(
    slack: FakeSlack, connector: SlackConnector, inbox: Inbox, talk: Talk, general: str
) -> None:
    ann = slack.add_member("ann")
    root = slack.say(general, ann, "Digests")
    place = root.replace(":", "/")
    post = await connector.post(
        place, Post("weekly42", "The week", "All well.", buttons=(Button("Why?", "explain"),))
    )
    talk.press(ann, post, "Why?")
    (shown,) = await talk.seen(ann)
    assert shown.thread == root.partition(":")[2]
    assert inbox.commands[0].thread_id == root


# --- malformed --------------------------------------------------------------------------------------------------

USER = {"user": {"id": "U000000001", "username": "ann"}}
ODD = [
    ("slash_commands", {"command": "/spaces"}),
    ("slash_commands", {"command": "/spaces", "user_id": "", "text": ""}),
    ("interactive", {}),
    ("interactive", {"type": "block_actions"}),
    ("interactive", {"type": "block_actions", **USER, "actions": [None]}),
    (
        "interactive",
        {"type": "block_actions", **USER, "actions": [{"action_id": "other", "value": "weekly"}]},
    ),
    ("interactive", {"type": "block_actions", **USER, "actions": [{"action_id": None}], "container": None}),
    ("interactive", {"type": "message_action", **USER, "callback_id": "spaces_tag"}),
    ("interactive", {"type": "message_action", **USER, "callback_id": "another"}),
    ("interactive", {"type": "view_submission", "view": None}),
    ("interactive", {"type": "view_submission", **USER, "view": {"callback_id": "another"}}),
    ("interactive", {"type": "view_closed", **USER, "view": {}}),
    ("interactive", {"type": "shortcut", **USER, "callback_id": "x"}),
    ("interactive", {"type": "something_new", **USER}),
]


async def test_odd_requests_are_acknowledged_and_survived(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    ann = slack.add_member("ann")
    asked: list[Asked] = [talk.raw(kind, body) for kind, body in ODD]
    for each in asked:
        await asyncio.wait_for(each.acknowledged.wait(), 3)
    talk.command(ann, general, "weekly")
    await talk.seen(ann)
    assert [command.text for command in inbox.commands] == ["weekly"]


async def test_a_modal_of_another_version_is_answered_directly(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str
) -> None:
    del general
    ann = slack.add_member("ann")
    body = {
        "type": "view_submission",
        "user": {"id": ann},
        "view": {"callback_id": "spaces_tag", "id": "V1", "private_metadata": "?"},
    }
    talk.raw("interactive", body)
    (shown,) = await talk.seen(ann)
    assert shown.channel.startswith("D")
    assert (inbox.commands[0].message, inbox.commands[0].options) == (None, {})


async def test_little_is_enough(slack: FakeSlack, inbox: Inbox, talk: Talk, general: str) -> None:
    ann = slack.add_member("ann")
    talk.raw("slash_commands", {"command": "/spaces", "user_id": ann, "channel_id": general})
    (shown,) = await talk.seen(ann)
    assert (shown.channel, inbox.commands[0].text) == (general, "")


async def test_nothing_said_and_no_address_is_logged(
    slack: FakeSlack, inbox: Inbox, talk: Talk, general: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ann = slack.add_member("ann")
    inbox.reply = Reply("A confidential answer.")
    talk.command(ann, general, "confidential question").age(1801)
    await talk.seen(ann)
    assert "response address" in caplog.text
    assert not [word for word in ("onfidential", "/respond/", "xoxb-") if word in caplog.text]
