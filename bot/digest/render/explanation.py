"""One number explained in the terminal: its contract, and the messages behind it."""

from collections.abc import Sequence
from textwrap import fill

from bot.digest import plain
from bot.digest.model import Explanation
from bot.digest.words import Words
from bot.languages import msgid
from bot.spaces.model import Area, Direction, Evidence

_WIDTH = 100
_DIRECTIONS = {
    Direction.UP: msgid("when it rises"),
    Direction.DOWN: msgid("when it falls"),
    Direction.NEITHER: msgid("neither way"),
}


def render_explanation(explained: Explanation, language: str, limit: int) -> str:
    """The explanation as plain text, with at most `limit` messages, the oldest first."""
    words = Words(language, explained.window.zone, explained.currency)
    metric, value = explained.metric, explained.value
    notes = [*words.notes(metric.unit, value), words.apart(metric.unit, value)]
    lines = [
        f"{words.gettext(metric.title)} ({metric.name})",
        f"{words.window(explained.window)}: {words.value(metric.unit, value)}",
        *(f"  {note}" for note in notes if note),
        "",
        *_table(contract(explained, words)),
        "",
        *_evidence(explained.evidence, words, limit),
    ]
    return "\n".join(lines) + "\n"


def contract(explained: Explanation, words: Words) -> list[tuple[str, str]]:
    """What the number counts, of whom, by whose formula, and as of when: titles and texts."""
    metric = explained.metric
    said = [
        (words.gettext("What it counts"), words.gettext(metric.definition)),
        (
            words.gettext("Of whom"),
            words.gettext(
                "Members, unless it says otherwise: no staff and no bots, in counted channels, nothing deleted."
            ),
        ),
        (words.gettext("Formula from"), words.gettext(metric.source)),
        (words.gettext("Good news"), words.gettext(_DIRECTIONS[metric.direction])),
        (words.gettext("Counted"), words.gettext("As of {moment} ({zone})", moment=words.moment(explained.as_of), zone=explained.window.zone.key)),
    ]  # fmt: skip
    if metric.area is Area.SUPPORT:
        days = words.days(explained.answer_days)
        said.insert(2, (words.gettext("Answer time"), days))
    return said


def _table(rows: list[tuple[str, str]]) -> list[str]:
    wide = max(len(name) for name, _ in rows) + 2
    return [fill(name.ljust(wide) + text, _WIDTH, subsequent_indent=" " * wide) for name, text in rows]


def _evidence(evidence: Sequence[Evidence] | None, words: Words, limit: int) -> list[str]:
    if evidence is None:
        return [words.gettext("No single messages stand behind this number.")]
    if not evidence:
        return [words.gettext("No messages stand behind it.")]
    lines = [words.ngettext("{n} message stands behind it:", "{n} messages stand behind it:", len(evidence))]
    for message in evidence[:limit]:
        where = f"{plain.name(message.author)}, #{plain.name(message.channel).lstrip('#')}"
        lines.append(f"  {words.moment(message.created_at)}  {where} ({plain.name(message.source)})")
        said = plain.excerpt(message.text) or words.gettext("(no text)")
        lines.append(f"    {said}")
        if address := plain.address(message.url):
            lines.append(f"    {address}")
    left = len(evidence) - limit
    more = words.ngettext("and {n} more", "and {n} more", left)
    return [*lines, f"  {more}"] if left > 0 else lines
