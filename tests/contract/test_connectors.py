"""What every connector owes us, on both databases: nothing lost, nothing twice, whatever the platform does.

A row equals what stands on the platform, in id, channel, author, text, thread, reactions and solution.
"""

import asyncio
import json
import re
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.errors import Misconfigured, Unavailable, Unsure
from connectors.records import Post
from storage import states
from storage.posts import new_key
from tests.contract.world import SWEEPING, Town, World, until

PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


# --- history ----------------------------------------------------------------------------------------------------


async def test_history_is_read_whole_from_any_kill_point(world: World, town: Town) -> None:
    town.talk(60)
    town.ask()
    lives = 0
    stop = 1
    while lives < 200:
        lives += 1
        read = await world.read(pages=stop)
        if read < stop:
            break
        stop += lives % 3
    assert world.stored() == world.fake.standing()
    assert lives > 2


async def test_history_again_changes_nothing(world: World, town: Town) -> None:
    town.talk(25)
    await world.read()
    first = world.stored()
    await world.read()
    assert world.stored() == first == world.fake.standing()


async def test_what_was_said_meanwhile_is_read_on(world: World, town: Town) -> None:
    said = town.talk(12)
    await world.read()
    town.talk(15, old=False)
    thread = next(thread for id_ in said if (thread := world.fake.standing()[id_].thread_id))
    world.fake.say(town.general, town.bob, "later in an old thread", thread=thread)
    await world.read()
    assert world.stored() == world.fake.standing()


async def test_what_changed_while_we_were_away_is_found_by_a_sweep(world: World, town: Town) -> None:
    said = town.talk(40)
    question, answer = town.ask()
    await world.read()
    fake = world.fake
    fake.edit(said[1], "edited")
    fake.edit(said[4], "edited in a thread")
    fake.delete(said[0])
    fake.delete(said[5])
    fake.delete_many(said[10:13])
    fake.react(said[2], "thumbsup" if fake.name == "slack" else "👍", town.bob)
    fake.solve(answer)
    town.ask(old=False)
    await world.read()
    await world.read(sweep=True)
    assert world.stored() == fake.standing()
    assert question in world.stored()


async def test_a_channel_that_went_while_we_were_away(world: World, town: Town) -> None:
    town.talk(20)
    town.ask()
    await world.read()
    world.fake.delete_channel(town.general)
    await world.read()
    await world.read(sweep=True)
    assert world.stored() == world.fake.standing()


async def test_what_only_events_told_of_and_went_while_we_were_away(world: World, town: Town) -> None:
    fake = world.fake
    said = town.talk(4)
    async with world.hearing():
        question, answer = town.ask(old=False)
        other = fake.add_channel("other")
        passing = fake.say(other, town.bob, "here for an hour")
        await until(lambda: {question, answer, passing} <= set(world.stored()))
    match fake.name:
        case "slack":
            fake.delete_many([answer, question])
        case "discord":
            fake.delete_channel(world.thread_of(question))
        case "discourse":
            fake.delete(question)
    fake.delete_channel(other)
    await world.read()
    await world.read(sweep=True)
    assert world.stored() == fake.standing()
    assert set(said) <= set(world.stored())


async def test_a_channel_that_a_sweep_meets_first_has_its_history_read_too(world: World, town: Town) -> None:
    town.talk(3)
    await world.read()
    late = world.fake.add_channel("late")
    old = world.fake.say(
        late, town.ada, "older than any sweep looks", at=datetime.now(UTC) - timedelta(days=40)
    )
    world.fake.say(late, town.ada, "of today")
    await world.read(sweep=True, back=timedelta(days=30))
    await world.read()
    assert world.stored() == world.fake.standing()
    assert old in world.stored()


async def test_who_left_while_we_were_away_is_noticed(world: World, town: Town) -> None:
    town.talk(3)
    eve = world.fake.add_member("eve")
    await world.read()
    assert world.present() >= {"ada", "bob", "eve"}
    world.fake.remove_member(eve)
    world.fake.add_member("dan")
    await world.read()
    await world.read(sweep=True)
    assert "eve" not in world.present()
    assert world.present() >= {"ada", "bob", "dan"}


# --- listening --------------------------------------------------------------------------------------------------


