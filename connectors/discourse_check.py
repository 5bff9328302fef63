"""`spaces check` on a forum: what is missing, one sentence each, with the page where it is mended."""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

from connectors.discourse_calls import Told, stranger
from connectors.discourse_forum import Forum
from connectors.discourse_posts import where_of
from connectors.errors import ConnectorError, Misconfigured
from connectors.records import Finding, Post

_PATIENCE = 20.0
_SKEW = 60.0
_FORBIDDEN = frozenset({401, 403})


class Facts(NamedTuple):
    """What the configuration says."""

    user: str
    has_key: bool
    listen: str
    has_secret: bool
    places: tuple[str, ...] = ()
    """Where we want to post."""


async def look(forum: Forum, facts: Facts, skew: Callable[[], float | None]) -> list[Finding]:
    """Look at one thing after the other, as long as the next makes sense."""
    found: list[Finding] = []
    try:
        async with asyncio.timeout(_PATIENCE):
            await _look(forum, facts, found)
    except TimeoutError:
        found.append(
            Finding(
                False,
                f"There was no answer from {forum.address} within {_PATIENCE:.0f} seconds: check `url` and the way to it (a "
                "proxy, a firewall, DNS), and try again in a minute.",
            )
        )
    except ConnectorError as error:
        found.append(Finding(False, str(error)))
    except Exception as error:  # noqa: BLE001 - a check never raises
        found.append(
            Finding(
                False,
                f"{forum.address} answers, but not as a Discourse forum ({type(error).__name__}): check `url`.",
            )
        )
    ahead = skew()
    if ahead is not None and abs(ahead) > _SKEW:
        found.append(Finding(
            False, f"This machine's clock differs from the forum's by {abs(ahead):.0f} s: set it by NTP.",
        ))  # fmt: skip
    return found


async def _look(forum: Forum, facts: Facts, found: list[Finding]) -> None:
    keys = f"{forum.address}/admin/api/keys"
    if not facts.has_key:
        found.append(
            Finding(False, f"There is no API key: make one at {keys} and set it as the secret api_key.")
        )
        return
    try:
        site = await forum.get("/site.json")
    except Told as error:
        if error.is_gone:
            found.append(Finding(False, str(stranger(forum.address))))
            return
        if error.status not in _FORBIDDEN:
            raise
        site = {}
    if not isinstance(site, dict):
        site = {}
    found.append(Finding(True, f"{forum.address} answers."))
    if not await _look_at_key(forum, facts, keys, found):
        return
    await _look_at_rights(forum, site, keys, found)
    found += [await _writable(forum, site, place) for place in facts.places]
    if facts.listen and not facts.has_secret:
        found.append(Finding(
            False,
            f"Webhooks are received at {facts.listen} without a secret, so all are refused: set one at "
            f"{forum.address}/admin/api/web_hooks and as the secret webhook_secret.",
        ))  # fmt: skip
    elif facts.listen:
        found.append(Finding(True, f"Webhooks are received at {facts.listen}, with a secret."))


async def _look_at_key(forum: Forum, facts: Facts, keys: str, found: list[Finding]) -> bool:
    user = await _try(forum, "/session/current.json")
    if isinstance(user, dict) and isinstance(user.get("current_user"), dict):
        name = str(user["current_user"].get("username"))
        is_right = name.lower() == facts.user.lower()
        words = f"The key acts as {name}" + (
            "." if is_right else f", not as {facts.user}: set `user` to {name}."
        )
        found.append(Finding(is_right, words))
        _look_at_user(forum, user["current_user"], found)
        return True
    posts, topics = await _try(forum, "/posts.json"), await _try(forum, "/latest.json")
    if posts is None and topics is None:
        found.append(Finding(
            False,
            f"The forum does not accept the API key for the user {facts.user}: make a key for that user at {keys}.",
        ))  # fmt: skip
        return False
    found.append(Finding(True, f"The key is accepted for {facts.user}."))
    return True


def _look_at_user(forum: Forum, user: dict[str, Any], found: list[Finding]) -> None:
    """What it takes to be asked, and to answer in private."""
    if isinstance(user.get("id"), int) and user["id"] < 0:
        found.append(Finding(
            False, "Nobody can ask a forum's system user: make a user of its own for the bot, and the key for that user.",
        ))  # fmt: skip
    may = user.get("can_send_private_messages")
    if may is True:
        found.append(Finding(True, "The user may send private messages."))
    elif may is False:
        found.append(Finding(
            False,
            f"The user may not send private messages, so it cannot answer in private: at {forum.address}/admin/users give "
            'it trust level 1 or more, and look at the site setting "personal message enabled groups".',
        ))  # fmt: skip


async def _look_at_rights(forum: Forum, site: dict[str, Any], keys: str, found: list[Finding]) -> None:
    for path, what, scope in (
        ("/posts.json", "read the newest posts", "posts: list"),
        ("/latest.json", "read the list of topics", "topics: read_lists"),
        ("/site.json", "read the categories", "a global or read-only key"),
        ("/admin/users/list/active.json", "read the list of members, so that joins, groups and staff are known",
         "users: list, and an administrator or moderator as the user"),
        ("/notifications.json", "hear who mentions its user", "a global or read-only key"),
        (f"/topics/private-messages/{forum.user}.json", "hear who writes to its user", "a global or read-only key"),
    ):  # fmt: skip
        if await _try(forum, path) is not None:
            found.append(Finding(True, f"The key may {what}."))
        else:
            found.append(Finding(False, f"The key may not {what}: at {keys} give it {scope}."))
    rows = [row for row in site.get("categories") or () if isinstance(row, dict)]
    writable = [row for row in rows if row.get("permission") in {1, 2}]
    if rows and any("permission" in row for row in rows):
        words = f"The user may write in {len(writable)} of {len(rows)} categories"
        cure = ": allow it in the category's settings under Security, where a digest is to be posted."
        found.append(Finding(bool(writable), words + ("." if writable else cure)))


async def _writable(forum: Forum, site: dict[str, Any], place: str) -> Finding:
    """Whether the API user can post at a place; of a reply the forum tells no more than that its topic is there."""
    try:
        where = where_of(place, Post("", "", ""))
    except Misconfigured as error:
        return Finding(False, str(error))
    if "topic_id" in where:
        good = await _try(forum, f"/t/{where['topic_id']}.json") is not None
        words = (
            "The user can see the topic {0}."
            if good
            else "There is no topic {0} to post to that the user can see: name another."
        )
        return Finding(good, words.format(place))
    rows = [row for row in site.get("categories") or () if isinstance(row, dict)]
    named = next((row for row in rows if row.get("id") == where.get("category")), None)
    if "category" in where and rows and named is None:
        return Finding(False, f"There is no category {place} to post to that the user can see: name another.")
    if named is not None and named.get("permission") != 1 and any(row.get("permission") for row in rows):
        cure = "allow it to create topics in the category's settings under Security"
        return Finding(False, f"The user cannot post to the category {place}: {cure}.")
    return Finding(True, f"The user can post to {place}.")


async def _try(forum: Forum, path: str) -> Any:
    """The answer; None when the forum says no."""
    try:
        return await forum.get(path)
    except Told:
        return None
