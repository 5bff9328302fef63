"""Engagement: how many take part, how much, and whether they stay. Its labels and its metrics."""

from datetime import timedelta

from bot.spaces.community import Community
from bot.spaces.counted import PUBLIC
from bot.spaces.model import Area, Direction, Label, Metric, Unit, Value
from bot.spaces.observed import facts, part
from bot.spaces.presence import ACTIVE_BEFORE, lost, presence, quiet
from bot.spaces.reasons import (
    NO_CONVERSATIONS,
    NO_DATA,
    NO_INTERNAL,
    NO_MEMBERS,
    NO_POSTS,
    NOT_RECORDED,
    SHORT_HISTORY,
    TEN_OR_FEWER,
)
from bot.spaces.values import count, rate, share, unknown
from bot.spaces.window import Window
from storage.times import to_micros

LABELS = (
    Label("event", Area.ENGAGEMENT, "Event", "Announces or invites to a meeting, call or other event."),
    Label("thanks", Area.ENGAGEMENT, "Thanks", "Someone thanks somebody."),
)

_MONTH_DAYS = 30
_QUIET = timedelta(days=90)
_TOP = 10


def _active(community: Community, window: Window) -> Value:
    if not community.knows(window):
        return unknown(NO_DATA)
    staff = community.number(
        f"SELECT COUNT(DISTINCT person) FROM {community.posts(window)} WHERE standing = 'staff' AND NOT internal"
    )
    return count(len(community.actives(window)), staff=staff)


def _messages(community: Community, window: Window) -> Value:
    if not community.knows(window):
        return unknown(NO_DATA)
    posts = community.posts_by_standing(window)
    return count(posts.get("member", 0), staff=posts.get("staff", 0), bots=posts.get("bot", 0))


def _conversations(community: Community, window: Window) -> Value:
    if not community.knows(window):
        return unknown(NO_DATA)
    return count(
        community.number(f"""SELECT COUNT(*) FROM {community.posts(window)}
            WHERE is_root AND standing = 'member' AND NOT internal""")
    )


def _begun(community: Community, window: Window) -> tuple[int, int]:
    """Conversations that members began in the window, and the replies of people they have had by now."""
    begun = f"{community.posts(window)} p WHERE p.is_root AND p.standing = 'member' AND NOT p.internal"
    # Not m.created_at: a condition on the bare column tempts SQLite to scan all of history instead of the conversation.
    replies = community.number(f"""
        SELECT SUM((SELECT COUNT(*) FROM messages m
            JOIN members a ON a.source_id = m.source_id AND a.external_id = m.author_id
            WHERE m.source_id = p.source_id AND m.conversation_id = p.external_id AND m.external_id <> p.external_id
                AND {PUBLIC} AND m.created_at + 0 < {to_micros(community.as_of)}
                AND COALESCE(a.standing, 'member') <> 'bot'))
        FROM {begun}""")
    return community.number(f"SELECT COUNT(*) FROM {begun}"), replies


def _replies(community: Community, window: Window) -> Value:
    begun, replies = _begun(community, window)
    return rate(replies, begun, NO_CONVERSATIONS)


def _reactions(community: Community, window: Window) -> Value:
    if not community.knows(window):
        return unknown(NO_DATA)
    return count(
        community.number(f"""SELECT SUM(reactions) FROM {community.posts(window)}
            WHERE standing = 'member' AND NOT internal""")
    )


def _stickiness(community: Community, window: Window) -> Value:
    month = Window(window.until - timedelta(days=_MONTH_DAYS), window.until, window.zone)
    first = community.first_message_at
    if first is None or first > month.start:
        return unknown(SHORT_HISTORY)
    people, days = presence(community, month)
    return rate(days / _MONTH_DAYS, people, NO_POSTS)


def _participation(community: Community, window: Window) -> Value:
    start, end = to_micros(window.start), min(to_micros(window.end), to_micros(community.as_of))
    # Where no join was told, the first message tells since when an account is known.
    since = """COALESCE(a.joined_at, (SELECT m.created_at FROM messages m
        WHERE m.source_id = a.source_id AND m.author_id = a.external_id ORDER BY m.created_at LIMIT 1), 0)"""
    # Who wrote was there, even if the account has been closed since.
    known = community.number(f"""SELECT COUNT(*) FROM (
        SELECT a.person FROM members a
        WHERE a.standing = 'member' AND a.is_active AND {since} < {end}
        AND (a.left_at IS NULL OR a.left_at >= {start} OR (a.rejoined_at > a.left_at AND a.rejoined_at < {end}))
        UNION SELECT person FROM {community.posts(window)} WHERE standing = 'member' AND NOT internal) here""")
    return share(len(community.actives(window)), known, NO_MEMBERS)


def _returning(community: Community, window: Window) -> Value:
    if not community.knows(window):
        return unknown(NO_DATA)
    if not community.remembers(window):
        return unknown(SHORT_HISTORY)
    return count(
        sum(
            active.last_before is not None and window.start - active.last_before <= _QUIET
            for active in community.actives(window)
        )
    )


def _reactivated(community: Community, window: Window) -> Value:
    first = community.first_message_at
    if first is None or window.start - first < _QUIET:
        return unknown(SHORT_HISTORY)
    return count(
        sum(
            active.last_before is not None and window.start - active.last_before > _QUIET
            for active in community.actives(window)
        )
    )


