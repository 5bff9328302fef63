"""Plain rules for reply links, which the learned model replaced: the floor that it is measured against.

Who is called is answered, rather in the line that called back; then the author's own line shortly before, or the one that
spoke to them since; then the last line, if it is near. On links that people drew in support chat they find F .61.
"""

from collections.abc import Sequence

from bot.classifiers.links import MINUTE
from bot.classifiers.speech import Line

_GOES_ON, _ASKS_ON, _NEAR, _NEAR_OPENING = 3 * MINUTE, MINUTE, 60 * MINUTE, 12 * 60 * MINUTE


def parent(line: Line, near: Sequence[Line]) -> Line | None:
    """The line that this one goes on from, or None; `near` is newest first."""
    found = _called(line, near) or _exchange(line, near)
    if found is not None:
        return found
    last = near[0] if near else None
    if last is None or line.opens or line.at - last.at > (_NEAR_OPENING if last.opens else _NEAR):
        return None
    return last


def _called(line: Line, near: Sequence[Line]) -> Line | None:
    if not line.calls:
        return None
    me, called, latest = line.speaker, None, None
    for other in near:
        speaker = other.speaker
        if speaker is None or (me is not None and speaker.id == me.id):
            continue
        if called is None and not speaker.names.isdisjoint(line.calls):
            called, latest = speaker.id, other
        if speaker.id == called and me is not None and other.calls and not me.names.isdisjoint(other.calls):
            return other
    return latest


def _exchange(line: Line, near: Sequence[Line]) -> Line | None:
    me = line.speaker
    if me is None:
        return None
    for other in near:
        if other.speaker is not None and other.speaker.id == me.id:
            return other if line.at - other.at <= (_ASKS_ON if line.opens else _GOES_ON) else None
        if other.calls and not me.names.isdisjoint(other.calls):
            return other
    return None
