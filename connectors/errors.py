"""The three ways in which talking to a platform fails, named by who must act.

    ConnectorError
     |- Misconfigured       the operator: wrong token, missing right, wrong file
     |- Unavailable         nobody: we wait and try again
     |- UnreadablePayload   a developer: the record is kept aside and counted
     `- Unsure              nobody: it was sent or not; reading back will tell

This module imports nothing of ours.
"""


class ConnectorError(Exception):
    """A failure with a cure. `str()` is one sentence or two, fit for a person who is no engineer."""


class Misconfigured(ConnectorError):
    """The operator must act: what is wrong, where, and what to do about it."""


class Unavailable(ConnectorError):
    """The platform does not answer for now; it is tried again after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnreadablePayload(ConnectorError):
    """The platform said something that we cannot read; the rest goes on."""


class Unsure(ConnectorError):
    """A post may or may not have been sent (5xx, reset, time-out): unknown is not failed."""
