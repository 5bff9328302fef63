"""Who asks on a forum, as the forum tells, and which categories somebody can read."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from connectors.discourse_calls import URGENT, Told
from connectors.discourse_forum import Forum, Json
from connectors.discourse_messages import UNCATEGORIZED
from connectors.records import Member
from connectors.values import identity, iso_moment, words

_FRESH = 60.0
"""Seconds for which what the forum told of an account or a category is taken for so."""
_MOST = 5_000
_EVERYONE = "everyone"
_TRUST_LEVELS = range(5)
_SHAPES = (KeyError, TypeError, ValueError, AttributeError)


class Asker(NamedTuple):
    """Somebody who asks."""

    member: Member
    language: str | None
    is_silent: bool
    """Suspended or silenced: left alone."""


class Askers:
    """The accounts of one forum that ask for something."""

    def __init__(self, forum: Forum) -> None:
        self._forum = forum
        self._profiles: dict[str, tuple[float, Json]] = {}
        self._names: dict[str, str] = {}
        """Account -> its user name, of those who asked."""
        self._groups: dict[str, tuple[float, frozenset[str]]] = {}
        """Restricted category -> the groups that can read it."""

    async def asker(self, post: Json) -> Asker:
        """Who wrote a post: as their profile tells, else as the post does."""
        id_, name = identity(post["user_id"]), words(post["username"])
        self._names[id_] = name
        if len(self._names) > _MOST:
            self._names.pop(next(iter(self._names)))
        profile = await self._profile(id_)
        facts = {**post, **{key: value for key, value in (profile or {}).items() if value is not None}}
        member = Member(
            id_, name, words(facts.get("name")), is_bot=post["user_id"] < 0,
            is_staff=any(facts.get(mark) is True for mark in ("admin", "moderator", "staff")),
            roles=tuple(sorted(_groups(facts))), is_active=not _is_silent(facts),
            complete=isinstance((profile or {}).get("groups"), list),
        )  # fmt: skip
        return Asker(member, words(facts.get("locale")) or None, _is_silent(facts))

    async def readable(self, member_id: str, channel_ids: Sequence[str]) -> set[str]:
        """Which of these categories a member can read now; what the forum does not tell is not readable."""
        token = URGENT.set(True)
        try:
            profile = await self._profile(member_id)
            if profile is None or profile.get("active") is False or _is_silent(profile):
                return set()
            open_ = await self._unrestricted()
            groups = {_EVERYONE, *map(str.casefold, _groups(profile))}
            restricted = [id_ for id_ in channel_ids if id_ not in open_]
            allowed = await asyncio.gather(*map(self._allowed, restricted))
        except _SHAPES:
            return set()
        finally:
            URGENT.reset(token)
        is_admin = profile.get("admin") is True
        return {id_ for id_ in channel_ids if id_ in open_} | {
            id_
            for id_, names in zip(restricted, allowed, strict=True)
            if not names.isdisjoint(groups) or (is_admin and names)
        }

    # --- accounts -------------------------------------------------------------------------------------------------

    async def _profile(self, id_: str) -> Json | None:
        """What the forum tells of an account; None where it does not."""
        at, known = self._profiles.get(id_, (0.0, None))
        if known is not None and time.monotonic() - at < _FRESH:
            return known
        found = await self._by_name(self._names[id_]) if id_ in self._names else None
        if found is None or str(found.get("id")) != id_:
            found = await self._told(f"/admin/users/{quote(id_, safe='')}.json")
        if found is None or str(found.get("id")) != id_:
            return None
        if len(self._profiles) > _MOST:
            self._profiles.clear()
        self._profiles[id_] = (time.monotonic(), found)
        return found

    async def _by_name(self, name: str) -> Json | None:
        found = await self._told(f"/u/{quote(name, safe='')}.json")
        user = None if found is None else found.get("user")
        return user if isinstance(user, Mapping) else None

    async def _told(self, path: str) -> Json | None:
        try:
            found = await self._forum.get(path)
        except Told:
            return None
        return found if isinstance(found, Mapping) else None

    # --- categories -----------------------------------------------------------------------------------------------

    async def _unrestricted(self) -> set[str]:
        """The categories that everybody can read, as the forum says now."""
        site = await self._told("/site.json") or {}
        rows: list[Any] = site.get("categories") or []
        return {UNCATEGORIZED} | {
            identity(row["id"])
            for row in rows
            if isinstance(row, Mapping) and row.get("read_restricted") is False
        }

    async def _allowed(self, category: str) -> frozenset[str]:
        """The groups that can read a category, by name; none where the forum does not tell."""
        at, known = self._groups.get(category, (0.0, frozenset()))
        if at and time.monotonic() - at < _FRESH:
            return known
        told = await self._told(f"/c/{quote(category, safe='')}/show.json") or {}
        facts = told.get("category") or {}
        rows = facts.get("group_permissions") or ()
        groups = frozenset(words(row.get("group_name")).casefold() for row in rows) - {""}
        if facts.get("read_restricted") is False:
            groups |= {_EVERYONE}
        self._groups[category] = (time.monotonic(), groups)
        return groups


def _groups(facts: Json) -> set[str]:
    """The groups that an account is in, also those that follow from what it is."""
    rows = facts.get("groups")
    named = (
        {words(row.get("name")) for row in rows if isinstance(row, Mapping)}
        if isinstance(rows, list)
        else set()
    )
    named.add(words(facts.get("primary_group_name")))
    level = facts.get("trust_level")
    if type(level) is int:
        named |= {f"trust_level_{n}" for n in _TRUST_LEVELS if n <= level}
    if facts.get("admin") is True:
        named |= {"admins", "staff"}
    if facts.get("moderator") is True:
        named |= {"moderators", "staff"}
    return named - {""}


def _is_silent(facts: Json) -> bool:
    """Whether the account may not write just now."""
    if facts.get("silenced") is True or facts.get("suspended") is True:
        return True
    return any(_is_later(facts.get(until)) for until in ("suspended_till", "silenced_till"))


def _is_later(until: Any) -> bool:
    try:
        return isinstance(until, str) and bool(until) and iso_moment(until) > datetime.now(UTC)
    except ValueError:
        return True  # so far away that nobody writes it down
