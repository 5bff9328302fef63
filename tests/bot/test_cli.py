"""The command line as a person meets it: from nothing to a digest, and every mistake one sentence with its cure."""

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from bot import __main__ as entry
from bot.demo import archives
from storage import schema
from storage.database import Database


class Ran(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs `spaces` with the words given, in an empty folder with an empty home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "SPACES_CONFIG", "SPACES_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)

    def spaces(*words: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["spaces", *words])
        with pytest.raises(SystemExit) as ended:
            entry.main()
        found = capsys.readouterr()
        assert "Traceback" not in found.out + found.err
        return Ran(int(ended.value.code or 0), found.out, found.err)

    return spaces


@pytest.fixture
def imported(run: Run) -> Run:
    """The demo community's Slack, imported by the commands that a newcomer would use."""
    assert run("init").code == 0
    assert run("-q", "import", "team", str(archives()["team"][0])) == Ran(0, "", "")
    return run


def test_from_nothing_to_a_digest(run: Run) -> None:
    assert "spaces check" in run("init").out
    missing = run("check")
    assert missing.code == 1
    assert "spaces import team FILE" in missing.out
    took_in = run("import", "team", str(archives()["team"][0]))
    assert took_in.code == 0
    assert re.search(
        r"team: 9\d\d messages read, 9\d\d new or changed, 2 deleted. Left out: channel_join 72", took_in.err
    )
    assert run("check").code == 0
    digest = run("digest", "weekly", "--as-of", "2026-05-04")
    assert digest.code == 0
    assert "Week of 27 April" in digest.out
    assert "Questions answered" in digest.out
    again = run("import", "team", str(archives()["team"][0]))
    assert "nothing new" in again.err
    assert "team" in run("status").out


def test_the_demo_needs_nothing(run: Run, tmp_path: Path) -> None:
    demo = run("demo")
    assert demo.code == 0
    assert "Tarnkeep" in demo.out
    page = (tmp_path / "digest.html").read_text(encoding="utf-8")
    assert "Tarnkeep" in page
    assert str(tmp_path / "digest.html") in demo.err
    assert list(tmp_path.iterdir()) == [tmp_path / "digest.html"]


def test_every_form_and_language(imported: Run, tmp_path: Path) -> None:
    for form in ("terminal", "markdown", "html", "json", "slack", "discord"):
        for language in ("en", "es"):
            ran = imported("digest", "weekly", "--as-of", "2026-05-04", "-f", form, "--language", language)
            assert ran.code == 0, (form, language, ran.err)
            assert ("semana" in ran.out.lower() or form == "json") is (language == "es" or form == "json"), (
                form
            )
    numbers = json.loads(imported("digest", "weekly", "--as-of", "2026-05-04", "-f", "json").out)
    assert numbers["version"] == 2
    chart = tmp_path / "week.png"
    assert imported("digest", "weekly", "--as-of", "2026-05-04", "--chart", str(chart)).code == 0
    assert chart.read_bytes().startswith(b"\x89PNG")


def test_one_area_only(imported: Run) -> None:
    found = imported("digest", "monthly", "--as-of", "2026-05-04", "--area", "product", "-f", "json")
    assert [area["area"] for area in json.loads(found.out)["areas"]] == ["product"]


def test_explain_gives_the_contract_and_the_messages(imported: Run) -> None:
    explained = imported("explain", "questions", "--as-of", "2026-05-04", "--limit", "3")
    assert explained.code == 0
    assert "Conversations that a member began with a question" in explained.out
    assert explained.out.count("https://app.slack.com/") == 3


def test_people_are_merged_and_unmerged(imported: Run) -> None:
    listed = imported("people", "suggest")
    assert listed.code == 0
    with zipfile.ZipFile(archives()["team"][0]) as archive:
        first, second = (user["name"] for user in json.loads(archive.read("users.json"))[:2])
    merged = imported("people", "merge", f"team:{first}", f"team:{second}", "--why", "a test")
    assert merged.code == 0
    number = re.search(r"number (\d+)", merged.out)
    assert number is not None
    assert "a test" in imported("people", "history").out
    assert imported("people", "unmerge", number[1]).code == 0
    assert "undone" in imported("people", "history").out


def test_what_people_may_ask_at_the_terminal_too(imported: Run) -> None:
    assert "There are no goals" in imported("goal").out
    assert "The goal is set" in imported("goal", "answered_questions", "70%", "2027-06-30").out
    assert "Questions answered" in imported("goal").out
    assert imported("goal", "answerd", "70%").code == 2
    recorded = imported("record", "attendance", "40/55", "Spring meetup", "2026-05-03")
    assert "“Spring meetup”: 40/55, 3 May 2026" in " ".join(recorded.out.split())
    assert "Taken back" in imported("record", "undo").out
    wrong = imported("record", "nps", "11")
    assert (wrong.code, wrong.out) == (2, "")
    assert "An answer is a number from 0 to 10" in wrong.err


def test_tagging_at_the_terminal(imported: Run, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'spaces.sqlite3'}")
    with database.read() as session:
        link = session.connection().exec_driver_sql(
            "SELECT url FROM messages WHERE url IS NOT NULL AND NOT deleted LIMIT 1").scalar_one()  # fmt: skip
    database.close()
    assert "1 message tagged as Event" in imported("tag", link, "event").out
    assert "1 message not tagged as Event" in imported("tag", link, "event", "--not").out
    assert "tagged as Event" in imported("tag", link, "event", "--thread").out
    history = imported("tag", "--history", link).out
    assert "event: yes -> no, by terminal" in history
    assert "Taken back" in imported("tag", "--undo").out
    assert imported("tag", "https://acme.slack.com/archives/C1/p1716200000123456", "event").code == 2
    assert imported("tag", "--history", "https://acme.slack.com/archives/C1/p1716200000123456").code == 2
    assert "Nobody has decided" in imported("tag", "--history", other(tmp_path, link)).out


def other(tmp_path: Path, link: str) -> str:
    database = Database(f"sqlite:///{tmp_path / 'spaces.sqlite3'}")
    with database.read() as session:
        found = session.connection().exec_driver_sql(
            "SELECT url FROM messages m WHERE url IS NOT NULL AND NOT deleted AND external_id NOT IN "
            "(SELECT external_id FROM tag_changes) LIMIT 1").scalar_one()  # fmt: skip
    database.close()
    assert found != link
    return str(found)


def test_tagging_in_bulk_shows_first_what_it_would_do(imported: Run) -> None:
    shown = imported("tag", "--search", "BACKUP", "idea")
    assert "found; they would be tagged product_idea. Do it with --yes." in shown.out
    count = re.search(r"([\d,]+) found", shown.out)
    assert count is not None
    assert f"{count[1]} tagged product_idea" in imported("tag", "--search", "BACKUP", "idea", "--yes").out
    assert (
        f"{count[1]} tagged not product_idea"
        in imported("tag", "--search", "backup", "idea", "--not", "--yes").out
    )
    assert "still tagged as Product idea" in " ".join(imported("tag", "--undo").out.split())
    assert "the program decides again" in " ".join(imported("tag", "--undo").out.split())
    assert imported("tag", "--search", "no such words at all", "idea").out.startswith("No message holds")
    wrong = imported("tag", "--search", "backup", "ideea")
    assert wrong.code == 2
    assert 'Did you mean "product_idea"?' in wrong.err


def test_check_tells_of_accounts_in_roles_that_nobody_has(imported: Run, tmp_path: Path) -> None:
    file = tmp_path / "spaces.toml"
    text = file.read_text("utf-8").replace(
        "moderators = []", 'moderators = ["team:nobody-at-all", "a role"]', 1
    )
    file.write_text(text, "utf-8")
    ran = imported("check")
    assert ran.code == 1
    assert 'There is no account "nobody-at-all" in team.' in ran.out
    assert "[roles]" in ran.out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["digest", "weekly"], 2, "Run `spaces init`"),
        (["--config", "none.toml", "status"], 2, "none.toml: there is no such configuration file"),
        (["digest", "fortnightly"], 2, "fortnightly"),
        (["nonsense"], 2, "nonsense"),
        (["db", "upgrade", "--database", "x"], 2, "--database"),
        (["--database", "mysql://x/y", "db", "version"], 1, "mysql"),
        (["--database", "sqlite:////nowhere/at/all.db", "db", "upgrade"], 1, "does not exist"),
    ],
)
def test_a_wrong_command_says_what_to_do(run: Run, words: list[str], code: int, said: str) -> None:
    ran = run(*words)
    assert ran.code == code
    assert said in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["digest", "weekly", "--as-of", "yesterday"], "Write a day as 2026-05-04"),
        (["import", "teem", "x.zip"], 'Did you mean "team"?'),
        (["explain", "questoins"], 'Did you mean "questions"?'),
        (["people", "merge", "team:nobody", "team:noone"], "There is no source"),
        (["init"], "--force"),
    ],
)
def test_a_wrong_name_gets_a_suggestion(run: Run, words: list[str], said: str) -> None:
    run("init")
    ran = run(*words)
    assert ran.code == 2
    assert said in ran.err


def test_a_broken_file_is_named_and_the_rest_goes_on(run: Run, tmp_path: Path) -> None:
    run("init")
    (tmp_path / "broken.zip").write_bytes(b"this is no ZIP")
    ran = run("import", "team", "broken.zip", str(archives()["team"][0]))
    assert ran.code == 1
    assert "broken.zip" in ran.err
    assert re.search(r"9\d\d messages read", ran.err)


def test_a_newer_database_is_refused(run: Run, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new.sqlite3'}")
    schema.upgrade(database)
    with database.write() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    run("init")
    ran = run("--database", "new.sqlite3", "status")
    assert ran.code == 1
    assert "newer version of spaces (schema 9999)" in ran.err


def test_help_needs_nothing_heavy() -> None:
    heavy = (
        "sqlalchemy",
        "pydantic",
        "matplotlib",
        "jinja2",
        "babel",
        "alembic",
        "re2",
        "discord",
        "slack_bolt",
    )
    code = (
        "import sys\nsys.argv = ['spaces', '--help']\nfrom bot.__main__ import main\n"
        f"try: main()\nfinally: sys.stderr.write(repr([name for name in {heavy!r} if name in sys.modules]))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr == "[]"
    assert "digest" in ran.stdout
