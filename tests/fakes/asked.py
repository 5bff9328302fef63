"""The part of an inbox that people's commands come to, for tests of a connector alone."""

from collections.abc import Sequence

from bot.commands.registry import offers
from connectors.records import Choice, Command, Offer, Reply


class Asked:
    """Keeps what is asked, and answers with `reply`. What it offers is what the program offers."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.reply: Reply | None = Reply("Here you are.")
        self.choices: Sequence[Choice] = ()
        self.typed: list[tuple[str, str, str, str | None]] = []

    @property
    def offers(self) -> Sequence[Offer]:
        return offers()

    async def answer(self, command: Command) -> Reply | None:
        self.commands.append(command)
        return self.reply

    async def suggest(self, command: str, option: str, typed: str, language: str | None) -> Sequence[Choice]:
        self.typed.append((command, option, typed, language))
        return self.choices
