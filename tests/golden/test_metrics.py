"""Every metric of the golden week, worked out by hand; see community.py for who said what."""

from datetime import UTC, timedelta

import pytest

from bot.digest.compute import compute
from bot.digest.model import Change, Digest
from bot.spaces import reasons
from bot.spaces.catalogue import METRICS
from bot.spaces.community import Assumptions, Community
from bot.spaces.model import Value
from bot.spaces.window import Period, last_closed
from storage.database import Database
from tests.golden.community import AS_OF, MADRID, Golden

HOUR = 3600.0

# The population of the week. Members' messages: q1 q1a q1b q1c, q2 q2b, q3 q3b, q4 q4a, i1 i1a, i2, b1, x1, a1, s1 =
# 17. Staff: q3a q5 i3 = 3. Bots: q2a = 1. Internal: n1 n2. Left out: q6 (deleted), q7 (private), z1 (Monday 00:30).
# Active members: ann, ben (with ben2), cat, dan, fay, kim = 6.
GOLDEN: dict[str, Value] = {
    # q1 ben, q2 cat, q3 dan, q4 fay; and q5 by staff.
    "questions": Value(4, parts={"people": 4, "staff": 1}),
    # q1, q3, q4 of 4; q2 is five days and 19 hours old, so it may still be answered in time.
    "answered_questions": Value(0.75, 3, 4, (0.300642, 0.954413), too_few=True, parts={"open": 1}),
    # q1 by ann (and ben's word), q3 by staff.
    # q2 and q4 may yet be.
    "resolved_questions": Value(0.5, 2, 4, (0.150039, 0.849961), too_few=True, parts={"open": 2}),
    "unanswered_questions": Value(1, parts={"open": 1}),
    # Waits: 0.5 h, 6 h, 11.5 h, and q2 still waiting after 139 h. Left waiting: 3/4, then 1/2 after 6 h.
    # A tenth is never reached. Greenwood: at 6 h the error is 0.25, at 0.5 h 0.217, at 11.5 h 0.217.
    "time_to_first_response": Value(6 * HOUR, 3, 4, too_few=True, parts={"p90": None, "open": 1}),
    # Waits: q1 1 h, q3 6 h, q4 open after 31.5 h, q2 open after 139 h: half are left after 6 h.
    "time_to_resolution": Value(6 * HOUR, 2, 4, too_few=True, parts={"p90": None, "open": 2}),
    # q1 by ann of q1 and q3.
    "community_answer_share": Value(
        0.5, 1, 2, (0.094531, 0.905469), too_few=True, parts={"staff": 1, "bots": 0}
    ),
    # ann (q1b) and ben (q3b); sue is staff, the robot is nobody.
    "answerers": Value(2, parts={"staff": 1}),
    # One answer each: one of them gives half.
    "answer_absence_factor": Value(1, parts={"people": 2}),
    # One question resolved by non-staff, times 0.1, 0.2, 0.4.
    "case_deflection": Value(0.2, denominator=1, parts={"low": 0.1, "high": 0.4}),
    # ... times 10, 20, 30.
    "support_savings": Value(4.0, denominator=1, parts={"low": 1.0, "high": 12.0}),
    # i1 cat, i2 ann; i3 by staff.
    "product_ideas": Value(2, parts={"people": 2, "staff": 1}),
    "idea_authors": Value(2, parts={"staff": 1}),
    "bugs": Value(1, parts={"people": 1, "staff": 0}),
    # 6 (the newer) and 3 cover the week; the month's 100 lie not in it.
    "support_cases": Value(9),
    # 0.2 / (0.2 + 9); 0.1 / 9.1; 0.4 / 9.4.
    "community_solved_share": Value(0.021739130, parts={"low": 0.010989011, "high": 0.042553191}),
    # 34 (the newer) of 200 and 10 of 50.
    "feature_adoption": Value(0.176, 44, 250, (0.133800, 0.228007)),
    "referrals": Value(2),
    # 12 and 3; the 500 were taken back.
    "leads": Value(15),
    # 15 times 20, 50, 100.
    "acquisition_value": Value(750, denominator=15, parts={"low": 300, "high": 1500}),
    # (2 ideas + 1 bug) times 5, 10, 20.
    "research_savings": Value(30.0, denominator=3, parts={"low": 15.0, "high": 60.0}),
    # dan and kim.
    "new_contributors": Value(2),
    # dan and lea: ben's second account is no new member, sue is staff, kim joined the week before.
    "new_members": Value(2),
    # dan posted after a day; lea still may.
    "activation_rate": Value(0.5, 1, 2, (0.094531, 0.905469), too_few=True, parts={"open": 1}),
    "advocacy": Value(1, parts={"people": 1, "staff": 0}),
    "advocates": Value(1, parts={"staff": 0}),
    "contributions": Value(1, parts={"people": 1, "staff": 0}),
    "contributors": Value(1, parts={"staff": 0}),
    "user_generated_content": Value(17, parts={"staff": 3, "bots": 1}),
    "ugc_share": Value(0.85, 17, 20, (0.639577, 0.947630)),
    # ben and cat wrote in the week before too.
    "returning_contributors": Value(2),
    "active_members": Value(6, parts={"staff": 1}),
    "messages": Value(17, parts={"staff": 3, "bots": 1}),
    # q1 q2 q3 q4 i1 i2 b1 x1 a1 s1.
    "conversations": Value(10),
    # q1: 3, q2: 1 (the bot's does not count), q3: 2, q4: 1, i1: 1 = 8 of 10.
    "replies_per_conversation": Value(0.8, denominator=10),
    "reactions": Value(4),
    # Days x people in the 30 days: Tue 17 ben, Wed 18 cat; Mon 3, Tue 1, Wed 2, Thu 3, Fri 2, Sat 1, Sun 2 = 16.
    "stickiness": Value(16 / 30 / 6, denominator=6),
    # 10 known members: the 12 of the list without mia (left) and ned (deactivated); ben2 is ben. Hal, who wrote on
    # Monday too, had written before.
    "participation_rate": Value(0.6, 6, 10, (0.312674, 0.831820)),
    # ann (10 February), ben, cat.
    "returning_members": Value(3),
    # fay, last seen on 1 December.
    "reactivated_members": Value(1),
    # gus, four messages from 30 November to 27 February, and none in the 30 days since; hal had three.
    "lost_members": Value(1),
    "concentration": Value(None, reason=reasons.TEN_OR_FEWER),
    "internal_engagement": Value(2, parts={"people": 2}),
    # 40 and 12.
    "event_attendees": Value(52, parts={"events": 2}),
    # Nobody signed up for the office hours.
    "attendance_rate": Value(40 / 55, 40, 55, (0.597678, 0.827192)),
    "success_stories": Value(1, parts={"people": 1, "staff": 0}),
    # December's beginners: fay (not seen between 31 December and 30 January), ivy (seen on 15 January).
    "retention_30": Value(0.5, 1, 2, (0.094531, 0.905469), too_few=True),
    "retention_90": Value(None, reason=reasons.SHORT_HISTORY),
    # Waits in days: dan 1, ben 10, kim 10, lea 3 and still silent: nobody is left waiting after 10.
    "time_to_adoption": Value(10.0, 3, 4, too_few=True, parts={"p90": 10.0, "open": 1}),
    # ben asked in the week before (p1) and answered on Wednesday; ann had answered in November.
    "learner_to_mentor": Value(1),
    # 10, 9, 9 recommend; 3, 6 do not; 7 neither: 100 x (3 - 2) / 6.
    "nps": Value(16.666667, denominator=6),
    # 4/5 and 3/3 are positive, 3/5 is not; and 18 of 20.
    "csat": Value(20 / 23, 20, 23, (0.678725, 0.954623)),
    "lifetime_value_uplift": Value(4 / 3),
    # 4 + 30 + 750; 1 + 15 + 300; 12 + 60 + 1500.
    "programme_value": Value(784, parts={"low": 316, "high": 1572}),
    "programme_cost": Value(700),
    # ... divided by 700.
    "return_on_investment": Value(1.12, parts={"low": 0.451429, "high": 2.245714}),
}


