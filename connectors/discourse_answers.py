"""Answers on a forum: a private message to whoever asked, or a reply where it was asked; each sent once.

What is sent bears the key of its question, and is looked for before it is sent: a new private message by its external
id, every post by the comment in it. So it does not matter where in a letter somebody pulled the plug.
"""

import logging
from typing import Literal, NamedTuple

from connectors.discourse_asked import Letter
from connectors.discourse_calls import Told
from connectors.discourse_forum import Forum, Json
from connectors.discourse_messages import posts_in
from connectors.discourse_posts import Writer, mark
from connectors.discourse_quiet import inert, unlinked
from connectors.errors import Misconfigured, Unavailable
from connectors.markdown import split
from connectors.records import Command, Reply

_LOG = logging.getLogger("connectors.discourse")
_SHORTEST = 20
"""A forum takes no shorter post."""
_LONGEST_TITLE = 200
_CHUNK = 20
_BUSY, _ALREADY_THERE = 409, 422

Word = Literal["ask", "asked", "closed"]

_WORDS: dict[Word, dict[str, str]] = {
    "ask": {"en": "Ask", "es": "Pregunta"},
    "asked": {"en": "You asked", "es": "Preguntaste"},
    "closed": {
        "en": "I cannot send you the answer as a private message. Allow private messages in your preferences, or send "
              "one to {bot} yourself: I answer there.",
        "es": "No puedo enviarte la respuesta en un mensaje privado. Permite los mensajes privados en tus preferencias, "
              "o envía tú uno a {bot}: respondo allí.",
    },
}  # fmt: skip


class Me(NamedTuple):
    """The bot's own account."""

    id: int
    name: str


class Place(NamedTuple):
    """Where something was asked."""

    topic: int
    title: str
    post: int
    number: int
    """The post's place in the topic."""
    is_private: bool
    """A private message."""
    is_ours_alone: bool
    """A private message between the asker and the bot, and nobody else."""


