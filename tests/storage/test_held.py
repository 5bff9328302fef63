"""What is held: by it a connector sees what its platform shows no longer."""

from datetime import datetime

from connectors.records import Channel, Deletion, Join, Leave, Member, Message, Page, Thread
from storage import held
from storage.database import Database
from tests.storage.test_ingest import minute, save

SOURCE = 1


def message(
    id_: str,
    at: int,
    channel: str = "k",
    thread: str | None = None,
    opens: bool = False,
    solves: bool = False,
) -> Message:
    return Message(id_, channel, "x", minute(at), id_, thread, opens, is_solution=solves)


def test_what_stands_is_held(database: Database) -> None:
    save(
        database,
        Page(
            "s", None, minute(20),
            channels=[Channel("k", "k"), Channel("old", "old"), Channel("empty", "e"), Channel("t", "t", "k")],
            messages=[
                message("a", 9), message("first", 1, thread="u", opens=True),
                message("b", 10, thread="u", solves=True), message("c", 11, thread="u"),
                message("d", 10, "t", "t"), message("e", 2, "old"), message("f", 2, thread="before"),
            ],
            deletions=[Deletion("c", minute(30)), Deletion("never seen", minute(30))],
        ),
    )  # fmt: skip
    with database.read() as session:
        assert held.channels(session, SOURCE, minute(5)) == {"k"}
        assert held.channels(session, SOURCE, minute(0)) == {"k", "old"}
        assert held.threads(session, SOURCE, minute(5)) == {
            "u": Thread("k", 2, True), "t": Thread("t", 1, False)
        }  # fmt: skip
        assert held.messages(session, SOURCE, minute(5), minute(10)) == {"b": "u", "d": "t"}
        assert held.messages(session, SOURCE, minute(0), minute(1)) == {"first": "u"}
        assert held.threads(session, SOURCE + 1, minute(0)) == {}


def test_who_was_told_before_and_not_since(database: Database) -> None:
    def told(at: int, *ids: str, complete: bool = True) -> Page:
        return Page("s", None, minute(at), members=[Member(id_, id_, complete=complete) for id_ in ids])

    save(
        database, told(1, "left", "gone", "back", "here"), told(1, "author", complete=False),
        Page("s", None, minute(2), leaves=[Leave("left", minute(2)), Leave("back", minute(2))]),
        Page("s", None, minute(3), joins=[Join("back", minute(3))]), told(5, "here"),
    )  # fmt: skip

    def absent(since: datetime) -> set[str]:
        with database.read() as session:
            return held.absent(session, SOURCE, since)

    assert absent(minute(5)) == {"gone", "back"}
    assert absent(minute(1)) == set()
