"""How a forum answers: JSON in its own form, and its ways to say no."""

from typing import Any

import orjson
from aiohttp import web

_INVALID = "You are not permitted to view the requested resource. The API username or key is invalid."


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=orjson.dumps(body), status=status,
        headers={"Content-Type": "application/json; charset=utf-8", **(headers or {})},
    )  # fmt: skip


def refusal(status: int, words: str, kind: str) -> web.Response:
    return answer({"errors": [words], "error_type": kind}, status)


def missing() -> web.Response:
    return refusal(404, "The requested URL or resource could not be found.", "not_found")


def unfit(words: str) -> web.Response:
    return answer({"action": "create_post", "errors": [words]}, 422)


def forbidden() -> web.Response:
    return refusal(403, _INVALID, "invalid_access")
