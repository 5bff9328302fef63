"""Labels by the trained model, beside the marks of the platform, each with its reason and how sure it is."""

from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np

from bot.classifiers import MODEL, PLATFORM, UNSURE, Subject, Verdict, cues
from bot.classifiers.features import Floats
from bot.classifiers.language import UNDECIDED, language
from bot.classifiers.links import SHIPPED as LINKS
from bot.classifiers.model import Model, Threshold, shipped
from bot.classifiers.rules import CHECKS

SPOKEN = frozenset({"en", "es", UNDECIDED})
"""Messages in other languages are counted, and not guessed at."""


class Trained:
    """The classifier that ships. `thresholds` replace the model's own, label by label."""

    def __init__(self, model: Model | None = None, thresholds: Mapping[str, Threshold] | None = None) -> None:
        self.model = model or shipped()
        self._thresholds = [
            (column, label, {**self.model.thresholds, **(thresholds or {})}[label])
            for column, label in enumerate(self.model.labels)
        ]

    @property
    def fingerprint(self) -> str:
        """Of the model, the thresholds and the program."""
        told = f"{self.model.fingerprint} {_program()} {self._thresholds}"
        return sha256(told.encode()).hexdigest()

    def classify(self, subjects: Sequence[Subject]) -> list[list[Verdict]]:
        """The verdicts of each subject, UNSURE ones among them."""
        return self.judge(subjects, self.model.probabilities(subjects))

    def judge(self, subjects: Sequence[Subject], probabilities: Floats) -> list[list[Verdict]]:
        """The verdicts that follow from the model's probabilities."""
        rows = np.round(probabilities, 3).tolist()
        return [self._verdicts(subject, row) for subject, row in zip(subjects, rows, strict=True)]

    def _verdicts(self, subject: Subject, row: Sequence[float]) -> list[Verdict]:
        found = {verdict.label: verdict for verdict in marked(subject)}
        guesses = [
            (label, row[column], threshold.given)
            for column, label, threshold in self._thresholds
            if row[column] >= threshold.unsure and label not in found and possible(label, subject)
        ]
        if guesses and language(cues.clean(subject.text)) in SPOKEN:
            for label, probability, given in guesses:
                by = MODEL if probability >= given else UNSURE
                found[label] = Verdict(label, by, why(label, subject), round(probability, 3))
        return list(found.values())


def marked(subject: Subject) -> list[Verdict]:
    """What the platform itself says of a message: solved, or checked."""
    checked = not CHECKS.isdisjoint(subject.reactions)
    if subject.is_root:
        return [Verdict("resolved", PLATFORM, "Bears a check-mark.")] if checked else []
    if subject.by_asker or not (subject.is_solution or checked):
        return []
    why = "The platform marks it as the solution." if subject.is_solution else "Bears a check-mark."
    return [Verdict("support_answer", PLATFORM, why)]


def possible(label: str, subject: Subject) -> bool:
    """Nobody answers their own question, and nothing is resolved by its first words."""
    if label == "support_answer":
        return not subject.by_asker
    return label != "resolved" or not subject.is_root


def why(label: str, subject: Subject) -> str:
    """The reasons that people can follow: what the words say, where the message stands, what came after."""
    reading = cues.read(subject.text)
    said = [reading.why[label]] if label in reading.why and reading.score.get(label, 0) > 0 else []
    if label == "support_answer":
        said.append("In reply to the asker." if subject.parent_by_asker else "In the asker's conversation.")
        then = cues.read(subject.then_asker).score if subject.then_asker is not None else {}
        if then.get("confirmation", 0) > 0:
            said.append("The asker then confirms.")
        elif then.get("thanks", 0) > 0:
            said.append("The asker then says thanks.")
    elif label == "resolved":
        said.append(
            "By the asker, after a reply."
            if subject.by_asker and subject.after_reply
            else "In a conversation."
        )
    elif label == "question":
        said.append("Opens its conversation." if subject.is_root else "Within a conversation.")
        if "?" in subject.text:
            said.append("Has a question mark.")
    elif not said:
        said.append("Its words are like those of others with this label.")
    return " ".join(said)


@cache
def _program() -> str:
    digest = sha256()
    here = Path(__file__).resolve().parent
    for path in sorted([*here.glob("*.py"), *here.glob("cues/*.toml"), LINKS]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
