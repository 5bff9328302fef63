"""The forms of what we say on Discord: buttons under a message, and an answer cut into messages."""

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.discord_commands import clip
from connectors.markdown import defuse, size, split
from connectors.records import Button, Reply

PICTURE = "spaces.png"
SILENT: dict[str, Any] = {"allowed_mentions": {"parse": [], "replied_user": False}}
_PRESSED = "say:"
_CUSTOM_ID, _LABEL, _CONTENT, _ALT = 100, 80, 2000, 1024
_ROWS = _IN_A_ROW = 5
_GREY = 2
_EMBEDS = 10


def rows(buttons: Iterable[Button]) -> list[dict[str, Any]]:
    """Buttons as components. One whose command is too long for Discord, or is there already, is left out."""
    by_id = {f"{_PRESSED}{button.text}": button for button in buttons}
    pressed = [
        {"type": 2, "style": _GREY, "label": clip(button.title, _LABEL), "custom_id": id_}
        for id_, button in by_id.items()
        if size(id_) <= _CUSTOM_ID
    ][: _ROWS * _IN_A_ROW]
    return [
        {"type": 1, "components": pressed[at : at + _IN_A_ROW]} for at in range(0, len(pressed), _IN_A_ROW)
    ]


def pressed(custom_id: str) -> str | None:
    """The command of a button of ours; None for anything else."""
    return custom_id.removeprefix(_PRESSED) if custom_id.startswith(_PRESSED) else None


def bodies(reply: Reply) -> list[dict[str, Any]]:
    """The messages of an answer, at least one: in its own form where it has one, else its text within the limits."""
    payload = reply.payload or {}
    if payload.get("embeds"):
        found = [
            SILENT
            | {"content": str(payload.get("content") or ""), "embeds": _embeds(payload["embeds"], reply)}
        ]
    else:
        heading = f"**{defuse(reply.title)}**\n" if reply.title else ""
        text = f"{heading}{defuse(reply.text)}"
        found = [SILENT | {"content": piece, "embeds": []} for piece in split(text, _CONTENT) or ["…"]]
    if reply.picture:
        found[0] |= {"attachments": [{"id": 0, "filename": PICTURE, "description": reply.alt[:_ALT]}]}
    found[-1] |= {"components": rows(reply.buttons)}
    return found


def _embeds(embeds: Iterable[Mapping[str, Any]], reply: Reply) -> list[dict[str, Any]]:
    found = [dict(embed) for embed in embeds][:_EMBEDS]
    for embed in found:
        # A picture that is not sent along would be shown as broken.
        if not reply.picture and str((embed.get("image") or {}).get("url")).startswith("attachment:"):
            del embed["image"]
    return found
