"""Small random communities: two platforms, people merged across them, staff, bots, places that do not count.

Moments crowd around the edges of the windows, since that is where counts go wrong.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from sqlalchemy import insert

from bot.spaces.window import Period, Window, last_closed, midnight
from storage.database import Database
from storage.tables import Channel, Member, Message, Observation, Source, Tag

PLACES = ("general", "a thread", "staff-room", "secret")
NAMES = tuple("abcdefghi")
ACCOUNTS = tuple((source, f"o'{name} 100%b") for source in (1, 2) for name in NAMES)
LABELS: tuple[tuple[str, ...], ...] = (
    (), ("question",), ("support_answer",), ("resolved",), ("question", "resolved"), ("product_idea",),
    ("bug_report", "thanks"), ("contribution", "success_story"), ("advocacy",), ("question", "product_idea"),
)  # fmt: skip
HOUR = timedelta(hours=1)
OLD = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Strangers:
    """A community's rows, the window to look at, and when."""

    window: Window
    as_of: datetime
    rows: dict[Any, list[dict[str, Any]]]
    opted_out: str

    def tell(self, database: Database) -> None:
        with database.write() as session:
            for table, rows in self.rows.items():
                if rows:
                    session.execute(insert(table), rows)


@st.composite
def windows(draw: st.DrawFn) -> tuple[Window, datetime]:
    """A closed window, as of its end or later; or one that is still open, as no command asks for it."""
    zone = ZoneInfo(draw(st.sampled_from(["Europe/Madrid", "America/Havana", "Asia/Kolkata"])))
    day = draw(
        st.sampled_from([date(2026, 3, 30), date(2026, 4, 1), date(2026, 10, 26), date(2026, 3, 9), date(2027, 1, 1)])
    )  # fmt: skip
    window = last_closed(draw(st.sampled_from(Period)), midnight(day, zone), zone)
    length = window.end - window.start
    after = st.sampled_from([0, 1, 80, 24 * 8, 24 * 45]).map(lambda hours: window.end + hours * HOUR)
    inside = st.sampled_from([0.1, 0.5, 0.9]).map(lambda part: window.start + length * part)
    return window, draw(st.one_of(after, after, after, inside))


def _moments(window: Window) -> st.SearchStrategy[datetime]:
    days = (0, -30, -60, -89, -90, -91, -120)
    edges = [window.start, window.end, window.previous().start, *(window.start + timedelta(days=n) for n in days),
             *(window.end + timedelta(days=n) for n in days)]  # fmt: skip
    at_edges = st.builds(
        lambda edge, off: edge + off * timedelta(microseconds=1), st.sampled_from(edges), st.integers(-1, 1)
    )
    recently = st.integers(-24 * 10, 24 * 9).map(lambda hours: window.end + hours * HOUR)
    ever = st.integers(-24 * 220, 0).map(lambda hours: window.end + hours * HOUR)
    return st.one_of(recently, recently, at_edges, ever)


@st.composite
def strangers(draw: st.DrawFn) -> Strangers:
    window, as_of = draw(windows())
    moments = _moments(window)
    perhaps = st.one_of(st.none(), st.none(), moments)
    # Nine people; whoever has a partner here is the same person on the other platform, or on the same.
    merged = draw(st.lists(st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(ACCOUNTS)), max_size=4))
    persons = {account: f"{account[0]}:{account[1]}" for account in ACCOUNTS}
    for one, other in merged:
        old, new = persons[one], persons[other]
        persons = {account: new if person == old else person for account, person in persons.items()}
    standings = {account: draw(st.sampled_from(["member"] * 6 + ["staff", "bot"])) for account in ACCOUNTS}
    staff = {persons[account] for account in ACCOUNTS if standings[account] == "staff"}
    members = []
    for account in ACCOUNTS:
        standing = standings[account]
        if standing == "member" and persons[account] in staff:
            standing = "staff"
        joined = draw(perhaps)
        members.append(
            {
                "source_id": account[0], "external_id": account[1], "name": account[1], "display_name": "",
                "email": None, "is_bot": False, "is_staff": False, "roles": "[]", "links": "[]",
                "is_active": draw(st.sampled_from([True, True, True, False])), "complete": True, "observed_at": OLD,
                "joined_at": joined, "rejoined_at": draw(perhaps) if joined else None, "left_at": draw(perhaps),
                "person": persons[account], "standing": standing,
            }
        )  # fmt: skip
    messages, tags = draw(_talk(moments))
    channels = [
        {"source_id": source, "external_id": place, "name": place, "parent_id": "general" if place == "a thread" else None,
         "is_private": place == "secret", "is_archived": False, "url": None, "observed_at": OLD,
         "counted": place != "secret", "is_internal": place == "staff-room"}
        for source in (1, 2) for place in PLACES
    ]  # fmt: skip
    observations = draw(_recorded(window))
    sources = [
        {"id": 1, "name": "team", "connector": "slack"},
        {"id": 2, "name": "chat", "connector": "discord"},
    ]
    return Strangers(
        window, as_of,
        {Source: sources, Channel: channels, Member: members, Message: messages, Tag: tags, Observation: observations},
        draw(st.sampled_from(sorted(persons.values()))),
    )  # fmt: skip


