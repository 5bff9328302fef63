"""What an outside judge said of labels that the machine is unsure of: kept, so that nothing is asked twice.

An opinion is about a message as it stood; once the message is edited it says nothing any more.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.queue import among, queue
from storage.tables import Opinion, Setting

_ASKED, _TROUBLE = "judge_asked", "judge_trouble"


def keep(
    session: Session,
    source_id: int,
    external_id: str,
    revision: int,
    judge: str,
    said: Mapping[str, bool | None],
) -> None:
    """Keep what was said of each label (None: no usable answer), and have the message tagged anew."""
    for label, verdict in said.items():
        session.merge(
            Opinion(
                source_id=source_id, external_id=external_id, label=label, revision=revision, verdict=verdict,
                judge=judge, asked_at=datetime.now(UTC),
            )
        )  # fmt: skip
    session.flush()
    if any(verdict is not None for verdict in said.values()):
        queue(session, source_id, [external_id])


def of(
    session: Session, source_id: int, external_ids: Iterable[str]
) -> dict[tuple[str, str], tuple[bool, str]]:
    """(message, label) -> (verdict, judge), of those messages as they now stand."""
    connection = session.connection()
    condition, values = among(connection, "o.external_id", external_ids)
    rows = connection.exec_driver_sql(
        "SELECT o.external_id, o.label, o.verdict, o.judge FROM opinions o JOIN messages m "
        "ON m.source_id = o.source_id AND m.external_id = o.external_id AND m.revision = o.revision "
        f"WHERE o.source_id = {int(source_id)} AND o.verdict IS NOT NULL AND {condition}",
        values,
    )
    return {(id_, label): (bool(verdict), judge) for id_, label, verdict, judge in rows}


# --- how often, and what is wrong -----------------------------------------------------------------------------------


def take(session: Session, day: date, most: int) -> bool:
    """Count one more question of a day before it is asked; False where the day has had as many as it may."""
    # The row is there before it is locked: two processes that begin at once wait for each other.
    session.connection().exec_driver_sql(
        f"INSERT INTO settings (key, value) VALUES ('{_ASKED}', '{{}}') ON CONFLICT (key) DO NOTHING"
    )
    row = session.scalars(select(Setting).where(Setting.key == _ASKED).with_for_update()).one()
    count = _count(row, day)
    if count >= most:
        return False
    row.value = orjson.dumps({"day": day.isoformat(), "asked": count + 1}).decode()
    return True


def give_back(session: Session, day: date) -> None:
    """Take a question back that never reached the judge, or that it did not take."""
    row = session.scalars(select(Setting).where(Setting.key == _ASKED).with_for_update()).one()
    row.value = orjson.dumps({"day": day.isoformat(), "asked": max(_count(row, day) - 1, 0)}).decode()


def asked(session: Session, day: date) -> int:
    """How many questions a day has had."""
    row = session.get(Setting, _ASKED)
    return 0 if row is None else _count(row, day)


def _count(row: Setting, day: date) -> int:
    told = orjson.loads(row.value)
    return int(told["asked"]) if told.get("day") == day.isoformat() else 0


def note_trouble(session: Session, words: str) -> None:
    """Write down what is wrong with the judge; nothing: it answers."""
    session.merge(Setting(key=_TROUBLE, value=words))


def trouble(session: Session) -> str:
    """What was wrong with the judge when it was last asked; nothing where it answered."""
    row = session.get(Setting, _TROUBLE)
    return row.value if row is not None else ""
