import unicodedata

import pytest
from hypothesis import given

from bot.digest import plain
from tests.bot.digest.hostile import hostile


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # Slack
        ("<@U0456> see <https://a.example/x|the guide> &amp; <#C12|general>", "@… see the guide & general"),
        ("<@U0456|ana> <!here> <!subteam^S1|@ops> <https://a.example/x>", "ana @here @ops https://a.example/x"),
        ("if a &lt; b &gt; c", "if a < b > c"),
        # Discord
        ("<@!123> <@&45> <#678> <:wave:99> <t:1700000000:R> ||secret||", "@… @… #… :wave: secret"),
        # Discourse
        ("Calibrate the sensor\n## Steps\n> quoted\n- one\n* two", "Calibrate the sensor — Steps quoted one two"),
        ('![logo|690x300](upload://abc.png) [docs](https://a.example/d "t")', "logo docs"),
        ('[quote="ana, post:1"]\nold words\n[/quote]\nmy words', "my words"),
        ("<p>In <b>bold</b><br/>and</p><!-- hidden --> more", "In bold and more"),
        # Of all
        ("**bold** _italic_ ~~gone~~ `code` snake_case_name 2*3*4", "bold italic gone code snake_case_name 2*3*4"),
        ("```python\nprint(1)\n```", "print(1)"),
        ("a\r\n\tb\u2028c\x00d\x1b[31me", "a b cd[31me"),
        ("left\u202eright \u200bzero\u200dwidth\ufeff", "leftright zerowidth"),
        ("z" + "\u0301" * 50, "z" + "\u0301" * 4),
        ("", ""),
    ],
)  # fmt: skip
def test_markup_is_taken_away(text: str, said: str) -> None:
    assert plain.excerpt(text) == said


def test_a_long_text_is_cut_between_words() -> None:
    assert plain.excerpt("How do I calibrate the wind sensor", 20) == "How do I calibrate…"
    assert plain.excerpt("x" * 50, 10) == "x" * 9 + "…"


def test_a_cut_never_parts_a_letter_from_its_mark() -> None:
    assert plain.shorten("nan\u0303a", 4) == "na…"


def test_a_name_is_never_empty() -> None:
    assert plain.name("\u200b\u3164 \n") == "?"
    assert plain.name("Ana\nLópez") == "Ana López"


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://a.example/t/1?x=1&y=2", "https://a.example/t/1?x=1&y=2"),
        ("https://a.example/(x)|y", "https://a.example/%28x%29%7Cy"),
        ("javascript:alert(1)", None),
        ("https://a.example/a b", None),
        ("https://a.example/\nx", None),
        (None, None),
    ],
)
def test_only_a_harmless_address_is_linked(url: str | None, kept: str | None) -> None:
    assert plain.address(url) == kept


@given(hostile())
def test_an_excerpt_is_one_line_of_visible_characters(text: str) -> None:
    said = plain.excerpt(text, 60)
    assert len(said) <= 60
    assert said == " ".join(said.split())
    assert not {unicodedata.category(char) for char in said} & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    said.encode()


def test_hostile_markup_takes_no_time() -> None:
    # Each of these is slow in a pattern that goes back and forth; here a few thousand characters are read, once.
    for piece in ("<", "[", "*", "**a", "![", "[x](", "<!--", "[quote]", "_a", "`", "<a ", "<@U|", "> "):
        assert len(plain.excerpt(piece * 50_000)) <= 140


def test_a_title_that_the_text_repeats_is_said_once() -> None:
    assert (
        plain.excerpt("My vault fails\nmy vault fails. It is on Unraid.")
        == "my vault fails. It is on Unraid."
    )
    assert plain.excerpt("For plan-b: how?\nfor `plan-b`: how? 2.6") == "for plan-b: how? 2.6"
    assert plain.excerpt("Restore\nHow do I restore?") == "Restore — How do I restore?"
