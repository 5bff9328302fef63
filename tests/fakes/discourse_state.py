"""What a forum knows, and how it tells it: rows of its database and the JSON made of them."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

Json = dict[str, Any]
LIKE = "heart"


@lru_cache(100_000)
def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


@dataclass
class User:
    id: int
    username: str
    created: datetime
    name: str | None = None
    admin: bool = False
    moderator: bool = False
    trust_level: int = 1
    groups: list[str] = field(default_factory=list)
    active: bool = True
    suspended_till: datetime | None = None

    def row(self) -> Json:
        return {
            "id": self.id, "username": self.username, "name": self.name, "avatar_template": "/letter.png",
            "active": self.active, "admin": self.admin, "moderator": self.moderator, "last_seen_at": None,
            "created_at": stamp(self.created), "trust_level": self.trust_level, "staged": False, "title": None,
            "manual_locked_trust_level": None, "time_read": 0, "days_visited": 1, "posts_read_count": 0,
            "topics_entered": 0, "post_count": 0, "last_emailed_at": None, "last_seen_age": None,
            "last_emailed_age": None, "created_at_age": 1.0,
            **({"suspended_till": stamp(self.suspended_till)} if self.suspended_till else {}),
        }  # fmt: skip


@dataclass
class Category:
    id: int
    name: str
    restricted: bool = False
    refused: bool = False
    """It is listed, but the API user may not see what is in it."""
    parent: int | None = None
    listed: bool = True
    """It is told with all others, not only by itself."""
    deleted: bool = False

    def row(self, below: list[int], topics: int) -> Json:
        return {
            "id": self.id, "name": self.name, "color": "0088CC", "text_color": "FFFFFF", "slug": slug(self.name),
            "topic_count": topics, "post_count": topics, "position": self.id, "description": None,
            "description_text": None, "description_excerpt": None, "topic_url": None,
            "read_restricted": self.restricted, "permission": None if self.refused else 1,
            "notification_level": 1, "topic_template": None, "has_children": bool(below),
            "subcategory_count": len(below), "num_featured_topics": 3, "show_subcategory_list": False,
            "subcategory_ids": below, "uploaded_logo": None, "uploaded_background": None,
            **({"parent_category_id": self.parent} if self.parent else {}),
        }  # fmt: skip


@dataclass
class Topic:
    id: int
    title: str
    category: int | None
    created: datetime
    bumped: datetime
    external_id: str | None = None
    deleted: datetime | None = None
    is_pm: bool = False
    visible: bool = True
    pinned: bool = False
    posts: list[int] = field(default_factory=list)
    highest: int = 0
    tags: list[str] = field(default_factory=list)
    mega: bool = False


@dataclass
class Post:
    id: int
    topic: int
    number: int
    user: User
    raw: str
    created: datetime
    updated: datetime
    reply_to: int | None = None
    version: int = 1
    kind: int = 1
    hidden: bool = False
    deleted: datetime | None = None
    user_deleted: bool = False
    accepted: bool = False
    reactions: dict[str, set[str]] = field(default_factory=dict)
    told: dict[tuple[Any, ...], orjson.Fragment] = field(default_factory=dict)
    """What was said of it, until it changes."""

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value
        self.__dict__["told"] = {}

    @property
    def counts(self) -> dict[str, int]:
        return {emoji: len(people) for emoji, people in self.reactions.items() if people}

    def json(
        self, topic: Topic, *, raw: bool, yours: bool, solved: bool, listed: bool = False
    ) -> orjson.Fragment:
        """The row as a forum with a cache says it; with `listed`, as it stands among the newest posts."""
        state = (
            raw,
            yours,
            solved,
            listed,
            topic.title,
            topic.category,
            len(topic.posts),
            *self.counts.items(),
        )
        if state not in self.told:
            row = self.row(topic, raw=raw, yours=yours, solved=solved)
            if listed:
                row |= {
                    "topic_title": topic.title,
                    "topic_html_title": topic.title,
                    "category_id": topic.category,
                }
            self.told[state] = orjson.Fragment(orjson.dumps(row))
        return self.told[state]

    def row(self, topic: Topic, *, raw: bool, yours: bool, solved: bool) -> Json:
        likes, counts = len(self.reactions.get(LIKE, ())), self.counts
        row: Json = {
            "id": self.id, "name": self.user.name, "username": self.user.username, "avatar_template": "/l.png",
            "created_at": stamp(self.created), "cooked": cook(self.raw), "post_number": self.number,
            "post_type": self.kind, "posts_count": len(topic.posts), "updated_at": stamp(self.updated),
            "reply_count": 0, "reply_to_post_number": self.reply_to, "quote_count": 0, "incoming_link_count": 0,
            "reads": 1, "readers_count": 0, "score": 0.2, "yours": yours, "topic_id": topic.id,
            "topic_slug": slug(topic.title), "display_username": self.user.name, "primary_group_name": None,
            "flair_name": None, "flair_url": None, "flair_bg_color": None, "flair_color": None,
            "flair_group_id": None, "version": self.version, "can_edit": True, "can_delete": True,
            "can_recover": False, "can_see_hidden_post": True, "can_wiki": True, "user_title": None,
            "bookmarked": False, "badges_granted": [], "draft_sequence": 0,
            # A count of nought is left out, and so is a row that says nothing.
            "actions_summary": [{"id": 2, "can_act": True, **({"count": likes} if likes else {})}],
            "moderator": self.user.moderator, "admin": self.user.admin,
            "staff": self.user.admin or self.user.moderator, "user_id": self.user.id, "hidden": self.hidden,
            "trust_level": self.user.trust_level, "deleted_at": stamp(self.deleted) if self.deleted else None,
            "user_deleted": self.user_deleted, "edit_reason": None, "can_view_edit_history": True, "wiki": False,
            "reviewable_id": None, "reviewable_score_count": 0, "reviewable_score_pending_count": 0,
            "post_url": f"/t/{slug(topic.title)}/{topic.id}/{self.number}", "mentioned_users": [],
        }  # fmt: skip
        if set(counts) - {LIKE}:
            row["reactions"] = [{"id": key, "type": "emoji", "count": n} for key, n in counts.items()]
        if solved:
            row |= {"can_accept_answer": False, "can_unaccept_answer": True, "accepted_answer": self.accepted}
        if raw:
            row["raw"] = self.raw
        return row


@lru_cache(100_000)
def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "-"


@lru_cache(100_000)
def cook(raw: str) -> str:
    """HTML, as far as anybody looks at it here."""
    bare = re.sub(r"<!--.*?-->", "", raw, flags=re.DOTALL).strip()
    return f"<p>{bare.replace('&', '&amp;').replace('<', '&lt;')}</p>"


def listed(topic: Topic, posts: list[Post], *, solved: bool, tag_objects: bool) -> Json:
    """A row of a list of topics."""
    last = max((post.created for post in posts), default=topic.created)
    tags: list[Any] = list(topic.tags)
    if tag_objects:
        tags = [{"id": n, "name": name, "slug": name} for n, name in enumerate(topic.tags, 1)]
    row = {
        "id": topic.id, "title": topic.title, "fancy_title": topic.title, "slug": slug(topic.title),
        "posts_count": len(posts), "reply_count": 0, "highest_post_number": topic.highest, "image_url": None,
        "created_at": stamp(topic.created), "last_posted_at": stamp(last), "bumped": True,
        "bumped_at": stamp(topic.bumped), "archetype": "private_message" if topic.is_pm else "regular",
        "unseen": False, "pinned": topic.pinned, "unpinned": None, "excerpt": "", "visible": topic.visible,
        "closed": False, "archived": False, "bookmarked": None, "liked": None, "views": 1, "tags": tags,
        "like_count": sum(len(post.reactions.get(LIKE, ())) for post in posts), "has_summary": False,
        "last_poster_username": posts[-1].user.username if posts else "", "category_id": topic.category,
        "op_like_count": 0, "pinned_globally": False, "featured_link": None, "posters": [],
    }  # fmt: skip
    if solved:
        row["has_accepted_answer"] = any(post.accepted for post in posts)
    return row
