"""What every fake platform offers to the contract suite and the soak, whatever wire it speaks.

A fake is a real server on 127.0.0.1, port 0, built from the platform's published contracts and from what its client
libraries expect, never from our connector. It holds the platform's state; people act on it through these methods, the
connector under test talks to it over sockets alone.
"""

from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Standing:
    """One message as it now stands on the platform, in our connector's terms (see connectors.records.Message)."""

    id: str
    channel_id: str
    author_id: str | None
    text: str
    thread_id: str | None
    reactions: dict[str, int]
    is_solution: bool = False


@dataclass
class Chaos:
    """Random faults, drawn for each request and each event while `on`; every kind the platform is known for."""

    random: Random
    on: bool = False
    rate: float = 0.05
    seen: list[str] = field(default_factory=list)
    """The kinds of fault that really happened, for the test to see that they did."""


class FakePlatform(Protocol):
    """One platform with one community on it."""

    name: str
    """ "slack", "discord" or "discourse"."""
    settings: dict[str, Any]
    """What goes into `[sources.NAME]`: connector, url, api_url ... pointing at this server."""
    secrets: dict[str, str]
    """By name: bot_token, app_token, signing_secret, api_key, webhook_secret."""
    chaos: Chaos
    requests: list[tuple[str, str, dict[str, Any]]]
    """What was asked: method, path, parameters or body."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...

    # People act. All return at once; events go out to connected listeners as the platform would send them.
    def add_channel(self, name: str, *, private: bool = False, forum: bool = False) -> str: ...
    def add_member(self, name: str, *, bot: bool = False, staff: bool = False) -> str: ...
    def remove_member(self, member: str) -> None:
        """The account leaves, as the platform has it: it is deactivated, removed or deleted; what it wrote stays."""
        ...

    def say(self, channel: str, author: str, text: str, *, thread: str | None = None, reply_to: str | None = None,
            at: datetime | None = None) -> str: ...  # fmt: skip
    def open_thread(
        self, channel: str, author: str, title: str, text: str, *, at: datetime | None = None
    ) -> str:
        """A topic, a forum post, or a message with a thread; returns the id of its first message."""
        ...

    def edit(self, message: str, text: str) -> None: ...
    def delete(self, message: str) -> None: ...
    def delete_many(self, messages: list[str]) -> None: ...
    def delete_channel(self, channel: str) -> None: ...
    def react(self, message: str, emoji: str, member: str) -> None: ...
    def unreact(self, message: str, emoji: str, member: str) -> None: ...
    def solve(self, message: str) -> None:
        """Mark as the accepted solution, where the platform has it; else a check-mark reaction by its asker."""
        ...

    # The platform misbehaves, on demand.
    def cut(self) -> None:
        """Drop every open connection without a goodbye."""
        ...

    def lose(self, count: int = 1) -> None:
        """Do not send the next events to anyone: only history knows of them."""
        ...

    def double(self, count: int = 1) -> None:
        """Send the next events twice."""
        ...

    def expire_session(self) -> None:
        """The next reconnect cannot resume."""
        ...

    def limit(self, requests: int = 1, seconds: float = 0.2) -> None:
        """Answer the next requests with 429, in each of the platform's forms by turns."""
        ...

    def fail(self, requests: int = 1, *, after_effect: bool = False) -> None:
        """Answer the next requests with a 5xx or a reset; with `after_effect` what was asked has happened all the same."""
        ...

    def refuse(self, channel: str) -> None:
        """The bot may not read this channel."""
        ...

    def revoke(self) -> None:
        """The token is no longer valid, for requests and for open sockets."""
        ...

    # What the test looks at.
    def standing(self) -> dict[str, Standing]:
        """Every message of people and bots that the bot may see and that still stands, by id."""
        ...

    def posted(self) -> list[tuple[str, str, dict[str, Any]]]:
        """What the bot posted and still stands: place, id, the platform's own form."""
        ...
