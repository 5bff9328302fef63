"""A sweep deletes what it did not find, whatever order it is told in, and what is seen later stands again."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from connectors.records import Channel, ChannelGone, Deletion, Message, Page, Refusal, Swept
from storage import states, sweeps, tables
from storage.database import Database
from tests.storage.test_ingest import minute, save

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

# Where and when each message was written: two in the channel, one that opens the thread t, two in it.
PLACES = {"a": (0, None), "b": (3, None), "o": (1, "t"), "r": (2, "t"), "s": (4, "t")}


def message(id_: str, seen: int) -> Message:
    written, thread = PLACES[id_]
    return Message(
        id_, "k", "x", minute(written), f"{id_} seen {seen}", thread_id=thread, opens_thread=id_ == "o"
    )


class Look(NamedTuple):
    """What one page says, seen in a minute from 10 on."""

    shown: frozenset[str]
    deleted: frozenset[str]
    swept: tuple[Swept, ...]
    gone: bool


stretches = st.builds(
    lambda place, ends: Swept(*place, *(None if end is None else minute(end) for end in ends)),
    st.sampled_from([("k", None), ("k", "t"), ("", "t"), ("elsewhere", "t")]),
    st.tuples(st.none() | st.integers(0, 4), st.none() | st.integers(0, 4)),
)
ids = st.frozensets(st.sampled_from(sorted(PLACES)))
looks = st.builds(
    Look,
    ids,
    st.just(frozenset()) | ids,
    st.lists(stretches, max_size=2).map(tuple),
    st.integers(0, 9).map(lambda n: n == 0),
)


def page(seen: int, look: Look) -> Page:
    return Page(
        "s", None, minute(seen),
        messages=[message(id_, seen) for id_ in sorted(look.shown)],
        deletions=[Deletion(id_, minute(seen)) for id_ in sorted(look.deleted - look.shown)],
        swept=look.swept,
        gone_channels=[ChannelGone("k", minute(seen))] if look.gone and not look.shown else [],
    )  # fmt: skip


def covers(swept: Swept, id_: str) -> bool:
    written, thread = PLACES[id_]
    reply = thread == "t" and (id_ != "o" or swept.channel_id in {"k", ""})
    inside = reply if swept.thread_id else thread is None or id_ == "o"
    since = swept.since or minute(-1)
    until = swept.until or minute(99)
    return inside and since <= minute(written) <= until


def expected(history: Sequence[Look]) -> dict[str, str | None]:
    """By hand: a message stands with the text last seen unless something later says that it is gone."""
    found: dict[str, str | None] = {}
    for id_ in PLACES:
        seen = [10 + n for n, look in enumerate(history) if id_ in look.shown]
        if not seen:
            continue
        gone = [
            10 + n for n, look in enumerate(history)
            if id_ not in look.shown and (
                id_ in look.deleted or any(covers(swept, id_) for swept in look.swept) or (look.gone and not look.shown)
            )
        ]  # fmt: skip
        found[id_] = None if gone and max(gone) > max(seen) else f"{id_} seen {max(seen)}"
    return found


def stands(database: Database) -> dict[str, str | None]:
    with database.read() as session:
        rows = session.scalars(select(tables.Message).where(tables.Message.created_at.is_not(None))).all()
        assert all(row.text == "" for row in rows if row.deleted)
        return {row.external_id: None if row.deleted else row.text for row in rows}


@quick
@given(st.lists(looks, min_size=1, max_size=5), st.data())
def test_any_order_and_any_repetition_tell_what_stands(
    emptied: Callable[[], Database], history: list[Look], data: st.DataObject
) -> None:
    pages = [page(10 + n, look) for n, look in enumerate(history)]
    again = [one for one in pages if data.draw(st.booleans(), "again")]
    database = emptied()
    save(database, *data.draw(st.permutations(pages + again), "order"))
    assert stands(database) == expected(history)


def test_a_sweep_deletes_only_in_its_stretch(database: Database) -> None:
    save(database, Page("s", None, minute(10), messages=[message(id_, 10) for id_ in PLACES]))
    (saved,) = save(database, Page("s", None, minute(11), swept=[Swept("k", None, minute(1), minute(3))]))
    assert saved.deletions == 2
    assert {id_ for id_, text in stands(database).items() if text is None} == {"b", "o"}
    (saved,) = save(
        database, Page("s", None, minute(12), messages=[message("r", 12)], swept=[Swept("k", "t")])
    )
    assert saved.deletions == 1
    assert {id_ for id_, text in stands(database).items() if text is None} == {"b", "o", "s"}


def test_a_thread_with_a_channel_of_its_own_does_not_take_its_first_message_along(database: Database) -> None:
    first = message("o", 10)
    inside = message("r", 10)._replace(channel_id="t")
    save(database, Page("s", None, minute(10), messages=[first, inside]))
    save(database, Page("s", None, minute(11), swept=[Swept("t", "t")]))
    save(database, Page("s", None, minute(10), messages=[first, inside]))
    assert stands(database) == {"o": "o seen 10", "r": None}


def test_what_a_sweep_deleted_and_a_later_one_shows_was_restored(database: Database) -> None:
    save(database, Page("s", None, minute(10), messages=[message("a", 10)]))
    save(database, Page("s", None, minute(11), swept=[Swept("k")]))
    assert stands(database) == {"a": None}
    save(database, Page("s", None, minute(12), messages=[message("a", 12)], swept=[Swept("k")]))
    assert stands(database) == {"a": "a seen 12"}


def test_a_deleted_message_is_tagged_again(database: Database) -> None:
    save(database, Page("s", None, minute(10), messages=[message("a", 10)]))
    with database.write() as session:
        session.connection().exec_driver_sql("UPDATE messages SET untagged = false")
    for _ in range(2):
        save(database, Page("s", None, minute(11), swept=[Swept("k")]))
    with database.read() as session:
        (row,) = session.scalars(select(tables.Message))
        assert (row.deleted, row.untagged, row.deleted_at) == (True, True, minute(11))


def test_a_channel_goes_with_its_threads_and_what_comes_late(database: Database) -> None:
    elsewhere = Message("z", "other", "x", minute(0), "stays")
    inner = Message("i", "inside", "x", minute(0), "goes", thread_id="u")
    save(
        database,
        Page("s", None, minute(9), channels=[Channel("inside", "inside", parent_id="k")]),
        Page("s", None, minute(10), messages=[message("a", 10), message("r", 10), inner, elsewhere]),
        Page("s", None, minute(12), gone_channels=[ChannelGone("k", minute(12))]),
        Page("s", None, minute(11), messages=[message("b", 11)]),
    )
    assert stands(database) == {"a": None, "r": None, "i": None, "z": "stays", "b": None}


def test_old_sweeps_are_forgotten_and_gone_channels_never(database: Database) -> None:
    save(
        database,
        Page("s", None, minute(10), swept=[Swept("k")], gone_channels=[ChannelGone("l", minute(10))]),
    )
    with database.write() as session:
        sweeps.forget(session.connection(), minute(11))
    with database.read() as session:
        assert session.scalars(select(tables.Sweep.channel_id)).all() == ["l"]


@pytest.mark.parametrize("later", [9, 11])
def test_a_refusal_stands_until_the_channel_answers(database: Database, later: int) -> None:
    why = "Invite the bot to #ops."
    save(
        database,
        Page("s", None, minute(10), refusals=[Refusal("ops", why), Refusal("law", why)]),
        Page("s", None, minute(later), readable=["ops", "general"]),
        Page("s", None, minute(8), refusals=[Refusal("law", "An older reason.")]),
    )
    with database.read() as session:
        found = {refusal.channel_id: refusal.why for refusal in states.refusals(session, 1)}
    assert found == ({"law": why} if later > 10 else {"law": why, "ops": why})
