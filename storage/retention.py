"""Content-light sources: what a message said is dropped when its tags are made; that it was said is kept.

Ids, times, authors, labels, reactions, links and conversations stay, so that everything is computed as before. A text
comes back only with an edit, is tagged, and dropped again. What rests on texts alone cannot be made again: tags by
rules stay as they are when the rules change.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from storage.queue import mark
from storage.times import to_micros


def forget_texts(session: Session, source_id: int, older_than: datetime | None) -> int:
    """Drop the texts of a source's tagged messages.

    Args:
        session: a session that writes.
        source_id: whose messages.
        older_than: messages from before this moment; None: all of them, at once.

    Returns:
        How many texts were dropped.
    """
    connection = session.connection()
    sign = mark(connection)
    limit, values = "", []
    if older_than is not None:
        limit, values = f"AND created_at < {sign}", [to_micros(older_than)]
    given: tuple[Any, ...] = (to_micros(datetime.now(UTC)), source_id, *values)
    done = connection.exec_driver_sql(
        f"UPDATE messages SET text = '', text_forgotten_at = {sign} WHERE source_id = {sign} "
        f"AND NOT untagged AND NOT deleted AND text <> '' {limit}",
        given,
    )
    return max(done.rowcount, 0)
