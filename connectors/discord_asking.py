"""What the parts of the Discord connector share: how a question is asked, and how an answer fails."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Protocol

import orjson

from connectors.errors import Misconfigured, Unavailable, UnreadablePayload

SILENT = "Discord does not answer for now; it is tried again."
PORTAL = "https://discord.com/developers/applications"
WRONG_TOKEN = (
    f"Discord does not accept the bot token: make a new one at {PORTAL} (your application, Bot, Reset Token)."
)
UNKNOWN_CHANNEL, UNKNOWN_MESSAGE = 10003, 10008
_ACKNOWLEDGED, _EXPIRED = 40060, 50027
MOST = 100
"""How many messages a page of history may hold."""

_SENT_AGAIN = {HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT, 524}
"""discord.py repeats these by itself."""


class Refused(Misconfigured):
    """403: the bot may not do this here."""


class Missing(Misconfigured):
    """404: what was asked for does not exist, or not for the bot. `code` is Discord's own number."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class Acknowledged(UnreadablePayload):
    """This interaction has been acknowledged before."""


class Unanswered(Unavailable):
    """It was sent, and no usable answer came: it may have taken effect."""


class TriedEnough(Unanswered):
    """The library itself has sent it five times."""


class Limited(Exception):
    """Discord asks to wait before this request is sent again."""

    def __init__(self, wait: float) -> None:
        super().__init__(wait)
        self.wait = wait


class Ask(Protocol):
    """One request to Discord's API; waits for rate limits and repeats what may be repeated."""

    async def __call__(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | Sequence[Any] | None = None,
        picture: bytes | None = None,
        once: bool = False,
        **ids: str,
    ) -> Any:
        """Ask, and return the JSON of the answer.

        Args:
            method: "GET", "POST", "PUT", "PATCH" or "DELETE".
            path: a pattern, such as "/channels/{channel_id}/messages".
            query: what stands behind the question mark.
            body: sent as JSON.
            picture: a PNG sent along as `spaces.png`.
            once: never repeat what may have taken effect.
            **ids: what stands in the pattern's braces.

        Raises:
            Misconfigured: 401. Refused: 403. Missing: 404.
            Unanswered: 5xx, a reset, a time-out. Unavailable: the limit is too far away.
            UnreadablePayload: it refuses the form of the request, or its answer has none.
        """
        ...


def json_in(text: str) -> dict[str, Any]:
    """The JSON object that a text is; empty for anything else."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def meaning(status: int, code: int, headers: Mapping[str, str], asked: str, wait: Any = None) -> Exception:
    """An answer that is no success, in our words.

    Args:
        status: of HTTP.
        code: Discord's own number, 0 for none.
        headers: of the answer.
        asked: the method and the pattern of the path.
        wait: for how long the body of the answer wants us to wait, if it says so.
    """
    found: Exception = UnreadablePayload(
        f"Discord refused a request ({asked}: {status}, code {code}); please report it."
    )
    if code == _EXPIRED:  # a 401, though it is not the bot's token that is wrong
        found = Missing("Discord takes no more answers to this interaction.", code)
    elif code == _ACKNOWLEDGED:
        found = Acknowledged("Discord was told already that this interaction was heard.")
    elif status == HTTPStatus.UNAUTHORIZED:
        found = Misconfigured(WRONG_TOKEN)
    elif status == HTTPStatus.FORBIDDEN:
        found = Refused(
            f"Discord does not let the bot do this ({asked}): check the permissions of its role in that channel."
        )
    elif status == HTTPStatus.NOT_FOUND:
        found = Missing("Discord knows no such channel or message.", code)
    elif status == HTTPStatus.TOO_MANY_REQUESTS:
        said = [headers.get("Retry-After"), wait, headers.get("X-RateLimit-Reset-After")]
        told = [float(one) for one in said if re.fullmatch(r"\d+(\.\d+)?", str(one))]
        found = Limited(told[0] if told else 1.0)
    elif status in _SENT_AGAIN:
        found = TriedEnough(SILENT, 5.0)
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        found = Unanswered(SILENT, 5.0)
    return found


@contextmanager
def readable() -> Iterator[None]:
    """Whatever is stumbled over in an answer of an unknown shape becomes an UnreadablePayload."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UnreadablePayload(
            f"Discord's answer has a form that cannot be read ({type(error).__name__}); please report it."
        ) from error
