"""From a post's HTML to the plain text that a person would have typed."""

import html
import re

import nh3

_ONEBOX = re.compile(r'<aside\b[^<>]{0,500}\bdata-onebox-src="([^"<>]{1,2000})"')
_EMOJI = re.compile(r'<img\b[^<>]{0,2000}\balt="(:[\w+-]{1,64}:(?:t\d:)?)"[^<>]{0,500}>')
_LINK = re.compile(r'<a\b[^<>]{0,500}\bhref="(https?://[^"<>]{1,2000})"[^<>]{0,500}>([^<>]{0,500})</a>')
_PICTURE_FACTS = re.compile(r'<div class="meta">')
_PRE = re.compile(r"<pre\b[^<>]{0,500}>")
_BLOCK_ENDS = re.compile(r"(</(?:p|li|h[1-6]|pre|blockquote|div|tr|ul|ol|dd|dt)>|<[bh]r\b[^<>]{0,20}>)\n?")
_CELL_ENDS = re.compile(r"</t[dh]>")
_EMPTY_LINES = re.compile(r"\n[ \t]*\n\s*")
_TAG = re.compile(r"<[^<>]*>?")
_MOST_TAGS = 10_000
_DROPPED = {"script", "style", "aside", "svg"}


def plain(cooked: str) -> str:
    """The words of a post: code between fences, links as in Markdown; quotations and link previews dropped."""
    marked = _ONEBOX.sub(r"\n\1\n\g<0>", cooked)
    marked = _EMOJI.sub(r"\1", marked)
    marked = _PICTURE_FACTS.sub("<aside>", marked)
    marked = _LINK.sub(
        lambda found: found[1] if found[2] in found[1] else f"[{found[2]}]({found[1]})", marked
    )
    marked = _PRE.sub(r"\n```\n\g<0>", marked).replace("</pre>", "</pre>```\n")
    marked = _CELL_ENDS.sub(r" \g<0>", marked)
    marked = _BLOCK_ENDS.sub(r"\1\n", marked)
    if marked.count("<") > _MOST_TAGS:
        # No person's post; and HTML nested that deep takes any parser minutes.
        return html.unescape(_TAG.sub(" ", marked)).strip()
    words = nh3.clean(marked, tags=set(), attributes={}, clean_content_tags=_DROPPED)
    return _EMPTY_LINES.sub("\n\n", html.unescape(words)).replace("\n\n```", "\n```").strip()
