"""One Slack workspace as the connector knows it: who we are there, its channels, its members, and what is read."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

from connectors.errors import ConnectorError, Misconfigured, Unavailable
from connectors.paging import Draft
from connectors.records import Channel, Member, Page, Problem
from connectors.slack_messages import Rows, links, to_channel, to_group, to_member
from connectors.slack_web import Declined, Web
from connectors.values import Settings

_LOG = logging.getLogger("connectors.slack")

PAGE = 999
"""Rows asked for at once: the most that Slack gives."""

_PEOPLE = 200
"""Users asked for at once: what Slack recommends; more may be answered with `limit_required` or a time-out."""

SHAPE = (KeyError, IndexError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
"""What a row of an unknown form raises."""


class Workspace:
    """What is known of the workspace, by asking or by events; shared by reading, listening and posting."""

    def __init__(self, web: Web, settings: Mapping[str, Any]) -> None:
        self.web = web
        self.settings = Settings(settings)
        self.named = {str(name).lstrip("#").lower() for name in settings.get("include") or ()}
        self.url = self.settings.url
        self.user_id = self.user = self._team = self._enterprise = ""
        self.rows = Rows(lambda _channel, _ts, _thread: None)
        self.channels: dict[str, Channel] = {}
        self.joined: set[str] = set()
        """Channels that the bot is a member of."""
        self.outside: set[str] = set()
        """Those that it is not in; of a channel that is in neither, Slack did not say."""
        self.listed = False
        """Whether the list of members has been read: before that everybody would be a stranger."""
        self.locales: dict[str, str] = {}
        """Member -> what their own program speaks ("es-ES"), as far as it was told."""
        self._known = False
        self._groups: dict[str, tuple[str, ...]] = {}
        """Member -> the user groups that he is in."""

    async def introduce(self) -> None:
        """Ask, once, who we are."""
        if self._known:
            return
        told = await self.web.call("auth.test")
        self.user_id, self.user = str(told.get("user_id") or ""), str(told.get("user") or "")
        self.url = self.settings.url or str(told.get("url") or "").rstrip("/")
        self._team, self._enterprise = str(told.get("team_id") or ""), str(told.get("enterprise_id") or "")
        self.rows.link = links(self.url, self._team)
        self._known = True

    def wants(self, channel: Channel) -> bool:
        """Whether the messages of this channel are read: public or named by the operator, and not excluded."""
        if self.settings.excludes(channel.id, channel.name):
            return False
        return not channel.is_private or self.settings.names(channel.id, channel.name)

    def may_be_private(self, id_: str) -> bool:
        """Whether a channel that is not shown may be one of the private ones that the operator named."""
        shown = {name.lower() for channel in self.channels.values() for name in (channel.id, channel.name)}
        return self.settings.names(id_) or bool(self.named - shown)

    # --- channels ---------------------------------------------------------------------------------------------

    async def list_channels(self) -> AsyncIterator[Page]:
        """All channels that may be told of, on pages; `channels` knows them afterwards.

        Raises:
            Misconfigured: the right to list them is missing.
        """
        types = "public_channel,private_channel" if self.named else "public_channel"
        params: dict[str, Any] = {"types": types, "limit": PAGE, "exclude_archived": False}
        while True:
            observed_at = self.web.now()
            try:
                told = await self.web.call("conversations.list", **params)
            except Declined as no:
                if no.error == "missing_scope" and "private" in params["types"]:
                    params["types"] = "public_channel"
                    what = "the app has not the right to read private channels (scope groups:read)"
                    cure = "Add it in OAuth & Permissions, and reinstall the app; public channels are read meanwhile."
                    yield Page("channels", None, observed_at, problems=[Problem("Slack", what, cure)])
                    continue
                raise lacking(no, "channels:read", "to list the channels") from None
            draft = Draft("channels", observed_at)
            for row in told.get("channels") or ():
                self._admit(row, draft)
            yield draft.page(None, 1.0)
            params["cursor"] = next_cursor(told)
            if not params["cursor"]:
                return

    def _admit(self, row: Any, draft: Draft) -> None:
        try:
            channel = self._learn(row)
        except SHAPE:
            draft.left_out["unreadable row"] += 1
            return
        if row.get("is_im") or row.get("is_mpim") or (channel.is_private and not self.wants(channel)):
            draft.left_out["private channel"] += 1
        else:
            draft.channels.append(channel)

    def _learn(self, row: Any) -> Channel:
        channel = to_channel(row, self.url)
        if row.get("is_im") or row.get("is_mpim"):
            channel = channel._replace(is_private=True)
        self.channels[channel.id] = channel
        if row.get("is_member") is True:
            self.joined.add(channel.id)
            self.outside.discard(channel.id)
        elif row.get("is_member") is False:
            self.joined.discard(channel.id)
            self.outside.add(channel.id)
        if row.get("is_general") is True or (channel.name == "general" and not self.rows.general):
            self.rows.general = channel.id
        return channel

    async def channel(self, id_: str, *, afresh: bool = False) -> Channel | None:
        """A channel by its id; None when Slack does not show it to us."""
        if not afresh and id_ in self.channels:
            return self.channels[id_]
        try:
            told = await self.web.call("conversations.info", channel=id_)
            return self._learn(told["channel"])
        except (Declined, *SHAPE):
            return None

    async def hides(self, id_: str) -> bool:
        """Whether Slack says that there is no such channel, for us; what it shows stands in `channels`."""
        try:
            told = await self.web.call("conversations.info", channel=id_)
            self._learn(told["channel"])
        except Declined as no:
            if no.error == "channel_not_found":
                self.channels.pop(id_, None)
                return True
        except SHAPE:
            return False
        return False

    # --- members ----------------------------------------------------------------------------------------------

    async def list_members(self) -> AsyncIterator[Page]:
        """All members, on pages.

        Raises:
            Misconfigured: the right to list them is missing.
        """
        await self._list_groups()
        params: dict[str, Any] = {"limit": _PEOPLE, "include_locale": True}
        known: set[str] = set()
        while True:
            observed_at = self.web.now()
            try:
                told = await self.web.call("users.list", **params)
            except Declined as no:
                raise lacking(no, "users:read", "to list the members") from None
            draft = Draft("members", observed_at)
            for row in told.get("members") or ():
                try:
                    draft.members.append(self.member(row))
                except SHAPE:
                    draft.left_out["unreadable row"] += 1
            known.update(member.id for member in draft.members)
            yield draft.page(None, 1.0)
            params["cursor"] = next_cursor(told)
            if not params["cursor"]:
                # Who is in no list is a stranger again, and asked for.
                self.rows.known.clear()
                self.rows.known.update(known)
                self.listed = True
                return

    def member(self, row: Any) -> Member:
        """A member, of any row of a user, with their user groups among the roles.

        Whoever belongs to another workspace has no rank in this one.
        """
        member = to_member(row)
        if isinstance(locale := row.get("locale"), str):
            self.locales[member.id] = locale
        if not self._is_ours(row):
            return member._replace(is_staff=False, roles=("external",))
        return member._replace(roles=(*member.roles, *self._groups.get(member.id, ())))

    async def _list_groups(self) -> None:
        """Who is in which user group: nobody where the app may not know, or the plan has none."""
        try:
            told = await self.web.call("usergroups.list", include_users=True)
        except ConnectorError as error:
            # What ends everything else is said by the next question.
            _LOG.info("the user groups are not known: %s", error)
            return
        groups: dict[str, tuple[str, ...]] = {}
        for row in told.get("usergroups") or ():
            try:
                names, users = to_group(row)
            except SHAPE:
                continue
            for user in users:
                groups[user] = (*groups.get(user, ()), *names)
        self._groups = groups

    async def meet(self, draft: Draft) -> None:
        """Ask who the authors are that stand in no list (guests of Slack Connect); who is not found keeps his id."""
        strangers = [
            member for member in draft.members if not member.complete and member.id[:1] in {"U", "W"}
        ]
        if strangers and self.listed:
            found = await asyncio.gather(*(self._member(stranger.id) for stranger in strangers))
            known = {member.id: member for member in found if member is not None}
            draft.members = [known.get(member.id, member) for member in draft.members]

    async def _member(self, id_: str) -> Member | None:
        try:
            return await self.ask_member(id_)
        except Unavailable:
            return None

    async def ask_member(self, id_: str) -> Member | None:
        """What Slack tells of a member now; None when it does not tell.

        Raises:
            Unavailable: it does not answer.
        """
        try:
            told = await self.web.call("users.info", user=id_, include_locale=True)
            return self.member(told["user"])
        except (Declined, *SHAPE):
            return None

    def _is_ours(self, row: Any) -> bool:
        """Whether a user is of this workspace, or of another one of the same organisation."""
        team, grid = row.get("team_id"), row.get("enterprise_user") or {}
        return (
            not team
            or not self._team
            or team in {self._team, self._enterprise}
            or self._team in (grid.get("teams") or ())
            or bool(self._enterprise and grid.get("enterprise_id") == self._enterprise)
        )


def next_cursor(told: Mapping[str, Any]) -> str:
    """Where the next page begins; empty when there is none."""
    return str((told.get("response_metadata") or {}).get("next_cursor") or "")


def lacking(no: Declined, scope: str, purpose: str) -> Misconfigured:
    """What a declined call means where nothing goes on without it."""
    if no.error == "missing_scope":
        return Misconfigured(
            f"The Slack app has not the right {purpose}: add the bot scope {no.needed or scope} at "
            "https://api.slack.com/apps, OAuth & Permissions, and reinstall the app to the workspace."
        )
    return Misconfigured(f"Slack declined {purpose} ({no.error}): run `spaces check` to see what is missing.")
