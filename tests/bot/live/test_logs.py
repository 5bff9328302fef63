"""Nothing secret and nothing that people wrote is ever logged; every line is JSON."""

import json
import logging
import sys

import pytest

from bot.live import logs
from connectors.errors import Unavailable

SECRETS = [
    "xoxb-123456789012-abcdefGHIJKL",
    "xapp-1-A0B1C2-123-deadbeef",
    "xoxe.xoxp-1-Mi0yLTEyMzQ",
    "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
]


def line(formatter: logs.JsonLines, record: logging.LogRecord) -> dict[str, object]:
    text = formatter.format(record)
    assert "\n" not in text
    found: dict[str, object] = json.loads(text)
    return found


def record(message: str, *args: object, name: str = "bot.live", **extra: object) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.WARNING, "/somewhere/slack.py", 12, message, args, None)
    made.__dict__.update(extra)
    return made


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("words", ["token {}", "https://x.example/?token={}&a=1", "Bearer {}", "('{}',)"])
def test_what_looks_like_a_secret_is_not_written(secret: str, words: str) -> None:
    said = str(line(logs.JsonLines(), record(words.format(secret)))["message"])
    assert secret not in said
    assert "[secret]" in said


def test_known_secrets_are_not_written_whatever_they_look_like() -> None:
    formatter = logs.JsonLines()
    formatter.secrets.add("hunter2")
    assert line(formatter, record("the password is %s", "hunter2"))["message"] == "the password is [secret]"
    assert "pw" not in str(line(formatter, record("postgresql://me:pw@host/db"))["message"])


def test_a_line_says_when_who_and_which_source() -> None:
    found = line(logs.JsonLines(), record("connected", source="team", kind="hello", text="private"))
    assert (found["level"], found["logger"], found["message"]) == ("warning", "bot.live", "connected")
    assert (found["source"], found["kind"]) == ("team", "hello")
    assert "text" not in found


def test_others_are_not_trusted_with_their_words() -> None:
    formatter = logs.JsonLines()
    theirs = record("Failed to parse the response body: my diary", name="slack_sdk.web")
    assert line(formatter, theirs)["message"] == "said something at slack:12"
    theirs = record("We are being rate limited. %s %s", "POST", "my diary", name="discord.http")
    assert line(formatter, theirs)["message"] == "We are being rate limited. %s %s"


@pytest.mark.parametrize(
    ("error", "told"), [(ValueError("my diary"), "ValueError"), (Unavailable("Away."), "Unavailable: Away.")]
)
def test_an_error_is_told_with_its_place_and_without_what_it_quotes(error: Exception, told: str) -> None:
    try:
        raise error  # noqa: TRY301 - to have a traceback
    except Exception:  # noqa: BLE001 - as a logger would see it
        made = record("it failed")
        made.exc_info = sys.exc_info()
    found = line(logs.JsonLines(), made)
    assert found["error"] == told
    assert "test_logs.py" in str(found["where"])
    assert "diary" not in json.dumps(found)
