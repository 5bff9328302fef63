"""What the bot needs on Discord, and whether it has it: intents, permissions, the invitation that asks for them."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from connectors.discord_asking import PORTAL, Ask, Missing, Refused
from connectors.discord_messages import CATEGORY, HAVE_MESSAGES, MESSAGES, THREADS, Server
from connectors.errors import Misconfigured
from connectors.records import Finding

READING = {"View Channel": 1 << 10, "Read Message History": 1 << 16}
POSTING = {
    "Send Messages": 1 << 11,
    "Embed Links": 1 << 14,
    "Attach Files": 1 << 15,
    "Send Messages in Threads": 1 << 38,
}
PERMISSIONS = sum((*READING.values(), *POSTING.values()))
"""The permission number of the invitation: read channels and their history, post digests with a chart. No more."""

CONTENT_INTENT = 1 << 18 | 1 << 19
MEMBERS_INTENT = 1 << 14 | 1 << 15
"""Flags of the application: granted, or granted to a bot in few servers."""

_ADMINISTRATOR = 1 << 3
_NAMED = 8
_LOOKED_AT = 5
"""Channels of each server in which words are sought."""
_CARRIED = ("content", "embeds", "attachments", "components", "sticker_items", "message_snapshots", "poll")


def invite_link(application_id: str) -> str:
    """The address that puts the bot into a server with the permissions it needs."""
    return (
        f"https://discord.com/oauth2/authorize?client_id={application_id}"
        f"&scope=bot+applications.commands&permissions={PERMISSIONS}"
    )


def commands_missing(server: str, application_id: str) -> str:
    """What to say when the bot may not offer its commands on a server."""
    return (
        f"In {server} the bot may not offer its commands, though reading works: "
        f"invite it again with {invite_link(application_id)}"
    )


def has(application: Mapping[str, Any], intent: int) -> bool:
    """Whether the application has a privileged intent; yes when it does not say."""
    flags = application.get("flags")
    return flags is None or int(flags) & intent != 0


def content_missing(application_id: str) -> str:
    """What to say when the bot cannot read what people write."""
    return (
        "The bot cannot read what people write: turn on 'Message Content Intent' at "
        f"{PORTAL}/{application_id}/bot (Privileged Gateway Intents), then start again."
    )


def is_silent(application: Mapping[str, Any]) -> bool:
    """Whether the application's flags name no privileged intent at all, and may be told by a server that knows of none."""
    return not has(application, CONTENT_INTENT | MEMBERS_INTENT)


async def application(
    ask: Ask, me: str, servers: Callable[[], Awaitable[Iterable[str]]]
) -> Mapping[str, Any]:
    """The application behind the token. `me` is the bot's own id, `servers` finds those to read.

    Raises:
        Misconfigured: it may not read what people write: every text would be empty, and nothing would warn us.
    """
    try:
        found: Mapping[str, Any] = await ask("GET", "/applications/@me")
    except Missing:
        return {}  # it does not say: the gateway will
    # Where nothing stands yet the gateway tells, before anything is kept.
    if not has(found, CONTENT_INTENT) and (
        not is_silent(found) or await words(ask, me, await servers()) is False
    ):
        raise Misconfigured(content_missing(str(found.get("id"))))
    return found


async def words(ask: Ask, me: str, servers: Iterable[str]) -> bool | None:
    """Whether what people wrote is told to us, as what stands shows; None where nobody wrote anything."""
    found: bool | None = None
    for server in servers:
        try:
            channels = await ask("GET", "/guilds/{guild_id}/channels", guild_id=server) or ()
        except (Missing, Refused):
            continue  # whoever reads the server says so
        for channel in [raw for raw in channels if raw.get("type") in HAVE_MESSAGES][:_LOOKED_AT]:
            path = "/channels/{channel_id}/messages"
            try:
                rows = await ask("GET", path, query={"limit": 50}, channel_id=str(channel["id"]))
            except (Missing, Refused):
                continue
            told = [any(row.get(part) for part in _CARRIED) for row in rows or () if _is_withheld(row, me)]
            if any(told):
                return True
            found = False if told else found
    return found


