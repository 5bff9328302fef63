"""Who wrote when, over long times: first messages, days of presence, and who has gone quiet.

Each is one pass over an index, made once for all that ask: what a digest costs should not grow with what it asks.
"""

from datetime import timedelta

from bot.spaces.community import Community
from bot.spaces.counted import PUBLIC, day_of, first_post, last_post
from bot.spaces.window import Window
from storage.times import to_micros

ACTIVE_BEFORE = timedelta(days=90)
_LOST_AFTER_POSTS = 4
_QUIET_DAYS = 30
_MICROSECOND = timedelta(microseconds=1)


def writers(community: Community) -> str:
    """The name of a table of all accounts that ever wrote, without bots.

    Columns: source_id, external_id, person, standing, began (the first counted message; NULL where none is).
    """
    # From author to author by the index: what it takes grows with the authors, not with what they wrote.
    return community.once("writers", lambda: community.table("writers", f"""
        WITH RECURSIVE wrote (source_id, author_id) AS (
            SELECT s.id, (SELECT MIN(m.author_id) FROM messages m WHERE m.source_id = s.id) FROM sources s
            UNION ALL
            SELECT w.source_id, (SELECT MIN(m.author_id) FROM messages m
                WHERE m.source_id = w.source_id AND m.author_id > w.author_id)
            FROM wrote w WHERE w.author_id IS NOT NULL)
        SELECT a.source_id, a.external_id, a.person, a.standing, {first_post("a")} AS began
        FROM wrote JOIN members a ON a.source_id = wrote.source_id AND a.external_id = wrote.author_id
        WHERE a.standing <> 'bot'"""))  # fmt: skip


def presence(community: Community, days: Window) -> tuple[int, int]:
    """Members who wrote in these days, and the sum over the days of those who wrote that day."""
    ((people, sum_),) = community.rows(f"""
        SELECT COUNT(DISTINCT person), COUNT(*) FROM (
            SELECT DISTINCT w.day, a.person FROM (
                SELECT DISTINCT {day_of(days)} AS day, m.source_id, m.author_id FROM messages m
                WHERE m.{community.counted(days)} AND {PUBLIC}) w
            JOIN members a ON a.source_id = w.source_id AND a.external_id = w.author_id AND a.standing = 'member') d""")
    return people, sum_


def lost(community: Community, window: Window) -> int:
    """Members with at least four posts in 90 days, and none since: none in the window nor in 30 days up to its end."""
    silence = quiet(window)
    since, until = to_micros(silence.start), min(to_micros(silence.end), to_micros(community.as_of))
    begin = since - ACTIVE_BEFORE // _MICROSECOND
    # Written down: PostgreSQL would look for it again wherever it is named.
    seen = community.table("seen", f"""
        SELECT * FROM (
            SELECT w.source_id, w.external_id, w.person, {last_post("w", f"m.created_at < {until}")} AS last
            FROM {writers(community)} w WHERE w.standing = 'member') w
        WHERE last >= {begin}""")  # fmt: skip
    posts = f"""(SELECT COUNT(*) FROM messages m WHERE m.source_id = w.source_id AND m.author_id = w.external_id
        AND m.created_at >= {begin} AND m.created_at < {min(since, until)} AND {PUBLIC})"""
    return community.number(f"""
        SELECT COUNT(*) FROM (
            SELECT w.person FROM {seen} w GROUP BY w.person
            HAVING MAX(w.last) < {since}
                AND SUM(CASE WHEN w.last < {since} THEN {posts} ELSE 0 END) >= {_LOST_AFTER_POSTS}) gone""")


def quiet(window: Window) -> Window:
    """The time in which whom we miss wrote nothing: the window, or the 30 days up to its end if that is longer."""
    return Window(
        min(window.first, window.until - timedelta(days=_QUIET_DAYS)),
        window.until,
        window.zone,
        window.period,
    )
