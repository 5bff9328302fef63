"""`spaces check` on schedules: what stands in the way of a digest, before it is due."""

import asyncio
from datetime import timedelta

import pytest

from bot.checks import check_live
from bot.schedules.checks import check_schedules, places
from bot.settings import Config, Run, Source
from connectors.base import load_connector
from connectors.records import Channel, Finding, Page
from storage import ingest
from storage.database import Database
from tests.bot.schedules.town import MONDAY, Town, config, schedule
from tests.contract.world import make

SECRETS = {"SPACES_TEAM_BOT_TOKEN": "hush"}


def look(town: Town, environ: dict[str, str] = SECRETS) -> list[Finding]:
    with town.database.read() as session:
        return check_schedules(session, town.config, environ, town.now)


def wrong(town: Town, environ: dict[str, str] = SECRETS) -> list[str]:
    return [finding.words for finding in look(town, environ) if not finding.good]


def report_to(settings: Config, place: str) -> Config:
    return settings.model_copy(update={"run": Run(report_to=place)})


def test_all_is_well(database: Database) -> None:
    settings = config(weekly=schedule(), daily=schedule("daily", "16:00", timezone="Asia/Tokyo"))
    town = Town(database, report_to(settings, "team:#ops"), MONDAY + timedelta(minutes=1))
    town.lend("one")
    assert [finding.words for finding in look(town)] == [
        "schedule weekly: next Mon 2026-04-06 09:00 (Europe/Madrid), to #news",
        "schedule daily: next Tue 2026-03-31 16:00 (Asia/Tokyo), to #news",
    ]
    assert not wrong(town)


def test_nobody_is_told(database: Database) -> None:
    town = Town(database, config(weekly=schedule()), MONDAY)
    assert "name a channel of your staff as report_to in [run]" in look(town)[-1].words
    assert Finding(True, look(town)[-1].words) == look(town)[-1], "a wish, no mistake"


def test_no_credentials(database: Database) -> None:
    town = Town(database, report_to(config(weekly=schedule()), "team:#ops"), MONDAY)
    (found,) = wrong(town, {})
    assert found == (
        "source team has no credentials in the environment, so nothing is posted to #news, #ops. "
        "Set them (README.md, Connect a live community), or remove what posts there."
    )
    assert wrong(town) == []


def test_what_is_for_staff_in_a_channel_for_all(database: Database) -> None:
    town = Town(
        database,
        config(weekly=schedule(audience="staff"), ours=schedule(channel="#ops", audience="staff")),
        MONDAY,
    )
    with database.write() as session:
        channels = [Channel("c1", "news"), Channel("c2", "ops", is_private=True)]
        ingest.save(session, town.source, Page("live", None, MONDAY, channels=channels))
    (found,) = wrong(town)
    assert found.startswith(
        "schedule weekly: it is for staff, but everybody can read #news. Name a private channel"
    )


async def test_what_is_overdue(database: Database) -> None:
    town = Town(database, config(weekly=schedule()), MONDAY - timedelta(days=6))
    assert wrong(town) == [], "it is new"
    town.lend("one")
    async with town.process("one") as one:
        await one.go()
    town.lend(None)
    town.now = MONDAY + timedelta(days=1)
    (found,) = wrong(town)
    assert "was due at 2026-03-30 09:00 and waits: Nobody serves team. Start it with: spaces run" in found


def test_each_place_is_asked_for_once() -> None:
    settings = config(a=schedule(), b=schedule("daily"), c=schedule(channel="#other"))
    assert places(report_to(settings, "team:#news")) == {"team": ["#news", "#other"]}
    assert places(report_to(settings, "team:#ops")) == {"team": ["#news", "#other", "#ops"]}
    assert places(report_to(config(), "team:#ops")) == {}, "without schedules nothing is reported"


# --- where the platform is asked ----------------------------------------------------------------------------------

