"""Slack's Web API as this connector calls it: waits as told, tries again where that is safe, and names what went wrong.

The library that speaks HTTP stands behind `Send`; nothing here knows it.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, NamedTuple

from connectors.errors import ConnectorError, Misconfigured, Unavailable, Unsure

_LOG = logging.getLogger("connectors.slack")

_TRIES = 5
_SKEW = 2.0
"""Seconds of difference between the clocks that the Date header, in whole seconds, cannot tell from none."""

_LIMITED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_TROUBLED = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
)
_DEAD = {
    "invalid_auth": "does not know the token",
    "not_authed": "got no token",
    "account_inactive": "says that the token's account is deactivated",
    "token_revoked": "says that the token was revoked",
    "token_expired": "says that the token has expired",
    "not_allowed_token_type": "does not take a token of this kind",
    "org_login_required": "wants the workspace to finish its move to an organisation",
    "team_access_not_granted": "has not granted the app access to this workspace",
}


class Answer(NamedTuple):
    """What came back over HTTP; `body` is None where it was no JSON object."""

    status: int
    headers: Mapping[str, str]
    body: dict[str, Any] | None


Send = Callable[[str, dict[str, Any]], Awaitable[Answer]]
"""Method and parameters -> answer.

Raises:
    ConnectionRefusedError: nothing was sent, nobody listens there.
    OSError, TimeoutError: it may or may not have arrived.
"""


class Declined(ConnectorError):
    """Slack answered, and the answer is no. Never leaves the connector: each caller knows what it means there."""

    def __init__(self, method: str, body: Mapping[str, Any]) -> None:
        self.error = str(body.get("error") or "unknown_error")
        self.needed = str(body.get("needed") or "")
        self.detail = "; ".join(map(str, (body.get("response_metadata") or {}).get("messages") or ()))[:300]
        super().__init__(f"Slack declined {method}: {self.error}.")


class Web:
    """Calls of one workspace with one token."""

    def __init__(self, send: Send, address: str) -> None:
        self._send = send
        self.address = address
        self._resume: dict[str, float] = {}
        self._limits: dict[str, int] = {}
        self._skew = timedelta()
        self.scopes: frozenset[str] = frozenset()
        """What the token may do, as the last answer told."""

    @property
    def skew(self) -> timedelta:
        """How far Slack's clock is ahead of ours; nothing where it cannot be told from none."""
        return self._skew

    def now(self) -> datetime:
        """The time by Slack's clock: what is read after this moment was so at this moment or later."""
        return datetime.now(UTC) + self._skew

    async def call(self, method: str, *, once: bool = False, **params: Any) -> dict[str, Any]:
        """Ask; returns the answer's body.

        With `once` nothing is asked again unless it surely was not done before.

        Raises:
            Declined: Slack said no.
            Misconfigured: the token is no good.
            Unavailable: Slack does not answer, or not sensibly.
            Unsure: with `once`, it may have been done.
        """
        failed = 0
        while True:
            await self._wait(method)
            unsure = True
            try:
                answer = await self._send(method, params)
            except ConnectionRefusedError:
                unsure, why = False, f"nothing answers at {self.address}"
            except (OSError, TimeoutError) as error:
                why = f"it gave no answer to {method} ({type(error).__name__})"
            else:
                self._learn(answer)
                if answer.body is not None and answer.body.get("ok") is True:
                    self._limits.pop(method, None)
                    return answer.body
                if self._limited(method, answer):
                    continue
                why = self._trouble(method, answer)
            if once and unsure:
                raise Unsure(f"Slack may or may not have done what was asked: {why}.")
            failed += 1
            if failed >= _TRIES:
                raise Unavailable(f"Slack is not available: {why}. It is tried again.", 2.0**failed / 4)
            await asyncio.sleep(min(0.1 * 3 ** (failed - 1), 3.0))

    async def _wait(self, method: str) -> None:
        loop = asyncio.get_running_loop()
        while (left := self._resume.get(method, 0.0) - loop.time()) > 0:  # noqa: ASYNC110 - the time may move on
            await asyncio.sleep(left)

    def _limited(self, method: str, answer: Answer) -> bool:
        """Whether we were too quick: then nobody calls this method before the time that Slack named."""
        if answer.status != HTTPStatus.TOO_MANY_REQUESTS and (answer.body or {}).get("error") not in _LIMITED:
            return False
        times = self._limits[method] = self._limits.get(method, 0) + 1
        said = answer.headers.get("Retry-After") or (answer.body or {}).get("retry_after")
        told = seconds(None if said is None else str(said))
        wait = told if told is not None else min(2.0 ** (times - 1), 30.0)
        until = asyncio.get_running_loop().time() + wait
        self._resume[method] = max(self._resume.get(method, 0.0), until)
        _LOG.info("Slack limits %s: waiting %.1f s", method, wait)
        return True

    def _trouble(self, method: str, answer: Answer) -> str:
        """What is wrong with Slack; an answer that says no is raised."""
        body = answer.body or {}
        error = str(body.get("error") or "")
        if "ok" not in body and answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return (
                f"what answers at {self.address} is not Slack (HTTP {answer.status}, no JSON); correct api_url, or look at the "
                "proxy between"
            )
        if not error or error in _TROUBLED:
            return f"it answered {method} with HTTP {answer.status} {error}".rstrip()
        if (why := _DEAD.get(error)) is None:
            raise Declined(method, body)
        kind = "app" if method.startswith("apps.connections") else "bot"
        page = "Basic Information > App-Level Tokens" if kind == "app" else "OAuth & Permissions"
        raise Misconfigured(
            f"Slack {why} ({error}, asked for {method}): "
            f"copy the {kind} token again from https://api.slack.com/apps, {page}."
        )

    def _learn(self, answer: Answer) -> None:
        if scopes := answer.headers.get("x-oauth-scopes"):
            self.scopes = frozenset(scope.strip() for scope in scopes.split(","))
        if date := answer.headers.get("Date"):
            try:
                told = parsedate_to_datetime(date).replace(microsecond=500_000) - datetime.now(UTC)
            except (TypeError, ValueError):
                return
            self._skew = told if abs(told.total_seconds()) > _SKEW else timedelta()


def seconds(told: str | None) -> float | None:
    """`Retry-After` in any of its forms: whole or broken seconds, or a date; None when it says nothing."""
    if told is None:
        return None
    try:
        number = float(told)
        return max(0.0, number) if math.isfinite(number) else None
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
