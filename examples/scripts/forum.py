"""The Discourse archive: API responses, saved one by one."""

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from examples.scripts.markup import cook, for_forum
from examples.scripts.model import BEGIN, END, FORUM, FORUM_URL, Person, Post, Talk
from examples.scripts.output import Json, Truth, iso, write_zip

_STAFF_ONLY = 3
_CATEGORIES = {
    "news": (4, "Announcements"), "support": (5, "Support"), "ideas": (6, "Ideas"), "guides": (7, "Guides & plugins"),
    "stories": (8, "Stories"), "lounge": (9, "Lounge"), "espanol": (10, "Español"), "ayuda": (11, "Ayuda"),
    "intros": (12, "Introductions"),
}  # fmt: skip
_TAGS = {
    "question": ("help",),
    "bug": ("bug",),
    "idea": ("idea",),
    "contribution": ("guide", "howto"),
    "success": ("story",),
}
_BOTS = {"system": (-1, "system"), "discobot": (-2, "discobot")}
_PAGE = 20


def slugify(title: str) -> str:
    """A title in an address."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "topic"


class ForumArchive:
    """Numbers posts and topics in the order of time and saves the responses."""

    def __init__(self, rng: Random, people: dict[str, Person]) -> None:
        self._rng = rng
        self._people = people
        self.members = {k: p for k, p in people.items() if FORUM in p.homes}
        oldest = sorted(self.members, key=lambda k: self.members[k].joined)
        self.ids = {k: 11 + n for n, k in enumerate(oldest)}
        self._likes: dict[str, int] = {}
        self._last_id = 5200
        self._files: dict[str, object] = {}
        self.truth = Truth()

    def write(self, path: Path, talks: list[Talk]) -> Truth:
        """The whole archive."""
        topics = self._topics(talks)
        for post in sorted((p for group in topics for t in group for p in t.posts), key=lambda p: p.at):
            self._last_id += self._rng.choice((1, 1, 1, 2))
            post.id = str(self._last_id)
        for n, group in enumerate(topics):
            self._topic(1301 + n * 2, group)
        self._closed_doors()
        self._files["categories.json"] = {
            "category_list": {"can_create_category": False, "categories": self._categories()}
        }
        self._files["site.json"] = self._site()
        self._files["admin/users/list/active.json"] = [self._listed(p) for p in self.members.values()]
        for key, person in self.members.items():
            if "site" in person.opts:
                name = person.handle(FORUM)
                user = {
                    "id": self.ids[key],
                    "username": name,
                    "name": person.display(FORUM),
                    "website": person.opts["site"],
                }
                self._files[f"u/{name}.json"] = {"user": user}
        write_zip(path, self._files)
        self.truth.more |= {
            "staff": sum(p.staff for p in self.members.values()), "members": sum(not p.staff for p in self.members.values()),
            "bot_accounts": len(_BOTS), "topics": len(topics), "categories_counted": len(_CATEGORIES),
            "categories_restricted": 1, "private_topics": 1,
        }  # fmt: skip
        return self.truth

    def _topics(self, talks: list[Talk]) -> list[list[Talk]]:
        """Talks as topics; all introductions share one."""
        hello = [t for t in talks if t.kind == "intro"]
        others = [[t] for t in talks if t.kind != "intro"]
        return sorted([hello, *others] if hello else others, key=lambda g: g[0].root.at)

    def _topic(self, number: int, group: list[Talk]) -> None:
        first = group[0]
        title = "Introduce yourself" if first.kind == "intro" else first.title or _title(first)
        slug = slugify(title)
        entries = sorted(((p, t) for t in group for p in t.posts), key=lambda e: e[0].at)
        place = {id(post): n for n, (post, _) in enumerate(entries, 1)}
        posts = [self._post(post, talk, number, slug, place) for post, talk in entries]
        for talk in group:
            self.truth.conversation(talk, str(number), str(self.ids[talk.root.person.key]))
        posts += self._extras(posts, number, slug, first)
        posts.sort(key=lambda p: str(p["created_at"]))
        for n, row in enumerate(posts, 1):
            row["post_number"] = n if first.kind == "intro" else row["post_number"]
        self._save(number, title, slug, _CATEGORIES[first.place][0], posts, first)
        self.truth.add("topics_with_replies", int(len(posts) > 1))

    def _save(
        self, number: int, title: str, slug: str, category: int, posts: list[Json], talk: Talk | None
    ) -> None:
        accepted = next((p for p in posts if p["accepted_answer"]), None)
        tags = list(_TAGS.get(talk.kind, ()))[: 1 + number % 2] if talk else []
        topic: Json = {
            "post_stream": {"posts": posts[:_PAGE], "stream": [p["id"] for p in posts]}, "id": number, "title": title,
            "fancy_title": title, "slug": slug, "posts_count": len(posts), "created_at": posts[0]["created_at"],
            "last_posted_at": posts[-1]["created_at"], "views": 20 + number % 170 * 3, "reply_count": len(posts) - 1,
            "like_count": sum(a["count"] for p in posts for a in p["actions_summary"]), "archetype": "regular",
            "visible": True, "closed": False, "archived": False, "category_id": category, "user_id": posts[0]["user_id"],
            "highest_post_number": max(p["post_number"] for p in posts), "deleted_at": None,
            "tags": [{"id": 40 + len(t), "name": t, "slug": t} for t in tags] if number % 3 == 0 else tags,
        }  # fmt: skip
        if accepted:
            topic["accepted_answer"] = {
                "post_number": accepted["post_number"],
                "username": accepted["username"],
            }
            self.truth.add("accepted_answers")
        self._files[f"t/{number}.json"] = topic
        rest = posts[_PAGE:]
        for n in range(0, len(rest), _PAGE):
            name = f"t/{number}/posts.json" if n == 0 else f"t/{number}/posts-{n // _PAGE + 1}.json"
            self._files[name] = {"post_stream": {"posts": rest[n : n + _PAGE]}, "id": number}
            self.truth.add("posts_in_further_pages", len(rest[n : n + _PAGE]))

    def _post(self, post: Post, talk: Talk, topic: int, slug: str, place: dict[int, int]) -> Json:
        person = post.person
        raw = for_forum(post.text, self._people)
        answered = talk.posts[post.reply_to] if post.reply_to is not None else None
        advert = talk.slug.endswith("/spam-reply") and "cheap.example" in raw
        row = self._row(
            int(post.id),
            self.ids[person.key],
            person.handle(FORUM),
            person.display(FORUM),
            post.at,
            cook(raw),
        )
        row |= {
            "post_number": place[id(post)], "reply_to_post_number": place[id(answered)] if answered else None,
            "topic_id": topic, "topic_slug": slug, "accepted_answer": post.accepted, "hidden": advert,
            "admin": "admin" in person.opts, "moderator": person.staff and "admin" not in person.opts, "staff": person.staff,
            "trust_level": 4 if person.staff else min(3, int(person.weight / 2) + 1), "user_title": person.opts.get("staff"),
        }  # fmt: skip
        likes = min(sum(len(who) for _, who in post.reactions), len(self.members) - 1)
        if likes:
            row["actions_summary"] = [{"id": 2, "count": likes}]
        if int(post.id) % 3:
            row["raw"] = raw
        if post.edited:
            row |= {"updated_at": iso(post.edited), "version": 2}
            self.truth.add("edited")
        if post.deleted:
            cooked = "<p>(post deleted by author)</p>"
            row |= {"user_deleted": True, "cooked": cooked, "actions_summary": [], "version": 2}
            row.pop("raw", None)
            self.truth.add("deleted_by_author")
        elif advert:
            self.truth.add("hidden")
        else:
            self.truth.count(talk, post)
        return row

    def _row(self, key: int, user: int, username: str, name: str, at: datetime, cooked: str) -> Json:
        return {
            "id": key, "name": name, "username": username, "user_id": user, "created_at": iso(at), "updated_at": iso(at),
            "cooked": cooked, "post_number": 1, "post_type": 1, "reply_to_post_number": None, "version": 1,
            "avatar_template": f"/letter_avatar_proxy/v4/letter/{username[0].lower()}/{user % 90 + 10}c2a7/{{size}}.png",
            "actions_summary": [], "accepted_answer": False, "admin": False, "moderator": False, "staff": False,
            "trust_level": 1, "hidden": False, "user_deleted": False, "deleted_at": None, "wiki": False,
        }  # fmt: skip

    def _extras(self, posts: list[Json], topic: int, slug: str, talk: Talk) -> Iterator[Json]:
        """Now and then: a closed topic, a note by a moderator, a whisper, a bot."""
        last = datetime.fromisoformat(str(posts[-1]["created_at"])) + timedelta(hours=30)
        if last >= END or talk.kind == "intro":
            return
        turn = (topic - 1301) // 2
        choice = {4: "small", 9: "moderator", 14: "whisper", 19: "bot", 2: "bot"}.get(turn % 21)
        if choice is None:
            return
        self._last_id += 1
        username = {"small": "system", "bot": "discobot"}.get(choice, "ines")
        user = _BOTS[username][0] if username in _BOTS else self.ids[username]
        texts = {
            "small": "", "whisper": "<p>Same customer as in the ticket of Tuesday, keep an eye on it.</p>",
            "moderator": f"<p>I tidied up the title of this topic (number {topic}).</p>",
            "bot": f"<p>This topic has had no reply for a while. Is number {topic} still open?</p>",
        }  # fmt: skip
        row = self._row(self._last_id, user, username, username, last, texts[choice])
        row |= {"post_number": len(posts) + 1, "topic_id": topic, "topic_slug": slug, "staff": True}
        row |= {
            "post_type": {"small": 3, "moderator": 2, "whisper": 4, "bot": 1}[choice],
            "admin": True,
            "moderator": choice != "bot",
        }
        if choice == "small":
            row["action_code"] = "autoclosed.enabled"
        self.truth.add(
            {
                "small": "small_actions",
                "moderator": "moderator_actions",
                "whisper": "whispers",
                "bot": "bot_posts",
            }[choice]
        )
        self.truth.bot_messages += choice == "bot"
        yield row

    def _closed_doors(self) -> None:
        """What must never be counted: a staff category and a private message."""
        said = {
            1201: ("Staff: who covers the Easter rota?", _STAFF_ONLY, ("beth", "I can do Friday and Monday."), ("owen", "Then I take the weekend.")),
            1202: ("Invoice question", None, ("hollis_grant", "May I ask about our invoice in private?"), ("priya", "Of course, passing it on.")),
        }  # fmt: skip
        for number, (title, category, *lines) in said.items():
            posts = []
            for n, (key, text) in enumerate(lines, 1):
                self._last_id += 1
                person = self.members[key]
                at = BEGIN + timedelta(days=17, hours=number % 7, minutes=n * 20)
                row = self._row(
                    self._last_id, self.ids[key], person.handle(FORUM), person.name, at, f"<p>{text}</p>"
                )
                posts.append(
                    row
                    | {
                        "post_number": n,
                        "topic_id": number,
                        "topic_slug": slugify(title),
                        "staff": person.staff,
                    }
                )
            self._save(number, title, slugify(title), _STAFF_ONLY, posts, None)
            topic = self._files[f"t/{number}.json"]
            assert isinstance(topic, dict)  # noqa: S101 - for the type checker
            topic["category_id"] = category
            if category is None:
                topic["archetype"] = "private_message"
            self.truth.add("private_messages" if category is None else "restricted_posts", len(posts))

    def _categories(self) -> list[Json]:
        rows = [self._category(key, number, name) for key, (number, name) in _CATEGORIES.items()]
        staff = self._category("staff", _STAFF_ONLY, "Staff") | {"read_restricted": True}
        return [staff, *(r for r in rows if r["slug"] != "ayuda")]

    def _category(self, slug: str, number: int, name: str) -> Json:
        spanish = _CATEGORIES["espanol"][0]
        return {
            "id": number, "name": name, "slug": slug, "color": hashlib.sha256(slug.encode()).hexdigest()[:6].upper(),
            "text_color": "FFFFFF", "read_restricted": False, "parent_category_id": spanish if slug == "ayuda" else None,
            "subcategory_ids": [_CATEGORIES["ayuda"][0]] if slug == "espanol" else [], "topic_url": f"/t/about-{slug}/{number + 100}",
        }  # fmt: skip

    def _site(self) -> Json:
        rows = [self._category(key, number, name) for key, (number, name) in _CATEGORIES.items()]
        staff = self._category("staff", _STAFF_ONLY, "Staff") | {"read_restricted": True}
        groups = [
            {"id": 1, "name": "admins"},
            {"id": 2, "name": "moderators"},
            {"id": 3, "name": "staff"},
            {"id": 41, "name": "team"},
        ]
        fields = [{"id": 1, "name": "Git profile", "field_type": "text", "required": False}]
        return {
            "base_url": FORUM_URL,
            "categories": [staff, *rows],
            "groups": groups,
            "user_fields": fields,
            "can_tag_topics": True,
        }

    def _listed(self, person: Person) -> Json:
        return {
            "id": self.ids[person.key], "username": person.handle(FORUM), "name": person.display(FORUM), "email": person.email,
            "active": person.left is None, "admin": "admin" in person.opts, "staged": False, "suspended": False,
            "moderator": person.staff and "admin" not in person.opts, "created_at": iso(person.joined),
            "trust_level": 4 if person.staff else 1,
        }  # fmt: skip


def _title(talk: Talk) -> str:
    """A topic's title when nobody wrote one: how its first post begins."""
    plain = re.sub(r"```.*?```", "", talk.root.text, flags=re.DOTALL)
    plain = re.sub(r"[`*_\x01\x02‹›]|https?://\S+", "", plain).strip()
    start = re.split(r"(?<=[.?!])\s|\n", plain)[0].strip(" .,:")
    cut = start if len(start) <= 72 else start[:72].rsplit(" ", 1)[0]
    cut = re.sub(
        r"^(hi all|hello everyone|hey folks|good morning|hi|hello|hey|hola gente|hola|buenas|so|hm|quick question)[ ,:]+(?=\w)",
        "",
        cut,
        flags=re.IGNORECASE,
    )
    return (cut[:1].upper() + cut[1:]) or "Question"


def title_of(talk: Talk) -> str:
    """The talk's title, written or made from its first words."""
    return talk.title or _title(talk)
