"""Conversations as the classifier reads them: from the tables to subjects."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import orjson
from sqlalchemy.orm import Session

from bot.classifiers import Subject
from bot.classifiers.subjects import AHEAD, BACK, Turn, subjects
from bot.walk import People
from storage import conversations, queue, tags
from storage.conversations import Member
from storage.queue import Position, Row


class Read(NamedTuple):
    """The subjects of some conversations, from where they were asked for."""

    ids: list[str]
    """The message of each subject; bots' have none."""
    subjects: list[Subject]
    conversations: list[str]
    """The conversation of each subject."""
    judged: set[str]
    """Every message whose verdicts are made anew, bots' too."""
    rows: dict[str, Row]


class Reading:
    """Reads conversations of one source."""

    def __init__(
        self, session: Session, source: int, people: People, question_tags: Collection[str] = ()
    ) -> None:
        """`question_tags`: the topic tags (casefolded) that say that the first message asks something."""
        self._session = session
        self._source = source
        self._people = people
        self._question_tags = question_tags
        self._places: dict[str, str] = {}

    def read(self, since: Mapping[str, Position], known: Mapping[str, Row]) -> Read:
        """Conversations (by id), each from shortly before a position on; `known` rows are not read again."""
        talks: dict[str, list[Member]] = {}
        for member in conversations.members(self._session, self._source, since):
            talks.setdefault(member.conversation_id, []).append(member)
        self._people.know(member.author_id for talk in talks.values() for member in talk)
        channels = {member.channel_id for talk in talks.values() for member in talk}
        self._places |= conversations.places(self._session, self._source, channels - self._places.keys())
        tails = {conversation: _tail(talk, since[conversation]) for conversation, talk in talks.items()}
        rows = self._rows(talks, tails, known)
        asked = self._asked(talks, rows)
        found = Read([], [], [], set(), rows)
        for conversation, talk in talks.items():
            turns = [self._turn(member, rows.get(member.id)) for member in talk]
            found.judged.update(member.id for member in talk[tails[conversation] :])
            for n, subject in subjects(turns, conversation, asked.get(conversation), tails[conversation]):
                found.ids.append(talk[n].id)
                found.subjects.append(subject)
                found.conversations.append(conversation)
        return found

    def _rows(
        self, talks: Mapping[str, list[Member]], tails: Mapping[str, int], known: Mapping[str, Row]
    ) -> dict[str, Row]:
        rows = dict(known)
        wanted = {
            id_
            for conversation, talk in talks.items()
            for id_ in _read(conversation, talk, tails[conversation])
        }
        rows |= self._fetch(wanted - rows.keys())
        # What is answered may stand further back.
        return rows | self._fetch(
            {row.reply_to for row in rows.values() if row.reply_to is not None} - rows.keys()
        )

    def _fetch(self, ids: Collection[str]) -> dict[str, Row]:
        return {row.id: row for row in queue.by_id(self._session, self._source, sorted(ids))} if ids else {}

    def _asked(self, talks: Mapping[str, list[Member]], rows: Mapping[str, Row]) -> dict[str, bool]:
        """Conversation -> its first message is a question, where a person or a topic tag said so or its text is gone."""
        there = [id_ for id_, talk in talks.items() if any(member.id == id_ for member in talk)]
        stored = tags.verdicts(self._session, self._source, there, "question")
        found = {id_: verdict for id_, (verdict, by_person) in stored.items() if by_person}
        for id_ in there:
            row = rows.get(id_)
            if row is not None and (row.forgotten or self._people.is_bot(row.author_id)):
                found.setdefault(id_, row.forgotten and stored.get(id_, (False, False))[0])
            if row is not None and any(tag.casefold() in self._question_tags for tag in _marks(row.marks)):
                found.setdefault(id_, True)
        return found

    def _turn(self, member: Member, row: Row | None) -> Turn:
        """A message as its conversation sees it; without its text where nobody looks that far back."""
        person, is_bot = self._people.person(member.author_id), self._people.is_bot(member.author_id)
        if row is None:
            return Turn(member.id, person, "", is_bot)
        return Turn(
            row.id, person, row.text, is_bot, row.reply_to, _reactions(row.reactions), bool(row.is_solution),
            _marks(row.marks), self._places.get(member.channel_id, ""), row.thread_id is not None,
        )  # fmt: skip


def _tail(talk: list[Member], since: Position) -> int:
    """The index from which a conversation is to be labelled: as far before the first change as verdicts look ahead."""
    later = next((n for n, member in enumerate(talk) if (member.at, member.id) >= since), len(talk))
    return max(later - AHEAD, 0)


def _read(conversation: str, talk: list[Member], tail: int) -> Iterable[str]:
    """The messages whose texts must be known to label a conversation from its tail on."""
    yield from (member.id for member in talk[max(tail - BACK, 0) :])
    yield from (member.id for member in talk if member.id == conversation)


def _reactions(stored: str | None) -> frozenset[str]:
    if stored is None:
        return frozenset()
    found: dict[str, Any] = orjson.loads(stored)
    return frozenset(found)


def _marks(stored: str | None) -> frozenset[str]:
    return frozenset() if stored is None else frozenset(orjson.loads(stored))
