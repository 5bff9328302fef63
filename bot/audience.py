"""Who will read an answer, and what they may read: names and words are cut to it in SQL (docs/adr/0006).

Numbers are of the whole community, whoever reads them. Texts, links and names are shown only to readers who may quote,
and only from places that all of them can read: public channels of the source they read on, its private channels that
the platform says they can read, and public channels of the sources that are open to everybody.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bot.spaces.counted import quoted
from storage.tables import Channel, Source

_GATE = """CASE WHEN c.is_private THEN c.external_id WHEN p.is_private THEN p.external_id
    WHEN g.is_private THEN g.external_id WHEN o.is_private OR o.parent_id IS NOT NULL THEN o.external_id END"""
# No platform nests deeper than a thread in a channel in a category in a category; what does is taken to be private.
_PLACES = """FROM channels c
    LEFT JOIN channels p ON p.source_id = c.source_id AND p.external_id = c.parent_id
    LEFT JOIN channels g ON g.source_id = p.source_id AND g.external_id = p.parent_id
    LEFT JOIN channels o ON o.source_id = g.source_id AND o.external_id = g.parent_id"""


@dataclass(frozen=True, slots=True)
class Audience:
    """The readers of one answer. Without a source: the operator at the terminal, who sees everything."""

    source: int | None = None
    """The source they read on; None: everything is shown."""
    quotes: bool = True
    """Whether names and words may be shown at all."""
    staff: bool = True
    """Whether what happens in places for staff only may be told."""
    private: frozenset[str] = frozenset()
    """The private channels of their source that all of them can read."""
    public: bool = True
    """Whether they can read the public channels of their source; guests can only read what `private` names."""
    open_sources: frozenset[int] = frozenset()
    """Other sources, whose public channels everybody can read."""


OPERATOR = Audience()
"""At the terminal."""


def gates(
    session: Session, sources: Collection[int], channels: Collection[str] = ()
) -> dict[tuple[int, str], str]:
    """(source, channel) -> the private channel that decides who can read it; public ones are not in it.

    Of the channels that are counted; with `channels`, of those, counted or not.
    """
    if not sources:
        return {}
    which = "c.counted"
    values: dict[str, str] = {}
    if channels:
        values = {f"c{number}": channel for number, channel in enumerate(channels)}
        which = f"c.external_id IN ({', '.join(f':{name}' for name in values)})"
    rows = session.execute(
        text(f"""SELECT source_id, external_id, gate FROM (
            SELECT c.source_id, c.external_id, {_GATE} AS gate {_PLACES}
            WHERE {which} AND c.source_id IN ({", ".join(map(str, sorted(sources)))})) places
        WHERE gate IS NOT NULL"""),
        values,
    )
    return {(source, channel): gate for source, channel, gate in rows}


class Cut:
    """An audience's conditions in SQL, on a source and a channel (two columns), in one session.

    Where there are private channels that they cannot read, it makes the temporary table `hidden`.
    """

    def __init__(self, session: Session, audience: Audience) -> None:
        self._audience = audience
        self._hides = False
        if audience.source is None:
            return
        hidden = [
            {"source": source, "channel": channel}
            for (source, channel), gate in gates(session, source_ids(session).values()).items()
            if source != audience.source or not {channel, gate} & audience.private
        ]
        if hidden:
            self._hides = True
            connection = session.connection()
            connection.exec_driver_sql("DROP TABLE IF EXISTS hidden")
            connection.exec_driver_sql("CREATE TEMPORARY TABLE hidden (source_id INTEGER, external_id TEXT)")
            connection.execute(text("INSERT INTO hidden VALUES (:source, :channel)"), hidden)

    def places(self, source: str, channel: str) -> str:
        """Whether they may know that something happened there: it is public, or they can read it."""
        if not self._hides:
            return "true"
        return f"({source}, {channel}) NOT IN (SELECT source_id, external_id FROM hidden)"

    def words(self, source: str, channel: str) -> str:
        """Whether they may see what was said there, and by whom."""
        audience = self._audience
        if audience.source is None:
            return "true"
        if not audience.quotes:
            return "false"
        here = f"{source} = {audience.source}"
        if not audience.public:
            named = ", ".join(map(quoted, sorted(audience.private))) or "NULL"
            here += f""" AND {channel} IN (SELECT external_id FROM channels
                WHERE source_id = {audience.source} AND (external_id IN ({named}) OR parent_id IN ({named})))"""
        seen = " OR ".join([f"({here})", *(f"{source} = {other}" for other in sorted(audience.open_sources))])
        return f"(({seen}) AND {self.places(source, channel)})"


def source_ids(session: Session) -> dict[str, int]:
    """Every source that is stored, by name."""
    return {name: id_ for name, id_ in session.execute(select(Source.name, Source.id))}  # noqa: C416 - rows are no pairs to mypy


def is_known(session: Session, source: int, channel: str) -> bool:
    """Whether the channel is stored: of one that is not, nobody knows who can read it."""
    return session.get(Channel, (source, channel)) is not None
