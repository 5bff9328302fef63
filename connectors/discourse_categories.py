"""A forum's categories: which there are, and which are ours to read."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from connectors.discourse_calls import Told
from connectors.discourse_messages import UNCATEGORIZED, categories_below, category_of
from connectors.paging import Draft
from connectors.records import Channel, Refusal
from connectors.values import Settings, words

_log = logging.getLogger("connectors.discourse")
_SHAPES = (KeyError, TypeError, ValueError, AttributeError)
Json = Mapping[str, Any]


class Asked(Protocol):
    """What we use of a forum."""

    client: Any
    address: str

    async def get(self, path: str, **parameters: Any) -> Any:
        """Ask for a path."""
        ...

    async def listing(self, call: Callable[..., Any], *args: Any, **parameters: Any) -> Any:
        """Ask for something that every reader may see."""
        ...


class Categories:
    """The categories of one forum, as they were last read."""

    def __init__(self, forum: Asked, settings: Mapping[str, Any]) -> None:
        self._forum = forum
        self._settings = Settings(settings)
        self._found: dict[str, tuple[Channel, tuple[str, ...]]] = {}
        self._unlisted: set[str] = set()
        """Those that the forum told of only when asked for them."""
        self.closed: set[str] = set()
        """Those that are not ours to read: excluded, or not everybody may and nobody named them."""
        self.hidden: dict[str, Channel] = {}
        """Those of them that not everybody may read."""
        self.open: dict[str, Channel] = {}

    async def read(self, *, probe: bool) -> tuple[Draft, list[Refusal], list[str]]:
        """Read all categories; with `probe` each is asked for, to see whether it may be read.

        Returns:
            A draft with the channels, the refusals, and the categories that answered.
        """
        draft = Draft("categories", datetime.now(UTC))
        try:
            site = await self._forum.get("/site.json")
        except Told:
            site = None  # whether it is the key is seen by the next question
        rows = site.get("categories") if isinstance(site, dict) else None
        if not rows:  # a forum with very many categories tells them on demand
            lists = await self._forum.listing(
                self._forum.client._get, "/categories.json", include_subcategories="true"  # noqa: SLF001 - as above
            )  # fmt: skip
            rows = lists["category_list"]["categories"]
        self._found = {id_: self._found[id_] for id_ in self._unlisted & self._found.keys()}
        self._collect(rows, None)
        self._judge()
        draft.left_out["private category"] = len(self.hidden)
        draft.left_out["excluded category"] = len(self.closed - self.hidden.keys())
        draft.channels.extend(self.open.values())
        refusals: list[Refusal] = []
        if probe:
            answers = await asyncio.gather(*(self._refusal(id_) for id_ in self.open))
            refusals = [answer for answer in answers if answer is not None]
        refused = {refusal.channel_id for refusal in refusals}
        return draft, refusals, [id_ for id_ in self.open if probe and id_ not in refused]

    def _collect(self, rows: Iterable[Any], parent: str | None) -> None:
        for row in rows:
            try:
                channel = category_of(row, parent, self._forum.address)
                self._found[channel.id] = (channel, (channel.id, channel.name, words(row.get("slug"))))
                self._collect(categories_below(row), channel.id)
            except _SHAPES:
                _log.warning("a category of unknown form was skipped")

    def _judge(self) -> None:
        excluded = {id_ for id_ in self._found if self._is_excluded(id_)}
        self.hidden = {
            id_: channel for id_, (channel, names) in self._found.items()
            if channel.is_private and not self._settings.names(*names)
        }  # fmt: skip
        self.closed = excluded | self.hidden.keys()
        self.open = {id_: channel for id_, (channel, _) in self._found.items() if id_ not in self.closed}

    def _is_excluded(self, id_: str) -> bool:
        """Whether the operator excluded a category, or one around it."""
        around: set[str] = set()
        while id_ in self._found and id_ not in around:
            channel, names = self._found[id_]
            if self._settings.excludes(*names):
                return True
            around.add(id_)
            id_ = channel.parent_id or ""
        return False

    async def _refusal(self, category: str) -> Refusal | None:
        """Why a category may not be read; None if it may."""
        try:
            await self._forum.get(f"/c/{category}/show.json")
        except Told as error:
            return await self.refusal(category) if error.status == 403 else None  # noqa: PLR2004 - forbidden
        return None

    async def refusal(self, category: str) -> Refusal:
        """A category that said no, while the key is good.

        Raises:
            Misconfigured: it is the key that is refused.
        """
        await self._forum.listing(self._forum.client.latest_topics, page=0)
        name = self.open[category].name if category in self.open else category
        return Refusal(
            category,
            f"The category {name} may not be read by the API user. Give it the right to see the category in its "
            "settings (Security), or use the key of a user who has it.",
        )

    async def is_open(self, category: str) -> bool:
        """Whether a category's posts are ours to read; one never heard of is looked up first."""
        if category not in self.open and category not in self.closed and category != UNCATEGORIZED:
            await self.read(probe=False)
            if category not in self._found:  # forums with very many categories list only some
                await self._look_up(category)
        return category not in self.closed

    async def _look_up(self, category: str) -> None:
        try:
            found = await self._forum.get(f"/c/{category}/show.json")
            self._collect([found["category"]], None)
            self._unlisted.add(category)
        except (Told, *_SHAPES):
            _log.info("a category that cannot be looked up is left alone")
        self._judge()
        if category not in self._found:
            self.closed.add(category)

    async def ours(self, posts: Iterable[Json]) -> list[Json]:
        """The posts that are ours to read, as far as they say where they stand."""
        return [post for post in posts if await self.is_open(str(post.get("category_id") or UNCATEGORIZED))]
