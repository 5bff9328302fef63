"""One forum as we see it: its categories, and its posts and topics read and turned into pages.

What `fetch` and `listen` have in common; they share one `Forum`, and with it what it has learned.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from connectors.discourse_calls import Calls, NoList, Told, denied, stranger
from connectors.discourse_categories import Categories
from connectors.discourse_messages import (
    Topic,
    answers_to,
    mark_bot,
    number_of,
    posts_in,
    tell_post,
    topic_of,
    topic_of_post,
)
from connectors.discourse_tags import Tags
from connectors.paging import Draft
from connectors.records import Page, Swept

_log = logging.getLogger("connectors.discourse")
_SHAPES = (KeyError, TypeError, ValueError, AttributeError)
_CHUNK = 20
_REMEMBERED = 50_000
Json = Mapping[str, Any]


class Client(Protocol):
    """What we use of the library's client."""

    def _get(self, path: str, **parameters: Any) -> Any: ...
    def _post(self, path: str, **parameters: Any) -> Any: ...
    def _put(self, path: str, **parameters: Any) -> Any: ...
    def latest_posts(self, before: int | None = None, **parameters: Any) -> Any: ...  # noqa: D102 - the library's
    def posts(self, topic_id: int, post_ids: list[int] | None = None, **parameters: Any) -> Any: ...  # noqa: D102 - the library's
    def topic_posts(self, topic_id: int, **parameters: Any) -> Any: ...  # noqa: D102 - the library's
    def latest_topics(self, **parameters: Any) -> Any: ...  # noqa: D102 - the library's


class Read(NamedTuple):
    """A topic as it stood when the reading of it began."""

    facts: Json
    topic: Topic
    posts: list[Json]
    at: datetime
    is_whole: bool = True
    """Whether these are all of its posts."""


