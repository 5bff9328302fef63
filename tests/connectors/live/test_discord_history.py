import asyncio
from collections.abc import AsyncIterator

import pytest

from connectors.discord import DiscordConnector
from connectors.errors import Misconfigured, Unavailable, UnreadablePayload
from storage.database import Database
from tests.connectors.live.discord_room import Kept, ago, read
from tests.fakes import discord_shapes as shapes
from tests.fakes.discord import FakeDiscord


@pytest.fixture
async def fake() -> AsyncIterator[FakeDiscord]:
    server = FakeDiscord()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def connector(fake: FakeDiscord) -> AsyncIterator[DiscordConnector]:
    made = DiscordConnector(fake.settings, fake.secrets)
    yield made
    await made.close()


@pytest.fixture
def kept(sqlite: Database) -> Kept:
    return Kept(sqlite)


def fill(fake: FakeDiscord, count: int = 250) -> tuple[str, str]:
    channel, ann = fake.add_channel("help"), fake.add_member("ann")
    for number in range(count):
        fake.say(channel, ann, f"word {number}", at=ago(days=2, seconds=-number))
    return channel, ann


async def test_everything_is_read_once(fake: FakeDiscord, connector: DiscordConnector, kept: Kept) -> None:
    channel, ann = fill(fake)
    forum = fake.add_channel("ideas", forum=True)
    topic = fake.open_thread(forum, ann, "How to?", "I ask")
    fake.say(forum, ann, "answer", thread=topic, reply_to=topic)
    side = fake.open_thread(channel, ann, "Aside", "let us go aside")
    fake.say(channel, ann, "inside", thread=side)
    fake.react(topic, "👍", ann)
    fake.edit(topic, "I ask again")
    await read(connector, kept)
    assert kept.standing() == fake.standing()
    assert len(kept.standing()) == 254
    again = await read(connector, kept)
    assert [message for page in again for message in page.messages] == []


async def test_reading_goes_on_after_any_page(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept
) -> None:
    channel, ann = fill(fake, 450)
    for number in range(3):
        topic = fake.open_thread(channel, ann, f"topic {number}", "…")
        fake.say(channel, ann, "inside", thread=topic)
        fake.archive(topic)
    seen: list[str] = []
    for _ in range(40):
        found = await read(connector, kept, most=3)
        seen += [message.id for page in found for message in page.messages]
        if len(found) < 3:
            break
    await read(connector, kept)
    assert kept.standing() == fake.standing()
    assert len(seen) == len(set(seen)) == len(fake.standing())


async def test_a_start_point(fake: FakeDiscord, connector: DiscordConnector, kept: Kept) -> None:
    channel, ann = fake.add_channel("help"), fake.add_member("ann")
    old = fake.say(channel, ann, "old", at=ago(days=90))
    new = fake.say(channel, ann, "new", at=ago(days=5))
    await read(connector, kept, ago(days=30))
    assert set(kept.standing()) == {new}
    assert old in fake.standing()


async def test_threads_that_rest_are_found(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept
) -> None:
    """Made and archived while nobody looked; several in one moment, on pages of two."""
    fake.archive_page = 2
    forum, ann = fake.add_channel("ideas", forum=True), fake.add_member("ann")
    same = ago(hours=1)
    for number in range(7):
        topic = fake.open_thread(forum, ann, f"idea {number}", "…")
        fake.say(forum, ann, "more", thread=topic)
        fake.archive(topic, ago(hours=3) if number < 3 else same if number == 3 else ago(minutes=9 - number))
    fake.archive(fake.open_thread(forum, ann, "twin", "…"), same)
    await read(connector, kept)
    assert kept.standing() == fake.standing()
    late = fake.open_thread(forum, ann, "late", "…")
    fake.archive(late)
    asked = len(fake.requests)
    found = await read(connector, kept)
    assert [message.id for page in found for message in page.messages] == [late]
    assert len(fake.requests) - asked < 20


async def test_private_places_are_read_when_named(fake: FakeDiscord, kept: Kept) -> None:
    ann = fake.add_member("ann")
    secret, open_ = fake.add_channel("secret", private=True), fake.add_channel("open")
    fake.allow(secret)
    fake.say(secret, ann, "hush")
    fake.say(open_, ann, "hello")
    private = fake.add_thread(open_, fake.snowflake(), "corner", ann, 12)
    private.admitted = True
    inside = fake.say(open_, ann, "in the corner", thread=private.id)
    resting = fake.add_thread(open_, fake.snowflake(), "cellar", ann, 12)
    resting.admitted = True
    below = fake.say(open_, ann, "in the cellar", thread=resting.id)
    fake.archive(resting.id)
    connector = DiscordConnector(fake.settings, fake.secrets)
    pages = await read(connector, kept)
    await connector.close()
    assert [found.text for found in kept.standing().values()] == ["hello"]
    assert [channel.name for page in pages for channel in page.channels] == ["open"]
    connector = DiscordConnector(fake.settings | {"include": ["#secret", "corner", "cellar"]}, fake.secrets)
    await read(connector, kept)
    await connector.close()
    assert kept.standing() == fake.standing()
    assert {inside, below} <= set(kept.standing())


async def test_excluded_places_are_not_asked(fake: FakeDiscord, kept: Kept) -> None:
    channel, ann = fill(fake, 3)
    topic = fake.open_thread(channel, ann, "aside", "…")
    connector = DiscordConnector(fake.settings | {"exclude": ["#Help"]}, fake.secrets)
    await read(connector, kept)
    await connector.close()
    assert kept.standing() == {}
    assert not [path for _, path, _ in fake.requests if channel in path or topic in path]


