"""DiscordChatExporter's JSON files, read into what the live server would have told.

One file holds one channel or thread: `guild`, `channel`, `exportedAt`, `messages[]`. For a thread, `categoryId` and
`category` name the channel it belongs to. Parts of one channel may lie in several files; `messageCount` is not trusted.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

from connectors.archive import MEGABYTE, Bundle
from connectors.discord_messages import counted, shown
from connectors.json_stream import BrokenJson, load, walk
from connectors.paging import Draft, Part, pages
from connectors.records import Channel, Join, Member, Message, Page
from connectors.values import Settings, identity, iso_moment, micros, words

_WHOLE = 8 * MEGABYTE
"""Files up to this size are parsed before anything of them is saved."""

# The exporter writes the number of a type that it has no name for.
_MESSAGES = frozenset({"Default", "Reply", "ChatInputCommand", "ContextMenuCommand", "0", "19", "20", "23"})
_REPLIES = frozenset({"Reply", "19"})
_JOINS = frozenset({"GuildMemberJoin", "7"})
_THREADS = frozenset({"GuildNewsThread", "GuildPublicThread", "GuildPrivateThread", "10", "11", "12"})
_PRIVATE = {
    "GuildPrivateThread": "private thread", "12": "private thread",
    "DirectTextChat": "direct conversation", "1": "direct conversation",
    "DirectGroupTextChat": "group conversation", "3": "group conversation",
}  # fmt: skip
_WANTED = {"direct conversation": "dms", "group conversation": "mpims"}


class DiscordExport:
    """Reads the exported channels of one server, from files, folders and ZIPs of them.

    Private threads are read when `include` has their name or id, conversations of two when it has "dms", of a few
    when it has "mpims". Whether an ordinary channel is private is not in the files.
    """

    def __init__(self, paths: Sequence[Path], settings: Mapping[str, Any]) -> None:
        self._paths = paths
        self._settings = Settings(settings)

    async def fetch(self, cursors: Mapping[str, str]) -> AsyncIterator[Page]:
        """Yield everything not yet read, given the cursor of each stream; works for the time of a page at a go."""
        for page in pages("discord", self._paths, cursors, lambda bundle: _Export(bundle, self._settings)):
            yield page


class _Export:
    """A file, or a folder or ZIP of files."""

    def __init__(self, bundle: Bundle, settings: Settings) -> None:
        self._bundle = bundle
        self._settings = settings
        self.stream = settings.stream("discord", bundle)
        self.observed_at = bundle.made or bundle.modified
        self.entries = dict(bundle.entries)
        self._known: dict[str, datetime] = {}

    def begin(self, draft: Draft) -> None:
        pass

    def part(self, entry: str, draft: Draft) -> Part | None:
        header, rows, progress = self._opened(entry)
        if not isinstance(header.get("channel"), dict):
            draft.left_out["file that is no exported channel"] += 1
            return None
        channel, guild = header["channel"], header.get("guild") or {}
        id_, name = identity(channel.get("id")), words(channel.get("name")) or str(channel.get("id"))
        parent_id = channel.get("categoryId")
        kind = str(channel.get("type"))
        is_thread = kind in _THREADS
        closed = _PRIVATE.get(kind)
        if closed and not self._settings.names(id_, name, _WANTED.get(closed, id_)):
            draft.left_out[closed] += 1
            return None
        server = "@me" if closed in _WANTED else identity(guild.get("id"))
        url = f"https://discord.com/channels/{server}/"
        channels = [Channel(id_, name, None, closed is not None, url=url + id_)]
        if is_thread and parent_id:
            parent_id = identity(parent_id)
            channels = [
                Channel(parent_id, words(channel.get("category")) or parent_id, url=url + parent_id),
                channels[0]._replace(parent_id=parent_id),
            ]
        accept = self._rows_of(id_, name if is_thread else None, f"{url}{id_}/")
        return Part(rows, accept, self._made(header), channels, progress)

    def _rows_of(self, channel: str, title: str | None, url: str) -> Callable[[Any, Draft], None]:
        """What makes records of the rows of one channel, or of one thread when it has a `title`."""
        known = self._known
        thread = None if title is None else channel

        def accept(row: Any, draft: Draft) -> None:
            kind = row["type"]
            if type(kind) is int:
                kind = str(kind)
            author = row["author"]
            author_id = author["id"]
            if kind not in _MESSAGES:
                if kind in _JOINS:
                    joined = Join(identity(author_id), iso_moment(row["timestamp"]))
                    draft.members.append(_member(author))
                    draft.joins.append(joined)
                draft.left_out[kind] += 1
                return
            id_, text = identity(row["id"]), row["content"]
            created_at = iso_moment(row["timestamp"])
            edited = row.get("timestampEdited")
            reply_to = None
            if (
                kind in _REPLIES
                and (reference := row.get("reference"))
                and reference.get("type") != "Forward"
            ):
                reply_to = reference.get("messageId")
            if not text or type(text) is not str:
                text = words(text) or _shown(row)
            opens_thread = id_ == thread
            if opens_thread:
                text = f"{title}\n{text}"
            reactions = row.get("reactions")
            if known.get(author_id) != draft.observed_at:
                draft.members.append(_member(author))
                known[author_id] = draft.observed_at
            draft.messages.append(
                Message(
                    id_,
                    channel,
                    author_id if type(author_id) is str else identity(author_id),
                    created_at,
                    text,
                    thread,
                    opens_thread,
                    None if reply_to is None else identity(reply_to),
                    micros(iso_moment(edited)) if edited else 0,
                    counted(reactions) if reactions else {},
                    False,
                    url + id_,
                )
            )

        return accept

    def _made(self, header: Mapping[str, Any]) -> datetime:
        """When the file was exported; old versions of the exporter did not say."""
        for text in (header.get("exportedAt"), (header.get("dateRange") or {}).get("before")):
            if isinstance(text, str):
                return iso_moment(text)
        return self.observed_at

    def _opened(self, entry: str) -> tuple[dict[str, Any], Iterator[Any], Callable[[], int]]:
        """What stands before the messages, the messages, and how many bytes of them have been read."""
        size = self._bundle.entries[entry]
        if size <= _WHOLE:
            found = load(self._bundle.read(entry, _WHOLE))
            if not isinstance(found, dict) or not isinstance(found.get("messages", []), list):
                raise BrokenJson("is not of the form that DiscordChatExporter writes")
            return found, iter(found.pop("messages", [])), lambda: size
        _check_end(self._bundle, entry)
        stream = self._bundle.open(entry)
        header: dict[str, Any] = {}
        rows = walk(stream, "messages")
        for key, value in rows:
            if key == "messages":
                rest = (item for at, item in rows if at == "messages")
                return header, chain([value], rest), lambda: stream.consumed
            header[key] = value
        return header, iter(()), lambda: size


def _check_end(bundle: Bundle, entry: str) -> None:
    """Look at a large file's end before anything of it is saved.

    Raises:
        BrokenJson: it breaks off.
    """
    end = b""
    with bundle.open(entry) as stream:
        while data := stream.read(MEGABYTE):
            end = (end + data)[-64:]
    if not end.replace(b"\0", b"").rstrip().endswith(b"}"):
        raise BrokenJson("breaks off in the middle")


def _member(author: Any) -> Member:
    id_, name, nickname = identity(author["id"]), words(author["name"]), words(author.get("nickname"))
    roles = tuple(words(role["name"]) for role in author.get("roles") or ())
    return Member(id_, name, nickname, is_bot=author.get("isBot") is True, roles=roles)


def _shown(row: Any) -> str:
    """What people see of a message without text."""
    passed_on = row.get("forwardedMessage")
    inner = passed_on.get("content") or _shown(passed_on) if isinstance(passed_on, dict) else ""
    return shown(row.get("embeds"), row.get("attachments"), row.get("stickers"), inner)
