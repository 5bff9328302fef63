"""Texts that notify nobody on a forum: no mention, no quotation of a person, no link that tells a post's author."""

import asyncio
import re

from connectors.discourse_calls import Told
from connectors.discourse_forum import Forum
from connectors.errors import Unavailable
from connectors.markdown import defuse

_JOINER = "\u2060"
"""Word joiner: invisible, and none of a forum's own tags survives it."""
_QUOTE = re.compile(r"\[(?=/?quote\b)", re.IGNORECASE)
_PLACE = r"/t/(?:(?!\d+(?:/|\b))[^/\s()<>]+/)?(\d+)(?:/(\d+))?(?:[/?#][^\s()<>]*)?"


def inert(text: str, own: str = "") -> str:
    """The text, in which a forum finds nobody to notify. `own`: the bot's name, which stays: nobody is told by it."""
    quiet = _QUOTE.sub(rf"[{_JOINER}", defuse(text))
    if not own:
        return quiet
    return re.sub(rf"@{_JOINER}(?={re.escape(own)}(?!\w|[.-]\w))", "@", quiet, flags=re.IGNORECASE)


async def unlinked(text: str, forum: Forum) -> str:
    """The text with links that tell no author, for places where not one person alone reads it.

    A forum tells an author of every link to a topic, or to a post by its place in one; but not of those by the post's
    own number, which lead to the same place.
    """
    link = re.compile(re.escape(forum.address) + _PLACE, re.IGNORECASE)
    places = list({_place(found) for found in link.finditer(text)})
    ids = dict(zip(places, await asyncio.gather(*(_post(forum, *place) for place in places)), strict=True))

    def quiet(found: re.Match[str]) -> str:
        id_ = ids[_place(found)]
        return forum.address if id_ is None else f"{forum.address}/p/{id_}"

    return link.sub(quiet, text)


def _place(found: re.Match[str]) -> tuple[int, int]:
    return int(found[1]), int(found[2] or 1)


async def _post(forum: Forum, topic: int, number: int) -> int | None:
    """The number of a post itself; None where there is no such post."""
    try:
        return await forum.id_of(topic, number)
    except (Told, Unavailable):
        return None
