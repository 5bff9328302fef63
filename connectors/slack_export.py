"""A Slack workspace's export ZIP (or the same, unpacked), read into what the live workspace would have told.

Layout: `channels.json`, `groups.json` (private), `dms.json`, `mpims.json`, `users.json`, and for each channel a folder,
named as the channel is, with one list of messages a day. All ids are Slack's; a message is `<channel>:<ts>`.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.archive import Bundle, Unreadable
from connectors.formats import SLACK_DAY, SLACK_LISTS
from connectors.json_stream import BrokenJson, load, walk
from connectors.paging import Draft, Part, pages
from connectors.records import Channel, Join, Member, Message, Page, Problem
from connectors.values import Settings, identity, micros, moment, number, words

_MESSAGES = frozenset({"file_share", "file_comment", "thread_broadcast", "me_message", "bot_message"})
_GONE = frozenset({"tombstone", "message_deleted"})
_PRIVATE = (
    ("groups.json", "private channel"),
    ("mpims.json", "group conversation"),
    ("dms.json", "direct conversation"),
)
_DIGITS = 6
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
        self._general = ""
        self._known: set[str] = set()
        self._link = self._address()

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

    def _address(self) -> Callable[[str, str, str | None], str | None]:
        """How a message is linked to: on the workspace's own address, else through Slack's client."""
        if url := self._settings.url:

            def archives(channel: str, ts: str, thread: str | None) -> str:
                link = f"{url}/archives/{channel}/p{ts.replace('.', '')}"
                return link if thread is None or thread == ts else f"{link}?thread_ts={thread}&cid={channel}"

            return archives
        try:
            with self._bundle.open(self._users) as stream:
                team = _TEAM.search(stream.read(1 << 16))
        except (Unreadable, KeyError):
            team = None
        if team is None:
            return lambda _channel, _ts, _thread: None
        client = f"https://app.slack.com/client/{team[1].decode()}"
        return lambda channel, ts, _thread: f"{client}/{channel}/p{ts.replace('.', '')}"

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
        url = f"{self._settings.url}/archives/{id_}" if self._settings.url else None
        channel = Channel(id_, name, None, is_private, row.get("is_archived") is True, url)
        self._folders[name] = self._folders[id_] = channel
        draft.channels.append(channel)
        if row.get("is_general") is True or (name == "general" and not self._general and not is_private):
            self._general = id_

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
        return Part(rows, self._day(channel.id), self.observed_at)

    def _user(self, row: Any, draft: Draft) -> None:
        id_, profile = identity(row["id"]), row.get("profile") or {}
        fields = profile.get("fields")
        values = [words(field.get("value")) for field in fields.values()] if isinstance(fields, dict) else []
        is_owner = bool(row.get("is_owner") or row.get("is_primary_owner"))
        marks = (
            ("owner", is_owner), ("admin", row.get("is_admin")),
            ("guest", row.get("is_restricted") or row.get("is_ultra_restricted")), ("external", row.get("is_stranger")),
        )  # fmt: skip
        self._known.add(id_)
        draft.members.append(
            Member(
                id=id_,
                name=words(row.get("name")) or id_,
                display_name=words(profile.get("display_name") or profile.get("real_name") or row.get("real_name")),
                email=words(profile.get("email")) or None,
                is_bot=row.get("is_bot") is True or id_ == "USLACKBOT",
                is_staff=bool(is_owner or row.get("is_admin")),
                roles=tuple(name for name, marked in marks if marked),
                links=tuple(value for value in values if value.startswith(("http://", "https://"))),
                is_active=row.get("deleted") is not True,
            )
        )  # fmt: skip

    def _stranger(self, id_: str, row: Any, draft: Draft) -> None:
        """What a message says of an author who is in no list."""
        identity(id_)
        profile = row.get("user_profile") or row.get("bot_profile") or {}
        name = words(profile.get("name") or row.get("username")) or id_
        display = words(profile.get("display_name") or profile.get("real_name"))
        is_bot = "bot_profile" in row or row.get("subtype") == "bot_message" or id_ == "USLACKBOT"
        draft.members.append(Member(id_, name, display, is_bot=is_bot, complete=False))
        self._known.add(id_)

    # --- messages ---------------------------------------------------------------------------------------------

    def _day(self, channel: str) -> Callable[[Any, Draft], None]:
        """What makes records of the rows of one channel."""
        known, link, is_general = self._known, self._link, channel == self._general
        prefix = channel + ":"

        def accept(row: Any, draft: Draft) -> None:
            get = row.get
            subtype = get("subtype")
            if (subtype and subtype not in _MESSAGES) or get("type", "message") != "message" or get("hidden"):
                self._leave_out(row, channel, is_general, draft)
                return
            ts = row["ts"]
            seconds, fraction = _split(ts)
            created_at = moment(seconds, fraction)
            author, text = get("user") or get("bot_id"), get("text")
            if subtype == "file_comment":
                comment = get("comment") or {}
                author, text = comment.get("user") or author, comment.get("comment") or text
            elif subtype == "bot_message":
                author = get("bot_id") or author
            if author is not None and author not in known:
                self._stranger(author, row, draft)
            thread = get("thread_ts")
            if thread is not None and thread != ts:
                _split(thread)
            edited = get("edited")
            reactions = get("reactions")
            draft.messages.append(
                Message(
                    prefix + ts,
                    channel,
                    author,
                    created_at,
                    (text if type(text) is str else "") or _shown(row),
                    None if thread is None else prefix + thread,
                    thread == ts,
                    None,
                    micros(moment(*_split(edited["ts"]))) if edited else 0,
                    _counted(reactions) if reactions else {},
                    False,
                    link(channel, ts, thread),
                )
            )

        return accept

    def _leave_out(self, row: Any, channel: str, is_general: bool, draft: Draft) -> None:
        kind = _text(row.get("subtype")) or ("hidden" if row.get("hidden") else str(row["type"]))
        if kind in _GONE:
            ts = row.get("deleted_ts") or row["ts"]
            _split(ts)
            draft.gone(f"{channel}:{ts}")
        elif kind == "channel_join" and is_general and isinstance(row.get("user"), str):
            draft.joins.append(Join(row["user"], moment(*_split(row["ts"]))))
        draft.left_out[kind] += 1


def _split(ts: str) -> tuple[int, int]:
    """A `ts` as seconds and microseconds, exactly: it is a name as much as a time, and no float."""
    seconds, _, fraction = ts.partition(".")
    if len(fraction) != _DIGITS:
        fraction = fraction.ljust(_DIGITS, "0")
        if len(fraction) > _DIGITS:
            raise ValueError(f"a time is {ts:.40}")
    return int(seconds), int(fraction)


def _counted(reactions: Any) -> dict[str, int]:
    """How many people by emoji; skin tones are one emoji."""
    counts: dict[str, int] = {}
    for reaction in reactions:
        name = words(reaction["name"]).partition("::")[0]
        count = reaction.get("count")
        counts[name] = counts.get(name, 0) + (len(reaction["users"]) if count is None else number(count))
    return counts


def _list(found: Any) -> list[Any]:
    if not isinstance(found, list):
        raise BrokenJson("holds no list, which it should")
    return found


def _shown(row: Any) -> str:
    """What people see of a message without text: the title of its file, its attachment or its blocks."""
    files = (row.get("file"), *(row.get("files") or ()))
    pieces = [_text(file.get("title") or file.get("name")) for file in files if isinstance(file, dict)]
    for attachment in row.get("attachments") or ():
        pieces.extend(_text(attachment.get(key)) for key in ("pretext", "title"))
        pieces.append(_text(attachment.get("text")) or _text(attachment.get("fallback")))
    return "\n".join(filter(None, pieces)) or "".join(_written(row.get("blocks"))).strip()


def _written(block: Any) -> list[str]:  # noqa: PLR0911 - one a kind of block
    """All text within a block, however deep."""
    if isinstance(block, list):
        return [piece for item in block for piece in _written(item)]
    if not isinstance(block, dict):
        return []
    text = block.get("text")
    if isinstance(text, str):
        return [text]
    match block:
        case {"type": "emoji", "name": str(name)}:
            return [f":{name}:"]
        case {"type": "user", "user_id": str(user)}:
            return [f"<@{user}>"]
        case {"type": "link", "url": str(url)}:
            return [f"<{url}>"]
    return [*_written(text), *_written(block.get("elements")), *_written(block.get("fields")), "\n"]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
