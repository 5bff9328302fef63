"""What Slack takes in Block Kit, for messages and for modals; anything else it declines, as here."""

import json
from typing import Any

Row = dict[str, Any]

TOTAL = 13_200
"""Characters of all blocks of a message together, their containers included: measured by others, told nowhere."""


class Wrong(Exception):
    """The answer is this error."""

    def __init__(self, error: str, why: str = "") -> None:
        super().__init__(error)
        self.error, self.why = error, why


def size(text: str) -> int:
    """Characters, where those outside the first plane are two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def check_message(message: Row) -> None:
    """Raise what Slack answers to a message that it does not take."""
    blocks, text = message.get("blocks"), message.get("text")
    if text is not None and not isinstance(text, str):
        raise Wrong("invalid_arguments", "text is no text")
    if not text and not blocks:
        raise Wrong("no_text")
    if blocks is None:
        return
    if not isinstance(blocks, list) or len(blocks) > 50:
        raise Wrong("invalid_blocks", "more than 50 blocks")
    if len(json.dumps(blocks, ensure_ascii=False)) > TOTAL:
        raise Wrong("msg_blocks_too_long")
    for block in blocks:
        _block(block, where="message")
    _once(blocks)


def check_view(view: Row) -> None:
    """Raise what Slack answers to a modal that it does not take."""
    _need(view.get("type") == "modal", "no modal")
    _plain(view["title"], 24)
    for button in ("submit", "close"):
        if button in view:
            _plain(view[button], 24)
    _need(len(view.get("private_metadata", "")) <= 3000, "private_metadata")
    _need(len(view.get("callback_id", "")) <= 255, "callback_id")
    _need(1 <= len(view["blocks"]) <= 100, "blocks")
    for block in view["blocks"]:
        _block(block, where="modal")
    _need(
        any(block["type"] == "input" for block in view["blocks"]) <= ("submit" in view), "submit is missing"
    )
    _once(view["blocks"])


def _need(holds: bool, what: str) -> None:
    if not holds:
        raise Wrong("invalid_blocks", what)


def _once(blocks: list[Row]) -> None:
    named = [block["block_id"] for block in blocks if "block_id" in block]
    _need(len(named) == len(set(named)), "a block_id twice")


def _block(block: Row, *, where: str) -> None:
    match block.get("type"):
        case "header":
            _plain(block["text"], 150)
        case "section":
            _section(block)
        case "context":
            _need(1 <= len(block["elements"]) <= 10, "elements of a context")
            for element in block["elements"]:
                _text(element, 3000)
        case "divider":
            pass
        case "image":
            _need(1 <= size(block["alt_text"]) <= 2000, "alt_text")
        case "actions":
            _need(1 <= len(block["elements"]) <= 25, "elements of actions")
            for element in block["elements"]:
                _button(element)
            ids = [element["action_id"] for element in block["elements"]]
            _need(len(ids) == len(set(ids)), "an action_id twice")
        case "input" if where == "modal":
            _plain(block["label"], 2000)
            _select(block["element"])
        case kind:
            raise Wrong("invalid_blocks", f"unsupported type: {kind}")


def _section(block: Row) -> None:
    fields = block.get("fields", [])
    _need("text" in block or bool(fields), "neither text nor fields")
    _need(len(fields) <= 10, "fields of a section")
    if "text" in block:
        _text(block["text"], 3000)
    for field in fields:
        _text(field, 2000)


def _button(element: Row) -> None:
    _need(element.get("type") == "button", "no button")
    _plain(element["text"], 75)
    _need(1 <= len(element["action_id"]) <= 255, "action_id")
    _need(size(element.get("value", "")) <= 2000, "value")


def _select(element: Row) -> None:
    _need(element.get("type") == "static_select", "no select")
    _need(1 <= len(element["action_id"]) <= 255, "action_id")
    _need(1 <= len(element["options"]) <= 100, "options")
    for option in element["options"]:
        _plain(option["text"], 75)
        _need(1 <= size(option["value"]) <= 150, "value of an option")
    values = [option["value"] for option in element["options"]]
    _need(len(values) == len(set(values)), "an option twice")
    if "placeholder" in element:
        _plain(element["placeholder"], 150)


def _plain(told: Row, most: int) -> None:
    _need(told.get("type") == "plain_text", "no plain_text")
    _text(told, most)


def _text(told: Row, most: int) -> None:
    _need(told.get("type") in {"plain_text", "mrkdwn"}, "no text")
    _need(
        isinstance(told.get("text"), str) and 1 <= size(told["text"]) <= most,
        f"must be 1 to {most} characters",
    )
