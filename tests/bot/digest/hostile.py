"""Names and texts that want to ping, to break out of a format, or to look like something else."""

from dataclasses import replace

from hypothesis import strategies as st

from bot.digest import plain
from bot.digest.model import Digest, SourceCoverage, Thanks
from tests.bot.digest.samples import sample_digest

_PIECES = (
    "@everyone", "@here", "@all", "@ana", "<!channel>", "<!here|here>", "<@U123>", "<@U123|x>", "<@&1>", "<@!12>", "<#C1>", "</slash:1>",
    "`", "```", "*", "**", "***", "_", "__", "~", "~~", "|", "||", "\\", "<", ">", "&", '"', "'", "&lt;", "&#64;everyone", "&amp;lt;",
    "<b>", "</td>", "<script>alert(1)</script>", "<img src=x onerror=y>", "<!--", "-->", "{{ 7*7 }}", "{n}", "{0}", "%s", "%(x)s", "$x$",
    "[x](https://evil.example)", "![x](https://evil.example/y.png)", "<https://evil.example|x>", "https://evil.example", "www.evil.com",
    "evil.com", "mailto:a@evil.com", "discord.gg/abc", "[x]", "](", "[^1]", "[date=2016-07-11]", "[quote]", "\n", "\r\n", "\n\n# x", "# ", "> ",
    "- ", "--- ", "---", "+ ", "1. ", "1) ", "===", ":smile:", "\u2028", "\x85", "\u202e", "\u2066", "\u200b", "\u2060", "\x1b[31m", "\x00", "\x07",
    "\ud800", "\U000e0041", "z\u0301\u0301\u0301\u0301\u0301\u0301", "👩\u200d👧", "🇪🇸", "漢字", "עברית", "[bold red]", "[/]", "-# ", "a", " ",
)  # fmt: skip


def hostile(longest: int = 60) -> st.SearchStrategy[str]:
    """Texts made of the above and of any characters at all."""
    piece = st.sampled_from(_PIECES) | st.text(max_size=5)
    return st.lists(piece, max_size=8).map(lambda pieces: "".join(pieces)[:longest])


def named(*, name: str, text: str) -> Digest:
    """The sample digest, with this name wherever someone gave one, and this text wherever someone wrote."""
    digest = sample_digest()
    last = digest.coverage[1].last_message_at
    return replace(
        digest,
        community=name if plain.clean(name) else "x",
        purpose=text if plain.clean(text) else "x",
        unanswered=tuple(replace(message, author=name, channel=name, text=text) for message in digest.unanswered),
        ideas=tuple(replace(idea, author=name, channel=name, text=text) for idea in digest.ideas),
        thanks=(Thanks(name, {"support_answer": 2}),),
        coverage=(SourceCoverage(name, name, 1, 2, 3, last), SourceCoverage(name, "slack", 0, 0, 0, None)),
    )  # fmt: skip


BENIGN = named(name="x", text="x")
"""What every hostile digest must be shaped like."""
