"""Acquisition: who joined, who spoke up for the first time, who recommends us. Its labels and its metrics."""

from datetime import timedelta

from bot.spaces.community import Community
from bot.spaces.counted import first_post
from bot.spaces.model import Area, Direction, Label, Metric, Unit, Value
from bot.spaces.observed import number
from bot.spaces.reasons import NO_ASSUMPTION, NO_DATA, NO_JOINS_KNOWN, NOBODY_JOINED, SHORT_HISTORY
from bot.spaces.values import count, labelled, labelled_people, members_posts, share, unknown
from bot.spaces.window import Window
from storage.times import from_micros, to_micros

LABELS = (
    Label(
        "advocacy",
        Area.ACQUISITION,
        "Advocacy",
        "Someone recommends the product or the community, refers others to it, or vouches for it.",
    ),
    Label("introduction", Area.ACQUISITION, "Introduction", "A newcomer says who they are."),
)

_ACTIVATION = timedelta(days=7)


def _joined(community: Community, window: Window) -> str:
    """A sub-query: the members whose first account joined in the window, and who never wrote before it; and when."""
    start, end = to_micros(window.start), min(to_micros(window.end), to_micros(community.as_of))
    wrote = first_post("members", f"m.created_at < {start}")
    return f"""(SELECT person, MIN(joined_at) AS joined_at FROM members
        WHERE person IN (SELECT person FROM members
            WHERE joined_at >= {start} AND joined_at < {end} AND standing = 'member')
            AND standing <> 'bot'
        GROUP BY person HAVING MIN(joined_at) >= {start} AND MIN({wrote}) IS NULL)"""


def _joins_known(community: Community, window: Window) -> bool:
    """Whether any source had told of a join by the window's end: else nobody can say that nobody joined."""
    return bool(community.number(f"SELECT COUNT(*) FROM members WHERE joined_at < {to_micros(window.end)}"))


def _new_members(community: Community, window: Window) -> Value:
    if not _joins_known(community, window):
        return unknown(NO_JOINS_KNOWN)
    return count(community.number(f"SELECT COUNT(*) FROM {_joined(community, window)} j"))


def _new_contributors(community: Community, window: Window) -> Value:
    if not community.knows(window):
        return unknown(NO_DATA)
    if not community.remembers(window):
        return unknown(SHORT_HISTORY)
    return count(sum(active.last_before is None for active in community.actives(window)))


def _activation(community: Community, window: Window) -> Value:
    if not _joins_known(community, window):
        return unknown(NO_JOINS_KNOWN)
    before = f"m.created_at < {to_micros(community.as_of)}"
    joined = [
        (from_micros(at), None if first is None else from_micros(first))
        for at, first in community.rows(f"""
            SELECT j.joined_at, MIN({first_post("a", before)}) FROM {_joined(community, window)} j
            JOIN members a ON a.person = j.person AND a.standing <> 'bot' GROUP BY j.person, j.joined_at""")
    ]
    posted = sum(first is not None and first - at <= _ACTIVATION for at, first in joined)
    still_open = sum(first is None and community.as_of - at < _ACTIVATION for at, first in joined)
    return share(posted, len(joined), NOBODY_JOINED, open=still_open)


def _advocacy(community: Community, window: Window) -> Value:
    return labelled(community, window, "advocacy")


def _advocates(community: Community, window: Window) -> Value:
    return labelled_people(community, window, "advocacy")


def _referrals(community: Community, window: Window) -> Value:
    return number(community, window, "referrals")


def _leads(community: Community, window: Window) -> Value:
    return number(community, window, "leads")


def acquisition_value(community: Community, window: Window) -> Value:
    """Leads times what one is worth."""
    worth, leads = community.assumptions.lead_value, _leads(community, window)
    if worth is None or leads.number is None:
        return unknown(NO_ASSUMPTION) if worth is None else leads
    low, base, high = (leads.number * value for value in worth)
    return Value(base, denominator=int(leads.number), parts={"low": low, "high": high})


METRICS = (
    Metric(
        "new_contributors", Area.ACQUISITION, "New contributors", Unit.COUNT, Direction.UP,
        "Members whose first message ever, on any platform, was written in the window.",
        "CMX SPACES; CHAOSS", _new_contributors, headline=True,
    ),
    Metric(
        "new_members", Area.ACQUISITION, "New members", Unit.COUNT, Direction.UP,
        "Members who joined in the window, where the platform tells; who had joined or written before, on any platform, is not new.",
        "CMX SPACES", _new_members,
    ),
    Metric(
        "activation_rate", Area.ACQUISITION, "Newcomers who posted", Unit.SHARE, Direction.UP,
        "Of the members who joined in the window, those who wrote their first message within 7 days.",
        "CMX SPACES", _activation,
    ),
    Metric(
        "advocacy", Area.ACQUISITION, "Recommendations", Unit.COUNT, Direction.UP,
        "Messages of members that recommend the product or the community, refer others to it, or vouch for it.",
        "CMX SPACES", _advocacy, lambda c, w: c.evidence(members_posts(c, w, "advocacy")),
    ),
    Metric(
        "advocates", Area.ACQUISITION, "People who recommend us", Unit.COUNT, Direction.UP,
        "Members who wrote a recommendation in the window.",
        "CMX SPACES", _advocates,
    ),
    Metric(
        "referrals", Area.ACQUISITION, "Referrals", Unit.COUNT, Direction.UP,
        "People whom members brought, as recorded for the window.",
        "Recorded by people", _referrals, recorded=True,
    ),
    Metric(
        "leads", Area.ACQUISITION, "Leads", Unit.COUNT, Direction.UP,
        "Leads that came through the community, as recorded for the window.",
        "Recorded by people", _leads, recorded=True,
    ),
    Metric(
        "acquisition_value", Area.ACQUISITION, "Value of the leads", Unit.MONEY, Direction.UP,
        "Leads, as recorded, times the value of one (your assumption); low, middle and high.",
        "CMX SPACES", acquisition_value, recorded=True,
    ),
)  # fmt: skip
