"""Files as DiscordChatExporter writes them: one a channel or thread."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from examples.scripts.markup import EMOJI, for_discord
from examples.scripts.model import BEGIN, DISCORD, EXPORTED, Person, Post, Talk
from examples.scripts.output import Json, Truth, indented, iso

_EPOCH = 1_420_070_400_000
_GUILD = {
    "id": "918273645546372819",
    "name": "Tarnkeep",
    "iconUrl": "https://cdn.discordapp.com/embed/avatars/0.png",
}
_CATEGORY = {"news": "918273646000000001", "Tarnkeep": "918273646000000002", "Lounge": "918273646000000003"}
_CHANNELS = {
    "welcome": "news", "announcements": "news", "general": "Tarnkeep", "help": "Tarnkeep", "ideas": "Tarnkeep",
    "showcase": "Tarnkeep", "homelab": "Lounge", "off-topic": "Lounge", "español": "Lounge",
}  # fmt: skip
_FORUM = "support-forum"


def snowflake(when: datetime, low: int = 0) -> str:
    """The id that Discord gives to something made at a moment."""
    return str((int(when.timestamp() * 1000) - _EPOCH << 22) + low)


def _channel_id(name: str) -> str:
    low = int(hashlib.sha256(name.encode()).hexdigest(), 16) % 4_000_000
    return snowflake(datetime(2023, 9, 4, 10, 30, tzinfo=UTC), low)


class DiscordExport:
    """Collects messages by channel and thread and writes their files."""

    def __init__(self, rng: Random, people: dict[str, Person]) -> None:
        self._rng = rng
        self._people = people
        self.members = {k: p for k, p in people.items() if DISCORD in p.homes}
        self.ids = {k: self._account(k) for k in self.members}
        self._messages: dict[str, list[Json]] = {name: [] for name in _CHANNELS}
        self._threads: list[tuple[str, Talk, list[Json]]] = []
        self.truth = Truth()

    def write(self, folder: Path, talks: list[Talk]) -> Truth:
        """All files of the guild."""
        for talk in talks:
            self._talk(talk)
        self._joins()
        self._bots()
        for name, category in _CHANNELS.items():
            channel = {
                "id": _channel_id(name), "type": "GuildTextChat", "categoryId": _CATEGORY[category],
                "category": category, "name": name, "topic": None,
            }  # fmt: skip
            rows = sorted(self._messages[name], key=lambda m: int(m["id"]))
            stem = f"Tarnkeep - {category} - {name} [{channel['id']}]"
            if name == "general":
                half = len(rows) * 3 // 5
                self._file(folder / f"{stem} [part 1].json", channel, rows[:half])
                self._file(folder / f"{stem} [part 2].json", channel, rows[half:])
            else:
                self._file(folder / f"{stem}.json", channel, rows, wrong=3 if name == "showcase" else 0)
        for parent, talk, rows in self._threads:
            title = talk.title[:60]
            channel = {
                "id": talk.root.id, "type": "GuildPublicThread", "categoryId": _channel_id(parent), "category": parent,
                "name": talk.title, "topic": None,
            }  # fmt: skip
            plain = re.sub(r'[\\/:*?"<>|`\n]', "_", title).strip()
            self._file(folder / f"Tarnkeep - {parent} - {plain} [{talk.root.id}].json", channel, rows)
        authors = {p.person.key for t in talks for p in t.posts}
        self.truth.more |= {
            "staff": sum(p.staff for p in self.members.values()), "members": sum(not p.staff for p in self.members.values()),
            "members_who_wrote": sum(not self._people[k].staff for k in authors), "bot_accounts": 2,
            "text_channels": len(_CHANNELS), "files": len(list(folder.glob("*.json"))),
            "split_channel": _channel_id("general"), "wrong_message_count": _channel_id("showcase"),
        }  # fmt: skip
        return self.truth

    def _talk(self, talk: Talk) -> None:
        for post in talk.posts:
            post.id = snowflake(post.at, self._rng.randrange(4096))
        rows = [self._message(talk, post) for post in talk.posts if not post.deleted]
        for post in talk.posts:
            self.truth.count(talk, post)
        place = _channel_id(talk.place)
        if talk.place == _FORUM:
            self._threads.append((_FORUM, talk, rows))
            self.truth.add("forum_threads")
        elif talk.threaded and talk.place == "help":
            self._thread(talk, rows)
        else:
            self._messages[talk.place] += rows
        self.truth.conversation(
            talk, talk.root.id if talk.place == _FORUM else place, self.ids[talk.root.person.key]
        )

    def _thread(self, talk: Talk, rows: list[Json]) -> None:
        self._messages["help"].append(rows[0])
        self.truth.add("text_channel_threads")
        at = talk.root.at + timedelta(minutes=1)
        starter = self._system(at, "ThreadStarterMessage", talk.root.person.key, "")
        starter["reference"] = self._reference(talk.root.id, _channel_id("help"))
        self._threads.append(("help", talk, [starter, *rows[1:]]))

    def _message(self, talk: Talk, post: Post) -> Json:
        text = for_discord(post.text, self._people)
        answered = talk.posts[post.reply_to] if post.reply_to is not None else None
        mentions = [
            k for k in dict.fromkeys(re.findall("\x01([a-z0-9_]+)\x02", post.text)) if k in self.members
        ]
        if answered and answered.person.key not in mentions:
            mentions.append(answered.person.key)
        row = self._bare(
            post.id, post.at, "Reply" if answered else "Default", self._author(post.person), text
        )
        if post.edited:
            row["timestampEdited"] = iso(post.edited, "+00:00")
            self.truth.add("edited")
        if talk.slug.endswith("/photo-chat") and post is talk.root:
            name = "rack-after.jpg"
            url = f"https://cdn.discordapp.com/attachments/1/2/{name}"
            row["attachments"] = [
                {"id": snowflake(post.at, 77), "url": url, "fileName": name, "fileSizeBytes": 483_112}
            ]
        row["reactions"] = [self._reaction(name, who) for name, who in post.reactions if who]
        row["mentions"] = [self._short(self._people[k]) for k in mentions]
        if answered:
            place = talk.root.id if talk.threaded else _channel_id(talk.place)
            row["reference"] = self._reference(answered.id, place)
        return row

    def _bare(self, key: str, at: datetime, kind: str, author: Json, text: str) -> Json:
        return {
            "id": key, "type": kind, "timestamp": iso(at, "+00:00"), "timestampEdited": None, "callEndedTimestamp": None,
            "isPinned": False, "content": text, "author": author, "attachments": [], "components": [], "embeds": [],
            "stickers": [], "reactions": [], "mentions": [], "inlineEmojis": [],
        }  # fmt: skip

    def _reference(self, message: str | None, channel: str) -> Json:
        return {"type": "Default", "messageId": message, "channelId": channel, "guildId": _GUILD["id"]}

    def _reaction(self, name: str, who: list[Person]) -> Json:
        custom = name == "raised_hands"
        emoji = {
            "id": "1045566778899001122" if custom else "", "name": "tarnduck" if custom else EMOJI[name],
            "code": "tarnduck" if custom else name.replace("+1", "thumbsup"), "isAnimated": False,
            "imageUrl": "https://cdn.discordapp.com/emojis/1045566778899001122.png" if custom else "",
        }  # fmt: skip
        # The exporter names everybody; a handful is enough here and keeps the files small.
        return {"emoji": emoji, "count": len(who), "users": [self._short(p) for p in who[:2]]}

    def _short(self, person: Person) -> Json:
        return {
            "id": self.ids[person.key], "name": person.handle(DISCORD), "discriminator": "0000",
            "nickname": person.display(DISCORD), "isBot": False,
        }  # fmt: skip

    def _author(self, person: Person) -> Json:
        team = {"id": "918273647000000009", "name": "Team", "color": "#2E8B57", "position": 5}
        avatar = f"https://cdn.discordapp.com/embed/avatars/{int(self.ids[person.key]) % 6}.png"
        color = "#2E8B57" if person.staff else None
        return {
            **self._short(person),
            "color": color,
            "roles": [team] if person.staff else [],
            "avatarUrl": avatar,
        }

    def _account(self, key: str) -> str:
        number = int(hashlib.sha256(key.encode()).hexdigest(), 16)
        return snowflake(
            datetime(2016, 1, 5, tzinfo=UTC) + timedelta(minutes=number % 4_800_000), number % 4096
        )

    def _system(self, at: datetime, kind: str, key: str, text: str) -> Json:
        self.truth.add("system_rows")
        by_type = self.truth.more.setdefault("system_by_type", {})
        by_type[kind] = by_type.get(kind, 0) + 1
        return self._bare(
            snowflake(at, self._rng.randrange(4096)), at, kind, self._author(self._people[key]), text
        )

    def _joins(self) -> None:
        for key, person in self.members.items():
            if person.joined > BEGIN:
                row = self._system(person.joined, "GuildMemberJoin", key, "Joined the server.")
                self._messages["welcome"].append(row)
        for place, day, key in (
            ("announcements", 43, "beth"),
            ("help", 45, "priya"),
            ("homelab", 60, "gnomeking"),
        ):
            row = self._system(
                BEGIN + timedelta(days=day, hours=11), "ChannelPinnedMessage", key, "Pinned a message."
            )
            row["reference"] = self._reference(self._messages[place][0]["id"], _channel_id(place))
            self._messages[place].append(row)
        for day, key in ((20, "gnomeking"), (52, "quillfeather")):
            at = BEGIN + timedelta(days=day, hours=9)
            row = self._system(at, "ThreadCreated", key, "Started a thread.")
            row["reference"] = self._reference(None, snowflake(at - timedelta(milliseconds=40)))
            self._messages["help"].append(row)

    def _bots(self) -> None:
        keeper = self._bot_author("1009988776655443322", "KeepBot")
        feed = self._bot_author("1009988776655443323", "Release Feed")
        for person in self.members.values():
            if person.joined > BEGIN:
                text = (
                    f"Welcome @{person.display(DISCORD)}! Tell us what you back up, and read #announcements."
                )
                self._bot("welcome", person.joined + timedelta(seconds=2), keeper, text)
        for n, version in enumerate(("2.6.5", "2.7.0", "2.7.1", "2.7.2", "2.8.0-beta1")):
            at = BEGIN + timedelta(days=15 + n * 16, hours=6)
            self._bot("announcements", at, feed, f"Tarnkeep {version} - release notes", embed=True)

    def _bot_author(self, key: str, name: str) -> Json:
        avatar = "https://cdn.discordapp.com/embed/avatars/4.png"
        short = {"id": key, "name": name, "discriminator": "4417", "nickname": name, "isBot": True}
        return {**short, "color": None, "roles": [], "avatarUrl": avatar}

    def _bot(self, place: str, at: datetime, author: Json, text: str, *, embed: bool = False) -> None:
        row = self._bare(snowflake(at, 4095), at, "Default", author, text)
        if embed:
            row["embeds"] = [
                {"title": text, "url": "https://docs.tarnkeep.example/release", "description": "All changes"}
            ]
        self._messages[place].append(row)
        self.truth.bot_messages += 1

    def _file(self, path: Path, channel: Json, rows: list[Json], wrong: int = 0) -> None:
        value = {
            "guild": _GUILD, "channel": channel, "dateRange": {"after": "2026-02-02T00:00:00+00:00", "before": None},
            "exportedAt": iso(EXPORTED, "+00:00"), "messages": rows, "messageCount": len(rows) + wrong,
        }  # fmt: skip
        path.write_text(indented(value), encoding="utf-8")
