"""Who asks on Slack, as the workspace tells, and which channels somebody can read."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from connectors.errors import ConnectorError
from connectors.records import Member
from connectors.slack_web import Declined
from connectors.slack_workspace import PAGE, Workspace, next_cursor

_LOG = logging.getLogger("connectors.slack")

_FRESH = 60.0
"""Seconds for which what Slack told of a member is taken for so."""
_PATIENCE = 5.0
_OUTSIDE = {"guest", "external"}
"""Roles of those who read only the channels that they are in."""


class People:
    """The members of one workspace who ask for something."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._known: dict[str, tuple[float, Member]] = {}

    async def asker(self, told: Member) -> tuple[Member, str | None]:
        """Whoever asks, with roles and language; where Slack does not tell in time, what the request itself told."""
        found: Member | None = None
        try:
            async with asyncio.timeout(_PATIENCE):
                found = await self._member(told.id)
        except (ConnectorError, TimeoutError) as error:
            _LOG.warning("Slack did not tell who asks (%s)", type(error).__name__)
        if found is not None:
            # All that is known of a member is in the list; until it was read, what was known before counts too.
            found = found._replace(complete=self._workspace.listed)
        return found or told, self._workspace.locales.get(told.id)

    def forget(self, member_id: str) -> None:
        """Something about a member has changed."""
        self._known.pop(member_id, None)

    async def readable(self, member_id: str, channel_ids: Sequence[str]) -> set[str]:
        """Which of these channels a member can read now; see `connectors.base.Connector.readable`."""
        await self._workspace.introduce()
        member = await self._member(member_id)
        if member is None or not member.is_active:
            return set()
        reads = await asyncio.gather(*(self._reads(member, id_) for id_ in channel_ids))
        return {id_ for id_, readable in zip(channel_ids, reads, strict=True) if readable}

    async def _member(self, id_: str) -> Member | None:
        now = asyncio.get_running_loop().time()
        at, known = self._known.get(id_, (0.0, None))
        if known is not None and now - at < _FRESH:
            return known
        found = await self._workspace.ask_member(id_)
        if found is not None:
            self._known = {key: value for key, value in self._known.items() if now - value[0] < _FRESH}
            self._known[id_] = (now, found)
        return found

    async def _reads(self, member: Member, channel_id: str) -> bool:
        channel = await self._workspace.channel(channel_id)
        if channel is None:
            return False
        if not channel.is_private and not _OUTSIDE.intersection(member.roles):
            return True
        params: dict[str, Any] = {"channel": channel_id, "limit": PAGE}
        while True:
            try:
                told = await self._workspace.web.call("conversations.members", **params)
            except Declined:
                return False
            if member.id in (told.get("members") or ()):
                return True
            params["cursor"] = next_cursor(told)
            if not params["cursor"]:
                return False
