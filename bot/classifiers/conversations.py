"""Conversations in un-threaded chat: which earlier message does a message go on from?

The answer is local: it rests on the message and on the lines just before it (`LINES`, `REACH`), and on nothing that was
itself derived. So it is the same in whatever order the messages arrived, and a live message costs no more than a look at
those lines. What is looked at, and how it is weighed, stands in `bot.classifiers.links`.
"""

from collections.abc import Iterator, Sequence

from bot.classifiers import links
from bot.classifiers.speech import Line

LINES = 30
"""How many lines back a line can go on from; one of a hundred links that people drew reaches further."""

REACH = 24 * 60 * links.MINUTE
"""How far back in time, in microseconds, a line can go on from; only an explicit reply reaches further."""


def parent(line: Line, before: Sequence[Line], reply_to: Line | None = None) -> Line | None:
    """The line that this one goes on from, or None where it begins a conversation.

    Args:
        line: the line asked about.
        before: the lines of its channel before it, oldest first; at most the last `LINES` of them. Those older than
            `REACH` are left aside.
        reply_to: the line that the platform says it answers, at any distance.
    """
    if reply_to is not None:
        return reply_to
    return links.shipped().choose(line, list(recent(line, before)))


def recent(line: Line, before: Sequence[Line]) -> Iterator[Line]:
    """The lines within reach, newest first, without those of bots."""
    oldest = line.at - REACH
    for other in reversed(before):
        if other.at < oldest:
            return
        if other.speaker is None or not other.speaker.is_bot:
            yield other
