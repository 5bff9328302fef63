"""How the REST half of the fake Discord fails: every form of 429, 5xx and resets, before and after taking effect."""

import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

LIMIT_FORMS = ("route", "global", "text", "bare")
"""With the header that the client library looks for; for all routes; by the wall before Discord; without that header."""
FAILURES = (503, 0, 503, 502)
"""0 is a reset."""


def answered(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    # The client library parses JSON only when the type is exactly this, without a charset.
    return web.Response(
        body=json.dumps(data).encode(), status=status, headers={"Content-Type": "application/json", **(headers or {})}
    )  # fmt: skip


def error(status: int, code: int, words: str) -> web.Response:
    return answered({"code": code, "message": words}, status)


class Faults:
    """What the next requests get, and what chance adds."""

    def __init__(self, chance: Callable[..., str]) -> None:
        self._chance = chance
        self.limits = 0
        self.limit_seconds = 0.2
        self.limit_forms = list(LIMIT_FORMS)
        self.failures = 0
        self.after_effect = False
        self.failure_kinds = list(FAILURES)
        self.garbage = 0
        """Answer the next requests with a page of HTML."""

    def next(self) -> str:
        if self.garbage:
            self.garbage -= 1
            return "garbage"
        if self.limits:
            self.limits -= 1
            form = self.limit_forms[0]
            self.limit_forms = [*self.limit_forms[1:], form]
            return f"429 {form}"
        if self.failures:
            self.failures -= 1
            kind = self.failure_kinds[0]
            self.failure_kinds = [*self.failure_kinds[1:], kind]
            return f"{kind or 'reset'}{' after effect' if self.after_effect else ''}"
        return self._chance(
            "429 route", "429 global", "429 text", "429 bare", "503", "reset", "503 after effect", "reset after effect", "502"
        )  # fmt: skip


def limited(form: str, seconds: float) -> web.Response:
    headers = {"Retry-After": f"{seconds}"}
    if form == "text":
        return web.Response(
            text="error code: 1015", status=429, headers=headers | {"Content-Type": "text/plain"}
        )
    data = {"message": "You are being rate limited.", "retry_after": seconds, "global": form == "global"}
    if form == "global":
        headers["X-RateLimit-Global"] = "true"
    if form != "bare":
        headers["Via"] = "1.1 google"
    return answered(data, 429, headers)


def failed(request: web.Request, fault: str) -> web.Response:
    if fault == "garbage":
        return web.Response(
            text="<html>Bad gateway</html>", headers={"Content-Type": "text/html; charset=utf-8"}
        )
    if fault.startswith("reset"):
        assert request.transport is not None
        request.transport.abort()
        return web.Response(status=500)
    return error(int(fault.split(maxsplit=1)[0]), 0, "Something went wrong")
