"""What we say on Discord: sent once, found again by its key, edited.

The key travels twice: as the message's nonce (Discord then makes no second message of it for some minutes), and in
the message itself, where history shows it for ever: in the address behind an embed's title, or small at the end of a text.
"""

import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from connectors.discord_asking import MOST, Ask, Missing, Unanswered
from connectors.discord_forms import PICTURE, rows
from connectors.discord_messages import FORUM, MEDIA
from connectors.errors import Misconfigured, Unsure
from connectors.markdown import defuse, split
from connectors.records import Post

_TEXT = 2000
_SIGNED = 60
"""Room for the key and the number of the part."""
_NAME, _ALT = 100, 1024
_REQUIRE_TAG = 1 << 4
_PAGES_BACK = 10
_THREADS_BACK = 25


class Posts:
    """Sends to one place: a channel, a thread, or a forum (a new post of it)."""

    def __init__(self, ask: Ask, place: Mapping[str, Any], me: str) -> None:
        """Prepare to send. `place` is a channel object, `me` the bot's own id."""
        self._ask = ask
        self._place = place
        self._id = str(place["id"])
        self._me = me
        self._is_forum = place.get("type") in {FORUM, MEDIA}

    # --- sending ----------------------------------------------------------------------------------------------------

    async def send(self, post: Post) -> str:
        """Send; returns the id of the message, or of all its parts ("1,2") when the text is long."""
        bodies = self._bodies(post)
        if self._is_forum:
            return await self._open(post, bodies)
        ids = []
        for number, body in enumerate(bodies):
            picture = post.picture if number == 0 else None
            ids.append(await self._say(self._id, body, nonce(post.key, number), picture))
        return ",".join(ids)

    async def _say(self, channel: str, body: dict[str, Any], key: str, picture: bytes | None) -> str:
        body = body | {"nonce": key, "enforce_nonce": True}
        try:
            path = "/channels/{channel_id}/messages"
            # Discord would know the nonce again, but only for minutes: whoever is not sure looks for the key first.
            answer = await self._ask("POST", path, body=body, picture=picture, once=True, channel_id=channel)
            return str(answer["id"])
        except (Unanswered, KeyError, TypeError) as error:
            raise Unsure("Discord did not say whether the message was posted; it is looked for.") from error

    async def _open(self, post: Post, bodies: list[dict[str, Any]]) -> str:
        """Make a forum's post. Discord has no nonce there, so that nothing is ever sent twice by itself."""
        body: dict[str, Any] = {"name": defuse(post.title).strip()[:_NAME] or "SPACES", "message": bodies[0]}
        tags = self._place.get("available_tags") or ()
        if int(self._place.get("flags") or 0) & _REQUIRE_TAG and tags:
            body["applied_tags"] = [tags[0]["id"]]
        try:
            path = "/channels/{channel_id}/threads"
            answer = await self._ask(
                "POST", path, body=body, picture=post.picture, once=True, channel_id=self._id
            )
            ids = [str((answer.get("message") or answer)["id"])]
        except (Unanswered, KeyError, TypeError, AttributeError) as error:
            raise Unsure("Discord did not say whether the forum post was made; it is looked for.") from error
        for number, rest in enumerate(bodies[1:], 1):
            ids.append(await self._say(str(answer["id"]), rest, nonce(post.key, number), None))
        return ",".join(ids)

    def _bodies(self, post: Post) -> list[dict[str, Any]]:
        """The messages to send, each within Discord's limits and signed with the key."""
        silent: dict[str, Any] = {"allowed_mentions": {"parse": []}}
        if post.payload is not None:
            body = {
                key: value for key, value in post.payload.items() if key in {"content", "embeds"}
            } | silent
            embeds = [dict(embed) for embed in body.get("embeds") or ()]
            if embeds:
                body["components"] = rows(post.buttons)
                if not post.picture and str((embeds[0].get("image") or {}).get("url")).startswith(
                    "attachment:"
                ):
                    del embeds[0]["image"]
                here = f"https://discord.com/channels/{self._place.get('guild_id') or '@me'}/{self._id}"
                embeds[0]["url"] = f"{here}?digest={post.key}"
                return [self._pictured(body | {"embeds": embeds}, post)]
            pieces = split(str(body.get("content") or ""), _TEXT - _SIGNED) or [""]
        else:
            pieces = split(defuse(post.text), _TEXT - _SIGNED) or [defuse(post.title)]
        signed = [
            {"content": f"{piece}\n-# {_mark(post.key, number, len(pieces))}"} | silent
            for number, piece in enumerate(pieces, 1)
        ]
        signed[-1]["components"] = rows(post.buttons)
        return [self._pictured(signed[0], post), *signed[1:]]

    def _pictured(self, body: dict[str, Any], post: Post) -> dict[str, Any]:
        if not post.picture:
            return body | {"attachments": []}
        return body | {"attachments": [{"id": 0, "filename": PICTURE, "description": post.alt[:_ALT]}]}

    # --- finding ----------------------------------------------------------------------------------------------------

    async def find(self, key: str) -> str | None:
        """The id of what was sent with this key; None when it, or a part of it, is not there."""
        if self._is_forum:
            return await self._find_opened(key)
        found: dict[int, str] = {}
        before: str | None = None
        for _ in range(_PAGES_BACK):
            query = {"limit": MOST} | ({} if before is None else {"before": before})
            path = "/channels/{channel_id}/messages"
            rows = await self._ask("GET", path, query=query, channel_id=self._id) or []
            for row in rows:
                if str((row.get("author") or {}).get("id")) == self._me:
                    whole = _collect(row, key, found)
                    if whole:
                        return whole
            if not rows:
                return None
            before = min((str(row["id"]) for row in rows), key=int)
        return None

    async def _find_opened(self, key: str) -> str | None:
        guild = str(self._place.get("guild_id"))
        active = await self._ask("GET", "/guilds/{guild_id}/threads/active", guild_id=guild)
        path = "/channels/{channel_id}/threads/archived/public"
        rested = await self._ask("GET", path, query={"limit": MOST}, channel_id=self._id)
        threads = [
            str(thread["id"]) for thread in (*(active.get("threads") or ()), *(rested.get("threads") or ()))
            if str(thread.get("parent_id")) == self._id and str(thread.get("owner_id")) == self._me
        ]  # fmt: skip
        for thread in sorted(set(threads), key=int, reverse=True)[:_THREADS_BACK]:
            path = "/channels/{channel_id}/messages"
            rows = await self._ask(
                "GET", path, query={"limit": MOST, "after": int(thread) - 1}, channel_id=thread
            )
            found: dict[int, str] = {}
            for row in rows or ():
                whole = _collect(row, key, found)
                if whole:
                    return whole
        return None

    # --- editing ----------------------------------------------------------------------------------------------------

    async def edit(self, id_: str, post: Post) -> None:
        """Replace the message, or its parts; parts that are too many go, and text beyond the last part is cut."""
        ids = id_.split(",")
        bodies = self._bodies(post)
        if len(bodies) > len(ids):
            pieces = split(defuse(post.text), _TEXT - _SIGNED)[: len(ids)]
            bodies = self._bodies(post._replace(payload=None, text="\n".join(pieces)))[: len(ids)]
        channel = ids[0] if self._is_forum else self._id
        path = "/channels/{channel_id}/messages/{message_id}"
        for number, (message, body) in enumerate(zip(ids, bodies, strict=False)):
            picture = post.picture if number == 0 else None
            # What the new form lacks would otherwise stay.
            whole = {"content": "", "embeds": [], "components": []} | body
            await self._ask(
                "PATCH", path, body=whole, picture=picture, channel_id=channel, message_id=message
            )
        for message in ids[len(bodies) :]:
            try:
                await self._ask("DELETE", path, channel_id=channel, message_id=message)
            except Missing:
                continue


