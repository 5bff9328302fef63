"""CommonMark, made fit for the platforms: nobody is pinged, nothing is torn in two, and Slack gets its own dialect.

`defuse`, then `split`; for Slack `to_mrkdwn` between them.
"""

import re
import unicodedata
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

_JOINER = "\u2060"
"""Word joiner: invisible, and no platform's mention survives it."""

_ADDRESS = re.compile(r"https?://[^\s<>|)\]]+", re.IGNORECASE)
_MENTION = re.compile(r"@|<(?=[@!#])")
_CROWD = re.compile(r"@(?=everyone|here|channel|all\b)", re.IGNORECASE)

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$")
_WHOLE = re.compile(r"!?\[[^\[\]\n]*\]\([^()\s]*\)|<[^<>\n]+>|https?://[^\s<>]+|`[^`\n]+`|&\w+;|\\.")
"""What a cut would break: pictures, links, mentions, addresses, code in a line, escaped characters."""


def size(text: str) -> int:
    """Characters as the strictest platform counts them: UTF-16 units, of which an emoji has two."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def defuse(text: str) -> str:
    """The text, in which no platform finds anyone to notify; web addresses keep working."""
    pieces, end = [], 0
    for found in _ADDRESS.finditer(text):
        pieces += [_inert(text[end : found.start()]), _CROWD.sub("%40", found[0])]
        end = found.end()
    return "".join([*pieces, _inert(text[end:])])


def _inert(text: str) -> str:
    return _MENTION.sub(rf"\g<0>{_JOINER}", text)


# --- splitting ----------------------------------------------------------------------------------------------------


def split(text: str, limit: int) -> list[str]:
    """Pieces of at most `limit` characters (UTF-16 units), cut between lines, then words, then characters.

    A fence that is open at a cut is closed there and opened again in the next piece; a link, an address or a
    character with its marks is never cut, unless it alone is longer than the limit. Blank text gives no piece.

    Raises:
        ValueError: the limit has no room for a fence and a character (16).
    """
    if limit < 16:  # noqa: PLR2004 - said above
        raise ValueError(f"a limit of {limit} characters has no room")
    pieces: list[str] = []
    lines: list[str] = []
    used, fence = 0, ""
    for line in text.split("\n"):
        found = _FENCE.match(line)
        after = _fence_after(fence, line, found)
        closing, opening = _closing(fence or after), _opening(fence or after, limit)
        # Whatever is open at a cut is opened again in the next piece, and closed within it.
        for part in _parts(line, limit - (size(opening) + size(closing) + 2 if closing else 0)):
            need = size(part) + (1 if lines else 0)
            if lines and used + need + (size(closing) + 1 if after else 0) > limit:
                if fence:
                    lines.append(_closing(fence))
                pieces.append("\n".join(lines))
                lines = [_opening(fence, limit)] if fence else []
                used = size(lines[0]) if lines else 0
                need = size(part) + (1 if lines else 0)
            lines.append(part)
            used += need
        fence = after
    pieces.append("\n".join(lines))
    return [trimmed for piece in pieces if (trimmed := piece.strip("\n")).strip()]


def _fence_after(fence: str, line: str, found: re.Match[str] | None) -> str:
    """The line that opened the fence which is open after this line; empty for none."""
    if found is None:
        return fence
    if not fence:
        return "" if found[1][0] == "`" and "`" in found[2] else line.strip()
    mark = _closing(fence)
    return "" if not found[2].strip() and found[1].startswith(mark) else fence


def _closing(fence: str) -> str:
    found = _FENCE.match(fence)
    return found[1] if found else ""


def _opening(fence: str, limit: int) -> str:
    """The fence again, without its language where that is longer than good for a small limit."""
    return fence if size(fence) <= limit // 4 else _closing(fence)


def _parts(line: str, limit: int) -> Iterator[str]:
    """One line, in parts that fit."""
    limit = max(limit, 4)
    while size(line) > limit:
        cut = _cut(line, limit)
        yield line[:cut].rstrip(" ")
        line = line[cut:].lstrip(" ")
    yield line


def _cut(line: str, limit: int) -> int:
    """Where to cut a line that is too long: the last good place within the limit."""
    room = _fitting(line, limit)
    whole = [(found.start(), found.end()) for found in _WHOLE.finditer(line[: room + 2_100])]
    room = next((start for start, end in whole if 0 < start < room < end), room)
    blank = line.rfind(" ", room // 3, room + 1)
    while blank > 0 and any(start < blank < end for start, end in whole):
        blank = line.rfind(" ", room // 3, blank)
    cut = blank if blank > 0 else room
    while cut > 1 and _joined(line, cut):
        cut -= 1
    return cut if cut > 1 or not _joined(line, 1) else room


def _fitting(line: str, limit: int) -> int:
    """How many characters of the line fit."""
    room = min(len(line), limit)
    while size(line[:room]) > limit:
        room -= max(1, (size(line[:room]) - limit) // 2)
    return room


def _joined(line: str, at: int) -> bool:
    """Whether the character at this place belongs to the one before: a mark, a joiner, a skin tone, half a pair."""
    if at >= len(line):
        return False
    here, before = line[at], line[at - 1]
    flags = next((n for n in range(at) if not "\U0001f1e6" <= line[at - 1 - n] <= "\U0001f1ff"), at)
    return (
        before == "\u200d" or here == "\u200d" or unicodedata.category(here) in {"Mn", "Me", "Mc"}
        or "\U0001f3fb" <= here <= "\U0001f3ff" or "\udc00" <= here <= "\udfff" or (flags % 2 == 1 and "\U0001f1e6" <= here <= "\U0001f1ff")
    )  # fmt: skip


# --- Slack's dialect ----------------------------------------------------------------------------------------------

_COMMONMARK = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_MARKS = {
    "strong_open": "*", "strong_close": "*", "em_open": "_", "em_close": "_", "s_open": "~", "s_close": "~",
    "softbreak": "\n", "hardbreak": "\n", "heading_open": "*", "heading_close": "*\n\n", "paragraph_close": "\n\n",
    "hr": "---\n\n", "th_close": " | ", "td_close": " | ", "tr_close": "\n", "table_close": "\n",
}  # fmt: skip
_BLANK_LINES = re.compile(r"\n{3,}")


def to_mrkdwn(text: str) -> str:
    """CommonMark as Slack's mrkdwn: `*bold*`, `_italic_`, `<address|words>`, headings bold, lists with bullets."""
    written = _blocks(_COMMONMARK.parse(text))
    return _BLANK_LINES.sub("\n\n", written).strip()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _blocks(tokens: list[Token]) -> str:
    pieces: list[str] = []
    lists: list[int] = []  # the next number of each open list; 0 for bullets
    quotes: list[int] = []  # where each open quotation begins in `pieces`
    for token in tokens:
        match token.type:
            case "inline":
                bold = bool(pieces) and pieces[-1] == _MARKS["heading_open"]
                pieces.append(_inline(token.children or [], bold=bold))
            case "fence" | "code_block":
                pieces.append(f"```\n{_escaped(token.content)}```\n\n")
            case "bullet_list_open" | "ordered_list_open":
                start = int(token.attrs.get("start") or 1) if token.type.startswith("ordered") else 0
                lists.append(start)
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
                pieces.append("" if lists else "\n")
            case "list_item_open":
                pieces.append("    " * (len(lists) - 1) + (f"{lists[-1]}. " if lists[-1] else "• "))
                lists[-1] += 1 if lists[-1] else 0
            case "paragraph_close":
                pieces.append("\n" if lists else "\n\n")
            case "blockquote_open":
                quotes.append(len(pieces))
            case "blockquote_close":
                begin = quotes.pop()
                quoted = "".join(pieces[begin:]).strip().split("\n")
                pieces[begin:] = ["".join(f"> {line}\n" for line in quoted), "\n"]
            case _:
                pieces.append(_MARKS.get(token.type, ""))
    return "".join(pieces)


def _inline(tokens: list[Token], *, bold: bool = False) -> str:
    pieces: list[str] = []
    for token in tokens:
        match token.type:
            case "text" | "html_inline":
                pieces.append(_escaped(token.content))
            case "code_inline":
                pieces.append(f"`{_escaped(token.content)}`")
            case "link_open":
                pieces.append(f"<{_escaped(str(token.attrs['href'])).replace('|', '%7C')}|")
            case "link_close":
                pieces.append(">")
            case "image":
                pieces.append(
                    f"<{_escaped(str(token.attrs['src'])).replace('|', '%7C')}|{_escaped(token.content)}>"
                )
            case "strong_open" | "strong_close" if bold:
                pass  # a heading is bold already
            case _:
                pieces.append(_MARKS.get(token.type, ""))
    return "".join(pieces)
