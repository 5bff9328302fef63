"""What could be meant while an option is typed. It knows the program's own words only, so there is nothing to leak."""

from collections.abc import Callable, Mapping, Sequence

from bot.commands.model import said
from bot.commands.naming import alike, kind_names, label_names, metric_names
from bot.spaces.catalogue import LABELS, METRICS
from bot.spaces.observed import KINDS
from connectors.records import Choice

_KNOWN: Mapping[str, tuple[Callable[[], Mapping[str, str]], Callable[[str], str]]] = {
    "metric": (metric_names, lambda name: METRICS[name].title),
    "label": (label_names, lambda name: LABELS[name].title),
    "kind": (kind_names, lambda name: KINDS[name].title),
}


def suggest(command: str, option: str, typed: str, language: str) -> Sequence[Choice]:
    """Choices for an option of a command, the likeliest first, at most 25."""
    del command, language  # an option means the same in all commands; titles come in every language
    if option not in _KNOWN:
        return ()
    names, title = _KNOWN[option]
    return [Choice(name, said(title(name))) for name in alike(typed[:100], names())]
