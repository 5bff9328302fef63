"""The small values in archives, checked: times, ids, names and counts that storage can keep; and the settings."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.archive import Bundle

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = 315_532_800  # 1980
_LATEST = 4_102_444_800  # 2100
_MANY = 100_000_000


class Settings:
    """The settings of a source that a reader heeds."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.url = str(settings.get("url") or "").rstrip("/")
        self._include = _names(settings.get("include"))
        self._exclude = _names(settings.get("exclude"))

    def names(self, *names: str) -> bool:
        """Whether the operator named a private place, by any of its names."""
        return not self._include.isdisjoint(map(str.lower, names))

    def excludes(self, *names: str) -> bool:
        """Whether the operator excluded a place, by any of its names."""
        return not self._exclude.isdisjoint(map(str.lower, names))

    def stream(self, connector: str, bundle: Bundle) -> str:
        """A name for the reading of this archive in this way."""
        way = "\n".join([bundle.fingerprint, self.url, *sorted(self._include)])
        return f"{connector}:{hashlib.sha256(way.encode()).hexdigest()[:20]}"


def _names(names: Any) -> frozenset[str]:
    return frozenset(str(name).lstrip("#").lower() for name in names or ())


def moment(seconds: int, micros: int = 0) -> datetime:
    """A time, from seconds and microseconds since 1970.

    Raises:
        ValueError: no message can be of that time.
    """
    if not _EARLIEST <= seconds < _LATEST:
        raise ValueError("a time out of range")
    return _EPOCH + timedelta(0, seconds, micros)


def iso_moment(text: str) -> datetime:
    """A time in ISO 8601; without a zone it is taken as UTC.

    Raises:
        ValueError: it is none, or no message can be of that time.
    """
    found = datetime.fromisoformat(text)
    if found.tzinfo is not UTC:
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    if not 1980 <= found.year < 2100:  # noqa: PLR2004 - as above
        raise ValueError("a time out of range")
    return found


def micros(when: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (when - _EPOCH) // timedelta(microseconds=1)


def identity(value: Any) -> str:
    """An id as text, from text or a whole number.

    Raises:
        TypeError: it is neither.
        ValueError: it is empty, or nothing that a platform gives.
    """
    if type(value) is int:
        return str(value)
    if type(value) is not str:
        raise TypeError(f"an id is {value!r:.40}")
    if not value or not value.isprintable():
        raise ValueError("an id is empty or unprintable")
    return value


def words(value: Any) -> str:
    """A name or the like as text that any database keeps; empty for none.

    Raises:
        TypeError: it is a list, an object or the like.
    """
    if type(value) is not str:
        if value is None or isinstance(value, int | float):
            return "" if value is None else str(value)
        raise TypeError(f"a name is {value!r:.40}")
    return (
        value
        if value.isascii() and "\0" not in value
        else value.replace("\0", "").encode("utf-8", "replace").decode()
    )


def number(value: Any) -> int:
    """How many people.

    Raises:
        TypeError, ValueError: it is no such number.
    """
    if type(value) is not int or not 0 <= value < _MANY:
        raise ValueError(f"a count is {value!r:.40}")
    return value
