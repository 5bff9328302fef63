"""The launcher, really run: a small project of the same shape, installed by a build back end of its own, offline."""

import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "spaces-bot"
version = "0.1.0"
"""
BACKEND = """
import os, zipfile

def build_editable(folder, settings=None, metadata=None):
    if "SPACES_TEST_GATE" in os.environ:
        open(os.environ["SPACES_TEST_GATE"]).read()
    name, info = "spaces_bot-0.1.0-py3-none-any.whl", "spaces_bot-0.1.0.dist-info"
    files = {
        "_spaces.pth": os.getcwd(),
        f"{info}/METADATA": "Metadata-Version: 2.1\\nName: spaces-bot\\nVersion: 0.1.0\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: us\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        f"{info}/entry_points.txt": "[console_scripts]\\nspaces = command:main\\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{each},,\\n" for each in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        for each, text in files.items():
            wheel.writestr(each, text)
    return name
"""
COMMAND = """
import os, signal, sys

def main():
    if sys.argv[1:] == ["wait"]:
        print(os.getpid(), flush=True)
        signal.pause()
    print(sys.argv[1:], os.getcwd())
    sys.exit(len(sys.argv) - 1)
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with a space in its name, as people have."""
    folder = tmp_path / "check out"
    folder.mkdir()
    shutil.copy(ROOT / "run.py", folder)
    for name, text in {
        "pyproject.toml": PROJECT, "backend.py": BACKEND, "command.py": COMMAND,
        "pytest.py": "import os, sys; print('pytest', sys.argv[1:], os.getcwd())",
        "requirements.lock": "", "requirements-dev.lock": "# more\n",
    }.items():  # fmt: skip
        (folder / name).write_text(text)
    return folder


def start(checkout: Path, *arguments: str, cwd: Path | None = None, **env: str) -> subprocess.Popen[str]:
    # Nothing listens on port 1: what is not in the project cannot be had.
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:1/", "UV_DEFAULT_INDEX": "http://127.0.0.1:1/",
               "PIP_RETRIES": "0", "UV_HTTP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1"}  # fmt: skip
    return subprocess.Popen(
        [sys.executable, str(checkout / "run.py"), *arguments],
        cwd=cwd or checkout, env=os.environ | nowhere | env, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip


def run(checkout: Path, *arguments: str, cwd: Path | None = None, **env: str) -> tuple[int, str, str]:
    process = start(checkout, *arguments, cwd=cwd, **env)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


SET_UP = "Setting up (once, about a minute) …\nSet up.\n"


def test_the_first_start_sets_up_and_the_next_only_hands_on(checkout: Path, tmp_path: Path) -> None:
    assert run(checkout, "demo", "a b", cwd=tmp_path) == (2, f"['demo', 'a b'] {tmp_path}\n", SET_UP)
    assert run(checkout, cwd=tmp_path) == (0, f"[] {tmp_path}\n", "")


def test_tests_run_in_the_checkout_with_the_development_packages(checkout: Path, tmp_path: Path) -> None:
    assert run(checkout, "status") == (1, f"['status'] {checkout}\n", SET_UP)
    assert run(checkout, "test", "-x", cwd=tmp_path) == (0, f"pytest ['-x'] {checkout}\n", SET_UP)
    assert run(checkout, "status") == (1, f"['status'] {checkout}\n", ""), "who has more has enough"


def test_two_at_once_set_up_once(checkout: Path) -> None:
    both = [start(checkout, "x") for _ in range(2)]
    ended = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [1, 1]
    assert sorted(err for _, err in ended) == ["", SET_UP]


def break_interpreter(checkout: Path) -> Path:
    (checkout / ".venv" / "bin" / "python").unlink()
    return checkout


def change_lock(checkout: Path) -> Path:
    (checkout / "requirements.lock").write_text("# newer\n")
    return checkout


def move(checkout: Path) -> Path:
    return checkout.rename(checkout.with_name("elsewhere"))


def test_what_is_broken_or_old_is_made_again(checkout: Path) -> None:
    assert run(checkout)[2] == SET_UP
    for happen in (break_interpreter, change_lock, move):
        checkout = happen(checkout)
        assert run(checkout) == (0, f"[] {checkout}\n", SET_UP), happen
        assert run(checkout) == (0, f"[] {checkout}\n", ""), happen


def test_a_setup_that_was_killed_is_done_again_from_the_start(checkout: Path) -> None:
    gate = checkout / "gate"
    os.mkfifo(gate)
    process = start(checkout, SPACES_TEST_GATE=str(gate))
    with gate.open("w"):  # waits until the installer has come so far
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)
    half = checkout / ".venv" / "half"
    half.touch()
    assert run(checkout) == (0, f"[] {checkout}\n", SET_UP)
    assert not half.exists()


def test_a_signal_reaches_the_command(checkout: Path) -> None:
    process = start(checkout, "wait")
    assert process.stdout is not None
    assert int(process.stdout.readline()) == process.pid, "the command is the very process that was started"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM


def test_without_a_network_one_sentence_and_then_again(checkout: Path) -> None:
    lock = checkout / "requirements.lock"
    lock.write_text("left-pad-of-nobody==1.0\n")
    code, out, err = run(checkout)
    assert (code, out) == (1, "")
    assert err.splitlines()[1:] == [
        "The packages could not be downloaded. Check the network (and HTTPS_PROXY, if you need one), and run this again."
    ]
    lock.write_text("")
    assert run(checkout) == (0, f"[] {checkout}\n", SET_UP)


def test_a_package_that_is_not_the_locked_one(checkout: Path) -> None:
    wheel = checkout / "nobody-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as files:
        files.writestr("nobody-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: nobody\nVersion: 1.0\n")
        files.writestr(
            "nobody-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        files.writestr("nobody-1.0.dist-info/RECORD", "")
    (checkout / "requirements.lock").write_text(f"nobody @ {wheel.as_uri()} --hash=sha256:{'0' * 64}\n")
    code, out, err = run(checkout)
    assert (code, out) == (1, "")
    assert err.splitlines()[-1] == "A package came that is not the locked one. Run this again, or report it."


def test_a_python_that_is_too_old_reads_so_in_words() -> None:
    program = (
        "import runpy, sys; sys.version_info = (3, 10, 12, 'final', 0); "
        f"runpy.run_path({str(ROOT / 'run.py')!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("spaces needs Python 3.11 or newer, and this is 3.10.")
    assert done.stderr.count("\n") == 1
