"""A forum's topics, read whole; and which of them have to be.

The list of newest posts shows fifty posts a question, but neither what is gone nor the odd kinds of post, and on old
forums no solutions. What it does not show is seen by comparing: what the list of topics says of each, and what we hold.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta

from connectors.base import Held
from connectors.discourse_calls import THREADS, Told, abandon
from connectors.discourse_forum import Forum, Json
from connectors.records import Page, Swept, Thread
from connectors.values import identity, iso_moment

_STREAM = "topics"
_GRACE = timedelta(minutes=5)
"""A topic is bumped when a post begins to be written; it is seen a little later."""


class Topics:
    """Reads the topics of one source."""

    def __init__(self, forum: Forum) -> None:
        self._forum = forum

    # --- which ----------------------------------------------------------------------------------------------------

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

    async def catch_up(
        self, cursors: Mapping[str, str], since: datetime, held: Held, *, whole: bool = False
    ) -> AsyncIterator[Page]:
        """After the posts: the topics that are unknown, gone, or solved otherwise than we hold. The cursor is "since until".

        `whole`: no posts were told before, so topics with other posts than we hold are read too.
        """
        began = datetime.now(UTC)
        first, _, until = (cursors.get(_STREAM) or "").partition(" ")
        begin = max(since, iso_moment(until) - _GRACE) if until and iso_moment(first) <= since else since
        async for page in self.read(await self._differing(begin, await held.threads(begin), whole=whole)):
            yield page
        yield Page(_STREAM, f"{since.isoformat()} {began.isoformat()}", began)

    async def sweep(
        self, since: datetime, held: Held, seen: set[int], began: datetime
    ) -> AsyncIterator[Page]:
        """After all posts since a moment were read again, from `began` on, and `seen`: also those that lack posts of ours."""
        known = await held.threads(since)
        differing = await self._differing(since, known, whole=True)
        for id_, thread in (await held.messages(since, began)).items():
            if int(id_) not in seen and thread in known:
                differing[int(thread)] = known[thread].channel_id
        async for page in self.read(differing):
            yield page

    async def _differing(
        self, since: datetime, known: Mapping[str, Thread], *, whole: bool = False
    ) -> dict[int, str]:
        """The topics to be read, with the category in which we hold them (empty: none)."""
        rows = {str(row["id"]): row for row in await self.bumped(since)}
        closed = self._forum.categories.closed
        found = {
            int(id_): known[id_].channel_id if id_ in known else "" for id_, row in rows.items()
            if str(row.get("category_id")) not in closed
            and (id_ not in known or self._differs(row, known[id_], whole=whole))
        }  # fmt: skip
        gone = {int(id_): known[id_].channel_id for id_ in known.keys() - rows.keys()}
        return found | {id_: gone[id_] for id_ in sorted(gone) if gone[id_] not in closed}

    def _differs(self, row: Json, known: Thread, *, whole: bool) -> bool:
        solved = row.get("has_accepted_answer")
        if solved is not None and bool(solved) != known.is_solved:
            return True
        # Posts of which we know no kind may be counted too: then it is read each time.
        is_other = row.get("posts_count") not in {None, known.messages}
        return whole and (is_other or (bool(solved) and not self._forum.posts_tell_solved))

    # --- reading --------------------------------------------------------------------------------------------------

    async def read(self, topics: Mapping[int, str]) -> AsyncIterator[Page]:
        """These topics, each whole, two at a time. `topics`: with the category in which we hold each, if we know it."""
        left = deque(topics.items())
        under_way: deque[asyncio.Task[Page]] = deque()
        try:
            while left or under_way:
                while left and len(under_way) < THREADS:
                    under_way.append(asyncio.create_task(self._topic(*left.popleft())))
                page = await under_way[0]
                under_way.popleft()
                yield page
        finally:
            for task in under_way:
                abandon(task)

    async def _topic(self, id_: int, category: str) -> Page:
        """One topic as it stands, whole, so that whatever is not on the page is known to be gone."""
        at = datetime.now(UTC)
        try:
            found = await self._forum.read(id_)
        except Told as error:
            if category in self._forum.categories.open:
                return Page("", None, at, refusals=(await self._forum.categories.refusal(category),))
            # Its category was closed to us, or nobody knows it: what we have of it stays as it is.
            await self._forum.listing(self._forum.client.latest_topics, page=0)
            return Page("", None, at, left_out={f"topic that may not be read ({error.status})": 1})
        if found is None:
            return Page("", None, at, swept=(Swept("", identity(id_)),))
        return await self._forum.tell_topic(found, "")


def bumped_at(row: Json) -> datetime:
    """When a topic in a list was last bumped."""
    return iso_moment(
        row.get("bumped_at") or row.get("last_posted_at") or row.get("created_at") or "2013-01-01"
    )
