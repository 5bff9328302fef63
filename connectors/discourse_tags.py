"""The tags of a forum's topics. The list of posts does not say them, lists of topics do."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.values import iso_moment, words

_REMEMBERED = 50_000
_DAY = timedelta(days=1)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
Json = Mapping[str, Any]


def tags_of(row: Json) -> tuple[str, ...]:
    """The tags of a topic by name, in the order of the alphabet: given as texts, since 2026 as objects."""
    names = {
        words(tag.get("name") or tag.get("slug") if isinstance(tag, Mapping) else tag)
        for tag in row.get("tags") or ()
    }
    return tuple(sorted(names - {""}))


class Tags:
    """What is known of the topics' tags, as the forum last said."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[str, ...]] = {}
        self._has_none = False
        """The forum has no tags at all."""
        self._page = 0
        """Up to this page the list of topics, the newest first, was read."""
        self._newest = 0
        """The newest topic that was in it."""

    def note(self, rows: Iterable[Json]) -> None:
        """Learn from rows of a list of topics, or from a topic itself."""
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        for row in rows:
            self._has_none = "tags" not in row
            self._known[row["id"]] = tags_of(row)

    def of(self, topic: int) -> tuple[str, ...]:
        """The tags of a topic; none where nobody said."""
        return self._known.get(topic, ())

    async def learn(self, posts: Iterable[Json], page: Callable[[int], Awaitable[list[Json]]]) -> None:
        """Ask for what is not known of the topics that are opened by these posts.

        `page` gives the list of topics, the newest first. History goes down in it too, so it is read on from where it
        was left.
        """
        wanted = {
            post["topic_id"]: post for post in posts
            if post.get("post_number") == 1 and post["topic_id"] not in self._known
        }  # fmt: skip
        if not wanted:
            return
        start = self._page if max(wanted) <= self._newest else 0
        for first in dict.fromkeys((start, 0)):
            number = first
            while wanted and not self._has_none:
                rows = await page(number)
                self.note(rows)
                wanted = {id_: post for id_, post in wanted.items() if id_ not in self._known}
                self._page, self._newest = (
                    number + bool(rows),
                    max([self._newest, *(row["id"] for row in rows)]),
                )
                if not rows or (wanted and _made(rows[-1]) + _DAY < min(map(_made, wanted.values()))):
                    break
                number += 1
        self._known.update(dict.fromkeys(wanted, ()))


def _made(row: Json) -> datetime:
    """When a topic or a post was made; what does not say it may be the newest."""
    try:
        return iso_moment(row["created_at"])
    except (KeyError, TypeError, ValueError):
        return _LATEST
