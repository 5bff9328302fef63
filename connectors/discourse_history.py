"""A forum's history: all posts down to a date, by the list of newest posts; and topics read again whole.

`/posts.json?before=` gives fifty posts a question, whatever topics they are in; no other way is as fast. Replies name
their target by its number, which is met further down: pages wait for it, in their order, so that the position that is
saved never passes a post that is not.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from connectors.discourse_calls import THREADS, Told
from connectors.discourse_forum import Forum, Json
from connectors.discourse_ledger import Ledger
from connectors.discourse_messages import number_of
from connectors.paging import Draft
from connectors.records import ChannelGone, Page, Swept
from connectors.values import identity, iso_moment, micros

OVERLAP = 200
"""So many ids are read again each time: an id is given when a post begins to be written, its row appears later."""

_WINDOW = 50
_WAITING_PAGES = 100
_TOGETHER = 8
"""So many answers make a page."""
_STRIDE = 1_000
_STREAM = "history"


class Slice(NamedTuple):
    """One answer of `/posts.json`."""

    at: datetime
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
            at, posts = await task
            if before is None and not posts and (before := await forum.newest() or None):
                at, posts = await _ask(forum, before)
            low = min((post["id"] for post in posts), default=None)
            if low is None:
                following = 0 if before is None else before - _WINDOW
            else:
                following = low if before is None or low < before else before - _WINDOW
            before = following
            is_last = following < 1 or following <= floor
            if not is_last:
                task = asyncio.create_task(_ask(forum, before))
            yield Slice(at, posts, 0 if is_last else before)
            if is_last:
                return
    finally:
        task.cancel()


async def _ask(forum: Forum, before: int | None) -> tuple[datetime, list[Json]]:
    at = datetime.now(UTC)
    return at, await forum.latest(before)


class _Waiting:
    """A slice whose replies are not all resolved."""

    def __init__(self, found: Slice, reached: _Position) -> None:
        self.slice = found
        self.reached = reached
        self.answered: dict[int, int | None] = {}
        self.wanted: dict[tuple[int, int], list[int]] = {}
        for post in found.posts:
            if isinstance(post.get("reply_to_post_number"), int):
                self.wanted.setdefault((post["topic_id"], post["reply_to_post_number"]), []).append(
                    post["id"]
                )

    def meet(self, topic: int, number: int, id_: int | None) -> None:
        for reply in self.wanted.pop((topic, number), ()):
            self.answered[reply] = id_


class History:
    """Reads history for one source, and what changed in it."""

    def __init__(self, forum: Forum, ledger: Ledger) -> None:
        self._forum = forum
        self._ledger = ledger

    async def places(self, cursors: Mapping[str, str]) -> Page:
        """The categories: those there are, those gone, and those that refuse."""
        draft, refusals, readable = await self._forum.categories(probe=True)
        gone = []
        for id_ in orjson.loads(cursors.get("categories") or "[]"):
            if id_ not in self._forum.open and id_ not in self._forum.closed:
                try:
                    await self._forum.get(f"/c/{id_}/show.json")
                except Told as error:
                    if error.is_gone:
                        gone.append(ChannelGone(id_, draft.observed_at))
                        continue
                refusals.append(await self._forum.refusal(id_))
        known = sorted({*self._forum.open, *(refusal.channel_id for refusal in refusals)})
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

    async def _down(self, reached: _Position, since: datetime) -> AsyncIterator[Page]:
        """One descent, from the top or from where it stopped."""
        waiting = deque[_Waiting]()
        wanted: dict[tuple[int, int], list[_Waiting]] = {}
        ready: list[_Waiting] = []
        async for last in self._slices(reached, since):
            for key in last.wanted:
                wanted.setdefault(key, []).append(last)
            waiting.append(last)
            for post in last.slice.posts:
                key = (post["topic_id"], number_of(post))
                for other in wanted.pop(key, ()):
                    other.meet(*key, post["id"])
            while waiting and (not waiting[0].wanted or len(waiting) > _WAITING_PAGES):
                ready.append(waiting.popleft())
            if len(ready) >= _TOGETHER:
                async for page in self._tell(ready, since):
                    yield page
                ready.clear()
        left = [*ready, *waiting]
        for first in range(0, len(left), _TOGETHER):
            async for page in self._tell(left[first : first + _TOGETHER], since):
                yield page

    async def _slices(self, reached: _Position, since: datetime) -> AsyncIterator[_Waiting]:
        """The answers of one descent, each with the position after it."""
        top, old = reached.top, 0
        floor = max(reached.mark - OVERLAP, 0)
        async with aclosing(descend(self._forum, reached.before or None, floor)) as slices:
            async for found in slices:
                top = top or max((post["id"] for post in found.posts), default=0)
                next_ = found.next
                is_old = bool(found.posts) and all(_time(post) < since for post in found.posts)
                old = old + 1 if is_old else 0
                if old * _WINDOW >= OVERLAP and next_:
                    old = 0
                    next_ = next_ if await self._is_young_below(next_, floor, since) else 0
                if not next_:
                    yield _Waiting(found, _Position(top, reached.since))
                    return
                yield _Waiting(found, reached._replace(top=top, before=next_))

    async def _tell(self, told: list[_Waiting], since: datetime) -> AsyncIterator[Page]:
        """The page of some slices; what their replies answer is looked up where it was not met on the way.

        Further down stand only older posts, so that what was true of the first slice's moment is true of all.
        """
        draft = Draft(_STREAM, told[0].slice.at)
        for waited in told:
            posts = waited.slice.posts
            if waited.wanted:
                for post in posts:
                    if (post["topic_id"], post.get("reply_to_post_number")) in waited.wanted:
                        waited.answered[post["id"]] = await self._forum.answered(post)
            self._forum.remember(posts)
            young = [post for post in posts if _time(post) >= since]
            await self._forum.tell_latest(young, draft, waited.answered)
        for message in draft.messages:
            self._ledger.note(int(message.thread_id or 0), message.created_at, message.channel_id)
        for page in self._ledger.pages():
            yield page
        reached = told[-1].reached
        yield draft.page(
            reached.text, 1 - reached.before / reached.top if reached.before and reached.top else 1.0
        )

    async def _is_young_below(self, before: int, floor: int, since: datetime) -> bool:
        """Whether further down there are posts after `since`: an import gives young numbers to old posts."""
        stride = _STRIDE
        while before - stride > max(floor, 0):
            if any(_time(post) >= since for post in await self._forum.latest(before - stride)):
                return True
            stride *= 2
        return False

    # --- topics ---------------------------------------------------------------------------------------------------

    async def bumped(self, since: datetime) -> list[Json]:
        """The topics that were last bumped after a moment, each once."""
        found: dict[int, Json] = {}
        number = 0
        while True:
            rows = await self._forum.topics(number)
            new = [row for row in rows if row["id"] not in found]
            found.update((row["id"], row) for row in new if bumped_at(row) >= since)
            if not new or any(not row.get("pinned") and bumped_at(row) < since for row in rows):
                return list(found.values())
            number += 1

    async def solutions(self, since: datetime) -> AsyncIterator[Page]:
        """Topics with an accepted answer, those that vanished while the posts were read, and those not met there."""
        listed = await self.bumped(since)
        solved = [
            row["id"] for row in listed
            if str(row.get("category_id")) not in self._forum.closed
            and (row.get("has_accepted_answer") or row["id"] not in self._ledger.topics)
        ]  # fmt: skip
        gone = self._ledger.since(since) - {row["id"] for row in listed}
        async for page in self.topics([*solved, *sorted(gone)]):
            yield page

    async def sweep(self, since: datetime) -> AsyncIterator[Page]:
        """All topics bumped after a moment, read whole; and those that should be among them but are not."""
        listed = [row["id"] for row in await self.bumped(since)]
        async for page in self.topics([*listed, *sorted(self._ledger.since(since) - set(listed))]):
            yield page

    async def topics(self, ids: Iterable[int]) -> AsyncIterator[Page]:
        """These topics, each whole; two are read at a time."""
        left = deque(ids)
        under_way: deque[tuple[int, asyncio.Task[Page | None]]] = deque()
        try:
            while left or under_way:
                while left and len(under_way) < THREADS:
                    under_way.append((left[0], asyncio.create_task(self._topic(left.popleft()))))
                id_, task = under_way[0]
                at, page = datetime.now(UTC), await task
                under_way.popleft()
                for known in self._ledger.pages():
                    yield known
                if page is not None:
                    yield page
                    continue
                swept = Swept(self._ledger.category(id_), identity(id_))
                yield Page("", None, at, swept=(swept,))
                self._ledger.drop(id_)  # only now: whoever is stopped before asks for it again
            for known in self._ledger.pages():
                yield known
        finally:
            for _, task in under_way:
                task.cancel()

    async def _topic(self, id_: int) -> Page | None:
        """One topic as it stands, whole; None when it is gone."""
        at = datetime.now(UTC)
        try:
            found = await self._forum.read(id_)
        except Told as error:
            category = self._ledger.category(id_)
            if category in self._forum.open:
                return Page("", None, at, refusals=(await self._forum.refusal(category),))
            # Its category was closed to us, or nobody knows it: what we have of it stays as it is.
            await self._forum.listing(self._forum.client.latest_topics, page=0)
            return Page("", None, at, left_out={f"topic that may not be read ({error.status})": 1})
        if found is None:
            return None
        page = await self._forum.tell_topic(found, "")
        for message in page.messages:
            self._ledger.note(id_, message.created_at, message.channel_id)
        return page


def bumped_at(row: Json) -> datetime:
    """When a topic in a list was last bumped."""
    return iso_moment(
        row.get("bumped_at") or row.get("last_posted_at") or row.get("created_at") or "2013-01-01"
    )


def _time(post: Any) -> datetime:
    """When a post was made; one that does not say it is never too old."""
    try:
        return iso_moment(post["created_at"])
    except (KeyError, TypeError, ValueError):
        return datetime.max.replace(tzinfo=UTC)
