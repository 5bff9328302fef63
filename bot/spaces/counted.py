"""What counts, in SQL: the conditions and sub-queries that every metric shares."""

from datetime import timedelta

from bot.spaces.window import Window
from storage.times import to_micros

_DAY = 86_400_000_000

PUBLIC = """NOT m.deleted AND (m.source_id, m.channel_id) NOT IN (
    SELECT source_id, external_id FROM channels WHERE is_internal OR COALESCE(counted, false) = false)"""
"""A message that counts at all, of whomever. Without a join: few channels are not counted, and the index tells."""


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def last_post(account: str, when: str) -> str:
    """A sub-query: when an account last posted, among its counted messages for which `when` holds."""
    return f"""(SELECT m.created_at FROM messages m
        WHERE m.source_id = {account}.source_id AND m.author_id = {account}.external_id AND {when} AND {PUBLIC}
        ORDER BY m.created_at DESC LIMIT 1)"""


def first_post(account: str, when: str = "true") -> str:
    """A sub-query: when an account first posted, among its counted messages for which `when` holds."""
    return last_post(account, when).replace("created_at DESC", "created_at")


def day_of(window: Window) -> str:
    """SQL for the local day of `m.created_at` within a window, from 0: exact on days of 23 and 25 hours too."""
    midnights = [to_micros(Window(window.first + timedelta(days=n), window.until, window.zone).start)
                 for n in range(window.days)]  # fmt: skip
    cases, first = [], 0
    for index in range(1, len(midnights) + 1):
        if index == len(midnights) or midnights[index] - midnights[index - 1] != _DAY:
            # Days first..index-1 begin a day apart; the last of them may be longer or shorter than a day.
            days = f"(m.created_at - {midnights[first]}) / {_DAY}"
            last = index - 1 - first
            capped = f"CASE WHEN {days} > {last} THEN {last} ELSE {days} END"
            until = f"m.created_at < {midnights[index]}" if index < len(midnights) else "true"
            cases.append(f"WHEN {until} THEN {first} + {capped}")
            first = index
    return f"(CASE {' '.join(cases)} END)"
