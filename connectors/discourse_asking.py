"""People ask the bot on a forum: it looks for mentions and private messages, and answers each once.

A notification is only a hint at where to look: a forum folds several into one, drops old ones, and tells a mention
again in another form. What counts is the post, by its number.
"""

import asyncio
import logging
from collections.abc import Awaitable, Iterable
from typing import Any

import orjson

from connectors.base import Inbox
from connectors.discourse_answers import Answers, Me, Place
from connectors.discourse_asked import Asked, begin, load
from connectors.discourse_askers import Askers
from connectors.discourse_calls import URGENT, Told
from connectors.discourse_commands import said
from connectors.discourse_forum import Forum, Json
from connectors.discourse_messages import UNCATEGORIZED, answers_to, number_of, posts_in
from connectors.discourse_news import News
from connectors.discourse_posts import Writer
from connectors.errors import Unavailable, Unsure
from connectors.records import Command
from connectors.text import plain
from connectors.values import identity, words

_LOG = logging.getLogger("connectors.discourse")
_SHAPES = (KeyError, TypeError, ValueError, AttributeError)

_MENTIONED, _REPLIED, _PRIVATE, _INVITED, _GROUP_MENTIONED = 1, 2, 6, 7, 15
_IN_PUBLIC, _IN_PRIVATE = frozenset({_MENTIONED, _REPLIED, _GROUP_MENTIONED}), frozenset({_PRIVATE, _INVITED})
_CHUNK = 20
_LOOKED_AT = 60
"""So many of the newest posts of a private message are looked at."""
_SOON = 30.0
"""Seconds after which an answer is tried again."""
_MOST_TRIES = 12
_REGULAR = 1


