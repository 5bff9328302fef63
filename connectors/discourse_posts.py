"""Writing on a forum: topics, replies and private messages, each with a key by which it is found again."""

import re
from collections.abc import Mapping
from typing import Any

from connectors.discourse_calls import NoList, Told
from connectors.discourse_forum import Forum, Json
from connectors.discourse_messages import number_of, posts_in
from connectors.discourse_quiet import inert, unlinked
from connectors.errors import Misconfigured, Unavailable
from connectors.markdown import split
from connectors.records import Post

_LONGEST = 32_000
"""Characters that a forum takes in a post, where it does not say."""
_SURELY_TAKEN, _LEAST = 1_000, 100
_ROOM = 1_200
"""Characters of a post for what is added to a text: the mark, a picture, what can be asked next."""
_LONGEST_TITLE = 255
_LATER = 60.0
_LOOKED_THROUGH = 400
_CHUNK = 20
_PAGES_BACK = 4
_YOUNGEST = 10
_TAKEN = re.compile(r"external", re.IGNORECASE)


class Writer:
    """Posts on one forum."""

    def __init__(self, forum: Forum) -> None:
        self._forum = forum
        self._limit = 0

    async def post(self, place: str, post: Post) -> str:
        """Send; returns the id of the (first) post.

        Raises:
            Unsure: nobody knows whether it was made.
            Misconfigured: the forum does not take it.
        """
        where = where_of(place, post)
        pieces = await self._pieces(place, post)
        is_reply = "topic_id" in where
        marks = [mark(post.key, n) for n in range(len(pieces))]
        try:
            made = await self.create(raw=pieces[0] + marks[0], **where)
        except Told as error:
            if error.status == 422 and not is_reply and _TAKEN.search(str(error)):  # noqa: PLR2004 - unprocessable
                found = await self.find(place, post.key)
                if found is not None:
                    return found
            raise _refused(place, error) from error
        try:
            for piece, end in zip(pieces[1:], marks[1:], strict=True):
                await self.create(raw=piece + end, topic_id=made["topic_id"])
        except Told as error:
            raise _refused(place, error) from error
        return str(made["id"])

    async def create(self, **fields: Any) -> Json:
        """Make a post; returns what the forum says of it.

        Raises:
            Told: the forum does not take it.
            Unsure: nobody knows whether it was made.
            Misconfigured: it waits for somebody's approval.
        """
        forum = self._forum
        made = await forum.calls.write(forum.client._post, "/posts.json", json=True, **fields)  # noqa: SLF001 - see Forum
        made = made.get("post", made) if isinstance(made, dict) else {}
        if "id" not in made:
            raise Misconfigured(
                f"The forum at {forum.address} keeps our posts back for approval. Make the API user staff, or let its "
                "group post without approval in the category's settings."
            )
        found: Json = made
        return found

    async def _pieces(self, place: str, post: Post) -> list[str]:
        """The text, in as many pieces as the forum's limit takes, the picture at the end of the first."""
        text = inert(post.text)
        if not place.startswith("@"):
            text = await unlinked(text, self._forum)
        pieces = split(text, await self.room(text)) or [inert(post.title)]
        if post.buttons:  # there are none here: what they ask can be copied
            pieces[-1] += "\n\n" + " · ".join(
                f"{inert(button.title)}: `@{self._forum.user} {button.text.replace('`', '')}`"
                for button in post.buttons
            )
        if post.picture is not None:
            pieces[0] += "\n\n" + await self.upload(post.picture, post.alt)
        return pieces

    async def room(self, text: str) -> int:
        """How many characters of a text go into one post; asked of the forum where it matters."""
        if not self._limit and len(text) > _SURELY_TAKEN:
            try:
                site = await self._forum.get("/site.json")
            except Told:
                site = {}
            told = site.get("max_post_length") if isinstance(site, dict) else None
            self._limit = told if type(told) is int and told > _ROOM + _LEAST else _LONGEST
        return (self._limit or _LONGEST) - _ROOM

    async def upload(self, picture: bytes, alt: str) -> str:
        """Upload a picture; returns what shows it in a post.

        Raises:
            Misconfigured: the forum does not take it.
        """
        forum = self._forum
        try:
            found = await forum.calls.read(
                forum.client._post, "/uploads.json", files={"file": ("spaces.png", picture, "image/png")},  # noqa: SLF001 - see Forum
                type="composer", upload_type="composer", synchronous="true",
            )  # fmt: skip
        except Told as error:
            raise Misconfigured(
                f"The forum at {forum.address} does not take the picture ({error}). Give the API key the scope to "
                "upload, and allow PNG files in the site settings."
            ) from error
        words = re.sub(r"[\[\]|\n]", " ", inert(alt))[:200]
        return f"![{words}]({found.get('short_url') or found['url']})"

    async def find(self, place: str, key: str) -> str | None:
        """The post that bears this key; None when there is none."""
        topic = place.partition("/")[2]
        try:
            return await (self._find_reply(int(topic), key) if topic else self._find_topic(key))
        except Told as error:
            if error.is_gone:
                return None
            raise _refused(place, error) from error

    async def _find_topic(self, key: str) -> str | None:
        try:
            found = await self._forum.get(f"/t/external_id/{key}.json")
        except Told as error:
            if not error.is_gone:
                raise
            return await self._find_newest(key)  # there is none, or the forum knows no such ids
        if found.get("deleted_at"):
            return None
        return next((str(post["id"]) for post in posts_in(found) if number_of(post) == 1), None)

    async def _find_newest(self, key: str) -> str | None:
        """Look for the key in the newest posts of the forum: what is asked for was sent just before."""
        before: int | None = None
        for _ in range(_PAGES_BACK):
            try:
                posts = await self._forum.latest(before)
            except NoList:
                return await self._find_youngest(key)
            if id_ := _with_key(posts, key):
                return id_
            if not posts:
                return None
            before = min(post["id"] for post in posts)
        return None

    async def _find_youngest(self, key: str) -> str | None:
        """Look for the key in the youngest topics, where there is no list of posts."""
        for row in (await self._forum.topics(0, order="created"))[:_YOUNGEST]:
            read = await self._forum.read(row["id"])
            if read is not None and (id_ := _with_key(read.posts, key)):
                return id_
        return None

    async def _find_reply(self, topic: int, key: str) -> str | None:
        """Look for the key from the newest post on."""
        forum = self._forum
        facts = await forum.get(f"/t/{topic}.json", include_raw="true")
        stream = facts["post_stream"].get("stream")
        if stream is None:
            whole = await forum.read(topic)
            return None if whole is None else _with_key(whole.posts, key)
        newest = stream[-_LOOKED_THROUGH:]
        for end in range(len(newest), 0, -_CHUNK):
            found = await forum.chunk(topic, newest[max(0, end - _CHUNK) : end])
            posts = [await forum.with_raw(post) for post in found]
            if id_ := _with_key([post for post in posts if post is not None], key):
                return id_
        return None

    async def edit(self, place: str, id_: str, post: Post) -> None:
        """Replace the text of a post, and the title of the topic it opens."""
        forum = self._forum
        raw = (await self._pieces(place, post))[0] + mark(post.key, 0)
        try:
            known = await forum.get(f"/posts/{id_}.json")
            await forum.calls.read(forum.client._put, f"/posts/{id_}.json", json=True, post={"raw": raw})  # noqa: SLF001 - see Forum
            if known.get("post_number") == 1 and "/" not in place:
                title = _title(post)
                topic = f"/t/-/{known['topic_id']}.json"
                await forum.calls.read(forum.client._put, topic, json=True, title=title)  # noqa: SLF001 - see Forum
        except Told as error:
            raise _refused(place, error) from error


