"""Support: members' questions, who answered them, and how fast. Its labels and its metrics."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.spaces.community import Community
from bot.spaces.model import Area, Direction, Evidence, Label, Metric, Unit, Value
from bot.spaces.observed import total
from bot.spaces.questions import Question
from bot.spaces.reasons import NO_ANSWERS, NO_ASSUMPTION, NO_DATA, NO_QUESTIONS, NO_RESOLVED
from bot.spaces.statistics import absence_factor
from bot.spaces.values import count, labelled_people, share, unknown, waiting
from bot.spaces.window import Window

LABELS = (
    Label(
        "question",
        Area.SUPPORT,
        "Question",
        "Someone asks for help or information about the product or the community.",
    ),
    Label(
        "support_answer",
        Area.SUPPORT,
        "Answer",
        "Someone else than the asker answers a question in its conversation.",
    ),
    Label(
        "resolved",
        Area.SUPPORT,
        "Resolved",
        "Shows that the question of its conversation is solved: a check-mark on the question, or the asker saying that it works.",
    ),
)


def _questions(community: Community, window: Window) -> Value:
    if not community.knows(window):
        return unknown(NO_DATA)
    asked = community.questions(window)
    members = [question for question in asked if question.standing == "member"]
    return count(
        len(members), people=len({question.asker for question in members}), staff=len(asked) - len(members)
    )


def _is_answered(question: Question, within: timedelta) -> bool:
    answered = question.first_response_at
    return answered is not None and answered - question.asked_at <= within


def _is_young(community: Community, question: Question) -> bool:
    """The answer time is not over: what has not come may still come in time."""
    return community.as_of - question.asked_at < community.answer_within


def _answered(community: Community, window: Window) -> Value:
    asked, within = community.member_questions(window), community.answer_within
    answered = sum(_is_answered(question, within) for question in asked)
    still_open = sum(
        question.first_response_at is None and _is_young(community, question) for question in asked
    )
    return share(answered, len(asked), NO_QUESTIONS, open=still_open)


def _resolved(community: Community, window: Window) -> Value:
    asked = community.member_questions(window)
    still_open = sum(not question.resolved and _is_young(community, question) for question in asked)
    return share(sum(question.resolved for question in asked), len(asked), NO_QUESTIONS, open=still_open)


def unanswered(community: Community, window: Window) -> list[Question]:
    """The members' questions of the window that nobody else has said a word to, oldest first."""
    return [question for question in community.member_questions(window) if question.first_response_at is None]


def _unanswered(community: Community, window: Window) -> Value:
    if not community.knows(window):
        return unknown(NO_DATA)
    waiting_still = unanswered(community, window)
    return count(len(waiting_still), open=sum(_is_young(community, question) for question in waiting_still))


def _wait(community: Community, asked_at: datetime, ended_at: datetime | None) -> tuple[float, bool]:
    return ((ended_at or community.as_of) - asked_at).total_seconds(), ended_at is not None


def _first_response(community: Community, window: Window) -> Value:
    asked = community.member_questions(window)
    waits = [_wait(community, question.asked_at, question.first_response_at) for question in asked]
    return waiting(waits, NO_QUESTIONS)


def _resolution(community: Community, window: Window) -> Value:
    waits = []
    for question in community.member_questions(window):
        ended = (question.resolved_at or question.first_response_at) if question.resolved else None
        # Resolved at a time that nobody knows: neither ended nor waiting.
        if ended is not None or not question.resolved:
            waits.append(_wait(community, question.asked_at, ended))
    return waiting(waits, NO_QUESTIONS)


def _is_by_community(question: Question) -> bool:
    return question.resolved and question.resolver_standing not in ("staff", "bot")


def _community_share(community: Community, window: Window) -> Value:
    resolved = [question for question in community.member_questions(window) if question.resolved]
    by_staff = sum(question.resolver_standing == "staff" for question in resolved)
    by_members = sum(map(_is_by_community, resolved))
    return share(
        by_members, len(resolved), NO_RESOLVED, staff=by_staff, bots=len(resolved) - by_members - by_staff
    )


def _answerers(community: Community, window: Window) -> Value:
    return labelled_people(community, window, "support_answer")


def _answer_absence(community: Community, window: Window) -> Value:
    answers = [times for _, label, times in community.member_labels(window) if label == "support_answer"]
    return count(absence_factor(answers), people=len(answers)) if answers else unknown(NO_ANSWERS)


def _deflection(community: Community, window: Window) -> Value:
    ticket_share = community.assumptions.ticket_share
    if ticket_share is None:
        return unknown(NO_ASSUMPTION)
    resolved = sum(map(_is_by_community, community.member_questions(window)))
    low, base, high = (resolved * part for part in ticket_share)
    return Value(base, denominator=resolved, parts={"low": low, "high": high})


def savings(community: Community, window: Window) -> Value:
    """Support cases avoided, times the cost of one."""
    cost, cases = community.assumptions.cost_per_case, _deflection(community, window)
    if cost is None or cases.number is None:
        return unknown(NO_ASSUMPTION)
    low, high = cases.parts["low"], cases.parts["high"]
    return Value(
        cases.number * cost[1],
        denominator=cases.denominator,
        parts={"low": (low or 0) * cost[0], "high": (high or 0) * cost[2]},
    )


