"""Answers and posts in the form that a platform shows best."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.commands.model import Ask
from bot.digest import plain
from bot.digest.chart import draw
from bot.digest.model import AreaReadings, Change, Digest
from bot.digest.render import discord, markdown, slack
from bot.digest.render.markdown import escape
from bot.digest.spoken import MessageSaid
from bot.digest.words import Words
from bot.languages import msgid
from bot.spaces.model import Area, Evidence
from connectors.records import Button, Post, Reply
from storage.posts import new_key

_FORMS: Mapping[str, Callable[[Digest, str], dict[str, Any]]] = {
    "slack": slack.payload,
    "discord": discord.payload,
}
_BRIEF = 3
"""As many changes of an area, open questions, ideas and people are shown in a short answer."""


def digest_reply(digest: Digest, ask: Ask) -> Reply:
    """A digest as an answer: what matters most, or with "full" everything; its lists only where its areas want them."""
    areas = [area.area for area in digest.areas]
    shown = _listed(digest, areas)
    if ask.options.get("detail") != "full" and len(areas) > 1:
        shown = _brief(shown)
    language = ask.options.get("language", ask.language)
    form = _FORMS.get(ask.connector)
    period = digest.window.period.value if digest.window.period else ""
    return Reply(
        markdown.render(shown, language),
        payload=form(shown, language) if form else None,
        buttons=digest_buttons(Words(language, digest.window.zone), period, areas),
        public=ask.is_public,
    )


def digest_post(digest: Digest, connector: str, language: str) -> Post:
    """A digest as a post, whole, with its chart. It draws, so it takes a second: off the event loop."""
    form, chart = _FORMS.get(connector), draw(digest, language)
    words = Words(language, digest.window.zone)
    period = digest.window.period.value if digest.window.period else ""
    return Post(
        new_key(),
        f"{plain.clean(digest.community)}: {words.window(digest.window)}",
        markdown.render(digest, language),
        form(digest, language) if form else None,
        chart.png,
        chart.alt,
        digest_buttons(words, period, [area.area for area in digest.areas]),
    )


def digest_buttons(words: Words, period: str, areas: Sequence[Area]) -> tuple[Button, ...]:
    """What is usually asked next."""
    buttons = []
    if Area.SUPPORT in areas:
        buttons.append(Button(words.gettext(msgid("Unanswered")), f"unanswered {period}".strip()))
    if Area.PRODUCT in areas:
        buttons.append(Button(words.gettext(msgid("Ideas")), f"ideas {period}".strip()))
    buttons.append(Button(words.gettext(msgid("Explain")), "explain"))
    return tuple(buttons)


def _listed(digest: Digest, areas: Sequence[Area]) -> Digest:
    if len(areas) == len(Area):
        return digest
    helped = {Area.SUPPORT, Area.CONTRIBUTION, Area.ENGAGEMENT}.intersection(areas)
    return replace(
        digest,
        unanswered=digest.unanswered if Area.SUPPORT in areas else (),
        ideas=digest.ideas if Area.PRODUCT in areas else (),
        thanks=digest.thanks if helped else (),
        days=digest.days if Area.ENGAGEMENT in areas else (),
    )


def _brief(digest: Digest) -> Digest:
    return replace(
        digest,
        areas=tuple(_headlines(area) for area in digest.areas),
        unanswered=digest.unanswered[:_BRIEF],
        ideas=digest.ideas[:_BRIEF],
        thanks=digest.thanks[:_BRIEF],
    )


def _headlines(area: AreaReadings) -> AreaReadings:
    """The headline, and what has changed by more than chance."""
    first = [reading for reading in area.readings if reading.metric.headline]
    changed = [
        reading for reading in area.readings
        if reading not in first and reading.change in (Change.UP, Change.DOWN)
    ]  # fmt: skip
    return replace(area, readings=(*first, *changed[:_BRIEF]))


def listed(messages: Sequence[Evidence], ask: Ask, *, support: bool = False) -> list[str]:
    """Lines of Markdown for messages, each with its link."""
    return [_line(_said(message, ask, support=support)) for message in messages]


def _said(message: Evidence, ask: Ask, *, support: bool) -> MessageSaid:
    words, behind = ask.words, []
    if support and message.people:
        behind.append(words.ngettext("{n} person", "{n} people", message.people))
    if support and message.reactions:
        behind.append(words.ngettext("{n} reaction", "{n} reactions", message.reactions))
    byline = words.gettext(
        "{author} in {channel}, {age}",
        author=plain.name(message.author),
        channel=f"#{plain.name(message.channel).lstrip('#')}",
        age=words.age(message.created_at, ask.now),
    )
    text = plain.excerpt(message.text) or words.gettext("(no text)")
    return MessageSaid(text, plain.address(message.url), byline, ", ".join(behind))


def _line(said: MessageSaid) -> str:
    text = escape(said.text)
    linked = f"[{text}]({said.url})" if said.url else text
    return f"- {linked} — {escape(' · '.join(filter(None, (said.byline, said.support))))}"
