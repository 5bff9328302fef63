"""All commands, in the order in which people see them."""

from functools import cache

from bot.commands import digests, explaining, goals, lists, recording, reviewing, tagging
from bot.commands.model import Entry
from bot.commands.own import HELP, ME
from bot.commands.status import STATUS
from connectors.records import Offer

COMMANDS: tuple[Entry, ...] = (
    *digests.ENTRIES, *lists.ENTRIES, *explaining.ENTRIES, *goals.ENTRIES, *recording.ENTRIES, *tagging.ENTRIES,
    *reviewing.ENTRIES, *digests.POSTING, STATUS, ME, HELP,
)  # fmt: skip

__all__ = ["COMMANDS", "HELP", "offers"]


@cache
def offers() -> tuple[Offer, ...]:
    """The commands as connectors are told of them."""
    return tuple(entry.offer() for entry in COMMANDS)
