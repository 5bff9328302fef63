"""How a label is decided: what is known of a message goes in, verdicts come out."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Subject(NamedTuple):
    """A message with all of its context that a verdict may rest on.

    "The asker" is the author of the conversation's first message (the person, not the account).
    """

    text: str
    """As the platform gives it."""
    reactions: frozenset[str] = frozenset()
    """Names of emoji, or the characters themselves."""
    is_solution: bool = False
    is_root: bool = True
    """First message of its conversation."""
    by_asker: bool = True
    answers_question: bool = False
    """The conversation's first message is there and is a question; always False for that message itself."""
    after_reply: bool = False
    """Somebody else than the asker, and no bot, wrote earlier in the conversation."""
    then_asker: str | None = None
    """What the asker wrote right after this message, where it was the asker who wrote next."""
    marks: frozenset[str] = frozenset()
    """Tags that the platform keeps on the topic which this message opens."""


class Verdict(NamedTuple):
    """The message is `label`. `decided_by` is the classifier's name, or "platform" for the platform's own mark."""

    label: str
    decided_by: str
    why: str
    """A short English sentence for people, naming the cue or the context."""


class Classifier(Protocol):
    """Decides labels for a batch of messages. Equal subjects always get equal verdicts."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever a verdict could; stored verdicts of another fingerprint are made again."""
        ...

    def classify(self, subjects: Sequence[Subject]) -> list[list[Verdict]]:
        """The verdicts of each subject, in the order of the subjects. No label stands twice for one subject."""
        ...
