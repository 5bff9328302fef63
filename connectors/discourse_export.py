"""A Discourse archive (a ZIP or folder of API responses), read into what the live forum would have told.

Files are known by what is in them, not by their names: topics (`post_stream`, `id`), further pages of their posts,
categories, and users. All pages of one topic are read together, as replies name each other by their number in it.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.archive import Bundle, Unreadable
from connectors.json_stream import BrokenJson, load
from connectors.paging import Draft, Part, pages
from connectors.records import Channel, Join, Member, Message, Page, Problem
from connectors.text import plain
from connectors.values import Settings, identity, iso_moment, micros, number, words

_REGULAR, _MODERATOR_ACTION = 1, 2
_KINDS = {3: "small action", 4: "whisper"}
_LIKE = 2
_SYSTEM_BOTS = frozenset({-1, -2})
_UNCATEGORIZED = "uncategorized"
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
                id_, name, slug = identity(row["id"]), words(row["name"]), words(row.get("slug"))
                above = row.get("parent_category_id")
                parent_id = parent if above is None else identity(above)
                is_private = row.get("read_restricted") is True
                below = row.get("subcategory_list") or ()
            except (KeyError, TypeError, ValueError, AttributeError):
                what = f"has a category of unknown form ({str(row)[:60]})"
                draft.problems.append(Problem(self._bundle.name, what, "It was skipped."))
                continue
            if is_private and not self._settings.names(id_, name, slug):
                if id_ not in self._closed:
                    draft.left_out["private category"] += 1
                self._closed.add(id_)
            else:
                url = f"{self._url}/c/{slug or '-'}/{id_}" if self._url else None
                self._categories.setdefault(id_, Channel(id_, name, parent_id, is_private, url=url))
            self._admit((item for item in below if isinstance(item, dict)), id_, draft)

    # --- people -------------------------------------------------------------------------------------------------

    def part(self, entry: str, draft: Draft) -> Part | None:
        if entry == _PEOPLE:
            return Part(self._accounts.values(), self._user, self.observed_at)
        return self._topic(int(entry.removeprefix("topic ")), draft)

    def _user(self, row: Any, draft: Draft) -> None:
        id_ = identity(row["id"])
        website = words(row.get("website"))
        self._known.add(id_)
        draft.members.append(
            Member(
                id_, words(row["username"]), words(row.get("name")), words(row.get("email")) or None,
                is_bot=row["id"] in _SYSTEM_BOTS, is_staff=_is_staff(row),
                roles=tuple(words(group["name"]) for group in row.get("groups") or () if not group.get("automatic")),
                links=(website,) if website else (),
                is_active=not (row.get("suspended_till") or row.get("active") is False),
            )
        )  # fmt: skip
        if row.get("created_at") and row["id"] not in _SYSTEM_BOTS:
            draft.joins.append(Join(id_, iso_moment(row["created_at"])))

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
        category = facts.get("category_id")
        channel = _UNCATEGORIZED if category is None else identity(category)
        if facts.get("archetype") == "private_message" or channel in self._closed:
            draft.left_out[
                "private message" if channel not in self._closed else "post in a private category"
            ] += len(posts)
            return None
        channels = [Channel(_UNCATEGORIZED, _UNCATEGORIZED)] if category is None else []
        ordered = sorted((post for _, post in posts.values()), key=_number)
        numbers = {_number(post): post.get("id") for post in ordered if isinstance(post, dict)}
        return Part(ordered, self._posts_of(str(id_), channel, facts, numbers), self.observed_at, channels)

    def _posts_of(
        self, topic: str, channel: str, facts: Mapping[str, Any], numbers: Mapping[int, Any]
    ) -> Callable[[Any, Draft], None]:
        """What makes records of the posts of one topic."""
        title = words(facts["title"])
        link = (
            "/".join(filter(None, (self._url, "t", words(facts.get("slug")), topic))) if self._url else None
        )
        accepted = facts.get("accepted_answer")
        solved = accepted.get("post_number") if isinstance(accepted, dict) else None
        is_gone = bool(facts.get("deleted_at"))

        def accept(post: Any, draft: Draft) -> None:
            id_, number = identity(post["id"]), post["post_number"]
            if is_gone or post.get("deleted_at") or post.get("user_deleted"):
                draft.gone(id_)
                draft.left_out["deleted post"] += 1
                return
            if kind := _left_out(post):
                draft.left_out[kind] += 1
                return
            created_at, updated = iso_moment(post["created_at"]), post.get("updated_at")
            is_edited = bool(updated) and (updated != post["created_at"] or (post.get("version") or 1) > 1)
            text = words(post["raw"]) if post.get("raw") is not None else plain(words(post.get("cooked")))
            answered = numbers.get(post.get("reply_to_post_number"))
            author = self._author(post, draft)
            draft.messages.append(
                Message(
                    id_,
                    channel,
                    author,
                    created_at,
                    f"{title}\n{text}" if number == 1 else text,
                    topic,
                    number == 1,
                    None if answered is None else identity(answered),
                    micros(iso_moment(updated)) if is_edited else 0,
                    _counted(post),
                    post.get("accepted_answer") is True or number == solved,
                    None if link is None else f"{link}/{number}",
                )
            )

        return accept

    def _author(self, post: Any, draft: Draft) -> str | None:
        """The author's id; what the post says of somebody new goes into the draft."""
        id_ = post.get("user_id")
        name = post.get("username")
        if id_ is None and not name:
            return None
        author = identity(name if id_ is None else id_)
        if author not in self._known:
            draft.members.append(
                Member(
                    author, words(name) or author, words(post.get("name")), words(post.get("email")) or None,
                    is_bot=id_ in _SYSTEM_BOTS, is_staff=_is_staff(post), complete=False,
                )
            )  # fmt: skip
            self._known.add(author)
        return author


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


def _left_out(post: Any) -> str | None:
    """Why a post is no message."""
    if post.get("hidden"):
        return "hidden post"
    kind = post.get("post_type", _REGULAR)
    if kind == _MODERATOR_ACTION:
        return None if (post.get("raw") or post.get("cooked") or "").strip() else "moderator action"
    return None if kind == _REGULAR else _KINDS.get(kind, f"post of type {kind}")


def _counted(post: Any) -> dict[str, int]:
    """Reactions; where the forum has only likes, these are hearts."""
    counts = {
        words(item["id"]): number(item["count"]) for item in post.get("reactions") or () if item.get("count")
    }
    if not counts:
        likes = sum(
            number(item.get("count") or 0)
            for item in post.get("actions_summary") or ()
            if item["id"] == _LIKE
        )
        counts = {"heart": likes} if likes else {}
    return counts


def _is_staff(row: Any) -> bool:
    return any(row.get(mark) is True for mark in ("admin", "moderator", "staff"))


def _facts_of(post: Any) -> tuple[str, str]:
    """What tells a post from others, and the state it was saved in."""
    if isinstance(post, dict) and isinstance(post.get("id"), int):
        return str(post["id"]), str(post.get("updated_at"))
    return repr(post), ""


def _number(post: Any) -> int:
    number = post.get("post_number") if isinstance(post, dict) else 0
    return number if isinstance(number, int) else 0
