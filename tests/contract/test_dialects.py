"""The same community on servers that are right, but tell it otherwise than our fakes: nothing is missing, nothing is double."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from bot.live.writer import Writer
from storage.database import Database
from tests.contract.world import SWEEPING, Town, World, make
from tests.fakes.dialects import Dialect

MESSAGE = {"slack": "text", "discord": "channel_id", "discourse": "post_number"}

# What need not be there, by the platforms' contracts or by what older and newer servers do.
OPTIONAL = {
    "slack": frozenset({
        "team", "reply_users", "reply_users_count", "channel_type", "event_ts", "pin_count", "channel_actions_ts",
        "channel_actions_count", "num_members", "topic", "purpose", "name_normalized", "previous_names", "creator",
        "tz", "tz_label", "tz_offset", "color", "updated", "authorizations", "cache_ts", "is_app_user", "unlinked",
        "is_restricted", "is_ultra_restricted", "is_primary_owner", "real_name", "item_user", "warning",
    }),
    "discord": frozenset({
        "mentions", "mention_roles", "mention_everyone", "tts", "pinned", "flags", "components", "attachments", "embeds",
        "timestamp", "banner", "public_flags", "position", "topic", "nsfw", "member_count",
        "rate_limit_per_user", "message_count", "total_message_sent", "locked", "create_timestamp", "premium_since",
        "communication_disabled_until", "mute", "deaf", "available_tags", "member", "burst", "message_author_id",
        "session_start_limit", "features", "members", "stickers", "emojis",
    }),
    "discourse": frozenset({
        "avatar_template", "display_username", "cooked", "reads", "score", "yours", "can_edit", "can_delete",
        "can_recover", "can_wiki", "readers_count", "incoming_link_count", "quote_count", "reply_count", "version",
        "trust_level", "user_title", "bookmarked", "draft_sequence", "edit_reason", "wiki", "reviewable_id",
        "post_url", "mentioned_users", "staff", "hidden", "deleted_at", "user_deleted", "fancy_title", "image_url",
        "unseen", "unpinned", "excerpt", "like_count", "op_like_count", "has_summary", "tags", "views", "meta", "extras",
        "more_topics_url", "per_page", "highest_post_number", "color", "text_color", "position", "details",
    }),
}  # fmt: skip

NULLS = {
    "slack": frozenset({
        "subtype", "thread_ts", "edited", "reactions", "files", "attachments", "blocks", "bot_id", "bot_profile", "hidden",
        "metadata", "client_msg_id", "reply_count", "latest_reply", "username",
    }),
    "discord": frozenset({
        "webhook_id", "message_reference", "reactions", "edited_timestamp", "application_id", "interaction", "nonce", "thread",
        "sticker_items", "message_snapshots", "embeds", "attachments", "mentions",
    }),
    "discourse": frozenset({
        "reply_to_post_number", "actions_summary", "reactions", "accepted_answer", "deleted_at", "hidden", "version",
        "user_deleted", "edit_reason", "name",
    }),
}  # fmt: skip

TURNED = frozenset(
    {
        "messages",
        "channels",
        "members",
        "threads",
        "roles",
        "latest_posts",
        "posts",
        "categories",
        "usergroups",
    }
)


def dialects(platform: str) -> Iterator[Dialect]:
    message = MESSAGE[platform]
    yield Dialect("sparse", dropped=OPTIONAL[platform])
    yield Dialect("nulls", nulls=NULLS[platform], message=message)
    yield Dialect("rich", rich=True)
    yield Dialect("turned", turned=TURNED | ({""} if platform == "discord" else frozenset()))
    yield Dialect("small pages", page=7)
    if platform == "slack":
        yield Dialect("limits in small letters", limit_in="lower")
        yield Dialect("limits in the body", limit_in="body")
        yield Dialect("no user groups", absent=("usergroups.list",))
    elif platform == "discord":
        yield Dialect("another content type", content_type="application/json; charset=utf-8", limit_in="body")
        yield Dialect("of no server", dropped=frozenset({"guild_id"}))
        yield Dialect("fewer routes", absent=("/v10/applications/@me", "/gateway/bot", "/members"))
    else:
        yield Dialect("no site", absent=("/site.json", "/active.json", "/groups.json"))


@pytest.fixture(
    params=[(name, dialect) for name in MESSAGE for dialect in dialects(name)],
    ids=lambda param: f"{param[0]}, {param[1].name}",
)
async def world(request: pytest.FixtureRequest, sqlite: Database) -> AsyncIterator[World]:
    """A platform in one of its dialects."""
    name, dialect = request.param
    fake: Any = make(name)
    fake.dialect = dialect
    if dialect.page:
        fake.page_limit = fake.history_page = fake.archive_page = fake.page = fake.topics_page = dialect.page
    await fake.start()
    try:
        async with Writer(sqlite) as writer:
            yield World(fake, sqlite, writer)
    finally:
        await fake.stop()


async def test_history_and_events_are_the_same_in_every_dialect(world: World, town: Town) -> None:
    fake = world.fake
    said = town.talk(40)
    town.ask()
    await world.read()
    assert world.stored() == fake.standing()
    fake.limit(3, 0.05)
    async with world.served(SWEEPING):
        question, answer = town.ask(old=False)
        town.talk(12, old=False)
        fake.edit(said[1], "edited")
        fake.react(answer, "thumbsup" if fake.name == "slack" else "👍", town.ada)
        fake.delete(said[0])
        fake.delete_many(said[5:8])
        await world.equals()
        fake.edit(question, "How do I restore a vault?")
        fake.cut()
        fake.say(town.general, town.bob, "after the cut")
        await world.equals()
