"""A real workspace of 2015-16, imported whole; its week's numbers against a count that shares no code with ours.

The export is not part of the repository; where it is absent these tests skip and say so.
"""

import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema
import pytest

from bot.app import compute_digest
from bot.collect import import_archives
from bot.digest.model import Digest
from bot.digest.render import render
from bot.settings import Community, Config, Source, Tagging
from bot.settle import Silent
from bot.spaces.window import Period
from storage import tags
from storage.database import Database
from tests.bot.digest.limits import check_discord, check_slack

EXPORT = Path(__file__).parents[1].parent / "shared" / "data" / "exports" / "slack-workspace-2016.zip"
SCHEMA = Path(__file__).parents[1] / "docs" / "digest.schema.json"
CHICAGO = ZoneInfo("America/Chicago")
CONFIG = Config(
    community=Community(name="Real", timezone="America/Chicago"),
    sources={"team": Source(connector="slack")},
    tagging=Tagging(classifier="rules"),
)
"""By rules, whose labels change only where a rule does: what is looked at is what becomes of them. The model is unsure of
"anyone else going ...", which a moderator would be asked about."""
START, END = datetime(2016, 7, 11, tzinfo=CHICAGO), datetime(2016, 7, 18, tzinfo=CHICAGO)

pytestmark = pytest.mark.skipif(not EXPORT.exists(), reason=f"the real workspace is not at {EXPORT}")


class Row:
    """One row of the export that a person wrote, read without any of our code."""

    def __init__(self, channel: str, row: dict[str, Any]) -> None:
        self.channel, self.row = channel, row
        self.author = row.get("user") or row.get("comment", {}).get("user")
        self.at = datetime.fromtimestamp(float(row["ts"]), UTC)
        self.reactions = sum(reaction["count"] for reaction in row.get("reactions", []))
        self.is_message = row.get("subtype") in {None, "file_share", "file_comment"}


def rows() -> Iterator[Row]:
    with zipfile.ZipFile(EXPORT) as archive:
        for name in archive.namelist():
            channel, slash, _ = name.rpartition("/")
            if slash and name.endswith(".json"):
                yield from (Row(channel, row) for row in json.loads(archive.read(name)))


@pytest.fixture(scope="module")
def counted() -> dict[str, Any]:
    with zipfile.ZipFile(EXPORT) as archive:
        users = json.loads(archive.read("users.json"))
    staff = {user["id"] for user in users if user.get("is_admin") or user.get("is_owner")}
    everything = list(rows())
    messages = [row for row in everything if row.is_message]
    week = [row for row in messages if START <= row.at < END]
    joins = sorted((row.at, row.author) for row in everything
                   if row.row.get("subtype") == "channel_join" and row.channel == "general")  # fmt: skip
    first_join: dict[str, datetime] = {}
    for at, who in joins:
        first_join.setdefault(who, at)
    newcomers = {who: at for who, at in first_join.items() if START <= at < END and who not in staff}
    first_post: dict[str, datetime] = {}
    for row in sorted(messages, key=lambda row: row.at):
        if row.at < END:
            first_post.setdefault(row.author, row.at)
    members = [row for row in week if row.author not in staff]
    return {
        "all": len(messages),
        "messages": len(members),
        "staff messages": len(week) - len(members),
        "active": len({row.author for row in members}),
        "staff active": len({row.author for row in week} - {row.author for row in members}),
        "reactions": sum(row.reactions for row in members),
        "new members": len(newcomers),
        "activated": sum(
            who in first_post and first_post[who] - at <= timedelta(days=7) for who, at in newcomers.items()
        ),
        "new contributors": sum(at >= START and who not in staff for who, at in first_post.items()),
        "bars": Counter(row.at.astimezone(CHICAGO).date().isoformat() for row in members),
        "busiest": Counter(row.author for row in members).most_common(1)[0][1],
    }


@pytest.fixture
def digest(database: Database) -> Digest:
    found = import_archives(database, "team", "slack", [EXPORT], {})
    assert not found.problems
    return compute_digest(database, CONFIG, Period.WEEKLY, "2016-07-18", None, Silent())


