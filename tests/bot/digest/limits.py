"""What Slack and Discord take at most, and what no text of ours may hold there."""

import re
from typing import Any

from bot.digest.render.fitting import size


def unescaped(text: str) -> str:
    """What is left of Discord's markdown without what is only shown."""
    return re.sub(r"\\[^0-9A-Za-z\s]", "x", text)


def discord_marks(text: str) -> list[str]:
    return re.findall(r"\*\*|\]\(https?://[^()\s]+\)|[*_~`|<>\[#]", unescaped(text))


def strings(found: Any) -> list[str]:
    if isinstance(found, dict):
        return [text for value in found.values() for text in strings(value)]
    if isinstance(found, list):
        return [text for value in found for text in strings(value)]
    return [found] if isinstance(found, str) else []


# Slack


def slack_texts(payload: dict[str, Any]) -> list[str]:
    parts = [block["text"] for block in payload["blocks"] if "text" in block]
    parts += [element for block in payload["blocks"] for element in block.get("elements", ())]
    return [part["text"] for part in parts if part["type"] == "mrkdwn"]


def slack_shape(text: str) -> list[str]:
    """The marks of a mrkdwn text that Slack would act on."""
    return re.findall(r"<[^<>|]*\||[<>*~`]|(?<![^\W_])_|_(?![^\W_])", text)


def check_slack(payload: dict[str, Any]) -> None:
    blocks = payload["blocks"]
    assert payload["text"]
    assert 1 <= len(blocks) <= 50
    assert blocks[0]["type"] == "header"
    assert 1 <= size(blocks[0]["text"]["text"]) <= 150
    for block in blocks[1:]:
        assert block["type"] in {"section", "context"}
        parts = [block["text"]] if block["type"] == "section" else block["elements"]
        assert len(parts) <= 10
        for part in parts:
            assert part["verbatim"] is True
            assert 1 <= size(part["text"]) <= (3000 if block["type"] == "section" else 2000)
    assert sum(size(text) for text in strings(payload)) < 40_000
    for text in slack_texts(payload):
        # Every angle bracket is a whole link of ours, every ampersand a whole entity.
        assert not re.search("[<>]", re.sub(r"<https?://[^<>|]+\|[^<>|]+>", "", text))
        assert not re.search("&(?!amp;|lt;|gt;)", text)


def discord_texts(payload: dict[str, Any]) -> list[str]:
    """All texts that Discord reads as its markdown: everything but the footer."""
    (embed,) = payload["embeds"]
    fields = [text for field in embed["fields"] for text in (field["name"], field["value"])]
    return [payload["content"], embed["title"], embed["description"], *fields]


def check_discord(payload: dict[str, Any]) -> None:
    (embed,) = payload["embeds"]
    assert payload["allowed_mentions"] == {"parse": []}
    assert 1 <= size(payload["content"]) <= 2000
    assert 1 <= size(embed["title"]) <= 256
    assert 1 <= size(embed["description"]) <= 4096
    assert 1 <= size(embed["footer"]["text"]) <= 2048
    assert len(embed["fields"]) <= 25
    for field in embed["fields"]:
        assert 1 <= size(field["name"]) <= 256
        assert 1 <= size(field["value"]) <= 1024
    texts = [embed["title"], embed["description"], embed["footer"]["text"]]
    texts += [text for field in embed["fields"] for text in (field["name"], field["value"])]
    assert sum(map(size, texts)) <= 6000
    for text in discord_texts(payload):
        marks = discord_marks(text)
        # Every mark of ours is closed, every link has its address.
        assert marks.count("**") % 2 == marks.count("*") % 2 == 0
        assert marks.count("[") == len([mark for mark in marks if mark.startswith("]")])
        assert not unescaped(text).endswith("\\")