@pytest.fixture
def golden(database: Database) -> Digest:
    Golden(database).tell()
    window = last_closed(Period.WEEKLY, AS_OF, MADRID)
    with database.read() as session:
        community = Community(
            session,
            AS_OF.astimezone(UTC),
            timedelta(days=7),
            Assumptions("EUR", (0.1, 0.2, 0.4), (10, 20, 30), (5, 10, 20), (20, 50, 100)),
        )
        return compute(community, window, name="Golden", opted_out={"1:nobody"})


def test_the_page_fixes_every_metric() -> None:
    assert set(GOLDEN) == set(METRICS)


def test_every_metric_is_as_worked_out_by_hand(golden: Digest) -> None:
    readings = {reading.metric.name: reading.value for area in golden.areas for reading in area.readings}
    assert set(readings) == set(METRICS)
    for name, wanted in GOLDEN.items():
        found = readings[name]
        assert found.number == pytest.approx(wanted.number), name
        assert (found.numerator, found.denominator) == (wanted.numerator, wanted.denominator), name
        assert (found.reason, found.too_few, found.lower_bound) == (
            wanted.reason,
            wanted.too_few,
            wanted.lower_bound,
        ), name
        assert dict(found.parts) == pytest.approx(dict(wanted.parts)), name
        if wanted.interval is not None:
            assert found.interval == pytest.approx(wanted.interval, abs=1e-5), name


