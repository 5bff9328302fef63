"""What the environment may say: overrides of settings, and secrets. Every `SPACES_` name is checked.

- `SPACES_<SECTION>__<KEY>` overrides one setting of the file; lists are JSON or words with commas between.
- `SPACES_DATABASE_URL` is a short name of `SPACES_DATABASE__URL`.
- `SPACES_<SOURCE>_<NAME>`, or `SPACES_<SOURCE>_<NAME>_FILE` for a file that holds it, is a secret of a source;
  `SPACES_DATABASE_PASSWORD` and `SPACES_DATABASE_PASSWORD_FILE` are the database's, `SPACES_JUDGE_KEY` the judge's.
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot.mistakes import ConfigError, Key, closest, is_secret, leaves, names_secret
from connectors.records import Problem

PREFIX = "SPACES_"
PASSWORD = "SPACES_DATABASE_PASSWORD"  # noqa: S105 - the name of it, not the password
ADDRESS = "SPACES_DATABASE_URL"
JUDGE_KEY = "SPACES_JUDGE_KEY"
RESERVED = ("bench", "config", "database", "debug", "judge", "test")
"""Names that no source may bear, because their variables mean something else."""

# What tests and benchmarks of the program itself read.
_NOT_SETTINGS = ("SPACES_TEST_", "SPACES_BENCH_")
_OWN = (
    ADDRESS, PASSWORD, f"{PASSWORD}_FILE", JUDGE_KEY, f"{JUDGE_KEY}_FILE", "SPACES_CONFIG", "SPACES_DEBUG",
)  # fmt: skip
_SECRETS = ("BOT_TOKEN", "APP_TOKEN", "API_KEY", "SIGNING_SECRET", "WEBHOOK_SECRET")
# DigitalOcean's object storage is called Spaces, and its tools read these.
_FOREIGN = frozenset(
    {"SPACES_ACCESS_KEY_ID", "SPACES_SECRET_ACCESS_KEY", "SPACES_ENDPOINT_URL", "SPACES_REGION"}
)


def overridden(environ: Mapping[str, str]) -> dict[Key, str]:
    """The settings that the environment gives, each with the name of its variable."""
    found: dict[Key, str] = {}
    for name in environ:
        upper = name.upper()
        if upper == ADDRESS:
            found["database", "url"] = name
        elif upper.startswith(PREFIX) and "__" in upper:
            found[tuple(upper.removeprefix(PREFIX).lower().split("__"))] = name
    return found


def unknown(
    environ: Mapping[str, str],
    sections: Mapping[str, Collection[str]],
    names: Mapping[str, Collection[str]],
) -> Iterator[Problem]:
    """Every `SPACES_` variable that means nothing: a misspelt name would otherwise be passed over in silence.

    `sections` holds the settings of each section of the file; `names` the names there are in sections that hold others
    ("sources": each of which has the settings of "sources").
    """
    settings = {
        f"{PREFIX}{section}__{f'{name}__' if name else ''}{key}".upper(): key
        for section, keys in sections.items()
        for name in names.get(section, ("",))
        for key in keys
    }
    prefixes = [f"{PREFIX}{source}_".upper().replace("-", "_") for source in names["sources"]]
    secrets = [prefix + secret for prefix in prefixes for secret in _SECRETS]
    for name in environ:
        upper = name.upper()
        if not upper.startswith(PREFIX) or upper.startswith(_NOT_SETTINGS):
            continue
        plain = upper.removesuffix("_FILE")
        is_ours = any(plain.startswith(prefix) and names_secret(plain[len(prefix) :]) for prefix in prefixes)
        if upper in _OWN or upper in _FOREIGN or upper in settings or (is_ours and "__" not in upper):
            continue
        found = closest(upper, [*settings, *_OWN, *secrets])
        cure = f"Did you mean {found}?" if found else "Remove it, or see `spaces check --help` for the names."
        yield Problem(f"the environment variable {name}", "it means nothing to us", cure)


def written_secrets(raw: Mapping[str, Any]) -> Iterator[tuple[Key, str, str]]:
    """Every secret that somebody wrote into the file: where, what, and the variable to use instead."""
    for key, value in leaves(raw):
        names = [part for part in key if isinstance(part, str)]
        if names == ["database", "url"] and isinstance(value, str):
            if has_password(value):
                cure = (
                    f"Put it into the environment variable {PASSWORD} or the file named by {PASSWORD}_FILE."
                )
                yield key, "a password must not stand in this file", cure
        elif names_secret(names[-1]) or (isinstance(value, str) and is_secret(value)):
            name = PREFIX + "_".join(names[names[0] == "sources" :]).upper().replace("-", "_")
            cure = f"Put it into the environment variable {name} or the file named by {name}_FILE."
            yield key, "a secret must not stand in this file", cure


def source_secrets(source: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The secrets of a source, by name ("bot_token"): those that are set.

    Raises:
        ConfigError: as in `read_secret`.
    """
    prefix = f"{PREFIX}{source}_".upper().replace("-", "_")
    found = {name.lower(): read_secret(prefix + name, environ) for name in _SECRETS}
    return {name: secret for name, secret in found.items() if secret}


def has_password(url: str) -> bool:
    """Whether the address of a database holds a password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "@" in url
    return bool(parts.password) or "password=" in parts.query


def read_secret(name: str, environ: Mapping[str, str]) -> str | None:
    """The secret that a variable holds, or the file that `<name>_FILE` names; None where neither is set.

    Raises:
        ConfigError: both are set, or the file cannot be read.
    """
    value, file = environ.get(name), environ.get(f"{name}_FILE")
    if value and file:
        what, cure = f"{name}_FILE is set too", "Keep one of the two."
        raise ConfigError([Problem(f"the environment variable {name}", what, cure)])
    if not file:
        return value or None
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        what, cure = (
            f"the file {file} cannot be read ({why})",
            "Name another, or give this user the right to read it.",
        )
        raise ConfigError([Problem(f"the environment variable {name}_FILE", what, cure)]) from None
