"""Labels by the tags that people gave a topic on the platform itself, as the operator reads them."""

import hashlib
from collections.abc import Mapping, Sequence

import orjson

from bot.classifiers import Classifier, Subject, Verdict


class Marked:
    """Another classifier's verdicts, and those that a topic's own tags give: `labels` is tag -> label."""

    def __init__(self, inner: Classifier, labels: Mapping[str, str]) -> None:
        self._inner = inner
        self._labels = {tag.strip().casefold(): label for tag, label in labels.items()}
        self.question_tags = {tag for tag, label in self._labels.items() if label == "question"}
        """The tags (casefolded) whose topics ask something."""

    @property
    def fingerprint(self) -> str:
        """Of the other classifier and of the map."""
        if not self._labels:
            return self._inner.fingerprint
        said = orjson.dumps([self._inner.fingerprint, self._labels], option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(said).hexdigest()

    def classify(self, subjects: Sequence[Subject]) -> list[list[Verdict]]:
        """The verdicts of each subject; a topic's own tag counts before what the words say."""
        found = self._inner.classify(subjects)
        if not self._labels:
            return found
        return [self._mark(subject, verdicts) for subject, verdicts in zip(subjects, found, strict=True)]

    def _mark(self, subject: Subject, verdicts: list[Verdict]) -> list[Verdict]:
        marked = {
            self._labels[tag.casefold()]: Verdict(
                self._labels[tag.casefold()], "platform", f"The topic bears the tag “{tag}”."
            )
            for tag in sorted(subject.marks)
            if tag.casefold() in self._labels
        }
        return [verdict for verdict in verdicts if verdict.label not in marked] + list(marked.values())
