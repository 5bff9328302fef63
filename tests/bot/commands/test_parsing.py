"""From what people type to a command: forgiving of everything, and never silent."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.commands.model import Entry
from bot.commands.parsing import NotUnderstood, Parsed, names, parse, values
from bot.commands.registry import COMMANDS
from bot.commands.text import Token, tokens
from bot.digest.words import Words
from bot.languages import available
from connectors.records import Command, Member
from tests.golden.community import MADRID

CAT = Member("cat", "cat")
WORDS = {code: Words(code, MADRID) for code in available()}


def read(text: str, language: str = "en", **options: str) -> Parsed:
    return parse(Command("1", CAT, text, options), COMMANDS, WORDS[language], "/spaces ")


def wrong(text: str, language: str = "en") -> str:
    with pytest.raises(NotUnderstood) as raised:
        read(text, language)
    return str(raised.value)


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("weekly", "weekly", {}),
        ("WEEKLY!", "weekly", {}),
        ("  weekly  support. ", "weekly", {"area": "support"}),
        ("support weekly", "support", {"period": "weekly"}),
        ("weekly public support", "weekly", {"area": "support", "public": "yes"}),
        ("public weekly", "weekly", {"public": "yes"}),
        ("semanal público soporte", "weekly", {"area": "support", "public": "yes"}),
        ("SEMANAL PUBLICO", "weekly", {"public": "yes"}),
        ("¿semanal?", "weekly", {}),
        ("adquisicion mensual", "acquisition", {"period": "monthly"}),
        ("adquisición mes", "acquisition", {"period": "monthly"}),
        ("/spaces weekly", "weekly", {}),
        ("@spaces weekly", "weekly", {}),
        ("<@U0BOT> weekly", "weekly", {}),
        ("what is the weekly, please?", "weekly", {}),
        ("dame el semanal por favor", "weekly", {}),
        ("show me the top", "top", {}),
        ("top me", "top", {}),
        ("me", "me", {}),
        ("me hide", "me", {"naming": "hide"}),
        ("yo ocultar", "me", {"naming": "hide"}),
        ("weekly area=support language=es", "weekly", {"area": "support", "language": "es"}),
        ("weekly español", "weekly", {"language": "es"}),
        ("weekly all", "weekly", {"detail": "full"}),
        ("pendientes", "unanswered", {}),
        ("sin respuesta", "unanswered", {}),
        ("digest monthly product", "digest", {"period": "monthly", "area": "product"}),
        ("éxito", "success", {}),
        ("", "help", {}),
        ("?", "help", {}),
        ("“weekly”", "help", {}),
        ("tag https://acme.slack.com/archives/C1/p17 idea thread", "tag", {"label": "product_idea", "scope": "thread"}),
        ("etiqueta https://acme.slack.com/archives/C1/p17 pregunta hilo", "tag", {"label": "question", "scope": "thread"}),
        ("untag https://acme.slack.com/archives/C1/p17 BUG", "untag", {"label": "bug_report"}),
        ("record cases 120 2026-05", "record", {"kind": "support_cases"}),
        ("anota casos 120 2026-05", "record", {"kind": "support_cases"}),
    ],
)  # fmt: skip
def test_what_is_meant(text: str, name: str, options: dict[str, str]) -> None:
    if text == "“weekly”":  # what stands in quotes is nobody's command
        assert "weekly" in wrong(text)
        return
    found = read(text)
    assert (found.entry.name, found.options) == (name, options)


def test_what_the_platform_understood_is_stronger_than_the_text() -> None:
    found = read("weekly support", area="product", public="True")
    assert found.options == {"area": "product", "public": "yes"}
    assert read("weekly", area="Producto").options == {"area": "product"}
    assert read("weekly", area="nonsense", other="x").options == {}


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("weakly", "en", "There is no command “weakly”. Did you mean `/spaces weekly`?"),
        ("semanl", "es", "No hay ningún comando «semanl». ¿Querías decir `/spaces semanal`?"),
        ("semanl", "en", "There is no command “semanl”. Did you mean `/spaces weekly`?"),
        ("please wekly now", "en", "There is no command “wekly”. Did you mean `/spaces weekly`?"),
        ("xyzzy", "en", "There is no command “xyzzy”. See `/spaces help`."),
        ("xyzzy", "es", "No hay ningún comando «xyzzy». Mira `/spaces ayuda`."),
        ("weekly suport", "en", "I do not understand “suport”. Did you mean `/spaces weekly support`?"),
        ("weekly xyzzy", "en", "I do not understand “xyzzy”. See `/spaces help weekly`."),
        ("weekly area=suport", "en", "I do not understand “suport”. Did you mean `/spaces weekly support`?"),
        ("me public", "en", "I do not understand “public”. See `/spaces help me`."),
    ],
)
def test_wrong_input_gets_the_nearest_right_command(text: str, language: str, words: str) -> None:
    assert wrong(text, language) == words


def test_what_was_typed_is_shown_without_effect() -> None:
    said = wrong("[click](https://evil.example/) **weakly** <!channel> @everyone `x")
    assert "https://evil.example" not in said.replace("\u2060", "x")
    assert "@everyone" not in wrong("@everyone_")


def test_no_word_means_two_commands_or_two_choices() -> None:
    owners: dict[str, set[str]] = {}
    for entry in COMMANDS:
        for name in names(entry):
            owners.setdefault(name, set()).add(entry.name)
    assert {word: sorted(whose) for word, whose in owners.items() if len(whose) > 1} == {}
    for entry in COMMANDS:
        taken: dict[str, str] = {}
        for parameter in entry.parameters:
            for word in values(parameter):
                assert taken.setdefault(word, parameter.name) == parameter.name, (entry.name, word)


def test_everything_offered_fits_on_the_platforms() -> None:
    for entry in COMMANDS:
        offer = entry.offer()
        assert offer.names["es"]
        for texts in (offer.words, *(option.words for option in offer.options)):
            assert set(texts) == set(available())
            assert all(0 < len(text) <= 100 for text in texts.values()), (offer.name, texts)
        assert offer.words["es"] != offer.words["en"]
        for option in offer.options:
            assert len(option.choices) <= 25
            assert all(0 < len(title) <= 100 for choice in option.choices for title in choice.titles.values())


def test_names_in_every_language_are_understood() -> None:
    for entry in COMMANDS:
        for name in (entry.name, *entry.names.values()):
            assert read(name).entry is entry, name


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('record "Spring meetup" 3/4', [("record", False), ("Spring meetup", True), ("3/4", False)]),
        ("“Spring meetup” «más»", [("Spring meetup", True), ("más", True)]),
        ("it's 'one word' don't", [("it's", False), ("one word", True), ("don't", False)]),
        ("<https://a.example/x|a link> https://b.example/y, <https://c.example>",
         [("https://a.example/x", False), ("https://b.example/y", False), ("https://c.example", False)]),
        ("[here](https://a.example/x)", [("https://a.example/x", False)]),
        ("<@U1> <#C1|general> <!here> hi", [("hi", False)]),
        ('"unclosed quote', [("unclosed", False), ("quote", False)]),
        ("\x00 \u2060 ...", [("\x00", False), ("\u2060", False), ("...", False)]),
        ("", []),
    ],
)  # fmt: skip
def test_words_quotes_and_links(text: str, wanted: list[tuple[str, bool]]) -> None:
    assert [(token.text, token.is_quoted) for token in tokens(text)] == wanted


def test_a_long_text_is_not_read_to_its_end() -> None:
    assert len(tokens("a " * 100_000)) <= 2_000


ANYTHING = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from([
            *(name for entry in COMMANDS for name in names(entry)), "public", "público", '"', "<", ">", "|", "=", "area=",
            "70%", "2026-05", "40/55", "https://acme.slack.com/archives/C1/p1", "undo", "not", "off", "99999999999", "-1",
            "🎉", "\x00", "\u202e", "{", "}", "{n}", "%s", "..", "/",
        ]),
        max_size=8,
    ).map(" ".join),
)  # fmt: skip


@given(
    ANYTHING,
    st.sampled_from(available()),
    st.dictionaries(st.sampled_from(["area", "kind", "label", "x"]), st.text(max_size=20), max_size=3),
)
@settings(max_examples=400, deadline=None)
def test_any_text_is_a_command_or_an_answer(text: str, language: str, options: dict[str, str]) -> None:
    try:
        found: Parsed | str = parse(Command("1", CAT, text, options), COMMANDS, WORDS[language], "/spaces ")
    except NotUnderstood as error:
        found = str(error)
    assert found
    if isinstance(found, Parsed):
        assert isinstance(found.entry, Entry)
        assert all(isinstance(token, Token) for token in found.rest)