def test_the_week_before_is_looked_at_in_the_same_way(golden: Digest) -> None:
    before = {reading.metric.name: reading.previous for area in golden.areas for reading in area.readings}
    assert before["questions"].number == 1  # p1
    assert before["community_answer_share"].number == 0  # sue is staff
    assert before["active_members"].number == 2  # ben, cat
    assert before["new_contributors"].number == 1  # ben
    assert before["lost_members"].number == 1  # gus
    assert (before["nps"].number, before["nps"].reason) == (None, reasons.FEW_ANSWERS)  # never below five
    assert (before["support_cases"].number, before["support_cases"].reason) == (None, reasons.NOT_RECORDED)
    assert before["messages"].parts == {"staff": 1, "bots": 0}


def test_an_arrow_needs_more_than_chance(golden: Digest) -> None:
    changes = {reading.metric.name: reading.change for area in golden.areas for reading in area.readings}
    assert changes["messages"] is Change.UP  # 17 after 2: of 19, 0.69 to 0.97 fell into this week
    assert changes["active_members"] is Change.STEADY  # 6 after 2: of 8, 0.41 to 0.93
    assert changes["community_answer_share"] is Change.STEADY  # too few
    assert changes["nps"] is Change.UNKNOWN


def test_lists_beside_the_numbers(golden: Digest) -> None:
    assert [(item.url, item.author) for item in golden.unanswered] == [("https://example.org/q2", "Cat")]
    assert golden.unanswered_total == 1
    # cat's idea: cat and dan, 3 reactions; ann's: herself.
    assert [(idea.url, idea.people, idea.reactions) for idea in golden.ideas] == [
        ("https://example.org/i1", 2, 3),
        ("https://example.org/i2", 1, 0),
    ]
    # ann: answer 3 + contribution 5 + idea 1 = 9; ben: answer 3; dan: bug 2; kim: story 2; cat: idea 1.
    assert [thanks.name for thanks in golden.thanks] == ["Ann", "Ben", "Dan", "Kim", "Cat"]
    assert golden.thanks[0].did == {"support_answer": 1, "contribution": 1, "product_idea": 1}


def test_the_bars_add_up(golden: Digest) -> None:
    assert [(bar.messages, bar.questions, bar.members) for bar in golden.days] == [
        (4, 1, 3),  # Monday: q1 and its replies
        (2, 1, 1),
        (2, 1, 2),
        (3, 0, 3),  # Thursday: cat, dan, and ben on the forum
        (2, 0, 2),
        (1, 1, 1),
        (3, 0, 2),  # Sunday of 23 hours: ann, kim twice
    ]
    assert {source.source: source.messages for source in golden.coverage} == {"team": 16, "forum": 1}
