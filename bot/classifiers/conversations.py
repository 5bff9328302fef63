"""Conversations in un-threaded chat: which earlier message does a message go on from?

Every rule is local: it looks at the message and at the lines just before it (`LINES`, `REACH`), and at nothing that
was itself derived. So the answer is the same in whatever order the messages arrived, and a live message costs no more
than a look at those lines.

The rules and their times were chosen on reply links that people drew in support chat (tests/bot/test_conversations.py
tells how well they do).
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

LINES = 30
"""How many lines back a line can go on from; 50 and 100 did no better on the links that people drew."""

_MINUTE = 60_000_000
REACH = 24 * 60 * _MINUTE
"""How far back in time, in microseconds, a line can go on from; only an explicit reply reaches further."""

_GOES_ON = 3 * _MINUTE  # the same person writes on
_ASKS_ON = 1 * _MINUTE  # ... and asks
_NEAR = 60 * _MINUTE  # people answer what was said just before
_NEAR_OPENING = 12 * 60 * _MINUTE  # ... and a question even after hours, when nobody wrote in between


_SHORTEST_NAME = 3  # initials name nobody


class Speaker(NamedTuple):
    """Who wrote a line, and what they are called by others: names and ids, in lower case."""

    id: str
    names: frozenset[str]
    is_bot: bool = False


class Line(NamedTuple):
    """One message of a channel that stands in no thread, or opens one."""

    id: str
    at: int
    """Microseconds since 1970."""
    speaker: Speaker | None
    calls: tuple[str, ...]
    """From `calls`: whom it speaks to."""
    opens: bool
    """It speaks to everybody, or asks."""
    in_thread: bool
    """It opens a thread, where its answers are: only a call or reply goes on from it."""


_CALLED = re.compile(r"<@!?([\w.-]+)(?:\|([^>\n]+))?>|(?<![\w.@/])@([\w.-]+(?: [\w.-]+){0,2})")
_ADDRESSED = re.compile(r"\s*@?([^\s:,@<>?!.][^:,@<>?!\n]{0,40}?)\s*[:,](?:\s|$)")


def calls(text: str) -> tuple[str, ...]:
    """The names and ids by which a text speaks to somebody, in lower case: `<@U1>`, `@name`, "name: ..." at its start.

    Of "@Ana Lopez hi" all of "ana lopez hi", "ana lopez" and "ana" are returned, since only the speakers' names can
    tell where the name ends.
    """
    found: list[str] = []
    if "@" in text:
        for identity, label, name in _CALLED.findall(text[:2000]):
            if identity:
                found.append(identity.lower())
                if label:
                    found.append(label.lower())
            else:
                words = name.lower().split(" ")
                found += [" ".join(words[:count]).rstrip(".-") for count in range(len(words), 0, -1)]
    start = _ADDRESSED.match(text[:80])
    if start:
        name = start[1].lower()
        if name.count(" ") <= 2:  # noqa: PLR2004 - nobody is called by more than three words
            found.append(name)
    return tuple(found)


def names(*forms: str) -> frozenset[str]:
    """What a member is called: each form, and the first word of a longer one."""
    found = {form.lower() for form in forms if form}
    first_words = {form.split(" ")[0] for form in found if " " in form}
    return frozenset(found | {word for word in first_words if len(word) >= _SHORTEST_NAME})


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
    found = _called(line, before) or _exchange(line, before)
    if found is not None:
        return found
    last = next((other for other in _recent(line, before) if not other.in_thread), None)
    if last is None or line.opens or line.at - last.at > (_NEAR_OPENING if last.opens else _NEAR):
        return None
    return last


def _recent(line: Line, before: Sequence[Line]) -> Iterator[Line]:
    """The lines within reach, newest first, without those of bots."""
    oldest = line.at - REACH
    for other in reversed(before):
        if other.at < oldest:
            return
        if other.speaker is None or not other.speaker.is_bot:
            yield other


def _called(line: Line, before: Sequence[Line]) -> Line | None:
    """The latest line of whom this line speaks to; rather one that spoke to this line's author."""
    if not line.calls:
        return None
    me, called, latest = line.speaker, None, None
    for other in _recent(line, before):
        speaker = other.speaker
        if speaker is None or (me is not None and speaker.id == me.id):
            continue
        if called is None and not speaker.names.isdisjoint(line.calls):
            called, latest = speaker.id, other
        if speaker.id == called and me is not None and other.calls and not me.names.isdisjoint(other.calls):
            return other
    return latest


def _exchange(line: Line, before: Sequence[Line]) -> Line | None:
    """The author's own line shortly before, or the line that spoke to them since they last wrote."""
    me = line.speaker
    if me is None:
        return None
    for other in _recent(line, before):
        if other.in_thread:
            continue
        if other.speaker is not None and other.speaker.id == me.id:
            return other if line.at - other.at <= (_ASKS_ON if line.opens else _GOES_ON) else None
        if other.calls and not me.names.isdisjoint(other.calls):
            return other
    return None