async def test_history_and_events_side_by_side(world: World, town: Town) -> None:
    said = town.talk(50)
    async with world.served():
        for number in range(20):
            world.fake.say(town.general, town.ada, f"live {number}")
            await asyncio.sleep(0)
        world.fake.edit(said[1], "edited while it is read")
        world.fake.delete(said[2])
        town.talk(20, old=False)
        await world.equals()


async def test_everything_that_people_do_arrives(world: World, town: Town) -> None:
    fake = world.fake
    thumb, heart = ("thumbsup", "heart") if fake.name == "slack" else ("👍", "❤️")
    said = town.talk(12)
    # Where there are no events of it, history tells: the sweep is part of listening then.
    async with world.served(SWEEPING):
        await world.equals()
        question, answer = town.ask(old=False)
        fake.edit(said[1], "edited")
        fake.delete(said[0])
        await world.equals()
        fake.react(said[1], thumb, town.bob)
        fake.react(said[1], thumb, town.robot)
        fake.react(answer, heart, town.ada)
        fake.solve(answer)
        await world.equals()
        fake.unreact(said[1], thumb, town.bob)
        fake.delete_many(said[6:9])
        other = fake.add_channel("other")
        fake.say(other, town.bob, "first here")
        await world.equals()
        fake.delete_channel(other)
        fake.edit(question, "How do I restore a vault?")
        await world.equals()


async def test_events_alone_are_enough_where_there_are_events(world: World, town: Town) -> None:
    said = town.talk(12)
    async with world.served():
        await world.equals()
        fresh = town.talk(12, old=False)
        await world.equals()
        if world.fake.name == "discourse":
            return
        world.fake.edit(fresh[1], "edited")
        world.fake.delete(fresh[0])
        world.fake.delete(said[0])
        world.fake.delete_many(fresh[6:8])
        world.fake.react(fresh[2], "thumbsup" if world.fake.name == "slack" else "👍", town.bob)
        await world.equals()


async def test_a_private_channel_is_left_alone(world: World, town: Town) -> None:
    hidden = world.fake.add_channel("secrets", private=True)
    world.fake.say(hidden, town.bob, "Nobody must see this.", at=town.begin)
    said = town.talk(3)
    await world.read()
    assert set(world.stored()) >= set(said)
    assert not [row for row in world.stored().values() if row.channel_id == hidden]


async def test_excluded_channels_are_not_read_whatever_happens_in_them(world: World, town: Town) -> None:
    fake = world.fake
    tickets, noise = fake.add_channel("tickets"), fake.add_channel("noise", forum=True)

    def fuss(at: datetime | None = None) -> list[str]:
        fake.settings["exclude"] = []
        first = fake.open_thread(noise, town.ada, "Noise", "So much", at=at)
        thread = world.thread_of(first)
        said = [
            first, fake.say(noise, town.bob, "noise", thread=thread, at=at),
            fake.open_thread(tickets, town.ada, "A ticket", "My invoice", at=at),
        ]  # fmt: skip
        threads.update(world.thread_of(id_).rpartition(":")[2] for id_ in said)
        fake.settings["exclude"] = ["#Tickets", "noise"]
        return said

    threads: set[str] = set()
    unread = fuss(town.begin)
    town.talk(6)
    async with world.served(SWEEPING):
        await world.equals()
        unread += fuss()
        fake.edit(unread[-1], "edited")
        town.talk(3, old=False)
        await world.equals()
        before = world.state()
        assert before
        await until(lambda: (state := world.state()) and state.swept_at != before.swept_at)
    assert world.stored() == fake.standing()
    assert world.stored().keys().isdisjoint(unread)
    asked = {
        f"{path} {more}" for _, path, more in fake.requests
        if path.startswith(("conversations.history", "conversations.replies", "/t/", "/channels/", "/api/v10/channels/"))
    }  # fmt: skip
    assert asked
    named = re.compile(rf"\b({'|'.join((tickets, noise, *threads))})\b")
    assert [one for one in asked if named.search(one)] == []


