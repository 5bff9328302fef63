"""The shapes a digest is shown in: one module a format, each imported only when it is asked for.

Each takes a `Digest` and the code of a language, and gives a text that is whole: nothing is fetched, nothing pings.
"""

from collections.abc import Callable
from importlib import import_module

from bot.digest.formats import Format
from bot.digest.model import Digest

FORMATS = tuple(form.value for form in Format)


def render(digest: Digest, form: str, language: str = "en") -> str:
    """The digest in one of FORMATS, as text: for Slack and Discord, the JSON of one message's payload.

    ValueError names the formats, or the languages, there are.
    """
    if form not in FORMATS:
        raise ValueError(f"The format {form!r} is not known: take one of {', '.join(FORMATS)}.")
    written: Callable[[Digest, str], str] = import_module(f"{__name__}.{form}").render
    return written(digest, language)