def _asked(community: Community, window: Window) -> Sequence[Evidence]:
    return community.question_evidence(community.member_questions(window))


def _by_community(community: Community, window: Window) -> Sequence[Evidence]:
    return community.question_evidence(filter(_is_by_community, community.member_questions(window)))


def _cases(community: Community, window: Window) -> Value:
    return total(community, window, "support_cases")


def _solved_share(community: Community, window: Window) -> Value:
    """Cases avoided / (cases avoided and cases that came): how much of the support the community carries."""
    avoided, cases = _deflection(community, window), _cases(community, window)
    if avoided.number is None or cases.number is None:
        return avoided if avoided.number is None else cases
    came = cases.number
    low, base, high = (
        number / (number + came) if number + came else 0.0
        for number in (avoided.parts["low"] or 0.0, avoided.number, avoided.parts["high"] or 0.0)
    )
    if not came and not avoided.parts["high"]:
        return unknown(NO_RESOLVED)
    return Value(base, parts={"low": low, "high": high})


METRICS = (
    Metric(
        "answered_questions", Area.SUPPORT, "Questions answered", Unit.SHARE, Direction.UP,
        "Of the members' questions asked in the window, those with a reply by another person (not a bot) within the answer time. Questions still open count as not answered yet.",
        "CMX SPACES; population of all questions, not of those with a reply",
        _answered,
        lambda c, w: c.question_evidence(q for q in c.member_questions(w) if _is_answered(q, c.answer_within)),
        headline=True,
    ),
    Metric(
        "questions", Area.SUPPORT, "Questions", Unit.COUNT, Direction.NEITHER,
        "Conversations that a member began with a question in the window.",
        "CMX SPACES", _questions, _asked,
    ),
    Metric(
        "resolved_questions", Area.SUPPORT, "Questions resolved", Unit.SHARE, Direction.UP,
        "Of the members' questions asked in the window, those with an accepted solution, a check-mark, the asker's confirmation, a moderator's tag or an answer.",
        "CMX SPACES; Discourse support dashboard", _resolved,
        lambda c, w: c.question_evidence(q for q in c.member_questions(w) if q.resolved),
    ),
    Metric(
        "unanswered_questions", Area.SUPPORT, "Questions unanswered", Unit.COUNT, Direction.DOWN,
        "Members' questions of the window to which nobody else (bots apart) has replied so far.",
        "CHAOSS", _unanswered, lambda c, w: c.question_evidence(unanswered(c, w)),
    ),
    Metric(
        "time_to_first_response", Area.SUPPORT, "Time to first response", Unit.SECONDS, Direction.DOWN,
        "Median time until another person (not a bot) replies to a member's question. Questions still open are counted as waiting (Kaplan-Meier), so silence never makes the number better.",
        "CHAOSS Time to First Response; Kaplan and Meier 1958", _first_response, _asked,
    ),
    Metric(
        "time_to_resolution", Area.SUPPORT, "Time to resolution", Unit.SECONDS, Direction.DOWN,
        "Median time until a member's question is resolved; those not resolved are counted as waiting (Kaplan-Meier). Where the platform marks a solution, its time counts; where only a check-mark on the question tells, the first reply's, and without one the question is left out.",
        "CHAOSS; Kaplan and Meier 1958", _resolution, _asked,
    ),
    Metric(
        "community_answer_share", Area.SUPPORT, "Resolved by the community", Unit.SHARE, Direction.UP,
        "Of the resolved questions, those resolved by someone who is neither staff nor a bot: the author of the accepted solution, else of the first answer, else of the first reply.",
        "CMX SPACES", _community_share,
        _by_community,
    ),
    Metric(
        "answerers", Area.SUPPORT, "People who answered", Unit.COUNT, Direction.UP,
        "Members who wrote an answer in the window.",
        "CMX SPACES", _answerers,
    ),
    Metric(
        "answer_absence_factor", Area.SUPPORT, "People behind half of the answers", Unit.COUNT, Direction.UP,
        "The smallest number of members who together gave half of the members' answers: how many may be away before support falters.",
        "CHAOSS Contributor Absence Factor", _answer_absence,
    ),
    Metric(
        "case_deflection", Area.SUPPORT, "Support cases avoided", Unit.COUNT, Direction.UP,
        "Questions resolved by members, times the share of them that would have become a support case (your assumption).",
        "Vanilla's and Khoros' deflection method", _deflection, _by_community,
    ),
    Metric(
        "support_savings", Area.SUPPORT, "Support cost avoided", Unit.MONEY, Direction.UP,
        "Support cases avoided, times the cost of a case (your assumption); low, middle and high.",
        "FeverBee on conservative ROI", savings,
    ),
    Metric(
        "support_cases", Area.SUPPORT, "Support cases", Unit.COUNT, Direction.DOWN,
        "Support cases that came in the window, as recorded; known only where every day of it is recorded.",
        "Recorded by people", _cases, recorded=True,
    ),
    Metric(
        "community_solved_share", Area.SUPPORT, "Support carried by the community", Unit.SHARE, Direction.UP,
        "Support cases avoided / (support cases avoided and support cases that came, as recorded); low, middle and high.",
        "Vanilla's and Khoros' deflection method", _solved_share,
    ),
)  # fmt: skip
