"""`review`: yes or no to labels, to those the machine is unsure of and to a random sample of those that it gave."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

from bot.commands.messages import Found, find_message
from bot.commands.model import Ask, Entry, Parameter
from bot.commands.naming import find, label_names
from bot.commands.parsing import without_fillers
from bot.commands.text import Token
from bot.digest import plain
from bot.digest.render.markdown import escape
from bot.languages import msgid
from bot.spaces.catalogue import LABELS
from connectors.records import Button, Reply
from storage import decisions, reviews
from storage.reviews import Doubt

_QUEUE = 100
"""As many are looked through for one that the asker can read."""
_EXCERPT = 400
_LONGEST_ID = 40
"""Of a message, for a button to name it: it says 90 characters."""


class _Judged(NamedTuple):
    """What was said of one message and label."""

    found: Found
    label: str
    via: str


async def _review(ask: Ask) -> Reply:
    answer = ask.options.get("answer")
    numbers = [int(token.text) for token in ask.rest if token.text.isdecimal() and not token.key]
    skipped = min(numbers[-1], _QUEUE) if numbers else 0
    done = ""
    if answer in {"yes", "no"}:
        judged = await _judged(ask)
        await ask.doors.write(lambda session: _decide(session, ask, judged, right=answer == "yes"))
        done = ask.words.gettext("Noted.")
    doubts = await ask.doors.read(
        lambda session: reviews.pending(session, _QUEUE, today=ask.now.date(), source=ask.source or None)
    )
    for position, doubt in enumerate(doubts[skipped:], skipped):
        if await _can_read(ask, doubt):
            return _shown(ask, done, doubt, position)
    nothing = ask.words.gettext("Nothing waits for you.")
    return Reply(f"{done} {nothing}".strip())


async def _judged(ask: Ask) -> _Judged:
    """Which message and label an answer is about: as the buttons say it, or in one's own words."""
    link = next((token.text for token in ask.rest if token.is_link), None)
    named = next((token.text for token in ask.rest if token.key == "message"), None)
    found = await find_message(ask, link, named or ask.command.message)
    words = [token for token in ask.rest if not (token.is_link or token.key or token.text.isdecimal())]
    via = reviews.AUDIT if any(token.plain == reviews.AUDIT for token in words) else reviews.REVIEW
    said = [token for token in words if token.plain != reviews.AUDIT]
    # "thanks" is a label, and a word that mostly says nothing.
    label = _label(said) or _label(without_fillers(said))
    if found is None or label is None:
        raise ask.wrong(
            "Say yes or no to a message that I showed you: `{command}`",
            command=ask.call(ask.entry.called(ask.language)),
        )
    return _Judged(found, label, via)


def _label(said: Sequence[Token]) -> str | None:
    return find(" ".join(token.text for token in said), label_names())[0]


def _decide(session: Session, ask: Ask, judged: _Judged, *, right: bool) -> None:
    found = judged.found
    decisions.decide(session, found.source_id, [found.external_id], judged.label, right, ask.who, judged.via)


async def _can_read(ask: Ask, doubt: Doubt) -> bool:
    return (
        len(doubt.external_id) < _LONGEST_ID
        and doubt.channel_id is not None
        and await ask.doors.can_read(ask, doubt.source, doubt.channel_id)
    )


def _shown(ask: Ask, done: str, doubt: Doubt, position: int) -> Reply:
    words = ask.words
    asked = words.gettext("Is this “{label}”?", label=escape(words.gettext(LABELS[doubt.label].title)))
    text = escape(plain.excerpt(doubt.text, _EXCERPT))
    address = plain.address(doubt.url)
    lines = [
        f"{done} **{asked}** {_how_sure(ask, doubt)}".strip(),
        "",
        f"> [{text}]({address})" if address else f"> {text}",
    ]
    name, via = ask.entry.name, " audit" if doubt.via == reviews.AUDIT else ""
    about = f"{doubt.label} message={doubt.external_id}{via} {position}"
    buttons = (
        Button(words.gettext(msgid("Yes")), f"{name} yes {about}"),
        Button(words.gettext(msgid("No")), f"{name} no {about}"),
        Button(words.gettext(msgid("Skip")), f"{name} skip {position + 1}"),
    )
    return Reply("\n".join(lines), buttons=buttons)


def _how_sure(ask: Ask, doubt: Doubt) -> str:
    if doubt.via == reviews.AUDIT:
        return ask.words.gettext("(I tagged it so; drawn at random)")
    if doubt.probability is None:
        return ""
    return ask.words.gettext("(I am {percent} sure)", percent=f"{doubt.probability:.0%}")


_ANSWER = Parameter(
    "answer",
    msgid("Whether the label is right."),
    (("yes", msgid("yes")), ("no", msgid("no")), ("skip", msgid("skip"))),
    aliases={
        "si": "yes",
        "y": "yes",
        "right": "yes",
        "n": "no",
        "wrong": "no",
        "next": "skip",
        "siguiente": "skip",
    },
)

ENTRIES = (
    Entry("review", "tag", msgid("Say yes or no to labels that I am unsure of, and to some drawn at random."), _review,
          (_ANSWER,), {"es": "revisa"}, ("revisar", "revision"), takes_rest=True),
)  # fmt: skip
