"""A year of digests in six time zones: processes that die, two at once, and a clock that nobody can trust."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from bot.schedules.overview import key
from bot.schedules.slots import due, is_late
from connectors.errors import Unavailable, Unsure
from storage.database import Database
from tests.bot.schedules.town import Process, Steps, Town, config, schedule, utc

BEGIN, END = utc("2025-03-01 00:00"), utc("2026-03-05 00:00")
PLACES = {  # name -> zone, time of day; among them an hour that is skipped, one that comes twice, and midnight
    "madrid": ("Europe/Madrid", "02:30"),
    "new-york": ("America/New_York", "01:30"),
    "santiago": ("America/Santiago", "00:00"),
    "lord-howe": ("Australia/Lord_Howe", "02:15"),
    "kathmandu": ("Asia/Kathmandu", "23:45"),
    "auckland": ("Pacific/Auckland", "09:00"),
}
SCHEDULES = {
    f"{period}-{name}": schedule(period, time, timezone=zone, quiet_hours="04:00-05:00", late_days=14)
    for period in ("daily", "weekly", "monthly")
    for name, (zone, time) in PLACES.items()
}


def expected(until: datetime) -> set[str]:
    """Every period that was due until then, with the one that was over when it all began."""
    found = set()
    for name, each in SCHEDULES.items():
        (first,) = due(each, ZoneInfo("UTC"), BEGIN, None)
        slots = due(each, ZoneInfo("UTC"), until, first.window.first)
        slots += [first] if not is_late(each, first, BEGIN) else []
        found |= {f"{name} {slot.window.first}" for slot in slots}
    return found


def move(town: Town, chance: Random, outages: Counter[str]) -> None:
    """Some hours later, mostly."""
    town.now += timedelta(hours=chance.expovariate(1 / 8))
    if chance.random() < 0.05:  # nobody is there for a while, or the clock is put forward
        town.now += timedelta(hours=chance.uniform(5, 50))
        outages["ahead or away"] += 1
    elif chance.random() < 0.05:
        town.now -= timedelta(hours=chance.uniform(1, 30))
        outages["back"] += 1


async def test_a_year_of_digests_each_once(database: Database) -> None:
    chance = Random(2025)
    town = Town(database, config(**SCHEDULES), BEGIN)
    latest, outages = BEGIN, Counter[str]()
    # Two that both believe to be the one.
    one, two = [await town.process("same").__aenter__() for _ in range(2)]
    town.lend("same")
    await one.go()
    # The clock is wrong by up to half an hour, otherwise each time that somebody looks.
    town.drift = lambda: timedelta(minutes=chance.uniform(-30, 30))

    async def work(process: Process) -> None:
        if chance.random() < 0.05:
            faults: list[Exception] = [Unsure("Reset."), Unavailable("Later.", 0.0)]
            town.village.broken[chance.choice(["post", "answer", "find"])] = faults[: chance.randint(1, 2)]
            outages["platform"] += 1
        await process.go()

    with Steps(town) as steps:
        while town.now < END:
            move(town, chance, outages)
            latest = max(latest, town.now)
            if chance.random() < 0.05:
                await one.__aexit__()
                one = await town.process("same").__aenter__()
                outages["restart"] += 1
            if chance.random() < 0.1:  # in the middle of anything
                if not await steps.live(one, chance.randint(1, 40)):
                    one = await town.process("same").__aenter__()
                    outages["killed"] += 1
                continue
            if chance.random() < 0.2:
                await asyncio.gather(work(one), work(two))
            else:
                await work(chance.choice([one, two]))
            if chance.random() < 0.05:
                town.ready()
    town.drift = timedelta
    latest = town.now = latest.replace(hour=12) + timedelta(days=1)  # quiet hours nowhere
    town.village.broken.clear()
    for process in (one, two):
        town.ready()
        await process.go()
        await process.__aexit__()

    assert set(town.posted) == expected(latest)
    assert set(town.posted.values()) == {1}
    rows = town.rows
    skipped = {row for row, (outcome, _) in rows.items() if outcome != "posted"}
    assert {first for _, first in skipped} <= {"2025-01-01"}, "over for long when it all began"
    assert {name for name, _ in rows} == {key(name, each) for name, each in SCHEDULES.items()}
    assert len(town.posted) > 6 * (366 + 52 + 12)
    assert min(outages[kind] for kind in ("platform", "ahead or away", "back", "restart", "killed")) > 10
