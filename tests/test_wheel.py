"""The wheel, built and installed elsewhere, works without the checkout: migrations, languages and demo are inside."""

import os
import site
import sqlite3
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

import run as launcher

ROOT = Path(__file__).parents[1]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel, that sees the libraries of ours and nothing of the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
                   cwd=ROOT, check=True, capture_output=True)  # fmt: skip
    (wheel,) = folder.glob("*.whl")
    home = folder / "environment"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    (packages,) = home.glob("lib/python*/site-packages")
    # Not a `.pth` of its own is read in a folder that a `.pth` names, so our editable install stays out.
    (packages / "libraries.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    subprocess.run([*launcher.installer(python), "--no-deps", "--no-index", str(wheel)],
                   check=True, capture_output=True)  # fmt: skip
    return home


@pytest.fixture
def spaces(installed: Path, tmp_path: Path) -> Run:
    """Run a program of that environment in an empty folder."""

    def start(*command: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return subprocess.run(
            [str(installed / "bin" / command[0]), *command[1:]],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    return start


def python(spaces: Run, program: str) -> str:
    done = spaces("python", "-c", program)
    assert done.stderr == ""
    return done.stdout.strip()


def test_the_command_is_there(spaces: Run) -> None:
    done = spaces("spaces", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: spaces" in done.stdout
    done = spaces("spaces", "--version")
    assert (done.returncode, done.stdout.split()[0]) == (0, "spaces")


def test_it_is_the_wheel_and_not_the_checkout(spaces: Run, installed: Path) -> None:
    for module in ("bot", "connectors", "storage"):
        assert Path(python(spaces, f"import {module}; print({module}.__file__)")).is_relative_to(installed)


def test_alembic_is_still_the_library(spaces: Run, installed: Path) -> None:
    (packages,) = installed.glob("lib/python*/site-packages")
    assert not (packages / "alembic").exists()
    assert python(spaces, "import alembic; print(alembic.__version__)")


def test_the_migrations_are_inside(spaces: Run, tmp_path: Path) -> None:
    done = spaces("spaces", "--database", f"sqlite:///{tmp_path}/new.sqlite3", "db", "upgrade")
    assert done.returncode == 0, done.stderr
    connection = sqlite3.connect(tmp_path / "new.sqlite3")
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    assert {"messages", "members", "tags", "alembic_version"} <= tables


def test_every_data_file_of_the_packages_is_inside(installed: Path) -> None:
    (packages,) = installed.glob("lib/python*/site-packages")
    ours = [path for top in ("bot", "connectors", "storage") for path in (ROOT / top).rglob("*")]
    data = [path.relative_to(ROOT) for path in ours if path.is_file() and "__pycache__" not in path.parts]
    assert any(path.suffix != ".py" for path in data)
    assert [path for path in data if not (packages / path).is_file()] == []
    for source, target in (
        ("examples/community", "bot/demo_community"),
        ("alembic/versions", "storage/migrations/versions"),
    ):
        names = {path.name for path in (ROOT / source).iterdir()} - {"__pycache__"}
        assert names
        assert names <= {path.name for path in (packages / target).iterdir()}
    assert (packages / "bot" / "config.example.toml").is_file()


def test_the_demo_runs(spaces: Run, tmp_path: Path) -> None:
    done = spaces("spaces", "demo")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "Support" in done.stdout
    assert list(tmp_path.rglob("digest.html"))