class Asking:
    """Hears and answers what people ask on one forum."""

    def __init__(self, forum: Forum, writer: Writer, askers: Askers) -> None:
        self._forum = forum
        self._answers = Answers(forum, writer)
        self._askers = askers
        self.news = News(forum)
        self._kept = ""
        self._asked = Asked(0)

    @property
    def _me(self) -> Me:
        return self._answers.me

    async def run(self, inbox: Inbox, pause: float) -> None:
        """Look every `pause` seconds, and whenever a webhook says so, until cancelled."""
        URGENT.set(True)
        cursors = await inbox.cursors()
        self._asked = load(cursors) or begin(await self._forum.topics(0))
        self._answers.me = self.news.me = await self._who()
        await self._save(inbox)
        is_first = True
        while True:
            self.news.wake.clear()
            # What was under way when we were stopped may still arrive: it is not sent again at once.
            await self._send_letters(inbox, look_only=is_first)
            is_first = False
            await self._look(inbox)
            await self._save(inbox)
            try:
                async with asyncio.timeout(min(pause, _SOON) if self._asked.letters else pause):
                    await self.news.wake.wait()
            except TimeoutError:
                continue

    async def _who(self) -> Me:
        """The account that the key acts as."""
        for path, part in (
            ("/session/current.json", "current_user"),
            (f"/u/{self._forum.user}.json", "user"),
        ):
            try:
                found = (await self._forum.get(path)).get(part) or {}
                return Me(int(found["id"]), words(found["username"]))
            except (Told, *_SHAPES):
                continue
        return Me(0, self._forum.user)

    async def _save(self, inbox: Inbox) -> None:
        page = self._asked.page()
        if page.cursor != self._kept:
            await inbox.deliver(page)
            self._kept = page.cursor or ""

    # --- where to look ----------------------------------------------------------------------------------------------

    async def _look(self, inbox: Inbox) -> None:
        """Hear everything new. What told of it is dealt with only when what it told of is: we may be stopped between."""
        for post in self.news.hinted():
            await self._carefully(self._hear(inbox, post))
        # Before anything is read: what comes meanwhile is news again the next time.
        heard, topics = await self.news.messages(self._asked)
        read: set[int] = set()
        for row in await self.news.notifications(self._asked):
            await self._carefully(self._hear_row(inbox, row, read))
            self._asked.rows.add(row["id"])
        for topic in topics:
            if topic not in read:
                await self._carefully(self._converse(inbox, topic))
        self._asked.heard = heard or self._asked.heard

    async def _carefully(self, work: Awaitable[None]) -> None:
        """Do this; what is gone, forbidden or of an unknown form is passed over.

        Raises:
            Misconfigured: it is the key that is refused.
        """
        try:
            await work
        except Told as error:
            _LOG.info("what asked can no longer be read (%s)", error.status)
            if not error.is_gone:
                await self._forum.listing(self._forum.client.latest_topics, page=0)
        except _SHAPES as error:
            _LOG.warning("what asked is of an unknown form (%s)", type(error).__name__)

    # --- what is asked ------------------------------------------------------------------------------------------------

    async def _hear_row(self, inbox: Inbox, row: Json, read: set[int]) -> None:
        """Hear what a notification tells of. `read`: the private messages that were read just now; it is added."""
        kind, topic, number = (row.get(key) for key in ("notification_type", "topic_id", "post_number"))
        if type(topic) is not int or type(number) is not int or not self._asked.is_young(row):
            return
        if kind in _IN_PRIVATE:
            if topic not in read:
                read.add(topic)
                await self._converse(inbox, topic)
        elif kind in _IN_PUBLIC:
            data = row.get("data")
            facts: Json = orjson.loads(data) if isinstance(data, str) else data or {}
            id_ = facts.get("original_post_id")
            if type(id_) is not int:
                id_ = await self._forum.id_of(topic, number)
            if id_ is not None:
                await self._hear(
                    inbox, id_, "" if kind == _REPLIED else words(facts.get("original_username"))
                )

    async def _hear(self, inbox: Inbox, id_: int, editor: str = "") -> None:
        """Answer a post, if it asks. `editor`: who put the mention there; empty where nobody tells."""
        if id_ in self._asked.posts.single:
            return None
        post = await self._forum.get(f"/posts/{id_}.json")
        facts = await self._forum.get(f"/t/{post['topic_id']}.json")
        if facts.get("archetype") == "private_message":
            return await self._converse(inbox, post["topic_id"])
        text = said(_raw(post), self._me.name)
        if text is not None and self._can_ask(post) and _is_own_word(post, editor):
            place = Place(facts["id"], words(facts.get("title")), id_, number_of(post), False, False)
            await self._answer(inbox, post, text, place, facts.get("category_id"))
            self._asked.posts.add(id_)
        return None

    async def _converse(self, inbox: Inbox, topic: int) -> None:
        """Answer what is asked in a private message since the last time."""
        facts = await self._forum.get(f"/t/{topic}.json", include_raw="true")
        posts = {post["id"]: post for post in posts_in(facts)}
        stream = facts["post_stream"].get("stream") or sorted(posts)
        new = [id_ for id_ in stream[-_LOOKED_AT:] if id_ not in self._asked.posts]
        missing = [id_ for id_ in new if id_ not in posts]
        for first in range(0, len(missing), _CHUNK):
            chunk = missing[first : first + _CHUNK]
            posts |= {post["id"]: post for post in await self._forum.chunk(topic, chunk)}
        people = _people(facts, posts.values())
        for id_ in new:
            if id_ in posts:
                await self._carefully(self._turn(inbox, facts, posts[id_], people))
            self._asked.posts.add(id_)

    async def _turn(self, inbox: Inbox, facts: Json, row: Json, people: set[int] | None) -> None:
        """Answer one post of a private message. `people`: who can read it; None: also whole groups."""
        post = await self._forum.with_raw(row)
        if post is None or not self._can_ask(post):
            return
        alone = people is not None and people <= {self._me.id, post["user_id"]}
        text = said(_raw(post), self._me.name, alone=alone)
        if text is not None:
            place = Place(facts["id"], words(facts.get("title")), post["id"], number_of(post), True, alone)
            await self._answer(inbox, post, text, place, None)

    def _can_ask(self, post: Json) -> bool:
        """Whether a post is something that a person says, since the bot listens."""
        author = post.get("user_id")
        if type(author) is not int or author < 0 or author == self._me.id:
            return False
        if words(post.get("username")).casefold() == self._me.name.casefold():
            return False
        if post.get("post_type", _REGULAR) != _REGULAR or post.get("is_auto_generated") is True:
            return False
        return not any(
            post.get(mark) for mark in ("deleted_at", "user_deleted", "hidden")
        ) and self._asked.is_young(post)

    # --- answering ----------------------------------------------------------------------------------------------------

    async def _answer(self, inbox: Inbox, post: Json, text: str, place: Place, category: Any) -> None:
        """Have it answered, write the answer down, then send it."""
        asker = await self._askers.asker(post)
        if asker.is_silent or place.post in self._asked.letters:
            return
        message = None if place.is_private else await self._about(post, place)
        command = Command(
            identity(place.post), asker.member, text, channel_id=None if place.is_private else _channel(category),
            thread_id=None if place.is_private else identity(place.topic), language=asker.language,
            message=None if message is None else identity(message), via="mention",
        )  # fmt: skip
        reply = await inbox.answer(command)
        if reply is None:
            return
        self._asked.letters[place.post] = await self._answers.write(command, reply, place)
        self._asked.posts.add(place.post)
        await self._save(inbox)
        await self._send(inbox, place.post)

    async def _about(self, post: Json, place: Place) -> int | None:
        """The post that this one replies to; else the first of its topic."""
        return await self._forum.id_of(place.topic, answers_to(post) or 1)

    async def _send_letters(self, inbox: Inbox, *, look_only: bool) -> None:
        for post in sorted(self._asked.letters):
            await self._send(inbox, post, look_only=look_only)

    async def _send(self, inbox: Inbox, post: int, *, look_only: bool = False) -> None:
        letter = self._asked.letters[post]
        letter.tries += look_only
        try:
            is_done = await self._answers.send(letter, look_only=look_only)
        except (Unsure, Unavailable, *_SHAPES) as error:
            letter.tries += 1
            is_done = letter.tries > _MOST_TRIES
            _LOG.warning(
                "an answer is %s (%s)", "given up" if is_done else "tried again", type(error).__name__
            )
        if is_done:
            del self._asked.letters[post]
            await self._save(inbox)


def _is_own_word(post: Json, editor: str) -> bool:
    """Whether the author asks: who may edit somebody else's post must not speak with that person's rights."""
    is_edited = (post.get("version") or 1) > 1
    if is_edited and (post.get("wiki") or not editor):
        return False
    return not editor or editor.casefold() == words(post.get("username")).casefold()


def _raw(post: Json) -> str:
    return words(post["raw"]) if post.get("raw") is not None else plain(words(post.get("cooked")))


def _channel(category: Any) -> str:
    return UNCATEGORIZED if category is None else identity(category)


def _people(facts: Json, posts: Iterable[Json]) -> set[int] | None:
    """Who can read a private message; None where a whole group can."""
    details = facts.get("details") or {}
    if details.get("allowed_groups"):
        return None
    rows = details.get("allowed_users")
    told = {row["id"] for row in rows} if rows else {post["user_id"] for post in posts}
    return {id_ for id_ in told if id_ is not None}