class Forum:
    """Reads one forum and remembers what it needs to understand the rest."""

    def __init__(self, client: Client, calls: Calls, settings: Mapping[str, Any], address: str) -> None:
        self.client = client
        self.calls = calls
        self.address = address
        self.categories = Categories(self, settings)
        self.user = str(settings.get("user") or "system")
        """The bot's own user name."""
        self._authors: set[str] = set()
        self._numbers: dict[tuple[int, int], int] = {}
        self.tags = Tags()
        self.solved: dict[int, int | None] = {}
        """Topic -> the number of its accepted answer, of the topics that were read."""
        self.posts_tell_solved = False
        """Whether posts say themselves that they are the accepted answer."""

    # --- asking -------------------------------------------------------------------------------------------------

    async def get(self, path: str, **parameters: Any) -> Any:
        """Ask for a path."""
        return await self.calls.read(self.client._get, path, **parameters)  # noqa: SLF001 - as its makers advise

    async def listing(self, call: Callable[..., Any], *args: Any, **parameters: Any) -> Any:
        """Ask for something that every reader may see, so that a no means the key.

        Raises:
            Misconfigured: the forum does not accept the key.
        """
        try:
            return await self.calls.read(call, *args, **parameters)
        except Told as error:
            raise (stranger(self.address) if error.is_gone else denied(self.address)) from error

    async def latest(self, before: int | None) -> list[Json]:
        """A page of the newest posts.

        Raises:
            NoList: the forum gives none.
            Misconfigured: the forum does not accept the key.
        """
        try:
            found = await self.calls.read(self.client.latest_posts, before)
        except Told as error:
            await self.topics(0)  # whether it is the key, or no forum at all
            _log.warning(
                "the forum gives no list of its newest posts (%s): its topics are read", error.status
            )
            raise NoList from error
        rows = found.get("latest_posts") if isinstance(found, dict) else None
        return [
            row for row in rows or ()
            if isinstance(row, dict) and all(type(row.get(key)) is int for key in ("id", "topic_id"))
        ]  # fmt: skip

    async def newest(self) -> int:
        """The id of the newest post that everybody sees, for an old forum whose newest ids are all something else."""
        found = 0
        for row in await self.topics(0):
            try:
                facts = await self.get(f"/t/{row['id']}.json")
            except Told:
                continue
            posts = [post["id"] for post in posts_in(facts)]
            found = max([found, *(facts["post_stream"].get("stream") or posts)])
            if not row.get("pinned"):
                break  # the list is in the order of the last post, but for what is pinned
        return found

    async def topics(self, page: int, **order: str) -> list[Json]:
        """A page of the list of topics, the last bumped first unless `order` says otherwise."""
        found = await self.listing(self.client.latest_topics, page=page, **order)
        told = (found.get("topic_list") or {}).get("topics") if isinstance(found, dict) else None
        rows: list[Json] = [
            row for row in told or () if isinstance(row, dict) and isinstance(row.get("id"), int)
        ]
        self.tags.note(rows)
        return rows

    # --- posts --------------------------------------------------------------------------------------------------

    def remember(self, posts: Iterable[Json]) -> None:
        """Note which post has which number, as replies name each other so."""
        if len(self._numbers) > _REMEMBERED:
            self._numbers.clear()
        for post in posts:
            if number := number_of(post):
                self._numbers[post["topic_id"], number] = post["id"]

    async def answered(self, post: Json) -> int | None:
        """The id of the post that this one replies to; looked up in its topic where it was not met yet."""
        number = answers_to(post)
        return None if number is None else await self.id_of(post["topic_id"], number)

    async def id_of(self, topic: int, number: int) -> int | None:
        """The id of the post with this number in a topic; None where there is none."""
        if (topic, number) not in self._numbers:
            await self._find_number(topic, number)
        return self._numbers.get((topic, number))

    async def _find_number(self, topic: int, number: int) -> None:
        """Read as much of a topic as it takes to meet the post with this number."""
        try:
            facts = await self.get(f"/t/{topic}.json")
        except Told:
            return
        self._note(posts_in(facts), topic)
        stream = facts["post_stream"].get("stream") or []
        # Numbers of deleted posts are missing in the stream, so the post stands at or before this place.
        end = min(number, len(stream))
        lowest = number + 1
        while end > 0 and (topic, number) not in self._numbers and lowest > number:
            found = await self.chunk(topic, stream[max(0, end - _CHUNK) : end])
            self._note(found, topic)
            lowest = min(map(number_of, found), default=0)
            end -= _CHUNK

    def _note(self, posts: Iterable[Json], topic: int) -> None:
        self.remember({**post, "topic_id": topic} for post in posts)

    async def tell_latest(
        self, posts: Collection[Json], draft: Draft, answered: Mapping[int, int | None]
    ) -> None:
        """Write posts of `/posts.json` into a draft."""
        await self.tags.learn(posts, lambda page: self.topics(page, order="created"))
        for post in posts:
            self.posts_tell_solved = self.posts_tell_solved or "accepted_answer" in post
            try:
                topic = await self._topic_of(post)
                if topic is None or topic.is_private:
                    continue
                if not await self.categories.is_open(topic.channel):
                    draft.left_out["post in a private category"] += 1
                    continue
                tell_post(post, topic, answered.get(post["id"]), self.address, self._authors, draft)
            except _SHAPES:
                draft.left_out["unreadable row"] += 1
        mark_bot(self.user, draft)

    async def _topic_of(self, post: Json) -> Topic | None:
        if "category_id" in post and "topic_title" in post:
            id_ = post["topic_id"]
            return topic_of_post(post, self.solved.get(id_), self.tags.of(id_))
        try:
            return topic_of(await self.get(f"/t/{post['topic_id']}.json"))
        except Told:
            return None

    # --- topics -------------------------------------------------------------------------------------------------

    async def read(self, topic: int) -> Read | None:
        """A topic with all its posts; None when there is none.

        Raises:
            Told: it may not be read.
        """
        at = datetime.now(UTC)
        try:
            facts = await self.get(f"/t/{topic}.json", include_raw="true")
        except Told as error:
            if error.is_gone:
                return None
            raise
        stream = facts["post_stream"].get("stream")
        posts = {post["id"]: post for post in posts_in(facts)}
        is_whole = True
        if stream is None:
            is_whole = await self._read_mega(topic, posts, facts.get("posts_count") or 0)
        else:
            missing = [id_ for id_ in stream if id_ not in posts]
            chunks = [missing[n : n + _CHUNK] for n in range(0, len(missing), _CHUNK)]
            for found in await asyncio.gather(*(self.chunk(topic, chunk) for chunk in chunks)):
                posts.update((post["id"], post) for post in found)
        rows = await asyncio.gather(*map(self.with_raw, posts.values()))
        ordered = sorted((post for post in rows if post is not None), key=number_of)
        self._note(ordered, topic)
        told = topic_of(facts)
        if len(self.solved) > _REMEMBERED:
            self.solved.clear()
        self.solved[topic] = told.solved
        self.tags.note([facts])
        return Read(facts, told, ordered, at, is_whole)

    async def chunk(self, topic: int, ids: Collection[int]) -> list[Json]:
        """These posts of a topic, as far as they stand; a forum may give fewer at a time than it is asked for."""
        found: dict[int, Json] = {}
        wanted = list(ids)
        while wanted:
            told = await self.calls.read(self.client.posts, topic, wanted, include_raw="true")
            rows = {row["id"]: row for row in posts_in(told) if row["id"] in wanted}
            found |= rows
            wanted = [id_ for id_ in wanted if id_ not in rows]
            if not rows:
                break
        for id_ in wanted:
            try:
                found[id_] = await self.get(f"/posts/{id_}.json")
            except Told as error:
                if not error.is_gone:
                    found[id_] = {"id": id_, "topic_id": topic}  # it is there, and cannot be read
        return list(found.values())

    async def _read_mega(self, topic: int, posts: dict[int, Json], count: int) -> bool:
        """A topic so large that the forum does not say which posts are in it: go on from the last one met.

        Returns:
            Whether there are as many as the forum counts.
        """
        more = True
        while more:
            last = max(map(number_of, posts.values()), default=0)
            try:
                found = await self.calls.read(
                    self.client.topic_posts, topic, post_number=last, asc="true", include_raw="true"
                )
            except Told as error:
                if not error.is_gone:
                    raise
                break
            rows = posts_in(found)
            posts.update((post["id"], post) for post in rows)
            more = max(map(number_of, rows), default=0) > last
        return len(posts) >= count

    async def with_raw(self, post: Json) -> Json | None:
        """The post with what its author typed, from a forum that did not say it along with the topic."""
        if post.get("raw") is not None or not post.get("cooked"):
            return post
        try:
            whole = await self.get(f"/posts/{post['id']}.json")
        except Told as error:
            return None if error.is_gone else post
        return {**post, "raw": whole.get("raw")}

    async def tell_topic(self, found: Read, stream: str) -> Page:
        """A page with all of a topic, so that whatever is not on it is known to be gone."""
        draft = Draft(stream, found.at)
        topic = found.topic
        numbers = {number_of(post): post["id"] for post in found.posts}
        if topic.is_private or not await self.categories.is_open(topic.channel):
            draft.left_out = Counter({"post in a private category": len(found.posts)})
        else:
            for post in found.posts:
                try:
                    answered = numbers.get(answers_to(post) or 0)
                    tell_post(post, topic, answered, self.address, self._authors, draft)
                except _SHAPES:
                    draft.left_out["unreadable row"] += 1
        # What could not be read is still there.
        is_whole = found.is_whole and not draft.left_out["unreadable row"]
        swept = (Swept(topic.channel, topic.id),) if is_whole else ()
        mark_bot(self.user, draft)
        return draft.page(None, 0.0)._replace(fraction=None, swept=swept)