@st.composite
def _talk(
    draw: st.DrawFn, moments: st.SearchStrategy[datetime]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    # Left alone, Hypothesis draws about five.
    many = draw(st.sampled_from([3, 30, 60]))
    crowd = draw(st.sampled_from([ACCOUNTS[:3], ACCOUNTS[6:12], ACCOUNTS]))
    said = draw(
        st.lists(
            st.tuples(
                moments,
                st.sampled_from(crowd),
                st.sampled_from(PLACES[:1] * 5 + PLACES),
                st.sampled_from(LABELS),
                st.integers(-4, 8),  # of whom it goes on; nobody below 1
                st.sampled_from(
                    ["", "", "", "", "", "deleted", "solution", "solution", "denied", "alone", "nobody"]
                ),
                st.integers(0, 3),
            ),
            min_size=many,
            max_size=many,
        )
    )
    messages: list[dict[str, Any]] = []
    tags: list[dict[str, Any]] = []
    for number, (at, (source, author), place, labels, back, mark, reactions) in enumerate(sorted(said)):
        id_ = f"m'{number} 100%s"
        roots = [message["external_id"] for message in messages
                 if message["source_id"] == source and message["conversation_id"] == message["external_id"]]  # fmt: skip
        root = None if mark == "alone" else roots[-back] if 0 < back <= len(roots) else id_
        messages.append(
            {
                "source_id": source, "external_id": id_, "channel_id": place,
                "author_id": None if mark == "nobody" else author, "created_at": at, "text": f"text of {number}",
                "thread_id": None, "opens_thread": False, "reply_to": None, "revision": 0, "observed_at": at,
                "reactions": None, "reaction_count": reactions, "is_solution": mark == "solution", "url": None,
                "deleted_at": at if mark == "deleted" else None, "deleted": mark == "deleted",
                "conversation_id": root, "untagged": False,
            }
        )  # fmt: skip
        tags += [
            {"source_id": source, "external_id": id_, "label": label, "verdict": mark != "denied",
             "decided_by": "rules", "decider": None, "why": "drawn", "decided_at": OLD}
            for label in labels
        ]  # fmt: skip
    return messages, tags


KINDS = (
    "support_cases", "nps", "csat", "csat_answers", "attendance", "feature_adoption", "leads", "referrals", "cost",
    "lifetime_value",
)  # fmt: skip


@st.composite
def _recorded(draw: st.DrawFn, window: Window) -> list[dict[str, Any]]:
    """What people recorded, on days around the window and its edges; some of it for the same days again."""
    days, before = window.days, window.previous().days
    starts = st.sampled_from([-before - 1, -before, -1, 0, 0, 0, 1, days // 2, days - 1, days])
    ends = st.sampled_from([1, 2, -1, 0, days // 2, days // 2 + 1, days, days, days, days + 1])
    many = draw(st.sampled_from([0, 6, 30]))
    drawn = draw(
        st.lists(
            st.tuples(
                st.sampled_from([*KINDS, *("nps",) * 4, *("support_cases", "cost") * 3]), starts, ends,
                st.sampled_from(["", "", "", "a", "A", "b"]), st.integers(0, 10), st.integers(0, 9), st.booleans(),
                st.sampled_from([False, False, False, True]),
            ),
            min_size=many, max_size=many,
        )
    )  # fmt: skip
    rows = []
    for number, (kind, start, end, subject, value, more, with_of, undone) in enumerate(drawn):
        first = window.first + timedelta(days=start)
        has_of = kind in ("csat", "csat_answers", "feature_adoption", "lifetime_value") or (
            kind == "attendance" and with_of
        )
        rows.append(
            {
                "id": number + 1, "kind": kind, "subject": subject, "value": float(value),
                "of": float(value + more or 1) if has_of else None, "first": first.isoformat(),
                "until": (window.first + timedelta(days=max(start + 1, end))).isoformat(), "note": "", "recorded_by": "team:x",
                "recorded_at": OLD + timedelta(seconds=number // 2), "undone_at": OLD if undone else None,
            }
        )  # fmt: skip
    return rows
