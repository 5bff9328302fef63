"""Saving is a fold: any order, any repetition and any interruption give the same tables, on both databases."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from connectors.records import Channel, Deletion, Join, Leave, Member, Message, Page
from storage import ingest, tables
from storage.database import Database

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TABLES = {"messages": tables.Message, "members": tables.Member, "channels": tables.Channel}

quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def minute(number: int) -> datetime:
    return NOON + timedelta(minutes=number)


# --- histories --------------------------------------------------------------------------------------------------


class Fact(NamedTuple):
    """One thing that a page says. `number` is a revision, a minute or a flag, as the kind has it."""

    kind: str
    id: str
    number: int


facts = st.one_of(
    st.builds(Fact, st.just("message"), st.sampled_from("abc"), st.integers(0, 2)),
    st.builds(Fact, st.just("deletion"), st.sampled_from("abc"), st.integers(0, 6)),
    st.builds(Fact, st.just("member"), st.sampled_from("xyz"), st.integers(0, 1)),
    st.builds(Fact, st.just("channel"), st.sampled_from("kl"), st.just(0)),
    st.builds(Fact, st.just("join"), st.sampled_from("xyz"), st.integers(0, 6)),
    st.builds(Fact, st.just("leave"), st.sampled_from("xyz"), st.integers(0, 6)),
)
histories = st.lists(st.lists(facts, max_size=8), min_size=1, max_size=6)


def message(id_: str, revision: int, seen: int) -> Message:
    """A snapshot as it was seen at that minute: who, where and what all depend on when one looks."""
    return Message(
        id_, "kl"[seen % 2], ("x", "y", None)[revision], minute(0), f"{id_} {revision} seen {seen}",
        thread_id="t" if seen % 3 else None, revision=revision, reactions={"👍": seen} if seen % 4 else {},
    )  # fmt: skip


def page(seen: int, said: Sequence[Fact], cursor: str | None = None) -> Page:
    """What was said in that minute."""

    def of(kind: str) -> list[Fact]:
        return [fact for fact in said if fact.kind == kind]

    return Page(
        "archive", cursor, minute(seen),
        members=[Member(f.id, f"{f.id} seen {seen}", complete=bool(f.number)) for f in of("member")],
        channels=[Channel(f.id, f"{f.id} seen {seen}") for f in of("channel")],
        messages=[message(f.id, f.number, seen) for f in of("message")],
        deletions=[Deletion(f.id, minute(f.number)) for f in of("deletion")],
        joins=[Join(f.id, minute(f.number)) for f in of("join")],
        leaves=[Leave(f.id, minute(f.number)) for f in of("leave")],
    )  # fmt: skip


def in_order(history: list[list[Fact]]) -> list[Page]:
    return [page(seen, said) for seen, said in enumerate(history)]


def save(database: Database, *pages: Page) -> list[ingest.Saved]:
    saved = []
    for each in pages:
        with database.write() as session:
            saved.append(ingest.save(session, ingest.source_id(session, "team", "slack"), each))
    return saved


def contents(database: Database) -> dict[str, list[dict[str, Any]]]:
    with database.read() as session:
        return {
            name: sorted((dict(row) for row in session.execute(select(table.__table__)).mappings()), key=str)
            for name, table in TABLES.items()
        }


def only(database: Database) -> tables.Message:
    with database.read() as session:
        found = session.scalars(select(tables.Message)).one()
        session.expunge(found)
        return found


# --- properties -------------------------------------------------------------------------------------------------


def test_many_rows_at_once_are_as_one_after_the_other(emptied: Callable[[], Database]) -> None:
    # More than go into one statement, and the same message again and again within it.
    said = [message(f"m{n % 37}", n % 37 % 2 or n % 3, 1)._replace(text=f"{n}") for n in range(230)]
    whole = Page("archive", None, minute(1), messages=said)
    database = emptied()
    save(database, *(whole._replace(messages=[each]) for each in said))
    apart = contents(database)
    database = emptied()
    (saved,) = save(database, whole)
    assert contents(database) == apart
    assert 37 <= saved.messages <= 230
    assert save(database, whole)[0].messages < saved.messages


@quick
@given(histories, st.data())
def test_any_order_and_any_repetition_give_the_same_tables(
    emptied: Callable[[], Database], history: list[list[Fact]], data: st.DataObject
) -> None:
    database = emptied()
    save(database, *in_order(history))
    expected = contents(database)

    pieces = [(seen, [fact]) for seen, said in enumerate(history) for fact in said]
    pieces += [(seen, said) for seen, said in enumerate(history) if data.draw(st.booleans(), "whole again")]
    shuffled = data.draw(st.permutations(pieces), "shuffled")
    database = emptied()
    save(database, *(page(seen, said) for seen, said in shuffled))
    assert contents(database) == expected


@quick
@given(histories)
def test_messages_are_what_a_plain_fold_says(
    emptied: Callable[[], Database], history: list[list[Fact]]
) -> None:
    newest: dict[str, tuple[int, int]] = {}
    gone: dict[str, int] = {}
    for seen, said in enumerate(history):
        for fact in said:
            if fact.kind == "message":
                newest[fact.id] = max(newest.get(fact.id, (-1, 0)), (fact.number, seen))
            elif fact.kind == "deletion":
                gone[fact.id] = max(gone.get(fact.id, 0), fact.number)
    expected = {}
    for id_ in newest.keys() | gone.keys():
        revision, seen = newest.get(id_, (-1, -1))
        deleted = id_ in gone and gone[id_] >= seen
        text = "" if deleted or id_ not in newest else message(id_, revision, seen).text
        expected[id_] = (revision, text, deleted, minute(gone[id_]) if id_ in gone else None)

    database = emptied()
    save(database, *in_order(history))
    assert {
        row["external_id"]: (row["revision"], row["text"], row["deleted"], row["deleted_at"])
        for row in contents(database)["messages"]
    } == expected


class PowerCutError(Exception):
    """In the middle of a transaction."""


@quick
@given(histories, st.sets(st.integers(0, 5)))
def test_killed_and_resumed_equals_uninterrupted(
    emptied: Callable[[], Database], history: list[list[Fact]], deaths: set[int]
) -> None:
    pages = [page(seen, said, cursor=str(seen + 1)) for seen, said in enumerate(history)]
    database = emptied()
    save(database, *pages)
    expected = contents(database)

    database = emptied()
    with database.write() as session:
        source = ingest.source_id(session, "team", "slack")
    to_die = {death for death in deaths if death < len(pages)}
    lives = 0
    while (position := _position(database, source)) < len(pages):
        lives += 1
        assert lives <= 1 + len(pages), "it never comes to an end"
        try:
            for number in range(position, len(pages)):
                with database.write() as session:
                    ingest.save(session, source, pages[number])
                    if number in to_die:
                        to_die.remove(number)
                        raise PowerCutError  # noqa: TRY301 - it must break off in the middle
        except PowerCutError:
            assert _position(database, source) == number, "the cursor moved without its records"
    assert lives == 1 + len({death for death in deaths if death < len(pages)})
    assert contents(database) == expected


def _position(database: Database, source: int) -> int:
    with database.read() as session:
        return int(ingest.cursors(session, source).get("archive", "0"))


anything = st.text(st.characters(exclude_categories=()), max_size=12)


@quick
@given(anything, anything, anything, anything, anything)
@example("\0", "\0", "\0", "\0", "\0")
@example("\ud800", "\udc00", "\ud800", "\ud800", "\udc00")
@example("a\ud83d\ude00", "\ud83d\0\ude00", "", "\ude00\ud83d", "")
def test_no_text_is_too_strange_to_save(
    emptied: Callable[[], Database], text: str, name: str, address: str, emoji: str, id_: str
) -> None:
    database = emptied()
    strange = Page(
        "archive" + name, "5" + id_, NOON,
        members=[Member("x" + id_, name, name, address, roles=(name,), links=(address,))],
        channels=[Channel("k" + id_, name, "p" + id_, url=address)],
        messages=[
            Message("m" + id_, "k" + id_, "x" + id_, NOON, text, thread_id="t" + id_, reply_to="r" + id_,
                    reactions={emoji: 2}, url=address),
        ],
        deletions=[Deletion("gone" + id_, NOON)],
        joins=[Join("j" + id_, NOON)],
    )  # fmt: skip
    save(database, strange)
    expected = contents(database)
    row = next(row for row in expected["messages"] if row["external_id"].startswith("m"))
    # Two halves of a pair side by side are one character; a half alone is none.
    plain = text.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert row["text"] == plain
    assert row["channel_id"] in {channel["external_id"] for channel in expected["channels"]}
    assert row["author_id"] in {member["external_id"] for member in expected["members"]}
    assert list(orjson.loads(row["reactions"]).values()) == [2]
    save(database, strange)
    assert contents(database) == expected


@quick
@given(st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.timezones()))  # noqa: DTZ001 - bounds
def test_every_moment_comes_back_exactly(emptied: Callable[[], Database], moment: datetime) -> None:
    database = emptied()
    save(database, Page("archive", None, NOON, messages=[Message("a", "k", None, moment, "when")]))
    assert only(database).created_at == moment.astimezone(UTC)


# --- by hand ----------------------------------------------------------------------------------------------------


def test_an_edit_wins_by_revision_and_never_goes_back(database: Database) -> None:
    edited = message("a", 2, 1)
    stale = message("a", 1, 5)
    assert save(database, Page("s", None, minute(1), messages=[edited]))[0].messages == 1
    assert save(database, Page("s", None, minute(5), messages=[stale]))[0].messages == 0
    assert only(database).text == edited.text


def test_a_tombstone_may_come_before_its_message(database: Database) -> None:
    save(database, Page("s", None, minute(9), deletions=[Deletion("a", minute(3))]))
    tombstone = only(database)
    assert (tombstone.deleted, tombstone.created_at, tombstone.untagged) == (True, None, False)
    save(database, Page("s", None, minute(2), messages=[message("a", 0, 2)]))
    found = only(database)
    assert (found.deleted, found.text, found.channel_id, found.untagged) == (True, "", "k", True)


def test_the_text_of_a_deleted_message_is_wiped(database: Database) -> None:
    save(database, Page("s", None, minute(1), messages=[message("a", 0, 1)]))
    assert save(database, Page("s", None, minute(9), deletions=[Deletion("a", minute(3))]))[0].deletions == 1
    assert (only(database).deleted, only(database).text) == (True, "")
    # A later edit of what was seen before the deletion brings nothing back.
    save(database, Page("s", None, minute(2), messages=[message("a", 2, 2)]))
    assert (only(database).deleted, only(database).text) == (True, "")


def test_a_message_seen_after_its_deletion_was_restored(database: Database) -> None:
    save(
        database,
        Page("s", None, minute(1), messages=[message("a", 0, 1)]),
        Page("s", None, minute(3), deletions=[Deletion("a", minute(3))]),
        Page("s", None, minute(4), messages=[message("a", 0, 4)]),
    )
    found = only(database)
    assert (found.deleted, found.text) == (False, "a 0 seen 4")


def test_one_message_twice_in_a_page(database: Database) -> None:
    twice = [message("a", 1, 1), message("a", 0, 1), message("a", 1, 1)]
    assert save(database, Page("s", None, minute(1), messages=twice))[0].messages == 1
    assert only(database).revision == 1


@pytest.mark.parametrize("size", [63, 64, 300], ids=["below COPY", "from COPY on", "many"])
def test_copy_and_single_rows_agree(emptied: Callable[[], Database], size: int) -> None:
    # Three snapshots of each message, shuffled by a step that is prime to the size.
    snapshots = [message(f"m{n // 3}", n % 3, 1) for n in (17 * n % size for n in range(size))]
    gone = [Deletion(f"m{n % 50}", minute(n % 3)) for n in range(size)]

    database = emptied()
    (at_once,) = save(database, Page("s", None, minute(1), messages=snapshots, deletions=gone))
    expected = contents(database)
    assert len(expected["messages"]) == max(-(-size // 3), min(size, 50))

    database = emptied()
    singly = save(database, *(Page("s", None, minute(1), messages=[each]) for each in snapshots))
    singly += save(database, *(Page("s", None, minute(1), deletions=[each]) for each in gone))
    assert contents(database) == expected
    assert at_once.messages == sum(saved.messages for saved in singly)
    assert at_once.deletions == sum(saved.deletions for saved in singly)


def test_known_pages_change_nothing(database: Database) -> None:
    pages = in_order([[Fact("message", "a", 1), Fact("message", "b", 0), Fact("deletion", "c", 1)]])
    assert save(database, *pages, *pages) == [ingest.Saved(2, 1), ingest.Saved(0, 0)]


def test_a_little_known_author_never_replaces_a_known_member(database: Database) -> None:
    known = Member("x", "ada", "Ada", "ada@example.org", roles=("staff",))
    save(
        database,
        Page("s", None, minute(1), members=[known], joins=[Join("x", minute(0))]),
        Page("s", None, minute(5), members=[Member("x", "x", complete=False)], messages=[message("a", 0, 5)]),
    )
    (member,) = contents(database)["members"]
    assert (member["name"], member["email"], member["joined_at"]) == ("ada", "ada@example.org", minute(0))


def test_the_first_join_the_last_join_and_the_last_leave_are_kept(database: Database) -> None:
    joins, leaves = [Join("x", minute(at)) for at in (4, 1, 6)], [Leave("x", minute(at)) for at in (2, 5, 3)]
    save(database, Page("s", None, minute(9), joins=joins, leaves=leaves))
    (member,) = contents(database)["members"]
    assert [member[name] for name in ("joined_at", "rejoined_at", "left_at")] == [
        minute(1),
        minute(6),
        minute(5),
    ]


def test_two_sources_with_the_same_ids_stay_apart(database: Database) -> None:
    with database.write() as session:
        sources = {name: ingest.source_id(session, name, "slack") for name in ("one", "two")}
        assert sources == {name: ingest.source_id(session, name, "slack") for name in ("one", "two")}
        for name, source in sources.items():
            ingest.save(session, source, Page("s", name, minute(1), messages=[message("a", 0, 1)]))
    assert len(contents(database)["messages"]) == 2
    with database.read() as session:
        assert [ingest.cursors(session, source) for source in sources.values()] == [
            {"s": "one"},
            {"s": "two"},
        ]


def test_a_moment_without_a_zone_is_refused(database: Database) -> None:
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(TypeError, match="naive"):
        save(database, Page("s", "9", NOON, messages=[message("a", 0, 1)._replace(created_at=naive)]))
    with pytest.raises(Exception, match="naive"), database.write() as session:
        session.execute(select(tables.Message).where(tables.Message.created_at > naive)).all()
    assert contents(database)["messages"] == []
