"""Messages and their labels as lines of JSON: what `spaces classify` reads and writes."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from bot.classifiers import UNSURE
from bot.classifiers.stream import Labelled, Said

_TEXTS = ("author", "channel", "thread", "reply_to", "title", "platform")


def read_line(line: bytes) -> Said:
    """One message.

    Raises:
        ValueError: it is no message; says what is wrong and the cure.
    """
    try:
        told = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise ValueError("it is no JSON. Write one object a line.") from None
    if not isinstance(told, Mapping) or "id" not in told or "text" not in told:
        raise ValueError('it is no message. Write {"id": "1", "text": "..."}.')
    if told.get("reply_to") == told["id"]:  # some say so of what begins a conversation
        told = {**told, "reply_to": None}
    text = told["text"]
    if text is not None and not isinstance(text, str):
        raise ValueError('its "text" is no text. Put it in quotes.')
    return Said(
        _text(told["id"]) or "", text or "", _moment(told.get("at")),
        **{name: _text(told.get(name)) for name in _TEXTS},
        is_bot=told.get("is_bot") is True or told.get("bot") is True,
    )  # fmt: skip


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def _moment(value: Any) -> datetime | None:
    """A moment as ISO text or as seconds since 1970; None where it is neither."""
    try:
        if isinstance(value, str) and not value.replace(".", "", 1).isdigit():
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return None if value is None else datetime.fromtimestamp(float(value), UTC)
    except (ValueError, OverflowError, OSError, TypeError):
        return None


def write_line(found: Labelled) -> bytes:
    """What was found for a message, with its end of line."""
    given = [verdict for verdict in found.verdicts if verdict.decided_by != UNSURE]
    unsure = [verdict for verdict in found.verdicts if verdict.decided_by == UNSURE]
    told = {
        "id": found.id,
        "labels": found.probabilities,
        "tags": [verdict.label for verdict in given],
        "language": found.language or None,
        "reply_to": found.reply_to,
        "reasons": [f"{verdict.label}: {verdict.why}" for verdict in given],
        "unsure": [verdict.label for verdict in unsure],
    }
    return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)
