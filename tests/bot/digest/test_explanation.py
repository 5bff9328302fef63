import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings

from bot.digest.model import Explanation
from bot.digest.render.explanation import render_explanation
from bot.spaces.model import Area, Direction, Unit, Value
from tests.bot.digest.hostile import hostile
from tests.bot.digest.samples import AS_OF, WEEK, message, metric

ANSWERED = Explanation(
    metric("answered_questions", Area.SUPPORT, "Questions answered", Unit.SHARE),
    WEEK,
    Value(0.5, 5, 10, (0.237, 0.763), parts={"open": 2}),
    [message(f"Question {n}?", hours=100 - n) for n in range(5)],
    AS_OF,
    7,
)


def test_a_number_is_explained_by_its_contract_and_its_messages() -> None:
    said = render_explanation(ANSWERED, "en", 3)
    assert said.startswith(
        "Questions answered (answered_questions)\nWeek of 11–17 July 2016: 50%\n"
        "  5 of 10\n  95% interval 24% to 76%\n  2 still open\n"
    )
    for text in ("What questions answered means.", "CMX SPACES (2021)", "7 days", "when it rises"):
        assert text in said
    assert (
        "5 messages stand behind it:\n  14 July 2016, 05:30  Ana López, #help (forum)\n    Question 0?\n"
        in said
    )
    assert "    https://forum.example/t/1\n" in said
    assert said.count("Question ") == 3
    assert said.endswith("\n  and 2 more\n")


@pytest.mark.parametrize(
    ("explained", "says"),
    [
        (replace(ANSWERED, evidence=None), "Detrás de este número no hay mensajes concretos."),
        (replace(ANSWERED, evidence=[]), "Detrás no hay ningún mensaje."),
        (
            replace(ANSWERED, value=Value(None, reason="no questions were asked")),
            "no se hizo ninguna pregunta",
        ),
        (
            replace(
                ANSWERED,
                metric=metric("x", Area.SUPPORT, "X", Unit.MONEY, Direction.DOWN),
                value=Value(1_000.0),
                currency="USD",
            ),
            ": 1.000\xa0US$\n",
        ),
    ],
)
def test_it_says_why_there_is_nothing_and_in_which_money(explained: Explanation, says: str) -> None:
    assert says in render_explanation(explained, "es", 20)


@given(hostile(), hostile())
@settings(max_examples=50, deadline=None)
def test_no_message_controls_the_terminal(name: str, text: str) -> None:
    evidence = [replace(message(text, author=name), channel=name, source=name)]
    said = render_explanation(replace(ANSWERED, evidence=evidence), "en", 20)
    assert {unicodedata.category(char) for char in said.replace("\n", "")}.isdisjoint(
        {"Cc", "Cf", "Cs", "Co"}
    )
    assert len(said.splitlines()) == len(render_explanation(ANSWERED, "en", 1).splitlines()) - 1
