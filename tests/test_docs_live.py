"""The pages on connecting and running say what the program does: every name in them is one of the program's."""

import ast
import json
import logging
import re
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import typer

from bot import config, environment, settings
from bot.cli import app
from bot.live import health, logs, metrics
from connectors import discord_rights, slack_checks
from connectors.discourse import DiscourseConnector
from connectors.records import Page
from storage import posts
from tests.printed import printable

ROOT = Path(__file__).parents[1]
NAMES = (
    "docs/setup-slack.md",
    "docs/setup-discord.md",
    "docs/setup-discourse.md",
    "docs/running.md",
    "README.md",
)

# The sources that the pages speak of, and what each is.
SOURCES = {"team": "slack", "chat": "discord", "forum": "discourse"}

# Words in code type that are no settings: a scope, a way to write addresses, what the check prints, the command.
FOREIGN = {"commands", "http", "https", "missing", "spaces"}

# Files that the reader writes, and an address of a forum.
THEIRS = {"spaces.toml", "tokens.env", "compose.override.yaml", "/site.json"}

Table = list[dict[str, str]]


@cache
def words(page: str) -> str:
    """A page; of the README the part about live communities."""
    text = (ROOT / page).read_text("utf-8")
    if page == "README.md":
        live = text.partition("## Connect a live community\n")[2].partition("\n## ")[0]
        assert live, "the part about live communities is gone"
        return live
    return text


