"""How answers reach people on Discord: through the interaction that asked while it lives, else by a message.

An interaction's token takes answers for 15 minutes. What it does not take goes to the asker as a direct message, or
into the place where it was asked if everybody shall see it. Nothing pings; nothing private is ever said in a channel.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from hashlib import sha256
from time import monotonic
from typing import Any, NamedTuple

from connectors.discord_asking import Ask, Missing, Refused, Unanswered
from connectors.discord_forms import SILENT, bodies
from connectors.discord_words import words
from connectors.errors import ConnectorError, Unavailable, UnreadablePayload
from connectors.records import Reply

log = logging.getLogger("connectors.discord")

EPHEMERAL = 1 << 6
_LIFE = 14.5 * 60
_AFTERWARDS = 600.0
_LONGEST_PAUSE = 30.0
_SEEN_BACK = 50


class Address(NamedTuple):
    """Where an answer goes."""

    key: str
    """Of what was asked: the same message is never sent twice with it."""
    user_id: str
    language: str | None = None
    application_id: str = ""
    token: str = ""
    """Of the interaction; empty where there is none."""
    born: float = 0.0
    """When the interaction came, by the monotonic clock."""
    channel_id: str | None = None
    """Where everybody can see it; None in a direct message."""
    private_id: str | None = None
    """The direct messages with the asker, where they are known."""
    reply_to: str | None = None
    """The message that asked."""

    @property
    def is_open(self) -> bool:
        """Whether the interaction still takes answers."""
        return bool(self.token) and monotonic() - self.born < _LIFE


class Expired(Exception):
    """The interaction takes no answer, or no more; `left` was not said."""

    def __init__(self, left: list[dict[str, Any]]) -> None:
        super().__init__()
        self.left = left


class Answers:
    """Brings answers to people. `me` is the bot's own id."""

    def __init__(self, ask: Ask, me: str) -> None:
        self._ask = ask
        self._me = me
        self._rooms: dict[str, str] = {}

    async def give(self, to: Address, reply: Reply | None) -> None:
        """Bring the answer to whom it is for; never raises a ConnectorError. None: take away the sign that we think."""
        try:
            if reply is None:
                await self._withdraw(to)
                return
            try:
                await self._give(to, reply)
            except UnreadablePayload:
                # Discord takes neither the form nor a part of it: its words alone, else a sentence.
                log.warning("Discord refused the form of an answer; its words are sent alone")
                await self._give(to, Reply(reply.text, reply.title, public=reply.public))
        except (UnreadablePayload, LookupError, TypeError, ValueError, AttributeError) as error:
            log.warning("an answer has a form that cannot be sent (%s)", type(error).__name__)
            await self._sorry(to)
        except ConnectorError as error:
            log.warning("an answer did not reach its asker: %s", error)

    async def _sorry(self, to: Address) -> None:
        try:
            await self._give(to, Reply(words("failed", to.language)))
        except ConnectorError as error:
            log.warning("an answer did not reach its asker: %s", error)

    async def _withdraw(self, to: Address) -> None:
        if to.is_open:
            path = "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
            try:
                await self._ask("DELETE", path, webhook_id=to.application_id, webhook_token=to.token)
            except Missing:
                log.info("nothing was to be taken away")

    async def _give(self, to: Address, reply: Reply) -> None:
        said = bodies(reply)
        if reply.public and to.channel_id is not None:
            await self._publicly(to, said, reply.picture)
        else:
            await self._privately(to, said, reply.picture)

    # --- through the interaction --------------------------------------------------------------------------------------

    async def _privately(self, to: Address, said: list[dict[str, Any]], picture: bytes | None) -> None:
        left = said
        if to.token:
            try:
                await self._answer(to, said, picture, EPHEMERAL)
            except Expired as expired:
                left = expired.left
            else:
                return
        await self._directly(to, left, picture)

    async def _publicly(self, to: Address, said: list[dict[str, Any]], picture: bytes | None) -> None:
        left = said
        if to.token:
            # The first thing said replaces the sign that we think, which only the asker sees.
            notice = SILENT | {"content": words("shown", to.language), "components": []}
            try:
                await self._answer(to, [notice, *said], picture, 0)
            except Expired as expired:
                left = said[-len(expired.left) :]
            else:
                return
        try:
            await self._send(to, to.channel_id or "", left, picture)
        except (Refused, Missing):
            await self._directly(to, left, picture)

    async def _answer(
        self, to: Address, said: list[dict[str, Any]], picture: bytes | None, flags: int
    ) -> None:
        """Say it through the interaction: the first in place of the sign that we think, the rest after it.

        Raises:
            Expired: not all was taken.
        """
        ids: dict[str, Any] = {"webhook_id": to.application_id, "webhook_token": to.token}
        for number, body in enumerate(said):
            if not to.is_open:
                raise Expired(said[number:])
            until, attached = to.born + _LIFE, picture if "attachments" in body else None
            try:
                if number == 0:
                    path = "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
                    whole = {"components": []} | body
                    await self._steadily(until, "PATCH", path, body=whole, picture=attached, **ids)
                else:
                    # Discord has no key for these: whether one was said is seen in the channel, if by all.
                    path = "/webhooks/{webhook_id}/{webhook_token}"
                    whole = body | {"flags": flags}
                    seen = None if flags else partial(self._stands, to, body)
                    await self._steadily(until, "POST", path, seen=seen, body=whole, picture=attached, once=True, **ids)  # fmt: skip
            except (Missing, Refused, Unavailable) as error:
                log.info("an interaction takes no answer: %s", error)
                raise Expired(said[number:]) from error

    async def _stands(self, to: Address, body: Mapping[str, Any]) -> bool:
        """Whether everybody can see it in the channel; yes where we cannot look, for nothing public is said twice."""
        path, query = "/channels/{channel_id}/messages", {"limit": _SEEN_BACK}
        try:
            rows = await self._ask("GET", path, query=query, channel_id=str(to.channel_id))
        except (Refused, Missing):
            return True
        titles = [embed.get("title") for embed in body["embeds"]]
        return any(
            str(row["author"]["id"]) in {self._me, to.application_id}
            and int(row["id"]) > int(to.key)
            and (row.get("content") or "") == body["content"]
            and [embed.get("title") for embed in row.get("embeds") or ()] == titles
            for row in rows or ()
        )

    # --- by a message -------------------------------------------------------------------------------------------------

    async def _directly(self, to: Address, said: list[dict[str, Any]], picture: bytes | None) -> None:
        """As a direct message; where the asker takes none, a mention is told so in its channel."""
        try:
            room = to.private_id or await self._room(to.user_id)
            await self._send(to, room, said, picture)
        except (Refused, Missing):
            log.info("an asker takes no direct messages")
            if to.reply_to is not None and to.channel_id is not None:
                closed = SILENT | {"content": words("closed", to.language)}
                await self._send(to, to.channel_id, [closed], None)

    async def _room(self, user: str) -> str:
        """The direct messages with a person."""
        if user not in self._rooms:
            body, until = {"recipient_id": user}, monotonic() + _AFTERWARDS
            answer = await self._steadily(until, "POST", "/users/@me/channels", body=body)
            self._rooms[user] = str(answer["id"])
        return self._rooms[user]

    async def _send(
        self, to: Address, channel: str, said: list[dict[str, Any]], picture: bytes | None
    ) -> None:
        until, path = monotonic() + _AFTERWARDS, "/channels/{channel_id}/messages"
        for number, body in enumerate(said):
            # The nonce makes Discord send it once, however often it is asked to.
            nonce = sha256(f"{to.key} {channel} {number} {len(said)}".encode()).hexdigest()[:25]
            whole = body | {"nonce": nonce, "enforce_nonce": True}
            if number == 0 and to.reply_to is not None and channel == to.channel_id:
                whole["message_reference"] = {"message_id": to.reply_to, "fail_if_not_exists": False}
            attached = picture if "attachments" in body else None
            await self._steadily(until, "POST", path, body=whole, picture=attached, channel_id=channel)

    async def _steadily(
        self, until: float, method: str, path: str, *, seen: Callable[[], Awaitable[bool]] | None = None, **more: Any
    ) -> Any:  # fmt: skip
        """Ask, again and again for as long as it makes sense; `seen` tells whether it was done all the same.

        Raises:
            Unavailable: Discord did not answer until then. Others: as `Ask` raises them.
        """
        pause = 0.5
        while True:
            try:
                return await self._ask(method, path, **more)
            except Unavailable as error:
                wait = pause if isinstance(error, Unanswered) else max(pause, error.retry_after)
                if monotonic() + wait >= until:
                    raise
                await asyncio.sleep(wait)
                if isinstance(error, Unanswered) and seen is not None and await seen():
                    return None
                pause = min(pause * 2, _LONGEST_PAUSE)
