"""The trained model as it ships: small, quick to judge alike, and made of what stands beside it."""

import subprocess
import sys
from pathlib import Path

import pytest

from bot.classifiers import MODEL, PLATFORM, UNSURE, Subject, cues
from bot.classifiers.features import tokens
from bot.classifiers.model import SHIPPED, Model, shipped
from bot.classifiers.trained import Trained
from bot.spaces.catalogue import LABELS

CORPUS = Path(__file__).parents[2] / "examples" / "corpus"


def given(text: str, **context: object) -> set[str]:
    (verdicts,) = Trained().classify([Subject(text, **context)])  # type: ignore[arg-type]
    return {verdict.label for verdict in verdicts if verdict.decided_by != UNSURE}


def test_it_is_small_and_knows_every_label() -> None:
    assert SHIPPED.stat().st_size < 5_000_000
    assert set(shipped().labels) <= LABELS.keys()
    assert shipped().card["corpus"]["messages"] > 10_000


def test_it_was_made_with_the_cues_that_stand_here() -> None:
    assert shipped().card["cues"] == cues.written(), "the cues changed: run `spaces train examples/corpus`"


def test_prediction_needs_no_training_library() -> None:
    program = (
        "import sys; from bot.classifiers import Subject; from bot.classifiers.trained import Trained;"
        "Trained().classify([Subject('how do I do this?')]);"
        "bad = {'sklearn', 'scipy'} & {name.split('.')[0] for name in sys.modules};"
        "sys.exit(', '.join(bad) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_file_of_another_form_is_refused() -> None:
    with pytest.raises(ValueError, match="another form"):
        Model(b'{"form": 0}')


def test_equal_subjects_are_judged_alike_in_any_company() -> None:
    texts = [f"how do I export number {n}? thanks in advance" for n in range(150)] + [
        "it crashes",
        "gracias!",
    ]
    together = Trained().classify([Subject(text) for text in texts])
    alone = [Trained().classify([Subject(text)])[0] for text in texts]
    assert together == alone


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("How do I export my data to CSV?", "question"),
        ("¿Cómo puedo exportar mis datos a CSV?", "question"),
        ("It would be great if the app had a dark mode, please add it", "product_idea"),
        ("Estaría bien que la app tuviera modo oscuro", "product_idea"),
        ("Since the last update it crashes every time I open the settings", "bug_report"),
        ("Desde la última actualización se cierra cada vez que abro los ajustes", "bug_report"),
        ("Hi everyone, I'm Ana, just joined, I work as a nurse in Leeds", "introduction"),
        ("Hola a todos, soy Ana, acabo de llegar y trabajo de enfermera", "introduction"),
        ("Join us on Thursday at 18:00 for the monthly call", "event"),
        ("El jueves a las 18:00 hacemos la llamada mensual, apuntaos", "event"),
    ],
)
def test_plain_cases(text: str, label: str) -> None:
    assert label in given(text)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        (
            (
                "Hi all,\n\nfirst of all thank you for this wonderful app, it has been on my desk every day for two years. "
                "I run version 4.2 on an old laptop with the German keyboard. Since the update the window stays white "
                "and the log says `render failed`. I did not change anything else.\n\nKind regards\nPer"
            ),
            {"thanks"},
        ),
        (
            (
                "Buenas tardes. Tengo la versión 3.1 en un portátil viejo, instalada desde hace un año sin problemas. "
                "Ayer cambié de operador y desde entonces no sé dónde se pone la dirección nueva del servidor. "
                "¿Alguien me puede decir en qué menú está? Gracias de antemano.\nSaludos"
            ),
            {"question"},
        ),
    ],
)
def test_what_a_long_message_does_in_one_of_its_sentences(text: str, labels: set[str]) -> None:
    assert labels <= given(text)


def test_a_text_is_read_sentence_by_sentence() -> None:
    assert tokens("it works! thanks\n\nv2.1 is out") == [
        *("^", "it", "works", "!", "$"),
        *("^", "thanks", "$"),
        *("^", "v", "0", ".", "0", "is", "out", "$"),
    ]
    assert tokens("  \n ") == ["^", "$"]


def test_nobody_answers_their_own_question() -> None:
    text = "Go to Settings > Export and choose CSV, that should do it"
    asked = "How do I export my data?"
    reply = {"is_root": False, "by_asker": False, "root": asked, "parent": asked, "parent_by_asker": True}
    assert "support_answer" in given(text, **reply)
    assert "support_answer" not in given(text, **reply | {"by_asker": True})


def test_other_languages_are_not_guessed_at() -> None:
    assert (
        given("Bonjour à tous, comment est-ce que je peux exporter mes données, s'il vous plaît ?") == set()
    )


def test_the_platforms_marks_come_first_and_say_so() -> None:
    (verdicts,) = Trained().classify(
        [Subject("the blue one", is_solution=True, is_root=False, by_asker=False)]
    )
    assert [(v.label, v.decided_by) for v in verdicts if v.label == "support_answer"] == [
        ("support_answer", PLATFORM)
    ]


def test_every_verdict_says_why_and_how_sure() -> None:
    for verdicts in Trained().classify([Subject("how do I do it?"), Subject("thanks a lot Ana!")]):
        assert verdicts
        for verdict in verdicts:
            assert verdict.decided_by in {MODEL, UNSURE}
            assert verdict.why.endswith(".")
            assert verdict.probability is not None
            assert 0 < verdict.probability <= 1
