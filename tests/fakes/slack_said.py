"""What the fake workspace does with what an app says: messages, ephemeral ones, direct ones, modals, files."""

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.fakes.slack_blocks import Wrong, check_message
from tests.fakes.slack_room import BOT_USER

if TYPE_CHECKING:
    from tests.fakes.slack import FakeSlack
    from tests.fakes.slack_room import Room

Row = dict[str, Any]


class No(Exception):
    """The answer is ok: false."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.body = {"ok": False, "error": error, **more}


class Said:
    """The half of the Web API that says something."""

    slack: "FakeSlack"
    files: dict[str, Row]
    shared: list[Row]

    def _room(self, params: Row, *, reading: bool = True) -> "Room":
        room = self.slack.rooms.get(str(params["channel"]).lstrip("#"))
        if room is None or (room.private and not room.member):
            raise No("channel_not_found")
        if reading and not room.member:
            raise No("not_in_channel")
        return room

    @staticmethod
    def _message(params: Row) -> Row:
        """What is to be said; whatever Slack does not take is declined."""
        message = {"text": params.get("text", "")}
        message |= {key: loaded(params[key]) for key in ("blocks", "metadata") if params.get(key)}
        try:
            check_message(message)
        except Wrong as wrong:
            raise No(wrong.error, response_metadata={"messages": [f"[ERROR] {wrong.why}"]}) from None
        return message

    # --- messages ---------------------------------------------------------------------------------------------

    def _chat_postMessage(self, params: Row) -> Row:  # noqa: N802 - Slack's name
        message = self._message(params)
        if str(params["channel"])[:1] in {"D", "U", "W"}:
            return self.slack.talk.direct(str(params["channel"]), message)
        room = self._room(params)
        if room.archived:
            raise No("is_archived")
        thread = params.get("thread_ts")
        if thread and thread not in room.rows:
            raise No("thread_not_found")
        id_ = self.slack.say(
            room.id, BOT_USER, str(message.pop("text")), thread=f"{room.id}:{thread}" if thread else None,
            app_id="A0SPACES", **message,
        )  # fmt: skip
        ts = id_.partition(":")[2]
        return {"channel": room.id, "ts": ts, "message": room.rows[ts]}

    def _chat_postEphemeral(self, params: Row) -> Row:  # noqa: N802 - Slack's name
        message, user = self._message(params), str(params["user"])
        room = self._room(params)
        if room.archived:
            raise No("is_archived")
        if user not in self.slack.talk.inside(room):
            raise No("user_not_in_channel")
        thread = params.get("thread_ts")
        if thread and thread not in room.rows:
            raise No("thread_not_found")
        return {"message_ts": self.slack.talk.show(user, room.id, message, thread)}

    def _chat_update(self, params: Row) -> Row:
        room, ts = self._room(params), str(params["ts"])
        if ts not in room.rows or room.rows[ts].get("user") != BOT_USER:
            raise No("message_not_found" if ts not in room.rows else "cant_update_message")
        message = self._message(params)
        room.rows[ts] |= {key: message[key] for key in ("blocks", "metadata") if key in message}
        self.slack.edit(f"{room.id}:{ts}", str(message["text"]))
        return {"channel": room.id, "ts": ts, "text": message["text"], "message": room.rows[ts]}

    # --- people and menus -------------------------------------------------------------------------------------

    def _conversations_open(self, params: Row) -> Row:
        return {"channel": {"id": self.slack.talk.conversation(str(params["users"]))}}

    def _views_open(self, params: Row) -> Row:
        return {"view": self.slack.talk.open(str(params["trigger_id"]), loaded(params["view"]))}

    def _views_update(self, params: Row) -> Row:
        return {"view": self.slack.talk.update(str(params["view_id"]), loaded(params["view"]))}

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
        channel, thread = str(params["channel_id"]), params.get("thread_ts")
        room = None if channel[:1] == "D" else self._room({"channel": channel})
        files = []
        for told in loaded(params["files"]):
            file = self.files[told["id"]]
            if "content" not in file:
                raise No("file_not_found")
            files.append({"id": file["id"], "name": file["name"], "title": told.get("title")})
        self.shared.append({"channel": channel, "thread_ts": thread, "files": files})
        if room is not None:
            self.slack.say(room.id, BOT_USER, "", thread=f"{room.id}:{thread}" if thread else None,
                           subtype="file_share", files=files)  # fmt: skip
        self.slack.talk.said()
        return {"files": files}


def loaded(value: Any) -> Any:
    """JSON that came as text, or came already read."""
    return json.loads(value) if isinstance(value, str) else value
