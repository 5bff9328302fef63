"""Safe reading of what people give us: a ZIP, a folder or a single file, as named entries of bounded size.

Nothing is ever written to disk, so no name can escape; names that try to, links, locked entries and entries that
swell beyond reason are left out, and each is named in a `Problem`. This module knows no platform.
"""

import hashlib
import os
import stat
import struct
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Self

from connectors.errors import UnreadablePayload
from connectors.records import Problem

MEGABYTE = 1 << 20
ENTRY_LIMIT = 64 * MEGABYTE
"""What is read at once may not be larger than this; larger things are streamed."""

_TOTAL_LIMIT = 200_000 * MEGABYTE
_MOST_ENTRIES = 1_000_000
_HARMLESS = 10 * MEGABYTE
_STEEPEST = 200
_ONE_BY_ONE = "Take it out of the archive and import it by itself."
_AGAIN = "Download or export it again, and import that."
_FAULTS = (OSError, EOFError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error, struct.error)
_PACKED = {
    b"\x1f\x8b": "gzip", b"7z\xbc\xaf": "7-Zip", b"Rar!": "RAR", b"\xfd7zX": "xz", b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd",
}  # fmt: skip


class Unreadable(UnreadablePayload):
    """One file, or one entry of it, cannot be read; the others can."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Stream:
    """The bytes of one entry, in order; whatever is wrong with them is raised as `Unreadable`."""

    def __init__(self, file: IO[bytes], where: str, limit: int | None) -> None:
        self._file = file
        self._where = where
        self._limit = limit
        self._ended = False
        self.consumed = 0

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, none at the end, where the file is closed."""
        if self._ended:
            return b""
        try:
            data = self._file.read(size)
        except _FAULTS as error:
            raise Unreadable(_fault(self._where, error)) from error
        self.consumed += len(data)
        if self._limit is not None and self.consumed > self._limit:
            raise Unreadable(_too_large(self._where, self._limit))
        if not data:
            self.close()
        return data

    def close(self) -> None:
        """Let go of the file."""
        self._ended = True
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Bundle(ABC):
    """One thing that was named on the command line, opened: its entries (name -> bytes) and what is wrong with it."""

    def __init__(self, path: Path) -> None:
        self.name = path.name or str(path)
        self.entries: dict[str, int] = {}
        """The JSON files inside, by their path with `/`, in order of name."""
        self.problems: list[Problem] = []
        self.fingerprint = ""
        """Equal for equal contents; the name of the file does not matter for a ZIP."""
        self.made: datetime | None = None
        """When the archive was made, as far as the dates in it tell."""
        self.modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        self._streams: list[Stream] = []

    @property
    def size(self) -> int:
        """Bytes of all entries."""
        return sum(self.entries.values())

    def where(self, entry: str) -> str:
        """An entry, named so that a person finds it."""
        return self.name if entry == self.name else f"{self.name}, {entry}"

    def open(self, entry: str, limit: int | None = None) -> Stream:
        """The entry as a stream that ends in `Unreadable` beyond `limit` bytes.

        Raises:
            Unreadable: it cannot be opened.
        """
        try:
            stream = Stream(self._open(entry), self.where(entry), limit)
        except _FAULTS as error:
            raise Unreadable(_fault(self.where(entry), error)) from error
        if limit is None:
            self._streams.append(stream)  # handed out, so nobody knows when it is done with
        return stream

    def read(self, entry: str, limit: int = ENTRY_LIMIT) -> bytes:
        """All bytes of the entry.

        Raises:
            Unreadable: it cannot be read, or is larger than `limit`.
        """
        if self.entries[entry] > limit:
            raise Unreadable(_too_large(self.where(entry), limit))
        with self.open(entry, limit) as stream:
            return b"".join(iter(lambda: stream.read(MEGABYTE), b""))

    def close(self) -> None:
        """Let go of every file."""
        for stream in self._streams:
            stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def _open(self, entry: str) -> IO[bytes]: ...


