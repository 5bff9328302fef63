"""Discord's objects, as its published contract shapes them, from the little that the fake keeps."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
GUILD, APPLICATION, BOT, OTHER_GUILD = (
    "1000000000000000001",
    "1000000000000000002",
    "1000000000000000003",
    "1000000000000000011",
)
STAFF_ROLE, BOT_ROLE = "1000000000000000005", "1000000000000000006"
VIEW, SEND, HISTORY = 1 << 10, 1 << 11, 1 << 16
USUAL = VIEW | SEND | HISTORY | 1 << 6 | 1 << 14 | 1 << 15 | 1 << 35 | 1 << 38
TEXT, FORUM, PUBLIC_THREAD, PRIVATE_THREAD = 0, 15, 11, 12
REPLY, JOIN, STARTER = 19, 7, 21


@dataclass
class Person:
    id: str
    name: str
    bot: bool = False
    staff: bool = False
    joined_at: datetime = EPOCH
    guilds: set[str] = field(default_factory=lambda: {GUILD})


@dataclass
class Room:
    """A channel or thread."""

    id: str
    name: str
    kind: int = TEXT
    parent: str | None = None
    owner: str = ""
    private: bool = False
    admitted: bool = False
    refused: bool = False
    archived_at: datetime | None = None
    last: str | None = None
    guild: str = GUILD


@dataclass
class Said:
    """A message."""

    id: str
    room: str
    author: str
    text: str
    kind: int = 0
    reply_to: str | None = None
    edited: datetime | None = None
    reactions: dict[str, set[str]] = field(default_factory=dict)
    embeds: list[dict[str, Any]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    nonce: str | None = None


def moment(snowflake: str) -> datetime:
    return EPOCH + timedelta(milliseconds=int(snowflake) >> 22)


def iso(when: datetime) -> str:
    return when.isoformat(timespec="microseconds")


def user(person: Person) -> dict[str, Any]:
    return {
        "id": person.id, "username": person.name, "avatar": None, "discriminator": "0", "public_flags": 0,
        "flags": 0, "global_name": person.name.title(), "primary_guild": None, "bot": person.bot,
    }  # fmt: skip


def me(person: Person) -> dict[str, Any]:
    return user(person) | {"mfa_enabled": True, "locale": "en-US", "verified": True, "email": None}


def member(person: Person, *, whole: bool = True) -> dict[str, Any]:
    roles = [STAFF_ROLE] if person.staff else [BOT_ROLE] if person.id == BOT else []
    found = {
        "avatar": None, "banner": None, "communication_disabled_until": None, "flags": 0,
        "joined_at": iso(person.joined_at), "nick": None, "pending": False, "premium_since": None, "roles": roles,
        "mute": False, "deaf": False,
    }  # fmt: skip
    return found | {"user": user(person)} if whole else found


def role(id_: str, name: str, permissions: int, position: int) -> dict[str, Any]:
    return {
        "id": id_, "name": name, "permissions": str(permissions), "position": position, "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None}, "hoist": False,
        "managed": False, "mentionable": False, "icon": None, "unicode_emoji": None, "flags": 0,
    }  # fmt: skip


def guild(id_: str = GUILD) -> dict[str, Any]:
    nothing = dict.fromkeys((
        "icon", "description", "home_header", "splash", "discovery_splash", "banner", "application_id", "afk_channel_id",
        "system_channel_id", "widget_channel_id", "vanity_url_code", "rules_channel_id", "safety_alerts_channel_id",
        "public_updates_channel_id", "incidents_data", "max_presences",
    ))  # fmt: skip
    return nothing | {
        "id": id_, "name": "Home", "features": [], "owner_id": "1000000000000000009", "region": "us-west",
        "afk_timeout": 300, "system_channel_flags": 0, "widget_enabled": False, "verification_level": 1,
        "roles": [
            role(id_, "@everyone", USUAL, 0), role(STAFF_ROLE, "Team", 1 << 3, 1), role(BOT_ROLE, "spaces", USUAL, 2),
        ],
        "default_message_notifications": 1, "mfa_level": 0, "explicit_content_filter": 0, "max_members": 500_000,
        "max_stage_video_channel_users": 50, "max_video_channel_users": 25, "premium_tier": 0,
        "premium_subscription_count": 0, "preferred_locale": "en-US", "premium_progress_bar_enabled": False,
        "nsfw": False, "nsfw_level": 0, "emojis": [], "stickers": [],
    }  # fmt: skip


def channel(room: Room) -> dict[str, Any]:
    overwrites = []
    if room.private:
        overwrites.append({"id": room.guild, "type": 0, "allow": "0", "deny": str(VIEW)})
    if room.admitted:
        overwrites.append({"id": BOT, "type": 1, "allow": str(USUAL), "deny": "0"})
    if room.refused:
        overwrites.append({"id": BOT, "type": 1, "allow": "0", "deny": str(VIEW)})
    found = {
        "id": room.id, "type": room.kind, "flags": 0, "guild_id": room.guild, "name": room.name, "position": 0,
        "last_message_id": room.last, "parent_id": None, "topic": None, "permission_overwrites": overwrites,
        "nsfw": False, "rate_limit_per_user": 0,
    }  # fmt: skip
    return found | {"available_tags": []} if room.kind == FORUM else found


def thread(room: Room) -> dict[str, Any]:
    archived = room.archived_at
    return {
        "id": room.id, "type": room.kind, "flags": 0, "guild_id": room.guild, "name": room.name, "owner_id": room.owner,
        "thread_metadata": {
            "archived": archived is not None, "archive_timestamp": iso(archived or moment(room.id)),
            "auto_archive_duration": 1440, "locked": False, "create_timestamp": iso(moment(room.id)),
        },
        "message_count": 1, "member_count": 1, "total_message_sent": 1, "parent_id": room.parent,
        "last_message_id": room.last, "rate_limit_per_user": 0,
    }  # fmt: skip


def message(said: Said, person: Person, *, content: bool = True) -> dict[str, Any]:
    """`content=False`: as a bot without the intent gets it."""
    found: dict[str, Any] = {
        "type": said.kind, "content": said.text if content else "", "mentions": [], "mention_roles": [],
        "attachments": said.files if content else [], "embeds": said.embeds if content else [],
        "timestamp": iso(moment(said.id)), "edited_timestamp": iso(said.edited) if said.edited else None, "flags": 0,
        "components": [], "id": said.id, "channel_id": said.room, "author": user(person), "pinned": False,
        "mention_everyone": False, "tts": False,
    }  # fmt: skip
    if said.reply_to:
        found["message_reference"] = {
            "type": 0,
            "channel_id": said.room,
            "message_id": said.reply_to,
            "guild_id": GUILD,
        }
    if said.reactions:
        found["reactions"] = [reaction(emoji, people) for emoji, people in said.reactions.items() if people]
    return found


def reaction(emoji: str, people: Iterable[str]) -> dict[str, Any]:
    count = len(set(people))
    return {
        "emoji": {"id": None, "name": emoji}, "count": count, "count_details": {"burst": 0, "normal": count},
        "burst_colors": [], "me_burst": False, "me": False,
    }  # fmt: skip


def application(flags: int) -> dict[str, Any]:
    owner = user(Person("1000000000000000009", "owner"))
    return {
        "id": APPLICATION, "name": "spaces", "icon": None, "description": "", "type": None, "verify_key": "0" * 64,
        "flags": flags, "flags_new": str(flags), "redirect_uris": [], "interactions_endpoint_url": None,
        "role_connections_verification_url": None, "owner": owner, "approximate_guild_count": 1,
        "approximate_user_install_count": 0, "approximate_user_authorization_count": 0, "explicit_content_filter": 0,
        "team": None, "eligible_oauth2_scopes": [], "bot_public": True, "bot_require_code_grant": False,
        "rpc_origins": [],
    }  # fmt: skip


def my_guild(id_: str = GUILD) -> dict[str, Any]:
    return {
        "id": id_, "name": "Home", "icon": None, "banner": None, "owner": False, "permissions": str(USUAL),
        "features": [],
    }  # fmt: skip


def ready(bot: Person, session: str, gateway: str, flags: int, guilds: Iterable[str]) -> dict[str, Any]:
    return {
        "v": 10, "user": me(bot), "guilds": [{"id": id_, "unavailable": True} for id_ in guilds], "session_id": session,
        "resume_gateway_url": gateway, "shard": [0, 1], "application": {"id": APPLICATION, "flags": flags},
    }  # fmt: skip


def created(bot: Person, rooms: Iterable[Room], members: int, id_: str = GUILD) -> dict[str, Any]:
    """The server as the gateway tells it."""
    rooms = list(rooms)
    return guild(id_) | {
        "joined_at": iso(EPOCH), "large": False, "unavailable": False, "member_count": members, "voice_states": [],
        "presences": [], "stage_instances": [], "guild_scheduled_events": [], "soundboard_sounds": [],
        "members": [member(bot)], "channels": [channel(room) for room in rooms if not room.parent],
        "threads": [thread(room) for room in rooms if room.parent],
    }  # fmt: skip


def seen(said: Said, room: Room) -> str:
    """The text as people see it: a forum's post begins with its title, a message without words shows what it carries."""
    shown = [embed.get(part) for embed in said.embeds for part in ("title", "description")]
    shown += [file["filename"] for file in said.files]
    text = said.text or "\n".join(part for part in shown if part)
    return f"{room.name}\n{text}" if said.id == room.id else text
