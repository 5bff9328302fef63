"""The seams between platforms and us: what an archive offers, and how one is found by name."""

from collections.abc import AsyncIterator, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol

from connectors.errors import Misconfigured
from connectors.records import Page


class Archive(Protocol):
    """An archive that people already have, read into the same source, with the same ids, as the live platform."""

    def __init__(self, paths: Sequence[Path], settings: Mapping[str, Any]) -> None:
        """Take the files, which are not opened yet, and the source's settings (`url`, `include`, ...)."""

    def fetch(self, cursors: Mapping[str, str]) -> AsyncIterator[Page]:
        """Yield everything not yet read, given the cursor of each stream.

        A file that cannot be read becomes a `Problem` on a page, and the next file follows.

        Raises:
            Misconfigured: nothing of what was named is an archive of this platform.
        """
        ...


def names() -> list[str]:
    """The connectors that are installed, by the name that the configuration uses."""
    return sorted(point.name for point in entry_points(group="spaces.archives"))


def load_archive(connector: str) -> type[Archive]:
    """Find a connector's archive reader by name.

    Raises:
        Misconfigured: there is none of that name.
    """
    for point in entry_points(group="spaces.archives", name=connector):
        found: type[Archive] = point.load()
        return found
    raise Misconfigured(f"There is no connector '{connector}'. Installed are: {', '.join(names())}.")
