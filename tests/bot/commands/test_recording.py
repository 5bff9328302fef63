"""Facts from outside and goals, as people say them."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from bot.commands.desk import Desk
from bot.goals import Pace, progress
from bot.spaces.community import Community
from bot.spaces.observed import KINDS
from connectors.records import Command, Member
from storage import goals, observations, requests
from storage.database import Database
from storage.observations import Fact
from storage.tables import Observation
from tests.bot.commands.room import CONFIG, Room, room
from tests.bot.commands.test_tagging import SLACK, tell
from tests.golden.community import AS_OF, MADRID, RECORDED

TODAY = date(2026, 3, 30)
DAY = timedelta(days=1)


def facts(here: Room) -> list[Fact]:
    """What was recorded beside the golden page, the oldest first."""
    with here.database.read() as session:
        found = observations.recent(session, 100)
    return [fact for fact, _ in reversed(found)][len(RECORDED) :]


def today(kind: str, value: float, of: float | None = None, subject: str = "") -> Fact:
    return Fact(kind, subject, value, of, TODAY, TODAY + DAY)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("record support_cases 120 2026-02", [Fact("support_cases", "", 120, None, date(2026, 2, 1), date(2026, 3, 1))]),
        ("record 120 casos 2026-02", [Fact("support_cases", "", 120, None, date(2026, 2, 1), date(2026, 3, 1))]),
        ("anota casos 1.200 2026-02", [Fact("support_cases", "", 1200, None, date(2026, 2, 1), date(2026, 3, 1))]),
        ("record nps 9", [today("nps", 9)]),
        ("record nps 9 10 0", [today("nps", 9), today("nps", 10), today("nps", 0)]),
        ("record csat 4/5", [today("csat", 4, 5)]),
        ("record csat_answers 18/20 2026-02", [Fact("csat_answers", "", 18, 20, date(2026, 2, 1), date(2026, 3, 1))]),
        ('record attendance 40/55 "Spring meetup" 2026-03-03',
         [Fact("attendance", "Spring meetup", 40, 55, date(2026, 3, 3), date(2026, 3, 4))]),
        ("record attendance 12 Office hours yesterday", [Fact("attendance", "Office hours", 12, None, TODAY - DAY, TODAY)]),
        ("record leads 12", [today("leads", 12)]),
        ("record leads 3 spring campaign", [today("leads", 3, None, "spring campaign")]),
        ('record feature_adoption 30/200 "dark mode"', [today("feature_adoption", 30, 200, "dark mode")]),
        ("record cost 2000,50 2026-02", [Fact("cost", "", 2000.5, None, date(2026, 2, 1), date(2026, 3, 1))]),
        ("record lifetime_value 1200/900 2026-q1",
         [Fact("lifetime_value", "", 1200, 900, date(2026, 1, 1), date(2026, 4, 1))]),
        ("record referrals 2 hoy", [today("referrals", 2)]),
    ],
)  # fmt: skip
async def test_what_is_recorded(sqlite: Database, text: str, wanted: list[Fact]) -> None:
    async with room(sqlite) as here:
        language = "es" if text.startswith("anota") else None
        reply = await here.ask("dan", text, language=language)
        assert reply is not None
        assert reply.buttons[0].text == "record undo"
        assert facts(here) == wanted
        with sqlite.read() as session:
            last = session.scalars(select(Observation).order_by(Observation.id.desc())).first()
            assert last is not None
            assert last.recorded_by == "team:dan"
        await here.said("dan", "anota deshacer")
        assert facts(here) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("record suport 3", "Did you mean `/spaces record support_cases`?"),
        ("record xyzzy 3", "`/spaces record` lists what can be recorded."),
        ("record nps", "Write behind `/spaces record nps` answers from 0 to 10: 9 10 7."),
        ("record nps 11", "An answer is a number from 0 to 10."),
        ("record nps 9.5", "Only whole numbers can be counted."),
        ("record nps 9/10", "Write behind `/spaces record nps`"),
        ("record nps 9 wow", "I do not understand “wow”."),
        ("record csat 4", "Write behind `/spaces record csat`"),
        ("record csat 6/5", "6 of 5 cannot be."),
        ("record csat 18/20", "An answer is a number from 0 to 10."),
        ("record csat 0/0", "That number cannot be."),
        ("record support_cases 120", "Say of which days."),
        ("record support_cases 120 130 2026-02", "Write behind `/spaces record support_cases`"),
        ("record support_cases -1 2026-02", "That number cannot be."),
        ("record leads 12 2027-02", "Those days have not been yet."),
        ("record attendance 40/55", "Name it too."),
        ("record attendance 60/55 x", "60 of 55 cannot be."),
        ("record feature_adoption 30 x", "Write behind `/spaces record feature_adoption`"),
        ("record undo", "There is nothing of yours to undo."),
        ("record leads 99999999999999999999", "That number cannot be."),
    ],
)
async def test_what_cannot_be_recorded(sqlite: Database, text: str, words: str) -> None:
    async with room(sqlite) as here:
        assert words in await here.said("dan", text)
        assert facts(here) == []


async def test_what_was_recorded_is_counted_and_undone(database: Database) -> None:
    async with room(database) as here:
        assert "**Leads: 15**" in await here.said("dan", "explain leads")
        await here.said("dan", "record leads 5 2026-03-28")
        assert "**Leads: 20**" in await here.said("dan", "explain leads")
        assert "There is nothing of yours" in await here.said("ann", "record undo")
        assert "Taken back: Leads: 5, 28 March 2026." in await here.said("dan", "record undo")
        assert "**Leads: 15**" in await here.said("dan", "explain leads")
        listed = await here.said("dan", "record")
        assert all(f"`/spaces record {kind}`" in listed for kind in KINDS)
        assert "Referrals: 2, 23 March 2026" in listed


async def test_what_is_told_again_after_a_kill_is_done_once(database: Database) -> None:
    async with room(database) as here:

        async def told(id_: str, who: str, text: str) -> str:
            desk = Desk(database, here.desk._writer, CONFIG)  # a new process: it remembers nothing
            reply = await desk.answer("team", Command(id_, Member(who, who, complete=False), text))
            assert reply is not None
            return reply.text

        for _ in range(2):
            assert "Recorded: Leads: 5" in await told("p1", "dan", "record leads 5 2026-03-28")
        await told("p2", "dan", "record leads 5 2026-03-28")
        assert len(facts(here)) == 2, "said twice it is two"
        assert "Taken back: Leads: 5" in await told("p3", "dan", "record undo")
        assert await told("p3", "dan", "record undo") == "It is taken back."
        assert len(facts(here)) == 1
        tell(here, SLACK)
        for label in ("question", "bug_report"):
            await told(
                f"tag {label}", "ann", f"tag https://acme.slack.com/archives/C1/p1774000000000100 {label}"
            )
        assert "Taken back" in await told("p4", "ann", "tag undo")
        assert await told("p4", "ann", "tag undo") == "It is taken back."
        assert "Taken back" in await told("p5", "ann", "tag undo"), "the other one still stood"
        with database.write() as session:
            requests.forget(session, AS_OF + timedelta(days=8))
            assert requests.is_new(session, "team", "p1")


async def test_nps_is_not_told_below_five_answers(database: Database) -> None:
    async with room(database) as here:
        await here.said("dan", "record nps 10 10 10 10 2026-02-15")
        said = await here.said("cat", "explain nps monthly")
        assert "Net promoter score: –" in said
        assert "fewer than five answers" in said
        await here.said("dan", "record nps 0 2026-02-28")
        assert "Net promoter score: \\+60" in await here.said("cat", "explain nps monthly")


# --- goals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "metric", "target", "due"),
    [
        ("goal answered_questions 70% by 2026-06-30", "answered_questions", 0.7, "2026-06-30"),
        ("goal Questions answered 70 2026-06-30", "answered_questions", 0.7, "2026-06-30"),
        ("meta preguntas respondidas 70% antes del 30/6/2026", "answered_questions", 0.7, "2026-06-30"),
        ("goal new members 120 2026-06", "new_members", 120, "2026-06-30"),
        ("goal time to first response 2h 2026-06-30", "time_to_first_response", 7200, "2026-06-30"),
        ("goal nps 30 2026-q4", "nps", 30, "2026-12-31"),
    ],
)
async def test_setting_a_goal(sqlite: Database, text: str, metric: str, target: float, due: str) -> None:
    async with room(sqlite) as here:
        await here.said("ann", text, language="es" if text.startswith("meta") else "en")
        with sqlite.read() as session:
            (goal,) = goals.standing(session)
            assert (goal.metric, goal.target, goal.due) == (metric, target, due)
            assert (goal.begun, goal.set_by) == ("2026-03-30", "team:ann")
        assert "is gone" in await here.said("ann", f"goal {metric} off")
        assert "There are no goals" in await here.said("cat", "goal")
        assert "There is no goal of" in await here.said("ann", f"goal {metric} off")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("goal answered_questions", "Say what it is to reach, and by when: `/spaces goal answered_questions 70% 2026-06-28`"),
        ("goal answered_questions 70%", "Say by when"),
        ("goal answered_questions 170% 2026-06-30", "Say what it is to reach"),
        ("goal answered_questions 70% 2026-03-30", "That day is not in the future."),
        ("goal answerd_question 70% 2026-06-30", "Did you mean `/spaces goal answered_questions`?"),
        ("goal 70% 2026-06-30", "Say which number"),
        ("goal time_to_first_response fast 2026-06-30", "There is no number"),
        ("goal time_to_first_response 7 2026-06-30", "Say what it is to reach"),
    ],
)  # fmt: skip
async def test_no_goal(sqlite: Database, text: str, words: str) -> None:
    async with room(sqlite) as here:
        assert words in await here.said("ann", text)
        with sqlite.read() as session:
            assert not goals.standing(session)


async def test_goals_are_told_to_everybody_and_set_by_few(database: Database) -> None:
    async with room(database) as here:
        assert "Goals are set by people with the right “goal”" in await here.said(
            "dan", "goal nps 30 2026-06-30"
        )
        await here.said("ann", "goal answered_questions 90% 2026-06-30")
        # Four of five questions of the 30 days up to Sunday are answered: p1, q1, q3, q4 of these and q2.
        assert await here.said("cat", "goal") == (
            "**Goals**\n\n- Questions answered: 80% of 90% by 30 June 2026: on pace (80% by now) · 28 February – 29 March 2026"
        )
        spanish = await here.said("cat", "metas", language="es")
        assert (
            "**Metas**\n\n- Preguntas respondidas: 80\xa0% de 90\xa0% para el 30 de junio de 2026: a buen ritmo"
            in spanish
        )


def put(database: Database, metric: str, target: float, begun: str, due: str) -> None:
    with database.write() as session:
        goals.put(session, metric, target, date.fromisoformat(due), date.fromisoformat(begun), "x")


@pytest.mark.parametrize(
    ("metric", "target", "begun", "due", "pace"),
    [
        # 19 messages of members in the 30 days up to Sunday; 3 in those up to 20 March.
        ("messages", 19, "2026-03-20", "2026-06-30", Pace.REACHED),
        ("messages", 40, "2026-03-20", "2026-06-30", Pace.ON_PACE),
        ("messages", 40, "2026-03-20", "2026-04-02", Pace.BEHIND),
        ("messages", 40, "2026-03-20", "2026-03-29", Pace.MISSED),
        # Downwards: from more than is wanted.
        ("unanswered_questions", 0, "2026-03-30", "2026-06-30", Pace.ON_PACE),
        ("nps", 10, "2026-03-25", "2026-06-30", Pace.REACHED),
        ("retention_90", 0.5, "2026-03-20", "2026-06-30", Pace.UNKNOWN),
    ],
)
async def test_the_pace(
    database: Database, metric: str, target: float, begun: str, due: str, pace: Pace
) -> None:
    async with room(database) as here:
        put(here.database, metric, target, begun, due)
        with database.read() as session:
            (found,) = progress(Community(session, AS_OF), MADRID)
        assert found.pace is pace, found


async def test_what_is_recorded_by_the_month_is_judged_by_the_month(database: Database) -> None:
    async with room(database) as here:
        await here.said("dan", "record support_cases 120 2026-02")
        put(here.database, "support_cases", 100, "2026-03-20", "2026-06-30")
        line = await here.said("cat", "goal")
        assert "Support cases: 120 of 100 by 30 June 2026: on pace" in line
        assert "February 2026" in line
