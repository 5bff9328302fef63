"""A conversation as its messages see it: from turns to subjects.

What a subject shows of later messages ends `AHEAD` turns on, so that a new message changes only the verdicts shortly
before it.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bot.classifiers import Subject

AHEAD = 3
"""How many turns after a message its verdicts may rest on."""

BACK = 10
"""How many turns before it; further back only its conversation's first message and the one it replies to."""


class Turn(NamedTuple):
    """One message of a conversation. `person` is None where the platform does not say who wrote it."""

    id: str
    person: str | None
    text: str
    is_bot: bool = False
    reply_to: str | None = None
    reactions: frozenset[str] = frozenset()
    is_solution: bool = False
    marks: frozenset[str] = frozenset()
    place: str = ""
    in_thread: bool = False


def subjects(
    talk: Sequence[Turn], root: str, asked: bool | None = None, start: int = 0
) -> Iterator[tuple[int, Subject]]:
    """The subjects of a conversation from its turn number `start` on, in order, with their numbers; bots' are left out.

    Args:
        talk: the whole conversation, oldest first.
        root: the id of its first message, which may be gone.
        asked: see `Subject.asked`.
        start: from which turn on.
    """
    first = next((turn for turn in talk if turn.id == root), None)
    asker = first.person if first is not None else None
    numbers = {turn.id: n for n, turn in enumerate(talk)}
    by_asker = [turn.id == root or (asker is not None and turn.person == asker) for turn in talk]
    replied = _replied(talk, by_asker)
    for n in range(start, len(talk)):
        turn = talk[n]
        if turn.is_bot:
            continue
        parent = _parent(talk, n, numbers)
        before, after = talk[n - 1] if n else None, talk[n + 1] if n + 1 < len(talk) else None
        yield n, Subject(
            turn.text, turn.reactions, turn.is_solution, turn.marks, turn.place,
            is_root=turn.id == root,
            by_asker=by_asker[n],
            asked=asked,
            root=first.text if first is not None and turn.id != root else None,
            parent=None if parent is None else talk[parent].text,
            parent_by_asker=parent is not None and by_asker[parent],
            before=before.text if before is not None and _same(before, turn) else None,
            after=after.text if after is not None and _same(after, turn) else None,
            reply=after.text if after is not None and not _same(after, turn) else None,
            then_asker=None if by_asker[n] or asker is None else _then(talk, n, by_asker),
            position=n,
            after_reply=replied[n],
            in_thread=turn.in_thread,
        )  # fmt: skip


def _same(one: Turn, other: Turn) -> bool:
    return one.person is not None and one.person == other.person


def _replied(talk: Sequence[Turn], by_asker: Sequence[bool]) -> list[bool]:
    """Whether, before each turn, somebody else than the asker and no bot wrote."""
    found, so_far = [], False
    for turn, own in zip(talk, by_asker, strict=True):
        found.append(so_far)
        so_far = so_far or not (own or turn.is_bot)
    return found


def _parent(talk: Sequence[Turn], n: int, numbers: dict[str, int]) -> int | None:
    turn = talk[n]
    named = numbers.get(turn.reply_to, n) if turn.reply_to is not None else n
    if named < n:
        return named
    for earlier in range(n - 1, max(n - BACK, 0) - 1, -1):
        if not talk[earlier].is_bot and not _same(talk[earlier], turn):
            return earlier
    return None


def _then(talk: Sequence[Turn], n: int, by_asker: Sequence[bool]) -> str | None:
    ahead = range(n + 1, min(n + 1 + AHEAD, len(talk)))
    return next((talk[later].text for later in ahead if by_asker[later]), None)
