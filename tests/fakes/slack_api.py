"""Slack's Web API as the fake workspace answers it: cursors, limits, refusals and faults."""

import asyncio
import base64
import bisect
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from tests.fakes.slack import FakeSlack
    from tests.fakes.slack_room import Room

Row = dict[str, Any]

_NEEDS = {
    "conversations.list": "channels:read", "conversations.info": "channels:read", "conversations.members": "channels:read",
    "conversations.history": "channels:history", "conversations.replies": "channels:history",
    "usergroups.list": "usergroups:read", "users.list": "users:read", "users.info": "users:read", "reactions.get": "reactions:read",
    "chat.postMessage": "chat:write", "chat.update": "chat:write",
    "files.getUploadURLExternal": "files:write", "files.completeUploadExternal": "files:write",
}  # fmt: skip


class No(Exception):
    """The answer is ok: false."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.body = {"ok": False, "error": error, **more}


class Api:
    """Answers requests."""

    def __init__(self, slack: "FakeSlack") -> None:
        self.slack = slack
        self.limits: list[float] = []
        self.faults: list[bool] = []
        self.files: dict[str, Row] = {}
        self.shared: list[Row] = []
        self.errors: dict[str, str] = {}
        """Method -> the error it always answers."""
        self.date: str | None = None
        self._turn = 0

    # --- requests, limits and faults --------------------------------------------------------------------------

    async def answer(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        params = await _params(request)
        self.slack.requests.append((request.method, method, params))
        if self.limits:
            return self._limited(self.limits.pop(0))
        fault = self.faults.pop(0) if self.faults else None
        chaos = self.slack.chaos
        if fault is None and chaos.on and chaos.random.random() < chaos.rate:
            kind = chaos.random.choice(["429", "5xx", "5xx after effect", "slow"])
            chaos.seen.append(kind)
            if kind == "429":
                return self._limited(0.05)
            if kind == "slow":
                await asyncio.sleep(0.1)
            else:
                fault = kind == "5xx after effect"
        if fault is False:
            return self._failing(request)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or str(
            params.get("token", "")
        )
        try:
            body = {"ok": True, **self._done(method, token, params)}
        except No as no:
            body = no.body
        except (KeyError, ValueError) as missing:
            body = {
                "ok": False,
                "error": "invalid_arguments",
                "response_metadata": {"messages": [str(missing)]},
            }
        if fault:
            return self._failing(request)
        response = web.json_response(body, headers={"x-oauth-scopes": self.slack.scopes})
        if self.date:
            response.headers["Date"] = self.date
        return response

    def _limited(self, seconds: float) -> web.Response:
        self._turn += 1
        headers = {"Retry-After": f"{seconds:g}"}
        body = {"ok": False, "error": "ratelimited"}
        match self._turn % 3:
            case 0:
                return web.json_response(body, status=429, headers=headers)
            case 1:
                return web.Response(
                    text="<html>too many</html>", content_type="text/html", status=429, headers=headers
                )
        return web.json_response(body, headers=headers)

    def _failing(self, request: web.Request) -> web.Response:
        self._turn += 1
        match self._turn % 4:
            case 0:
                return web.Response(text="upstream connect error", content_type="text/html", status=503)
            case 1:
                return web.json_response({"ok": False, "error": "internal_error"}, status=500)
            case 2:
                return web.json_response({"ok": False, "error": "fatal_error"})
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    def _done(self, method: str, token: str, params: Row) -> Row:
        slack = self.slack
        if slack.revoked:
            raise No("token_revoked")
        wanted = slack.secrets["app_token" if method.startswith("apps.") else "bot_token"]
        if token != wanted:
            raise No("not_allowed_token_type" if token[:5] in {"xoxb-", "xapp-", "xoxp-"} else "invalid_auth")
        if method in self.errors:
            raise No(self.errors[method])
        need = _NEEDS.get(method)
        scopes = slack.scopes.split(",")
        if need and need not in scopes:
            raise No("missing_scope", needed=need, provided=slack.scopes)
        act: Callable[[Row], Row] | None = getattr(self, "_" + method.replace(".", "_"), None)
        if act is None:
            raise No("unknown_method")
        return act(params)

    # --- who and where ----------------------------------------------------------------------------------------

    def _auth_test(self, _: Row) -> Row:
        return {"url": "https://acme.slack.com/", "team": "Acme", "user": "spaces", "team_id": "T0COMMUNITY",
                "user_id": "U0SPACESBOT", "bot_id": "B0SPACESBOT", "is_enterprise_install": False}  # fmt: skip

    def _apps_connections_open(self, _: Row) -> Row:
        return {"url": self.slack.wire.ticket()}

    def _conversations_list(self, params: Row) -> Row:
        types = str(params.get("types") or "public_channel").split(",")
        if "private_channel" in types and "groups:read" not in self.slack.scopes:
            raise No("missing_scope", needed="groups:read", provided=self.slack.scopes)
        rooms = [room for room in self.slack.rooms.values()
                 if ("private_channel" if room.private else "public_channel") in types
                 and (room.member or not room.private)]  # fmt: skip
        found, metadata = self._page([room.told() for room in rooms], params)
        return {"channels": found, "response_metadata": metadata}

    def _conversations_info(self, params: Row) -> Row:
        return {"channel": self._room(params, reading=False).told()}

    def _conversations_members(self, params: Row) -> Row:
        self._room(params, reading=False)
        found, metadata = self._page(sorted(self.slack.users), params)
        return {"members": found, "response_metadata": metadata}

    def _users_list(self, params: Row) -> Row:
        shown = [user for id_, user in self.slack.users.items() if id_ not in self.slack.hidden_users]
        found, metadata = self._page(shown, params)
        return {"members": found, "cache_ts": 1600000000, "response_metadata": metadata}

    def _usergroups_list(self, params: Row) -> Row:
        whole = str(params.get("include_users")) in {"1", "true", "True"}
        return {"usergroups": [
            row if whole else {key: value for key, value in row.items() if key != "users"}
            for row in self.slack.groups.values() if not row["date_delete"]
        ]}  # fmt: skip

    def _users_info(self, params: Row) -> Row:
        if (user := self.slack.users.get(str(params["user"]))) is None:
            raise No("user_not_found")
        return {"user": user}

    def _room(self, params: Row, *, reading: bool = True) -> "Room":
        room = self.slack.rooms.get(str(params["channel"]).lstrip("#"))
        if room is None or (room.private and not room.member):
            raise No("channel_not_found")
        if reading and not room.member:
            raise No("not_in_channel")
        return room

    def _page(self, rows: list[Any], params: Row) -> tuple[list[Any], Row]:
        limit = min(int(params.get("limit") or 100), self.slack.page_limit)
        begin = int(_cursor(params) or 0)
        after = begin + limit
        return rows[begin:after], {"next_cursor": _token(str(after)) if after < len(rows) else ""}

    # --- messages ---------------------------------------------------------------------------------------------

    def _conversations_history(self, params: Row) -> Row:
        room = self._room(params)
        stamps = _between(room.top(), params)
        limit = min(int(params.get("limit") or 100), self.slack.page_limit)
        if cursor := _cursor(params):
            stamps = stamps[: bisect.bisect_left(stamps, _stamp(cursor), key=_stamp)]
        # Without `latest` the page lies at the other end of the time that is asked for.
        forward = params.get("oldest") and not params.get("latest") and not cursor
        chosen = stamps[:limit] if forward else stamps[-limit:]
        more = len(stamps) > len(chosen)
        rows = [self._shown(room.rows[ts], params) for ts in reversed(chosen)]
        metadata = {"next_cursor": _token(chosen[0]) if more and not forward and self.slack.cursors else ""}
        return {"messages": rows, "has_more": more, "pin_count": 0, "response_metadata": metadata,
                "channel_actions_ts": None, "channel_actions_count": 0}  # fmt: skip

    def _conversations_replies(self, params: Row) -> Row:
        room, ts = self._room(params), str(params["ts"])
        row = room.rows.get(ts)
        if row is None:
            raise No("thread_not_found")
        if row.get("thread_ts") != ts:
            return {"messages": [self._shown(row, params)], "has_more": False}
        stamps = _between([reply["ts"] for reply in room.replies(ts)], params)
        if cursor := _cursor(params):
            stamps = [at for at in stamps if _stamp(at) > _stamp(cursor)]
        limit = max(1, min(int(params.get("limit") or 1000), self.slack.page_limit) - 1)
        chosen, more = stamps[:limit], len(stamps) > limit
        rows = [self._shown(room.rows[at], params) for at in (ts, *chosen)]
        return {
            "messages": rows,
            "has_more": more,
            "response_metadata": {"next_cursor": _token(chosen[-1]) if more and self.slack.cursors else ""},
        }

    @staticmethod
    def _shown(row: Row, params: Row) -> Row:
        everything = str(params.get("include_all_metadata")) in {"1", "true", "True"}
        return (
            row
            if everything or "metadata" not in row
            else {key: value for key, value in row.items() if key != "metadata"}
        )

    def _reactions_get(self, params: Row) -> Row:
        room, ts = self._room(params), str(params["timestamp"])
        if ts not in room.rows:
            raise No("message_not_found")
        return {"type": "message", "channel": room.id, "message": room.rows[ts]}

    def _chat_postMessage(self, params: Row) -> Row:  # noqa: N802 - Slack's name
        room = self._room(params)
        if room.archived:
            raise No("is_archived")
        more = {key: _loaded(params[key]) for key in ("blocks", "metadata") if params.get(key)}
        if not params.get("text") and "blocks" not in more:
            raise No("no_text")
        if len(more.get("blocks", [])) > 50:
            raise No("invalid_blocks")
        thread = params.get("thread_ts")
        if thread and thread not in room.rows:
            raise No("thread_not_found")
        more["app_id"] = "A0SPACES"
        id_ = self.slack.say(
            room.id,
            "U0SPACESBOT",
            str(params.get("text", "")),
            thread=f"{room.id}:{thread}" if thread else None,
            **more,
        )
        ts = id_.partition(":")[2]
        return {"channel": room.id, "ts": ts, "message": room.rows[ts]}

    def _chat_update(self, params: Row) -> Row:
        room, ts = self._room(params), str(params["ts"])
        if ts not in room.rows or room.rows[ts].get("user") != "U0SPACESBOT":
            raise No("message_not_found" if ts not in room.rows else "cant_update_message")
        for key in ("blocks", "metadata"):
            if params.get(key):
                room.rows[ts][key] = _loaded(params[key])
        self.slack.edit(f"{room.id}:{ts}", str(params.get("text", "")))
        return {"channel": room.id, "ts": ts, "text": params.get("text", ""), "message": room.rows[ts]}

    # --- files ------------------------------------------------------------------------------------------------

    def _files_getUploadURLExternal(self, params: Row) -> Row:  # noqa: N802 - Slack's name
        id_ = f"F0{len(self.files):06d}"
        self.files[id_] = {
            "id": id_,
            "name": params["filename"],
            "length": int(params["length"]),
            "alt": params.get("alt_txt"),
        }
        return {"upload_url": f"{self.slack.address}/upload/{id_}", "file_id": id_}

    async def upload(self, request: web.Request) -> web.Response:
        file = self.files[request.match_info["file"]]
        file["content"] = await request.read()
        if len(file["content"]) != file["length"]:
            return web.Response(status=400, text="wrong length")
        return web.Response(text=f"OK - {file['length']}")

    def _files_completeUploadExternal(self, params: Row) -> Row:  # noqa: N802 - Slack's name
        room = self._room({"channel": params["channel_id"]})
        files = []
        for told in _loaded(params["files"]):
            file = self.files[told["id"]]
            if "content" not in file:
                raise No("file_not_found")
            files.append({"id": file["id"], "name": file["name"], "title": told.get("title")})
        self.shared.append({"channel": room.id, "thread_ts": params.get("thread_ts"), "files": files})
        thread = params.get("thread_ts")
        self.slack.say(room.id, "U0SPACESBOT", "", thread=f"{room.id}:{thread}" if thread else None,
                       subtype="file_share", files=files)  # fmt: skip
        return {"files": files}


async def _params(request: web.Request) -> Row:
    params: Row = dict(request.query)
    if request.content_type == "application/json":
        params |= await request.json()
    elif request.method == "POST":
        params |= dict(await request.post())
    return params


def _loaded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _stamp(ts: str) -> tuple[int, int]:
    seconds, _, micros = ts.partition(".")
    return int(seconds), int(micros.ljust(6, "0")[:6] or 0)


def _between(stamps: list[str], params: Row) -> list[str]:
    inclusive = str(params.get("inclusive")) in {"1", "true", "True"}
    oldest = _stamp(str(params["oldest"])) if params.get("oldest") else (0, 0)
    latest = _stamp(str(params["latest"])) if params.get("latest") else (9_999_999_999, 0)
    begin = (bisect.bisect_left if inclusive else bisect.bisect_right)(stamps, oldest, key=_stamp)
    end = (bisect.bisect_right if inclusive else bisect.bisect_left)(stamps, latest, key=_stamp)
    return stamps[begin:end]


def _token(position: str) -> str:
    return base64.b64encode(f"next:{position}".encode()).decode()


def _cursor(params: Row) -> str:
    if not (cursor := params.get("cursor")):
        return ""
    try:
        return base64.b64decode(str(cursor)).decode().removeprefix("next:")
    except ValueError:
        raise No("invalid_cursor") from None
