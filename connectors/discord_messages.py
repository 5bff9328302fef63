"""What Discord's objects mean, in our words: for the live server and its exported files alike. Pure functions."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from connectors.records import Channel, Member, Message
from connectors.values import Settings, identity, iso_moment, micros, number, words

CATEGORY, FORUM, MEDIA, PRIVATE_THREAD = 4, 15, 16, 12
THREADS = frozenset({10, 11, 12})
HAVE_THREADS = frozenset({0, 5, FORUM, MEDIA})
HAVE_MESSAGES = frozenset({0, 2, 5, 13}) | THREADS
JOINED = 7
MESSAGES = frozenset({0, 19, 20, 23})
"""Default, reply, slash command, context menu command. Every other type is a line of the system."""

VIEW = 1 << 10
_REPLY, _FORWARD = 19, 1
_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
_STAFF = sum(1 << bit for bit in (1, 2, 3, 5, 13, 40))
"""Kick, ban, administer, manage the server, manage messages, time members out."""


class Place(NamedTuple):
    """A channel or thread of a server."""

    id: str
    name: str
    kind: int
    server_id: str
    parent_id: str | None
    """The channel of a thread; the category of a channel."""
    is_private: bool
    is_archived: bool = False
    archived_at: str = ""
    last_message_id: str | None = None
    """As it was said once: it may be gone, or old."""
    tags: tuple[str, ...] = ()
    """Ids of the tags of a forum's post."""
    marks: tuple[str, ...] = ()
    """Their names."""

    @property
    def is_thread(self) -> bool:
        """Whether it is a thread or a forum's post."""
        return self.kind in THREADS

    @property
    def url(self) -> str:
        """The address that people open."""
        return f"https://discord.com/channels/{self.server_id}/{self.id}"


class Role(NamedTuple):
    """A role of a server."""

    name: str
    permissions: int
    bot_id: str = ""
    """Of the bot that it came with."""


