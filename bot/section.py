"""What every section of the configuration is made of: frozen, strict, its mistakes told with their cure."""

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
