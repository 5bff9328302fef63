"""Facts from outside that people record, and what follows from them for a window.

A fact belongs to a window that holds all of its days. Unknown is not zero: where nobody recorded anything, nothing is
known; and a sum over time is known only where the facts leave no day out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bot.languages import msgid
from bot.spaces.community import Community
from bot.spaces.model import Value
from bot.spaces.reasons import FEW_ANSWERS, NOT_RECORDED, PART_RECORDED
from bot.spaces.values import ENOUGH, share, unknown
from bot.spaces.window import Window
from storage.observations import Fact, within


class Form(StrEnum):
    """What is recorded."""

    NUMBER = "number"
    """How many, on a day or over some days; several add up."""
    TOTAL = "total"
    """How many (or how much) over whole days; what is recorded again for the same days replaces what was."""
    PART = "part"
    """So many of so many, of one subject; what is recorded again replaces what was."""
    ANSWERS = "answers"
    """One person's answer each, a number on a scale."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fact that can be recorded. Title and words are English msgids."""

    name: str
    form: Form
    title: str
    words: str
    """What to write behind the name."""
    aliases: tuple[str, ...] = ()
    """Other words for it, plain, in any language."""
    subject: bool = False
    """It is about an event, a feature: a name is needed."""
    of: str = ""
    """Whether it is a part of something: "" no, "may", "must"."""
    scale: tuple[int, int] | None = None
    """The least and the most that a number can be."""
    whole: bool = True
    """Only whole numbers."""
    beyond: bool = False
    """The first number may be more than the second."""


KINDS = {kind.name: kind for kind in (
    Kind("support_cases", Form.TOTAL, msgid("Support cases"), msgid("how many, and when: 120 2026-05"),
         ("cases", "support case", "tickets", "casos", "casos de soporte")),
    Kind("nps", Form.ANSWERS, msgid("Would recommend us, 0 to 10"), msgid("answers from 0 to 10: 9 10 7"),
         ("net promoter score", "promoter score"), scale=(0, 10)),
    Kind("csat", Form.ANSWERS, msgid("Satisfied with the answer"), msgid("answers on your scale: 4/5 5/5"),
         ("satisfaction", "satisfaccion"), of="must", scale=(0, 10)),
    Kind("csat_answers", Form.TOTAL, msgid("Satisfied, of all who answered"),
         msgid("how many were satisfied, of how many: 18/20 2026-05"), ("encuesta", "survey"), of="must"),
    Kind("attendance", Form.PART, msgid("Attendance of an event"),
         msgid('how many came, of how many who signed up: 40/55 "Spring meetup" 2026-05-03'),
         ("attendees", "event", "asistencia", "asistentes", "evento"), subject=True, of="may"),
    Kind("feature_adoption", Form.PART, msgid("Adoption of a feature"),
         msgid('how many use it, of how many who could: 30/200 "dark mode"'),
         ("adoption", "feature", "adopcion", "funcion"), subject=True, of="must"),
    Kind("leads", Form.NUMBER, msgid("Leads"), msgid("how many: 12"), ("lead", "contactos", "oportunidades")),
    Kind("referrals", Form.NUMBER, msgid("Referrals"), msgid("how many: 3"), ("referral", "referidos")),
    Kind("cost", Form.TOTAL, msgid("Cost of the community"), msgid("how much, and when: 2000 2026-05"),
         ("costs", "coste", "costes", "costo", "costos", "gasto", "gastos"), whole=False),
    Kind("lifetime_value", Form.TOTAL, msgid("Value of a member's account"),
         msgid("the mean of members' accounts, and of others like them: 1200/900 2026-05"),
         ("ltv", "clv", "valor de vida"), of="must", whole=False, beyond=True),
)}  # fmt: skip


@dataclass(slots=True)
class _Totals:
    """Facts of which none overlaps another of its subject; the newest count."""

    chosen: list[Fact] = field(default_factory=list)

    def add(self, fact: Fact) -> None:
        if not any(
            fact.subject == other.subject and fact.first < other.until and other.first < fact.until
            for other in self.chosen
        ):
            self.chosen.append(fact)


def facts(community: Community, window: Window, kind: str) -> Sequence[Fact]:
    """The facts of a kind in a window, as they count: where one replaces another, the newer alone."""
    return community.once(("facts", window, kind), lambda: _read(community, window, kind))


def _read(community: Community, window: Window, kind: str) -> Sequence[Fact]:
    found = within(community.session, kind, window.first, window.until)
    match KINDS[kind].form:
        case Form.TOTAL:
            totals = _Totals()
            for fact in reversed(found):
                totals.add(fact)
            return totals.chosen
        case Form.PART:
            return list({(fact.subject.casefold(), fact.first, fact.until): fact for fact in found}.values())
        case _:
            return found


def _covers(found: Sequence[Fact], window: Window) -> bool:
    """Whether every day of the window is in one of the facts."""
    day = window.first
    for fact in sorted(found, key=lambda each: each.first):
        if fact.first > day:
            return False
        day = max(day, fact.until)
    return day >= window.until


def total(community: Community, window: Window, kind: str) -> Value:
    """A sum over the whole window."""
    found = facts(community, window, kind)
    if not found:
        return unknown(NOT_RECORDED)
    return Value(sum(fact.value for fact in found)) if _covers(found, window) else unknown(PART_RECORDED)


def number(community: Community, window: Window, kind: str) -> Value:
    """How many were recorded."""
    found = facts(community, window, kind)
    return Value(sum(fact.value for fact in found)) if found else unknown(NOT_RECORDED)


def part(community: Community, window: Window, kind: str) -> Value:
    """Of all subjects together, so many of so many; facts without the second number are left out."""
    found = [fact for fact in facts(community, window, kind) if fact.of is not None]
    return share(
        int(sum(fact.value for fact in found)), int(sum(fact.of or 0 for fact in found)), NOT_RECORDED
    )


def promoter_score(community: Community, window: Window) -> Value:
    """Per cent of promoters (9 and 10) minus per cent of detractors (0 to 6); unknown below five answers."""
    answers = [fact.value for fact in facts(community, window, "nps")]
    if not answers:
        return unknown(NOT_RECORDED)
    if len(answers) < ENOUGH:
        return unknown(FEW_ANSWERS)
    promoters = sum(answer >= 9 for answer in answers)  # noqa: PLR2004 - Reichheld's own limits
    detractors = sum(answer <= 6 for answer in answers)  # noqa: PLR2004 - as above
    return Value(100 * (promoters - detractors) / len(answers), denominator=len(answers))


def is_satisfied(value: float, of: float) -> bool:
    """Whether an answer on a scale up to `of` is a positive one: one of the two best, of a short scale the best."""
    best = 2 if of >= 5 else 1  # noqa: PLR2004 - the usual five-point scale, and longer ones
    return value > of - best


def satisfaction(community: Community, window: Window) -> Value:
    """Positive answers of all answers, those recorded one by one and those recorded together."""
    single, many = facts(community, window, "csat"), facts(community, window, "csat_answers")
    positive = sum(is_satisfied(fact.value, fact.of or 0) for fact in single) + sum(
        fact.value for fact in many
    )
    return share(int(positive), int(len(single) + sum(fact.of or 0 for fact in many)), NOT_RECORDED)