def test_it_imports_whole_and_a_second_time_changes_nothing(
    database: Database, counted: dict[str, Any]
) -> None:
    first = import_archives(database, "team", "slack", [EXPORT], {})
    assert (first.read, first.written, first.problems) == (counted["all"], counted["all"], [])
    assert first.left_out["channel_join"] == sum(row.row.get("subtype") == "channel_join" for row in rows())
    again = import_archives(database, "team", "slack", [EXPORT], {})
    assert (again.read, again.written) == (counted["all"], 0)
    with database.read() as session:
        stored = session.connection().exec_driver_sql("SELECT COUNT(*) FROM messages").scalar()
    assert stored == counted["all"]


def test_its_week_is_what_a_plain_count_gives(digest: Digest, counted: dict[str, Any]) -> None:
    values = {reading.metric.name: reading.value for area in digest.areas for reading in area.readings}
    assert values["messages"].number == counted["messages"]
    assert values["messages"].parts["staff"] == counted["staff messages"]
    assert values["active_members"].number == counted["active"]
    assert values["active_members"].parts["staff"] == counted["staff active"]
    assert values["reactions"].number == counted["reactions"]
    assert values["new_members"].number == counted["new members"]
    activation = values["activation_rate"]
    assert (activation.numerator, activation.denominator) == (counted["activated"], counted["new members"])
    assert values["new_contributors"].number == counted["new contributors"]
    share = values["ugc_share"]
    assert (share.numerator, share.denominator) == (
        counted["messages"],
        counted["messages"] + counted["staff messages"],
    )
    assert {bar.day.isoformat(): bar.messages for bar in digest.days if bar.messages} == counted["bars"]


def test_its_questions_are_those_a_person_reads_there(database: Database, digest: Digest) -> None:
    # Read by hand: two members opened a conversation with a question in that week; both on #general, both about
    # an event. The first ("anyone else going ...") got small talk, the second an answer with a link by an admin.
    values = {reading.metric.name: reading.value for area in digest.areas for reading in area.readings}
    assert values["questions"].number == 2
    assert (values["answered_questions"].numerator, values["answered_questions"].denominator) == (2, 2)
    # "class" after 2 min 35 s; "Yes, I think ..." after 14 min 40 s.
    assert values["time_to_first_response"].number == pytest.approx(155, abs=1)
    assert values["time_to_resolution"].number == pytest.approx(880, abs=1)
    assert values["community_answer_share"].numerator == 0
    assert digest.unanswered == ()
    with database.read() as session:
        conversations = (
            session.connection()
            .exec_driver_sql("SELECT COUNT(*) FROM messages WHERE conversation_id IS NULL OR untagged")
            .scalar()
        )
    assert conversations == 0


def test_what_a_person_reads_as_a_question_the_model_counts_or_asks_about(database: Database) -> None:
    import_archives(database, "team", "slack", [EXPORT], {})
    compute_digest(
        database,
        CONFIG.model_copy(update={"tagging": Tagging()}),
        Period.WEEKLY,
        "2016-07-18",
        None,
        Silent(),
    )
    with database.read() as session:
        found = [
            tag.decided_by
            for id_ in ("C061A2UGJ:1468435840.000047", "C061A2UGJ:1468694095.000053")
            for tag in tags.of_message(session, 1, id_)
            if tag.label == "question"
        ]
    assert len(found) == 2
    assert set(found) <= {"model", "unsure"}
    assert "model" in found


def test_its_digest_in_every_form(digest: Digest) -> None:
    questions = "2 of 2"
    for form in ("terminal", "html", "markdown"):
        said = render(digest, form, "en")
        assert all(words in said for words in ("Week of 11", questions, "Questions answered")), form
    numbers = json.loads(render(digest, "json", "en"))
    jsonschema.validate(numbers, json.loads(SCHEMA.read_text(encoding="utf-8")))
    (support,) = (area for area in numbers["areas"] if area["area"] == "support")
    answered = next(metric for metric in support["metrics"] if metric["name"] == "answered_questions")
    assert (answered["value"]["numerator"], answered["value"]["denominator"]) == (2, 2)
    slack, discord = json.loads(render(digest, "slack", "en")), json.loads(render(digest, "discord", "en"))
    check_slack(slack)
    check_discord(discord)
    assert questions in json.dumps(slack)
    assert questions in json.dumps(discord)