def blocks(page: str, language: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", words(page), re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


def spans(text: str) -> list[str]:
    """What stands in code type within the lines."""
    prose = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return [
        found[1].replace("\n", " ")
        for found in re.findall(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", prose, re.DOTALL)
    ]


def tables(page: str) -> Iterator[Table]:
    for found in re.findall(r"(?:^\|.*\|\n)+", words(page), re.MULTILINE):
        head, _, *rows = [
            [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in found.splitlines()
        ]
        yield [dict(zip(head, row, strict=True)) for row in rows]


def table(page: str, head: str) -> Table:
    """The table whose first column is called so."""
    return next(rows for rows in tables(page) if next(iter(rows[0])) == head)


def quoted(page: str) -> list[str]:
    """Every sentence that the page says the program prints."""
    said = [spans(row["It says"])[0] for rows in tables(page) for row in rows if "It says" in row]
    lines = [line for block in blocks(page, "text") for line in block.splitlines()]
    said += [line[9:] for line in lines if re.match(r"(ok {7}|missing  )", line)]
    return [re.sub(r"^source \w+: ", "", one) for one in said]


def unquoted(page: str) -> str:
    """The page without those sentences, which hold names with mistakes in them on purpose."""
    return re.sub(r"^\| *(`+)(?!/).* .*?\1 *\|", "| |", words(page), flags=re.MULTILINE)


# --- what is printed --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", NAMES[:-1])
def test_the_sentences_on_the_pages_are_the_programs(page: str) -> None:
    said = quoted(page)
    assert len(said) > 5
    platform = page.partition("setup-")[2].removesuffix(".md")
    ways = printable(platform)
    assert [one for one in said if not any(way.fullmatch(one) for way in ways)] == []


# --- names ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", NAMES)
def test_every_variable_is_read(page: str, tmp_path: Path) -> None:
    names = set(re.findall(r"\bSPACES_[A-Z_]+\b", unquoted(page)))
    assert names
    secret = tmp_path / "secret"
    secret.write_text("hush")
    for name in sorted(names):
        value = str(secret) if name.endswith("_FILE") else "hush"
        if name.startswith(("SPACES_DATABASE_", "SPACES_JUDGE_")):
            known = {environment.ADDRESS, environment.PASSWORD, environment.JUDGE_KEY}
            assert name.removesuffix("_FILE") in known, name
        else:
            read = [environment.source_secrets(source, {name: value}) for source in SOURCES]
            assert any("hush" in found.values() for found in read), f"{name} is read by nobody"


def _fields() -> set[str]:
    """Every section and every setting."""
    sections = settings.Config.model_fields
    inner = [getattr(field.annotation, "model_fields", {}) for field in sections.values()]
    named = {name for section in settings.NAMED.values() for name in section.model_fields}
    return {*sections, *named, *(name for fields in inner for name in fields)}


@pytest.mark.parametrize("page", NAMES)
def test_every_setting_exists(page: str) -> None:
    known = {*_fields(), *SOURCES, *_connector_words()}
    text = unquoted(page)
    named = {one for one in spans(text) if re.fullmatch(r"[a-z]+(?:_[a-z]+)*", one)}
    assigned = {one.partition(" = ")[0] for one in spans(text) if re.fullmatch(r"[a-z_]+ = .+", one)}
    sections = {one[1:-1].partition(".")[0] for one in spans(text) if re.fullmatch(r"\[[a-z.]+\]", one)}
    assert assigned <= _fields()
    assert sections <= {*settings.Config.model_fields, "secret"}
    assert sorted(named - known) == []


def _connector_words() -> set[str]:
    """Other names in code type: what metrics and logs call things, tested below, and what is not ours."""
    return {name for rows in tables("docs/running.md") for row in rows for name in spans(" ".join(row.values()))} | {
        "at", "level", "logger", "message", "source", "kind", "port", "seconds", "count", "error", "where",
    } | FOREIGN  # fmt: skip


@pytest.mark.parametrize("page", NAMES[:3])
def test_the_configurations_on_the_pages_are_right(page: str, tmp_path: Path) -> None:
    written = blocks(page, "toml")
    assert written
    for text in written:
        file = tmp_path / "spaces.toml"
        file.write_text(text, "utf-8")
        for name, source in config.load(file).sources.items():
            assert source.connector == SOURCES[name]
            assert tomllib.loads(text)["sources"][name].items() <= source.model_dump(mode="json").items()


@pytest.mark.parametrize("page", NAMES)
def test_every_command_exists(page: str) -> None:
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    called = [one for one in (*lines, *spans(words(page))) if re.match(r"spaces [a-z]", one)]
    assert called
    for line in called:
        command: Any = typer.main.get_command(app)
        for word in line.split()[1:]:
            if commands := getattr(command, "commands", None):
                assert word in commands, line
                command = commands[word]
            elif word.startswith("--"):
                assert word in {option for param in command.params for option in param.opts}, line


@pytest.mark.parametrize("page", NAMES)
def test_every_file_exists(page: str) -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", words(page)) if "://" not in link]
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).is_file()] == []
    named = {
        one for one in spans(words(page)) if re.fullmatch(r"[\w./-]+\.(toml|yaml|json|env|sqlite3)", one)
    }
    database = settings.DatabaseSettings().url.rpartition("/")[2]
    assert [name for name in named - THEIRS - {database} if not (ROOT / name).is_file()] == []


# --- what the platforms are asked for ---------------------------------------------------------------------------


def test_the_scopes_of_slack_are_those_of_the_manifest_and_of_the_check() -> None:
    rows = table("docs/setup-slack.md", "Bot scope")
    told = {row["Bot scope"].strip("`"): row["What for"] for row in rows}
    manifest = json.loads((ROOT / "docs/slack-app-manifest.json").read_text("utf-8"))
    assert sorted(told) == sorted(manifest["oauth_config"]["scopes"]["bot"])
    checked = slack_checks.SCOPES | slack_checks._WISHED | slack_checks._TALK | slack_checks._PRIVATE
    assert sorted(told) == sorted(checked)
    assert [scope for scope, purpose in checked.items() if not told[scope].startswith(purpose)] == []
    assert manifest["features"]["bot_user"]["display_name"] == "spaces", "the pages say /invite @spaces"
    assert manifest["settings"]["socket_mode_enabled"] is True


def test_the_permissions_of_discord_are_those_of_the_check() -> None:
    text = words("docs/setup-discord.md")
    numbers = {
        int(number)
        for number in re.findall(r"permissions=(\d+)|The number (\d+)", text)
        for number in number
        if number
    }
    assert numbers == {discord_rights.PERMISSIONS}
    assert discord_rights.invite_link("APPLICATION_ID") in blocks("docs/setup-discord.md", "text")[0]
    told = [row["Permission"] for row in table("docs/setup-discord.md", "Permission")]
    assert sorted(told) == sorted({**discord_rights.READING, **discord_rights.POSTING})


def test_the_scopes_of_discourse_are_those_of_the_connector() -> None:
    said = re.search(
        r"granular scopes it needs (.*?); and", " ".join(str(DiscourseConnector.__doc__).split())
    )
    assert said is not None
    needed = {
        resource: re.sub(r" \(.*?\)", "", scopes)
        for resource, scopes in (one.split(": ") for one in said[1].split("; "))
    }
    assert {row["Resource"]: row["Scopes"] for row in table("docs/setup-discourse.md", "Resource")} == needed


# --- what can be measured ---------------------------------------------------------------------------------------


def test_the_metrics_are_those_that_are_given_out() -> None:
    figures = metrics.Metrics()
    figures.arrived("team", Page("live", None, datetime.now(UTC)), 0.1)
    figures.catching_up("team", 0.5)
    figures.posted("team", posts.SENT)
    figures.error("team", "unavailable")
    figures.up("team", connected=True)
    figures.answered("team", "weekly", 0.1)
    figures.overdue("weekly", 1.0)
    figures.digest("weekly", "posted")
    given = {
        line.split()[2]: line.split()[3]
        for line in figures.text().decode().splitlines()
        if line.startswith("# TYPE") and not line.split()[2].endswith("_created")
    }
    rows = table("docs/running.md", "Metric")
    told = [row["Metric"].strip("`") for row in rows]
    assert sorted(told) == sorted(given)
    labels = {family.name: sorted(sample.labels) for family in figures._registry.collect() for sample in family.samples
              if not sample.name.endswith(("_bucket", "_created"))}  # fmt: skip
    for name, row in zip(told, rows, strict=True):
        family = name.removesuffix("_total")
        assert sorted(spans(row["Labels"])) == labels.get(family, ["kind", "source"]), name
    kinds = {row["Metric"].strip("`"): spans(row["What it counts"]) for row in rows}
    assert kinds["spaces_events_total"] == list(metrics._KINDS)
    assert sorted(kinds["spaces_posts_total"]) == sorted(
        [posts.INTENDED, posts.UNKNOWN, posts.SENT, posts.FAILED]
    )
    assert sorted(kinds["spaces_errors_total"]) == sorted(_kinds_of_failure())


def _kinds_of_failure() -> set[str]:
    """Every kind that anything in `bot.live` counts as a failure."""
    found: set[str] = set()
    for file in (ROOT / "bot/live").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(attr="_tell"), args=[kind, *_]):
                    found.update(_texts(kind, file))
                case ast.Call(
                    func=ast.Attribute(attr="error", value=ast.Attribute(attr="metrics" | "_metrics")),
                    args=[_, kind],
                ):
                    found.update(_texts(kind, file))
    return found


