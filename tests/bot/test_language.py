"""The language of a message: common words first, then the library, of which only our languages are read."""

import pytest
from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier

from bot.classifiers import language
from bot.training.corpus import read
from tests.bot.test_adapted import CORPUS


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("how do i restore the vault", "en"),
        ("cómo hago para que no se cierre", "es"),
        ("bonjour tout le monde, comment allez-vous aujourd'hui", "fr"),
        ("guten morgen zusammen, wo finde ich meine rechnung", "de"),
        ("bom dia pessoal, onde encontro minha fatura", "pt"),
        ("ok", ""),
        ("", ""),
    ],
)
def test_what_it_is_in(said: str, code: str) -> None:
    assert language.language(said) == code


def test_it_decides_as_the_library_does_that_reads_everything() -> None:
    whole = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    ours = LanguageIdentifier(**language._model(MODEL_DIR / MODEL_FILE), norm_probs=True)
    whole.set_languages(ours.nb_classes)
    for line in list(read(CORPUS))[::20]:
        (code, sure), (their_code, their_sure) = ours.classify(line.text), whole.classify(line.text)
        assert (code, sure) == (their_code, pytest.approx(their_sure)), line.text
    assert {"en", "es", "fr", "zh"} <= set(ours.nb_classes)
    assert len(ours.nb_classes) == 18
