"""What is said to the bot among all that the gateway tells: recognised at once, once, without asking anybody."""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Literal, NamedTuple

from connectors.discord_answers import Address
from connectors.discord_messages import Server
from connectors.values import identity

_TYPING = 4
_DIRECT = 1
_REPLY = 19
_REMEMBERED = 10_000
_LOOK = dict.fromkeys([0xFE0E, 0xFE0F, *range(0x1F3FB, 0x1F400)])
"""What changes an emoji's look and not its meaning: variation selectors, skin tones."""

Raw = Mapping[str, Any]


class Heard(NamedTuple):
    """Something that was said to the bot."""

    kind: Literal["server", "interaction", "typing", "words", "reaction"]
    """"server": not said, but there to be talked to; "typing": suggestions are wanted."""
    raw: Raw
    to: Address
    """Where the answer goes."""
    server_id: str | None
    """None in a direct message."""
    text: str = ""
    """Of words, what was said; of a reaction, "tag" or "untag"."""
    label: str = ""
    about: str | None = None
    """The message that it is about."""


class Hearing:
    """Hears for one connector. `me` and `application_id` are to be set before anything is heard."""

    def __init__(self, settings: Mapping[str, Any], servers: Mapping[str, Server]) -> None:
        self._only = str(settings.get("server") or "")
        self._emoji = {_plain(emoji): label for emoji, label in (settings.get("emoji") or {}).items()}
        self._servers = servers
        self._seen: OrderedDict[Any, int] = OrderedDict()
        self.me = ""
        self.application_id = ""

    def hear(self, kind: Any, raw: Any) -> Heard | None:
        """What an event says to us; None for nothing, and for what was told before.

        Raises:
            LookupError, TypeError, ValueError, AttributeError: the event cannot be read.
        """
        hear: Callable[[Raw], Heard | None] | None = {
            "GUILD_CREATE": self._server,
            "INTERACTION_CREATE": self._interaction,
            "MESSAGE_CREATE": self._words,
            "MESSAGE_REACTION_ADD": self._given,
            "MESSAGE_REACTION_REMOVE": self._taken,
        }.get(kind)
        return hear(raw) if hear else None

    def _server(self, raw: Raw) -> Heard | None:
        id_ = identity(raw["id"])
        if not self._is_ours(id_) or raw.get("unavailable") is True:
            return None
        return Heard("server", raw, Address("", ""), id_)

    def _interaction(self, raw: Raw) -> Heard | None:
        id_, token, server = identity(raw["id"]), identity(raw["token"]), self._home(raw)
        if not self._is_ours(server) or self._was_heard(id_):
            return None
        told = part(raw, "channel")
        channel = str(raw.get("channel_id") or told.get("id") or "") or None
        # A group of people is no server, and not private either.
        private = not server and _DIRECT in (raw.get("context"), told.get("type"))
        to = Address(
            id_, str(user_of(raw).get("id") or ""), str(raw.get("locale") or raw.get("guild_locale") or "") or None,
            str(raw.get("application_id") or self.application_id), token, monotonic(),
            channel if server else None, channel if private else None,
        )  # fmt: skip
        return Heard("typing" if raw.get("type") == _TYPING else "interaction", raw, to, server)

    def _words(self, raw: Raw) -> Heard | None:
        author, server = raw["author"], self._home(raw)
        if server is None and raw.get("member"):
            return None  # it was said on a server, and nobody knows on which: it is no direct message
        if author.get("bot") is True or raw.get("webhook_id") or (raw.get("type") or 0) not in {0, _REPLY}:
            return None
        text = self._after_mention(str(raw.get("content") or ""), server)
        if text is None or not self._is_ours(server) or self._was_heard(str(raw["id"])):
            return None
        id_, channel = str(raw["id"]), str(raw["channel_id"])
        about = part(raw, "message_reference").get("message_id")
        to = Address(
            id_, str(author["id"]), channel_id=channel if server else None,
            private_id=None if server else channel, reply_to=id_ if server else None,
        )  # fmt: skip
        return Heard("words", raw, to, server, text, about=str(about) if about else None)

    def _given(self, raw: Raw) -> Heard | None:
        return self._reaction(raw, given=True)

    def _taken(self, raw: Raw) -> Heard | None:
        return self._reaction(raw, given=False)

    def _reaction(self, raw: Raw, *, given: bool) -> Heard | None:
        emoji, server, user = raw["emoji"], self._home(raw), str(raw["user_id"])
        label = self._emoji.get(_plain(str(emoji.get("name") or ""))) or self._emoji.get(str(emoji.get("id")))
        if label is None or not server or not self._is_ours(server) or user == self.me:
            return None
        known = self._servers.get(server)
        place = known.places.get(str(raw["channel_id"])) if known else None
        if known and place and not known.reads(place):
            return None
        message = str(raw["message_id"])
        key = (message, user, str(emoji.get("id") or emoji.get("name")))
        # Odd while it is given: told twice it is one; given, taken away and given again it is three.
        times = self._seen.get(key, int(not given))
        if key in self._seen and given == (times % 2 == 1):
            return None
        self._remember(key, times + 1)
        to = Address("-".join((*key, str(times + 1))), user)
        return Heard("reaction", raw, to, server, "tag" if given else "untag", label, message)

    # --- whether it is to us, and new -------------------------------------------------------------------------------

    def _home(self, raw: Raw) -> str | None:
        """The server on which it happened; where that is not told, the one with its channel. None for direct messages."""
        told = str(raw.get("guild_id") or part(raw, "guild").get("id") or "")
        channel = str(raw.get("channel_id"))
        return told or next((id_ for id_, server in self._servers.items() if channel in server.places), None)

    def _is_ours(self, server: str | None) -> bool:
        return not self._only or server in {None, self._only}

    def _was_heard(self, id_: str) -> bool:
        """Whether the same was told before; from now on it was."""
        before = id_ in self._seen
        self._remember(id_, 1)
        return before

    def _remember(self, key: Any, times: int) -> None:
        self._seen[key] = times
        self._seen.move_to_end(key)
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)

    def _after_mention(self, said: str, server: str | None) -> str | None:
        """What was said to us: what stands behind our name, and all of a direct message; None where it is not to us."""
        if server and not said.lstrip().startswith("<@"):
            return None
        known = self._servers.get(server or "")
        # People often choose the role that came with the bot: it has its name.
        roles = [f"<@&{id_}>" for id_, role in known.roles.items() if role.bot_id == self.me] if known else []
        names = "|".join(map(re.escape, (f"<@{self.me}>", f"<@!{self.me}>", *roles)))
        found = re.match(rf"\s*(?:{names})[\s,:;]*", said)
        if found is None:
            return said.strip() if server is None else None
        return said[found.end() :].strip()


def part(raw: Raw, key: str) -> Raw:
    """A part of what was told; nothing where it is none or was not told."""
    found = raw.get(key)
    return found if isinstance(found, Mapping) else {}


def user_of(raw: Raw) -> Raw:
    """Whose interaction it is: of a member on a server, of a user in a direct message."""
    return part(part(raw, "member"), "user") or part(raw, "user")


def _plain(emoji: str) -> str:
    """An emoji as it is compared: without its look; one of a server's own by its name, written in any way."""
    named = re.fullmatch(r"<a?:(\w+):\d+>|:(\w+):", emoji.strip())
    plain = next(filter(None, named.groups())) if named else emoji.strip().translate(_LOOK)
    return plain.casefold()
