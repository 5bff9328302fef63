"""A forum's accounts: who they are, which groups they are in, when they joined."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.base import Held
from connectors.discourse_calls import Told
from connectors.discourse_forum import Forum
from connectors.discourse_messages import mark_bot, tell_account
from connectors.paging import Draft
from connectors.records import Leave, Page

_STREAM = "people"
_AT_ONCE = 1_000
_SHAPES = (KeyError, TypeError, ValueError, AttributeError)


async def everybody(forum: Forum, held: Held) -> AsyncIterator[Page]:
    """All accounts, with their groups, and those that are in the list no longer.

    Nobody where the key has no right to the list: authors are known from their posts.
    """
    began = datetime.now(UTC)
    roles = await _roles(forum)
    number, newest = 1, 0
    seen: set[int] = set()
    while True:
        at = datetime.now(UTC)
        rows = await _listed(forum, "active", page=number, order="created", asc="true")
        if rows is None:
            return
        new = [row for row in rows if row["id"] not in seen]
        if not new:
            break
        seen.update(row["id"] for row in new)
        newest = max(newest, *seen)
        yield _page(forum, at, new, roles, newest)
        number += 1
    # By the beginning of the list: whoever came meanwhile has a later join.
    if seen and (gone := await held.absent(began)):
        yield Page(_STREAM, None, datetime.now(UTC), leaves=[Leave(id_, began) for id_ in sorted(gone)])


async def newcomers(forum: Forum, cursors: Mapping[str, str]) -> AsyncIterator[Page]:
    """The accounts made since the last time; nothing before everybody was read once."""
    newest = int(cursors.get(_STREAM) or 0)
    number, last = 1, newest
    while newest:
        at = datetime.now(UTC)
        rows = await _listed(forum, "new", page=number, order="created")
        new = [row for row in rows or () if row["id"] > newest]
        if not new:
            return
        last = max(last, *(row["id"] for row in new))
        # The position moves when the oldest of them are stored too.
        is_last = len(new) < len(rows or ())
        yield _page(forum, at, new, None, last if is_last else None)
        if is_last:
            return
        number += 1


def _page(
    forum: Forum, at: datetime, rows: Iterable[Any], roles: Mapping[int, list[str]] | None, newest: int | None
) -> Page:
    draft = Draft(_STREAM, at)
    for row in rows:
        try:
            tell_account(row, draft, None if roles is None else tuple(sorted(roles.get(row["id"], ()))))
        except _SHAPES:
            draft.left_out["unreadable row"] += 1
    mark_bot(forum.user, draft)
    return draft.page(None if newest is None else str(newest), 0.0)._replace(fraction=None)


async def _listed(forum: Forum, flag: str, **parameters: Any) -> list[Any] | None:
    try:
        rows = await forum.get(f"/admin/users/list/{flag}.json", **parameters)
    except Told:
        return None
    return [row for row in rows if isinstance(row, dict) and type(row.get("id")) is int]


async def _roles(forum: Forum) -> dict[int, list[str]]:
    """Account -> the names of its groups, of those that people made."""
    roles: dict[int, list[str]] = defaultdict(list)
    names: list[str] = []
    seen: set[str] = set()
    number = 0
    try:
        while True:
            found = await forum.get("/groups.json", page=number)
            told = (
                found if isinstance(found, list) else found.get("groups") or ()
            )  # old forums give a bare list
            new = [row for row in told if row["name"] not in seen]
            seen.update(row["name"] for row in new)
            names += [row["name"] for row in new if not row.get("automatic")]
            if told is found or not new or len(seen) == found.get("total_rows_groups"):
                break
            number += 1
    except Told:
        return roles
    for name in names:
        offset = 0
        while True:
            try:
                found = await forum.get(f"/groups/{name}/members.json", limit=_AT_ONCE, offset=offset)
            except Told:
                break
            rows = [row for row in found.get("members") or () if name not in roles[row["id"]]]
            for row in rows:
                roles[row["id"]].append(name)
            offset += len(rows)
            total = (found.get("meta") or {}).get("total")
            if not rows or (total is not None and offset >= total):
                break
    return roles
