"""Learning from moderators, in a community that speaks otherwise than those the shipped model was made from.

Its words are the corpus's with most of them replaced by made-up ones, each always by the same: the shipped
model is then worse than it should be, and can learn.
"""

import re
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.classifiers import Subject
from bot.classifiers.adapted import Adapted, content
from bot.classifiers.features import Floats
from bot.classifiers.model import SHIPPED, shipped
from bot.classifiers.verdicts import Judgement, honest, learn
from bot.training.corpus import LABELS, read_file
from bot.training.talks import examples

CORPUS = Path(__file__).parents[2] / "examples" / "corpus"
COMMUNITIES = ("en/voltaride", "es/sazon", "en/chalkline", "es/huerta", "en/gigfolio")
TESTED = 350


def jargon(text: str | None) -> str | None:
    """The text in the community's own words."""

    def own(found: re.Match[str]) -> str:
        word, number = found[0], zlib.crc32(found[0].lower().encode())
        if len(word) < 3 or number % 100 >= 70:
            return word
        letters = (
            "bcdfgklmnprstvz"[(number >> 4 * n) % 15] + "aeiou"[(number >> 3 * n + 1) % 5]
            for n in range(2 + number % 2)
        )
        return "".join(letters)

    return None if text is None else re.sub(r"[^\W\d_]+", own, text)


@cache
def usual() -> tuple[list[Subject], "np.ndarray[tuple[int, int], np.dtype[np.bool_]]"]:
    """Messages in usual words, and what they are."""
    found = [each for name in COMMUNITIES for each in examples(read_file(CORPUS / f"{name}.txt"))]
    order = np.random.default_rng(0).permutation(len(found))
    truth = np.array([[label in found[n].line.labels for label in LABELS] for n in order])
    return [found[n].subject for n in order], truth


@cache
def community() -> tuple[list[Subject], "np.ndarray[tuple[int, int], np.dtype[np.bool_]]"]:
    """The same in the community's own words."""
    subjects, truth = usual()
    texts = ("text", "root", "parent", "before", "after", "reply", "then_asker")
    spoken: list[dict[str, Any]] = [
        {name: jargon(getattr(each, name)) for name in texts} for each in subjects
    ]
    return [each._replace(**said) for each, said in zip(subjects, spoken, strict=True)], truth


def judged(count: int, decider: str = "ann") -> list[Judgement]:
    """Verdicts on every label of so many messages drawn at random, by somebody who is right."""
    subjects, truth = community()
    return [
        Judgement(subjects[n], label, bool(truth[n, column]), str(n), decider, is_sampled=True)
        for n in range(count)
        for column, label in enumerate(LABELS)
    ]


def corrected(count: int, decider: str = "ann", *, right: bool = True) -> list[Judgement]:
    """So many verdicts where the machine is wrong, by somebody who speaks up there and nowhere else."""
    subjects, truth = community()
    wrong = np.argwhere(given()[:-TESTED] != truth[:-TESTED])[:count]
    return [
        Judgement(subjects[n], LABELS[column], bool(truth[n, column]) == right, str(n), decider)
        for n, column in wrong
    ]


@cache
def given() -> "np.ndarray[tuple[int, int], np.dtype[np.bool_]]":
    """Which labels the shipped model gives."""
    found = shipped().probabilities(community()[0])
    return found >= [shipped().thresholds[label].given for label in LABELS]


def guessed(
    count: int, decider: str = "troll", *, asked: bool = False, always: bool = False
) -> list[Judgement]:
    """Verdicts on anything by somebody who does not look: by chance, or always yes."""
    subjects, _ = community()
    chance = np.random.default_rng(3)
    return [
        Judgement(
            subjects[n % 600], LABELS[chance.integers(len(LABELS))], always or bool(chance.integers(2)), str(n), decider, asked,
        )
        for n in range(count)
    ]  # fmt: skip


def quality(judgements: list[Judgement]) -> float:
    """Macro F1 on the last messages, after learning."""
    subjects, truth = community()
    correction = learn(shipped(), judgements, subjects[:-TESTED:2])
    model = shipped() if correction is None else Adapted(SHIPPED.read_bytes(), content(correction, {}))
    return f1(model.probabilities(subjects[-TESTED:]), truth[-TESTED:])


def f1(probabilities: Floats, truth: "np.ndarray[tuple[int, int], np.dtype[np.bool_]]") -> float:
    given = probabilities >= [shipped().thresholds[label].given for label in LABELS]
    return float(np.mean(2 * (given & truth).sum(0) / np.maximum(given.sum(0) + truth.sum(0), 1)))


@cache
def before() -> float:
    subjects, truth = community()
    return f1(shipped().probabilities(subjects[-TESTED:]), truth[-TESTED:])


def test_it_gets_better_with_verdicts() -> None:
    assert quality(judged(150)) > before() + 0.02


@pytest.mark.parametrize(("count", "better"), [(50, 0.03), (200, 0.07), (1000, 0.08)])
def test_it_gets_better_with_corrections(count: int, better: float) -> None:
    assert quality(corrected(count)) > before() + better


