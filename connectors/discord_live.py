"""What Discord's gateway says, made into pages: raw events in, records out.

Events are kept in order until their page is durable. Nothing here talks to Discord: messages that must be looked at
again (reactions, edits that were told in part) are named in `stale`.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar

import orjson

from connectors.discord_draft import Draft, Stale
from connectors.discord_messages import HAVE_MESSAGES, JOINED, MESSAGES, Place, Server, now, to_message
from connectors.records import Join, Member, Page, Problem
from connectors.values import iso_moment, words

log = logging.getLogger("connectors.discord")

MOST_WAITING = 100_000
MOST_STALE = 1_000
_BATCH = 500
_REMEMBERED = 20_000
_DISPATCH, _INVALID_SESSION = 0, 9
_DIRECT = {1, 3}
"""Kinds of channels that are on no server."""

Event = Mapping[str, Any]


class Feed:
    """The events of one connector, in order: taken at once, made into pages of up to 500, forgotten when kept."""

    def __init__(
        self, settings: Mapping[str, Any], servers: dict[str, Server], refused: dict[str, datetime]
    ) -> None:
        self._settings = settings
        self._servers = servers
        self._refused = refused
        self._waiting: deque[tuple[Event, datetime]] = deque()
        """Events, and when each was received."""
        self._known: dict[str, Member] = {}
        self._draft = Draft()
        self._deleted: dict[str, None] = {}
        self._created: dict[str, None] = {}
        self._sequence: int | None = None
        self._missed: set[int] = set()
        self._away: set[str] = set()
        self._welcomed: set[str] | None = None
        """The servers that the session began with."""
        self.stale: dict[str, Stale] = {}
        self.stale_came = asyncio.Event()
        self.gap: Callable[[], None] = lambda: None
        """Called when events may have been lost."""
        self.ear: Callable[[Any, Any], None] = lambda _kind, _data: None
        """Told of each event at once, before it is kept; never raises."""
        self.session = 0
        """Counts the times that the gateway said READY or RESUMED."""

    def __len__(self) -> int:
        return len(self._waiting)

    def gone(self, message_id: str) -> bool:
        """Whether the message was deleted: a late or repeated word of it does not bring it back."""
        return message_id in self._deleted

    # --- taking -----------------------------------------------------------------------------------------------------

    def take(self, text: str | bytes) -> None:
        """Take one payload of the gateway.

        Raises:
            ValueError: it is no JSON.
        """
        payload = orjson.loads(text)
        kind = payload.get("t")
        if payload.get("op") != _DISPATCH:
            if payload.get("op") == _INVALID_SESSION:
                log.info("Discord ended the session")
            return
        sequence = payload.get("s")
        if kind == "READY":
            # A new session: whatever happened since the last one ended is told to nobody.
            self._known.clear()
            self.session += 1
            self.gap()
            self._missed.clear()
            guilds = (payload.get("d") or {}).get("guilds")
            self._welcomed = None if guilds is None else {str(guild.get("id")) for guild in guilds}
        elif type(sequence) is int and self._sequence is not None:
            if sequence <= self._sequence and sequence not in self._missed:
                return  # told before, in this session
            if sequence > self._sequence + 1:
                log.warning("%d events were lost on the way", sequence - self._sequence - 1)
                self._missed.update(range(self._sequence + 1, min(sequence, self._sequence + MOST_STALE)))
                self.gap()
            self._missed.discard(sequence)
            sequence = max(sequence, self._sequence)
        self._sequence = sequence if type(sequence) is int else self._sequence
        if kind == "RESUMED":
            self.session += 1
        self.ear(kind, payload.get("d"))
        if len(self._waiting) >= MOST_WAITING:
            log.error("too many events wait to be kept; history will be read instead")
            self._waiting.clear()
            self.gap()
        if kind in self._events:
            self._waiting.append((payload, now()))

    # --- making pages -----------------------------------------------------------------------------------------------

    def page(self) -> tuple[Page | None, int]:
        """What the oldest events say, and how many they are; None for nothing."""
        draft = self._draft = Draft()
        count = min(len(self._waiting), _BATCH)
        for index in range(count):
            event, _ = self._waiting[index]
            try:
                self._events[event["t"]](self, event["d"], draft)
            except (LookupError, TypeError, ValueError, AttributeError):
                draft.left_out["unreadable event"] = draft.left_out.get("unreadable event", 0) + 1
                draft.problems.append(
                    Problem(
                        "Discord", f"an event ({event['t']}) cannot be read and was skipped",
                        "History is read again; please report it if it happens often.",
                    )
                )  # fmt: skip
                self.gap()
        page = draft.page()
        return page and page._replace(received_at=self._waiting[0][1]), count

    def kept(self, count: int) -> None:
        """Forget the oldest events: what they said is durable."""
        for _ in range(count):
            self._waiting.popleft()
        self._known.update(self._draft.members)
        self._created.update(dict.fromkeys(id_ for id_, _ in self._draft.messages))
        while len(self._created) > _REMEMBERED:
            del self._created[next(iter(self._created))]

    def _place(self, raw: Event, id_: Any) -> Place | None:
        """The place of an event, when we read it."""
        server = self._home(raw, id_)
        if server is None:
            if raw.get("guild_id") is None and raw.get("member"):
                self.gap()  # it was said on a server, in a channel that nobody knows
            return None
        place = server.places.get(str(id_))
        if place is None:
            self.gap()  # a thread that woke up, a channel we may see now: history will tell
            return None
        return place if place.kind in HAVE_MESSAGES and server.reads(place) else None

    def _home(self, raw: Event, channel_id: Any) -> Server | None:
        """The server of an event; where it does not say so, that of its channel."""
        if raw.get("guild_id") is not None:
            return self._servers.get(str(raw["guild_id"]))
        return next((server for server in self._servers.values() if str(channel_id) in server.places), None)

    def _meet(self, server: Server, raw: Event, draft: Draft, *, user: Event, hook: bool = False) -> Member:
        member = server.member(user, raw, hook=hook)
        if self._known.get(member.id) != member:
            draft.members[member.id] = member
        return member

    # --- messages ---------------------------------------------------------------------------------------------------

    def _message(self, raw: Event, draft: Draft) -> None:
        place = self._place(raw, raw["channel_id"])
        if place is None or raw["id"] in self._deleted or raw["id"] in self._created:
            return  # told again, it would hide what has happened since
        server = self._servers[place.server_id]
        kind = raw.get("type") or 0
        if kind not in MESSAGES:
            draft.left_out[f"type {kind}"] = draft.left_out.get(f"type {kind}", 0) + 1
            if kind == JOINED:
                draft.joins.append(Join(str(raw["author"]["id"]), iso_moment(raw["timestamp"])))
            return
        message = to_message(raw, place)
        self._meet(server, raw.get("member"), draft, user=raw["author"], hook=bool(raw.get("webhook_id")))  # type: ignore[arg-type]
        draft.messages[message.id, message.revision] = message

    def _message_changed(self, raw: Event, draft: Draft) -> None:
        # Previews of links, pins and threads arrive as updates too, and any field may be missing.
        if not raw.get("edited_timestamp") or raw["id"] in self._deleted:
            return
        place = self._place(raw, raw["channel_id"])
        if place is None:
            return
        if not {"author", "content", "type"} <= raw.keys():
            self.look_again(place.id, raw["id"])
            return
        if raw["type"] not in MESSAGES:
            return
        message = to_message(raw, place)
        if not message.text.removeprefix(f"{place.name}\n" if message.opens_thread else ""):
            return  # nobody can edit a message to nothing: its text is withheld from us
        draft.messages[message.id, message.revision] = message
        if "reactions" not in raw:
            self.look_again(place.id, message.id)

    def _message_gone(self, raw: Event, draft: Draft) -> None:
        self._gone_all(raw, [raw["id"]], draft)

    def _messages_gone(self, raw: Event, draft: Draft) -> None:
        self._gone_all(raw, raw["ids"], draft)

    def _gone_all(self, raw: Event, ids: Iterable[str], draft: Draft) -> None:
        server = self._home(raw, raw["channel_id"])
        place = server.places.get(str(raw["channel_id"])) if server else None
        if server is None or (place is not None and not server.reads(place)):
            return
        ids = [str(id_) for id_ in ids]
        for id_ in ids:
            self._deleted[id_] = None
            self.stale.pop(id_, None)
        gone = set(ids)
        for key in [key for key in draft.messages if key[0] in gone]:
            del draft.messages[key]
        draft.deletions += ids
        while len(self._deleted) > _REMEMBERED:
            del self._deleted[next(iter(self._deleted))]

    def _reacted(self, raw: Event, draft: Draft) -> None:
        del draft  # the event tells of one person; the message tells the counts
        place = self._place(raw, raw["channel_id"])
        if place is not None:
            self.look_again(place.id, str(raw["message_id"]))

    def look_again(self, channel_id: str, message_id: str, received_at: datetime | None = None) -> None:
        """Name a message whose present form must be asked for; of several events the first counts as received."""
        if message_id not in self._deleted:
            self.stale.setdefault(message_id, Stale(channel_id, received_at or now()))
            self.stale_came.set()
        if len(self.stale) > MOST_STALE:
            log.warning("more reactions than can be looked up; the next sweep will find them")
            self.stale.clear()

    # --- places -----------------------------------------------------------------------------------------------------

    def _server(self, raw: Event, draft: Draft) -> None:
        id_ = str(raw["id"])
        wanted = str(self._settings.get("server") or "")
        if wanted and wanted != id_:
            return
        if raw.get("unavailable") is True:
            self._away.add(id_)
            return
        server = self._servers.get(id_)
        if server is None:
            server = self._servers[id_] = Server(raw, self._settings)
        else:
            server.learn(raw)
        for channel in (*(raw.get("channels") or ()), *(raw.get("threads") or ())):
            place = server.place(channel)
            if server.reads(place):
                draft.channels.append(server.channel(place))
        if id_ in self._away or (self._welcomed is not None and id_ not in self._welcomed):
            self._away.discard(id_)
            self.gap()  # it is back, or the bot was invited just now

    def _server_changed(self, raw: Event, draft: Draft) -> None:
        del draft
        if str(raw["id"]) in self._servers:
            self._servers[str(raw["id"])].learn(raw)

    def _server_gone(self, raw: Event, draft: Draft) -> None:
        del draft
        if raw.get("unavailable") is True:
            self._away.add(str(raw["id"]))
        else:
            self._servers.pop(str(raw["id"]), None)

    def _role(self, raw: Event, draft: Draft) -> None:
        del draft
        server = self._servers.get(str(raw["guild_id"]))
        if server is not None:
            server.learn_role(raw["role"])
            if self._refused:
                self._refused.clear()
                self.gap()

    def _channel(self, raw: Event, draft: Draft) -> None:
        server = self._home(raw, raw["id"]) or self._home(raw, raw.get("parent_id"))
        if server is None:
            if raw.get("guild_id") is None and raw.get("type") not in _DIRECT:
                self.gap()  # history asks each server for its channels
            return
        before = server.places.get(str(raw["id"]))
        was_read = before is not None and server.reads(before)
        place = server.place(raw)
        for post in server.remarked():
            self.look_again(post, post)
        if was_read or server.reads(place):
            draft.channels.append(server.channel(place))
        refused = self._refused.pop(place.id, None)
        if refused is not None or (before is not None and not was_read and server.reads(place)):
            self.gap()
        if not place.is_thread or not server.reads(place):
            return
        if before is None and raw.get("newly_created") is not True:
            self.gap()
        elif before is not None and (before.name, before.marks) != (place.name, place.marks):
            self.look_again(place.id, place.id)  # its first message begins with its title, and bears its tags

    def _channel_gone(self, raw: Event, draft: Draft) -> None:
        server = self._home(raw, raw["id"])
        if server is not None:
            server.places.pop(str(raw["id"]), None)
            for key in [
                key for key, message in draft.messages.items() if message.channel_id == str(raw["id"])
            ]:
                del draft.messages[key]
            draft.gone_channels.append(str(raw["id"]))

    def _threads(self, raw: Event, draft: Draft) -> None:
        for thread in raw.get("threads") or ():
            self._channel({**thread, "guild_id": raw["guild_id"]}, draft)
        self.gap()

    # --- members ----------------------------------------------------------------------------------------------------

    def _member(self, raw: Event, draft: Draft) -> None:
        server = self._servers.get(str(raw["guild_id"]))
        if server is not None:
            self._meet(server, raw, draft, user=raw["user"])

    def _member_joined(self, raw: Event, draft: Draft) -> None:
        self._member(raw, draft)
        if str(raw["guild_id"]) in self._servers and raw.get("joined_at"):
            draft.joins.append(Join(words(raw["user"]["id"]), iso_moment(raw["joined_at"])))

    def _member_left(self, raw: Event, draft: Draft) -> None:
        # Who leaves one of several servers may still be in another: the next list of all members tells.
        if [str(raw["guild_id"])] == [*self._servers]:
            draft.leaves.append(words(raw["user"]["id"]))

    _events: ClassVar[dict[Any, Callable[[Any, Event, Draft], None]]] = {
        "MESSAGE_CREATE": _message,
        "MESSAGE_UPDATE": _message_changed,
        "MESSAGE_DELETE": _message_gone,
        "MESSAGE_DELETE_BULK": _messages_gone,
        "MESSAGE_REACTION_ADD": _reacted,
        "MESSAGE_REACTION_REMOVE": _reacted,
        "MESSAGE_REACTION_REMOVE_ALL": _reacted,
        "MESSAGE_REACTION_REMOVE_EMOJI": _reacted,
        "GUILD_CREATE": _server,
        "GUILD_UPDATE": _server_changed,
        "GUILD_DELETE": _server_gone,
        "GUILD_ROLE_CREATE": _role,
        "GUILD_ROLE_UPDATE": _role,
        "CHANNEL_CREATE": _channel,
        "CHANNEL_UPDATE": _channel,
        "CHANNEL_DELETE": _channel_gone,
        "THREAD_CREATE": _channel,
        "THREAD_UPDATE": _channel,
        "THREAD_DELETE": _channel_gone,
        "THREAD_LIST_SYNC": _threads,
        "GUILD_MEMBER_ADD": _member_joined,
        "GUILD_MEMBER_UPDATE": _member,
        "GUILD_MEMBER_REMOVE": _member_left,
    }
