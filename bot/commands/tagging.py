"""`tag` and `untag`: what a person says a message is, against which the machine never wins."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

from bot.commands.messages import Found, find_message
from bot.commands.model import Ask, Entry, Parameter, said
from bot.commands.naming import find, label_names, label_words
from bot.commands.parsing import without_fillers
from bot.commands.text import Token, plain
from bot.digest.render.markdown import escape
from bot.languages import Plural, msgid
from bot.spaces.catalogue import LABELS
from connectors.records import Button, Reply
from storage import decisions, tags
from storage.tables import TagChange

_NOT = frozenset({"not", "no", "never", "nunca"})
_UNDO = frozenset({"undo", "deshacer", "deshaz", "deshace"})
_DIGITS = 9
"""Of a decision's number: what its column holds."""
_MOST = 500
"""Messages of a conversation that are tagged at once."""
_USUAL = ("question", "product_idea", "bug_report", "contribution", "success_story")
"""What is offered where nothing was said: as many as fit under a message."""


_TAGGED = Plural("{n} message tagged as {label}.", "{n} messages tagged as {label}.")
_UNTAGGED = Plural(
    "{n} message not tagged as {label} any more.", "{n} messages not tagged as {label} any more."
)


class _Wish(NamedTuple):
    verdict: bool
    label: str | None
    whole: bool
    """Of the whole conversation."""


async def _tag(ask: Ask) -> Reply | None:
    if ask.command.via == "emoji":
        return await _react(ask, put=True)
    return await _decide(ask, verdict=True)


async def _untag(ask: Ask) -> Reply | None:
    if ask.command.via == "emoji":
        return await _react(ask, put=False)
    return await _decide(ask, verdict=False)


async def _decide(ask: Ask, *, verdict: bool) -> Reply:
    typed = without_fillers(ask.rest)
    if any(token.plain in _UNDO for token in typed):
        return await _undo(ask, typed)
    wish = _wish(ask, typed, verdict=verdict)
    link = next((token.text for token in typed if token.is_link), None)
    named = next((token.text for token in typed if token.key == "message"), None)
    found = await find_message(ask, link or ask.options.get("link"), named or ask.command.message)
    if found is None:
        raise ask.wrong(
            "Say which message, by its link: `{command}`",
            command=ask.call(f"{ask.entry.called(ask.language)} https://… idea"),
        )
    label = wish.label or await _only(ask, found, verdict=verdict)
    if label is None:
        return _offer(ask, found)
    changes = await ask.doors.write(lambda session: _write(session, ask, found, label, wish))
    return _done(ask, label, wish, changes)


def _wish(ask: Ask, typed: Sequence[Token], *, verdict: bool) -> _Wish:
    negated = any(token.plain in _NOT for token in typed)
    label = ask.options.get("label")
    unknown = [
        token for token in typed
        if not (token.is_link or token.key or token.plain in _NOT)
        and not _names(token, label)
    ]  # fmt: skip
    if label is None and unknown:
        label, meant = find(" ".join(token.text for token in unknown), label_names())
        if label is None:
            _unknown(ask, unknown[0], meant)
    elif unknown:
        _unknown(ask, unknown[0], None)
    return _Wish(verdict != negated, label, ask.options.get("scope") == "thread")


def _names(token: Token, label: str | None) -> bool:
    """Whether it is one more word for the label: "product" of "product idea"."""
    titles = (
        {word for title in said(LABELS[label].title).values() for word in plain(title).split()}
        if label
        else ()
    )
    return label is not None and (label_words().get(token.plain) == label or token.plain in titles)


def _unknown(ask: Ask, token: Token, meant: str | None) -> None:
    word = escape(token.text[:40])
    if meant is not None:
        raise ask.wrong("There is no label “{word}”. Did you mean “{label}”?", word=word,
                        label=escape(ask.words.gettext(LABELS[meant].title)))  # fmt: skip
    labels = ", ".join(f"`{name}`" for name in LABELS)
    raise ask.wrong("There is no label “{word}”. There are: {labels}.", word=word, labels=labels)


async def _only(ask: Ask, found: Found, *, verdict: bool) -> str | None:
    """The one label that the message bears, for taking it away without naming it."""
    if verdict:
        return None
    borne = await ask.doors.read(lambda session: _borne(session, found))
    return borne[0] if len(borne) == 1 else None


def _borne(session: Session, found: Found) -> list[str]:
    return [tag.label for tag in tags.of_message(session, found.source_id, found.external_id) if tag.verdict]


def _write(session: Session, ask: Ask, found: Found, label: str, wish: _Wish) -> list[int]:
    """Decide; returns the numbers of the decisions."""
    messages: Sequence[str] = [found.external_id]
    if wish.whole:
        messages = decisions.conversation(session, found.source_id, found.external_id, _MOST)
    done = decisions.decide(
        session, found.source_id, messages, label, wish.verdict, ask.who, ask.command.via[:8]
    )
    return [change.id for change in done]


