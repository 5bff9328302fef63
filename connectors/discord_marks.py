"""Tags of forum posts that changed while nobody listened: told by the list of active posts, never by a message."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping

import orjson

from connectors.discord_asking import Ask, Missing, Refused
from connectors.discord_messages import MESSAGES, Place, now, to_message
from connectors.records import Message, Page


async def retagged(
    ask: Ask, forum: Place, posts: Iterable[Place], cursors: Mapping[str, str], gone: Callable[[str], bool]
) -> AsyncIterator[Page]:
    """The first messages of a forum's active posts whose tags are others than when they were last looked at.

    The cursor is what was seen then: JSON, the tags by post. Posts that were never read are not read here.
    """
    stream = f"marks:{forum.id}"
    before: dict[str, list[str]] = orjson.loads(cursors.get(stream) or "{}")
    seen = {post.id: list(post.marks) for post in posts if post.marks or post.id in before}
    changed = [post for post in posts if seen.get(post.id, []) != before.get(post.id, [])]
    messages: list[Message] = []
    asked = now()
    for post in changed:
        if not cursors.get(f"thread:{post.id}"):
            continue
        try:
            path = "/channels/{channel_id}/messages/{message_id}"
            raw = await ask("GET", path, channel_id=post.id, message_id=post.id)
        except (Missing, Refused):
            continue
        if (raw.get("type") or 0) in MESSAGES and not gone(
            post.id
        ):  # it may have gone while it was asked for
            messages.append(to_message(raw, post))
    if seen != before:
        yield Page(stream, orjson.dumps(seen).decode(), asked, messages=messages)
