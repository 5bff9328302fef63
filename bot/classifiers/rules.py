"""Labels by rules: cues in the text, marks of the platform, and the place in the conversation."""

import re
from collections.abc import Sequence

from bot.classifiers import Subject, Verdict, cues

_BY_TEXT = frozenset({
    "question", "product_idea", "bug_report", "advocacy", "introduction", "contribution", "event", "thanks",
    "success_story",
})  # fmt: skip
"""Labels that the words of a message alone can earn."""

CHECKS = frozenset({
    "✅", "✔", "✔️", "☑", "☑️", "white_check_mark", "heavy_check_mark", "ballot_box_with_check",
})  # fmt: skip
"""Emoji by which people say that something is done."""

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")

_FEW_WORDS = 4  # fewer tell nobody anything
_A_LOT = 20  # who says "not sure" and goes on for as many words does say something
_MANY_WORDS = 14  # as many, from somebody else in a question's conversation, are an explanation


class Rules:
    """The classifier that needs no training."""

    @property
    def fingerprint(self) -> str:
        """Of the cues and the program."""
        return cues.fingerprint()

    def classify(self, subjects: Sequence[Subject]) -> list[list[Verdict]]:
        """The verdicts of each subject."""
        return [_verdicts(subject) for subject in subjects]


def _verdicts(subject: Subject) -> list[Verdict]:
    reading = cues.read(subject.text)
    score, why = reading.score, reading.why
    found = [
        Verdict(label, "rules", why[label])
        for label, total in score.items()
        if total >= cues.ENOUGH
        and label in _BY_TEXT
        and (label != "question" or _asks(subject.text, reading))
    ]
    if subject.is_root:
        if not CHECKS.isdisjoint(subject.reactions):
            found.append(Verdict("resolved", "platform", "Bears a check-mark."))
    elif subject.by_asker:
        if subject.after_reply and reading.says("confirmation"):
            found.append(
                Verdict("resolved", "rules", f"The asker, after a reply: {_lower(why['confirmation'])}")
            )
    elif _answers_question(subject):
        answer = _answer(subject, reading)
        if answer is not None:
            found.append(answer)
    return found


def _answers_question(subject: Subject) -> bool:
    """Whether the conversation's first message is a question."""
    if subject.asked is not None or subject.root is None:
        return bool(subject.asked)
    return any(verdict.label == "question" for verdict in _verdicts(Subject(subject.root)))


def _asks(text: str, reading: cues.Reading) -> bool:
    """What reads as a question waits for an answer: neither a wish for the product in the form of a question, nor talk.

    "Could we get tags, please?" is a wish; "Could we get tags? And how do I sort?" is a question as well.
    """
    wishes = reading.says("wish") and reading.says("product_idea")
    if not wishes and not reading.says("small_talk"):
        return True
    sentences = map(cues.read, _SENTENCE_END.split(cues.clean(text)))
    return any(
        sentence.says("question")
        and not sentence.says("small_talk")
        and not (wishes and sentence.says("wish"))
        for sentence in sentences
    )


def _answer(subject: Subject, reading: cues.Reading) -> Verdict | None:
    """Why this message, by somebody else in a question's conversation, answers it; None if it does not."""
    if subject.is_solution:
        return Verdict("support_answer", "platform", "The platform marks it as the solution.")
    if not CHECKS.isdisjoint(subject.reactions):
        return Verdict("support_answer", "platform", "Bears a check-mark.")
    why = _welcomed(subject.then_asker) or _told(reading)
    return None if why is None else Verdict("support_answer", "rules", why)


def _welcomed(then_asker: str | None) -> str | None:
    """How the asker took the message."""
    if then_asker is None:
        return None
    then = cues.read(then_asker)
    if then.says("confirmation"):
        return "The asker confirms right after it."
    return "The asker says thanks right after it." if then.says("thanks") else None


def _told(reading: cues.Reading) -> str | None:
    """What the message tells that helps."""
    if reading.says("question") and not reading.says("instruction"):
        return None
    if reading.has_code or reading.has_link:
        return f"{'Shows code' if reading.has_code else 'Gives a link'}, in reply to a question."
    if reading.words < _FEW_WORDS or (reading.says("no_answer") and reading.words < _A_LOT):
        return None
    if reading.says("instruction"):
        return f"{reading.why['instruction'][:-1]}, in reply to a question."
    at_length = reading.words >= _MANY_WORDS and not reading.says("thanks")
    return "Explains at length, in reply to a question." if at_length else None


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]