class Server:
    """A server (guild) as far as it is known: its roles and places. The live connection and history both tell of it."""

    def __init__(self, raw: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        self.id = identity(raw["id"])
        self.names_private = bool(settings.get("include"))
        """Whether the operator named any place that is not public by itself."""
        self._settings = Settings(settings)
        self.roles: dict[str, Role] = {}
        self.places: dict[str, Place] = {}
        self.owner_id = ""
        self._tags: dict[str, dict[str, str]] = {}
        self._remarked: list[Place] = []
        self.learn(raw)

    def learn(self, raw: Mapping[str, Any]) -> None:
        """Take what a server object says."""
        self.owner_id = str(raw.get("owner_id") or self.owner_id)
        if raw.get("roles") is not None:
            self.roles = {}
            for role in raw["roles"]:
                self.learn_role(role)

    def learn_role(self, raw: Mapping[str, Any]) -> None:
        """Take a role object."""
        bot = (raw.get("tags") or {}).get("bot_id")
        self.roles[identity(raw["id"])] = Role(
            words(raw.get("name")), int(raw.get("permissions") or 0), str(bot or "")
        )

    def place(self, raw: Mapping[str, Any]) -> Place:
        """A place from a channel object, remembered."""
        id_, kind = identity(raw["id"]), int(raw["type"])
        parent_id = str(raw["parent_id"]) if raw.get("parent_id") else None
        thread = raw.get("thread_metadata") or {}
        last = raw.get("last_message_id")
        if "available_tags" in raw:
            self._learn_tags(id_, raw["available_tags"] or ())
        tags = tuple(str(tag) for tag in raw.get("applied_tags") or ())
        found = self.places[id_] = Place(
            id_, words(raw.get("name")) or id_, kind, self.id, parent_id,
            self._is_closed(raw, kind, parent_id), thread.get("archived") is True,
            str(thread.get("archive_timestamp") or ""), str(last) if last else None,
            tags, self._marks(parent_id, tags),
        )  # fmt: skip
        return found

    def remarked(self) -> list[str]:
        """The forum posts that we read whose tags are called otherwise than before; each is told once."""
        found = [post.id for post in self._remarked if self.reads(post)]
        self._remarked.clear()
        return found

    def _learn_tags(self, forum_id: str, raw: Iterable[Mapping[str, Any]]) -> None:
        """Take the tags that a forum has; its posts bear their names."""
        self._tags[forum_id] = {identity(tag["id"]): words(tag.get("name")) for tag in raw}
        for post in list(self.places.values()):
            marks = self._marks(forum_id, post.tags)
            if post.parent_id == forum_id and marks != post.marks:
                self.places[post.id] = post._replace(marks=marks)
                self._remarked.append(self.places[post.id])

    def _marks(self, forum_id: str | None, tags: Iterable[str]) -> tuple[str, ...]:
        known = self._tags.get(forum_id or "", {})
        return tuple(known[tag] for tag in tags if tag in known)

    def _is_closed(self, raw: Mapping[str, Any], kind: int, parent_id: str | None) -> bool:
        if kind in THREADS:
            parent = self.places.get(parent_id or "")
            return kind == PRIVATE_THREAD or (parent is not None and parent.is_private)
        everyone = self.roles.get(self.id)
        allowed = everyone.permissions if everyone else VIEW
        for overwrite in raw.get("permission_overwrites") or ():
            if str(overwrite.get("id")) == self.id:
                allowed = allowed & ~int(overwrite.get("deny") or 0) | int(overwrite.get("allow") or 0)
        return not allowed & (VIEW | 1 << 3)

    def reads(self, place: Place) -> bool:
        """Whether the place is for us: not excluded, and public or named."""
        if place.kind == CATEGORY or self._excluded(place):
            return False
        parent = self.places.get(place.parent_id or "")
        if place.is_thread and parent is not None and not self.reads(parent):
            return False
        if place.is_thread and place.kind != PRIVATE_THREAD:
            return True
        return not place.is_private or self._settings.names(place.id, place.name)

    def _excluded(self, place: Place) -> bool:
        if self._settings.excludes(place.id, place.name):
            return True
        parent = self.places.get(place.parent_id or "")
        return parent is not None and self._excluded(parent)

    def member(self, user: Mapping[str, Any], raw: Mapping[str, Any] | None, *, hook: bool = False) -> Member:
        """An account, from the user object and, where it is given, the member object."""
        id_ = identity(user["id"])
        roles = [self.roles[role] for role in (raw or {}).get("roles") or () if role in self.roles]
        everyone = self.roles.get(self.id)
        if raw is not None and everyone is not None:
            rights = everyone.permissions
            for role in roles:
                rights |= role.permissions
        else:
            rights = 0
        return Member(
            id_, words(user.get("username")), words((raw or {}).get("nick") or user.get("global_name")),
            is_bot=user.get("bot") is True or hook, is_staff=id_ == self.owner_id or rights & _STAFF != 0,
            roles=tuple(role.name for role in roles), complete=raw is not None,
        )  # fmt: skip

    def channel(self, place: Place) -> Channel:
        """The record of a place. A channel's category is no parent: it holds no messages."""
        parent_id = place.parent_id if place.is_thread else None
        return Channel(place.id, place.name, parent_id, place.is_private, place.is_archived, place.url)


def to_message(raw: Mapping[str, Any], place: Place) -> Message:
    """A message object as a snapshot.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    id_ = identity(raw["id"])
    opens_thread = place.is_thread and id_ == place.id
    text = raw.get("content") or shown(
        raw.get("embeds"), raw.get("attachments"), raw.get("sticker_items"), _passed_on(raw)
    )
    if type(text) is not str:
        raise TypeError("a text is none")
    edited = raw.get("edited_timestamp")
    reference = raw.get("message_reference")
    reply_to = None
    if reference and raw.get("type") == _REPLY and reference.get("type") != _FORWARD:
        reply_to = reference.get("message_id")
    said = raw.get("timestamp")
    reactions = raw.get("reactions")
    return Message(
        id_,
        place.id,
        identity(raw["author"]["id"]),
        iso_moment(said) if said else moment_of(id_),
        f"{place.name}\n{text}" if opens_thread else text,
        place.id if place.is_thread else None,
        opens_thread,
        None if reply_to is None else identity(reply_to),
        micros(iso_moment(edited)) if edited else 0,
        counted(reactions) if reactions else {},
        False,
        f"{place.url}/{id_}",
        place.marks if opens_thread else (),
    )


def _passed_on(raw: Mapping[str, Any]) -> str:
    for snapshot in raw.get("message_snapshots") or ():
        inner = snapshot.get("message") or {}
        return inner.get("content") or shown(
            inner.get("embeds"), inner.get("attachments"), inner.get("sticker_items"), ""
        )
    return ""


def shown(embeds: Any, files: Any, stickers: Any, passed_on: Any) -> str:
    """What people see of a message without text: its embeds, files and stickers, or what it passes on."""
    pieces: list[Any] = []
    for embed in embeds or ():
        pieces += embed.get("title"), embed.get("description")
    pieces += [file.get("fileName") or file.get("filename") for file in files or ()]
    pieces += [sticker.get("name") for sticker in stickers or ()]
    pieces.append(passed_on)
    return "\n".join(piece for piece in pieces if isinstance(piece, str) and piece)


def counted(reactions: Any) -> dict[str, int]:
    """Emoji -> how many people; an emoji of the server's own goes by its name."""
    counts: dict[str, int] = {}
    for reaction in reactions:
        emoji = reaction["emoji"]
        name = words(emoji.get("name") or emoji.get("code") or emoji["id"])
        counts[name] = counts.get(name, 0) + number(reaction["count"])
    return counts


def moment_of(snowflake: str) -> datetime:
    """When an id was given: 42 bits of milliseconds since 2015."""
    return _EPOCH + timedelta(milliseconds=int(snowflake) >> 22)


def id_at(when: datetime) -> int:
    """The smallest id of a moment."""
    return max(0, (when - _EPOCH) // timedelta(milliseconds=1)) << 22


def now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)
