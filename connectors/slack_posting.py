"""What we say on Slack: one message in Block Kit, its picture in its thread, found again by our own key."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from connectors.errors import ConnectorError, Misconfigured, Unavailable
from connectors.records import Post
from connectors.slack_blocks import messages
from connectors.slack_web import Declined
from connectors.slack_workspace import Workspace, next_cursor

_LOG = logging.getLogger("connectors.slack")

_EVENT = "spaces_post"
_READ_BACK = 10
"""Pages of 200 looked through for a key: what is asked for was sent just before."""
_PICTURE_TRIES = 3
QUIET = {"unfurl_links": False, "unfurl_media": False, "link_names": False, "parse": "none"}

Upload = Callable[[str, str, Post], Awaitable[None]]
"""Channel id, ts of the thread and the post with its picture."""


class Posting:
    """Sends, finds and edits what we say."""

    def __init__(self, workspace: Workspace, upload: Upload) -> None:
        self._workspace = workspace
        self._web = workspace.web
        self._upload = upload

    async def post(self, place: str, post: Post) -> str:
        """Send; returns `<channel>:<ts>` of the message, or of the first where one was too small."""
        channel, thread = await self._place(place)
        first, *more = messages(post)
        told = await self._say(channel, thread, post.key, first)
        channel, ts = str(told.get("channel") or channel), str(told["ts"])
        for part, message in enumerate(more, 2):
            await self._say(channel, thread or ts, post.key, message, part)
        if post.picture is not None:
            await self._show(channel, thread or ts, post)
        return f"{channel}:{ts}"

    async def _say(
        self, channel: str, thread: str, key: str, message: Mapping[str, Any], part: int = 1
    ) -> dict[str, Any]:
        params: dict[str, Any] = {"channel": channel, **_signed(message, key, part), **QUIET}
        payload = {"key": key} if part == 1 else {"key": key, "part": part}
        params["metadata"] = {"event_type": _EVENT, "event_payload": payload}
        if thread:
            params["thread_ts"] = thread
        try:
            return await self._web.call("chat.postMessage", once=True, **params)
        except Declined as no:
            raise _impossible(channel, self._workspace.user, no) from None

    async def _show(self, channel: str, ts: str, post: Post) -> None:
        """The picture. The message stands already, so whatever happens here does not unsay it."""
        for attempt in range(1, _PICTURE_TRIES + 1):
            try:
                if attempt > 1 and await self._shown(channel, ts, post):
                    return
                await self._upload(channel, ts, post)
            except Unavailable as error:
                _LOG.warning("the picture of a post was not taken: %s", error)
                await asyncio.sleep(min(error.retry_after, 60.0))
            except ConnectorError as error:
                _LOG.warning("the picture of a post was not taken: %s", error)
                if isinstance(error, Misconfigured):
                    return
            else:
                return

    async def _shown(self, channel: str, ts: str, post: Post) -> bool:
        """Whether the picture stands in the thread already."""
        try:
            told = await self._web.call("conversations.replies", channel=channel, ts=ts, limit=200)
        except Declined:
            return False
        names = (file.get("name") for row in told.get("messages") or () for file in row.get("files") or ())
        return picture_name(post) in names

    async def find(self, place: str, key: str) -> str | None:
        """The id of what was sent with this key; None when it is not there."""
        channel, thread = await self._place(place)
        method = "conversations.replies" if thread else "conversations.history"
        params: dict[str, Any] = {"channel": channel, "limit": 200, "include_all_metadata": True}
        if thread:
            params["ts"] = thread
        for _ in range(_READ_BACK if not thread else 10 * _READ_BACK):
            try:
                told = await self._web.call(method, **params)
            except Declined as no:
                raise _impossible(channel, self._workspace.user, no) from None
            for row in told.get("messages") or ():
                if _bears(row, key):
                    return f"{channel}:{row['ts']}"
            params["cursor"] = next_cursor(told)
            if not params["cursor"]:
                return None
        return None

    async def edit(self, place: str, id_: str, post: Post) -> None:
        """Replace what was posted; its picture stays."""
        channel, _ = await self._place(place)
        message, *_more = messages(post)
        channel, _, ts = id_.rpartition(":") if ":" in id_ else (channel, "", id_)
        metadata = {"event_type": _EVENT, "event_payload": {"key": post.key}}
        try:
            await self._web.call(
                "chat.update",
                channel=channel,
                ts=ts,
                **_signed(message, post.key),
                metadata=metadata,
                link_names=False,
                parse="none",
            )
        except Declined as no:
            raise _impossible(channel, self._workspace.user, no) from None

    async def _place(self, place: str) -> tuple[str, str]:
        """The channel's id and the thread's ts; a channel may be named."""
        channel, _, thread = place.partition("/")
        name = channel.lstrip("#").lower()
        thread = thread.rpartition(":")[2]
        if channel[:1] in {"C", "G", "D"} and channel.isalnum() and channel.isupper():
            return channel, thread
        if not self._workspace.channels:
            async for _ in self._workspace.list_channels():
                pass
        for known in self._workspace.channels.values():
            if known.name.lower() == name:
                return known.id, thread
        raise Misconfigured(
            f"There is no Slack channel {place!r}: name one that exists, or give its id (C…)."
        )


def picture_name(post: Post) -> str:
    """The file's name, by which it is found again."""
    return f"spaces-{post.key}.png"


def _signed(message: Mapping[str, Any], key: str, part: int = 1) -> dict[str, Any]:
    """The message with the key in the name of its first block too: metadata may be lost, or not be shown."""
    blocks = list(message.get("blocks") or ())
    if not blocks:
        return dict(message)
    name = f"spaces-{key}" if part == 1 else f"spaces-{key}-{part}"
    return {**message, "blocks": [{**blocks[0], "block_id": name}, *blocks[1:]]}


def _bears(row: Mapping[str, Any], key: str) -> bool:
    """Whether a message is the (first) one that was sent with this key."""
    metadata = row.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    if metadata.get("event_type") == _EVENT and payload.get("key") == key and not payload.get("part"):
        return True
    first = next(iter(row.get("blocks") or ()), None)
    return isinstance(first, dict) and first.get("block_id") == f"spaces-{key}"


def _impossible(channel: str, user: str, no: Declined) -> Misconfigured:
    """Why nothing can be said there."""
    match no.error:
        case "not_in_channel" | "channel_not_found":
            return Misconfigured(
                f"The bot cannot post in {channel} ({no.error}): write /invite @{user or 'the bot'} there."
            )
        case "missing_scope":
            scope = no.needed or "chat:write"
            return Misconfigured(
                f"The app may not do this in {channel}: add the bot scope {scope} at https://api.slack.com/apps, "
                "OAuth & Permissions, and reinstall the app."
            )
        case "is_archived":
            return Misconfigured(f"The Slack channel {channel} is archived: name another for the digest.")
        case (
            "restricted_action" | "restricted_action_read_only_channel" | "posting_to_general_channel_denied"
        ):
            return Misconfigured(
                f"The workspace lets only some post in {channel} ({no.error}): allow the app, or name another."
            )
    detail = f" {no.detail}" if no.detail else ""
    return Misconfigured(
        f"Slack did not take a message in {channel} ({no.error}){detail}: run `spaces check`."
    )
