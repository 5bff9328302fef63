"""Product: what members wish for and what they report as broken. Its labels and its metrics."""

from collections.abc import Sequence

from bot.spaces.community import Community
from bot.spaces.counted import PUBLIC
from bot.spaces.model import Area, Direction, Evidence, Label, Metric, Unit, Value
from bot.spaces.observed import part
from bot.spaces.reasons import NO_ASSUMPTION
from bot.spaces.values import labelled, labelled_people, members_posts, unknown
from bot.spaces.window import Window
from storage.times import to_micros

LABELS = (
    Label(
        "product_idea", Area.PRODUCT, "Product idea", "A wish for something that the product does not do yet."
    ),
    Label("bug_report", Area.PRODUCT, "Bug report", "A report that the product does not do what it should."),
)


def _ideas(community: Community, window: Window) -> Value:
    return labelled(community, window, "product_idea")


def _idea_people(community: Community, window: Window) -> Value:
    return labelled_people(community, window, "product_idea")


def _bugs(community: Community, window: Window) -> Value:
    return labelled(community, window, "bug_report")


def research_savings(community: Community, window: Window) -> Value:
    """Ideas and bug reports, times what one is worth."""
    worth = community.assumptions.feedback_value
    ideas, bugs = _ideas(community, window).number, _bugs(community, window).number
    if worth is None or ideas is None or bugs is None:
        return unknown(NO_ASSUMPTION)
    low, base, high = ((ideas + bugs) * value for value in worth)
    return Value(base, denominator=int(ideas + bugs), parts={"low": low, "high": high})


def _feature_adoption(community: Community, window: Window) -> Value:
    return part(community, window, "feature_adoption")


def top_ideas(community: Community, window: Window, limit: int = 0) -> Sequence[Evidence]:
    """The members' ideas of the window, by reactions and twice the distinct members (author and those who replied)."""
    ideas = community.tagged(window, "product_idea")
    return community.evidence(
        f"""(SELECT source_id, external_id, created_at, reactions, COUNT(DISTINCT person) AS people,
            -reactions - 2 * COUNT(DISTINCT person) AS weight
        FROM (
            SELECT q.source_id, q.external_id, q.created_at, q.reactions, q.person FROM {ideas} q
            WHERE q.standing = 'member'
            UNION ALL
            SELECT q.source_id, q.external_id, q.created_at, q.reactions, a.person FROM {ideas} q
            JOIN messages m ON m.source_id = q.source_id AND m.conversation_id = q.external_id
            JOIN members a ON a.source_id = m.source_id AND a.external_id = m.author_id AND a.standing = 'member'
            WHERE q.standing = 'member' AND {PUBLIC} AND m.created_at + 0 < {to_micros(community.as_of)}) voices
        GROUP BY source_id, external_id, created_at, reactions)""",
        order="weight, created_at, external_id",
        limit=limit,
    )


METRICS = (
    Metric(
        "product_ideas", Area.PRODUCT, "Product ideas", Unit.COUNT, Direction.UP,
        "Messages of members, written in the window, that wish for something the product does not do yet.",
        "CMX SPACES", _ideas, top_ideas, headline=True,
    ),
    Metric(
        "idea_authors", Area.PRODUCT, "People with ideas", Unit.COUNT, Direction.UP,
        "Members who wrote a product idea in the window.",
        "CMX SPACES", _idea_people,
    ),
    Metric(
        "bugs", Area.PRODUCT, "Bug reports", Unit.COUNT, Direction.NEITHER,
        "Messages of members, written in the window, that report something broken.",
        "CMX SPACES", _bugs, lambda c, w: c.evidence(members_posts(c, w, "bug_report")),
    ),
    Metric(
        "research_savings", Area.PRODUCT, "Research cost avoided", Unit.MONEY, Direction.UP,
        "Ideas and bug reports, times the value of one piece of feedback (your assumption); low, middle and high.",
        "CMX SPACES", research_savings,
    ),
    Metric(
        "feature_adoption", Area.PRODUCT, "Adoption of features", Unit.SHARE, Direction.UP,
        "Of those who could use a feature, those who do, as recorded in the window; of all features together.",
        "Recorded by people", _feature_adoption, recorded=True,
    ),
)  # fmt: skip
