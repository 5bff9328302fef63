"""The community as the metrics see it: the population of a window, and what happened to its questions.

Here, and nowhere else, is decided who and what is counted: messages that are not deleted, in counted channels, up
to the moment of asking (`as_of`); by members, staff and bots apart. A metric asks these tables, never the raw ones
for a window.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from operator import itemgetter
from typing import Any, TypeVar

from sqlalchemy import CursorResult
from sqlalchemy.orm import Session

from bot.audience import OPERATOR, Audience, Cut
from bot.spaces.counted import PUBLIC, day_of, last_post, quoted
from bot.spaces.model import Evidence
from bot.spaces.questions import Question, follow
from bot.spaces.window import Window
from storage.times import from_micros, to_micros

Range = tuple[float, float, float]
"""A low, a middle and a high assumption."""

T = TypeVar("T")

_AT_ONCE = 500
"""Messages named in one statement."""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What money lines are made of. Each is (low, middle, high); None switches its lines off."""

    currency: str = "EUR"
    ticket_share: Range | None = None
    """The share of resolved questions that would have become a support case."""
    cost_per_case: Range | None = None
    feedback_value: Range | None = None
    """What one idea or bug report is worth."""
    lead_value: Range | None = None


@dataclass(frozen=True, slots=True)
class Active:
    """A member who posted in a window."""

    person: str
    posts: int
    last_before: datetime | None
    """Their last post before the window; None when they never posted before."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Messages that bear a label, and the distinct people who wrote them: members' and staff's."""

    messages: int = 0
    people: int = 0
    staff_messages: int = 0
    staff_people: int = 0


