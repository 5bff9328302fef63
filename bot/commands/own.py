"""`help`: what can be asked."""

from bot.commands.model import Ask, Entry
from bot.languages import msgid
from connectors.records import Reply


async def _help(ask: Ask) -> Reply:
    from bot.commands.registry import COMMANDS  # noqa: PLC0415 - this command is one of them

    words = ask.words
    lines = [
        f"- `/spaces {entry.names.get(ask.language, entry.name)}`: {words.gettext(entry.words)}"
        for entry in COMMANDS
        if entry.right in ask.rights
    ]
    return Reply("\n".join([words.gettext("This is what you can ask:"), "", *lines]))


ENTRIES = (
    Entry("help", "read", msgid("What you can ask."), _help, names={"es": "ayuda"}, aliases=("commands", "comandos")),
)  # fmt: skip