async def test_the_lag_is_from_our_receiving_an_event_to_its_row(world: World, town: Town) -> None:
    """Not from when it was written, nor from when its turn came to be kept."""
    async with world.hearing():
        world.fake.say(town.general, town.ada, "all is quiet")
        await until(lambda: world.is_equal() and world.inbox.event_at)
        if world.fake.name == "discourse":  # until a poll finds nothing new
            asked = len(world.fake.requests)
            await until(lambda: len(world.fake.requests) > asked + 9)
        _, known = world.lags()
        free = threading.Event()
        busy = asyncio.create_task(world.writer.first(lambda _session: free.wait(20)))
        before = datetime.now(UTC)
        said = world.fake.say(town.general, town.ada, "written long ago", at=town.begin)
        await until(lambda: world.writer._first)
        received = datetime.now(UTC)
        await until(lambda: datetime.now(UTC) - received > timedelta(seconds=0.3))
        free.set()
        await busy
        await until(lambda: said in world.stored())
        await until(lambda: world.inbox.event_at and world.inbox.event_at > received)
    count, total = world.lags()
    assert 0.3 <= total - known <= (datetime.now(UTC) - before).total_seconds() * count


async def test_after_a_cut_it_connects_again_and_nothing_is_missing(world: World, town: Town) -> None:
    async with world.served():
        await world.equals()
        for _ in range(3):
            world.fake.cut()
            town.talk(5, old=False)
            await world.equals()


async def test_a_session_that_expired_is_begun_anew(world: World, town: Town) -> None:
    async with world.served():
        await world.equals()
        world.fake.expire_session()
        world.fake.cut()
        town.talk(8, old=False)
        await world.equals()
        world.fake.say(town.general, town.ada, "and on")
        await world.equals()


async def test_lost_events_are_found_by_the_sweep(world: World, town: Town) -> None:
    said = town.talk(4)
    async with world.served(SWEEPING):
        await world.equals()
        world.fake.lose(8)
        world.fake.say(town.general, town.ada, "nobody was told")
        world.fake.edit(said[0], "nor of this")
        world.fake.delete(said[1])
        town.ask(old=False)
        await world.equals()


async def test_doubled_events_count_once(world: World, town: Town) -> None:
    async with world.served():
        await world.equals()
        world.fake.double(10)
        said = [world.fake.say(town.general, town.ada, f"twice {number}") for number in range(5)]
        world.fake.edit(said[0], "edited twice")
        await world.equals()


# --- a platform that is not well ---------------------------------------------------------------------------------


async def test_limits_are_honoured_in_every_form(world: World, town: Town) -> None:
    town.talk(20)
    world.fake.limit(6, 0.05)
    async with world.served():
        await world.equals(30)
        world.fake.limit(6, 0.05)
        town.talk(5, old=False)
        await world.equals(30)


async def test_failures_of_the_platform_pass(world: World, town: Town) -> None:
    town.talk(20)
    world.fake.fail(4)
    async with world.served():
        await world.equals(30)
        world.fake.fail(4)
        town.talk(5, old=False)
        await world.equals(30)


async def test_random_faults_change_nothing_in_the_end(world: World, town: Town) -> None:
    said = town.talk(30)
    world.fake.chaos.rate = 0.2
    world.fake.chaos.on = True
    async with world.served(SWEEPING):
        for number in range(30):
            world.fake.say(town.general, town.bob, f"in the storm {number}")
            if number % 5 == 0:
                world.fake.edit(said[number], f"edited {number}")
                world.fake.delete(said[number + 1])
            await asyncio.sleep(0.02)
        world.fake.chaos.on = False
        await world.equals(40)
    assert world.fake.chaos.seen


async def test_a_channel_that_refuses_is_remembered_and_the_others_are_read(world: World, town: Town) -> None:
    said = town.talk(3)
    closed = world.fake.add_channel("closed")
    lost = world.fake.say(closed, town.ada, "You may not read this.", at=town.begin)
    world.fake.refuse(closed)
    await world.read()
    assert set(said) <= set(world.stored())
    assert lost not in world.stored()
    with world.database.read() as session:
        found = {refusal.channel_id: refusal.why for refusal in states.refusals(session, world.id)}
    # Discord tells beforehand what may not be read, and Discourse does not show it at all.
    if world.fake.name == "slack":
        assert list(found) == [closed]
    assert all(why.endswith(".") for why in found.values())


async def test_a_revoked_token_is_the_operators_to_mend(world: World, town: Town) -> None:
    town.talk(3)
    async with world.served() as supervisor:
        await world.equals()
        world.fake.revoke()
        await until(lambda: not supervisor.connected)
        assert supervisor.why
        assert supervisor.why.endswith((".", "."))
        assert not any(secret in supervisor.why for secret in world.fake.secrets.values())
    with pytest.raises(Misconfigured):
        await world.read()
    async with world.connector() as connector:
        findings = await connector.check()
        assert [finding for finding in findings if not finding.good]