class Answers:
    """Writes letters and sends them."""

    def __init__(self, forum: Forum, writer: Writer) -> None:
        self.me = Me(0, forum.user)
        self._forum = forum
        self._writer = writer

    # --- writing --------------------------------------------------------------------------------------------------

    async def write(self, command: Command, reply: Reply, place: Place) -> Letter:
        """The letter with an answer."""
        is_here = place.is_ours_alone or (reply.public and not place.is_private)
        letter = Letter(
            f"answer-{self.me.id}-{place.post}", place.post, command.asker.name,
            await self._pieces(command, reply, is_public=is_here and not place.is_private),
            _title(self.me, command, reply, place),
        )  # fmt: skip
        if is_here:
            letter.topic, letter.number = place.topic, place.number
        else:
            letter.sorry_topic, letter.number = place.topic, place.number
            letter.sorry = _word("closed", command.language).format(bot=self.me.name)
        return letter

    async def _pieces(self, command: Command, reply: Reply, *, is_public: bool) -> list[str]:
        text = inert(reply.text, self.me.name)
        if is_public:
            text = await unlinked(text, self._forum)
        more = []
        if reply.picture is not None:
            try:
                more.append(await self._writer.upload(reply.picture, reply.alt))
            except Misconfigured as error:
                _LOG.warning("an answer goes without its picture: %s", error)
                more.append(inert(reply.alt, self.me.name))
        asked = [f"`@{self.me.name} {button.text.replace('`', '')}`" for button in reply.buttons]
        if asked:
            more.append(f"{_word('ask', command.language)}: {', '.join(asked)}")
        elif len(text.strip()) < _SHORTEST:
            said = f"@{self.me.name} {command.text[:80].replace('`', '')}".strip()
            more.append(f"{_word('asked', command.language)}: `{said}`")
        end = "\n\n".join(more)
        room = await self._writer.room(text + end)
        if len(end) > room // 2:
            return [*split(text, room), *split(end, room)]
        pieces = split(text, room - len(end)) or [""]
        pieces[-1] = f"{pieces[-1]}\n\n{end}".strip()
        return pieces

    # --- sending --------------------------------------------------------------------------------------------------

    async def send(self, letter: Letter, *, look_only: bool = False) -> bool:
        """Bring a letter to its end: what is not there yet is sent, in the first way that the forum takes.

        Args:
            letter: what is to be said, and where.
            look_only: begin nothing: it may be under way just now.

        Returns:
            Whether it is done; False only with `look_only`, where nothing of it is there.

        Raises:
            Unsure, Unavailable: try again later.
            Misconfigured: the forum does not accept the key any more.
        """
        ways = _ways(letter)
        for way in ways if letter.tries else ways[:1]:
            begun = await self._begun(way, letter)
            if begun is not None:
                if await self._try(way, letter, *begun):
                    return True
                ways.remove(way)
                look_only = False
                break
        if look_only:
            return False
        for way in ways:
            if await self._try(way, letter, way.topic, set()):
                return True
        _LOG.warning("an answer could not be shown in any way")
        return True

    async def _begun(self, way: "_Way", letter: Letter) -> tuple[int, set[int]] | None:
        """The topic and the pieces that stand in it already; None where there are none."""
        try:
            topic = way.topic or await self._found(letter.key)
            if topic is None:
                return None
            there = await self._said(topic, way, letter.key)
        except Told:
            return None
        if not way.topic:
            there.add(0)
        return (topic, there) if there else None

    async def _try(self, way: "_Way", letter: Letter, topic: int, there: set[int]) -> bool:
        """Say what is not there yet; returns whether the forum took it."""
        try:
            if not topic:
                topic = await self._open(way, letter)
                there = {0}
            for number, piece in enumerate(way.pieces):
                if number not in there:
                    more = {"reply_to_post_number": way.number} if way.number else {}
                    await self._writer.create(raw=piece + mark(letter.key, number), topic_id=topic, **more)
        except Told as error:
            await self._declined(error)
            return False
        except Misconfigured as error:
            _LOG.warning("an answer waits for somebody's approval: %s", error)
        return True

    async def _open(self, way: "_Way", letter: Letter) -> int:
        """Begin a private message; returns its topic."""
        try:
            made = await self._writer.create(
                raw=way.pieces[0] + mark(letter.key, 0), title=letter.title, archetype="private_message",
                target_recipients=letter.asker, external_id=letter.key,
            )  # fmt: skip
        except Told as error:
            is_there = error.status == _ALREADY_THERE and "external" in str(error).lower()
            topic = await self._found(letter.key) if is_there else None
            if topic is None:
                raise
            return topic
        return int(made["topic_id"])

    async def _found(self, key: str) -> int | None:
        """The topic of a private message that was begun; None where there is none."""
        try:
            facts = await self._forum.get(f"/t/external_id/{key}.json")
        except Told as error:
            if error.is_gone:
                return None
            raise
        return int(facts["id"]) if isinstance(facts, dict) else None

    async def _said(self, topic: int, way: "_Way", key: str) -> set[int]:
        """Which pieces stand in a topic."""
        forum = self._forum
        facts = await forum.get(f"/t/{topic}.json", include_raw="true")
        posts = {post["id"]: post for post in posts_in(facts)}
        stream = facts["post_stream"].get("stream")
        if stream is None:
            whole = await forum.read(topic)
            posts |= {post["id"]: post for post in whole.posts} if whole else {}
            stream = list(posts)
        missing = [id_ for id_ in stream if id_ > way.after and id_ not in posts]
        for first in range(0, len(missing), _CHUNK):
            chunk = missing[first : first + _CHUNK]
            posts |= {post["id"]: post for post in await forum.chunk(topic, chunk)}
        there: set[int] = set()
        for id_, post in posts.items():
            if id_ > way.after and self._is_own(post):
                raw = (await forum.with_raw(post) or post).get("raw") or ""
                there |= {number for number in range(len(way.pieces)) if mark(key, number).strip() in raw}
        return there

    def _is_own(self, post: Json) -> bool:
        return post.get("yours") is True or str(post.get("username")).casefold() == self.me.name.casefold()

    async def _declined(self, error: Told) -> None:
        """One way is closed; go on with the next one.

        Raises:
            Unavailable: it is only for now.
            Misconfigured: it is the key that is refused.
        """
        if error.status == _BUSY:
            raise Unavailable(f"The forum is busy ({error}).")
        _LOG.warning("an answer was not taken in one way: %s", error)
        await self._forum.listing(self._forum.client.latest_topics, page=0)


class _Way(NamedTuple):
    """One way to show an answer."""

    topic: int
    """0: a new private message."""
    pieces: list[str]
    number: int = 0
    """The number of the post that it replies to; 0: to none."""
    after: int = 0
    """It can stand only after this post."""


def _ways(letter: Letter) -> list[_Way]:
    """All ways to show an answer, the best first."""
    ways = [_Way(0, letter.pieces)]
    if letter.topic:
        ways.insert(0, _Way(letter.topic, letter.pieces, letter.number, letter.post))
    if letter.sorry_topic:
        ways.append(_Way(letter.sorry_topic, [letter.sorry], letter.number, letter.post))
    return ways


def _title(me: Me, command: Command, reply: Reply, place: Place) -> str:
    """The title of a private message."""
    said = reply.title or f"{me.name}: {command.text or 'help'}"
    return " ".join(f"{said} ({place.title})".split())[:_LONGEST_TITLE]


def _word(word: Word, language: str | None) -> str:
    said = _WORDS[word]
    return said.get((language or "").replace("_", "-").partition("-")[0].lower()) or said["en"]
