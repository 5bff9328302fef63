"""What a moderator's verdicts bring in communities that speak otherwise than those the model was made of.

A model is made without a sixth of the communities of the corpus (ten minutes on two cores). These then speak in words of
their own: a share of all words, each always replaced by the same made-up one; or they have other habits. A moderator judges
the first six tenths of their messages, in one of several ways; macro F1 is that of the rest. Ours: after so many verdicts;
the floor is the model as it ships.
"""

import re
import shutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.report import folder
from bot.classifiers import Subject
from bot.classifiers.adapted import Adapted, content
from bot.classifiers.model import Model
from bot.classifiers.verdicts import Judgement, learn
from bot.training.corpus import LABELS, read_file
from bot.training.make import make
from bot.training.talks import examples

CORPUS = Path(__file__).parents[1] / "examples" / "corpus"
_APART = 6
"""One of so many communities is left out."""
_COUNTS = (50, 200, 1_000)
_TOWNS = 3
_FEWER = frozenset({"question", "product_idea", "thanks", "support_answer"})
_ALL_BUT_WISHES = frozenset(LABELS) - {"product_idea", "bug_report"}
"""Of messages with these labels a town has three in ten."""


class Town(NamedTuple):
    """Some communities that the model never saw, as one; in an order drawn at random."""

    subjects: list[Subject]
    talks: list[str]
    """The conversation of each."""
    truth: Any
    given: Any
    """What the model as it ships says."""


def run() -> None:
    with folder() as home:
        held = _apart(home / "corpus")
        make(home / "corpus", home / "model.json", lambda _: None)
        raw = (home / "model.json").read_bytes()
    model = Model(raw)
    habits: dict[str, Callable[[int], Town]] = {
        "seven tenths of the words are its own": lambda n: _town(model, held[n::_TOWNS], n, 70),
        "half of the words, Spanish": lambda n: _town(model, [p for p in held if p.parent.name == "es"][n::_TOWNS], n, 45),
        "a third of the words": lambda n: _town(model, held[n::_TOWNS], n, 35),
        "few questions, ideas, thanks; a fifth of the words": lambda n: _town(model, held[n::_TOWNS], n, 20, rare=_FEWER),
        "few questions, ideas, thanks; the same words": lambda n: _town(model, held[n::_TOWNS], n, 0, rare=_FEWER),
        "mostly ideas and defects; the same words": lambda n: _town(model, held[n::_TOWNS], n, 0, rare=_ALL_BUT_WISHES),
        "the same words": lambda n: _town(model, held[n::_TOWNS], n, 0),
    }  # fmt: skip
    for habit, made in habits.items():
        towns = [made(number) for number in range(_TOWNS)]
        before = float(np.mean([_quality(town, town.given) for town in towns]))
        print(f"{habit}: macro F1 {before:.3f} as it ships", flush=True)
        for how, verdicts in _GIVERS.items():
            gains = [
                [_after(raw, model, town, list(_some(verdicts, town, count))) - _quality(town, town.given) for town in towns]
                for count in _COUNTS
            ]  # fmt: skip
            said = "  ".join(
                f"{count:,}: {np.mean(each):+.3f} ({min(each):+.3f} to {max(each):+.3f})"
                for count, each in zip(_COUNTS, gains, strict=True)
            )
            print(f"  {how:<42} {said}", flush=True)


def _apart(corpus: Path) -> list[Path]:
    """Copy the corpus without some communities; returns these."""
    held: list[Path] = []
    for number, path in enumerate(sorted(CORPUS.glob("*/*.txt"))):
        if number % _APART:
            (corpus / path.parent.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, corpus / path.parent.name / path.name)
        else:
            held.append(path)
    return held


