"""One Markdown text in three platforms' wire markup."""

import html
import re

from examples.scripts.model import DISCORD, FORUM, SLACK, Person

EMOJI = {
    "+1": "👍", "heart": "❤️", "joy": "😂", "raised_hands": "🙌", "eyes": "👀", "fire": "🔥", "pray": "🙏",
    "tada": "🎉", "rocket": "🚀", "white_check_mark": "✅",
}  # fmt: skip
_SHORT = {
    "🙂": "slightly_smiling_face", "🙏": "pray", "👍": "+1", "😊": "blush", "😄": "smile", "👋": "wave",
    "😂": "joy", "😅": "sweat_smile", "🙈": "see_no_evil", "💾": "floppy_disk", "🎉": "tada",
}  # fmt: skip
_MENTION = re.compile("\x01([a-z0-9_]+)\x02")
_URL = r"https?://[^\s<>)\]\"|]+[^\s<>)\]\"|.,;:!?]"
_LABELLED = re.compile(r"\[([^\]\n]+)\]\((https?://[^)\s]+)\)")
_BOLD = re.compile(r"\*\*([^*\n]+)\*\*")
_ITALIC = re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])")
_CODE = re.compile(r"(```[a-z]*\n.*?```|`[^`\n]+`)", re.DOTALL)
_ALL = "‹all›"


def for_slack(text: str, people: dict[str, Person], ids: dict[str, str]) -> str:
    """Slack's mrkdwn: escaped, links and mentions in angle brackets, emoji as short names."""
    parts = _CODE.split(html.escape(text, quote=False))
    for n, part in enumerate(parts):
        if n % 2:
            parts[n] = re.sub(r"^```[a-z]+\n", "```\n", part)
            continue
        # Italic first, or Slack's one-star bold would be taken for it.
        said = _BOLD.sub(r"*\1*", _ITALIC.sub(r"_\1_", part))
        said = _LABELLED.sub(r"<\2|\1>", said)
        said = re.sub(r"(?<![<|])" + _URL, lambda m: f"<{m.group()}>", said)
        for sign, name in _SHORT.items():
            said = said.replace(sign, f":{name}:")
        parts[n] = said
    whole = "".join(parts).replace(_ALL, "<!channel>")
    return _MENTION.sub(lambda m: _name(people[m.group(1)], ids), whole)


def for_discord(text: str, people: dict[str, Person]) -> str:
    """Discord's Markdown as the exporter shows it: mentions resolved to names."""
    return _MENTION.sub(lambda m: f"@{people[m.group(1)].display(DISCORD)}", text.replace(_ALL, "@everyone"))


def for_forum(text: str, people: dict[str, Person]) -> str:
    """The `raw` of a forum post."""
    return _MENTION.sub(lambda m: f"@{people[m.group(1)].handle(FORUM)}", text.replace(_ALL, "@everyone"))


def _name(person: Person, ids: dict[str, str]) -> str:
    return f"<@{ids[person.key]}>" if person.key in ids else f"@{person.handle(SLACK)}"


def cook(raw: str) -> str:
    """The HTML that the forum makes of `raw`: fences, lists, paragraphs and inline marks."""
    pieces = re.split(r"(?:^|\n)```([a-z]*)\n(.*?)```", raw, flags=re.DOTALL)
    out: list[str] = []
    for n in range(0, len(pieces), 3):
        out += [_block(b) for b in re.split(r"\n\s*\n", pieces[n].strip("\n")) if b.strip()]
        if n + 2 < len(pieces):
            lang, code = pieces[n + 1] or "auto", html.escape(pieces[n + 2], quote=False)
            out.append(f'<pre><code class="lang-{lang}">{code}</code></pre>')
    return "\n".join(out)


def _block(text: str) -> str:
    lines = text.split("\n")
    for mark, tag in ((r"- ", "ul"), (r"\d+\. ", "ol")):
        if all(re.match(mark, line) for line in lines):
            items = "\n".join(f"<li>{_inline(re.sub('^' + mark, '', line))}</li>" for line in lines)
            return f"<{tag}>\n{items}\n</{tag}>"
    return "<p>" + "<br>\n".join(_inline(line) for line in lines) + "</p>"


def _inline(text: str) -> str:
    parts = re.split(r"(`[^`]+`)", text)
    for n, part in enumerate(parts):
        said = html.escape(part.strip("`") if n % 2 else part, quote=False)
        if n % 2:
            parts[n] = f"<code>{said}</code>"
            continue
        said = re.sub(
            _URL, lambda m: f'<a href="{m.group()}" rel="noopener nofollow ugc">{m.group()}</a>', said
        )
        said = _BOLD.sub(r"<strong>\1</strong>", said)
        said = _ITALIC.sub(r"<em>\1</em>", said)
        said = re.sub(r"(?<![\w/@.])@([\w.]+\w)", r'<a class="mention" href="/u/\1">@\1</a>', said)
        for sign, name in _SHORT.items():
            source = f"/images/emoji/twitter/{name}.png?v=12"
            said = said.replace(sign, f'<img src="{source}" title=":{name}:" class="emoji" alt=":{name}:">')
        parts[n] = said
    return "".join(parts)
