"""What every section of the configuration is made of: frozen, strict, its mistakes told with their cure."""

import re
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, ValidationInfo
from pydantic_core import PydanticCustomError

from bot.mistakes import closest, shown


class Section(BaseModel):
    """One section: nothing in it that is not known, nothing changed once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def wrong(what: str, cure: str) -> PydanticCustomError:
    """A mistake, for a validator to raise."""
    return PydanticCustomError("wrong", "{what}. {cure}", {"what": what, "cure": cure})


def web_address(url: str, schemes: str, example: str) -> str:
    """A whole web address of one of these schemes ("https?"), without a slash at its end; empty stays empty."""
    if re.match(r"[^/]*//[^/]*@", url):
        raise wrong(
            "an address must not hold a user or a password", f'Write it without, such as "{example}".'
        )
    if url and not re.match(rf"({schemes})://[^/\s]+", url):
        raise wrong(f"{shown(url)} is no web address", f'Write it whole, such as "{example}".')
    return url.rstrip("/")


def existing_source(source: str, info: ValidationInfo, rest: str = "") -> str:
    """The name of a source, if the configuration has it; `rest` is what stood behind it, for the cure."""
    sources = (info.context or {}).get("sources")
    if sources is not None and source not in sources:
        found = closest(source, sources)
        what = "what names it" if rest else "this"
        cure = f'Did you mean "{found}{rest}"?' if found else f"Add [sources.{source}], or remove {what}."
        raise wrong(f"there is no source {shown(source)}", cure)
    return source


def existing_zone(name: str) -> str:
    """The name of a time zone, if there is such a zone."""
    zones = available_timezones()
    if name not in zones:
        found = closest(name, zones)
        cure = f'Did you mean "{found}"?' if found else 'Write one such as "Europe/Madrid" or "UTC".'
        raise wrong(f"there is no time zone {shown(name)}", cure)
    return name