@dataclass
class Community:
    """One session's view of the database, as of one moment. Tables of a window are made once and kept.

    Numbers are of everybody; evidence and names are cut to what the `audience` may read.
    """

    session: Session
    as_of: datetime
    answer_within: timedelta = timedelta(days=7)
    assumptions: Assumptions = field(default_factory=Assumptions)
    audience: Audience = OPERATOR

    def __post_init__(self) -> None:
        self._kept: dict[Hashable, Any] = {}

    def once(self, what: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made at the first time only. It may be None."""
        if what not in self._kept:
            self._kept[what] = make()
        found: T = self._kept[what]
        return found

    def table(self, name: str, select: str) -> str:
        """Make a temporary table of a query; returns its name."""
        connection = self.session.connection()
        # A connection comes back from the pool with the temporary tables of whoever had it before.
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name}")
        self._run(f"CREATE TEMPORARY TABLE {name} AS {select}")
        if connection.dialect.name == "postgresql":
            # It would plan as if there were next to nothing in it; a small sample tells it enough.
            connection.exec_driver_sql("SET LOCAL default_statistics_target = 10")
            connection.exec_driver_sql(f"ANALYZE {name}")
        return name

    @cached_property
    def cut(self) -> Cut:
        """What the audience may see of whom and where."""
        return Cut(self.session, self.audience)

    def rows(self, sql: str) -> Sequence[Any]:
        """Run a query made of our own table names, whole numbers and `quoted` texts; all its rows."""
        return self._run(sql).all()

    def number(self, sql: str) -> int:
        """The one number that a query gives; 0 for none."""
        return int(self._run(sql).scalar() or 0)

    def _run(self, sql: str) -> CursorResult[Any]:
        connection = self.session.connection()
        # psycopg takes `%` for a mark even where there are no parameters.
        return connection.exec_driver_sql(
            sql.replace("%", "%%") if connection.dialect.name == "postgresql" else sql
        )

    def counted(self, window: Window) -> str:
        """The condition on `created_at` of a window: inside it, and not after the moment of asking."""
        end = min(to_micros(window.end), to_micros(self.as_of))
        return f"created_at >= {to_micros(window.start)} AND m.created_at < {end}"

    @cached_property
    def first_message_at(self) -> datetime | None:
        """The oldest message known."""
        found = self.number("SELECT MIN(created_at) FROM messages")
        return from_micros(found) if found else None

    @cached_property
    def beginnings(self) -> dict[int, datetime]:
        """Source -> its oldest message known."""
        # Channel by channel, each by one look at an index.
        rows = self.rows("""
            SELECT source_id, MIN(oldest) FROM (
                SELECT c.source_id, (SELECT m.created_at FROM messages m WHERE m.source_id = c.source_id
                    AND m.channel_id = c.external_id ORDER BY m.created_at LIMIT 1) AS oldest
                FROM channels c) n
            WHERE oldest IS NOT NULL GROUP BY source_id""")
        return {source: from_micros(oldest) for source, oldest in rows}

    @cached_property
    def last_message_at(self) -> datetime | None:
        """The newest message known before the moment of asking."""
        found = self.number(
            f"SELECT MAX(created_at) FROM messages WHERE created_at < {to_micros(self.as_of)}"
        )
        return from_micros(found) if found else None

    def remembers(self, window: Window) -> bool:
        """Whether anything is known of the time before a window: else everybody in it would look new."""
        first = self.first_message_at
        return first is not None and first < window.start

    def knows(self, window: Window) -> bool:
        """Whether anything is known of that time: messages from before its end, and from its start or later."""
        first, last = self.first_message_at, self.last_message_at
        return first is not None and last is not None and first < window.end and last >= window.start

    def posts(self, window: Window) -> str:
        """The name of a table with one row for each counted message of the window.

        Columns: source_id, external_id, author_id, channel_id, conversation_id, is_root, created_at, day (0-based
        local day of the window), reactions, person, standing ("member", "staff", "bot"), internal.
        """
        return self.once(("posts", window), lambda: self.table(f"posts_{len(self._kept)}", f"""
            SELECT m.source_id, m.external_id, m.author_id, m.channel_id, m.conversation_id,
                COALESCE(m.conversation_id = m.external_id, false) AS is_root, m.created_at,
                {day_of(window)} AS day, m.reaction_count AS reactions,
                a.person, COALESCE(a.standing, 'member') AS standing, c.is_internal AS internal
            FROM messages m
            JOIN members a ON a.source_id = m.source_id AND a.external_id = m.author_id
            JOIN channels c ON c.source_id = m.source_id AND c.external_id = m.channel_id
            WHERE m.{self.counted(window)} AND NOT m.deleted AND c.counted"""))  # fmt: skip

    def tagged(self, window: Window, label: str) -> str:
        """The part of `posts(window)` that bears a label, as a sub-query; without internal channels and bots."""
        return f"(SELECT * FROM {self.all_tagged(window)} WHERE label = '{label}')"

    def all_tagged(self, window: Window) -> str:
        """The name of a table like `posts`, with one row for each label that a post of people in public bears."""
        return self.once(("tagged", window), lambda: self.table(f"tagged_{len(self._kept)}", f"""
            SELECT p.*, t.label FROM {self.posts(window)} p
            JOIN tags t ON t.source_id = p.source_id AND t.external_id = p.external_id AND t.verdict
            WHERE NOT p.internal AND p.standing <> 'bot'"""))  # fmt: skip

    def posts_by_standing(self, window: Window) -> dict[str, int]:
        """Messages of the window in public channels, by the standing of their author."""
        return self.once(("standing", window), lambda: dict(self.rows(
            f"SELECT standing, COUNT(*) FROM {self.posts(window)} WHERE NOT internal GROUP BY standing")))  # fmt: skip

    def member_labels(self, window: Window, *, readable: bool = False) -> Sequence[Any]:
        """Rows of (person, label, how many messages): what each member's messages of the window are.

        With `readable`, only of messages that the audience can read.
        """
        condition = self.cut.words("source_id", "channel_id") if readable else "true"
        return self.rows(f"""SELECT person, label, COUNT(*) FROM {self.all_tagged(window)}
            WHERE standing = 'member' AND {condition} GROUP BY person, label ORDER BY person, label""")

    def questions(self, window: Window) -> list[Question]:
        """The questions asked in the window by members and staff, oldest first, with what came of them since."""
        return self.once(("questions", window), lambda: self._read_questions(window))

    def member_questions(self, window: Window) -> list[Question]:
        """The questions that members asked: the population of the support metrics."""
        return [question for question in self.questions(window) if question.standing == "member"]

    def _read_questions(self, window: Window) -> list[Question]:
        asked = self.tagged(window, "question")
        questions = {
            (source, root): Question(source, root, person, standing, from_micros(at))
            for source, root, person, standing, at in self.rows(
                f"SELECT source_id, external_id, person, standing, created_at FROM {asked} q WHERE is_root"
            )
        }
        replies = self.rows(f"""
            SELECT q.source_id, q.external_id, m.external_id, m.created_at, a.person, a.standing, t.label,
                m.is_solution
            FROM {asked} q
            JOIN messages m ON m.source_id = q.source_id AND m.conversation_id = q.external_id
            JOIN members a ON a.source_id = m.source_id AND a.external_id = m.author_id
            LEFT JOIN tags t ON t.source_id = m.source_id AND t.external_id = m.external_id
                AND t.label IN ('support_answer', 'resolved') AND t.verdict
            WHERE q.is_root AND {PUBLIC}""")
        # In order of time here, not in SQL: a condition on the time there tempts SQLite to scan all of history.
        now = to_micros(self.as_of)
        for source, root, message, at, person, standing, label, accepted in sorted(
            replies, key=itemgetter(3, 2)
        ):
            if at >= now:
                break
            question = questions[source, root]
            if message == root:
                # A check-mark on the question itself has no time of its own: an answer's may fill it.
                question.resolved = question.resolved or label == "resolved"
            else:
                by = "asker" if person == question.asker else standing
                follow(question, from_micros(at), by, label, accepted=bool(accepted))
        return sorted(questions.values(), key=lambda question: (question.asked_at, question.external_id))

    def writers(self, window: Window) -> set[str]:
        """The members who posted in the window: persons."""
        if ("actives", window) in self._kept:
            return {active.person for active in self.actives(window)}
        return self.once(("writers", window), lambda: {person for (person,) in self.rows(f"""
            SELECT DISTINCT a.person FROM (
                SELECT DISTINCT m.source_id, m.author_id FROM messages m WHERE m.{self.counted(window)} AND {PUBLIC}) w
            JOIN members a ON a.source_id = w.source_id AND a.external_id = w.author_id
            WHERE COALESCE(a.standing, 'member') = 'member'""")})  # fmt: skip

    def actives(self, window: Window) -> list[Active]:
        """The members who posted in the window, the busiest first."""
        return self.once(("actives", window), lambda: self._read_actives(window))

    def _read_actives(self, window: Window) -> list[Active]:
        start = to_micros(window.start)
        rows = self.rows(f"""
            WITH active AS (
                SELECT person, COUNT(*) AS posts FROM {self.posts(window)}
                WHERE standing = 'member' AND NOT internal GROUP BY person)
            SELECT active.person, active.posts, MAX({last_post("a", f"m.created_at < {start}")})
            FROM active JOIN members a ON a.person = active.person AND a.standing <> 'bot'
            GROUP BY active.person, active.posts ORDER BY active.posts DESC, active.person""")
        return [
            Active(person, posts, None if before is None else from_micros(before))
            for person, posts, before in rows
        ]

    def labels(self, window: Window) -> dict[str, Labelled]:
        """What bears each label in the window, in public channels; labels that nothing bears are not in it."""
        return self.once(("labels", window), lambda: {label: Labelled(*counts) for label, *counts in self.rows(f"""
            SELECT label,
                COUNT(CASE WHEN standing = 'member' THEN 1 END),
                COUNT(DISTINCT CASE WHEN standing = 'member' THEN person END),
                COUNT(CASE WHEN standing = 'staff' THEN 1 END),
                COUNT(DISTINCT CASE WHEN standing = 'staff' THEN person END)
            FROM {self.all_tagged(window)} GROUP BY label""")})  # fmt: skip

    def evidence(self, rows: str, order: str = "created_at, external_id", limit: int = 0) -> list[Evidence]:
        """The messages of a sub-query that gives source_id, external_id, created_at and perhaps `people`.

        Only those that the audience can read.
        """
        if not self.audience.quotes:
            return []
        found = self.rows(f"""
            SELECT s.name, c.name, COALESCE(NULLIF(a.display_name, ''), a.name), m.created_at, m.text, m.url,
                x.people, m.reaction_count
            FROM {rows} x
            JOIN messages m ON m.source_id = x.source_id AND m.external_id = x.external_id
            JOIN members a ON a.source_id = m.source_id AND a.external_id = m.author_id
            JOIN channels c ON c.source_id = m.source_id AND c.external_id = m.channel_id
            JOIN sources s ON s.id = m.source_id
            WHERE {self.cut.words("m.source_id", "m.channel_id")}
            ORDER BY {", ".join(f"x.{column}" for column in order.split(", "))} {f"LIMIT {limit}" if limit else ""}""")
        return [
            Evidence(source, channel, author, from_micros(at), text, url, people, reactions)
            for source, channel, author, at, text, url, people, reactions in found
        ]

    def question_evidence(self, questions: Iterable[Question], limit: int = 0) -> list[Evidence]:
        """The messages that asked these questions, oldest first; with `limit`, the first so many that can be read."""
        asked, found = list(questions), list[Evidence]()
        while asked and not (limit and len(found) >= limit):
            some, asked = asked[:_AT_ONCE], asked[_AT_ONCE:]
            keys = ", ".join(f"({each.source_id}, {quoted(each.external_id)})" for each in some)
            # The few that are wanted first: SQLite would rather read all messages than look some up.
            found += self.evidence(f"""(
                WITH wanted (source_id, external_id) AS (VALUES {keys})
                SELECT m.source_id, m.external_id, m.created_at, 1 AS people FROM wanted w CROSS JOIN messages m
                WHERE m.source_id = w.source_id AND m.external_id = w.external_id)""")
        return found[:limit] if limit else found
