"""A forum's history: all posts down to a date, by the list of newest posts.

`/posts.json?before=` gives fifty posts a question, whatever topics they are in; no other way is as fast. Replies name
their target by its number, which is met further down: pages wait for it, in their order, so that the position that is
saved never passes a post that is not.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from connectors.discourse_calls import Told, abandon
from connectors.discourse_forum import Forum, Json
from connectors.discourse_messages import answers_to, number_of
from connectors.paging import Draft
from connectors.records import ChannelGone, Page
from connectors.values import iso_moment, micros

OVERLAP = 200
"""So many ids are read again each time: an id is given when a post begins to be written, its row appears later."""

_WINDOW = 50
_WAITING_PAGES = 100
_STRIDE = 1_000
_STREAM = "history"


class Slice(NamedTuple):
    """One answer of `/posts.json`."""

    at: datetime
    received_at: datetime
    posts: list[Json]
    next: int
    """What to ask for next; at or below the floor: this was the last."""


class _Position(NamedTuple):
    """How far history is read: everything up to the post `mark`; and from `top` down to `before`, while it is read."""

    mark: int = 0
    since: int = 0
    top: int = 0
    before: int = 0

    @property
    def text(self) -> str:
        return orjson.dumps(self._asdict()).decode()


def position(cursors: Mapping[str, str]) -> _Position | None:
    """How far the cursors say that history is read."""
    text = cursors.get(_STREAM)
    return _Position(**orjson.loads(text)) if text else None


async def descend(forum: Forum, before: int | None, floor: int) -> AsyncGenerator[Slice, None]:
    """Go down the list of newest posts until the id `floor`, on old forums and new.

    Old ones show a window of fifty ids up to and with `before`, which may be empty; new ones fifty posts below it.
    """
    task = asyncio.create_task(_ask(forum, before))
    try:
        while True:
            at, received, posts = await task
            if before is None and not posts and (newest := await forum.newest()):
                before = newest + 1  # new forums exclude what is named
                at, received, posts = await _ask(forum, before)
            low = min((post["id"] for post in posts), default=None)
            if low is None:
                following = 0 if before is None else before - _WINDOW
            else:
                following = low if before is None or low < before else before - _WINDOW
            before = following
            is_last = following < 1 or following <= floor
            if not is_last:
                task = asyncio.create_task(_ask(forum, before))
            yield Slice(at, received, posts, 0 if is_last else before)
            if is_last:
                return
    finally:
        abandon(task)


async def _ask(forum: Forum, before: int | None) -> tuple[datetime, datetime, list[Json]]:
    at = datetime.now(UTC)
    posts = await forum.latest(before)
    return at, datetime.now(UTC), posts


class _Waiting:
    """A slice whose replies are not all resolved."""

    def __init__(self, found: Slice, reached: _Position) -> None:
        self.slice = found
        self.reached = reached
        self.answered: dict[int, int | None] = {}
        self.wanted: dict[tuple[int, int], list[int]] = {}
        for post in found.posts:
            if (number := answers_to(post)) is not None:
                self.wanted.setdefault((post["topic_id"], number), []).append(post["id"])

    def meet(self, topic: int, number: int, id_: int | None) -> None:
        for reply in self.wanted.pop((topic, number), ()):
            self.answered[reply] = id_


class History:
    """Reads the posts of one source."""

    def __init__(self, forum: Forum) -> None:
        self._forum = forum

    async def places(self, cursors: Mapping[str, str]) -> Page:
        """The categories: those there are, those gone, and those that refuse."""
        draft, refusals, readable = await self._forum.categories.read(probe=True)
        gone = []
        before = orjson.loads(cursors.get("categories") or "[]")
        for id_ in before:
            if id_ not in self._forum.categories.open and id_ not in self._forum.categories.closed:
                try:
                    await self._forum.get(f"/c/{id_}/show.json")
                except Told as error:
                    if error.is_gone:
                        gone.append(ChannelGone(id_, draft.observed_at))
                        continue
                refusals.append(await self._forum.categories.refusal(id_))
        # What was open once and is closed now is to be known as private.
        draft.channels += [channel for id_, channel in self._forum.categories.hidden.items() if id_ in before]
        known = sorted({*self._forum.categories.open, *(refusal.channel_id for refusal in refusals)})
        page = draft.page(orjson.dumps(known).decode(), 0.0)
        return page._replace(refusals=refusals, readable=readable, gone_channels=gone, fraction=None)

    # --- all posts ------------------------------------------------------------------------------------------------

    async def posts(self, cursors: Mapping[str, str], since: datetime, mark: int) -> AsyncIterator[Page]:
        """Everything between `since` (or the last time) and now. `mark`: up to here `listen` has read."""
        start = micros(since)
        reached = position(cursors)
        if reached is None or start < reached.since:
            reached = _Position(0, start)
        if reached.before:  # stopped half-way: first down to the end, then what came meanwhile
            async for page in self._down(reached, since):
                yield page
            reached = _Position(reached.top, reached.since)
        elif reached.mark:
            reached = reached._replace(mark=max(reached.mark, mark))
        async for page in self._down(reached, since):
            yield page

    async def again(self, since: datetime, seen: set[int]) -> AsyncIterator[Page]:
        """All posts since a moment as they now stand, known or not; their ids go into `seen`."""
        async for page in self._down(_Position(0, micros(since)), since, seen):
            yield page._replace(cursor=None)

    async def _down(
        self, reached: _Position, since: datetime, seen: set[int] | None = None
    ) -> AsyncIterator[Page]:
        """One descent, from the top or from where it stopped."""
        waiting = deque[_Waiting]()
        wanted: dict[tuple[int, int], list[_Waiting]] = {}
        async for last in self._slices(reached, since):
            for key in last.wanted:
                wanted.setdefault(key, []).append(last)
            waiting.append(last)
            for post in last.slice.posts:
                if seen is not None:
                    seen.add(post["id"])
                key = (post["topic_id"], number_of(post))
                for other in wanted.pop(key, ()):
                    other.meet(*key, post["id"])
            while waiting and (not waiting[0].wanted or len(waiting) > _WAITING_PAGES):
                yield await self._tell(waiting.popleft(), since)
        for left in waiting:
            yield await self._tell(left, since)

    async def _slices(self, reached: _Position, since: datetime) -> AsyncIterator[_Waiting]:
        """The answers of one descent, each with the position after it."""
        top, old = reached.top, 0
        floor = max(reached.mark - OVERLAP, 0)
        async with aclosing(descend(self._forum, reached.before or None, floor)) as slices:
            async for found in slices:
                top = top or max((post["id"] for post in found.posts), default=0)
                next_ = found.next
                is_old = bool(found.posts) and all(_time(post) < since for post in found.posts)
                ours = found._replace(posts=await self._forum.categories.ours(found.posts))
                old = old + 1 if is_old else 0
                if old * _WINDOW >= OVERLAP and next_:
                    old = 0
                    next_ = next_ if await self._is_young_below(next_, floor, since) else 0
                if not next_:
                    yield _Waiting(ours, _Position(top, reached.since))
                    return
                yield _Waiting(ours, reached._replace(top=top, before=next_))

    async def _tell(self, told: _Waiting, since: datetime) -> Page:
        """The page of a slice; what its replies answer is looked up where it was not met on the way."""
        posts, reached = told.slice.posts, told.reached
        if told.wanted:
            for post in posts:
                if (post["topic_id"], answers_to(post)) in told.wanted:
                    told.answered[post["id"]] = await self._forum.answered(post)
        self._forum.remember(posts)
        draft = Draft(_STREAM, told.slice.at)
        await self._forum.tell_latest([post for post in posts if _time(post) >= since], draft, told.answered)
        left = reached.before / reached.top if reached.before and reached.top else 0.0
        return draft.page(reached.text, 1 - left)

    async def _is_young_below(self, before: int, floor: int, since: datetime) -> bool:
        """Whether further down there are posts after `since`: an import gives young numbers to old posts."""
        stride = _STRIDE
        while before - stride > max(floor, 0):
            if any(_time(post) >= since for post in await self._forum.latest(before - stride)):
                return True
            stride *= 2
        return False


def _time(post: Any) -> datetime:
    """When a post was made; one that does not say it is never too old."""
    try:
        return iso_moment(post["created_at"])
    except (KeyError, TypeError, ValueError):
        return datetime.max.replace(tzinfo=UTC)
