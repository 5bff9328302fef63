"""What we say as messages in Block Kit, each within Slack's limits, and nothing in them that notifies anyone."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.markdown import defuse, split, to_mrkdwn
from connectors.records import Button, Post, Reply

BUTTON = "spaces_button"
"""What the action ids of our buttons begin with."""

_HEADER, _SECTION, _BLOCKS, _TEXT, _TITLE, _VALUE = 150, 3000, 50, 3500, 75, 2000
_TOTAL = 12_000
"""Bytes of all blocks of a message: Slack refuses somewhat more (msg_blocks_too_long), and tells nowhere how much."""

Message = dict[str, Any]


def messages(said: Post | Reply) -> Iterator[Message]:
    """A post or an answer as messages with `text` and `blocks`; nearly always one. The buttons are under the last."""
    title = defuse(said.title)
    written = to_mrkdwn(defuse(said.text))
    fallback = split(_escaped(title) + "\n\n" + written, _TEXT)
    text = fallback[0] if fallback else _escaped(title) or "-"
    if said.payload is not None:
        blocks = [_harmless(block) for block in said.payload.get("blocks") or ()]
        text = str(_harmless(said.payload.get("text") or text))
    else:
        blocks = [{"type": "header", "text": plain(title, _HEADER)}] if title.strip() else []
        blocks += [
            {"type": "section", "text": {"type": "mrkdwn", "text": piece, "verbatim": True}}
            for piece in split(written, _SECTION)
        ]
    if said.buttons:
        blocks.append(_actions(said.buttons))
    for part in _parts(blocks):
        yield {"text": text, "blocks": part}
    if not blocks:
        yield {"text": text}


def _parts(blocks: Sequence[Message]) -> Iterator[list[Message]]:
    """The blocks by messages: so many, and so long all together."""
    part: list[Message] = []
    used = 0
    for block in blocks:
        size = len(json.dumps(block, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        if part and (len(part) == _BLOCKS or used + size > _TOTAL):
            yield part
            part, used = [], 0
        part.append(block)
        used += size
    if part:
        yield part


def _actions(buttons: Sequence[Button]) -> Message:
    elements = [
        {"type": "button", "text": plain(defuse(button.title), _TITLE), "action_id": f"{BUTTON}_{number}",
         "value": button.text[:_VALUE]}
        for number, button in enumerate(buttons)
    ]  # fmt: skip
    return {"type": "actions", "elements": elements}


def plain(text: str, most: int) -> Message:
    """A text without any markup, cut where it is longer than Slack takes."""
    first, *more = split(" ".join(text.split()) or "-", most - 1)
    return {"type": "plain_text", "text": f"{first}…" if more else first, "emoji": False}


def _harmless(value: Any) -> Any:
    """Block Kit in which nothing notifies anyone; addresses stay as they are."""
    if isinstance(value, str):
        return defuse(value)
    if isinstance(value, list | tuple):
        return [_harmless(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    made = {
        key: item if key.endswith(("url", "_id", "type")) else _harmless(item) for key, item in value.items()
    }
    return made | {"verbatim": True} if made.get("type") == "mrkdwn" else made


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
