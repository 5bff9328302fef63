"""Contribution: what members make for each other. Its labels and its metrics."""

from bot.spaces.community import Community
from bot.spaces.model import Area, Direction, Label, Metric, Unit, Value
from bot.spaces.reasons import NO_DATA, NO_POSTS
from bot.spaces.values import count, labelled, labelled_people, members_posts, share, unknown
from bot.spaces.window import Window

LABELS = (
    Label(
        "contribution",
        Area.CONTRIBUTION,
        "Contribution",
        "Something made for others: a guide, tutorial, showcase, resource, translation, code or an organised event.",
    ),
)


def _contributions(community: Community, window: Window) -> Value:
    return labelled(community, window, "contribution")


def _contributors(community: Community, window: Window) -> Value:
    return labelled_people(community, window, "contribution")


def _generated(community: Community, window: Window) -> Value:
    if not community.knows(window):
        return unknown(NO_DATA)
    posts = community.posts_by_standing(window)
    return count(posts.get("member", 0), staff=posts.get("staff", 0), bots=posts.get("bot", 0))


def _generated_share(community: Community, window: Window) -> Value:
    posts = community.posts_by_standing(window)
    members, staff = posts.get("member", 0), posts.get("staff", 0)
    return share(members, members + staff, NO_POSTS)


def _returning(community: Community, window: Window) -> Value:
    if not (community.knows(window) and community.knows(window.previous())):
        return unknown(NO_DATA)
    return count(len(community.writers(window) & community.writers(window.previous())))


METRICS = (
    Metric(
        "contributions", Area.CONTRIBUTION, "Contributions", Unit.COUNT, Direction.UP,
        "Messages of members, written in the window, that share something made for others: a guide, tutorial, showcase, resource, translation, code or an organised event.",
        "CMX SPACES", _contributions, lambda c, w: c.evidence(members_posts(c, w, "contribution")), headline=True,
    ),
    Metric(
        "contributors", Area.CONTRIBUTION, "Contributors", Unit.COUNT, Direction.UP,
        "Members who shared a contribution in the window.",
        "CMX SPACES", _contributors,
    ),
    Metric(
        "user_generated_content", Area.CONTRIBUTION, "Messages by members", Unit.COUNT, Direction.UP,
        "Messages that members wrote in the window in public channels; those of staff and bots are shown apart.",
        "CMX SPACES", _generated,
    ),
    Metric(
        "ugc_share", Area.CONTRIBUTION, "Members' share of the talk", Unit.SHARE, Direction.UP,
        "Messages by members / messages by members and staff. Above 50 % the community carries itself, above 80 % it thrives.",
        "CMX SPACES", _generated_share,
    ),
    Metric(
        "returning_contributors", Area.CONTRIBUTION, "Members who came back", Unit.COUNT, Direction.UP,
        "Members who wrote in this window and in the one before.",
        "CHAOSS", _returning,
    ),
)  # fmt: skip
