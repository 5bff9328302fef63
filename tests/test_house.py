"""The house keeps its own rules: what is documented, what is locked, who imports whom."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from packaging.requirements import Requirement
from packaging.version import Version

from bot.cli import app
from bot.commands.registry import COMMANDS
from bot.settings import RIGHTS
from bot.spaces.catalogue import LABELS, METRICS
from bot.spaces.observed import KINDS

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
CODE = sorted(path for top in ("bot", "connectors", "storage") for path in (ROOT / top).rglob("*.py"))
EVERYTHING = [
    *CODE, ROOT / "run.py",
    *(path for top in ("alembic", "benchmarks", "examples", "tests") for path in (ROOT / top).rglob("*.py")),
]  # fmt: skip

# About 300; a module may be longer when a reader is better served by one piece, and the reason stands beside it.
LINES = 350
LONG: dict[str, str] = {
    "tests/bot/test_config.py": "one short case for each mistake that a configuration can hold",
    "storage/tables.py": "every table, on one page",
    "storage/ingest.py": "the one door, and every statement behind it",
    "bot/live/supervisor.py": "one source's life, from its lease to its posts",
    "connectors/discord_live.py": "every event of the gateway, one function each",
    "tests/connectors/live/test_discourse_asking.py": "who is answered, when, and only once, case by case",
    "tests/fakes/discourse.py": "a forum's state and what people do on it",
    "tests/fakes/slack.py": "a workspace's state and what people do in it",
    "tests/storage/test_ingest.py": "the one door, case by case",
    "tests/contract/test_connectors.py": "one suite over all platforms: what each must do, on one page",
    "tests/fakes/discourse_http.py": "the forum's side of the wire, one handler a path",
    "tests/golden/recount.py": "every metric counted a second time, on one page",
    "tests/bot/test_tagger.py": "the tagger from fact to verdict, case by case, on shared conversations",
    "tests/storage/test_people.py": "people, and the reasons to think that two accounts are one, on shared accounts",
}

# Each platform's library is known to one file, so that a change of it is a change of one file.
ONE_FILE_EACH = {"discord", "slack_bolt", "slack_sdk", "pydiscourse", "matplotlib", "re2"}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


# --- the code ---------------------------------------------------------------------------------------------------


def test_no_package_shadows_alembic() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()


def test_modules_are_short_or_say_why_not() -> None:
    lengths = {name(path): len(path.read_text("utf-8").splitlines()) for path in EVERYTHING}
    assert {path: lines for path, lines in lengths.items() if lines > LINES and path not in LONG} == {}
    assert [path for path in LONG if lengths.get(path, 0) <= LINES] == [], "no longer long"


def test_each_platform_library_is_imported_by_one_file_at_most() -> None:
    users: dict[str, set[str]] = {}
    for path in CODE:
        for module in imports(path):
            if (library := module.split(".")[0]) in ONE_FILE_EACH:
                users.setdefault(library, set()).add(name(path))
    assert {library: sorted(files) for library, files in users.items() if len(files) > 1} == {}


def test_platforms_never_see_each_other() -> None:
    platforms = ("slack", "discord", "discourse")

    def platform(module: str) -> str | None:
        family = module.removeprefix("connectors.").partition("_")[0]
        return family if module.startswith("connectors.") and family in platforms else None

    for path in CODE:
        if path.parent == ROOT / "connectors" and (own := platform(f"connectors.{path.stem}")):
            seen = {platform(module) for module in imports(path)} - {None, own}
            assert not seen, name(path)


def test_nothing_is_printed_past_the_command_line() -> None:
    """`print` is for nobody: the command line writes through typer and rich, the rest returns values."""
    printing = [
        f"{name(path)}:{node.lineno}"
        for path in CODE
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert printing == []


# --- the words --------------------------------------------------------------------------------------------------


def commands(group: typer.Typer, *before: str) -> Iterator[str]:
    """Every command with its group: "import", "people suggest"."""
    for command in group.registered_commands:
        callback = command.callback
        yield " ".join((*before, command.name or (callback.__name__.replace("_", "-") if callback else "")))
    for inner in group.registered_groups:
        if inner.typer_instance is not None:
            yield from commands(
                inner.typer_instance, *before, str(inner.name or inner.typer_instance.info.name)
            )


def words(*files: str) -> str:
    return "\n".join((ROOT / file).read_text("utf-8") for file in files)


def test_the_readme_names_every_command() -> None:
    found = list(commands(app))
    assert "import" in found
    text = words("README.md")
    assert [command for command in found if f"spaces {command}" not in text] == []


def test_what_people_can_ask_is_documented() -> None:
    told = words("docs/talking.md")
    for entry in COMMANDS:
        named = {entry.name, *entry.names.values()}
        assert all(re.search(rf"`{name}\b", told) for name in named), entry.name
    assert [kind for kind in KINDS if f"`{kind}`" not in told] == []
    assert [right for right in RIGHTS if f"`{right}`" not in told] == []
    readme = words("README.md")
    assert [entry.name for entry in COMMANDS if not re.search(rf"`{entry.name}\b", readme)] == []


@pytest.mark.parametrize("kind", ["label", "metric"])
def test_every_label_and_metric_is_documented(kind: str) -> None:
    text = words("README.md", "docs/metrics.md")
    names = LABELS if kind == "label" else METRICS
    assert names
    assert [each for each in names if f"`{each}`" not in text] == []


# --- the lock ---------------------------------------------------------------------------------------------------


def locked(file: str) -> dict[str, list[Version]]:
    """The locked versions of each package: more than one where they depend on Python or the system."""
    pins: dict[str, list[Version]] = {}
    for package, pinned in re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==(\S+)", words(file), re.MULTILINE):
        pins.setdefault(package, []).append(Version(pinned))
    return pins


def wanted(which: str) -> list[Requirement]:
    """What pyproject.toml asks for: to run it, or to work on it."""
    groups = PROJECT["dependency-groups"]
    texts = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["postgres"]]
    texts += groups["build"]
    if which == "requirements-dev.lock":
        texts += [each for each in groups["dev"] if isinstance(each, str)]
    return [Requirement(text) for text in texts]


def canonical(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


@pytest.mark.parametrize("file", ["requirements.lock", "requirements-dev.lock"])
def test_the_lock_has_what_pyproject_asks_for(file: str) -> None:
    pins = locked(file)
    unmet = [
        str(requirement)
        for requirement in wanted(file)
        if not (versions := pins.get(canonical(requirement.name)))
        or not all(requirement.specifier.contains(each, prereleases=True) for each in versions)
    ]
    assert unmet == [], "refresh the lock as CONTRIBUTING.md says"


def test_who_has_the_development_packages_has_the_others_too() -> None:
    development = locked("requirements-dev.lock")
    assert {
        package: pins
        for package, pins in locked("requirements.lock").items()
        if development.get(package) != pins
    } == {}


@pytest.mark.parametrize("file", ["requirements.lock", "requirements-dev.lock"])
def test_every_locked_package_has_its_hash_and_no_host(file: str) -> None:
    text = words(file)
    assert "://" not in text
    entries = [entry for entry in re.split(r"\n(?=[a-z])", text) if "==" in entry]
    assert len(entries) == sum(map(len, locked(file).values()))
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
