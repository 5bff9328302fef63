"""The Slack workspace export."""

import hashlib
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

from examples.scripts.markup import for_slack
from examples.scripts.model import BEGIN, END, EXPORTED, SLACK, Person, Post, Talk
from examples.scripts.output import Json, Truth, write_zip

_TEAM = "T05KEEP7Q2A"
_CHANNELS = (
    ("general", "Hello, goodbye and everything between"), ("announcements", "Releases and events"),
    ("help", "Ask here. Versions and logs make answers faster"), ("kubernetes", "The operator and its friends"),
    ("ideas", "What should Tarnkeep do next?"), ("show-and-tell", "Look what I made"), ("random", "Off topic"),
    ("meetup-2024", "Old, archived"),
)  # fmt: skip
_CI, _OWL = "B06TARNCI01", "U06OWLBOT77"


def code(kind: str, key: str) -> str:
    """A stable id of Slack's shape."""
    number = int(hashlib.sha256(f"{kind}{key}".encode()).hexdigest(), 16)
    letters = ""
    for _ in range(8):
        number, digit = divmod(number, 36)
        letters += "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[digit]
    return f"{kind}06{letters}"


def stamp(when: datetime) -> str:
    """A moment as Slack's `ts`."""
    return f"{int(when.timestamp())}.{when.microsecond:06d}"


