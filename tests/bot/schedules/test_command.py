"""`spaces schedule` and `spaces digest --post` as the operator meets them."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from typer.testing import CliRunner, Result

from bot.cli import app
from bot.config import load
from connectors.errors import Misconfigured
from storage.database import Database
from tests.bot.schedules.town import MONDAY, Town

CONFIG = """
[community]
timezone = "Europe/Madrid"
[sources.team]
connector = "slack"
[schedules.weekly]
source = "team"
channel = "#news"
period = "weekly"
wait_minutes = 0
[schedules.tokyo]
source = "team"
channel = "#japan"
period = "daily"
timezone = "Asia/Tokyo"
late_days = 0.5
"""


@pytest.fixture
def town(database: Database, tmp_path: Path) -> Town:
    (tmp_path / "spaces.toml").write_text(CONFIG, encoding="utf-8")
    return Town(database, load(tmp_path / "spaces.toml"), MONDAY)


def spaces(town: Town, folder: Path, *words: str) -> Result:
    url = town.database.url.render_as_string(hide_password=False)
    with time_machine.travel(town.now, tick=False):
        return CliRunner().invoke(app, ["-c", str(folder / "spaces.toml"), "--database", url, "-q", *words])


async def rounds(town: Town, count: int = 1) -> None:
    with time_machine.travel(town.now):
        town.lend("one")
        async with town.process("one") as one:
            for _ in range(count):
                await one.go()
                town.ready()


def test_before_anything_happened_it_says_what_comes(town: Town, tmp_path: Path) -> None:
    town.now -= timedelta(days=2)
    found = spaces(town, tmp_path, "schedule")
    assert found.exit_code == 0, found.output
    assert (
        "weekly: weekly to #news on team\n  next: Mon 2026-03-30 09:00, of 2026-03-23 to 2026-03-29 (Europe/Madrid)"
        in found.output
    )
    assert (
        "tokyo: daily to #japan on team\n  next: Sun 2026-03-29 09:00, of 2026-03-28 to 2026-03-28 (Asia/Tokyo)"
        in found.output
    )
    assert "wrong: the digest of 2026-03-16" not in found.output, "what was due long before is not missed"
    town.now -= timedelta(days=4)  # the digest that is due is not too late for a new schedule
    found = spaces(town, tmp_path, "schedule")
    assert "wrong: the digest of 2026-03-16 was due at 2026-03-23 09:00 and waits: Nobody serves team. Start it with: spaces run" in found.output  # fmt: skip


async def test_what_became_of_the_last(town: Town, tmp_path: Path) -> None:
    await rounds(town)
    town.now += timedelta(days=9, hours=3, minutes=5)  # nobody is there for so long
    await rounds(town)
    said = spaces(town, tmp_path, "schedule").output
    assert "\n  2026-03-30: posted Wed 2026-04-08 12:05, late by 51 h 5 min\n" in said
    assert "\n  2026-03-23: posted Mon 2026-03-30 09:00\n" in said
    assert ": skipped: More than 0.5 days had passed before the bot could post.\n" in said
    assert "2026-03-23" not in spaces(town, tmp_path, "schedule", "--last", "1").output


async def test_a_destination_that_fails_and_its_cure(town: Town, tmp_path: Path) -> None:
    town.village.closed_places["#news"] = Misconfigured("Invite the bot to #news.")
    await rounds(town, 4)
    said = spaces(town, tmp_path, "schedule").output
    assert "  wrong: the digest of 2026-03-23 is not posted to #news yet. Invite the bot to #news.\n" in said
    assert "  2026-03-23: not posted yet (tried 4 times). Invite the bot to #news.\n" in said
    await rounds(town, 10)
    said = spaces(town, tmp_path, "schedule").output
    cure = "When that is mended: spaces digest weekly --post --schedule weekly"
    assert f"could not be posted to #news. Invite the bot to #news. {cure}\n" in said
    assert "  2026-03-23: not posted, given up (tried 12 times). Invite the bot to #news.\n" in said
    assert (
        f"schedule weekly: the digest of 2026-03-23 could not be posted to #news. Invite the bot to #news. {cure}"
        in (spaces(town, tmp_path, "status").output)
    )
    # And the cure is one.
    town.village.closed_places.clear()
    mended = spaces(town, tmp_path, "digest", "weekly", "--post", "--schedule", "weekly")
    assert mended.output.endswith("goes out now.\n"), mended.output
    await rounds(town)
    assert town.posted["weekly 2026-03-23"] == 1
    assert "wrong: the digest of 2026-03-23" not in spaces(town, tmp_path, "schedule").output


def test_a_dry_run_posts_nothing(town: Town, tmp_path: Path) -> None:
    dry = ("digest", "weekly", "--post", "--dry-run")
    assert "Nothing would be posted: Nobody wrote anything." in spaces(town, tmp_path, *dry).output
    (shown,) = json.loads(spaces(town, tmp_path, *dry, "-f", "json").output)
    assert (shown["schedule"], shown["channel"], shown["post"]) == ("weekly", "#news", None)
    assert not town.rows
    assert spaces(town, tmp_path, "digest", "weekly", "--dry-run").exit_code == 2


def test_without_schedules_it_says_how_to_have_one(town: Town, tmp_path: Path) -> None:
    (tmp_path / "spaces.toml").write_text("", encoding="utf-8")
    assert "There is no schedule. Add [schedules.NAME]" in spaces(town, tmp_path, "schedule").output
