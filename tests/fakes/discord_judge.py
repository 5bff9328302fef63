"""What Discord refuses: messages, components and command sets against the limits of its documentation."""

import re
from collections.abc import Iterator
from typing import Any

Raw = dict[str, Any]

NAME = re.compile(r"[-_'\w]{1,32}")
PINGS = re.compile(r"<@[!&]?\d+>|@everyone|@here")


def units(text: str) -> int:
    """UTF-16 units: the strictest way of counting."""
    return len(text.encode("utf-16-le")) // 2


# --- messages -----------------------------------------------------------------------------------------------------


def wrong_message(body: Raw, *, sent: bool = True) -> str:
    """Why a message is refused; empty when it is taken. `sent`: not an edit, which may leave things out."""
    content, embeds = body.get("content") or "", body.get("embeds") or []
    files = body.get("_files") or {}
    named = {f"files[{file['id']}]" for file in body.get("attachments") or () if "filename" in file}
    total = sum(map(_embed_size, embeds))
    images = [str((embed.get("image") or {}).get("url") or "") for embed in embeds]
    descriptions = [str(file.get("description") or "") for file in body.get("attachments") or ()]
    nothing = not (content or embeds or files or body.get("components"))
    rules = {
        "content is longer than 2000": units(content) > 2000,
        "embeds are larger than 6000": len(embeds) > 10 or total > 6000,
        "Cannot send an empty message": sent and nothing,
        "nonce": units(str(body.get("nonce") or "")) > 25,
        "attachments": named != set(files) or any(units(text) > 1024 for text in descriptions),
        "an embed shows a file that is not there": not files
        and any(i.startswith("attachment:") for i in images),
    }
    return _first(rules) or wrong_components(body.get("components") or [])


def _first(rules: dict[str, bool]) -> str:
    return next((words for words, broken in rules.items() if broken), "")


def _embed_size(embed: Raw) -> int:
    fields = embed.get("fields") or ()
    texts = [embed.get("title"), embed.get("description"), (embed.get("footer") or {}).get("text")]
    texts += [text for each in fields for text in (each["name"], each["value"])]
    return sum(units(str(text or "")) for text in texts)


def wrong_components(rows: list[Raw]) -> str:
    ids: list[str] = []
    if len(rows) > 5:
        return "more than 5 rows"
    for row in rows:
        inner = row["components"]
        if row["type"] != 1 or not 1 <= len(inner) <= 5:
            return "a row holds 1 to 5"
        for each in inner:
            ids.append(each["custom_id"])
            if each["type"] == 2 and not (1 <= units(each["label"]) <= 80 and each["style"] in {1, 2, 3, 4}):
                return "a button's label"
            if each["type"] == 3 and (len(inner) > 1 or (wrong := _wrong_choices(each))):
                return wrong
    if len(set(ids)) < len(ids) or any(not 1 <= units(id_) <= 100 for id_ in ids):
        return "custom ids"
    return ""


def _wrong_choices(select: Raw) -> str:
    options = select["options"]
    values = [option["value"] for option in options]
    fits = all(1 <= units(o["label"]) <= 100 and 1 <= units(o["value"]) <= 100 for o in options)
    if not 1 <= len(options) <= 25 or not fits or len(set(values)) < len(values):
        return "the options of a select"
    return "a placeholder" if units(select.get("placeholder") or "") > 150 else ""


def pings(body: Raw) -> list[str]:
    """Whom a message would notify."""
    allowed = body.get("allowed_mentions")
    found = PINGS.findall(str(body.get("content") or ""))
    if allowed is None:
        return [*found, *(["the author of the message replied to"] if "message_reference" in body else [])]
    silent = allowed.get("parse") == [] and not allowed.get("users") and not allowed.get("roles")
    replied = "message_reference" in body and allowed.get("replied_user") is True
    return [*([] if silent else found), *(["the author of the message replied to"] if replied else [])]


# --- command sets -------------------------------------------------------------------------------------------------


def wrong_commands(commands: list[Raw]) -> str:
    """Why a set of commands is refused; empty when it is taken."""
    names = [(command.get("type", 1), command["name"]) for command in commands]
    if len(set(names)) < len(names):
        return "two commands have one name"
    for command in commands:
        if command.get("type", 1) != 1:
            described = bool(command.get("description") or command.get("options"))
            if described or not all(1 <= units(text) <= 32 for text in _each(command, "name")):
                return f"a menu: {command['name']}"
        elif wrong := _wrong_command(command):
            return f"{command['name']}: {wrong}"
    return ""


def _wrong_command(node: Raw) -> str:
    if weight(node) > 8000:
        return f"{weight(node)} characters are more than 8000"
    return _wrong_node(node)


def _wrong_node(node: Raw) -> str:
    name, options, choices = node["name"], node.get("options") or [], node.get("choices") or []
    required = [bool(each.get("required")) for each in options]
    kinds = {each["type"] for each in options}
    called = [
        [(each.get("name_localizations") or {}).get(locale, each["name"]) for each in options]
        for locale in ("", "es-ES", "es-419")
    ]
    rules = {
        f"name {name!r}": not all(NAME.fullmatch(each) and each == each.lower() for each in _each(node, "name")),
        f"description of {name}": not all(1 <= units(text) <= 100 for text in _each(node, "description")),
        f"options or choices of {name}": max(len(options), len(choices)) > 25 or bool(choices and node.get("autocomplete")),
        f"two options of {name} have one name": any(len(set(names)) < len(names) for names in called),
        f"required options of {name} come first": required != sorted(required, reverse=True),
        f"subcommands of {name} stand alone": bool(kinds & {1, 2} and kinds - {1, 2}),
        f"a choice of {name}": not all(
            each["value"] and all(1 <= units(text) <= 100 for text in _each(each, "name")) for each in choices
        ),
    }  # fmt: skip
    return _first(rules) or next(filter(None, map(_wrong_node, options)), "")


def _each(node: Raw, part: str) -> Iterator[str]:
    yield node.get(part) or ""
    yield from (node.get(f"{part}_localizations") or {}).values()


def weight(node: Raw) -> int:
    """The characters of names, descriptions and values; of a text in several languages the longest."""
    own = sum(max(map(len, _each(node, part))) for part in ("name", "description")) + len(
        node.get("value") or ""
    )
    return own + sum(map(weight, (*(node.get("options") or ()), *(node.get("choices") or ()))))


def registered(command: Raw, id_: str, guild: str, application: str) -> Raw:
    """A command as Discord gives it back: with marks of its own, and without what is empty."""

    def kept(node: Raw) -> Raw:
        found = {key: value for key, value in node.items() if value not in ([], {}, False, None)}
        for inner in ("options", "choices"):
            if inner in found:
                found[inner] = [kept(each) for each in found[inner]]
        return found

    return {
        "description": "", "options": [], "default_member_permissions": None, "nsfw": False, "dm_permission": True,
        "contexts": None, "integration_types": [0], "name_localizations": None, "description_localizations": None,
    } | kept(command) | {"id": id_, "application_id": application, "guild_id": guild, "version": id_, "type": command.get("type", 1)}  # fmt: skip
