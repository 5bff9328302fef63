"""Telling from its content which platform an archive comes from."""

import re

from connectors.archive import MEGABYTE, Bundle, Unreadable
from connectors.json_stream import encoding
from connectors.records import Problem

EXPECTED = {
    "slack": "a Slack export (the ZIP of Settings > Workspace > Import/Export Data)",
    "discord": "DiscordChatExporter files (its JSON format)",
    "discourse": "a Discourse archive (a ZIP or folder of /t/<id>.json, /categories.json and /site.json)",
}
"""What each archive reader takes, in words."""

SLACK_LISTS = ("channels.json", "groups.json", "dms.json", "mpims.json", "users.json")
SLACK_DAY = re.compile(r"(?:^|/)([^/]+)/(\d{4}-\d{2}-\d{2})\.json$")

_LOOK_AT = 24
_DISCORD = re.compile(r'^\s*\{\s*"guild"\s*:|"guild"\s*:\s*\{[^\0]*"messages"\s*:\s*\[')
_DISCOURSE = re.compile(r'"(?:post_stream|category_list|uncategorized_category_id)"\s*:')
_HTML = re.compile(r"^\s*<(?:!doctype|html)", re.IGNORECASE)


def recognise(bundle: Bundle) -> str | None:
    """The connector whose archive this is, or None."""
    names = list(bundle.entries)
    last = {name.rsplit("/", 1)[-1] for name in names}
    if last.intersection(SLACK_LISTS) and any(map(SLACK_DAY.search, names)):
        return "slack"
    if {"channels.json", "users.json"} <= last:
        return "slack"
    for name in sorted(names, key=lambda name: ("t/" not in name, name))[:_LOOK_AT]:
        beginning = _beginning(bundle, name)
        if _DISCORD.search(beginning):
            return "discord"
        if _DISCOURSE.search(beginning):
            return "discourse"
    return None


def mistaken(bundle: Bundle, connector: str, found: str | None) -> Problem:
    """Says what an archive looks like that was given to the wrong connector."""
    expected = EXPECTED.get(connector, f"an archive of '{connector}'")
    if found is not None:
        cure = f'Import it into a source with connector = "{found}"; this one takes {expected}.'
        return Problem(bundle.name, f"looks like {EXPECTED[found]}", cure)
    if not bundle.entries:
        return Problem(bundle.name, "holds no JSON file", f"This source takes {expected}.")
    if any(_HTML.search(_beginning(bundle, name)) for name in list(bundle.entries)[:1]):
        return Problem(bundle.name, "is a web page", f"Export again as JSON: this source takes {expected}.")
    return Problem(bundle.name, "is no archive that is known here", f"This source takes {expected}.")


def _beginning(bundle: Bundle, name: str) -> str:
    try:
        with bundle.open(name) as stream:
            head = stream.read(MEGABYTE)
    except Unreadable:
        return ""
    return head.decode(encoding(head), "replace")
