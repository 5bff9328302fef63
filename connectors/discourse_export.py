"""A Discourse archive (a ZIP or folder of API responses), read into what the live forum would have told.

Files are known by what is in them, not by their names: topics (`post_stream`, `id`), further pages of their posts,
categories, and users. All pages of one topic are read together, as replies name each other by their number in it.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.archive import Bundle, Unreadable
from connectors.discourse_messages import (
    UNCATEGORIZED,
    categories_below,
    category_of,
    number_of,
    tell_account,
    tell_post,
    topic_of,
)
from connectors.json_stream import BrokenJson, load
from connectors.paging import Draft, Part, pages
from connectors.records import Channel, Page, Problem
from connectors.values import Settings, iso_moment, words

_PEOPLE = "people"
_ACCOUNT = (
    "id", "username", "name", "email", "website", "admin", "moderator", "groups", "suspended_till", "active", "created_at",
)  # fmt: skip
_LIST_KEYS = ("users", "members", "directory_items")


class DiscourseArchive:
    """Reads archives of one forum. Categories that not everybody may read are read when `include` names them."""

    def __init__(self, paths: Sequence[Path], settings: Mapping[str, Any]) -> None:
        self._paths = paths
        self._settings = Settings(settings)

    async def fetch(self, cursors: Mapping[str, str]) -> AsyncIterator[Page]:
        """Yield everything not yet read, given the cursor of each stream; works for the time of a page at a go."""
        for page in pages("discourse", self._paths, cursors, lambda bundle: _Archive(bundle, self._settings)):
            yield page


class _Archive:
    """One archive, opened. It is looked through twice: first for what lies where, then topic by topic."""

    def __init__(self, bundle: Bundle, settings: Settings) -> None:
        self._bundle = bundle
        self._settings = settings
        self._url = settings.url
        self.stream = settings.stream("discourse", bundle)
        self._topics: dict[int, list[str]] = {}
        self._accounts: dict[str, dict[str, Any]] = {}
        self._categories: dict[str, Channel] = {}
        self._closed: set[str] = set()
        self._known: set[str] = set()
        self._problems: list[Problem] = []
        self._listed: list[Any] = []
        self._newest = ""
        for name in bundle.entries:
            try:
                self._note(name, load(bundle.read(name)))
            except Unreadable as error:
                self._problems.append(error.problem)
            except BrokenJson as error:
                cure = "Download it again, and import the archive again."
                self._problems.append(Problem(bundle.where(name), str(error), cure))
        self.observed_at = self._made()
        weights = {
            f"topic {id_}": sum(bundle.entries[name] for name in names)
            for id_, names in sorted(self._topics.items())
        }
        self.entries = ({_PEOPLE: len(self._accounts)} if self._accounts else {}) | weights

    def _note(self, name: str, found: Any) -> None:
        """Remember what a file holds."""
        if people := _people(found):
            for row in people:
                # One account may stand in several files, each telling something else of it.
                known = self._accounts.setdefault(str(row["id"]), {})
                known.update({key: row[key] for key in _ACCOUNT if row.get(key) is not None})
        elif isinstance(found, dict) and isinstance(found.get("post_stream"), dict):
            self._note_topic(name, found)
        elif isinstance(found, dict):
            lists = found.get("category_list")
            rows = (lists if isinstance(lists, dict) else found).get("categories")
            self._listed += rows if isinstance(rows, list) else []
            about = found.get("about")
            for place in (found, about if isinstance(about, dict) else {}):
                address = str(place.get("base_url") or place.get("url"))
                if not self._url and address.startswith(("http://", "https://")):
                    self._url = address.rstrip("/")

    def _note_topic(self, name: str, found: Mapping[str, Any]) -> None:
        if type(found.get("id")) is not int:
            return
        self._topics.setdefault(found["id"], []).append(name)
        posts = found["post_stream"].get("posts")
        for post in posts if isinstance(posts, list) else ():
            if isinstance(post, dict) and isinstance(post.get("updated_at"), str):
                self._newest = max(self._newest, post["updated_at"])

    def _made(self) -> datetime:
        """When the archive was made: by the ZIP's dates, unless posts in it are younger."""
        try:
            newest = iso_moment(self._newest) + timedelta(seconds=1)
        except ValueError:
            newest = datetime(2013, 1, 1, tzinfo=UTC)
        made = self._bundle.made
        return made if made is not None and made >= newest else newest

    # --- categories ---------------------------------------------------------------------------------------------

    def begin(self, draft: Draft) -> None:
        draft.problems += self._problems
        self._admit(self._listed, None, draft)
        draft.channels.extend(self._categories.values())

    def _admit(self, rows: Iterable[Any], parent: str | None, draft: Draft) -> None:
        for row in rows:
            try:
                channel = category_of(row, parent, self._url)
                names, below = (channel.id, channel.name, words(row.get("slug"))), list(categories_below(row))
            except (KeyError, TypeError, ValueError, AttributeError):
                what = f"has a category of unknown form ({str(row)[:60]})"
                draft.problems.append(Problem(self._bundle.name, what, "It was skipped."))
                continue
            if channel.is_private and not self._settings.names(*names):
                if channel.id not in self._closed:
                    draft.left_out["private category"] += 1
                self._closed.add(channel.id)
            else:
                self._categories.setdefault(channel.id, channel)
            self._admit(below, channel.id, draft)

    # --- people -------------------------------------------------------------------------------------------------

    def part(self, entry: str, draft: Draft) -> Part | None:
        if entry == _PEOPLE:
            return Part(self._accounts.values(), self._user, self.observed_at)
        return self._topic(int(entry.removeprefix("topic ")), draft)

    def _user(self, row: Any, draft: Draft) -> None:
        self._known.add(tell_account(row, draft))

    # --- topics -------------------------------------------------------------------------------------------------

    def _topic(self, id_: int, draft: Draft) -> Part | None:
        facts: dict[str, Any] = {}
        posts: dict[str, tuple[str, Any]] = {}
        for name in self._topics[id_]:
            found = load(self._bundle.read(name))
            rows = found["post_stream"].get("posts")
            if not isinstance(rows, list):
                raise BrokenJson("holds a topic whose posts are no list")
            for post in rows:
                key, age = _facts_of(post)
                if key not in posts or posts[key][0] < age:
                    posts[key] = (age, post)
            if "title" in found:
                facts = found
        if not facts:
            what = (
                f"holds posts of topic {id_} without the topic itself, so nobody knows whether it is public"
            )
            draft.problems.append(
                Problem(
                    self._bundle.where(self._topics[id_][0]),
                    what,
                    f"Save /t/{id_}.json into the archive as well.",
                )
            )
            draft.left_out["post without its topic"] += len(posts)
            return None
        topic = topic_of(facts)
        if topic.is_private or topic.channel in self._closed:
            is_closed = topic.channel in self._closed
            draft.left_out["post in a private category" if is_closed else "private message"] += len(posts)
            return None
        channels = [Channel(UNCATEGORIZED, UNCATEGORIZED)] if topic.channel == UNCATEGORIZED else []
        ordered = sorted((post for _, post in posts.values()), key=number_of)
        numbers = {number_of(post): post.get("id") for post in ordered if isinstance(post, dict)}

        def accept(post: Any, draft: Draft) -> None:
            tell_post(
                post, topic, numbers.get(post.get("reply_to_post_number")), self._url, self._known, draft
            )

        return Part(ordered, accept, self.observed_at, channels)


def _people(found: Any) -> list[Any]:
    """The accounts in a file of accounts: a profile, the administrators' list, a directory; else nothing."""
    if isinstance(found, dict):
        rows = (
            [found["user"]]
            if "user" in found
            else next((found[key] for key in _LIST_KEYS if key in found), [])
        )
    else:
        rows = found
    if not isinstance(rows, list):
        return []
    people = [row.get("user", row) if isinstance(row, dict) else row for row in rows]
    return (
        people if all(isinstance(row, dict) and "username" in row and "id" in row for row in people) else []
    )


def _facts_of(post: Any) -> tuple[str, str]:
    """What tells a post from others, and the state it was saved in."""
    if isinstance(post, dict) and isinstance(post.get("id"), int):
        return str(post["id"]), str(post.get("updated_at"))
    return repr(post), ""
