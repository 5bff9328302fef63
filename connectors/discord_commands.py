"""What people may ask, as Discord offers it: `/spaces` with a subcommand for each offer, and a menu on messages.

Discord's limits: 25 subcommands, options and choices each; names of 32 letters, digits, "-" and "_", in lower case;
descriptions of 100 characters; 8000 characters in all, of which the longest language counts.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from connectors.discord_asking import Ask
from connectors.discord_words import LOCALES, localised, words
from connectors.markdown import size, split
from connectors.records import Choice, Offer, Option

NAME = "spaces"
CHAT, MENU = 1, 3
"""Kinds of commands: typed, and on a message."""
SUBCOMMAND, GROUP, TEXT = 1, 2, 3
MOST = 25
_NAME, _DESCRIPTION, _CHOICE, _IN_ALL = 32, 100, 100, 8000
_TIGHTER = (70, 50, 30)

Raw = dict[str, Any]


class Wish(NamedTuple):
    """What was chosen of a command."""

    command: str
    options: dict[str, str]
    typing: str = ""
    """The option that is being typed, for which suggestions are wanted."""


# --- what is offered ----------------------------------------------------------------------------------------------


def command_set(offers: Sequence[Offer]) -> list[Raw]:
    """All commands, as Discord is told of them."""
    subcommands = list(_subcommands(offers))
    if len(subcommands) > MOST:
        first = subcommands[: MOST - 2]
        rest = subcommands[MOST - 2 :]
        groups = [rest[:MOST], rest[MOST : 2 * MOST]]
        subcommands = [*first, *(_group(n, inner) for n, inner in enumerate(groups, 1) if inner)]
    found = [_fitted({"type": CHAT, "name": NAME, **_described(localised("about")), "options": subcommands})]
    if labels(offers):
        titles = localised("tag_as")
        found.append({"type": MENU, "name": titles.pop("en"), "name_localizations": _by_locale(titles)})
    return found


def labels(offers: Iterable[Offer]) -> tuple[Choice, ...]:
    """What a message can be tagged as; none where tagging is not offered."""
    for offer in offers:
        for option in offer.options:
            if offer.name == "tag" and option.name == "label":
                return option.choices
    return ()


def _subcommands(offers: Iterable[Offer]) -> Iterator[Raw]:
    offers = list(offers)
    taken = {_name(offer.name) for offer in offers}
    seen: set[str] = set()
    for offer in offers:
        name = _name(offer.name)
        if not name or name in seen:
            continue
        seen.add(name)
        names = {}
        for language, called in offer.names.items():
            other = _name(called)
            if other and (other == name or other not in taken):
                names[language] = other
                taken.add(other)
        options = sorted(
            (_option(each) for each in offer.options[:MOST]), key=lambda one: not one["required"]
        )
        yield {
            "type": SUBCOMMAND, "name": name, "name_localizations": _by_locale(names), **_described(offer.words),
            "options": options,
        }  # fmt: skip


def _group(number: int, subcommands: list[Raw]) -> Raw:
    name = "more" if number == 1 else f"more{number}"
    return {"type": GROUP, "name": name, **_described(localised("more")), "options": subcommands}


def _option(option: Option) -> Raw:
    found: Raw = {"type": TEXT, "name": _name(option.name) or "option", **_described(option.words), "required": option.is_required}  # fmt: skip
    # Discord allows one of the two: choices, or suggestions while it is typed.
    if option.suggests or len(option.choices) > MOST:
        return found | {"autocomplete": True}
    if option.choices:
        found["choices"] = [
            {
                "name": clip(title(choice, "en"), _CHOICE), "value": choice.value,
                "name_localizations": _by_locale({code: clip(said, _CHOICE) for code, said in choice.titles.items()}),
            }
            for choice in option.choices
        ]  # fmt: skip
    return found


def _described(said: Mapping[str, str], limit: int = _DESCRIPTION) -> Raw:
    texts = {language: clip(text, limit) for language, text in said.items() if text.strip()}
    english = texts.pop("en", None) or next(iter(texts.values()), "…")
    return {"description": english, "description_localizations": _by_locale(texts)}


def _by_locale(said: Mapping[str, str]) -> dict[str, str]:
    return {locale: text for language, text in said.items() for locale in LOCALES.get(language, ())}


def _name(text: str) -> str:
    """The text in the alphabet of names; empty when nothing of it is left."""
    lowered = unicodedata.normalize("NFC", text).lower()
    return re.sub(r"[^\w-]+", "-", lowered).strip("-")[:_NAME]


def clip(text: str, limit: int) -> str:
    """As much of a text as fits, on one line, never half a character; never empty."""
    line = " ".join(text.split()) or "…"
    return line if size(line) <= limit else split(line, limit - 2)[0].rstrip() + "…"


def title(choice: Choice, language: str | None) -> str:
    """What people are shown of a choice."""
    spoken = (language or "").partition("-")[0].lower()
    return choice.titles.get(spoken) or choice.titles.get("en") or choice.value


# --- 8000 characters ----------------------------------------------------------------------------------------------


def weight(command: Raw) -> int:
    """How many characters a command has, as Discord counts them."""
    own = sum(
        max(map(len, (command.get(part) or "", *(command.get(f"{part}_localizations") or {}).values())))
        for part in ("name", "description")
    )
    inner = (*(command.get("options") or ()), *(command.get("choices") or ()))
    return own + len(str(command.get("value") or "")) + sum(map(weight, inner))


def _fitted(command: Raw) -> Raw:
    """The command, within what Discord allows in all: the longest choices are suggested instead, then words are cut."""
    while weight(command) > _IN_ALL:
        listed = [option for option in _options(command) if option.get("choices")]
        if not listed:
            break
        longest = max(listed, key=weight)
        del longest["choices"]
        longest["autocomplete"] = True
    for limit in _TIGHTER:
        if weight(command) <= _IN_ALL:
            break
        for each in _options(command):
            each["description"] = clip(each["description"], limit)
            said = each["description_localizations"]
            each["description_localizations"] = {locale: clip(text, limit) for locale, text in said.items()}
    return command


def _options(command: Raw) -> Iterator[Raw]:
    """Everything within a command, at any depth."""
    for option in command.get("options") or ():
        yield option
        yield from _options(option)


# --- telling Discord of it ----------------------------------------------------------------------------------------


async def register(ask: Ask, application: str, server: str, offers: Sequence[Offer]) -> bool:
    """Tell Discord of the commands where those that it has are others; returns whether it was necessary.

    Discord allows 200 new commands a day and server, so nothing is told twice.

    Raises:
        Refused: the bot was invited without the scope for commands.
        ConnectorError: see `Ask`.
    """
    path = "/applications/{application_id}/guilds/{guild_id}/commands"
    wanted = command_set(offers)
    there = await ask(
        "GET", path, query={"with_localizations": "true"}, application_id=application, guild_id=server
    )
    if _is_same(wanted, sorted(there or (), key=lambda one: int(one.get("type") or CHAT))):
        return False
    await ask("PUT", path, body=wanted, application_id=application, guild_id=server)
    return True


def _is_same(wanted: Any, there: Any) -> bool:
    """Whether what Discord has says what we want; it leaves out what is empty, and adds marks of its own."""
    if isinstance(wanted, list):
        there = there or []
        return len(wanted) == len(there) and all(map(_is_same, wanted, there))
    if isinstance(wanted, Mapping) and "name" in wanted and isinstance(there, Mapping):
        return all(_is_same(wanted.get(key), there.get(key)) for key in {*wanted, *_PARTS})
    return bool((wanted or None) == (there or None))


_PARTS = ("options", "choices", "autocomplete")


# --- what was asked -----------------------------------------------------------------------------------------------


def wish(data: Mapping[str, Any], offers: Iterable[Offer]) -> Wish:
    """What an interaction's data say: the command by our name of it, and its options."""
    node, called = data, ""
    inner = data.get("options") or ()
    while inner and inner[0].get("type") in {SUBCOMMAND, GROUP}:
        node = inner[0]
        called, inner = str(node["name"]), node.get("options") or ()
    if not called and data["name"] != NAME:
        called = str(data["name"])
    offer = next((each for each in offers if called and _name(each.name) == called), None)
    names = {_name(option.name): option.name for option in offer.options} if offer else {}
    options, typing = {}, ""
    for option in inner:
        name = names.get(str(option["name"]), str(option["name"]))
        options[name] = str(option.get("value") or "")
        if option.get("focused") is True:
            typing = name
    return Wish(offer.name if offer else called, options, typing)