def _with_key(posts: list[Json], key: str) -> str | None:
    comment = mark(key, 0).strip()
    return next((str(post["id"]) for post in posts if comment in (post.get("raw") or "")), None)


def mark(key: str, number: int) -> str:
    """The key as a comment, which nobody sees."""
    return f"\n\n<!-- spaces:{key} -->" if number == 0 else f"\n\n<!-- spaces:{key}:{number + 1} -->"


def _title(post: Post) -> str:
    return " ".join(post.title.split())[:_LONGEST_TITLE]


def where_of(place: str, post: Post) -> Mapping[str, Any]:
    """The fields that say where a post goes.

    Raises:
        Misconfigured: the place is none.
    """
    if place.startswith("@"):
        people = ",".join(name.strip().lstrip("@") for name in place.split(","))
        return {
            "archetype": "private_message", "target_recipients": people, "title": _title(post), "external_id": post.key
        }  # fmt: skip
    category, _, topic = place.partition("/")
    if topic.isdecimal():
        return {"topic_id": int(topic)}
    if category.isdecimal() and not topic:
        return {"category": int(category), "title": _title(post), "external_id": post.key}
    raise Misconfigured(
        f"'{place}' is no place on a forum. Write the number of a category (5), of a topic in it (5/123), or @name."
    )


def _refused(place: str, error: Told) -> Misconfigured | Unavailable:
    match error.status:
        case 401 | 403:
            cure = "Give the API user the right to create topics and replies there, and the key the scope to write."
        case 404 | 410:
            cure = "It is gone, or the API user cannot see it: name another place."
        case 409:
            return Unavailable(f"The forum was busy with {place} ({error}).")
        case 429:
            return Unavailable(f"The forum takes no more posts for {place} for now ({error}).", _LATER)
        case _:
            cure = "Mend what it complains about in the site settings, or name another place."
    return Misconfigured(f"The forum did not take the post for {place} ({error}). {cure}")
