"""The seams between platforms and us: what a connector and an archive offer, and how one is found by name."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol

from connectors.errors import Misconfigured
from connectors.records import Choice, Command, Finding, Offer, Page, Post, Reply, Thread


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


class Inbox(Protocol):
    """All that a connector knows of us."""

    async def deliver(self, page: Page) -> None:
        """Keep a page. When this returns it is durable: only then may the platform be told that we have it."""
        ...

    async def cursors(self) -> Mapping[str, str]:
        """How far each stream of the source has been read."""
        ...

    def gap(self) -> None:
        """Say that events may have been lost (a reconnect, a new channel, a burst refused): history is read again."""
        ...

    def alive(self) -> None:
        """Say that the platform has just been heard of (hello, heartbeat, an answered poll)."""
        ...

    @property
    def offers(self) -> Sequence[Offer]:
        """The commands to offer, in the order in which people should see them; the same for all platforms."""
        ...

    async def answer(self, command: Command) -> Reply | None:
        """Do what a person asks; never raises. None: say nothing (a reaction that meant nothing to us).

        It may take seconds, so the platform must have been told before that we heard it.
        """
        ...

    async def suggest(self, command: str, option: str, typed: str, language: str | None) -> Sequence[Choice]:
        """What could be meant by what was typed so far, the likeliest first, at most 25; within a tenth of a second."""
        ...


class Held(Protocol):
    """What is stored of the source, all pages that `fetch` has yielded included: what is shown no longer is seen by it.

    A second list of what was read would be wrong some day: it cannot be written in the moment in which events are kept.
    """

    async def channels(self, since: datetime) -> set[str]:
        """The channels with a message since then; not those inside other channels (threads, sub-categories)."""
        ...

    async def threads(self, since: datetime) -> Mapping[str, Thread]:
        """The threads with a message since then, each with all that stands of it."""
        ...

    async def messages(self, since: datetime, until: datetime) -> Mapping[str, str]:
        """The messages of that time that stand in threads, and the thread of each."""
        ...

    async def absent(self, since: datetime) -> set[str]:
        """The accounts that were told whole, but not since then, and have not left: a list of all did not show them."""
        ...


class Connector(Protocol):
    """A live platform, for one source. Every method may raise the errors of `connectors.errors`, and nothing else.

    Made inside the running event loop. `settings` are those of the source (`url`, `api_url`, `include` ...), `secrets`
    its tokens by name ("bot_token", "app_token", "signing_secret", "api_key", "webhook_secret").
    """

    def __init__(self, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> None: ...

    def fetch(
        self, cursors: Mapping[str, str], since: datetime, held: Held, *, sweep: bool = False
    ) -> AsyncIterator[Page]:
        """Read history, from the cursor of each stream, or from `since` where there is none.

        `held` tells at any time what is stored. With `sweep` the newest stretch is read again although it is known, and pages carry `swept`, so that silent
        losses, edits and deletions are found. A place that refuses is a `Refusal`, and the next place follows.
        Rate limits are honoured as the platform tells them, inside.
        """
        ...

    async def listen(self, inbox: Inbox) -> None:
        """Deliver what happens until cancelled. Reconnects by itself where that is routine, and calls `gap` then."""
        ...

    async def post(self, place: str, post: Post) -> str:
        """Send, once; returns the id. `place` is a channel, or "channel/thread" (a Discourse category or topic).

        Raises:
            Unsure: it is not known whether it was sent: `find` tells.
        """
        ...

    async def find(self, place: str, key: str) -> str | None:
        """The id of what was sent with this key, by reading back; None when it is not there."""
        ...

    async def edit(self, place: str, id_: str, post: Post) -> None:
        """Replace what was posted."""
        ...

    async def readable(self, member_id: str, channel_ids: Sequence[str]) -> set[str]:
        """Which of these channels, private ones among them, a member can read now. What is not known is not readable.

        Raises:
            ConnectorError: the platform did not say.
        """
        ...

    async def check(self, places: Sequence[str] = ()) -> list[Finding]:
        """Try the credentials, rights and addresses, and whether `post` could reach these places, saying nothing there.

        Never raises: what fails is a finding with its cure.
        """
        ...

    async def close(self) -> None:
        """Give back sockets and threads, within 5 s."""
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


def load_connector(connector: str) -> type[Connector]:
    """Find a connector by name.

    Raises:
        Misconfigured: there is none of that name.
    """
    for point in entry_points(group="spaces.connectors", name=connector):
        found: type[Connector] = point.load()
        return found
    raise Misconfigured(f"There is no live connector '{connector}'. Installed are: {', '.join(names())}.")
