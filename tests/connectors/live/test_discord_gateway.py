import asyncio
from collections.abc import AsyncIterator

import pytest

from connectors import discord_client as live
from connectors.discord import DiscordConnector
from connectors.errors import Misconfigured, Unavailable, UnreadablePayload
from storage.database import Database
from tests.connectors.live.discord_room import PATIENCE, Kept, listening, read
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


@pytest.fixture
def room(fake: FakeDiscord) -> tuple[str, str]:
    return fake.add_channel("help"), fake.add_member("ann")


async def test_resume_loses_nothing(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept, room: tuple[str, str]
) -> None:
    channel, ann = room
    async with listening(connector, kept, fake):
        fake.say(channel, ann, "before")
        await kept.equals(fake)
        for act in (fake.cut, lambda: fake.gateway.send({"op": 7, "d": None}), lambda: fake.gateway.send(4000),
                    lambda: fake.gateway.send({"op": 9, "d": True})):  # fmt: skip
            act()
            fake.say(channel, ann, "meanwhile")
            fake.delete(fake.say(channel, ann, "and gone"))
            await kept.equals(fake)
    assert len(fake.gateway.resumed) == 4
    assert len(fake.gateway.identified) == 1
    assert kept.gaps == 1


@pytest.mark.parametrize("how", ["op 9", "1000", "expired"])
async def test_a_new_session_is_a_gap(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept, room: tuple[str, str], how: str
) -> None:
    channel, ann = room
    async with listening(connector, kept, fake):
        fake.expire_session()
        if how == "op 9":
            fake.gateway.send({"op": 9, "d": False})
        elif how == "1000":
            fake.gateway.send(1000)
        else:
            fake.cut()
        await kept.until(lambda: kept.gaps == 2)
        fake.say(channel, ann, "after")
        await kept.equals(fake)
    assert len(fake.gateway.identified) == 2


async def test_a_lost_event_announces_itself(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept, room: tuple[str, str]
) -> None:
    channel, ann = room
    async with listening(connector, kept, fake):
        fake.say(channel, ann, "one")
        await kept.equals(fake)
        assert kept.gaps == 1
        fake.lose()
        fake.say(channel, ann, "two")
        fake.say(channel, ann, "three")
        await kept.until(lambda: kept.gaps == 2)
        await read(connector, kept)
        await kept.equals(fake)


async def test_doubled_events_count_once(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept, room: tuple[str, str]
) -> None:
    channel, ann = room
    async with listening(connector, kept, fake):
        fake.double(3)
        said, gone = fake.say(channel, ann, "one"), fake.say(channel, ann, "two")
        fake.delete(gone)
        fake.react(said, "👍", ann)
        await kept.equals(fake)
        # The same words under a number of their own, after all the rest.
        told = [payload["d"] for session in fake.gateway.sessions.values() for payload in session.told]
        for data in [data for data in told if data.get("content")]:
            fake.gateway.tell("MESSAGE_CREATE", data)
        last = fake.say(channel, ann, "last")
        await kept.until(lambda: last in kept.standing())
        assert kept.standing() == fake.standing()
    assert kept.gaps == 1


async def test_a_malformed_event_is_put_aside(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept, room: tuple[str, str]
) -> None:
    channel, ann = room
    async with listening(connector, kept, fake):
        fake.say(channel, ann, "before")
        fake.gateway.malforming = 1
        fake.say(channel, ann, "spoilt")
        after = fake.say(channel, ann, "after")
        await kept.until(lambda: after in kept.standing() and kept.gaps == 2)
        await read(connector, kept)
        await kept.equals(fake)
    assert [problem.what for page in kept.pages for problem in page.problems] == [
        "an event (MESSAGE_CREATE) cannot be read and was skipped"
    ]
    assert len(fake.gateway.identified) == 1


async def test_a_greeting_that_cannot_be_read(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake.gateway, "welcome", lambda _session: [("READY", {"v": 10})])
    with pytest.raises(UnreadablePayload, match=r"cannot be read \(KeyError\); the connection begins anew"):
        await connector.listen(kept)


async def test_what_could_not_be_kept_is_delivered_again(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept, room: tuple[str, str]
) -> None:
    channel, ann = room
    async with listening(connector, kept, fake) as task:
        fake.say(channel, ann, "kept")
        await kept.equals(fake)
        kept.broken = Unavailable("the database is away")
        said = fake.say(channel, ann, "one")
        with pytest.raises(Unavailable, match="the database is away"):
            await task
    kept.broken = None
    fake.delete(fake.say(channel, ann, "while nobody listens"))
    async with listening(connector, kept, fake):
        await kept.until(lambda: said in kept.standing())
    assert kept.standing() == fake.standing()


