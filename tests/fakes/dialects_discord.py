"""Other Discords: as the published description of the API and the documentation of the gateway allow them."""

from itertools import cycle
from typing import Any

from multidict import MultiDict

from tests.fakes import discord_shapes as shapes
from tests.fakes.dialects import Dialect, Json, Said, altered, every, said, without, wordy

Row = dict[str, Any]
_EVENT = 0
_INVENTED = "1299999999999999999"


def _is_message(row: Row) -> bool:
    return "author" in row and "channel_id" in row


class Described(Dialect):
    """Has what the API's description has, and nothing else: no older paths, no optional fields, no compression."""

    compresses = False
    ill = frozenset({"knows no roles"})

    def asked(self, method: str, path: str, query: MultiDict[str]) -> Said | None:
        del method, query
        if path.endswith("/oauth2/applications/@me"):
            return said({"message": "404: Not Found", "code": 0}, 404)
        return None

    def told(self, path: str, query: MultiDict[str], said: Said) -> Said:
        del query
        for header in [name for name in said.headers if name.startswith("X-RateLimit")]:
            del said.headers[header]
        body = altered(said.body, self._bare)
        if path.endswith("/applications/@me"):
            # What its flags mean is not described.
            body = without(body, "bot_public", "bot_require_code_grant", "rpc_origins") | {
                "flags": 0,
                "flags_new": "0",
            }
        return said._replace(body=body)

    def frame(self, frame: Json) -> list[Json]:
        if not isinstance(frame["d"], dict):
            return [frame]
        data = altered(frame["d"], self._bare)
        match frame["t"]:
            case "READY":
                address = data["resume_gateway_url"].partition("/gateway")[0]
                data = {key: data[key] for key in ("v", "user", "guilds", "session_id")}
                data |= {"resume_gateway_url": address, "application": {"id": shapes.APPLICATION}}
            case "RESUMED":
                data = None
            case "INTERACTION_CREATE":
                wanted = (
                    "id",
                    "application_id",
                    "type",
                    "token",
                    "version",
                    "data",
                    "guild_id",
                    "channel_id",
                    "member",
                    "user",
                )
                data = {key: data[key] for key in wanted if key in data}
        return [frame | {"d": data}]

    @staticmethod
    def _bare(row: Row) -> Row:
        if _is_message(row):
            return without(
                row, "member", "mentions", "mention_roles", "nonce", "components", "flags", "guild_id_"
            )
        if "permission_overwrites" in row:
            return without(row, "guild_id", "topic", "nsfw", "rate_limit_per_user", "last_message_id")
        if "thread_metadata" in row:
            meta = {
                key: row["thread_metadata"][key]
                for key in ("archived", "archive_timestamp", "locked", "auto_archive_duration")
            }
            return without(row, "last_message_id", "rate_limit_per_user", "newly_created") | {
                "thread_metadata": meta
            }
        if "username" in row:
            row = without(row, "primary_guild", "public_flags", "flags")
            return row if row["bot"] else without(row, "bot")
        return row


class Null(Dialect):
    """Says of everything optional that it is nothing."""

    def told(self, path: str, query: MultiDict[str], said: Said) -> Said:
        del path, query
        return said._replace(body=altered(said.body, self._null))

    def frame(self, frame: Json) -> list[Json]:
        return [frame | {"d": altered(frame["d"], self._null)}]

    @staticmethod
    def _null(row: Row) -> Row:
        if _is_message(row):
            nothing = (
                "message_reference", "webhook_id", "application_id", "nonce", "reactions", "referenced_message", "thread", "poll",
                "interaction_metadata", "sticker_items", "message_snapshots", "position", "activity", "call", "member",
            )  # fmt: skip
            return dict.fromkeys(nothing) | row
        if "permission_overwrites" in row:
            return (
                dict.fromkeys(("available_tags", "last_pin_timestamp", "applied_tags", "thread_metadata"))
                | row
            )
        if "thread_metadata" in row:
            return dict.fromkeys(("member", "applied_tags", "last_pin_timestamp", "newly_created")) | row
        if "username" in row:
            return row | {"global_name": None, "bot": row["bot"] or None, "system": None, "banner": None}
        if "hoist" in row:
            return {"tags": None} | row
        return row


class Wordy(Dialect):
    """Says more than anybody has heard of, and wants to hear our heart now and then."""

    def told(self, path: str, query: MultiDict[str], said: Said) -> Said:
        del path, query
        said.headers["Content-Type"] = "application/json; charset=utf-8"
        return said._replace(body=altered(said.body, wordy) if said.status < 300 else said.body)

    def frame(self, frame: Json) -> list[Json]:
        if frame["op"] != _EVENT:
            return [
                frame
                | {"d": wordy(frame["d"]) if isinstance(frame["d"], dict) else frame["d"], "_trace": ["x"]}
            ]
        typing = {"op": 0, "t": "HAMSTER_RUN", "s": None, "d": {"guild_id": shapes.GUILD, "user_id": "1"}}
        heart = {"op": 1, "t": None, "s": None, "d": None}
        odd: Row = {"op": 31, "t": None, "s": None, "d": {}}
        return [frame | {"d": altered(frame["d"], wordy)}, typing, heart, odd]