def _texts(node: ast.expr, file: Path) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=body, orelse=other):
            yield from (*_texts(body, file), *_texts(other, file))
        case ast.Name(id=name):
            for assigned in ast.walk(ast.parse(file.read_text("utf-8"))):
                if (
                    isinstance(assigned, ast.Assign)
                    and isinstance(assigned.targets[0], ast.Name)
                    and assigned.targets[0].id == name
                ):
                    yield from _texts(assigned.value, file)


async def test_the_addresses_answer() -> None:
    told = [row["Address"].strip("`") for row in table("docs/running.md", "Address")]

    async def ready() -> dict[str, str | None]:
        return {"database": None}

    served = health.Health(metrics.Metrics(), ready)
    await served.start(0)
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{served.port}") as session:
            for address in told:
                async with session.get(address) as answer:
                    assert answer.status == 200, address
            async with session.get("/nothing") as answer:
                assert answer.status == 404
        routes = {route.resource.canonical for route in served._runner.app.router.routes() if route.resource}
    finally:
        await served.stop()
    assert routes == set(told)


def test_the_fields_of_the_log_are_those_that_are_written() -> None:
    section = words("docs/running.md").partition("## Logs")[2].partition("##")[0]
    record = logging.LogRecord("bot", logging.INFO, "here", 1, "words", None, _failure())
    for name in logs._EXTRA:
        setattr(record, name, 1)
    line = json.loads(logs.JsonLines().format(record))
    assert [one for one in spans(section) if one.isalpha()] == list(line)


def _failure() -> Any:
    try:
        int("none")
    except ValueError:
        return sys.exc_info()


def test_the_times_on_the_pages_are_the_defaults() -> None:
    run, source = settings.Run(), settings.Source(connector="slack")
    known = {
        "sweep_hours": f"every {run.sweep_hours:.0f} hours", "sweep_days": f"last {run.sweep_days:.0f} days",
        "lease_seconds": f"after {run.lease_seconds:.0f} seconds", "history_days": f"last {source.history_days} days",
        "poll_seconds": f"every {source.poll_seconds:.0f} seconds",
    }  # fmt: skip
    text = " ".join(" ".join(words(page) for page in NAMES).split())
    for name, told in known.items():
        assert f"{told} (`{name}`)" in text, f"{name}: {told}"
    assert f"http://127.0.0.1:{run.port}" in text
