"""Small archives, written for one test each, and what a reader makes of them."""

import json
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connectors.base import Archive
from connectors.discord_export import DiscordExport
from connectors.discourse_export import DiscourseArchive
from connectors.records import Channel, Deletion, Join, Member, Message, Page, Problem
from connectors.slack_export import SlackExport

READERS: dict[str, type[Archive]] = {
    "slack": SlackExport,
    "discord": DiscordExport,
    "discourse": DiscourseArchive,
}

DATE = (2024, 3, 10, 12, 0, 0)


def zipped(path: Path, files: Mapping[str, Any], date: tuple[int, int, int, int, int, int] = DATE) -> Path:
    """A ZIP of files; what is not bytes is written as JSON."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, date)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, as_bytes(content))
    return path


def folder(path: Path, files: Mapping[str, Any]) -> Path:
    for name, content in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(as_bytes(content))
    return path


def as_bytes(content: Any) -> bytes:
    return content if isinstance(content, bytes) else json.dumps(content).encode()


async def pages(
    connector: str, *paths: Path, cursors: Mapping[str, str] | None = None, **settings: Any
) -> list[Page]:
    reader = READERS[connector](paths, settings)
    return [page async for page in reader.fetch(cursors or {})]


class Everything:
    """All pages laid together."""

    def __init__(self, found: list[Page]) -> None:
        self.pages = found
        self.members: list[Member] = [member for page in found for member in page.members]
        self.channels: list[Channel] = [channel for page in found for channel in page.channels]
        self.messages: list[Message] = [message for page in found for message in page.messages]
        self.deletions: list[Deletion] = [deletion for page in found for deletion in page.deletions]
        self.joins: list[Join] = [join for page in found for join in page.joins]
        self.problems: list[Problem] = [problem for page in found for problem in page.problems]
        self.left_out: Counter[str] = sum((Counter(page.left_out) for page in found), Counter())

    @property
    def message(self) -> Message:
        """The only message."""
        (only,) = self.messages
        return only

    @property
    def problem(self) -> str:
        """The only problem, as it is printed."""
        (only,) = self.problems
        return str(only)

    @property
    def ids(self) -> list[str]:
        return [message.id for message in self.messages]


async def everything(connector: str, *paths: Path, **settings: Any) -> Everything:
    return Everything(await pages(connector, *paths, **settings))


# --- Slack ------------------------------------------------------------------------------------------------------

GENERAL = {"id": "C1", "name": "general", "is_general": True, "is_archived": False}
HELP = {"id": "C2", "name": "help", "is_general": False, "is_archived": True}
ANN = {
    "id": "U1",
    "team_id": "T1",
    "name": "ann",
    "profile": {"real_name": "Ann Lee", "email": "ann@example.org"},
}


def slack(rows: Any, **more: Any) -> dict[str, Any]:
    """The files of an export with these rows on one day of #help."""
    return {"channels.json": [GENERAL, HELP], "users.json": [ANN], "help/2024-03-09.json": rows} | more


def said(ts: Any = "1709985600.000100", **more: Any) -> dict[str, Any]:
    return {"type": "message", "user": "U1", "text": "hello", "ts": ts} | more


# --- Discord ----------------------------------------------------------------------------------------------------


def author(id_: Any = "501", **more: Any) -> dict[str, Any]:
    return {"id": id_, "name": "ann", "nickname": "Ann Lee", "isBot": False, "roles": []} | more


def posted(id_: Any = "9001", **more: Any) -> dict[str, Any]:
    return {
        "id": id_, "type": "Default", "timestamp": "2024-03-09T12:00:00.25+00:00", "timestampEdited": None,
        "content": "hello", "author": author(), "attachments": [], "embeds": [], "reactions": [], "mentions": [],
    } | more  # fmt: skip


def discord(rows: list[Any], channel: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """One exported channel."""
    place = {"id": "200", "type": "GuildTextChat", "categoryId": "300", "category": "Texts", "name": "help"}
    return {
        "guild": {"id": "100", "name": "Home"}, "channel": place | dict(channel or {}),
        "dateRange": {"after": None, "before": None}, "exportedAt": "2024-03-10T12:00:00+00:00",
        "messages": rows, "messageCount": 12345,
    } | more  # fmt: skip


# --- Discourse --------------------------------------------------------------------------------------------------

CATEGORIES = {
    "category_list": {
        "categories": [
            {
                "id": 5, "name": "Support", "slug": "support", "read_restricted": False,
                "subcategory_list": [{"id": 6, "name": "Billing", "slug": "billing", "parent_category_id": 5}],
            },
            {"id": 7, "name": "Staff", "slug": "staff", "read_restricted": True},
        ]
    }
}  # fmt: skip


def post(id_: Any = 71, number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "id": id_, "post_number": number, "post_type": 1, "user_id": 21, "username": "ann", "name": "Ann Lee",
        "created_at": "2024-03-09T12:00:00.250Z", "updated_at": "2024-03-09T12:00:00.250Z", "version": 1,
        "cooked": "<p>hello</p>", "actions_summary": [], "hidden": False, "deleted_at": None,
    } | more  # fmt: skip


def topic(posts: Any, id_: int = 11, **more: Any) -> dict[str, Any]:
    return {
        "post_stream": {"posts": posts}, "id": id_, "title": "A title", "slug": "a-title", "category_id": 5,
        "archetype": "regular",
    } | more  # fmt: skip