class SlackExport:
    """Collects rows by channel and writes them day by day."""

    def __init__(self, rng: Random, people: dict[str, Person]) -> None:
        self._rng = rng
        self._people = people
        self.members = {k: p for k, p in people.items() if SLACK in p.homes}
        self.ids = {k: code("U", k) for k in self.members}
        self.channels = {name: code("C", name) for name, _ in _CHANNELS}
        self._rows: dict[str, list[Json]] = defaultdict(list)
        self.truth = Truth()

    def write(self, path: Path, talks: list[Talk]) -> Truth:
        """The whole export."""
        for talk in talks:
            self._talk(talk)
        self._joins()
        self._bots()
        self._oddities()
        files: dict[str, object] = {
            "channels.json": [self._channel(*c) for c in _CHANNELS],
            "users.json": [self._user(p) for p in self.members.values()] + [self._owl()],
            "integration_logs.json": [
                {"user_id": self.ids["owen"], "user_name": "owen", "date": "1768478400", "change_type": "added",
                 "app_type": "tarn-ci", "app_id": "A06TARNCI01", "scope": "incoming-webhook"},
            ],
            **self._private(),
        }  # fmt: skip
        for name, rows in self._rows.items():
            rows.sort(key=lambda r: r["ts"])
            days: dict[str, list[Json]] = defaultdict(list)
            for row in rows:
                days[
                    datetime.fromtimestamp(float(row["ts"]), tz=EXPORTED.tzinfo).strftime("%Y-%m-%d")
                ].append(row)
            files.update({f"{name}/{day}.json": found for day, found in days.items()})
        write_zip(path, files)
        accounts = list(self.members.values())
        self.truth.more |= {
            "accounts": len(accounts) + 1, "staff": sum(p.staff for p in accounts),
            "members": sum(not p.staff for p in accounts), "deactivated_members": sum(p.left is not None for p in accounts),
            "bot_accounts": 1, "public_channels": len(_CHANNELS), "private_conversations": 3,
        }  # fmt: skip
        return self.truth

    def _talk(self, talk: Talk) -> None:
        rows = [self._row(talk, post) for post in talk.posts]
        root, replies = rows[0], rows[1:]
        if talk.threaded and replies:
            self.truth.add("threads")
            names = list(dict.fromkeys(r["user"] for r in replies))
            root |= {
                "thread_ts": root["ts"], "reply_count": len(replies), "reply_users_count": len(names),
                "latest_reply": replies[-1]["ts"], "reply_users": names,
                "replies": [{"user": r["user"], "ts": r["ts"]} for r in replies],
                "is_locked": False, "subscribed": False,
            }  # fmt: skip
            for row in replies:
                row |= {"thread_ts": root["ts"], "parent_user_id": root["user"]}
            if len(replies) > 2 and self._rng.random() < 0.05:
                replies[-1] |= {
                    "subtype": "thread_broadcast",
                    "root": {k: root[k] for k in ("user", "ts", "text")},
                }
                self.truth.add("thread_broadcasts")
        for row, post in zip(rows, talk.posts, strict=True):
            if not post.deleted:
                self.truth.count(talk, post)
                continue
            self.truth.add("tombstones")
            row.pop("client_msg_id")
            row |= {
                "subtype": "tombstone",
                "text": "This message was deleted.",
                "user": "USLACKBOT",
                "hidden": True,
            }
        self._rows[talk.place] += rows
        if not talk.root.deleted:
            self.truth.conversation(talk, self.channels[talk.place], self.ids[talk.root.person.key])

    def _row(self, talk: Talk, post: Post) -> Json:
        post.id = stamp(post.at)
        uuid = UUID(hashlib.md5(f"{talk.place}{post.id}".encode(), usedforsecurity=False).hexdigest())
        text = for_slack(post.text, self._people, self.ids)
        row: Json = {
            "client_msg_id": str(uuid), "type": "message", "user": self.ids[post.person.key], "text": text,
            "ts": post.id, "team": _TEAM,
        }  # fmt: skip
        if not any(sign in text for sign in "<`*_:&"):
            inner = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
            row["blocks"] = [{"type": "rich_text", "block_id": code("", post.id)[:5], "elements": [inner]}]
        if post.edited:
            row["edited"] = {"user": row["user"], "ts": stamp(post.edited.replace(microsecond=0))}
            self.truth.add("edited")
        if post.reactions:
            row["reactions"] = [
                {"name": name, "users": [self.ids[p.key] for p in who], "count": len(who)}
                for name, who in post.reactions if who
            ]  # fmt: skip
        if talk.slug.endswith("/me-msg") and post is talk.root:
            row["subtype"] = "me_message"
            self.truth.add("me_messages")
        if talk.slug.endswith("/file-slack") and post is talk.root:
            self._file(row, post)
        if talk.slug.endswith("/grafana") and post is talk.root:
            link = "https://git.example/dash/tarnkeep"
            row["attachments"] = [
                {"id": 1, "service_name": "git.example", "title": "dash/tarnkeep", "title_link": link, "from_url": link,
                 "original_url": link, "fallback": "git.example: dash/tarnkeep", "text": "Dashboards for Tarnkeep 2.6 and later"}
            ]  # fmt: skip
            self.truth.add("unfurled")
        return row

    def _file(self, row: Json, post: Post) -> None:
        row |= {"subtype": "file_share", "upload": False, "display_as_bot": False}
        row["files"] = [
            {"id": "F06WHITEB0A", "created": int(post.at.timestamp()), "name": "whiteboard.jpg", "title": "whiteboard",
             "mimetype": "image/jpeg", "filetype": "jpg", "user": row["user"], "size": 301_442, "mode": "hosted",
             "url_private": "https://files.slack.example/F06WHITEB0A/whiteboard.jpg"}
        ]  # fmt: skip
        self.truth.add("file_shares")

    def _system(
        self, channel: str, subtype: str, key: str, when: datetime, text: str, **more: object
    ) -> None:
        row = {
            "type": "message",
            "subtype": subtype,
            "user": self.ids[key],
            "text": text,
            "ts": stamp(when),
            **more,
        }
        self._rows[channel].append(row)
        self.truth.add("system_rows")
        self.truth.more.setdefault("system_by_subtype", {}).setdefault(subtype, 0)
        self.truth.more["system_by_subtype"][subtype] += 1

    def _joins(self) -> None:
        for key, person in self.members.items():
            tag = f"<@{self.ids[key]}>"
            if person.joined > BEGIN:
                for n, channel in enumerate(
                    ["general", "random", *self._rng.sample(("help", "ideas", "kubernetes"), 2)]
                ):
                    at = person.joined + timedelta(
                        seconds=3 + n * 20, microseconds=self._rng.randrange(999_999)
                    )
                    self._system(
                        channel,
                        "channel_join",
                        key,
                        at,
                        f"{tag} has joined the channel",
                        inviter=self.ids["ines"],
                    )
            if person.left is not None:
                for channel in ("general", "help"):
                    at = person.left + timedelta(microseconds=self._rng.randrange(999_999))
                    self._system(channel, "channel_leave", key, at, f"{tag} has left the channel")
        topics = (
            ("announcements", "beth", 43, "2.7.0 is out"),
            ("help", "priya", 46, "Postgres 17? Read the pinned note"),
        )
        for channel, key, day, topic in topics:
            text = f"<@{self.ids[key]}> set the channel topic: {topic}"
            self._system(
                channel, "channel_topic", key, BEGIN + timedelta(days=day, hours=5), text, topic=topic
            )

    def _bots(self) -> None:
        builds = ("2.7.0-rc1", "2.7.0-rc2", "2.7.0", "2.7.1-rc1", "2.7.1", "2.7.2", "2.8.0-beta1")
        for n, build in enumerate(builds):
            self._bot(
                "announcements",
                BEGIN + timedelta(days=32 + n * 8, hours=4),
                f"Build {build} published: 14 packages, 0 failed",
            )
        for week in range(13):
            at = BEGIN + timedelta(days=7 * week, hours=2, microseconds=week)
            text = "Who needs a second pair of eyes this week? Reply in the thread :owl:"
            row = {
                "type": "message",
                "user": _OWL,
                "bot_id": "B06OWLBOT77",
                "app_id": "A06OWLBOT77",
                "text": text,
            }
            self._rows["general"].append(row | {"ts": stamp(at), "team": _TEAM})
            self.truth.bot_messages += 1
        for day in range(5, 91, 9):
            at = BEGIN + timedelta(days=day, hours=7, minutes=day)
            self._bot(
                "help", at, f"{day % 4 + 2} questions of last week have no reply yet. Can you help? <!here>"
            )

    def _bot(self, channel: str, when: datetime, text: str) -> None:
        row = {
            "type": "message",
            "subtype": "bot_message",
            "bot_id": _CI,
            "username": "tarn-ci",
            "text": text,
        }
        self._rows[channel].append(row | {"ts": stamp(when), "icons": {"emoji": ":package:"}})
        self.truth.bot_messages += 1

    def _oddities(self) -> None:
        """Rows nobody signed, as old exports have them."""
        first = {
            "type": "message",
            "text": "Imported note: the help rota lives in the wiki now",
            "ts": stamp(BEGIN + timedelta(days=9)),
        }
        second = first | {
            "subtype": "file_comment",
            "text": "A comment on a file that is gone",
            "ts": stamp(BEGIN + timedelta(days=23)),
        }
        self._rows["help"] += [first, second]
        self.truth.add("rows_without_author", 2)

    def _private(self) -> dict[str, object]:
        pair, trio, staff = (
            ["priya", "colin_p"],
            ["marlow", "wojtek", "gretchen_m"],
            ["ines", "beth", "marcus"],
        )
        base = {"created": 1768989600, "members": [self.ids[k] for k in pair]}
        group = {"id": "G06STAFFROOM", "name": "team-only", "created": 1764583200, "creator": self.ids["beth"], "is_archived": False,
                 "members": [self.ids[k] for k in staff], "topic": {"value": ""}, "purpose": {"value": "Not for the public"}}  # fmt: skip
        mpim = {"id": "G06MPIMTRIO1", "name": "mpdm-marlow--wojtek--gretchen_m-1", "created": 1768989600, "creator": self.ids["marlow"],
                "is_archived": False, "members": [self.ids[k] for k in trio], "topic": {"value": ""}, "purpose": {"value": ""}}  # fmt: skip
        at = BEGIN + timedelta(days=12, hours=3)
        said = (
            ("D06PRIVATE01", "colin_p", "Privately: our contract runs out in June, whom do I talk to?"),
            ("D06PRIVATE01", "priya", "I'll introduce you to sales, by mail"),
            (
                "mpdm-marlow--wojtek--gretchen_m-1",
                "marlow",
                "secret birthday plan for Inés, not a word in general",
            ),
            ("team-only", "beth", "Draft numbers for Q2, please keep them in here"),
        )
        files: dict[str, object] = {
            "groups.json": [group],
            "mpims.json": [mpim],
            "dms.json": [{"id": "D06PRIVATE01"} | base],
        }
        folders: dict[str, list[Json]] = defaultdict(list)
        for n, (folder, key, text) in enumerate(said):
            row = {
                "type": "message",
                "user": self.ids[key],
                "text": text,
                "ts": stamp(at + timedelta(minutes=n)),
                "team": _TEAM,
            }
            folders[f"{folder}/{at:%Y-%m-%d}.json"].append(row)
        self.truth.add("private_messages", len(said))
        return files | dict(folders)

    def _channel(self, name: str, purpose: str) -> Json:
        archived = name == "meetup-2024"
        here = [self.ids[k] for k, p in self.members.items() if p.left is None]
        members = [] if archived else here if name in {"general", "announcements"} else here[:8] + here[8::2]
        boss = self.ids["ines"]
        return {
            "id": self.channels[name], "name": name, "created": 1693562400, "creator": boss, "is_archived": archived,
            "is_general": name == "general", "members": members, "topic": {"value": "", "creator": "", "last_set": 0},
            "purpose": {"value": purpose, "creator": boss, "last_set": 1693562400},
        }  # fmt: skip

    def _user(self, person: Person) -> Json:
        site = person.opts.get("site")
        local = EXPORTED.astimezone(ZoneInfo(person.zone))
        profile: Json = {
            "title": person.opts.get("staff", ""), "real_name": person.name, "display_name": person.display(SLACK),
            "email": person.email, "status_text": "", "status_emoji": "", "team": _TEAM,
            "fields": {"Xf06WEBSITE": {"value": site, "alt": ""}} if site else None,
        }  # fmt: skip
        return {
            "id": self.ids[person.key], "team_id": _TEAM, "name": person.handle(SLACK), "deleted": person.left is not None,
            "color": "4b6f8a", "real_name": person.name, "tz": person.zone, "tz_label": local.tzname(),
            "tz_offset": int((local.utcoffset() or timedelta()).total_seconds()), "profile": profile,
            "is_admin": "admin" in person.opts, "is_owner": person.key == "tobias", "is_primary_owner": person.key == "tobias",
            "is_restricted": False, "is_ultra_restricted": False, "is_bot": False, "is_app_user": False,
            "updated": int(min(max(person.joined, BEGIN), END).timestamp()),
        }  # fmt: skip

    def _owl(self) -> Json:
        return {
            "id": _OWL, "team_id": _TEAM, "name": "helping_owl", "deleted": False, "real_name": "Helping Owl", "is_bot": True,
            "profile": {"real_name": "Helping Owl", "display_name": "", "bot_id": "B06OWLBOT77", "api_app_id": "A06OWLBOT77"},
        }  # fmt: skip
