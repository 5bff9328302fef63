"""An emoji of the configuration is found by whatever name Slack says it with."""

import pytest

from connectors.slack_emoji import labels, name


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ("💡", "bulb"), ("bulb", "bulb"), (":bulb:", "bulb"), (" :Bulb: ", "bulb"),
        ("👍", "+1"), ("👍🏽", "+1"), ("thumbsup", "+1"), ("+1::skin-tone-4", "+1"), ("👩🏾‍💻", "female-technologist"),
        ("✔️", "heavy_check_mark"), ("✔", "heavy_check_mark"), ("1️⃣", "one"), ("❤️", "heart"),
        # These the best known package of emoji names does not know as Slack does.
        ("🇪🇸", "es"), ("flag-es", "es"), ("🇦🇷", "flag-ar"), ("🟢", "large_green_circle"), ("🐞", "ladybug"), ("🥚", "egg"),
        ("our-own", "our-own"), ("", ""), ("::", ""), ("¿qué?", "¿qué?"),
    ],
)  # fmt: skip
def test_one_emoji_has_one_name(said: str, known: str) -> None:
    assert name(said) == known


def test_a_mapping_is_by_that_name() -> None:
    assert labels({"💡": "product_idea", "thumbsup": "thanks", "own": "question"}) == {
        "bulb": "product_idea", "+1": "thanks", "own": "question"
    }  # fmt: skip
