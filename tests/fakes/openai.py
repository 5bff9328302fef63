"""A server that speaks as OpenAI's API does: `chat/completions` and `models`, with errors in its form, on port 0.

It checks what it is asked as the published API would, and answers as it is told to.
"""

import json
from collections import deque
from collections.abc import Callable
from typing import Any, Self

from aiohttp import web

Decide = Callable[[str, str], Any]
"""(label, text of the message in question) -> what is said of it."""


class FakeOpenAI:
    """Use as a context. `decide` says what is answered; `faults` are given first, one a question."""

    def __init__(self, decide: Decide = lambda _label, _text: True, key: str = "") -> None:
        self.decide = decide
        self.key = key
        self.model = "small"
        self.wraps = "Here you are:\n```json\n{}\n```"
        """As chatty as such programs are."""
        self.faults: deque[Callable[[], web.Response]] = deque()
        self.asked: list[dict[str, Any]] = []
        """What it was told of each message."""
        self.raw: list[str] = []
        """Every body that came, as it came."""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._models)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def _refusal(self, request: web.Request) -> web.Response | None:
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            return error(401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key")
        return None

    async def _complete(self, request: web.Request) -> web.Response:
        if (no := self._refusal(request)) is not None:
            return no
        self.raw.append(await request.text())
        body = json.loads(self.raw[-1])
        roles = [message["role"] for message in body["messages"]]
        assert all(isinstance(message["content"], str) for message in body["messages"])
        assert set(roles) <= {"system", "user", "assistant"}
        assert 0 <= body.get("temperature", 1) <= 2
        if body["model"] != self.model:
            return error(
                404,
                f"The model `{body['model']}` does not exist.",
                "invalid_request_error",
                "model_not_found",
            )
        told = json.loads(body["messages"][-1]["content"])
        self.asked.append(told)
        if self.faults:
            return self.faults.popleft()()
        (text,) = (line["text"] for line in told["conversation"] if line.get("decide"))
        said = {label: self.decide(label, text) for label in told["labels"]}
        return completion(self.wraps.replace("{}", json.dumps(said)))

    async def _models(self, request: web.Request) -> web.Response:
        if (no := self._refusal(request)) is not None:
            return no
        row = {"id": self.model, "object": "model", "created": 1_760_000_000, "owned_by": "us"}
        return web.json_response({"object": "list", "data": [row]})


def completion(content: Any) -> web.Response:
    """An answer."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
    return web.json_response(
        {"id": "chatcmpl-1", "object": "chat.completion", "created": 1_760_000_000, "model": "small",
         "choices": [choice], "usage": usage}
    )  # fmt: skip


def error(
    status: int, message: str = "No.", kind: str = "server_error", code: str | None = None, **headers: str
) -> web.Response:
    """A refusal, in OpenAI's form."""
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return web.json_response(
        body, status=status, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )
