"""The corpus as the bot would meet it: its blocks as channels, whose conversations are found, and become subjects."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from bot.classifiers import Subject, conversations, speech
from bot.classifiers.conversations import LINES
from bot.classifiers.speech import Speaker
from bot.classifiers.subjects import Turn, subjects
from bot.training.corpus import Line

_PACE = 40_000_000
"""Microseconds from one line of chat to the next."""


class Example(NamedTuple):
    """A message as the model sees it, and what it is."""

    line: Line
    subject: Subject


def examples(lines: Iterable[Line]) -> Iterator[Example]:
    """Every message of people, with its context, in the order of the corpus."""
    for _, block in groupby(lines, key=lambda line: (line.community, line.talk)):
        yield from _block(list(block))


def _block(block: Sequence[Line]) -> Iterator[Example]:
    placed = _chat(block) if block[0].kind == "chat" else [0] * len(block)
    found: list[Example] = []
    for root in sorted(set(placed)):
        numbers = [n for n, at in enumerate(placed) if at == root]
        talk = [_turn(block[n], n) for n in numbers]
        found += [Example(block[numbers[n]], subject) for n, subject in subjects(talk, str(root))]
    yield from sorted(found, key=lambda example: example.line.number)


def _turn(line: Line, number: int) -> Turn:
    text = line.text
    if line.kind == "forum" and number == 0 and not text.startswith(line.place):
        text = f"{line.place}\n{text}"  # as platforms tell it: a topic's title is its first line
    seen = line.reply_to is not None and (line.kind != "chat" or _is_shown(line))
    return Turn(
        str(number), line.author, text, line.is_bot,
        reply_to=str(line.reply_to - 1) if seen and line.reply_to else None,
        place=line.place if line.kind == "chat" else "",
        in_thread=line.kind != "chat",
    )  # fmt: skip


def _is_shown(line: Line) -> bool:
    """In chat about half of all answers use the platform's reply; which ones is decided by the line alone."""
    return zlib.crc32(f"{line.community} {line.talk} {line.number}".encode()) % 2 == 0


def _chat(block: Sequence[Line]) -> list[int]:
    """The number of the first line of each line's conversation, as the bot would find it."""
    speakers: dict[str, Speaker] = {}
    lines: list[speech.Line] = []
    roots: list[int] = []
    for number, line in enumerate(block):
        speaker = speakers.setdefault(
            line.author, Speaker(line.author, speech.names(line.author), line.is_bot)
        )
        here = speech.line(str(number), number * _PACE, speaker, line.text)
        if line.reply_to is not None and _is_shown(line):
            parent: int | None = line.reply_to - 1
        else:
            found = conversations.parent(here, lines[-LINES:])
            parent = None if found is None else int(found.id)
        roots.append(number if parent is None else roots[parent])
        lines.append(here)
    return roots
