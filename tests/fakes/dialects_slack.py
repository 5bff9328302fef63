"""Other Slacks: as the Web API's description, the event samples and the prose of the documentation allow them."""

import base64
from itertools import cycle
from typing import Any

from multidict import MultiDict

from tests.fakes.dialects import Dialect, Json, Said, altered, every, said, without, wordy

Row = dict[str, Any]

_READ = {
    "conversations.list", "conversations.info", "conversations.members", "conversations.history", "conversations.replies",
    "users.list", "users.info", "usergroups.list", "reactions.get",
}  # fmt: skip
_WRITE = {
    "conversations.open",
    "chat.postMessage",
    "chat.update",
    "chat.postEphemeral",
    "apps.connections.open",
}
_LISTS = _READ - {"conversations.info", "users.info", "usergroups.list", "reactions.get"}
_EMPTY = base64.b64encode(b"nothing yet").decode()


def _method(path: str) -> str:
    return path.rpartition("/")[2]


class Strict(Dialect):
    """Takes each method only in the way that its description names, and finds a thread by its first message alone."""

    def asked(self, method: str, path: str, query: MultiDict[str]) -> Said | None:
        del query
        name = _method(path)
        if (name in _READ and method != "GET") or (name in _WRITE and method != "POST"):
            return said("Method Not Allowed", 405)
        return None

    def told(self, path: str, query: MultiDict[str], said: Said) -> Said:
        if _method(path) == "conversations.replies" and "messages" in said.body:
            first = said.body["messages"][0]
            if first.get("thread_ts") not in {None, query["ts"]}:
                return said._replace(body={"ok": False, "error": "thread_not_found"})
        return said


class Sparse(Dialect):
    """Leaves out whatever is optional, and pages by `has_more` alone."""

    def told(self, path: str, query: MultiDict[str], said: Said) -> Said:
        del query
        for header in ("x-oauth-scopes", "Date"):
            said.headers.pop(header, None)
        if not isinstance(said.body, dict):
            return said
        body = altered(said.body, self._sparse)
        if _method(path) == "conversations.history" or not body.get("response_metadata", {}).get(
            "next_cursor"
        ):
            body.pop("response_metadata", None)
        return said._replace(body=body)

    def asked(self, method: str, path: str, query: MultiDict[str]) -> Said | None:
        del method
        if _method(path) == "conversations.history" and "limit" in query:
            query["limit"] = str(min(int(query["limit"]), 15))
        return None

    def frame(self, frame: Json) -> list[Json]:
        if frame["type"] == "hello":
            return [{"type": "hello"}]
        if frame["type"] == "disconnect":
            return [without(frame, "debug_info")]
        frame = without(frame, "retry_attempt", "retry_reason", "accepts_response_payload")
        payload = without(
            frame["payload"],
            "authorizations",
            "event_context",
            "is_ext_shared_channel",
            "api_app_id",
            "token",
        )
        if "event" in payload:
            event = without(
                altered(payload["event"], self._sparse), "previous_message", "channel_type", "event_ts"
            )
            payload = {"type": payload["type"], "event": event, "event_id": payload["event_id"]}
        return [frame | {"payload": payload}]

    @staticmethod
    def _sparse(row: Row) -> Row:
        if "is_private" in row or "is_channel" in row:
            return {
                key: row[key]
                for key in ("id", "name", "is_channel", "is_private", "is_archived")
                if key in row
            }
        row = without(
            row, "team", "reply_users", "reply_users_count", "latest_reply", "cache_ts", "pin_count", "num_members",
            "channel_actions_ts", "channel_actions_count", "user_name", "team_domain", "channel_name", "enterprise",
            "is_enterprise_install", "item_user", "color", "tz", "tz_label", "tz_offset", "updated", "avatar_hash",
        )  # fmt: skip
        return {key: value for key, value in row.items() if not (key.startswith("is_") and value is False)}