async def test_a_stop_keeps_what_was_heard(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept, room: tuple[str, str]
) -> None:
    channel, ann = room
    async with listening(connector, kept, fake):
        kept.hold = asyncio.Event()
        for number in range(1200):
            fake.say(channel, ann, f"word {number}")
        async with asyncio.timeout(PATIENCE):
            while len(connector._feed) < 1200:  # noqa: ASYNC110 - nothing says that an event came while delivery waits
                await asyncio.sleep(0)
        kept.hold.set()
    assert kept.standing() == fake.standing()
    assert max(len(page.messages) for page in kept.pages) == 500


async def test_silence_is_noticed(
    fake: FakeDiscord,
    connector: DiscordConnector,
    kept: Kept,
    room: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "SILENCE", 0.5)
    channel, ann = room
    fake.gateway.interval = 100
    async with listening(connector, kept, fake):
        for line in fake.gateway.lines:
            line.silent = True
        fake.say(channel, ann, "does anyone hear?")
        await kept.equals(fake)
    assert fake.gateway.resumed
    assert kept.gaps == 1


async def test_a_goodbye_that_nobody_answers(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_CLOSING", 0.2)
    fake.gateway.interval = 50
    async with listening(connector, kept, fake) as task, asyncio.timeout(PATIENCE):
        fake.gateway.deaf = True
        await fake.gateway.deafened.wait()
        task.cancel()
        await asyncio.wait([task])
    assert task.cancelled()


async def test_revoked_while_connected(fake: FakeDiscord, connector: DiscordConnector, kept: Kept) -> None:
    async with listening(connector, kept, fake) as task:
        fake.revoke()
        with pytest.raises(Misconfigured, match=r"does not accept the bot token.*Reset Token"):
            await task


@pytest.mark.parametrize("known", [True, False])
async def test_without_the_content_intent(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen beforehand in the application's flags; or only told by the gateway's close."""
    if known:
        fake.flags = 1 << 14
    else:
        monkeypatch.setattr(fake.gateway, "allowed", lambda _token, _intents: 4014)
    with pytest.raises(
        Misconfigured, match=r"Message Content Intent.*developers/applications/1000000000000000002"
    ):
        await connector.listen(kept)
    assert len(fake.gateway.identified) == (0 if known else 1)


async def test_without_the_members_intent(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept, room: tuple[str, str]
) -> None:
    fake.flags = 1 << 18
    channel, ann = room
    async with listening(connector, kept, fake):
        fake.say(channel, ann, "hello")
        await kept.equals(fake)


async def test_no_sessions_left(fake: FakeDiscord, connector: DiscordConnector, kept: Kept) -> None:
    fake.sessions_left = 0
    with pytest.raises(Unavailable) as caught:
        await connector.listen(kept)
    assert caught.value.retry_after == 14_400
    assert fake.gateway.identified == []


async def test_a_door_that_closes_at_once(fake: FakeDiscord, connector: DiscordConnector, kept: Kept) -> None:
    fake.gateway.greeting_code = 4000
    with pytest.raises(Unavailable, match="closed at once"):
        await connector.listen(kept)


async def test_a_door_that_does_nothing_but_close(
    fake: FakeDiscord, connector: DiscordConnector, kept: Kept
) -> None:
    async with listening(connector, kept, fake) as task:
        fake.gateway.greeting_code = 4000
        fake.cut()
        with pytest.raises(Unavailable, match="closes every connection"):
            await task


async def test_a_gateway_that_is_not_there(fake: FakeDiscord, kept: Kept) -> None:
    connector = DiscordConnector(fake.settings | {"gateway_url": "ws://127.0.0.1:9/"}, fake.secrets)
    with pytest.raises(Unavailable, match="gateway cannot be reached"):
        await connector.listen(kept)
    await connector.close()


async def test_the_door_that_the_server_names(fake: FakeDiscord, kept: Kept, room: tuple[str, str]) -> None:
    settings = {key: value for key, value in fake.settings.items() if key not in {"gateway_url", "server"}}
    connector = DiscordConnector(settings, fake.secrets)
    channel, ann = room
    async with listening(connector, kept, fake):
        fake.say(channel, ann, "hello")
        await kept.equals(fake)
    await connector.close()