class Pages(Dialect):
    """Gives three rows where a hundred are asked for, the oldest first, and lists no members."""

    ill = frozenset({"knows no roles"})

    def prepare(self, fake: Any) -> None:
        fake.archive_page = 2

    def asked(self, method: str, path: str, query: MultiDict[str]) -> Said | None:
        if method == "GET" and path.endswith("/members"):
            return said({"code": 50001, "message": "Missing Access"}, 403)
        if method == "GET" and path.endswith("/messages") and "limit" in query:
            query["limit"] = "3"
        return None

    def told(self, path: str, query: MultiDict[str], said: Said) -> Said:
        del query
        if path.endswith("/messages") and isinstance(said.body, list):
            return said._replace(body=said.body[::-1])
        return said


class Homeless(Dialect):
    """Several servers, of which the events seldom say which one they are of; threads come in lists."""

    def prepare(self, fake: Any) -> None:
        fake.guilds.append(shapes.OTHER)

    def frame(self, frame: Json) -> list[Json]:
        kind, data = frame["t"], frame["d"]
        if kind == "READY":
            gone = [{"id": id_, "unavailable": True} for id_ in (shapes.OTHER, shapes.GUILD)]
            return [frame | {"d": data | {"guilds": gone}}]
        if kind == "THREAD_CREATE":
            thread = without(data, "newly_created")
            whole = {
                "guild_id": shapes.GUILD,
                "channel_ids": [data["parent_id"]],
                "threads": [thread],
                "members": [],
            }
            return [frame | {"t": "THREAD_LIST_SYNC", "d": whole}]
        if kind and kind.startswith(("MESSAGE_", "CHANNEL_", "THREAD_")):
            return [frame | {"d": without(data, "guild_id")}]
        return [frame]


class Limits(Dialect):
    """Refuses every sixth question for a moment, in all ways in which that can be said."""

    def __init__(self) -> None:
        self._turn = every(6)
        full = {"message": "You are being rate limited.", "retry_after": 0.02, "global": False, "code": 0}
        self._forms = cycle((
            said(full, 429, Retry_After="1", Via="1.1 google"), said(full | {"global": True}, 429, Via="1.1 google"),
            said(full, 429), said("<html>error 1015</html>", 429, Retry_After="0.02"),
            said(without(full, "code"), 429, X_RateLimit_Reset_After="0.02", X_RateLimit_Scope="shared", Via="1.1 google"),
            said("error code: 1015", 429, Retry_After="0"),
        ))  # fmt: skip

    def asked(self, method: str, path: str, query: MultiDict[str]) -> Said | None:
        del method, query
        return next(self._forms) if next(self._turn) and not path.endswith("/callback") else None

    def told(self, path: str, query: MultiDict[str], said: Said) -> Said:
        del query
        said.headers.update({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "0.01"})
        if path.endswith(("/channels", "/messages")):
            for header in ("X-RateLimit-Reset-After", "X-RateLimit-Reset", "X-RateLimit-Bucket"):
                del said.headers[header]
        return said


class Restless(Dialect):
    """A gateway that is found by asking, ends its sessions all the time, and names Discord's own doors."""

    settings = {"gateway_url": "", "api_url": "http://HERE/api/v9"}  # noqa: RUF012 - read only
    loses = True

    def __init__(self) -> None:
        self._turn = every(6)
        self._ends = cycle((
            {"op": 7, "t": None, "s": None, "d": None}, {"op": 9, "t": None, "s": None, "d": True}, 4000,
            {"op": 9, "t": None, "s": None, "d": False},
        ))  # fmt: skip
        self._left = 8

    def told(self, path: str, query: MultiDict[str], said: Said) -> Said:
        del query
        if path.endswith("/gateway/bot"):
            said.body["url"] = said.body["url"].replace("/gateway", "/")
        return said

    def frame(self, frame: Json) -> list[Json]:
        if frame["t"] == "READY":
            frame["d"]["resume_gateway_url"] = "wss://gateway-us-east1-b.discord.gg"
        if frame["t"] == "RESUMED":
            frame["d"] = {}
        if frame["t"] not in {"MESSAGE_CREATE", "MESSAGE_UPDATE"} or not self._left or not next(self._turn):
            return [frame]
        self._left -= 1
        return [frame, next(self._ends)]


DIALECTS: dict[str, type[Dialect]] = {
    "described": Described, "null": Null, "wordy": Wordy, "pages": Pages, "homeless": Homeless, "limits": Limits,
    "restless": Restless,
}  # fmt: skip