def matching(choices: Iterable[Choice], typed: str) -> list[Choice]:
    """Those of an option's own choices that hold what was typed: first those that begin with it."""
    sought = typed.strip().casefold()
    found = [(min(_where(choice, sought)), choice) for choice in choices]
    return [choice for where, choice in sorted(found, key=lambda one: one[0]) if where < _NOWHERE]


_NOWHERE = 1_000


def _where(choice: Choice, sought: str) -> Iterator[int]:
    for text in (choice.value, *choice.titles.values()):
        at = text.casefold().find(sought)
        yield at if at >= 0 else _NOWHERE


def suggestions(choices: Iterable[Choice], language: str | None) -> list[Raw]:
    """The choices as Discord shows them while somebody types."""
    fitting = [choice for choice in choices if 0 < size(choice.value) <= _CHOICE]
    return [
        {"name": clip(title(choice, language), _CHOICE), "value": choice.value} for choice in fitting[:MOST]
    ]


def menu(choices: Sequence[Choice], message: str, language: str | None) -> Raw:
    """The question as what to tag a message: one list of choices, more where there are more than 25."""
    rows = [
        {
            "type": 1,
            "components": [
                {
                    "type": 3, "custom_id": f"tag:{message}" if at == 0 else f"tag:{message}:{at}",
                    "placeholder": words("tag_as", language),
                    "options": [
                        {"label": clip(title(choice, language), _CHOICE), "value": choice.value}
                        for choice in choices[at : at + MOST]
                    ],
                }
            ],
        }
        for at in range(0, min(len(choices), 5 * MOST), MOST)
    ]  # fmt: skip
    return {"content": words("which", language), "components": rows}