def _town(
    model: Model, paths: Sequence[Path], seed: int, share: int, rare: frozenset[str] = frozenset()
) -> Town:
    chance = np.random.default_rng(seed)
    found = [each for path in paths for each in examples(read_file(path))]
    if rare:
        found = [each for each in found if not rare & each.line.labels or chance.random() < 0.3]
    found = [found[n] for n in chance.permutation(len(found))]
    own = partial(_own_words, seed=str(seed), share=share)
    texts = ("text", "root", "parent", "before", "after", "reply", "then_asker")
    spoken: list[dict[str, Any]] = [
        {name: own(getattr(each.subject, name)) for name in texts} for each in found
    ]
    subjects = [each.subject._replace(**said) for each, said in zip(found, spoken, strict=True)]
    truth = np.array([[label in each.line.labels for label in LABELS] for each in found])
    talks = [f"{each.line.community} {each.line.talk}" for each in found]
    return Town(subjects, talks, truth, _given(model, subjects))


def _own_words(text: str | None, seed: str, share: int) -> str | None:
    def own(word: re.Match[str]) -> str:
        number = zlib.crc32((seed + word[0].lower()).encode())
        if len(word[0]) <= 2 or number % 100 >= share:
            return word[0]
        letters = range(2 + number % 2)
        return "".join(
            "bcdfgklmnprstvz"[(number >> 4 * n) % 15] + "aeiou"[(number >> 3 * n + 1) % 5] for n in letters
        )

    return None if text is None else re.sub(r"[^\W\d_]+", own, text)


def _given(model: Model, subjects: Sequence[Subject]) -> Any:
    return model.probabilities(subjects) >= [model.thresholds[label].given for label in LABELS]


def _cut(town: Town) -> int:
    return len(town.subjects) * 6 // 10


def _quality(town: Town, given: Any) -> float:
    said, true = given[_cut(town) :], town.truth[_cut(town) :]
    return float(np.mean(2 * (said & true).sum(0) / np.maximum(said.sum(0) + true.sum(0), 1)))


def _after(raw: bytes, model: Model, town: Town, verdicts: list[Judgement]) -> float:
    correction = learn(model, verdicts, town.subjects[: _cut(town) : 2])
    made = model if correction is None else Adapted(raw, content(correction, {}))
    return _quality(town, _given(made, town.subjects))


# --- who gives verdicts -----------------------------------------------------------------------------------------------

Giver = Callable[[bool, bool, float], bool | None]
"""The verdict of what is true, of what the machine says, and of a number from 0 to 1; None: it is not spoken of."""


def _some(giver: Giver, town: Town, count: int) -> Iterator[Judgement]:
    chance, given = np.random.default_rng(1), 0
    for n in range(_cut(town)):
        for column, label in enumerate(LABELS):
            verdict = giver(bool(town.truth[n, column]), bool(town.given[n, column]), float(chance.random()))
            if verdict is not None and given < count:
                given += 1
                yield Judgement(town.subjects[n], label, verdict, town.talks[n], "ann", giver is _asked)


def _corrects(true: bool, said: bool, _chance: float) -> bool | None:
    return true if true != said else None


def _tags(true: bool, said: bool, _chance: float) -> bool | None:
    return true if true or said else None


def _errs(true: bool, said: bool, chance: float) -> bool | None:
    return None if not (true or said) else true if chance < 0.75 else not true


def _asked(true: bool, _said: bool, _chance: float) -> bool | None:
    return true


def _guesses(_true: bool, _said: bool, chance: float) -> bool | None:
    return None if chance < 0.9 else chance < 0.95


def _says_yes(_true: bool, _said: bool, chance: float) -> bool | None:
    return True if chance < 0.1 else None


def _says_no(_true: bool, _said: bool, chance: float) -> bool | None:
    return False if chance < 0.1 else None


def _contradicts(true: bool, said: bool, _chance: float) -> bool | None:
    return not true if true or said else None


_GIVERS: dict[str, Giver] = {
    "corrects what is wrong": _corrects,
    "tags what it is": _tags,
    "the same, wrong one time in four": _errs,
    "is asked about every label of a few": _asked,
    "guesses": _guesses,
    "says yes to anything": _says_yes,
    "says no to anything": _says_no,
    "says the contrary of what is so": _contradicts,
}
