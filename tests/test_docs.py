"""The pages say what the program does."""

from bot.spaces.__main__ import PAGE, page


def test_the_page_of_metrics_is_made_from_the_catalogue() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m bot.spaces"