class Null(Dialect):
    """Says of everything optional that it is nothing."""

    def told(self, path: str, query: MultiDict[str], said: Said) -> Said:
        del path, query
        if not isinstance(said.body, dict):
            return said
        body = altered(said.body, self._null)
        if not (body.get("response_metadata") or {}).get("next_cursor"):
            body["response_metadata"] = None
        return said._replace(body=body | {"warning": None, "error": body.get("error")})

    def frame(self, frame: Json) -> list[Json]:
        if frame["type"] == "hello":
            return [frame | {"connection_info": None, "debug_info": None, "num_connections": None}]
        return [altered(frame, self._null) | {"retry_attempt": None, "retry_reason": None}]

    @staticmethod
    def _null(row: Row) -> Row:
        if "ts" in row and "text" in row:
            more = (
                "subtype", "thread_ts", "edited", "reactions", "files", "attachments", "blocks", "bot_id", "bot_profile",
                "user_profile", "username", "reply_count", "latest_reply", "hidden", "parent_user_id", "metadata", "icons",
            )  # fmt: skip
            # A count of nothing would be known: a thread without one is not.
            return (
                dict.fromkeys(more if "thread_ts" not in row else without(dict.fromkeys(more), "reply_count"))
                | row
            )
        if "profile" in row:
            return {"locale": None, "enterprise_user": None, "is_stranger": None, "real_name": None} | row
        if "is_channel" in row:
            return row | {
                "previous_names": None,
                "topic": None,
                "purpose": None,
                "is_mpim": None,
                "is_im": None,
            }
        return row


class Wordy(Dialect):
    """Says more than anybody has heard of."""

    def told(self, path: str, query: MultiDict[str], said: Said) -> Said:
        del path, query
        if not isinstance(said.body, dict):
            return said
        more = {"warning": "superfluous_charset", "response_metadata": {"warnings": ["superfluous_charset"]}}
        return said._replace(body=altered(more | said.body, wordy))

    def frame(self, frame: Json) -> list[Json]:
        if frame["type"] == "hello":
            return [altered(frame, wordy), {"type": "hint", "text": "nobody knows this"}]
        if frame["type"] != "events_api":
            return [altered(frame, wordy)]
        unknown = {"type": "canvas_glittered", "canvas": {"id": "F1"}, "event_ts": "1700000000.000100"}
        stranger = frame | {
            "envelope_id": f"{frame['envelope_id']}-more",
            "payload": frame["payload"] | {"event": unknown, "event_id": "EvUnknown"},
        }
        return [stranger, altered(frame, wordy)]


class Pages(Dialect):
    """Gives three rows where a thousand are asked for, and an empty page before the first."""

    def asked(self, method: str, path: str, query: MultiDict[str]) -> Said | None:
        del method
        name = _method(path)
        if name not in _LISTS:
            return None
        if query.get("cursor") == _EMPTY:
            del query["cursor"]
        elif not query.get("cursor") and "inclusive" not in query:
            rows = {
                "conversations.list": "channels",
                "users.list": "members",
                "conversations.members": "members",
            }
            empty = {"ok": True, rows.get(name, "messages"): [], "response_metadata": {"next_cursor": _EMPTY}}
            return said(empty | ({"has_more": True} if name not in rows else {}))
        query["limit"] = "3"
        return None


class Limits(Dialect):
    """Refuses every third question for a moment, in all ways in which that can be said."""

    def __init__(self) -> None:
        no = {"ok": False, "error": "ratelimited"}
        self._turn = every(3)
        self._forms = cycle((
            said(no, 429, Retry_After="0.05"), said(no | {"retry_after": 0.05}), said("Too Many Requests", 429, retry_after="0"),
            said(no | {"error": "rate_limited", "retry_after": "0"}, 429), said("", 429, RETRY_AFTER="0.02"),
        ))  # fmt: skip

    def asked(self, method: str, path: str, query: MultiDict[str]) -> Said | None:
        del method, query
        return next(self._forms) if "/api/" in path and next(self._turn) else None


class Sockets(Dialect):
    """Asks again and again to be connected anew, repeats itself, and tells late."""

    def __init__(self) -> None:
        self._turn = every(5)
        self._reasons = cycle(("warning", "refresh_requested"))
        self._late: list[Json] = []
        self._count = 0

    def frame(self, frame: Json) -> list[Json]:
        if frame["type"] != "events_api":
            return [frame]
        self._count += 1
        again = frame | {"envelope_id": f"again-{self._count}", "retry_attempt": 1, "retry_reason": "timeout"}
        again["payload"] = frame["payload"] | {"event_id": f"EvAgain{self._count}"}
        if self._count > 20 or not next(self._turn):
            return [frame, again]
        goodbye = {"type": "disconnect", "reason": next(self._reasons), "debug_info": {"host": "applink-2"}}
        return [again, goodbye]


DIALECTS: dict[str, type[Dialect]] = {
    "strict": Strict, "sparse": Sparse, "null": Null, "wordy": Wordy, "pages": Pages, "limits": Limits, "sockets": Sockets
}  # fmt: skip
