"""Reading the configuration: one TOML file, overridden by the environment; secrets from the environment only.

Every mistake is found in one reading and told with its place and its cure (`ConfigError`).
"""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from bot import environment
from bot.mistakes import ConfigError, Key, lines, where, worded
from bot.settings import NAMED, Config, DatabaseSettings
from connectors.records import Problem

__all__ = ["Config", "ConfigError", "example", "load"]


def load(path: Path | None, database: str | None = None) -> Config:
    """Read the configuration: `path`, else SPACES_CONFIG, ./spaces.toml or ~/.config/spaces/spaces.toml.

    `database`, an address or the path of a SQLite file, stands for the one configured. A relative SQLite file of the
    configuration lies beside it; a relative `database` in the working folder.

    Raises:
        ConfigError: there is no configuration, or it has mistakes: all of them.
    """
    file = _find(path)
    text, raw = _read(file)
    found, overridden = lines(text), environment.overridden(os.environ)
    problems = []
    for key, what, cure in list(environment.written_secrets(raw)):
        problems.append(Problem(where(key, file.name, found, {}), what, cure))
        _drop(raw, key)
    data = _merged(raw, _from_environment())
    names = {section: list(data[section]) if isinstance(data.get(section), dict) else [] for section in NAMED}
    config = Config()
    try:
        config = Config.model_validate(data, context={"sources": names["sources"]})
    except ValidationError as error:
        for finding in error.errors(include_url=False):
            key = tuple(part for part in finding["loc"] if part != "[key]")
            problems.append(
                Problem(where(key, file.name, found, overridden), *worded(finding, _settings(key[:-1])))
            )
    problems += environment.unknown(
        os.environ, {name: _settings((name, "*")) for name in _settings(())}, names
    )
    try:
        address = _address(config.database.url, file.parent, database)
    except ConfigError as error:
        problems += error.problems
    if problems:
        raise ConfigError(sorted(problems, key=_line))
    return config.model_copy(update={"database": DatabaseSettings(url=address)})


def example() -> str:
    """The text of `config.example.toml`: every setting, explained; what `spaces init` writes."""
    here = Path(__file__).resolve().parent
    installed = here / "config.example.toml"
    return (installed if installed.is_file() else here.parent / "config.example.toml").read_text(
        encoding="utf-8"
    )


# --- the file ---------------------------------------------------------------------------------------------------


def _find(path: Path | None) -> Path:
    said = os.environ.get("SPACES_CONFIG")
    named = path or (Path(said) if said else None)
    if named is not None:
        if named.is_file():
            return named
        cure = "Name another file, or run `spaces init` to write one."
        raise ConfigError([Problem(str(named), "there is no such configuration file", cure)])
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    usual = (Path("spaces.toml"), home / "spaces" / "spaces.toml")
    for place in usual:
        if place.is_file():
            return place
    cure = "Run `spaces init` to write one, or name yours with --config."
    raise ConfigError([Problem("the configuration", f"there is no file {usual[0]} or {usual[1]}", cure)])


def _read(file: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        what, cure = f"it cannot be read ({error.strerror})", "Give this user the right to read it."
        raise ConfigError([Problem(str(file), what, cure)]) from None
    except UnicodeDecodeError:
        raise ConfigError([Problem(str(file), "it is not UTF-8 text", "Save it again as UTF-8.")]) from None
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, _, at = str(error).partition(" (at ")
        line = re.match(r"line (\d+)", at)
        place = f"{file.name}, line {line[1] if line else text.count(chr(10)) + 1}"
        # The parser may quote what stands there, and that may be a secret: its letters are left out.
        what = re.sub(r"""\s*(['"].*|:.*)$""", "", what)
        cure = 'Write one setting a line: name = "text".'
        raise ConfigError([Problem(place, f"this is not TOML: {what[:1].lower()}{what[1:]}", cure)]) from None


def _settings(section: Key) -> list[str]:
    """The names that may stand in a section; `("sources", ...)` is any source, `("schedules", ...)` any schedule."""
    if not section:
        return list(Config.model_fields)
    if section[0] in NAMED:
        return list(NAMED[str(section[0])].model_fields) if len(section) > 1 else []
    field = Config.model_fields.get(str(section[0]))
    return list(getattr(field.annotation, "model_fields", ())) if field else []


def _drop(raw: Any, key: Key) -> None:
    for part in key[:-1]:
        raw = raw[part]
    del raw[key[-1]]


def _line(problem: Problem) -> tuple[bool, int]:
    line = re.search(r", line (\d+)", problem.where)
    return line is None, int(line[1]) if line else 0


# --- the environment --------------------------------------------------------------------------------------------


class _Overridable(BaseSettings, Config):
    """The shape by which the environment's names are understood; never validated by itself."""

    model_config = SettingsConfigDict(extra="forbid")


class _Variables(EnvSettingsSource):
    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """A list may be written as words with commas between, instead of JSON."""
        text = str(value).strip()
        if text[:1] not in {"[", "{"}:
            return [word.strip() for word in text.split(",") if word.strip()]
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return text  # and it will be found to be no list


def _from_environment() -> dict[str, Any]:
    given = _Variables(_Overridable, env_prefix=environment.PREFIX, env_nested_delimiter="__")()
    if environment.ADDRESS in os.environ:
        given = _merged(given, {"database": {"url": os.environ[environment.ADDRESS]}})
    return given


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = {**below, **above}
    for name in below.keys() & above.keys():
        if isinstance(below[name], dict) and isinstance(above[name], dict):
            both[name] = _merged(below[name], above[name])
    return both


# --- the database's address -------------------------------------------------------------------------------------


def _address(url: str, folder: Path, chosen: str | None) -> str:
    """The whole address of the database: absolute, and with its password."""
    if chosen is not None:
        url, folder = chosen if "://" in chosen else f"sqlite:///{chosen}", Path()
        try:
            DatabaseSettings(url=url)
        except ValidationError as error:
            finding = error.errors(include_url=False)[0]
            raise ConfigError([Problem("--database", *worded(finding, ()))]) from None
    sqlite = re.fullmatch(r"(sqlite(?:\+\w+)?:///)([^?]*)(.*)", url)
    if sqlite is not None:
        start, name, rest = sqlite.groups()
        return (
            url
            if name in {"", ":memory:"}
            else f"{start}{(folder / Path(name).expanduser()).resolve()}{rest}"
        )
    password = environment.read_secret(environment.PASSWORD, os.environ)
    if password is None or environment.has_password(url):
        return url
    user, at, host = urlsplit(url).netloc.rpartition("@")
    if not at:
        cure = "Name the user in its address: postgresql://user@host/name."
        raise ConfigError([Problem("the database", "there is a password for it, but no user", cure)])
    return url.replace(f"{user}@{host}", f"{user}:{quote(password, safe='')}@{host}", 1)
