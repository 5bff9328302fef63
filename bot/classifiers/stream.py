"""Messages one after the other, without a database: their conversations are found, and each is labelled.

What a message's labels rest on ends shortly after it, so only so many messages are held as that takes.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeVar

from bot.classifiers import Subject, Verdict, cues
from bot.classifiers.conversations import LINES, parent
from bot.classifiers.language import language
from bot.classifiers.speech import Line, Speaker, line, names
from bot.classifiers.subjects import Turn, subjects
from bot.classifiers.trained import Trained

Key = TypeVar("Key")
Thing = TypeVar("Thing")

_BATCH, _HELD = 1_024, 256
_PACE = 40_000_000
"""Microseconds between two messages that do not say when they were written."""
_REMEMBERED = 20_000
"""Messages that may still be answered, and conversations that may still go on."""


class Said(NamedTuple):
    """A message as it comes. Only `id` and `text` are always known."""

    id: str
    text: str
    at: datetime | None = None
    author: str | None = None
    channel: str | None = None
    thread: str | None = None
    reply_to: str | None = None
    title: str | None = None
    platform: str | None = None
    is_bot: bool = False


class Labelled(NamedTuple):
    """What was found for a message."""

    id: str
    probabilities: dict[str, float]
    verdicts: list[Verdict]
    language: str
    reply_to: str | None
    """The message that it goes on from; None where it begins a conversation."""


@dataclass(slots=True)
class _Talk:
    root: str
    turns: deque[Turn] = field(default_factory=lambda: deque(maxlen=4 * _HELD))


class _Waiting(NamedTuple):
    said: Said
    talk: _Talk
    parent: str | None
    language: str


class Stream:
    """Takes messages with `add`, gives them back labelled, in the same order."""

    def __init__(self, classifier: Trained | None = None) -> None:
        self._classifier = classifier or Trained()
        self._waiting: deque[_Waiting] = deque()
        self._lines: OrderedDict[tuple[str, str], deque[Line]] = OrderedDict()
        self._talk_of: OrderedDict[str, _Talk] = OrderedDict()  # message -> its conversation
        self._threads: OrderedDict[tuple[str, str], _Talk] = OrderedDict()
        self._habits: OrderedDict[str, str] = (
            OrderedDict()
        )  # author or channel -> the language last spoken there
        self._at = 0

    def add(self, said: Said) -> list[Labelled]:
        """Take one more message; returns those that are far enough back to be labelled, if enough have gathered."""
        talk, before = self._place(said)
        # Some tell a topic's title with each of its messages; it was written with the first.
        is_first = not talk.turns and said.reply_to is None
        is_told = said.title and is_first and not said.text.startswith(said.title)
        title = f"{said.title}\n" if is_told else ""
        talk.turns.append(
            Turn(
                said.id, said.author or f" {said.id}", title + said.text, said.is_bot, said.reply_to,
                place=said.channel or "", in_thread=said.thread is not None or said.title is not None,
            )
        )  # fmt: skip
        _remember(self._talk_of, said.id, talk)
        self._waiting.append(_Waiting(said, talk, before, self._language(said)))
        return self._judge(_BATCH) if len(self._waiting) >= _BATCH + _HELD else []

    def flush(self) -> list[Labelled]:
        """Label all that waits, with what is known by now."""
        return self._judge(len(self._waiting))

    # --- conversations ------------------------------------------------------------------------------------------

    def _place(self, said: Said) -> tuple[_Talk, str | None]:
        """The conversation of a message, and the message that it goes on from."""
        home = (said.platform or "", said.channel or "")
        thread = said.thread
        if thread is None and said.title and said.reply_to is None:
            thread = f"{home[1]}\n{said.title}"  # a topic is known by its title, too
        if thread is not None:
            talk = self._threads.get((home[0], thread)) or self._talk_of.get(thread) or _Talk(said.id)
            _remember(self._threads, (home[0], thread), talk)
            last = next((turn.id for turn in reversed(talk.turns) if turn.person != said.author), talk.root)
            return talk, said.reply_to or (last if talk.turns else None)
        here = self._line(said)
        replied = self._talk_of.get(said.reply_to) if said.reply_to is not None else None
        if replied is not None:
            self._line_up(home, here)
            return replied, said.reply_to
        if said.author is None and said.channel is None:
            return _Talk(said.id), said.reply_to  # nothing says that it belongs to anything
        before = self._lines.get(home, ())
        found = parent(here, before)
        self._line_up(home, here)
        if found is None:
            return _Talk(said.id), None
        return self._talk_of.get(found.id) or _Talk(said.id), found.id

    def _line(self, said: Said) -> Line:
        self._at = int(said.at.timestamp() * 1_000_000) if said.at is not None else self._at + _PACE
        speaker = None if said.author is None else Speaker(said.author, names(said.author), said.is_bot)
        return line(said.id, self._at, speaker, said.text)

    def _line_up(self, home: tuple[str, str], here: Line) -> None:
        lines = self._lines.setdefault(home, deque(maxlen=LINES))
        lines.append(here)
        _remember(self._lines, home, lines)

    # --- labels -------------------------------------------------------------------------------------------------

    def _judge(self, count: int) -> list[Labelled]:
        some = [self._waiting.popleft() for _ in range(count)]
        seen: dict[str, Subject] = {}
        ids = {each.said.id for each in some}
        for talk in {id(each.talk): each.talk for each in some}.values():
            turns = list(talk.turns)
            start = next((n for n, turn in enumerate(turns) if turn.id in ids), len(turns))
            seen |= {turns[n].id: subject for n, subject in subjects(turns, talk.root, start=start)}
        chosen = [seen.get(each.said.id, Subject(each.said.text)) for each in some]
        rows = self._classifier.model.probabilities(chosen)
        verdicts = self._classifier.judge(chosen, rows)
        return [
            Labelled(
                each.said.id,
                dict(zip(self._classifier.model.labels, (round(float(p), 3) for p in row), strict=True)),
                [] if each.said.is_bot else found,
                each.language,
                each.parent,
            )
            for each, row, found in zip(some, rows, verdicts, strict=True)
        ]

    def _language(self, said: Said) -> str:
        """The message's own; of few words its author's or channel's habit."""
        found = language(cues.clean(said.text))
        keys = [f"author {said.author}", f"channel {said.channel}"]
        if found:
            for key in keys:
                _remember(self._habits, key, found)
            return found
        return next((self._habits[key] for key in keys if key in self._habits), found)


def label(messages: Iterable[Said], classifier: Trained | None = None) -> Iterator[Labelled]:
    """All of these, labelled, in their order."""
    stream = Stream(classifier)
    for said in messages:
        yield from stream.add(said)
    yield from stream.flush()


def _remember(known: "OrderedDict[Key, Thing]", key: Key, thing: Thing) -> None:
    known[key] = thing
    known.move_to_end(key)
    while len(known) > _REMEMBERED:
        known.popitem(last=False)
