"""`spaces digest --post --dry-run` shows what is sent, on each platform; `--post` has it sent, once."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from bot.mistakes import ConfigError
from bot.schedules import asked
from bot.schedules.composition import compose
from bot.settings import Config
from bot.spaces.window import Period
from bot.tagger import drain
from connectors.base import load_connector
from connectors.errors import Misconfigured
from connectors.records import Channel, Message, Page
from storage import ingest, population
from storage.database import Database
from tests.bot.schedules.town import MONDAY, Town, config, schedule, utc
from tests.contract.world import make


def town_on(database: Database, platform: str, **schedules: Any) -> Town:
    """A town where something was said, on this platform."""
    settings = config(**schedules)
    source = settings.sources["team"].model_copy(update={"connector": platform})
    town = Town(database, settings.model_copy(update={"sources": {"team": source}}), MONDAY, compose)
    town.lend("one")
    with database.write() as session:
        said = [
            Message(
                f"m{day}", "c1", who, utc(f"2026-03-{day} 12:00"), f"How do I export chart {day}, please?"
            )
            for day, who in [(23, "ada"), (24, "ben"), (25, "cat")]
        ]
        ingest.save(
            session, town.source, Page("live", None, MONDAY, channels=[Channel("c1", "help")], messages=said)
        )
        population.settle(session, town.config.policy())
    drain(database)
    return town


def preview(town: Town, name: str = "weekly") -> asked.Preview:
    with town.database.read() as session:
        return asked.preview(session, town.config, name, town.now)


def post(town: Town, name: str = "weekly") -> str:
    found = preview(town, name)
    with town.database.write() as session:
        return asked.post_now(session, town.config, found, town.now)


def words(form: Any) -> Iterator[str]:
    """Every text that people see in a platform's form."""
    if isinstance(form, dict):
        for key, value in form.items():
            if key in {"text", "title", "description", "name", "value", "content", "alt_text"} and isinstance(
                value, str
            ):
                yield value
            else:
                yield from words(value)
    elif isinstance(form, list | tuple):
        for value in form:
            yield from words(value)


@pytest.mark.parametrize("platform", ["slack", "discord", "discourse"])
async def test_a_preview_is_what_is_sent_on_each_platform(sqlite: Database, platform: str) -> None:
    fake = make(platform)
    await fake.start()
    try:
        place = fake.add_channel("digests")
        town = town_on(sqlite, platform, weekly=schedule(channel=place))
        shown = preview(town)
        document, text = asked.document(shown)["post"], asked.text(shown)
        async with town.process("one") as one:
            await one.go()
        ((where, sent),) = town.village.posts
        assert where == shown.channel == place
        assert shown.composed.post is not None
        assert sent._replace(key="") == shown.composed.post, "the outbox has no more and no less"
        assert document == json.loads(json.dumps({
            "title": sent.title, "text": sent.text, "payload": sent.payload, "alt": sent.alt,
            "picture_bytes": len(sent.picture or b""), "buttons": [each._asdict() for each in sent.buttons],
        }))  # fmt: skip
        connector = load_connector(platform)(fake.settings, fake.secrets)
        try:
            await connector.post(place, sent)
        finally:
            await connector.close()
        forms = [form for _, _, form in fake.posted()]
        seen = "\n".join(words(forms)) or json.dumps(forms)
        if sent.payload is None:
            assert " ".join(sent.text.split())[:200] in " ".join(
                json.dumps(forms, ensure_ascii=False).replace("\\n", " ").split()
            )
            assert sent.text.rstrip() in text
        else:
            told = list(words(sent.payload))
            assert len(told) > 3
            assert [each for each in told if each not in seen] == []
            assert [
                each for each in words(sent.payload) if json.dumps(each, ensure_ascii=False) not in text
            ] == []
        assert all(f"[{button.title}]" in text for button in sent.buttons)
    finally:
        await fake.stop()


def test_a_preview_says_why_nothing_would_be_posted(database: Database) -> None:
    town = town_on(database, "slack", weekly=schedule())
    town.now += timedelta(weeks=4)
    assert "Nothing would be posted: Nobody wrote anything." in asked.text(preview(town))
    assert asked.document(preview(town))["post"] is None
    assert (
        post(town)
        == f"weekly: the digest of {preview(town).slot.window} is not posted: Nobody wrote anything."
    )
    assert not town.rows


async def test_posted_by_hand_it_is_not_posted_again(database: Database) -> None:
    town = town_on(database, "slack", weekly=schedule())
    town.now -= timedelta(hours=5)  # before it is due
    town.lend(None)
    assert "Start it with: spaces run" in post(town)
    town.lend("one")
    assert post(town).endswith("goes out now.")
    async with town.process("one") as one:
        await one.go()
        assert "was posted already" in post(town)
        town.now = MONDAY
        await one.go()
    assert sum(town.posted.values()) == 1
    assert town.rows["weekly weekly", "2026-03-23"] == ("posted", None)


async def test_one_that_was_given_up_is_posted_when_that_is_mended(database: Database) -> None:
    town = town_on(database, "slack", weekly=schedule())
    town.village.closed_places["#news"] = Misconfigured("Invite the bot to #news.")
    async with town.process("one") as one:
        for _ in range(13):
            await one.go()
            town.ready()
        town.village.closed_places.clear()
        await one.go()
        assert not town.posted, "it was given up"
        assert post(town).endswith("goes out now.")
        await one.go()
    assert sum(town.posted.values()) == 1


async def test_one_that_was_skipped_is_posted_on_demand(database: Database) -> None:
    town = town_on(database, "slack", weekly=schedule())
    town.now += timedelta(days=5)
    async with town.process("one") as one:
        await one.go()
        assert town.rows["weekly weekly", "2026-03-23"][0] == "skipped"
        post(town)
        post(town)
        await one.go()
    assert sum(town.posted.values()) == 1
    assert town.rows["weekly weekly", "2026-03-23"] == ("posted", None)


def test_a_period_that_is_not_over_is_not_posted(database: Database) -> None:
    town = town_on(database, "slack", weekly=schedule())
    ahead = preview(town)
    with database.write() as session, pytest.raises(ConfigError, match="is not over yet"):
        asked.post_now(session, town.config, ahead, MONDAY - timedelta(days=1))
    assert not town.rows


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("wekly", '--schedule: there is no schedule "wekly". Did you mean "weekly"?'),
        ("monthly", "--schedule: monthly is monthly. Write: spaces digest monthly --post --schedule monthly"),
    ],
)
def test_a_schedule_that_is_not_there(name: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        asked.chosen(config(weekly=schedule(), monthly=schedule("monthly")), Period.WEEKLY, name)
    assert str(error.value) == said


def test_without_a_name_all_of_the_period() -> None:
    settings = config(a=schedule(), b=schedule("monthly"), c=schedule())
    assert asked.chosen(settings, Period.WEEKLY, None) == ["a", "c"]
    with pytest.raises(ConfigError, match=r"no schedule is daily\. Add"):
        asked.chosen(settings, Period.DAILY, None)
    with pytest.raises(ConfigError, match="Add it to the configuration"):
        asked.chosen(Config(), Period.DAILY, "a")
