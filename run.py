"""Starts spaces from a fresh checkout, with nothing but Python: `python3 run.py demo` is `spaces demo`.

The first start makes `.venv` beside this file and installs the locked packages; later starts only hand on.
Two words are its own, for developers, and run in this folder: `test [pytest arguments]` and `bench [name]`.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - an older Python must read so in words, before it stumbles
    sys.exit(
        "spaces needs Python 3.11 or newer, and this is {}.{}. Install one, and start it as: python3.11 run.py".format(
            *sys.version_info[:2]
        )
    )

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if sys.platform == "win32" else "bin")
PYTHON = BIN / ("python.exe" if sys.platform == "win32" else "python")
RUNTIME, DEVELOPMENT = ROOT / "requirements.lock", ROOT / "requirements-dev.lock"

# Written last, so that an interrupted setup is seen; first line: which .venv, second line: what is in it.
STAMP = VENV / "spaces-setup"
UNFINISHED = "unfinished"

# What the installers say when it is nobody's bug, and the cure.
CURES = {
    "no space left": "The disk is full. Free 1 GB, and run this again.",
    "permission denied": f"The folder {ROOT} may not be written to. Use a copy of your own, and run this again.",
    "externally-managed": "This Python lets nobody install packages. Install uv or python3-venv, and run this again.",
    "match the hashes|hash mismatch": "A package came that is not the locked one. Run this again, or report it.",
    "could not find a version|connect|timed out|resol|dns error|error sending|ssl": "The packages could not be "
    "downloaded. Check the network (and HTTPS_PROXY, if you need one), and run this again.",
}


def main(arguments: list[str]) -> None:
    """Set up what is missing, then become the command that was asked for."""
    mine = arguments[0] if arguments and arguments[0] in {"test", "bench"} else None
    lock = DEVELOPMENT if mine else RUNTIME
    if not is_ready(lock):
        with alone():
            if not is_ready(lock):  # another start may have done it while we waited
                set_up(lock)
    if mine:
        os.chdir(ROOT)
        become([str(PYTHON), "-m", {"test": "pytest", "bench": "benchmarks"}[mine], *arguments[1:]])
    become([str(BIN / "spaces"), *arguments])


def place() -> str:
    """Which .venv fits: its scripts name the folder they stand in, its packages one version of Python."""
    return f"Python {sys.version_info.major}.{sys.version_info.minor} in {ROOT}"


def contents(lock: Path) -> str:
    """What must be in it, as a fingerprint."""
    return hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + lock.read_bytes()).hexdigest()


def is_ready(lock: Path) -> bool:
    """Whether everything is installed; who has the development packages has the others too."""
    found = STAMP.read_text("utf-8") if STAMP.is_file() else ""
    fitting = (f"{place()}\n{contents(each)}\n" for each in {lock, DEVELOPMENT})
    return PYTHON.exists() and found in fitting


def set_up(lock: Path) -> None:
    """Make `.venv` if there is none that works, and install into it."""
    say("Setting up (once, about a minute) …")
    try:
        found = STAMP.read_text("utf-8") if STAMP.is_file() else place()
        if not PYTHON.exists() or not found.startswith(place()):
            shutil.rmtree(VENV, ignore_errors=True)
            make_venv()
        STAMP.write_text(UNFINISHED, "utf-8")
        install = installer(PYTHON)
        run([*install, "-r", str(lock)])
        run([*install, "--no-deps", "--no-build-isolation", "-e", str(ROOT)])
        STAMP.write_text(f"{place()}\n{contents(lock)}\n", "utf-8")
    except OSError as error:
        sys.exit(cure(str(error)) or f"Setting up failed: {error}. Delete {VENV}, and run this again.")
    say("Set up.")


def make_venv() -> None:
    """An environment without pip: that works where Debian's python3-venv is not installed."""
    try:
        import venv  # noqa: PLC0415 - needed once, and a minimal Python has none
    except ImportError:
        sys.exit("This Python cannot make environments. Install python3-venv, and run this again.")
    venv.create(VENV, with_pip=False, symlinks=sys.platform != "win32", prompt="spaces")


def installer(python: Path) -> list[str]:
    """The beginning of a command that installs for `python`: uv if it is there, else the pip of the Python that runs us."""
    quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar=off", "--no-warn-script-location"]
    if works([(uv := shutil.which("uv") or "uv"), "--version"]):
        return [uv, "pip", "install", "--python", str(python)]
    for owner in (sys.executable, getattr(sys, "_base_executable", sys.executable)):
        pip = [owner, "-m", "pip", "--python", str(python)]  # since pip 22.3
        if works([*pip, "--version"]):
            return [*pip, "install", *quiet]
    if works([str(python), "-m", "ensurepip"]):
        return [str(python), "-m", "pip", "install", *quiet]
    sys.exit(
        "This Python has no pip, or one before 22.3. Install it (Debian, Ubuntu: apt install python3-pip) "
        "or uv, and run this again."
    )


def works(command: list[str]) -> bool:
    """Whether a command is there and succeeds."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def run(command: list[str]) -> None:
    """Run one step; in a terminal its last line is shown while it lasts, all of them if it fails strangely."""
    environment = os.environ | {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PYTHONUTF8": "1"}
    lines = []
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        env=environment,
    ) as process:
        for line in process.stdout or ():
            lines.append(line)
            show(line)
    show("")
    if process.returncode:
        known = cure("".join(lines))
        if known is None:
            say("".join(lines[-20:]))
        sys.exit(
            known or "The packages could not be installed. If it stays so, please report the lines above."
        )


def cure(said: str) -> str | None:
    """One sentence for a failure that needs no developer."""
    return next((sentence for signs, sentence in CURES.items() if re.search(signs, said.lower())), None)


def show(line: str) -> None:
    """The step under way, on one line of a terminal."""
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns - 3
        print(
            f"\r\033[K  {line.strip()[:width]}" if line else "\r\033[K", end="", file=sys.stderr, flush=True
        )


def say(line: str) -> None:
    """A line of our own: never among the command's output."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def alone() -> Iterator[None]:
    """Wait until no other start sets up. The lock is on this very file, so nothing is left behind by a kill."""
    with Path(__file__).open("rb") as file:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - only there

            file.seek(1 << 30)  # far behind the text, which others must be able to read
            while True:
                try:
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                except OSError:  # it gives up after ten seconds
                    continue
                break
        else:
            import fcntl  # noqa: PLC0415 - only there

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def become(command: list[str]) -> None:
    """Hand on for good: exit code, signals and terminal are the command's."""
    if sys.platform != "win32":
        os.execv(command[0], command)  # noqa: S606 - no shell is wanted
    import signal  # noqa: PLC0415 - only here

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for the command
    sys.exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