@pytest.mark.parametrize(("count", "by_chance"), [(50, 1), (200, 0)])
def test_where_the_model_errs_as_often_as_it_says_there_is_nothing_to_learn(
    count: int, by_chance: int
) -> None:
    """What is corrected is always what is wrong; that alone is no reason to give a label more often."""
    subjects = usual()[0][:900]
    probabilities = shipped().probabilities(subjects)
    given = probabilities >= [shipped().thresholds[label].given for label in LABELS]
    learned = 0
    for draw in range(4):
        truth = np.random.default_rng(draw).random(probabilities.shape) < probabilities
        corrections = [
            Judgement(subjects[n], LABELS[column], bool(truth[n, column]), str(n), "ann")
            for n, column in np.argwhere(given != truth)[:count]
        ]
        learned += learn(shipped(), corrections, subjects[::2]) is not None
    assert learned <= by_chance


def test_where_the_model_is_unsure_but_right_about_it_corrections_do_no_harm() -> None:
    """In words of its own the model errs often, and says so; of its errors something is learned there."""
    subjects = community()[0]
    probabilities = shipped().probabilities(subjects)
    thresholds = [shipped().thresholds[label].given for label in LABELS]

    def expected_f1(given: "np.ndarray[tuple[int, int], np.dtype[np.bool_]]") -> float:
        true = probabilities[-TESTED:]
        return float(np.mean(2 * (given * true).sum(0) / (given.sum(0) + true.sum(0))))

    for draw in range(3):
        truth = np.random.default_rng(draw).random(probabilities.shape) < probabilities
        corrections = [
            Judgement(subjects[n], LABELS[column], bool(truth[n, column]), str(n), "ann")
            for n, column in np.argwhere(given()[:-TESTED] != truth[:-TESTED])[:200]
        ]
        correction = learn(shipped(), corrections, subjects[:-TESTED:2])
        assert correction is not None
        model = Adapted(SHIPPED.read_bytes(), content(correction, {}))
        after = model.probabilities(subjects[-TESTED:]) >= thresholds
        assert expected_f1(after) > expected_f1(given()[-TESTED:])


def test_what_is_said_of_answers_is_learned_of_what_they_answer() -> None:
    """A question in words of its own: whoever names the answers to it also says what it is."""
    subjects, truth = community()
    answers = LABELS.index("support_answer")
    missed = np.flatnonzero(truth[:, answers] & ~given()[:, answers])
    said = [Judgement(subjects[n], "support_answer", True, str(n), "ann") for n in missed]
    correction = learn(shipped(), said, subjects[::2])
    assert correction is not None
    assert list(correction.gains) == ["support_answer"]
    model = Adapted(SHIPPED.read_bytes(), content(correction, {}))
    answered = [Subject(each.root) for n in missed if (each := subjects[n]).root is not None]
    question = LABELS.index("question")
    likelier = model.probabilities(answered) - shipped().probabilities(answered)
    assert np.mean(likelier[:, question]) > 0


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("always", [True, False])
def test_whoever_guesses_or_always_says_yes_does_no_harm(asked: bool, always: bool) -> None:
    assert quality(guessed(300, asked=asked, always=always)) >= before() - 0.005


def test_one_who_guesses_spoils_nothing_for_the_others() -> None:
    alone = quality(corrected(100))
    assert quality([*corrected(100), *guessed(300)]) == alone
    assert alone > before() + 0.03


@pytest.mark.parametrize("count", [50, 300])
def test_whoever_says_the_contrary_of_what_is_so_does_no_harm(count: int) -> None:
    subjects, truth = community()
    spoken = np.argwhere(truth[:-TESTED] | given()[:-TESTED])[:count]
    lies = [
        Judgement(subjects[n], LABELS[column], not truth[n, column], str(n), "eve") for n, column in spoken
    ]
    assert quality(lies) >= before() - 0.005
    assert quality([*corrected(100), *lies]) == quality(corrected(100))


def test_nothing_is_learned_from_nothing() -> None:
    assert learn(shipped(), []) is None
    assert learn(shipped(), judged(1)[:5]) is None


def test_what_is_kept_gives_the_same() -> None:
    subjects, _ = community()
    correction = learn(shipped(), judged(100), subjects[:-TESTED])
    assert correction is not None
    one, other = (Adapted(SHIPPED.read_bytes(), content(correction, {})) for _ in range(2))
    assert np.array_equal(one.probabilities(subjects[-50:]), other.probabilities(subjects[-50:]))
    assert one.fingerprint != shipped().fingerprint


@pytest.mark.parametrize(("spread", "is_heard"), [(0.2, True), (3.0, False)])
def test_what_may_be_chance_does_not_speak_for_anybody(spread: float, is_heard: bool) -> None:
    """Eight yeses, on average a little above what is usual of messages without the label."""
    spoken = np.array([-1.9 + spread * (-1) ** n for n in range(8)], np.float32)
    verdicts = [Judgement(Subject("x"), "question", True, str(n), "eve") for n in range(8)]
    rest, nowhere = np.full((50, 1), -2.0, np.float32), np.zeros((50, 1), bool)
    assert honest(verdicts, spoken, np.zeros(8, bool), rest, nowhere).tolist() == [is_heard] * 8
