"""Success: what members achieve, and whether they stay and grow. Its labels and its metrics."""

from datetime import datetime, timedelta

from bot.spaces.acquisition import acquisition_value
from bot.spaces.community import Community
from bot.spaces.counted import PUBLIC, last_post
from bot.spaces.model import Area, Direction, Label, Metric, Unit, Value
from bot.spaces.observed import facts, promoter_score, satisfaction, total
from bot.spaces.presence import writers
from bot.spaces.product import research_savings
from bot.spaces.reasons import EMPTY_COHORT, NO_DATA, NO_JOINS_KNOWN, NO_VALUE, NOT_RECORDED, SHORT_HISTORY
from bot.spaces.support import savings
from bot.spaces.values import count, labelled, members_posts, share, unknown, waiting
from bot.spaces.window import Window
from storage.times import from_micros, to_micros

LABELS = (
    Label(
        "success_story",
        Area.SUCCESS,
        "Success story",
        "A win reached with the product: an outcome, a launch, a saving.",
    ),
)

_SEEN_WITHIN = timedelta(days=30)
_RECENT_JOINS = timedelta(days=90)
_SECONDS_A_DAY = 86_400


def _stories(community: Community, window: Window) -> Value:
    return labelled(community, window, "success_story")


def _cohort_month(window: Window, after: int) -> Window:
    """The newest calendar month all of whose beginners can have been watched for `after` + 30 days by the window's end."""
    first = (window.until - timedelta(days=after) - _SEEN_WITHIN).replace(day=1)
    last_month = first - timedelta(days=1)
    return Window(last_month.replace(day=1), first, window.zone)


def _retention(community: Community, window: Window, after: int) -> Value:
    month = _cohort_month(window, after)
    known_since = community.first_message_at
    if known_since is None or known_since >= month.start:
        return unknown(SHORT_HISTORY)
    day_n, last_day = _micros(timedelta(days=after)), _micros(timedelta(days=after) + _SEEN_WITHIN)
    seen = f"""m.created_at >= began + {day_n} AND m.created_at < began + {last_day}
        AND m.created_at < {to_micros(community.as_of)}"""
    ((began, stayed),) = community.rows(f"""
        WITH first AS (
            SELECT person, MIN(began) AS began FROM {writers(community)} w WHERE standing = 'member' GROUP BY person)
        SELECT COUNT(*), COUNT((SELECT MAX({last_post("a", seen)}) FROM members a
            WHERE a.person = first.person AND a.standing <> 'bot'))
        FROM first
        WHERE began >= {to_micros(month.start)} AND began < {to_micros(min(month.end, community.as_of))}""")
    return share(stayed, began, EMPTY_COHORT)


def _micros(time: timedelta) -> int:
    return time // timedelta(microseconds=1)


def _retention_30(community: Community, window: Window) -> Value:
    return _retention(community, window, 30)


def _retention_90(community: Community, window: Window) -> Value:
    return _retention(community, window, 90)


def _adoption(community: Community, window: Window) -> Value:
    if not community.number(f"SELECT COUNT(*) FROM members WHERE joined_at < {to_micros(window.end)}"):
        return unknown(NO_JOINS_KNOWN)
    end = min(window.end, community.as_of)
    start = to_micros(window.end - _RECENT_JOINS)
    rows = community.rows(f"""
        SELECT MIN(a.joined_at), MIN(CASE WHEN w.began < {to_micros(end)} THEN w.began END) FROM members a
        LEFT JOIN {writers(community)} w ON w.source_id = a.source_id AND w.external_id = a.external_id
        WHERE a.person IN (SELECT person FROM members
            WHERE joined_at >= {start} AND joined_at < {to_micros(end)} AND standing = 'member')
            AND a.standing <> 'bot'
        GROUP BY a.person HAVING MIN(a.joined_at) >= {start}""")
    waits = [
        _days(from_micros(joined), None if first is None else from_micros(first), end)
        for joined, first in rows
        if first is None or first >= joined
    ]
    return waiting(waits, EMPTY_COHORT)


def _days(joined: datetime, posted: datetime | None, end: datetime) -> tuple[float, bool]:
    """Days from joining to the first message, or until we last looked."""
    return ((posted or end) - joined).total_seconds() / _SECONDS_A_DAY, posted is not None


def _mentors(community: Community, window: Window) -> Value:
    """People whose first answer ever is in the window, after a question of their own."""
    if not community.knows(window):
        return unknown(NO_DATA)
    if not community.remembers(window):
        return unknown(SHORT_HISTORY)
    start = to_micros(window.start)

    def earlier(label: str, before: str) -> str:
        """1 where the person bears the label before a moment; their newest messages are looked at first."""
        return f"""(SELECT MAX((SELECT 1 FROM messages m
            JOIN tags t ON t.source_id = m.source_id AND t.external_id = m.external_id
            WHERE m.source_id = a.source_id AND m.author_id = a.external_id AND m.created_at < {before} AND {PUBLIC}
                AND t.label = '{label}' AND t.verdict
            ORDER BY m.created_at DESC LIMIT 1)) FROM members a
            WHERE a.person = first.person AND a.standing <> 'bot')"""

    # First whether they have answered before: who has, nearly everybody, may have a long history without a question.
    return count(
        community.number(f"""
            WITH first AS (SELECT person, MIN(created_at) AS answered_at
                FROM {community.tagged(window, "support_answer")} q WHERE standing = 'member' GROUP BY person)
            SELECT COUNT(*) FROM first
            WHERE CASE WHEN {earlier("support_answer", str(start))} IS NULL
                THEN {earlier("question", "first.answered_at")} IS NOT NULL ELSE false END""")
    )


