"""All commands, in the order in which people see them."""

from functools import cache

from bot.commands import digests, own
from bot.commands.model import Entry
from connectors.records import Offer

COMMANDS: tuple[Entry, ...] = (*digests.ENTRIES, *own.ENTRIES)


@cache
def offers() -> tuple[Offer, ...]:
    """The commands as connectors are told of them."""
    return tuple(entry.offer() for entry in COMMANDS)