REFUSED = {
    "slack": "The bot cannot post to {place}, where it is no member: write /invite @spaces there.",
    "discord": "The bot cannot post to {place}: it lacks 'View Channel'; allow it for the bot's role",
    "discourse": "The user cannot post to the category {place}: allow it to create topics in the category's settings",
}
UNKNOWN = {
    "slack": ("#nowhere", "There is no channel #nowhere to post to that the bot can see: correct its name, or if it is private"),
    "discord": ("#nowhere", "There is no channel '#nowhere' on Discord that the bot can see: check its name"),
    "discourse": ("99", "There is no category 99 to post to that the user can see: name another."),
}  # fmt: skip


@pytest.mark.parametrize("platform", ["slack", "discord", "discourse"])
async def test_a_place_where_the_bot_may_not_write(platform: str) -> None:
    fake = make(platform)
    await fake.start()
    try:
        good, closed = fake.add_channel("digests"), fake.add_channel("closed")
        fake.refuse(closed)
        unknown, why = UNKNOWN[platform]
        connector = load_connector(platform)(fake.settings, fake.secrets)
        before = len(fake.posted())
        try:
            found = await connector.check([good, closed, unknown])
        finally:
            await connector.close()
        words = {finding.words: finding.good for finding in found}
        told = [each for each in words if "can post to" in each]
        assert any(words[each] and good in each for each in told), words
        refused = REFUSED[platform].format(place=closed)
        assert [words[each] for each in words if each.startswith(refused)] == [False], words
        assert [words[each] for each in words if each.startswith(why)] == [False], words
        assert len(fake.posted()) == before, "nothing is said there"
    finally:
        await fake.stop()


@pytest.mark.parametrize(
    ("platform", "by_name", "wrong_place"),
    [
        ("slack", "#digests", "#nowhere"),
        ("discord", "#digests", "#nowhere"),
        ("discourse", "@ann", "Digests"),
    ],
)
async def test_a_place_by_its_name(platform: str, by_name: str, wrong_place: str) -> None:
    fake = make(platform)
    await fake.start()
    try:
        fake.add_channel("digests")
        connector = load_connector(platform)(fake.settings, fake.secrets)
        try:
            found = await connector.check([by_name, wrong_place])
        finally:
            await connector.close()
        assert any(finding.good and f"can post to {by_name}" in finding.words for finding in found), found
        assert [finding.good for finding in found if wrong_place in finding.words] == [False], found
    finally:
        await fake.stop()


async def test_spaces_check_asks_for_the_places_of_schedules_and_of_staff() -> None:
    fake = make("slack")
    await fake.start()
    try:
        fake.add_channel("news")
        found = config(weekly=schedule())
        source = Source.model_validate(fake.settings)
        settings = report_to(found.model_copy(update={"sources": {"team": source}}), "team:#ops")
        secrets = {f"SPACES_TEAM_{name}".upper(): value for name, value in fake.secrets.items()}
        words = [each.words for each in await asyncio.to_thread(check_live, settings, secrets)]
    finally:
        await fake.stop()
    assert "source team: The bot can post to #news." in words
    assert any(each.startswith("source team: There is no channel #ops to post to") for each in words)


async def test_each_right_that_is_missing_on_discord_is_named() -> None:
    fake = make("discord")
    await fake.start()
    try:
        fake.add_channel("digests")
        fake.refuse(fake.add_channel("closed"))
        connector = load_connector("discord")(fake.settings, fake.secrets)
        try:
            words = [
                finding.words
                for finding in await connector.check(["#closed", "#digests"])
                if not finding.good
            ]
        finally:
            await connector.close()
    finally:
        await fake.stop()
    lacks = (
        "'View Channel' and 'Read Message History' and 'Send Messages' and 'Embed Links' and 'Attach Files'"
    )
    assert [each for each in words if "post to" in each] == [
        f"The bot cannot post to #closed: it lacks {lacks}; allow it for the bot's role in the channel's settings (Edit Channel, Permissions)."
    ]