def _is_withheld(row: Mapping[str, Any], me: str) -> bool:
    """Whether it is one of the messages whose words are told with the right to them alone."""
    named = [str(user.get("id")) for user in (row["author"], *(row.get("mentions") or ()))]
    return (
        (row.get("type") or 0) in MESSAGES
        and me not in named
        and f"<@{me}>" not in (row.get("content") or "")
    )


def intents(application: Mapping[str, Any], *, is_told: bool) -> list[Finding]:
    """Findings on the two privileged intents. `is_told`: what people wrote was seen, whatever the flags say."""
    id_ = str(application.get("id") or "")
    content, members = is_told or has(application, CONTENT_INTENT), has(application, MEMBERS_INTENT)
    return [
        Finding(content, "Discord: the bot may read what people write." if content else content_missing(id_)),
        Finding(
            members,
            "Discord: the bot may list members and hears of joins."
            if members
            else "The bot hears of no joins and knows no roles: turn on 'Server Members Intent' at "
            f"{PORTAL}/{id_}/bot (Privileged Gateway Intents), then start again.",
        ),
    ]


def places(
    server: Server,
    name: str,
    channels: Iterable[Mapping[str, Any]],
    me: Mapping[str, Any],
    application_id: str,
) -> list[Finding]:
    """Findings on the channels of one server: which the bot cannot read, and whether it can post anywhere."""
    unreadable: dict[str, list[str]] = {}
    postable: list[str] = []
    wanted = 0
    for raw in channels:
        place = server.place(raw)
        if place.kind == CATEGORY or place.kind in THREADS or not server.reads(place):
            continue
        wanted += 1
        rights = permissions(server, raw, me)
        lacks = [right for right, bit in READING.items() if not rights & bit]
        if lacks:
            unreadable.setdefault(" and ".join(f"'{right}'" for right in lacks), []).append(f"#{place.name}")
        elif all(rights & bit for bit in POSTING.values()):
            postable.append(f"#{place.name}")
    found = [
        Finding(
            good=False,
            words=f"In {name} the bot lacks {lacks} in {_some(names)}: allow it for the bot's role in the channel's "
            "settings (Edit Channel, Permissions), or name these channels in 'exclude'.",
        )
        for lacks, names in unreadable.items()
    ]
    readable = wanted - sum(map(len, unreadable.values()))
    found.append(Finding(readable > 0, f"In {name} the bot can read {readable} of {wanted} channels."))
    if postable:
        found.append(Finding(good=True, words=f"In {name} the bot can post digests in {_some(postable)}."))
    else:
        found.append(
            Finding(
                good=False,
                words=f"In {name} the bot can post digests nowhere: it needs {', '.join(POSTING)} in one channel; "
                f"invite it again with {invite_link(application_id)}",
            )
        )
    return found


def missing_to_post(
    server: Server, channel: Mapping[str, Any], me: Mapping[str, Any], *, in_thread: bool
) -> str:
    """The rights that a member lacks to post in a channel, or in a thread of it; empty where none is missing."""
    other = "Send Messages" if in_thread else "Send Messages in Threads"
    needed = {right: bit for right, bit in (READING | POSTING).items() if right != other}
    has_now = permissions(server, channel, me)
    return " and ".join(f"'{right}'" for right, bit in needed.items() if not has_now & bit)


def permissions(server: Server, channel: Mapping[str, Any], me: Mapping[str, Any]) -> int:
    """A member's permissions in a channel: those of its roles, then the channel's exceptions for all, for roles, for it."""
    mine = {str(role) for role in me.get("roles") or ()}
    own = str((me.get("user") or {}).get("id"))
    if own == server.owner_id:
        return -1
    rights = 0
    for id_, role in server.roles.items():
        if id_ == server.id or id_ in mine:
            rights |= role.permissions
    if rights & _ADMINISTRATOR:
        return -1
    exceptions = {str(one.get("id")): one for one in channel.get("permission_overwrites") or ()}
    for ids in ({server.id}, mine - {server.id}, {own}):
        applied = [exceptions[id_] for id_ in ids if id_ in exceptions]
        for one in applied:
            rights &= ~int(one.get("deny") or 0)
        for one in applied:
            rights |= int(one.get("allow") or 0)
    return rights if rights & READING["View Channel"] else 0


def _some(names: list[str]) -> str:
    rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + rest