def nonce(key: str, number: int) -> str:
    """At most 25 characters: the key for the first part, one made from it for each of the others."""
    return key[:25] if number == 0 else sha256(f"{key} {number}".encode()).hexdigest()[:25]


def _mark(key: str, number: int, of: int) -> str:
    return f"`{key}`" if of == 1 else f"`{key}` {number}/{of}"


def _collect(row: Mapping[str, Any], key: str, found: dict[int, str]) -> str | None:
    """Look for the key in a message; the ids once all parts were seen."""
    for embed in row.get("embeds") or ():
        if str(embed.get("url") or "").endswith(f"?digest={key}"):
            return str(row["id"])
    signed = re.search(rf"-# `{re.escape(key)}`(?: (\d+)/(\d+))?$", str(row.get("content") or ""))
    if signed is None:
        return None
    if signed[1] is None:
        return str(row["id"])
    found[int(signed[1])] = str(row["id"])
    of = int(signed[2])
    return ",".join(found[number] for number in range(1, of + 1)) if len(found) == of else None


async def place_of(ask: Ask, place: str, servers: Callable[[], Any]) -> Mapping[str, Any]:
    """The channel object of "channel" or "channel/thread"; a channel may be given by its name.

    Raises:
        Misconfigured: there is none.
    """
    channel, _, thread = place.lstrip("#").partition("/")
    wanted = thread or channel
    if not wanted.isdecimal():
        name = wanted.lstrip("#").lower()
        for server in await servers():
            for raw in await ask("GET", "/guilds/{guild_id}/channels", guild_id=server) or ():
                if str(raw.get("name")).lower() == name and raw.get("type") != 4:  # noqa: PLR2004 - a category
                    found: Mapping[str, Any] = raw
                    return found
        raise Misconfigured(
            f"There is no channel '{place}' on Discord that the bot can see: check its name, or write its id "
            "(User Settings, Advanced, Developer Mode; then right-click the channel, Copy Channel ID)."
        )
    try:
        answer: Mapping[str, Any] = await ask("GET", "/channels/{channel_id}", channel_id=wanted)
    except Missing as missing:
        raise Misconfigured(
            f"There is no channel or thread {wanted} on Discord that the bot can see: check the place '{place}'."
        ) from missing
    return answer
