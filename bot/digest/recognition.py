"""Who is to be thanked: the members whose messages helped others most, as far as the readers may see them."""

from collections.abc import Collection, Iterable

from bot.digest.model import Thanks
from bot.spaces.community import Community
from bot.spaces.counted import quoted
from bot.spaces.window import Window

_MOST = 8
# What people are thanked for, and how much each weighs in the order of the list.
_DEEDS = {"support_answer": 3, "contribution": 5, "bug_report": 2, "product_idea": 1, "success_story": 2}


def thanks(
    community: Community, window: Window, opted_out: Collection[str], limit: int = _MOST
) -> tuple[Thanks, ...]:
    """At most so many members, the weightiest first; nobody of those who opted out (persons).

    What was done where the audience cannot read counts for nobody, else it would tell who writes there.
    """
    if not community.audience.quotes:
        return ()
    did: dict[str, dict[str, int]] = {}
    for person, label, times in community.member_labels(window, readable=True):
        if label in _DEEDS and person not in opted_out:
            did.setdefault(person, {})[label] = times
    best = sorted(did, key=lambda person: (-_weight(did[person]), person))[:limit]
    names = _names(community, window, best)
    return tuple(Thanks(names[person], did[person]) for person in best)


def _weight(did: dict[str, int]) -> int:
    return sum(_DEEDS[label] * times for label, times in did.items())


def _names(community: Community, window: Window, people: Iterable[str]) -> dict[str, str]:
    wanted = list(people)
    if not wanted:
        return {}
    seen = "true"
    if community.audience.source is not None:
        # By the account that they were seen with: that it is one person with another is not everybody's business.
        seen = f"""(source_id, external_id) IN (SELECT source_id, author_id FROM {community.all_tagged(window)}
            WHERE {community.cut.words("source_id", "channel_id")})"""
    # The name that a platform tells of the account before the bare id of one that only messages mention.
    rows = community.rows(f"""SELECT person, COALESCE(NULLIF(display_name, ''), name) FROM members
        WHERE person IN ({", ".join(map(quoted, wanted))}) AND standing <> 'bot' AND {seen}
        ORDER BY CASE WHEN name = external_id AND display_name = '' THEN 0 ELSE 1 END,
            complete, source_id DESC, external_id DESC""")
    return {person: name for person, name in rows}  # noqa: C416 - rows are no pairs to mypy