class _Files(Bundle):
    """A single file, or the files of a folder."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._paths: dict[str, Path] = {}
        parts = []
        for name, file in self._found(path):
            try:
                facts = file.stat()
            except OSError as error:
                self.problems.append(_fault(self.where(name), error))
                continue
            self._paths[name] = file
            self.entries[name] = facts.st_size
            parts.append(f"{name}:{facts.st_size}:{facts.st_mtime_ns if path.is_dir() else _ends(file)}")
        self.fingerprint = _digest(parts)

    def _found(self, path: Path) -> Iterator[tuple[str, Path]]:
        if not path.is_dir():
            yield self.name, path
            return
        for file in _walk(path):
            name = file.relative_to(path).as_posix()
            if file.is_symlink():
                what = "is a link, and was not followed"
                self.problems.append(Problem(self.where(name), what, "Put the file itself there."))
            elif _counts(name):
                yield name, file

    def _open(self, entry: str) -> IO[bytes]:
        return self._paths[entry].open("rb")


class _Zip(Bundle):
    """A ZIP file, distrusted."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except _FAULTS as error:
            raise Unreadable(_fault(self.name, error)) from error
        listed = self._zip.infolist()
        total = sum(info.file_size for info in listed)
        if len(listed) > _MOST_ENTRIES or total > _TOTAL_LIMIT:
            self._zip.close()
            what = f"would unpack to {len(listed):,} files and {total // MEGABYTE:,} MB, more than any real archive"
            raise Unreadable(Problem(self.name, what, "If it is real, unpack it and import it in parts."))
        self._infos: dict[str, zipfile.ZipInfo] = {}
        refused: dict[tuple[str, str], list[str]] = {}
        for info in listed:
            name = info.filename.replace("\\", "/")
            reason = self._refusal(name, info)
            if reason:
                refused.setdefault(reason, []).append(name)
            if _counts(name) and (reason is None or name in self._infos):
                self._infos[name] = info
        for (what, cure), names in refused.items():
            others = f" (and {len(names) - 1} more like it)" if len(names) > 1 else ""
            self.problems.append(Problem(self.where(names[0]), what + others, cure))
        self._infos = dict(sorted(self._infos.items()))
        self.entries = {name: info.file_size for name, info in self._infos.items()}
        self.fingerprint = _digest(f"{name}:{i.file_size}:{i.CRC}" for name, i in self._infos.items())
        self.made = max((date for info in self._infos.values() if (date := _date(info))), default=None)

    def _refusal(self, name: str, info: zipfile.ZipInfo) -> tuple[str, str] | None:  # noqa: PLR0911 - one a reason
        """What is wrong with an entry, and the cure; None when it may be read or does not matter."""
        folder = "Unpack the archive and import the folder."
        if name.startswith("/") or name[1:2] == ":" or ".." in name.split("/"):
            return "has a name that leads out of the archive, and was skipped", _AGAIN
        if name.lower().endswith(".zip"):
            return "is an archive inside the archive, and was not opened", _ONE_BY_ONE
        if not _counts(name):
            return None
        if stat.S_ISLNK(info.external_attr >> 16):
            return "is a link, and was skipped", _AGAIN
        if info.flag_bits & 1:
            return "is locked with a password", folder
        if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            return "is packed in an unusual way", folder
        if info.file_size > max(_HARMLESS, _STEEPEST * info.compress_size):
            size = info.file_size // MEGABYTE
            return f"would swell to {size:,} MB from {info.compress_size:,} bytes, and was skipped", folder
        if name in self._infos:
            return "is in the archive twice; the last one was read", _AGAIN
        return None

    def _open(self, entry: str) -> IO[bytes]:
        return self._zip.open(self._infos[entry])

    def close(self) -> None:
        super().close()
        self._zip.close()


def find(paths: Sequence[Path]) -> Iterator[Path]:
    """Every archive meant by what was named: each once, and of a folder also the ZIPs that lie in it."""
    seen = set()
    for path in paths:
        zips = [file for file in _walk(path) if file.suffix.lower() == ".zip" and not file.is_symlink()]
        others = not zips or any(_counts(file.relative_to(path).as_posix()) for file in _walk(path))
        for found in ([path] if others else []) + zips:
            if (real := os.path.realpath(found)) not in seen:
                seen.add(real)
                yield found


def open_bundle(path: Path) -> Bundle:
    """Open a ZIP, a folder or a file, recognised by its content.

    Raises:
        Unreadable: it is nothing that can be read.
    """
    name = path.name or str(path)
    try:
        facts = path.stat()
        if stat.S_ISDIR(facts.st_mode):
            folder = _Files(path)
            if not folder.entries and not folder.problems:
                raise Unreadable(Problem(name, "holds no JSON file and no ZIP", "Name the folder that does."))
            return folder
        if not stat.S_ISREG(facts.st_mode):
            raise Unreadable(Problem(name, "is neither a file nor a folder", "Name a file or a folder."))
        with path.open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise Unreadable(_fault(name, error)) from error
    if not head:
        raise Unreadable(Problem(name, "is empty", _AGAIN))
    for magic, packer in _PACKED.items():
        if head.startswith(magic):
            raise Unreadable(Problem(name, f"is packed with {packer}", "Unpack it and import the folder."))
    return _Zip(path) if head.startswith(b"PK") else _Files(path)


def _walk(folder: Path) -> list[Path]:
    """All files below a folder, in order of name; links to folders are not followed."""
    return sorted(Path(top, name) for top, _, names in os.walk(folder) for name in names)


def _counts(name: str) -> bool:
    """Whether an entry is worth a look: JSON, and not the litter of a file manager."""
    parts = name.split("/")
    litter = "__MACOSX" in parts or parts[-1].startswith(".")
    return name.lower().endswith(".json") and not litter


def _date(info: zipfile.ZipInfo) -> datetime | None:
    """An entry's date, unless it is the zero of the format, nonsense or in the future."""
    try:
        date = datetime(*info.date_time, tzinfo=UTC)
    except ValueError:
        return None
    return date if date.year > 1990 and date < datetime.now(UTC) + timedelta(days=1) else None  # noqa: PLR2004


def _ends(file: Path) -> str:
    """What tells a large file from another without reading all of it."""
    try:
        with file.open("rb") as opened:
            head = opened.read(MEGABYTE // 8)
            opened.seek(max(0, file.stat().st_size - MEGABYTE // 8))
            return hashlib.sha256(head + opened.read()).hexdigest()
    except OSError:
        return ""


def _digest(parts: Iterator[str] | list[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:20]


def _too_large(where: str, limit: int) -> Problem:
    what = f"is larger than {limit // MEGABYTE} MB, which no such file ever is, and was skipped"
    return Problem(where, what, "If it is real, please report it.")


def _fault(where: str, error: Exception) -> Problem:
    match error:
        case FileNotFoundError():
            return Problem(where, "does not exist", "Check the name.")
        case PermissionError():
            return Problem(
                where, "may not be read by this user", "Give read permission (chmod +r) and try again."
            )
        case IsADirectoryError():
            return Problem(where, "is a folder where a file should be", "Remove it or rename it.")
        case OSError():
            return Problem(
                where, f"cannot be read ({error.strerror or error})", "Check the disk and try again."
            )
        case zipfile.BadZipFile() | EOFError() | zlib.error() | struct.error():
            return Problem(
                where, f"is a broken ZIP, or only a part of one ({str(error).rstrip('.')})", _AGAIN
            )
        case _:
            return Problem(where, f"cannot be read ({str(error).rstrip('.')})", _AGAIN)
