"""One channel of the fake workspace: its rows in Slack's own form."""

import bisect
from typing import Any

Row = dict[str, Any]
BOT_USER, TEAM = "U0SPACESBOT", "T0COMMUNITY"


class Room:
    """One channel: its rows by ts, and all ts in order."""

    def __init__(self, id_: str, name: str, *, private: bool, general: bool) -> None:
        self.id, self.name, self.private, self.general = id_, name, private, general
        self.archived, self.member, self.refused = False, True, False
        self.people: set[str] = set()
        """Who is in a private channel, and which guests are in a public one."""
        self.rows: dict[str, Row] = {}
        self.order: list[str] = []
        self.threads: dict[str, list[str]] = {}
        self._top: list[str] | None = None

    def add(self, row: Row) -> None:
        self._top = None
        self.rows[row["ts"]] = row
        bisect.insort(self.order, row["ts"])
        if row.get("thread_ts", row["ts"]) != row["ts"]:
            bisect.insort(self.threads.setdefault(row["thread_ts"], []), row["ts"])

    def remove(self, ts: str) -> Row:
        self._top = None
        self.order.remove(ts)
        row = self.rows.pop(ts)
        if row.get("thread_ts", ts) != ts:
            self.threads[row["thread_ts"]].remove(ts)
        return row

    def replies(self, ts: str) -> list[Row]:
        return [self.rows[at] for at in self.threads.get(ts, ())]

    def top(self) -> list[str]:
        """What history shows: no ordinary replies."""
        if self._top is None:
            self._top = [ts for ts in self.order if is_top(self.rows[ts])]
        return self._top

    def told(self) -> Row:
        return {
            "id": self.id, "name": self.name, "name_normalized": self.name, "is_channel": not self.private,
            "is_group": self.private, "is_im": False, "is_mpim": False, "is_private": self.private, "created": 1600000000,
            "creator": BOT_USER, "is_archived": self.archived, "is_general": self.general, "unlinked": 0,
            "is_shared": False, "is_org_shared": False, "is_ext_shared": False, "is_pending_ext_shared": False,
            "is_member": self.member, "pending_shared": [], "previous_names": [], "num_members": 2,
            "topic": {"value": "", "creator": "", "last_set": 0}, "purpose": {"value": "", "creator": "", "last_set": 0},
        }  # fmt: skip


def is_top(row: Row) -> bool:
    return row.get("thread_ts") in {None, row["ts"]} or row.get("subtype") == "thread_broadcast"


def group(id_: str, name: str, handle: str, members: list[str]) -> Row:
    return {
        "id": id_, "team_id": TEAM, "is_usergroup": True, "is_subteam": True, "name": name, "description": "",
        "handle": handle, "is_external": False, "date_create": 1600000000, "date_update": 1600000000, "date_delete": 0,
        "auto_type": None, "auto_provision": False, "enterprise_subteam_id": "", "created_by": BOT_USER,
        "updated_by": BOT_USER, "deleted_by": None, "prefs": {"channels": [], "groups": []}, "users": members,
        "user_count": len(members), "channel_count": 0,
    }  # fmt: skip


def user(id_: str, name: str, *, bot: bool, staff: bool) -> Row:
    return {
        "id": id_, "team_id": TEAM, "name": name, "deleted": False, "color": "9f69e7", "real_name": name.title(),
        "tz": "Europe/Madrid", "tz_label": "Central European Time", "tz_offset": 3600,
        "profile": {
            "avatar_hash": "0", "status_text": "", "status_emoji": "", "real_name": name.title(), "display_name": name,
            "real_name_normalized": name.title(), "display_name_normalized": name, "email": f"{name}@example.com",
            "team": TEAM,
        },
        "is_admin": staff, "is_owner": False, "is_primary_owner": False, "is_restricted": False,
        "is_ultra_restricted": False, "is_bot": bot, "is_app_user": False, "updated": 1600000000,
    }  # fmt: skip
