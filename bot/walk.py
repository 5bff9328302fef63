"""One chronological pass over a channel: which conversation is each message in?

A message that waits in the queue is placed, and so are the lines shortly after it, since it may have come between them
and what they went on from. Where one of those moves, the lines after it are looked at too; where none does, the walk
goes on at the next message that waits. Everything before that message is settled by then, so a pass is enough.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from bot.classifiers import conversations, speech
from bot.classifiers.conversations import LINES, REACH
from bot.classifiers.speech import Line, Speaker
from storage import queue
from storage.conversations import thread_roots, threads_alive
from storage.queue import Author, Position, Row

_SMALL_PAGE, _LARGE_PAGE = 64, 2_000


class People:
    """The authors met so far."""

    def __init__(self, session: Session, source: int) -> None:
        self.session = session
        self.source = source
        self.authors: dict[str, Author] = {}
        self.speakers: dict[str, Speaker] = {}

    def know(self, author_ids: Iterable[str | None]) -> None:
        """Load those not met yet."""
        wanted = {id_ for id_ in author_ids if id_ is not None and id_ not in self.authors}
        if wanted:
            self.authors |= queue.authors(self.session, self.source, wanted)

    def person(self, author_id: str | None) -> str | None:
        """The person behind an account."""
        return None if author_id is None else self.authors[author_id].person

    def is_bot(self, author_id: str | None) -> bool:
        """Whether the account is a bot's."""
        return author_id is not None and self.authors[author_id].is_bot

    def speaker(self, author_id: str | None) -> Speaker | None:
        """Who speaks; None where the platform does not say."""
        if author_id is None:
            return None
        found = self.speakers.get(author_id)
        if found is None:
            author = self.authors[author_id]
            names = speech.names(author_id, author.name, author.display_name)
            found = self.speakers[author_id] = Speaker(author_id, names, author.is_bot)
        return found


@dataclass
class Walked:
    """What was found: the messages taken from the queue or moved, as they were read, and their conversations."""

    rows: dict[str, Row] = field(default_factory=dict)
    placed: dict[str, str | None] = field(default_factory=dict)


class Walk:
    """Goes through one channel and finds the conversation of what waits or may have moved."""

    def __init__(self, session: Session, source: int, channel: str, people: People, walked: Walked) -> None:
        self.session = session
        self.source = source
        self.channel = channel
        self.people = people
        self.walked = walked
        self.lines: deque[Line] = deque(maxlen=LINES)  # the last lines ...
        self.conversations: dict[str, str] = {}  # ... and which conversation each is in
        self.left = 0  # so many lines to come may have moved ...
        self.until = 0  # ... if they are not later than this
        self.roots: dict[str, str] = {}
        self.started: set[str] = set()
        self.targets: dict[str, Row] = {}

    def run(self, limit: int) -> int:
        """Take about `limit` messages; returns how many."""
        session, source = self.session, self.source
        taken = 0
        start = queue.next_in(session, source, self.channel, (-(1 << 62), ""))
        while start is not None:
            self._begin(start)
            size, position = _SMALL_PAGE, (start[0], "")
            while True:
                page = queue.after(session, source, self.channel, position, size)
                self._prepare(page)
                last_untagged = max((n for n, row in enumerate(page) if row.untagged), default=-1)
                for n, row in enumerate(page):
                    moves = row.untagged and (row.in_line or row.conversation_id is not None)
                    if taken >= limit and moves:
                        return taken
                    taken += row.untagged
                    self._visit(row, moves)
                    position = row.position
                    if n >= last_untagged and not (self.left and row.at <= self.until):
                        break
                else:
                    if len(page) == size:
                        size = min(size * 8, _LARGE_PAGE)
                        continue
                break
            start = queue.next_in(session, source, self.channel, position)
        return taken

    def _begin(self, start: Position) -> None:
        before = queue.lines_before(self.session, self.source, self.channel, start[0], REACH, LINES)
        self.people.know(row.author_id for row in before)
        self.lines.clear()
        self.conversations.clear()
        self.left = 0
        for row in before:
            self._remember(self._line(row), self.walked.placed.get(row.id) or row.conversation_id or row.id)

    def _prepare(self, page: list[Row]) -> None:
        """Look up, for a whole page, what its messages name."""
        session, source = self.session, self.source
        self.people.know(row.author_id for row in page)
        threads = {row.thread_id for row in page if row.thread_id is not None and not row.in_line}
        self.roots = thread_roots(session, source, sorted(threads)) if threads else {}
        self.started = threads_alive(session, source, [row.id for row in page if row.thread_id is None])
        named = {row.reply_to for row in page if row.reply_to is not None and row.in_line}
        found = queue.by_id(session, source, named, self.channel) if named else []
        self.targets = {row.id: row for row in found if row.in_line}
        self.people.know(row.author_id for row in found)

    def _visit(self, row: Row, moves: bool) -> None:
        conversation: str | None
        if row.deleted:
            conversation = None
        elif not row.in_line:
            thread = str(row.thread_id)
            conversation = self.roots.get(thread, f"thread:{thread}")
        else:
            line = self._line(row)
            if row.untagged or (self.left and row.at <= self.until):
                conversation = self._conversation(row, line)
                self.left -= 1
                moves = moves or conversation != row.conversation_id
            else:
                conversation = row.conversation_id or row.id
            self._remember(line, conversation)
        if row.untagged or moves:
            self.walked.rows[row.id] = row
            self.walked.placed[row.id] = conversation
        if moves:
            self.left, self.until = LINES, row.at + REACH

    def _conversation(self, row: Row, line: Line) -> str:
        if row.opens_thread or row.id in self.started:
            return row.id
        if row.reply_to is not None:
            target = self.targets.get(row.reply_to)
            if target is not None and target.position < row.position:
                return self.walked.placed.get(target.id) or target.conversation_id or target.id
        if row.forgotten and row.conversation_id is not None:
            return self._kept(row, row.conversation_id)
        found = conversations.parent(line, self.lines)
        return row.id if found is None else self.conversations[found.id]

    def _kept(self, row: Row, conversation: str) -> str:
        """The conversation that a message was in while its text was known; if that is gone, one of its own."""
        root = queue.by_id(self.session, self.source, [conversation], self.channel)
        if not root:
            return row.id
        return self.walked.placed.get(conversation) or root[0].conversation_id or conversation

    def _remember(self, line: Line, conversation: str) -> None:
        if len(self.lines) == LINES:
            del self.conversations[self.lines[0].id]
        self.lines.append(line)
        self.conversations[line.id] = conversation

    def _line(self, row: Row) -> Line:
        speaker = self.people.speaker(row.author_id)
        return speech.line(row.id, row.at, speaker, row.text, in_thread=row.thread_id is not None)