async def test_a_channel_that_refuses(fake: FakeDiscord, connector: DiscordConnector, kept: Kept) -> None:
    closed, ann = fill(fake, 3)
    fake.refuse(closed)
    other = fake.add_channel("other")
    fake.say(other, ann, "hello")
    pages = await read(connector, kept)
    assert [(r.channel_id, "#help" in r.why) for page in pages for r in page.refusals] == [(closed, True)]
    assert other in [id_ for page in pages for id_ in page.readable]
    assert [found.text for found in kept.standing().values()] == ["hello"]
    asked = len([path for _, path, _ in fake.requests if closed in path])
    await read(connector, kept)
    assert len([path for _, path, _ in fake.requests if closed in path]) == asked == 1


async def test_a_sweep_finds_what_nobody_told(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept
) -> None:
    channel, ann = fill(fake, 230)
    topic = fake.open_thread(channel, ann, "aside", "…")
    inside = [fake.say(channel, ann, f"in {number}", thread=topic) for number in range(5)]
    gone_thread = fake.open_thread(channel, ann, "gone", "…")
    fake.say(channel, ann, "going", thread=gone_thread)
    gone_channel = fake.add_channel("gone too")
    fake.say(gone_channel, ann, "going too")
    await read(connector, kept)
    ids = sorted(fake.said_in(channel), key=int)
    for id_ in (ids[0], ids[99], ids[100], ids[150], ids[-1], inside[2]):
        fake.delete(id_)
    fake.edit(ids[50], "edited in silence")
    fake.react(ids[51], "👍", ann)
    fake.delete_channel(gone_thread)
    fake.delete_channel(gone_channel)
    await read(connector, kept, sweep=True)
    assert kept.standing() == fake.standing()


@pytest.mark.parametrize("after_effect", [False, True])
async def test_faults_of_the_server(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept, after_effect: bool
) -> None:
    fill(fake, 120)
    fake.rest.faults.failure_kinds = [503, 0]
    fake.fail(4, after_effect=after_effect)
    await read(connector, kept)
    fake.limit(8, 0.05)
    fake.rest.faults.garbage = 1
    fill(fake, 10)
    await read(connector, kept)
    assert kept.standing() == fake.standing()
    assert fake.rest.faults.limits == fake.rest.faults.failures == 0


async def test_a_limit_far_away(fake: FakeDiscord, connector: DiscordConnector, kept: Kept) -> None:
    fill(fake, 3)
    await read(connector, kept)
    fake.rest.faults.limit_forms = ["text"]
    fake.limit(1, 3600)
    with pytest.raises(Unavailable) as caught:
        await read(connector, kept)
    assert caught.value.retry_after == 3600


async def test_members_roles_and_joins(fake: FakeDiscord, connector: DiscordConnector, kept: Kept) -> None:
    ann, bot = fake.add_member("ann", staff=True), fake.add_member("robot", bot=True)
    pages = await read(connector, kept)
    members = {member.id: member for page in pages for member in page.members}
    assert (members[ann].is_staff, members[ann].roles, members[ann].complete) == (True, ("Team",), True)
    assert members[ann].display_name == "Ann"
    assert members[bot].is_bot
    assert not members[bot].is_staff
    assert {join.member_id for page in pages for join in page.joins} >= {ann, bot}
    again = await read(connector, kept)
    assert not [member for page in again for member in page.members]


async def test_without_the_members_intent(fake: FakeDiscord, connector: DiscordConnector, kept: Kept) -> None:
    fake.flags = 1 << 18
    fill(fake, 3)
    await read(connector, kept)
    assert kept.standing() == fake.standing()
    assert not [path for _, path, _ in fake.requests if path.endswith("/members")]


async def test_without_the_content_intent_nothing_is_read(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept
) -> None:
    fake.flags = 1 << 14
    fill(fake, 3)
    with pytest.raises(
        Misconfigured, match=r"Message Content Intent.*discord.com/developers/applications/1000"
    ):
        await read(connector, kept)
    assert kept.standing() == {}


@pytest.mark.parametrize("token", ["wrong", ""])
async def test_a_wrong_token(fake: FakeDiscord, kept: Kept, token: str) -> None:
    connector = DiscordConnector(fake.settings, {"bot_token": token})
    with pytest.raises(Misconfigured, match=r"discord.com/developers/applications"):
        await read(connector, kept)
    await connector.close()


async def test_a_place_that_is_not_there(kept: Kept) -> None:
    connector = DiscordConnector({"api_url": "http://127.0.0.1:9/api/v10"}, {"bot_token": "x"})
    with pytest.raises(Unavailable, match=r"127.0.0.1:9"):
        await read(connector, kept)
    await connector.close()


async def test_two_servers_in_one_process(fake: FakeDiscord, connector: DiscordConnector, kept: Kept) -> None:
    other = FakeDiscord()
    await other.start()
    second = DiscordConnector(other.settings, other.secrets)
    fill(fake, 3)
    fill(other, 4)
    found = await asyncio.gather(read(connector, kept), read(second, kept))
    await second.close()
    await other.stop()
    assert [sum(len(page.messages) for page in pages) for pages in found] == [3, 4]


async def test_an_answer_of_another_shape(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.fakes.discord_shapes.channel", lambda _room: {"name": "no id"})
    fake.rooms["5"] = shapes.Room("5", "help")
    with pytest.raises(UnreadablePayload, match="KeyError"):
        await read(connector, kept)


async def test_a_server_without_the_bot(fake: FakeDiscord, connector: DiscordConnector, kept: Kept) -> None:
    fake.in_guild = False
    with pytest.raises(Misconfigured, match=f"not in the Discord server {shapes.GUILD}: invite it"):
        await read(connector, kept)
