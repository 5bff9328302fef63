"""Splitting and defusing text, whatever is in it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.markdown import defuse, size, split, to_mrkdwn

TEXTS = st.text(st.sampled_from("ab `~\n*[]()<>@&é👍🏽\u200d👩🇪🇸x\u0301:/"), max_size=300)


@given(TEXTS, st.integers(16, 80))
def test_pieces_fit_and_lose_nothing_but_blanks_and_fences(text: str, limit: int) -> None:
    pieces = split(text, limit)
    assert all(0 < size(piece) <= limit for piece in pieces)

    def letters(said: str) -> str:
        return re.sub(r"[\s`~]", "", said)

    if "```" not in text and "~~~" not in text:
        assert letters("".join(pieces)) == letters(text)


def test_a_fence_is_closed_and_opened_again() -> None:
    pieces = split("before\n```python\n" + "x = 1\n" * 30 + "```\nafter", 60)
    assert len(pieces) > 3
    assert all(piece.count("```") % 2 == 0 for piece in pieces)
    assert all(piece.startswith(("before", "```python", "after")) for piece in pieces)
    assert sum(piece.count("x = 1") for piece in pieces) == 30


@given(st.text(st.sampled_from("`~é👍🏽x "), max_size=20), st.integers(1, 200), st.integers(24, 80))
def test_a_long_line_in_a_fence_with_a_language_fits(language: str, length: int, limit: int) -> None:
    pieces = split(f"```py{language}\n{'é👍🏽' * length}\n```", limit)
    assert all(0 < size(piece) <= limit for piece in pieces)


def test_a_link_is_never_cut() -> None:
    link = "[the words of it](https://forum.example/t/topic/123)"
    for lead in range(1, 60):
        assert any(link in piece for piece in split("a" * lead + " " + link + " tail " * 9, 70))


@pytest.mark.parametrize("whole", ["👩‍👩‍👧‍👦", "👍🏽", "🇪🇸", "e\u0301"])
def test_a_character_is_never_cut(whole: str) -> None:
    for limit in range(16, 40):
        pieces = split(whole * 30, limit)
        assert "".join(pieces) == whole * 30
        assert all(piece == whole * (len(piece) // len(whole)) for piece in pieces)


@given(TEXTS)
def test_nobody_is_ever_addressed(text: str) -> None:
    said = defuse(text + " @everyone <!channel> <@U1> <!subteam^S1|@team> https://x.example/@here/@ann")
    assert not re.search(r"(?i)@(?:everyone|here|channel|team)|<[@!]", said)
    assert said.endswith("https://x.example/%40here/@ann")


def test_commonmark_as_slack_reads_it() -> None:
    text = "# A **b**\n\n*i* ~~s~~ [w](https://e.example/?a=1&b=2) `<x>` & <y>\n\n- one\n  1. two\n\n> q\n\n```\n1 < 2\n```"
    assert to_mrkdwn(text) == (
        "*A b*\n\n_i_ ~s~ <https://e.example/?a=1&amp;b=2|w> `&lt;x&gt;` &amp; &lt;y&gt;\n\n"
        "• one\n    1. two\n\n> q\n\n```\n1 &lt; 2\n```"
    )
