"""The modal in which somebody chooses a label for a message, in their own language."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from connectors.records import Choice, Offer
from connectors.slack_answering import Way
from connectors.slack_blocks import plain

SHORTCUT = "spaces_tag"
"""The callback id of the shortcut in the app's manifest, and of its modal."""

TAG, LABEL = "tag", "label"
"""The command whose choices the modal shows, and which of its options they are of."""

_TITLE, _LABEL, _OPTION, _MOST = 24, 2000, 75, 100

_WORDS = {
    "en": {
        "title": "Tag the message", "submit": "Tag", "close": "Cancel",
        "late": "Slack did not open the menu in time. Choose it again, please.",
    },
    "es": {
        "title": "Etiquetar el mensaje", "submit": "Etiquetar", "close": "Cancelar",
        "late": "Slack no abrió el menú a tiempo. Elígelo otra vez, por favor.",
    },
}  # fmt: skip


def spoken(language: str | None) -> str:
    """The one of our languages that is nearest to what somebody's program speaks."""
    code = (language or "").replace("_", "-").partition("-")[0].lower()
    return code if code in _WORDS else "en"


def too_late(language: str | None) -> str:
    """What is said when the modal could not be opened."""
    return _WORDS[spoken(language)]["late"]


def modal(offers: Sequence[Offer], language: str | None, way: Way, ts: str) -> dict[str, Any] | None:
    """The view, which carries the message and the way back to whoever asked; None when there is no label to choose."""
    options = (each for offer in offers if offer.name == TAG for each in offer.options if each.name == LABEL)
    option = next(options, None)
    if option is None or not option.choices:
        return None
    code = spoken(language)
    words = _WORDS[code]
    select = {
        "type": "static_select", "action_id": LABEL,
        "options": [_choice(choice, code) for choice in option.choices[:_MOST]],
    }  # fmt: skip
    label = plain(said(option.words, code) or option.name, _LABEL)
    carried = {
        "channel": way.channel, "ts": ts, "thread": way.thread, "url": way.url, "since": way.since, "uses": way.uses
    }  # fmt: skip
    return {
        "type": "modal", "callback_id": SHORTCUT, "private_metadata": orjson.dumps(carried).decode(),
        "title": plain(words["title"], _TITLE), "submit": plain(words["submit"], _TITLE),
        "close": plain(words["close"], _TITLE),
        "blocks": [{"type": "input", "block_id": LABEL, "label": label, "element": select}],
    }  # fmt: skip


def said(words: Mapping[str, str], code: str) -> str:
    """A text in one language, else in English, else empty."""
    return words.get(code) or words.get("en") or ""


def submitted(view: Mapping[str, Any], user: str) -> tuple[Way, str, str]:
    """The way back to the asker, the ts of the message, and the value that was chosen.

    What is missing is empty: a modal of an earlier version may still be open somewhere.
    """
    try:
        carried = orjson.loads(view.get("private_metadata") or "{}")
        way = Way(
            user, str(carried["channel"]), str(carried["thread"]), url=str(carried["url"]),
            since=float(carried.get("since") or time.time()), uses=int(carried.get("uses") or 0),
        )  # fmt: skip
        ts = str(carried["ts"])
    except (ValueError, KeyError, TypeError):
        way, ts = Way(user), ""
    values = (view.get("state") or {}).get("values") or {}
    chosen = [
        str(element["selected_option"]["value"])
        for block in values.values()
        for element in block.values()
        if element.get("selected_option")
    ]
    return way, ts, chosen[0] if chosen else ""


def _choice(choice: Choice, code: str) -> dict[str, Any]:
    return {"text": plain(said(choice.titles, code) or choice.value, _OPTION), "value": choice.value}
