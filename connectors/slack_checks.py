"""What `spaces check` looks at on Slack: addresses, tokens, scopes, clocks and channels, each in one sentence."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from connectors.errors import ConnectorError
from connectors.records import Finding
from connectors.slack_web import Declined
from connectors.slack_workspace import Workspace

_APPS = "https://api.slack.com/apps"
_OAUTH = f"{_APPS}, OAuth & Permissions"
_DEADLINE = 30.0
_CLOCK = 60.0
"""Seconds: signatures are refused when five minutes old; long before that, times are wrong."""
_NAMED = 10

SCOPES = {
    "channels:read": "list the channels",
    "channels:history": "read messages in public channels",
    "users:read": "know who wrote",
    "reactions:read": "count reactions",
    "chat:write": "post the digest",
    "files:write": "post its chart",
    "commands": "offer /spaces and the menu of messages",
}
"""Bot scopes that are needed, and what for; the app manifest asks for them."""

_WISHED = {
    "users:read.email": "recognise staff and the same person elsewhere by e-mail address",
    "usergroups:read": "tell staff by user group",
}
_TALK = {
    "app_mentions:read": "answer where it is called by its name",
    "im:write": "answer directly where it can answer in no channel",
}
_PRIVATE = {
    "groups:read": "list private channels",
    "groups:history": "read the private channels that are named",
}

_KINDS = {"bot_token": "xoxb-", "app_token": "xapp-"}
_TOKENS = {
    "xoxb-": "a bot token", "xoxp-": "a user token", "xapp-": "an app-level token",
    "xoxe": "a token that expires (token rotation)", "xoxa-": "a legacy workspace token", "xoxc-": "a browser's token",
}  # fmt: skip
_WHERE = {
    "bot_token": f"{_OAUTH} > Bot User OAuth Token (xoxb-…)",
    "app_token": f"{_APPS}, Basic Information > App-Level Tokens (xapp-…, with the scope connections:write)",
    "signing_secret": f"{_APPS}, Basic Information > App Credentials > Signing Secret",
}


def token_fault(name: str, value: str) -> str | None:
    """What is wrong with a secret at sight: it is missing, or of another kind. It is never repeated."""
    called = name.replace("_", " ")
    if not value.strip():
        return f"The Slack {called} is missing: copy it from {_WHERE[name]}."
    found = next((words for prefix, words in _TOKENS.items() if value.startswith(prefix)), None)
    wanted = _KINDS.get(name)
    if wanted is None:
        return f"The Slack {called} is {found}: copy the secret from {_WHERE[name]}." if found else None
    if value.startswith(wanted):
        return None
    return f"The Slack {called} is {found or 'no Slack token'}, not one that begins with {wanted}: copy it from {_WHERE[name]}."


async def check(
    workspace: Workspace, settings: Mapping[str, Any], secrets: Mapping[str, str], places: Sequence[str] = ()
) -> list[Finding]:
    """Everything, within half a minute; never raises."""
    findings: list[Finding] = []
    over_http = settings.get("events") == "http"
    try:
        async with asyncio.timeout(_DEADLINE):
            faults = {
                name: token_fault(name, secrets.get(name) or "")
                for name in ("bot_token", "signing_secret" if over_http else "app_token")
            }
            findings += [Finding(False, fault) for fault in faults.values() if fault is not None]
            if faults["bot_token"] is None:
                async for finding in _bot(workspace):
                    findings.append(finding)
                findings += [await _writable(workspace, place) for place in places]
            if not over_http and faults["app_token"] is None:
                findings.append(await _connection(workspace))
    except ConnectorError as error:
        findings.append(Finding(False, str(error)))
    except TimeoutError:
        findings.append(
            Finding(
                False,
                f"There was no answer from {workspace.web.address} within {_DEADLINE:.0f} seconds: check the way to it (a "
                "proxy, a firewall, DNS), and api_url if you set it.",
            )
        )
    return findings


async def _bot(workspace: Workspace) -> AsyncIterator[Finding]:
    web = workspace.web
    await workspace.introduce()
    yield Finding(True, f"The bot token works: the bot is @{workspace.user} on {workspace.url}.")
    skew = web.skew.total_seconds()
    if abs(skew) > _CLOCK:
        way = "behind" if skew > 0 else "ahead of"
        yield Finding(
            False, f"This computer's clock is {abs(skew):.0f} seconds {way} Slack's: set it by NTP."
        )
    for finding in _scopes(workspace):
        yield finding
    async for page in workspace.list_channels():
        for problem in page.problems:
            yield Finding(False, str(problem))
    outside = [
        f"#{channel.name}" for channel in workspace.channels.values()
        if workspace.wants(channel) and not channel.is_archived and channel.id in workspace.outside
    ]  # fmt: skip
    inside = len(workspace.channels.keys() - workspace.outside)
    if outside:
        names = ", ".join(sorted(outside)[:_NAMED]) + (
            f" and {len(outside) - _NAMED} more" if len(outside) > _NAMED else ""
        )
        words = f"The bot is no member of {names}: write /invite @{workspace.user} there, or name them under exclude."
        yield Finding(False, words)
    yield Finding(inside > 0, f"The bot reads {inside} channel{'s' * (inside != 1)}." if inside else
                  f"The bot is in no channel yet: write /invite @{workspace.user} in each that counts.")  # fmt: skip


async def _writable(workspace: Workspace, place: str) -> Finding:
    """Whether the bot can post at a place; the list of channels has been read."""
    named = place.partition("/")[0]
    name = named.lstrip("#").lower()
    by_name = (each for each in workspace.channels.values() if each.name.lower() == name)
    channel = next(by_name, None) or await workspace.channel(named.lstrip("#"))
    if channel is None:
        cure = "correct its name, or if it is private invite the bot and give its id (C…)"
        return Finding(False, f"There is no channel {place} to post to that the bot can see: {cure}.")
    if channel.is_archived:
        return Finding(False, f"The channel {place} to post to is archived: name another.")
    may_anywhere = "chat:write.public" in workspace.web.scopes and not channel.is_private
    if channel.id not in workspace.joined and not may_anywhere:
        return Finding(
            False,
            f"The bot cannot post to {place}, where it is no member: write /invite @{workspace.user} there.",
        )
    return Finding(True, f"The bot can post to {place}.")


def _scopes(workspace: Workspace) -> list[Finding]:
    """The scopes that are missing, by what the last answer told."""
    has = workspace.web.scopes
    if not has:
        return []
    needed = SCOPES | (_PRIVATE if workspace.named else {})
    missing = [(scope, purpose) for scope, purpose in needed.items() if scope not in has]
    findings = [
        Finding(
            False,
            f"The bot scope {scope} is missing, to {purpose}: add it at {_OAUTH} > Scopes, and reinstall the app.",
        )
        for scope, purpose in missing
    ]
    findings += [
        Finding(True, f"Without the bot scope {scope} the bot cannot {purpose}.")
        for scope, purpose in _WISHED.items() if scope not in has
    ] + [
        Finding(
            True,
            f"Without the bot scope {scope} the bot cannot {purpose}: add it at {_OAUTH} > Scopes, and reinstall the app.",
        )
        for scope, purpose in _TALK.items() if scope not in has
    ]  # fmt: skip
    return findings or [Finding(True, "All scopes that are needed are there.")]


async def _connection(workspace: Workspace) -> Finding:
    try:
        await workspace.web.call("apps.connections.open")
    except Declined as no:
        if no.error in {"missing_scope", "no_permission"}:
            cure = (
                f"make one with the scope connections:write at {_APPS}, Basic Information > App-Level Tokens"
            )
            return Finding(False, f"The app token may not open a connection ({no.error}): {cure}.")
        cure = f"switch Socket Mode on at {_APPS}, Settings > Socket Mode"
        return Finding(False, f"Slack opens no connection for events ({no.error}): {cure}.")
    except ConnectorError as error:
        return Finding(False, str(error))
    return Finding(True, "The app token works: events come over Socket Mode.")