def _uplift(community: Community, window: Window) -> Value:
    found = facts(community, window, "lifetime_value")
    return Value(found[0].value / found[0].of) if found and found[0].of else unknown(NOT_RECORDED)


def _cost(community: Community, window: Window) -> Value:
    return total(community, window, "cost")


def _worth(community: Community, window: Window) -> Value:
    """The sum of the money lines that are known."""
    lines = [
        line for line in (
            savings(community, window), research_savings(community, window), acquisition_value(community, window)
        ) if line.number is not None
    ]  # fmt: skip
    if not lines:
        return unknown(NO_VALUE)
    return Value(
        sum(line.number or 0 for line in lines),
        parts={end: sum(line.parts[end] or 0 for line in lines) for end in ("low", "high")},
    )


def _return(community: Community, window: Window) -> Value:
    worth, cost = _worth(community, window), _cost(community, window)
    if worth.number is None or not cost.number:
        return worth if worth.number is None else unknown(cost.reason or NOT_RECORDED)
    low, high = worth.parts["low"] or 0, worth.parts["high"] or 0
    return Value(worth.number / cost.number, parts={"low": low / cost.number, "high": high / cost.number})


METRICS = (
    Metric(
        "success_stories", Area.SUCCESS, "Success stories", Unit.COUNT, Direction.UP,
        "Messages of members, written in the window, that tell of a win reached with the product.",
        "CMX SPACES", _stories, lambda c, w: c.evidence(members_posts(c, w, "success_story")), headline=True,
    ),
    Metric(
        "retention_30", Area.SUCCESS, "Still here after 30 days", Unit.SHARE, Direction.UP,
        "Of the members whose first message fell in the newest month that can be judged, those who wrote again between day 30 and day 60 after it.",
        "Cohort retention", _retention_30,
    ),
    Metric(
        "retention_90", Area.SUCCESS, "Still here after 90 days", Unit.SHARE, Direction.UP,
        "Of the members whose first message fell in the newest month that can be judged, those who wrote again between day 90 and day 120 after it.",
        "Cohort retention", _retention_90,
    ),
    Metric(
        "time_to_adoption", Area.SUCCESS, "Days until the first message", Unit.DAYS, Direction.DOWN,
        "Median days from joining to the first message, of the members who joined in the 90 days before the window's end; those who have not written yet are counted as waiting (Kaplan-Meier), those who wrote before they joined are left out.",
        "CMX SPACES; Kaplan and Meier 1958", _adoption,
    ),
    Metric(
        "learner_to_mentor", Area.SUCCESS, "Learners become mentors", Unit.COUNT, Direction.UP,
        "Members who gave their first answer in the window, after having asked a question themselves.",
        "CMX SPACES", _mentors,
    ),
    Metric(
        "nps", Area.SUCCESS, "Net promoter score", Unit.SCORE, Direction.UP,
        "Per cent of answers 9-10 minus per cent of answers 0-6 to the question whether members would recommend us; never below five answers.",
        "Reichheld 2003", promoter_score, recorded=True,
    ),
    Metric(
        "csat", Area.SUCCESS, "Satisfaction with answers", Unit.SHARE, Direction.UP,
        "Positive answers / answers of the askers of resolved questions, as recorded: one of the two best of a scale of five or more, the best of a shorter one.",
        "Standard CSAT form", satisfaction, recorded=True,
    ),
    Metric(
        "lifetime_value_uplift", Area.SUCCESS, "Worth of members' accounts", Unit.RATE, Direction.UP,
        "Mean value of the accounts of members / of others like them, as recorded. Who takes part may be worth more anyway: it is no proof that the community made it so.",
        "FeverBee on CLV", _uplift, recorded=True,
    ),
    Metric(
        "programme_value", Area.SUCCESS, "Value of the community", Unit.MONEY, Direction.UP,
        "The sum of the lines of money that are known: support cost avoided, research cost avoided, value of the leads; low, middle and high.",
        "FeverBee on conservative ROI", _worth,
    ),
    Metric(
        "programme_cost", Area.SUCCESS, "Cost of the community", Unit.MONEY, Direction.NEITHER,
        "What the community cost in the window, as recorded; known only where every day of it is recorded.",
        "Recorded by people", _cost, recorded=True,
    ),
    Metric(
        "return_on_investment", Area.SUCCESS, "Value per unit of cost", Unit.RATE, Direction.UP,
        "Value of the community / cost of the community; low, middle and high.",
        "FeverBee on conservative ROI", _return,
    ),
)  # fmt: skip
