"""What people tell a forum's members by writing: mentions, replies, quotations, links, private messages.

As Discourse's PostAlerter does it: whoever is told of a post is told once; what is told of replies and of private
messages is folded, a topic at a time, into one notification that points to the first unread post.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.fakes.discourse_state import Category, Json, Post, Topic, User, listed, stamp

MENTIONED, REPLIED, QUOTED, MESSAGE, LINKED, GROUP_MENTIONED = 1, 2, 3, 6, 11, 15
_FOLDED = {REPLIED, MESSAGE}
_NOT_SAID = re.compile(
    r"<!--.*?-->|```.*?```|~~~.*?~~~|`[^`\n]*`|\[quote[^\]]*\].*?\[/quote\]|^(?: {4}|>).*?$",
    re.DOTALL | re.MULTILINE,
)
_MENTION = re.compile(r"(?<![\w/`])@([^\W_][\w.-]{0,58}\w|\w)")
_QUOTED = re.compile(r'\[quote="([^,"\]]+)')


@dataclass
class Notice:
    """A notification."""

    id: int
    user: int
    kind: int
    topic: int
    number: int
    at: datetime
    data: Json
    by: int
    """Whose post it tells of."""

    def row(self) -> Json:
        return {
            "id": self.id, "user_id": self.user, "notification_type": self.kind, "read": False,
            "high_priority": self.kind == MESSAGE, "created_at": stamp(self.at), "post_number": self.number,
            "topic_id": self.topic, "slug": "slug", "fancy_title": "Title", "data": self.data,
        }  # fmt: skip


class Talk:
    """The part of a forum that tells people of each other's posts. Mixed into the fake."""

    users: dict[int, User]
    categories: dict[int, Category]
    topics: dict[int, Topic]
    posts: dict[int, Post]
    settings: dict[str, Any]
    bot: User
    tag_objects: bool
    _next: dict[str, int]

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.told: list[Notice] = []
        """Every notification ever made, also those that were folded into later ones."""
        self.alerts = True
        """False: nobody is told for now, as when the forum's jobs wait."""
        self._waiting: list[Post] = []
        self.longest, self.shortest = 32_000, 1
        """How many characters a post may have; as Discourse comes, the shortest has 20."""
        self.has_tags = True
        self.memory = 120.0
        """For so many seconds the same request again is the same post."""
        self.messages_a_day: int | None = None
        """So many private messages the bot may begin; then it has to wait until tomorrow."""
        self.may: set[str] = {"notifications", "messages", "users", "write"}
        """What the scopes of the key allow, beside reading."""
        self.gate: Callable[[str, str], bool] = lambda _when, _path: False
        """Asked "before" and "after" each request is done: whether the connection breaks there."""

    # --- people act ---------------------------------------------------------------------------------------------

    def write_private(
        self, author: str, title: str, text: str, *, to: Iterable[str] = (), groups: Iterable[str] = (),
        at: datetime | None = None,
    ) -> str:  # fmt: skip
        """A private message to these members beside the bot; returns the id of its post."""
        topic: Topic = self.add_topic(None, title, at, is_pm=True)  # type: ignore[attr-defined]
        topic.people = {int(author), self.bot.id, *map(int, to)}
        topic.groups = set(groups)
        post: Post = self.add_post(topic, self.users[int(author)], text, at)  # type: ignore[attr-defined]
        return str(post.id)

    def tag(self, message: str, *names: str) -> None:
        """Set the tags of the topic in which a post stands: it is not bumped."""
        self.topics[self.posts[int(message)].topic].tags = list(names)

    def hold_alerts(self) -> None:
        self.alerts = False

    def release_alerts(self) -> None:
        self.alerts = True
        waiting, self._waiting = self._waiting, []
        for post in waiting:
            self.alert(post)

    # --- who is told --------------------------------------------------------------------------------------------

    def alert(self, post: Post, *, editor: User | None = None) -> None:
        """Tell whom a new post, or (with `editor`) an edited one, is about."""
        if not self.alerts:
            self._waiting.append(post)
            return
        topic, is_new = self.topics[post.topic], editor is None
        told = {post.user.id, *([editor.id] if editor else [])}
        ways = [(GROUP_MENTIONED, self._in_groups(post)), (MENTIONED, self._mentioned(post))]
        if topic.is_pm:
            ways += [(MESSAGE, [user for user in self._readers(topic) if user.id in topic.people])] * is_new
        else:
            ways += [(REPLIED, self._answered(post))] * is_new
            ways += [(QUOTED, self._quoted(post)), (LINKED, self._linked(post))]
        for kind, users in ways:
            for user in users:
                if user.id not in told:
                    told.add(user.id)
                    self._tell_one(user, kind, post, editor)

    def _names(self, post: Post) -> set[str]:
        return {name.lower() for name in _MENTION.findall(_NOT_SAID.sub("", post.raw))}

    def _in_groups(self, post: Post) -> list[User]:
        groups = self._names(post) - {user.username.lower() for user in self.users.values()}
        return [user for user in self._readers(self.topics[post.topic]) if groups & set(user.groups)]

    def _mentioned(self, post: Post) -> list[User]:
        names = self._names(post)
        return [user for user in self._readers(self.topics[post.topic]) if user.username.lower() in names]

    def _answered(self, post: Post) -> list[User]:
        return [
            p.user for p in self._in(self.topics[post.topic]) if p.number == post.reply_to and post.kind == 1
        ]

    def _readers(self, topic: Topic) -> list[User]:
        if not topic.is_pm:
            return list(self.users.values())
        return [
            user for user in self.users.values() if user.id in topic.people or topic.groups & set(user.groups)
        ]

    def _in(self, topic: Topic) -> list[Post]:
        return [self.posts[id_] for id_ in topic.posts]

    def _quoted(self, post: Post) -> list[User]:
        names = {name.strip().lower() for name in _QUOTED.findall(post.raw)}
        return [user for user in self.users.values() if user.username.lower() in names]

    def _linked(self, post: Post) -> list[User]:
        place = re.compile(
            re.escape(self.settings["url"] or "http://none")
            + r"/t/(?:[^/\s)]*[^/\s\d)][^/\s)]*/)?(\d+)(?:/(\d+))?"
        )
        found = []
        for topic, number in place.findall(post.raw):
            linked = self.topics.get(int(topic))
            if linked is not None and linked.id != post.topic:
                found += [p.user for p in self._in(linked) if p.number == int(number or 1)]
        return found

    def _tell_one(self, user: User, kind: int, post: Post, editor: User | None = None) -> None:
        if user.id < 0:
            return
        same = [n for n in self.notices if (n.user, n.topic) == (user.id, post.topic)]
        if any(n.kind == kind and n.number == post.number for n in same):
            return
        number, who = post.number, (editor or post.user).username
        shown = who
        if kind in _FOLDED:
            self.notices = [n for n in self.notices if n not in same or n.kind not in _FOLDED]
            last_own = max((p.number for p in self._in(self.topics[post.topic]) if p.user is user), default=0)
            unread = [
                p for p in self._in(self.topics[post.topic]) if p.number > last_own and p.user is not user
            ]
            number = min((p.number for p in unread), default=number)
            shown = f"{len(unread)} replies" if len(unread) > 1 else who
        self._next["notice"] = self._next.get("notice", 500) + 1
        data = {
            "topic_title": self.topics[post.topic].title, "original_post_id": post.id, "original_post_type": post.kind,
            "original_username": who, "display_username": shown, "revision_number": None,
        }  # fmt: skip
        notice = Notice(
            self._next["notice"], user.id, kind, post.topic, number, datetime.now(UTC), data, post.user.id
        )
        self.notices.append(notice)
        self.told.append(notice)

    # --- what the test looks at ---------------------------------------------------------------------------------

    def answers(self, to: str | None = None) -> list[Post]:
        """What the bot wrote and still stands, in its order; with `to` only what a post's author was told."""
        own = [post for post in self.posts.values() if post.user is self.bot and not post.deleted]
        if to is None:
            return own
        asked = self.posts[int(to)]
        return [post for post in own if f"-{asked.id} " in post.raw or f"-{asked.id}:" in post.raw]

    def pings(self) -> list[Notice]:
        """Whom the bot's posts told of something, but for those it wrote to or answered."""
        return [n for n in self.told if n.by == self.bot.id and n.kind not in {MESSAGE, REPLIED}]

    # --- what the forum says ------------------------------------------------------------------------------------

    def notifications(self, limit: int, offset: int) -> Json:
        own = [notice for notice in self.notices if notice.user == self.bot.id]
        own.sort(key=lambda notice: (notice.at, notice.id), reverse=True)
        return {
            "notifications": [notice.row() for notice in own[offset : offset + limit]],
            "total_rows_notifications": len(own), "seen_notification_id": 0,
            "load_more_notifications": f"/notifications?limit={limit}&offset={offset + limit}&username={self.bot.username}",
        }  # fmt: skip

    def messages(self, page: int) -> Json:
        seen = [t for t in self.topics.values() if t.is_pm and not t.deleted and self.bot.id in t.people]
        seen.sort(key=lambda topic: topic.bumped, reverse=True)
        rows = []
        for topic in seen[page * 30 : page * 30 + 30]:
            row = listed(topic, self._in(topic), solved=False, tag_objects=self.tag_objects)
            people = [
                {"user_id": id_, "extras": None, "description": None} for id_ in topic.people - {self.bot.id}
            ]
            rows.append(row | {"participants": people, "allowed_user_count": len(topic.people)})
        return {
            "users": [],
            "primary_groups": [],
            "topic_list": {"can_create_topic": True, "per_page": 30, "topics": rows},
        }

    def details(self, topic: Topic) -> Json:
        """Who takes part, as a topic tells it."""
        if not topic.is_pm:
            return {}
        return {
            "allowed_users": [self.users[id_].basic() for id_ in sorted(topic.people)],
            "allowed_groups": [{"id": n, "name": name} for n, name in enumerate(sorted(topic.groups), 40)],
        }

    def profile(self, user: User) -> Json:
        """A user as `/u/{username}.json` tells it to the bot."""
        groups = [(name, False) for name in user.groups]
        groups += [(f"trust_level_{n}", True) for n in range(user.trust_level + 1)]
        told = user.row() | {
            "groups": [{"id": n, "name": name, "automatic": automatic} for n, (name, automatic) in enumerate(groups, 10)],
            "can_send_private_message_to_user": user.accepts,
        }  # fmt: skip
        if self.bot.admin or self.bot.moderator:
            told["locale"] = user.locale
        if user.silenced_till:
            told["silenced_till"] = stamp(user.silenced_till)
        return told
