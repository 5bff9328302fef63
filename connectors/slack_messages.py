"""Slack's rows, read into records: the same for an archive, for history over the Web API and for an event.

A message is `<channel>:<ts>`, its thread `<channel>:<thread_ts>`; what is a message and what a line of the system is
decided here and nowhere else.
"""

import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any

from connectors.paging import PAGE, Draft
from connectors.records import Channel, Join, Member, Message
from connectors.values import identity, micros, moment, number, words

MESSAGES = frozenset({"file_share", "file_comment", "thread_broadcast", "me_message", "bot_message"})
"""Subtypes in which somebody says something; a row without subtype is a message too."""

_GONE = frozenset({"tombstone", "message_deleted"})
_DIGITS = 6

_UPLOAD = re.compile(
    r"<@\w+(?:\|[^>]*)?> (?:uploaded|shared) a file: <[^|>]*\|([^>]*)>(?: and commented: (.*))?", re.DOTALL
)
"""What Slack itself wrote of an upload, in archives up to 2018: the file's title, and what was said of it."""

Link = Callable[[str, str, str | None], str | None]
"""Channel, ts and thread_ts -> the address of a message."""


def links(url: str, team: str) -> Link:
    """How a message is linked to: on the workspace's own address, else through Slack's client, else not at all."""
    if url:

        def archives(channel: str, ts: str, thread: str | None) -> str:
            link = f"{url}/archives/{channel}/p{ts.replace('.', '')}"
            return link if thread is None or thread == ts else f"{link}?thread_ts={thread}&cid={channel}"

        return archives
    if not team:
        return lambda _channel, _ts, _thread: None
    client = f"https://app.slack.com/client/{team}"
    return lambda channel, ts, _thread: f"{client}/{channel}/p{ts.replace('.', '')}"


def to_channel(row: Any, url: str, *, is_private: bool = False) -> Channel:
    """A channel, of a list or of conversations.info."""
    id_ = identity(row["id"])
    address = f"{url}/archives/{id_}" if url else None
    name = words(row.get("name")) or id_
    return Channel(
        id_, name, None, is_private or row.get("is_private") is True, row.get("is_archived") is True, address
    )


def to_member(row: Any) -> Member:
    """A user, of users.json, users.list, users.info or an event."""
    id_, profile = identity(row["id"]), row.get("profile") or {}
    fields = profile.get("fields")
    values = [words(field.get("value")) for field in fields.values()] if isinstance(fields, dict) else []
    is_owner = bool(row.get("is_owner") or row.get("is_primary_owner"))
    marks = (
        ("owner", is_owner), ("admin", row.get("is_admin")),
        ("guest", row.get("is_restricted") or row.get("is_ultra_restricted")), ("external", row.get("is_stranger")),
    )  # fmt: skip
    return Member(
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


def to_group(row: Any) -> tuple[tuple[str, ...], list[str]]:
    """A user group: what it is called (its name, and its handle where that is another), and who is in it."""
    names = dict.fromkeys(filter(None, (words(row.get("name")), words(row.get("handle")))))
    return tuple(names), [] if row.get("date_delete") else [identity(user) for user in row.get("users") or ()]


def _stranger(id_: str, row: Any) -> Member:
    """What a message says of an author who is in no list."""
    identity(id_)
    profile = row.get("user_profile") or row.get("bot_profile") or {}
    name = words(profile.get("name") or row.get("username")) or id_
    display = words(profile.get("display_name") or profile.get("real_name"))
    is_bot = bool(row.get("bot_profile")) or row.get("subtype") == "bot_message" or id_ == "USLACKBOT"
    return Member(id_, name, display, is_bot=is_bot, complete=False)


class Rows:
    """What makes records of the rows of one workspace."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.known: set[str] = set()
        """Authors of whom more is known than a message says."""
        self.general = ""
        """The id of the channel that everybody is in: who joins it joins the workspace."""

    def of(self, channel: str) -> Callable[[Any, Draft], None]:
        """What puts the rows of one channel on a page; any error means that the row has a wrong shape."""
        known, link = self.known, self.link
        prefix = channel + ":"

        def accept(row: Any, draft: Draft) -> None:
            get = row.get
            subtype = get("subtype")
            if (
                (subtype and subtype not in MESSAGES)
                or (get("type") or "message") != "message"
                or get("hidden")
            ):
                self._leave_out(row, channel, draft)
                return
            ts = row["ts"]
            created_at = to_moment(ts)
            author, text = get("user") or get("bot_id"), get("text")
            if subtype == "file_comment":
                comment = get("comment") or {}
                author, text = comment.get("user") or author, comment.get("comment") or text
            elif subtype == "bot_message":
                author = get("bot_id") or author
            elif subtype == "file_share" and isinstance(text, str) and (upload := _UPLOAD.fullmatch(text)):
                text = "\n".join(filter(None, upload.groups()))
            if author is not None and author not in known:
                draft.members.append(_stranger(author, row))
                known.add(author)
            thread = get("thread_ts")
            if thread is not None and thread != ts:
                split_ts(thread)
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
                    micros(to_moment(edited["ts"])) if edited else 0,
                    _counted(reactions) if reactions else {},
                    False,
                    link(channel, ts, thread),
                )
            )

        return accept

    def _leave_out(self, row: Any, channel: str, draft: Draft) -> None:
        kind = _text(row.get("subtype")) or ("hidden" if row.get("hidden") else str(row.get("type")))
        if kind in _GONE:
            ts = row.get("deleted_ts") or row["ts"]
            split_ts(ts)
            draft.gone(f"{channel}:{ts}")
        elif kind == "channel_join" and channel == self.general and isinstance(row.get("user"), str):
            draft.joins.append(Join(row["user"], to_moment(row["ts"])))
        draft.left_out[kind] += 1


def split_ts(ts: str) -> tuple[int, int]:
    """A `ts` as seconds and microseconds, exactly: it is a name as much as a time, and no float.

    Raises:
        ValueError: it is none.
    """
    seconds, _, fraction = ts.partition(".")
    if len(fraction) != _DIGITS:
        fraction = fraction.ljust(_DIGITS, "0")
        if len(fraction) > _DIGITS:
            raise ValueError(f"a time is {ts:.40}")
    return int(seconds), int(fraction)


@lru_cache(maxsize=2 * PAGE)
def to_moment(ts: str) -> datetime:
    """The time that a `ts` is. Those of a page are asked for again and again while it is read."""
    return moment(*split_ts(ts))


def to_ts(when: datetime) -> str:
    """A time as a `ts`."""
    seconds, fraction = divmod(micros(when), 1_000_000)
    return f"{seconds}.{fraction:06d}"


def _counted(reactions: Any) -> dict[str, int]:
    """How many people by emoji; skin tones are one emoji."""
    counts: dict[str, int] = {}
    for reaction in reactions:
        name = words(reaction["name"]).partition("::")[0]
        count = reaction.get("count")
        counts[name] = counts.get(name, 0) + (len(reaction["users"]) if count is None else number(count))
    return counts


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
