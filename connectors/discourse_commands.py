"""What is said to the bot in a post: the first line that begins with its name, wherever that stands.

Pure functions over what people typed; quotations, code and comments are no speech of the post's author.
"""

import re
from collections.abc import Iterator

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_OPENS = re.compile(r"\[(?:quote|code)(?:[= ][^\]]*)?\]", re.IGNORECASE)
_CLOSES = re.compile(r"\[/(?:quote|code)\]", re.IGNORECASE)
_INDENTED = re.compile(r"^(?: {4}| {0,3}\t)")
_LONGEST = 2_000
"""Characters of a line that are handed on: no command is longer."""


def said(raw: str, bot: str, *, alone: bool = False) -> str | None:
    """What is said to the bot; None where nothing is.

    Args:
        raw: the post as its author typed it.
        bot: the bot's user name.
        alone: nobody else is there to be spoken to: without its name, the first line is for the bot too.
    """
    lines = list(_spoken(raw))
    name = re.compile(rf"@{re.escape(bot)}(?![\w]|[.-]\w)[\s,:]*", re.IGNORECASE)
    for line in lines:
        if found := name.match(line):
            return line[found.end() :][:_LONGEST].strip()
    if not alone:
        return None
    return lines[0][:_LONGEST] if lines else ""


def _spoken(raw: str) -> Iterator[str]:
    """The lines that the author says: not those quoted, in code or in comments, and no empty ones."""
    fence, depth = "", 0
    for line in _COMMENT.sub("", raw).splitlines():
        found = _FENCE.match(line)
        if fence:
            if found and found[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
            continue
        if found:
            fence = found[1]
            continue
        opened, closed = len(_OPENS.findall(line)), len(_CLOSES.findall(line))
        depth = max(depth + opened - closed, 0)
        if depth or opened or closed or _INDENTED.match(line):
            continue
        text = line.strip()
        if text and not text.startswith(">"):
            yield text
