"""Which topics we have posts of, so that one that vanishes from a forum's lists is missed.

Kept in cursors, some hundred topics each, written before the posts themselves: a topic that is known too many costs
one question, one that is not known would never be found deleted.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import orjson

from connectors.records import Page

_STREAM = "topics:"
_CHUNK = 500
_DAY = 86_400


class Ledger:
    """Topic -> the last day on which a post in it is known, and its category."""

    def __init__(self) -> None:
        self.topics: dict[int, tuple[int, str]] = {}
        self._members: dict[int, set[int]] = {}
        self._changed: set[int] = set()

    def load(self, cursors: Mapping[str, str]) -> None:
        """Take over what the cursors say; what is known already stays."""
        for stream, cursor in cursors.items():
            if stream.startswith(_STREAM):
                for id_, (day, category) in orjson.loads(cursor or "{}").items():
                    if int(id_) not in self.topics:
                        self._put(int(id_), day, category)

    def note(self, topic: int, at: datetime, category: str) -> None:
        """There is a post of this time in a topic."""
        day = int(at.timestamp()) // _DAY
        known = self.topics.get(topic)
        if known is None or known[0] < day or known[1] != category:
            self._put(topic, max(day, known[0] if known else day), category)
            self._changed.add(topic // _CHUNK)

    def drop(self, topic: int) -> None:
        """A topic is gone."""
        if self.topics.pop(topic, None) is not None:
            self._members[topic // _CHUNK].discard(topic)
            self._changed.add(topic // _CHUNK)

    def since(self, at: datetime) -> set[int]:
        """The topics with a post of this day or later."""
        first = int(at.timestamp()) // _DAY
        return {topic for topic, (day, _) in self.topics.items() if day >= first}

    def category(self, topic: int) -> str:
        """The category a topic was last seen in."""
        return self.topics[topic][1] if topic in self.topics else ""

    def pages(self) -> Iterable[Page]:
        """What changed since the last time, to be saved before the posts it tells of."""
        changed, self._changed = sorted(self._changed), set()
        for chunk in changed:
            rows = {str(topic): self.topics[topic] for topic in sorted(self._members[chunk])}
            yield Page(f"{_STREAM}{chunk}", orjson.dumps(rows).decode(), datetime.now(UTC))

    def _put(self, topic: int, day: int, category: str) -> None:
        self.topics[topic] = (day, category)
        self._members.setdefault(topic // _CHUNK, set()).add(topic)