async def test_a_sound_source_passes_its_check(world: World, town: Town) -> None:
    town.talk(3)
    async with world.connector() as connector:
        findings = await connector.check()
    assert findings
    assert [finding.words for finding in findings if not finding.good] == []


# --- posting ----------------------------------------------------------------------------------------------------

HOSTILE = "@everyone @here <!channel> <!here> <@U1> <@&1> @ada @staff <!subteam^S1>"


def weekly(**more: Any) -> Post:
    return Post(
        new_key(),
        "The community in week 12",
        f"All *well* in **general**.\n\n- one\n- two\n\n{HOSTILE}",
        **more,
    )


async def test_posted_found_and_edited(world: World, town: Town) -> None:
    post = weekly(picture=PICTURE, alt="A chart")
    async with world.connector() as connector:
        assert await connector.find(town.general, post.key) is None
        id_ = await connector.post(town.general, post)
        assert await connector.find(town.general, post.key) == id_
        assert await connector.find(town.general, new_key()) is None
        await connector.edit(town.general, id_, post._replace(text="Changed."))
        assert await connector.find(town.general, post.key) == id_
    # On Slack a picture is a message of its own.
    posted = [id_ for _, id_, _ in world.fake.posted()]
    assert len(posted) == len(set(posted)) <= (2 if world.fake.name == "slack" else 1)
    assert "Changed." in world.fake.standing()[id_].text


async def test_posted_into_a_thread(world: World, town: Town) -> None:
    first = world.fake.open_thread(town.general, town.ada, "Digests", "Here they come.")
    place = f"{town.general}/{world.thread_of(first).rpartition(':')[2]}"
    post = weekly()
    async with world.connector() as connector:
        id_ = await connector.post(place, post)
        assert await connector.find(place, post.key) == id_
    assert len(world.fake.posted()) == 1


@pytest.mark.parametrize("after_effect", [False, True])
async def test_said_once_though_the_answer_was_lost(world: World, town: Town, after_effect: bool) -> None:
    post = weekly()
    async with world.connector() as connector:
        await connector.find(town.general, post.key)  # whatever it has to learn first
        world.fake.fail(1, after_effect=after_effect)
        sent = None
        async with asyncio.timeout(20):
            while sent is None:
                try:
                    sent = await connector.post(town.general, post)
                except Unsure:
                    sent = await connector.find(town.general, post.key)
                except Unavailable as error:
                    await asyncio.sleep(min(error.retry_after, 0.1))
    assert len(world.fake.posted()) == 1


async def test_nobody_is_ever_pinged(world: World, town: Town) -> None:
    async with world.connector() as connector:
        await connector.post(town.general, weekly())
    ((_, _, form),) = world.fake.posted()
    said = json.dumps(form, default=str)
    match world.fake.name:
        case "slack":
            assert not any(ping in said for ping in ("<!channel>", "<!here>", "<@U1>", "<!subteam"))
        case "discord":
            assert form.get("allowed_mentions") is None or form["allowed_mentions"].get("parse") == []
            calls = [
                body
                for method, path, body in world.fake.requests
                if method == "POST" and path.endswith("/messages")
            ]
            assert calls
            assert all('"parse": []' in json.dumps(body, default=str) for body in calls)
        case "discourse":
            assert not any(ping in said for ping in ("@everyone", "@here", "@ada", "@staff"))


# --- closing ----------------------------------------------------------------------------------------------------


async def test_it_closes_cleanly_in_the_middle_of_everything(world: World, town: Town) -> None:
    town.talk(20)
    before = asyncio.all_tasks()
    async with world.connector() as connector:
        listening = asyncio.create_task(connector.listen(world.inbox))
        async with asyncio.timeout(10):
            await world.inbox.heard.wait()
        listening.cancel()
        await asyncio.wait([listening], timeout=5)
        assert listening.cancelled()
    await asyncio.sleep(0)
    # The fake serves in the same loop, and a library's own timers may run out by themselves.
    left = [task.get_coro() for task in asyncio.all_tasks() - before - {listening}]
    assert [coro for coro in left if "/connectors/" in getattr(coro, "cr_code").co_filename] == []  # noqa: B009 - not in its type
