"""A Slack workspace's export ZIP (or the same, unpacked), read into what the live workspace would have told.

Layout: `channels.json`, `groups.json` (private), `dms.json`, `mpims.json`, `users.json`, and for each channel a folder,
named as the channel is, with one list of messages a day. All ids are Slack's; a message is `<channel>:<ts>`.
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.archive import Bundle, Unreadable
from connectors.formats import SLACK_DAY, SLACK_LISTS
from connectors.json_stream import BrokenJson, load, walk
from connectors.paging import Draft, Part, pages
from connectors.records import Channel, Page, Problem
from connectors.slack_messages import Rows, links, to_channel, to_member
from connectors.values import Settings, identity, words

_PRIVATE = (
    ("groups.json", "private channel"),
    ("mpims.json", "group conversation"),
    ("dms.json", "direct conversation"),
)
_TEAM = re.compile(rb'"team_id":\s*"([A-Z0-9]+)"')


class SlackExport:
    """Reads exports of one workspace; several that overlap are read one after the other.

    Private channels are read when `include` has their name or id, conversations of two when it has "dms", of a few
    when it has "mpims".
    """

    def __init__(self, paths: Sequence[Path], settings: Mapping[str, Any]) -> None:
        self._paths = paths
        self._settings = Settings(settings)

    async def fetch(self, cursors: Mapping[str, str]) -> AsyncIterator[Page]:
        """Yield everything not yet read, given the cursor of each stream; works for the time of a page at a go."""
        for page in pages("slack", self._paths, cursors, lambda bundle: _Export(bundle, self._settings)):
            yield page


class _Export:
    """One export, opened."""

    def __init__(self, bundle: Bundle, settings: Settings) -> None:
        self._bundle = bundle
        self._settings = settings
        self.stream = settings.stream("slack", bundle)
        lists = [name for name in bundle.entries if name.rsplit("/", 1)[-1] in SLACK_LISTS]
        root = min((name.rpartition("/")[0] for name in lists), key=len, default="")
        self._root = root + "/" if root else ""
        self._days = {
            name: found for name in bundle.entries
            if (found := SLACK_DAY.search(name)) and name == f"{self._root}{found[1]}/{found[2]}.json"
        }  # fmt: skip
        self.observed_at = self._made()
        self._users = self._root + "users.json"
        names = [self._users] if self._users in bundle.entries else []
        self.entries = {name: bundle.entries[name] for name in (*names, *self._days)}
        self._folders: dict[str, Channel] = {}
        self._closed: set[str] = set()
        self._rows = Rows(links(settings.url, "" if settings.url else self._team()))

    def _made(self) -> datetime:
        """When the export was made: by the ZIP's dates, unless messages in it are younger."""
        newest = datetime(2013, 1, 1, tzinfo=UTC)
        for found in self._days.values():
            try:
                newest = max(newest, datetime.fromisoformat(found[2]).replace(tzinfo=UTC))
            except ValueError:
                continue  # no day of the calendar; its messages are dated themselves
        made = self._bundle.made
        return made if made is not None and made >= newest else newest + timedelta(days=1)

    def _team(self) -> str:
        """The workspace's id, where the list of users says it."""
        try:
            with self._bundle.open(self._users) as stream:
                team = _TEAM.search(stream.read(1 << 16))
        except (Unreadable, KeyError):
            return ""
        return team[1].decode() if team else ""

    # --- channels ---------------------------------------------------------------------------------------------

    def begin(self, draft: Draft) -> None:
        for file, kind in (*_PRIVATE, ("channels.json", "")):
            for row in self._listed(file, draft):
                try:
                    self._admit(row, kind, draft)
                except (KeyError, TypeError, ValueError, AttributeError):
                    where = self._bundle.where(self._root + file)
                    draft.problems.append(
                        Problem(where, f"has a row of unknown form ({str(row)[:60]})", "It was skipped.")
                    )
        self._choose(draft)

    def _listed(self, file: str, draft: Draft) -> list[Any]:
        name = self._root + file
        if name not in self._bundle.entries:
            return []
        try:
            return _list(load(self._bundle.read(name)))
        except Unreadable as error:
            draft.problems.append(error.problem)
        except BrokenJson as error:
            cure = "Without it its channels cannot be named, and are left out. Download the export again."
            draft.problems.append(Problem(self._bundle.where(name), str(error), cure))
        return []

    def _admit(self, row: Any, kind: str, draft: Draft) -> None:
        id_ = identity(row["id"])
        name = words(row.get("name")) or id_
        is_private = bool(kind) or row.get("is_private") is True
        wanted = {"direct conversation": ["dms"], "group conversation": ["mpims"]}.get(kind, [])
        if is_private and not self._settings.names(id_, name, *wanted):
            draft.left_out[kind or "private channel"] += 1
            self._closed.update((id_, name))
            return
        channel = to_channel(row, self._settings.url, is_private=is_private)
        self._folders[name] = self._folders[id_] = channel
        draft.channels.append(channel)
        if row.get("is_general") is True or (name == "general" and not self._rows.general and not is_private):
            self._rows.general = id_

    def _choose(self, draft: Draft) -> None:
        """Read only folders whose channel is known; a folder in no list could be anybody's private words."""
        nameless: set[str] = set()
        chosen = {}
        for name, weight in self.entries.items():
            folder = self._days[name][1] if name in self._days else ""
            if not folder or folder in self._folders:
                chosen[name] = weight
            elif folder not in self._closed:
                nameless.add(folder)
        if nameless:
            what = f"has folders that no list of channels names ({', '.join(sorted(nameless)[:5])})"
            draft.left_out["unlisted folder"] += len(nameless)
            draft.problems.append(
                Problem(self._bundle.name, what, "They were left out, as they may be private.")
            )
        self.entries = chosen

    # --- users ------------------------------------------------------------------------------------------------

    def part(self, entry: str, draft: Draft) -> Part:  # noqa: ARG002 - the shape of all readers
        if entry == self._users:
            stream = self._bundle.open(entry)
            people = (row for _, row in walk(stream, ""))
            return Part(people, self._user, self.observed_at, (), lambda: stream.consumed)
        rows = _list(load(self._bundle.read(entry)))
        channel = self._folders[self._days[entry][1]]
        return Part(rows, self._rows.of(channel.id), self.observed_at)

    def _user(self, row: Any, draft: Draft) -> None:
        member = to_member(row)
        self._rows.known.add(member.id)
        draft.members.append(member)


def _list(found: Any) -> list[Any]:
    if not isinstance(found, list):
        raise BrokenJson("holds no list, which it should")
    return found