def _done(ask: Ask, label: str, wish: _Wish, changes: Sequence[int]) -> Reply:
    words = ask.words
    if not changes:
        raise ask.wrong("I cannot find that message.")
    title = escape(words.gettext(LABELS[label].title))
    one, many = _TAGGED if wish.verdict else _UNTAGGED
    text = words.ngettext(one, many, len(changes), label=f"**{title}**")
    undo = Button(words.gettext(msgid("Undo")), f"tag undo {changes[-1]}")
    return Reply(text, buttons=(undo,))


def _offer(ask: Ask, found: Found) -> Reply:
    """Ask back which label is meant, with the usual ones to press."""
    words, name = ask.words, ask.entry.name
    buttons = tuple(
        Button(words.gettext(LABELS[label].title), f"{name} message={found.external_id} {label}")
        for label in _USUAL
        if found.source == ask.source and len(found.external_id) < 40  # noqa: PLR2004 - a button says 90 characters
    )
    labels = ", ".join(f"`{label}`" for label in LABELS)
    return Reply(words.gettext("What is it? Say one of: {labels}.", labels=labels), buttons=buttons)


async def _undo(ask: Ask, typed: Sequence[Token]) -> Reply:
    number = next(
        (int(token.text) for token in typed if token.text.isdecimal() and len(token.text) <= _DIGITS), None
    )
    undone = await ask.doors.write(
        ask.once(lambda session: [_plain(row) for row in decisions.undo(session, ask.who, number)])
    )
    if undone is None:
        return Reply(ask.words.gettext(msgid("It is taken back.")))
    if not undone:
        raise ask.wrong("There is nothing of yours to undo.")
    label, after = undone[0]
    words, title = ask.words, escape(ask.words.gettext(LABELS[label].title) if label in LABELS else label)
    if after is None:
        text = words.gettext(
            "Taken back: the program decides again whether it is {label}.", label=f"**{title}**"
        )
    elif after:
        text = words.gettext(
            "Taken back: it is still tagged as {label}, as was decided before.", label=f"**{title}**"
        )
    else:
        text = words.gettext(
            "Taken back: it is still not tagged as {label}, as was decided before.", label=f"**{title}**"
        )
    return Reply(text)


def _plain(row: TagChange) -> tuple[str, bool | None]:
    return row.label, row.after


async def _react(ask: Ask, *, put: bool) -> Reply | None:
    """A reaction of somebody who may tag: put, it tags; taken away, it takes back what it said, and nothing else."""
    label = ask.options.get("label") or _by_emoji(ask)
    if label is None or ask.command.message is None:
        return None
    found = await find_message(ask, None, ask.command.message)
    if found is None:
        return None
    if put:
        wish = _Wish(verdict=True, label=label, whole=False)
        changes = await ask.doors.write(lambda session: _write(session, ask, found, label, wish))
        return _done(ask, label, wish, changes) if changes else None
    back = await ask.doors.write(
        lambda session: (
            decisions.unreact(session, found.source_id, found.external_id, label, ask.who) is not None
        )
    )
    if not back:
        return None
    title = escape(ask.words.gettext(LABELS[label].title))
    return Reply(
        ask.words.gettext("Your reaction is gone, and so is what it said: {label}.", label=f"**{title}**")
    )


def _by_emoji(ask: Ask) -> str | None:
    """The label that the configuration gives to the emoji of a reaction."""
    meanings = {emoji_name(emoji): label for emoji, label in ask.config.tagging.emoji.items()}
    words = ask.command.text.split()
    return meanings.get(emoji_name(words[-1])) if len(words) > 1 else None


def emoji_name(text: str) -> str:
    """An emoji as one text, however it is written: without colons, skin and the mark of its form."""
    bare = text.strip().strip(":").partition("::")[0].casefold()
    return "".join(char for char in bare if char != "\ufe0f" and not "\U0001f3fb" <= char <= "\U0001f3ff")


_LABEL = Parameter(
    "label",
    msgid("What it is."),
    tuple((name, label.title) for name, label in LABELS.items()),
    aliases=label_words(),
)
_SCOPE = Parameter(
    "scope", msgid("Only this message, or its whole conversation."),
    (("message", msgid("message")), ("thread", msgid("conversation"))),
    aliases=dict.fromkeys(("conversation", "topic", "hilo", "conversacion", "tema", "whole", "todo"), "thread"),
)  # fmt: skip
_LINK = Parameter("link", msgid("The message, by its link."))

ENTRIES = (
    Entry("tag", "tag", msgid("Say what a message is: an idea, a question, a guide. It can be undone."), _tag,
          (_LABEL, _LINK, _SCOPE), {"es": "etiqueta"}, ("label", "etiquetar", "marca"), takes_rest=True,
          example="https://… idea"),
    Entry("untag", "tag", msgid("Say what a message is not."), _untag, (_LABEL, _LINK, _SCOPE),
          {"es": "desetiqueta"}, ("unlabel", "desetiquetar", "desmarca"), takes_rest=True, example="https://… idea"),
)  # fmt: skip
