"""How a label is decided: what is known of a message goes in, verdicts come out."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Subject(NamedTuple):
    """A message with all of its context that a verdict may rest on.

    "The asker" is the author of the conversation's first message (the person, not the account). Texts are as the
    platform gives them; None where there is no such message.
    """

    text: str
    reactions: frozenset[str] = frozenset()
    """Names of emoji, or the characters themselves."""
    is_solution: bool = False
    marks: frozenset[str] = frozenset()
    """Tags that the platform keeps on the topic which this message opens."""
    place: str = ""
    """The channel's name."""
    is_root: bool = True
    """First message of its conversation."""
    by_asker: bool = True
    asked: bool | None = None
    """Whether the conversation's first message is a question, where that is known without reading it."""
    root: str | None = None
    """The conversation's first message; None for that message itself, and where it is gone."""
    parent: str | None = None
    """What this message answers: the message it replies to, else the last one by somebody else."""
    parent_by_asker: bool = False
    before: str | None = None
    """The message right before, where the same person wrote it."""
    after: str | None = None
    """The message right after, where the same person wrote it."""
    reply: str | None = None
    """The message right after, where somebody else wrote it."""
    then_asker: str | None = None
    """What the asker wrote next, within a few messages; None for the asker's own."""
    position: int = 0
    """How many messages of the conversation stand before."""
    after_reply: bool = False
    """Somebody else than the asker, and no bot, wrote earlier in the conversation."""
    in_thread: bool = False
    """It stands in a thread or topic."""


class Verdict(NamedTuple):
    """The message is `label`. `decided_by` is the classifier's name, or "platform" for the platform's own mark.

    UNSURE is a verdict of its own: it may be, and a person should look; nothing counts it.
    """

    label: str
    decided_by: str
    why: str
    """A short English sentence for people, naming the cue or the context."""
    probability: float | None = None
    """How sure, calibrated; None where nothing was estimated."""


PLATFORM, RULES, MODEL, UNSURE = "platform", "rules", "model", "unsure"
"""Who decides."""


class Classifier(Protocol):
    """Decides labels for a batch of messages. Equal subjects always get equal verdicts."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever a verdict could; stored verdicts of another fingerprint are made again."""
        ...

    def classify(self, subjects: Sequence[Subject]) -> list[list[Verdict]]:
        """The verdicts of each subject, in the order of the subjects. No label stands twice for one subject."""
        ...