def _lost(community: Community, window: Window) -> Value:
    if not community.knows(window):
        return unknown(NO_DATA)
    first = community.first_message_at
    if first is None or quiet(window).start - first < ACTIVE_BEFORE:
        return unknown(SHORT_HISTORY)
    return count(lost(community, window))


def _concentration(community: Community, window: Window) -> Value:
    posts = [active.posts for active in community.actives(window)]
    if 0 < len(posts) <= _TOP:
        return unknown(TEN_OR_FEWER)
    return share(sum(posts[:_TOP]), sum(posts), NO_POSTS, people=len(posts))


def _internal(community: Community, window: Window) -> Value:
    if not community.number("SELECT COUNT(*) FROM channels WHERE is_internal AND counted"):
        return unknown(NO_INTERNAL)
    ((messages, people),) = community.rows(
        f"SELECT COUNT(*), COUNT(DISTINCT person) FROM {community.posts(window)} WHERE internal AND standing <> 'bot'"
    )
    return count(messages, people=people)


def _attendees(community: Community, window: Window) -> Value:
    found = facts(community, window, "attendance")
    if not found:
        return unknown(NOT_RECORDED)
    return count(int(sum(fact.value for fact in found)), events=len(found))


def _attendance(community: Community, window: Window) -> Value:
    return part(community, window, "attendance")


METRICS = (
    Metric(
        "active_members", Area.ENGAGEMENT, "Active members", Unit.COUNT, Direction.UP,
        "Members who wrote at least one message in the window. Reading leaves no trace, so these are participants, not visitors.",
        "CMX SPACES", _active, headline=True,
    ),
    Metric(
        "messages", Area.ENGAGEMENT, "Messages", Unit.COUNT, Direction.UP,
        "Messages that members wrote in the window in public channels; those of staff and bots are shown apart.",
        "CMX SPACES", _messages,
    ),
    Metric(
        "conversations", Area.ENGAGEMENT, "Conversations", Unit.COUNT, Direction.UP,
        "Threads, topics and exchanges in chat that members began in the window.",
        "CMX SPACES", _conversations,
    ),
    Metric(
        "replies_per_conversation", Area.ENGAGEMENT, "Replies per conversation", Unit.RATE, Direction.UP,
        "Replies that people (not bots) have written so far in the conversations that members began in the window, per conversation.",
        "CMX SPACES", _replies,
    ),
    Metric(
        "reactions", Area.ENGAGEMENT, "Reactions", Unit.COUNT, Direction.UP,
        "Reactions to the messages that members wrote in the window.",
        "CMX SPACES", _reactions,
    ),
    Metric(
        "stickiness", Area.ENGAGEMENT, "Stickiness", Unit.RATE, Direction.UP,
        "Mean number of members active on a day / members active in the month: over the 30 days up to the window's end.",
        "Discourse DAU/MAU", _stickiness,
    ),
    Metric(
        "participation_rate", Area.ENGAGEMENT, "Participation", Unit.SHARE, Direction.UP,
        "Active members / members who were here in the window. Where a platform does not list its members, those who have ever written are the members known; where it does not tell joins, a member counts from the first message, and one who never wrote from the beginning.",
        "CMX SPACES", _participation,
    ),
    Metric(
        "returning_members", Area.ENGAGEMENT, "Returning members", Unit.COUNT, Direction.UP,
        "Active members whose last message before the window was at most 90 days before it.",
        "Growth accounting", _returning,
    ),
    Metric(
        "reactivated_members", Area.ENGAGEMENT, "Reactivated members", Unit.COUNT, Direction.UP,
        "Active members who had been silent for more than 90 days before the window.",
        "Growth accounting", _reactivated,
    ),
    Metric(
        "lost_members", Area.ENGAGEMENT, "Members gone quiet", Unit.COUNT, Direction.DOWN,
        "Members with at least four messages in 90 days and none since: none in the window, nor in the 30 days up to its end where the window is shorter.",
        "Growth accounting", _lost,
    ),
    Metric(
        "concentration", Area.ENGAGEMENT, "Share of the ten most active", Unit.SHARE, Direction.DOWN,
        "Messages of the ten most active members / messages by members. 30 to 55 % is usual, above 70 % is fragile. Unknown where no more than ten wrote: it could only be 100 %.",
        "CHAOSS", _concentration,
    ),
    Metric(
        "internal_engagement", Area.ENGAGEMENT, "Internal engagement", Unit.COUNT, Direction.UP,
        "Messages that people wrote in the window in the channels marked internal.",
        "SPACEI", _internal, staff_only=True,
    ),
    Metric(
        "event_attendees", Area.ENGAGEMENT, "Event attendees", Unit.COUNT, Direction.UP,
        "People who attended events of the window, as recorded.",
        "CMX SPACES", _attendees, recorded=True,
    ),
    Metric(
        "attendance_rate", Area.ENGAGEMENT, "Attendance", Unit.SHARE, Direction.UP,
        "Of those who signed up for events of the window, those who came, as recorded; of all events together.",
        "CMX SPACES", _attendance, recorded=True,
    ),
)  # fmt: skip
