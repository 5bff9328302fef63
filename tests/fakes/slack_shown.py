"""One interaction of a person with the app, and one thing that a person alone is shown."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """Something that one person alone sees."""

    user: str
    channel: str
    """An id that begins with D for a direct message."""
    thread: str | None
    message: Row
    ts: str

    @property
    def words(self) -> str:
        """All text that is shown, blocks before the text for notifications."""
        return "\n".join(_texts(self.message.get("blocks"))) or str(self.message.get("text", ""))


@dataclass
class Asked:
    """One interaction."""

    kind: str
    body: Row
    at: float
    seconds: float | None = None
    """How long the app took to acknowledge; None while it did not."""
    answers: list[Row] = field(default_factory=list)
    """What came to its response address, and was taken."""
    refused: list[str] = field(default_factory=list)
    view: Row | None = None
    exchanged: bool = False
    acknowledged: asyncio.Event = field(default_factory=asyncio.Event)
    failed: bool = False
    """Slack told the person that the app did not answer."""

    def age(self, seconds: float) -> None:
        """Let it be so much older."""
        self.at -= seconds


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value["text"]
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
