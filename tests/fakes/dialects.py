"""The same community told otherwise: by servers that keep to the platform's contract, but are not ours.

Fields that may be missing are, or are null; fields that nobody knows are there; rows come in another order, on other
pages, under other content types, and limits are told in another place.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

UNKNOWN = {"zz_new_in_2031": {"deep": [1, None, {"type": "unheard of"}]}}


@dataclass(frozen=True)
class Dialect:
    """How one server tells its rows."""

    name: str
    dropped: frozenset[str] = frozenset()
    """Fields that are missing wherever they may be."""
    nulls: frozenset[str] = frozenset()
    """Fields of a message that are null where they would be missing or empty."""
    message: str = ""
    """The field by which a message is known."""
    rich: bool = False
    """There are fields that nobody knows."""
    turned: frozenset[str] = frozenset()
    """Lists that come the other way round."""
    page: int = 0
    """Rows on a page, at most; 0: as usual."""
    content_type: str = ""
    absent: tuple[str, ...] = ()
    """Ends of addresses that do not exist."""
    limit_in: str = ""
    """Where a limit is told: "lower", a header in small letters, or "body"."""

    def told(self, value: Any, name: str = "") -> Any:
        """A value as this server tells it."""
        if isinstance(value, list):
            rows = [self.told(item) for item in value]
            return rows[::-1] if name in self.turned or (not name and "" in self.turned) else rows
        if not isinstance(value, dict):
            return value
        found = {key: self.told(item, key) for key, item in value.items() if key not in self.dropped}
        if self.message and self.message in value:
            found |= {key: None for key in self.nulls if not value.get(key)}
        return found | UNKNOWN if self.rich and found else found


def speaking(fake: Any) -> Any:
    """A middleware that tells what the handlers answer in the fake's dialect."""

    @web.middleware
    async def speak(request: web.Request, handler: Handler) -> web.StreamResponse:
        dialect: Dialect | None = fake.dialect
        if dialect is not None and request.path.endswith(dialect.absent or ("\0",)):
            return web.json_response(
                {"message": "404: Not Found", "code": 0, "errors": ["not found"]}, status=404
            )
        response = await handler(request)
        if (
            dialect is None
            or not isinstance(response, web.Response)
            or response.content_type != "application/json"
        ):
            return response
        body = orjson.loads(bytes(response.body))  # type: ignore[arg-type] # these fakes answer with bytes
        if response.status == 429:
            _limit(dialect, response, body)
        response.body = orjson.dumps(dialect.told(body))
        if dialect.content_type:
            response.headers["Content-Type"] = dialect.content_type
        return response

    return speak


def _limit(dialect: Dialect, response: web.Response, body: dict[str, Any]) -> None:
    wait = response.headers.pop("Retry-After", None)
    if wait is None:
        return
    if dialect.limit_in == "body":
        body["retry_after"] = float(wait)
    else:
        response.headers["retry-after" if dialect.limit_in == "lower" else "Retry-After"] = wait
