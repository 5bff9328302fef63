"""What the tests of people's requests share: an inbox that offers labels, and the people's side of the fake."""

import asyncio
from collections.abc import Sequence

from connectors.records import Choice, Command, Offer, Option, Reply
from tests.fakes.slack_kept import Kept
from tests.fakes.slack_shown import Shown

LABELS = (
    Choice("product_idea", {"en": "Product idea", "es": "Idea de producto"}),
    Choice("bug_report", {"en": "Bug report", "es": "Informe de error"}),
)
OFFERS = (
    Offer("weekly", {"en": "The week.", "es": "La semana."}),
    Offer("tag", {"en": "Tag."}, (Option("label", {"en": "The label", "es": "La etiqueta"}, LABELS),)),
)
EMOJI = {"💡": "product_idea", ":bug:": "bug_report", "our-own": "product_idea"}


class Inbox(Kept):
    """Offers a command with labels, whatever the program offers; answers once its gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun: list[Command] = []

    async def answer(self, command: Command) -> Reply | None:
        self.begun.append(command)
        self._changed.set()
        await self.gate.wait()
        return await super().answer(command)

    @property
    def offers(self) -> Sequence[Offer]:
        return OFFERS


def blocks(shown: Shown) -> list[str]:
    return [block["type"] for block in shown.message["blocks"]]
