"""A question, and how what is said in its conversation changes what is known of it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class Question:
    """A conversation whose root is a question, and what came of it up to `as_of`."""

    source_id: int
    external_id: str
    asker: str
    standing: str
    asked_at: datetime
    first_response_at: datetime | None = None
    """The first message of another person who is no bot."""
    resolved_at: datetime | None = None
    resolved: bool = False
    resolver_standing: str | None = None
    """Who is credited: "member", "staff" or "bot"; None for the asker alone."""
    accepted: bool = False
    """The platform marks one of the replies as the solution."""


def follow(question: Question, at: datetime, by: str, label: str | None, *, accepted: bool) -> None:
    """Take one reply of a question's conversation, in order of time, into what is known of the question.

    `by` is "asker", or the standing of another author; `accepted` is the platform's mark.
    """
    helps = by in ("member", "staff")
    if helps and question.first_response_at is None:
        question.first_response_at = at
        if question.resolved_at is None:
            question.resolver_standing = by
    answers = helps and label == "support_answer"
    # Askers may accept an answer of their own, or a bot's; of people it is an answer unless a moderator denied it.
    if accepted and (answers or not helps) and not question.accepted:
        # The accepted solution tells when and by whom, whatever else was tried before it.
        question.accepted = question.resolved = True
        question.resolved_at = at
        question.resolver_standing = question.standing if by == "asker" else by
    elif question.resolved_at is None and (answers or label == "resolved"):
        question.resolved, question.resolved_at = True, at
        if answers:
            question.resolver_standing = by
