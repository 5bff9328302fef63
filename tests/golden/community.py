"""A tiny community, written down by hand: who said what, when, in which conversation, bearing which labels.

Nothing here is guessed by the program: conversations, labels and standings are given, so that a metric's number
follows from this page alone. The week looked at is 23 to 29 March 2026 in Madrid, whose clocks go forward on the 29th.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import text

from connectors.records import Channel, Deletion, Join, Leave, Member, Message, Page
from storage import ingest, observations
from storage.database import Database
from storage.observations import Fact

MADRID = ZoneInfo("Europe/Madrid")
AS_OF = datetime(2026, 3, 30, 8, tzinfo=MADRID)

STANDINGS = {"sue": "staff", "robot": "bot", "herald": "bot"}
MEMBERS = ("ann", "ben", "cat", "dan", "fay", "gus", "hal", "ivy", "kim", "lea", "mia", "ned", "sue", "robot")


@dataclass
class Said:
    id: str
    who: str
    when: str
    """Madrid time, "03-23 09:00" of 2026, or with the year before it."""
    under: str = ""
    """The root of the conversation; empty for a root."""
    labels: tuple[str, ...] = ()
    reactions: int = 0
    channel: str = "general"
    source: str = "team"

    @property
    def at(self) -> datetime:
        whole = self.when if len(self.when) > len("03-23 09:00") else f"2026-{self.when}"
        return datetime.fromisoformat(whole).replace(tzinfo=MADRID)


BEFORE = (
    Said("x0", "herald", "2025-11-03 09:00", channel="lounge", source="forum"),  # the forum is no new source
    Said("o1", "ann", "2025-11-03 10:00"),
    Said("o2", "hal", "2025-11-04 09:00", labels=("question",)),
    Said("o3", "ann", "2025-11-04 10:00", under="o2", labels=("support_answer",)),
    Said("o4", "ann", "02-10 10:00"),
    Said("o5", "fay", "2025-12-01 10:00"),
    Said("o6", "ivy", "2025-12-10 10:00"),
    Said("o7", "ivy", "01-15 10:00"),  # day 36: she stayed
    *(Said(f"gus{n}", "gus", f"{day} 10:00") for n, day in enumerate(("01-10", "01-12", "01-14", "02-01"))),
    *(Said(f"hal{n}", "hal", f"{day} 10:00") for n, day in enumerate(("02-03", "02-04", "02-05"))),
    Said("o8", "cat", "02-20 10:00"),
)
WEEK_BEFORE = (
    Said("p1", "ben", "03-17 10:00", labels=("question",)),
    Said("p2", "sue", "03-17 11:00", under="p1", labels=("support_answer",)),
    Said("p3", "cat", "03-18 10:00"),
)
WEEK = (
    # Asked by ben, a question back after half an hour, answered after one hour, confirmed by ben himself.
    Said("q1", "ben", "03-23 09:00", labels=("question",), reactions=1),
    Said("q1a", "cat", "03-23 09:30", under="q1"),
    Said("q1b", "ann", "03-23 10:00", under="q1", labels=("support_answer",)),
    Said("q1c", "ben", "03-23 11:00", under="q1", labels=("thanks", "resolved")),
    # Nobody but a bot and the asker herself: not answered.
    Said("q2", "cat", "03-24 12:00", labels=("question",)),
    Said("q2a", "robot", "03-24 12:01", under="q2", labels=("support_answer",)),
    Said("q2b", "cat", "03-24 12:10", under="q2"),
    # Answered by staff after six hours, then by ben too.
    Said("q3", "dan", "03-25 08:00", labels=("question",)),
    Said("q3a", "sue", "03-25 14:00", under="q3", labels=("support_answer",)),
    Said("q3b", "ben", "03-25 15:00", under="q3", labels=("support_answer",)),
    # A reply across the change of clocks, 11 and a half hours later; it solves nothing.
    Said("q4", "fay", "03-28 23:30", labels=("question",)),
    Said("q4a", "ann", "03-29 12:00", under="q4"),
    # Not in the population: asked by staff, deleted, private.
    Said("q5", "sue", "03-27 10:00", labels=("question",)),
    Said("q6", "ann", "03-27 10:05", labels=("question",)),
    Said("q7", "ann", "03-27 10:10", labels=("question",), channel="secret"),
    Said("i1", "cat", "03-26 10:00", labels=("product_idea",), reactions=3),
    Said("i1a", "dan", "03-26 10:30", under="i1"),
    Said("i2", "ann", "03-27 11:00", labels=("product_idea", "contribution")),
    Said("i3", "sue", "03-27 12:00", labels=("product_idea",)),
    Said("b1", "dan", "03-27 13:00", labels=("bug_report",)),
    Said("x1", "ben2", "03-26 18:00", channel="lounge", source="forum"),
    Said("n1", "sue", "03-26 09:00", channel="staff-room"),
    Said("n2", "dan", "03-26 09:05", under="n1", channel="staff-room"),
    Said("a1", "kim", "03-29 23:30", labels=("advocacy",)),
    Said("s1", "kim", "03-29 23:31", labels=("success_story",)),
)
AFTER = (Said("z1", "hal", "03-30 00:30"),)

MONDAY = date(2026, 3, 23)
AFTER_SUNDAY = date(2026, 3, 30)


def _on(day: int, kind: str, value: float, of: float | None = None, subject: str = "") -> Fact:
    return Fact(kind, subject, value, of, date(2026, 3, day), date(2026, 3, day + 1))


RECORDED = (
    Fact("support_cases", "", 8, None, MONDAY, date(2026, 3, 26)),  # corrected by the next
    Fact("support_cases", "", 6, None, MONDAY, date(2026, 3, 26)),
    Fact("support_cases", "", 3, None, date(2026, 3, 26), AFTER_SUNDAY),
    Fact("support_cases", "", 100, None, date(2026, 3, 1), date(2026, 4, 1)),  # of the month, not of the week
    *(_on(24, "nps", answer) for answer in (10, 9, 9, 7, 3, 6)),
    *(_on(17, "nps", answer) for answer in (10, 10, 10, 10)),  # the week before: four
    _on(25, "csat", 4, 5),
    _on(25, "csat", 3, 5),
    _on(26, "csat", 3, 3),
    _on(27, "csat_answers", 18, 20),
    _on(26, "attendance", 40, 55, "Spring meetup"),
    _on(27, "attendance", 12, None, "Office hours"),
    _on(24, "feature_adoption", 30, 200, "dark mode"),
    _on(24, "feature_adoption", 34, 200, "Dark mode"),  # corrected
    _on(28, "feature_adoption", 10, 50, "tags"),
    _on(25, "leads", 12),
    _on(29, "leads", 3),
    _on(23, "referrals", 2),
    Fact("cost", "", 700, None, MONDAY, AFTER_SUNDAY),
    Fact("lifetime_value", "", 1200, 900, MONDAY, AFTER_SUNDAY),
)
TAKEN_BACK = _on(26, "leads", 500)

JOINS = {
    "ben": "2026-03-07 10:00",  # ten days before his first message
    "dan": "2026-03-24 08:00",  # one day before
    "kim": "2026-03-19 22:30",  # ten days before: 21:30 UTC, as her message after the change of clocks
    "lea": "2026-03-26 23:00",  # three days before the week's end, silent
    "sue": "2026-03-24 09:00",
}


@dataclass
class Golden:
    """Puts the page above into a database."""

    database: Database
    numbers: dict[str, int] = field(default_factory=dict)

    def tell(self) -> None:
        everything = (*BEFORE, *WEEK_BEFORE, *WEEK, *AFTER)
        for source in ("team", "forum"):
            with self.database.write() as session:
                self.numbers[source] = ingest.source_id(session, source, "slack")
                ingest.save(session, self.numbers[source], self._page(source, everything))
        self._derive(everything)
        with self.database.write() as session:
            for fact in (*RECORDED, TAKEN_BACK):  # one after the other: the order counts
                observations.record(session, [fact], "sue")
            assert observations.undo_last(session, "sue") == [TAKEN_BACK]

    def _page(self, source: str, everything: tuple[Said, ...]) -> Page:
        team = source == "team"
        return Page(
            "golden", None, AS_OF.astimezone(UTC),
            members=[Member(name, name, name.title(), is_active=name != "ned") for name in MEMBERS] if team
            else [Member("ben2", "ben2", "Benito")],
            channels=[Channel(name, name, is_private=name == "secret") for name in ("general", "secret", "staff-room")]
            if team else [Channel("lounge", "lounge")],
            messages=[
                Message(said.id, said.channel, said.who, said.at, f"text of {said.id}",
                        reactions={"+1": said.reactions} if said.reactions else {}, url=f"https://example.org/{said.id}")
                for said in everything if said.source == source
            ],
            deletions=[Deletion("q6", AS_OF)] if team else [],
            joins=[Join(name, datetime.fromisoformat(at).replace(tzinfo=MADRID)) for name, at in JOINS.items()] if team
            else [Join("ben2", datetime(2026, 3, 25, 9, tzinfo=MADRID))],
            leaves=[Leave("mia", datetime(2026, 2, 1, tzinfo=MADRID))] if team else [],
        )  # fmt: skip

    def _derive(self, everything: tuple[Said, ...]) -> None:
        team, forum = self.numbers["team"], self.numbers["forum"]
        with self.database.write() as session:
            session.execute(text("UPDATE members SET standing = 'member'"))
            for name, standing in STANDINGS.items():
                session.execute(
                    text(f"UPDATE members SET standing = '{standing}' WHERE external_id = '{name}'")
                )
            session.execute(text(f"UPDATE members SET person = '{team}:ben' WHERE source_id = {forum}"))
            session.execute(text("UPDATE channels SET counted = external_id <> 'secret', "
                                 "is_internal = external_id = 'staff-room'"))  # fmt: skip
            for said in everything:
                number = self.numbers[said.source]
                where = f"source_id = {number} AND external_id = '{said.id}'"
                session.execute(text(f"UPDATE messages SET conversation_id = '{said.under or said.id}', "
                                     f"untagged = false WHERE {where}"))  # fmt: skip
                for label in said.labels:
                    session.execute(text("INSERT INTO tags (source_id, external_id, label, verdict, decided_by, why, "
                                         f"decided_at) VALUES ({number}, '{said.id}', '{label}', true, 'rules', "
                                         "'golden', 0)"))  # fmt: skip
