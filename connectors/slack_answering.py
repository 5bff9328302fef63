"""How an answer reaches whoever asked: by the request's own address, else beside the message, else directly."""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from connectors.errors import ConnectorError, Unsure
from connectors.records import Post, Reply
from connectors.slack_blocks import Message, messages
from connectors.slack_posting import QUIET, Upload
from connectors.slack_web import Declined
from connectors.slack_workspace import Workspace

_LOG = logging.getLogger("connectors.slack")

_USES, _LIFE = 5, 1800.0
"""So many messages, for so many seconds, are taken at a response address."""

Respond = Callable[[str, Message], Awaitable[str]]
"""Response address and message -> empty, or why Slack did not take it; raises Unsure."""


@dataclass
class Way:
    """Where somebody asked, and what is left of the ways to answer there."""

    user: str
    channel: str = ""
    """Empty where there is none."""
    thread: str = ""
    """The ts of the thread in which it was asked; empty outside of one."""
    public_thread: str = ""
    """The ts of the thread for an answer that everybody sees, where it is another."""
    url: str = ""
    """The response address; empty where there is none."""
    since: float = field(default_factory=time.time)
    uses: int = 0
    direct: str = ""
    """The direct conversation with the user, once it was opened."""


class Answering:
    """Shows answers: each to the asker alone, unless it is public."""

    def __init__(self, workspace: Workspace, respond: Respond, upload: Upload) -> None:
        self._workspace = workspace
        self._web = workspace.web
        self._respond = respond
        self._upload = upload

    async def answer(self, way: Way, reply: Reply) -> None:
        """Show an answer in the first way that works; never raises."""
        public = [self._by_address_to_all, self._to_all] if reply.public else []
        ways = [*public, self._by_address, self._beside, self._directly]
        for message in messages(reply):
            while ways:
                try:
                    if await ways[0](way, message):
                        break
                    ways.pop(0)
                except Unsure:
                    # Nothing is said to all twice; whoever asked had better see it twice than not at all.
                    ways = [each for each in ways[1:] if each not in public]
                except ConnectorError as error:
                    _LOG.warning("an answer was not taken in one way: %s", error)
                    ways.pop(0)
        if not ways:
            _LOG.warning("an answer could not be shown in any way")
        elif reply.picture is not None:
            await self._show(way, reply, direct=ways[0] not in public)

    # --- the ways, each of which tells whether it worked ----------------------------------------------------------

    async def _by_address(self, way: Way, message: Message) -> bool:
        return await self._responded(way, {"response_type": "ephemeral"}, message, way.thread)

    async def _by_address_to_all(self, way: Way, message: Message) -> bool:
        return await self._responded(
            way, {"response_type": "in_channel"}, message, way.public_thread or way.thread
        )

    async def _responded(self, way: Way, kind: Message, message: Message, thread: str) -> bool:
        if not way.url or way.uses >= _USES or time.time() - way.since > _LIFE:
            return False
        way.uses += 1
        more = kind | {"replace_original": False, "unfurl_links": False, "unfurl_media": False}
        if thread:
            more["thread_ts"] = thread
        why = await self._respond(way.url, message | more)
        if "block" in why and message.get("blocks"):
            return await self._responded(way, kind, {"text": message["text"]}, thread)
        if why:
            _LOG.info("a response address took no answer: %s", why)
        return not why

    async def _beside(self, way: Way, message: Message) -> bool:
        """To the asker alone, in the channel: both must be members of it."""
        if not way.channel:
            return False
        return await self._said("chat.postEphemeral", way.channel, way.thread, message, user=way.user)

    async def _to_all(self, way: Way, message: Message) -> bool:
        if not way.channel:
            return False
        return await self._said("chat.postMessage", way.channel, way.public_thread or way.thread, message)

    async def _directly(self, way: Way, message: Message) -> bool:
        return await self._open(way) and await self._said("chat.postMessage", way.direct, "", message)

    async def _open(self, way: Way) -> bool:
        if not way.direct:
            told = await self._web.call("conversations.open", users=way.user)
            way.direct = str((told.get("channel") or {}).get("id") or "")
        return bool(way.direct)

    async def _said(self, method: str, channel: str, thread: str, message: Message, **more: str) -> bool:
        params = message | {"channel": channel, **QUIET, **more} | ({"thread_ts": thread} if thread else {})
        try:
            # What everybody sees is not said twice; what one person sees had better be seen.
            await self._web.call(method, once=method == "chat.postMessage", **params)
        except Declined as no:
            if "block" not in no.error or "blocks" not in message:
                raise
            return await self._said(method, channel, thread, {"text": message["text"]}, **more)
        return True

    async def _show(self, way: Way, reply: Reply, *, direct: bool) -> None:
        """The picture, which no ephemeral message can have: directly, unless the answer was for all."""
        post = Post("answer", reply.title or reply.alt, "", picture=reply.picture, alt=reply.alt)
        try:
            if not direct:
                await self._upload(way.channel, way.public_thread or way.thread, post)
            elif await self._open(way):
                await self._upload(way.direct, "", post)
        except ConnectorError as error:
            _LOG.warning("the picture of an answer was not taken: %s", error)
