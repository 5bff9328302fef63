"""Zips and JSON whose bytes depend on nothing but their content, and the ground truth's counters."""

import json
import zipfile
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from examples.scripts.model import EXPORTED, FORUM, Post, Talk

Json = dict[str, Any]


def dense(value: object) -> str:
    """JSON as services send it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def indented(value: object) -> str:
    """JSON as people read it."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def write_zip(path: Path, files: dict[str, object]) -> None:
    """A ZIP with sorted names, all dated on the day of the export."""
    stamp = (EXPORTED.year, EXPORTED.month, EXPORTED.day, EXPORTED.hour, EXPORTED.minute, 0)
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, stamp)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, dense(files[name]), compresslevel=9)


def iso(when: datetime, zone: str = "Z") -> str:
    """A moment to the millisecond."""
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}" + zone


@dataclass
class Truth:
    """What a right reader must find in one source."""

    countable: int = 0
    by_staff: int = 0
    bot_messages: int = 0
    more: dict[str, Any] = field(default_factory=dict)
    questions: list[Json] = field(default_factory=list)
    by_language: dict[str, int] = field(default_factory=lambda: {"en": 0, "es": 0})
    by_kind: dict[str, int] = field(default_factory=dict)

    def count(self, talk: Talk, post: Post) -> None:
        """A person's message that counts."""
        self.countable += 1
        self.by_staff += post.person.staff
        self.by_language[talk.lang] += 1

    def add(self, name: str, number: int = 1) -> None:
        """One more of something that is not an ordinary message."""
        self.more[name] = self.more.get(name, 0) + number

    def conversation(self, talk: Talk, place_id: str, author_id: str) -> None:
        """The kind of a talk, and for a question how it ended."""
        self.by_kind[talk.kind] = self.by_kind.get(talk.kind, 0) + 1
        if talk.kind != "question":
            return
        root = talk.root
        visible = [p for p in talk.posts[1:] if not p.deleted]
        replies = [p for p in visible if p.person is not root.person]
        marks = [p for p in visible if p.accepted]
        resolved = (["accepted"] if talk.home == FORUM else ["check_mark"]) if marks else []
        resolved += ["asker_thanks"] if talk.confirmed else []
        self.questions.append(
            {
                "place": talk.place, "place_id": place_id, "id": root.id, "asked_by": author_id,
                "asked_at": iso(root.at), "lang": talk.lang, "threaded": talk.threaded, "replies": len(replies),
                "first_reply_at": iso(replies[0].at) if replies else None,
                "first_reply_staff": replies[0].person.staff if replies else None,
                "state": "resolved" if resolved else "answered" if replies else "unanswered",
                "resolved_by": resolved, "accepted_id": marks[0].id if marks else None,
                "solver_staff": marks[0].person.staff if marks else None,
            }
        )  # fmt: skip

    def as_json(self) -> Json:
        """The source's part of the manifest."""
        states = [q["state"] for q in self.questions]
        return {
            "countable_human_messages": self.countable,
            "of_which_by_staff": self.by_staff,
            "bot_messages": self.bot_messages,
            "countable_by_language": self.by_language,
            **self.more,
            "conversations_by_kind": dict(sorted(self.by_kind.items())),
            "questions": {
                "asked": len(states),
                **{s: states.count(s) for s in ("resolved", "answered", "unanswered")},
                "list": self.questions,
            },
        }
