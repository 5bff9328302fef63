"""Logs: one JSON object a line on stderr, without secrets and without what people wrote."""

import logging
import re
import sys
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime
from types import TracebackType

import orjson

from connectors.errors import ConnectorError
from storage.database import DatabaseError

_OURS = ("bot", "connectors", "storage")
_EXTRA = ("source", "kind", "port", "seconds", "count")
_TOKEN = re.compile(
    r"xox[a-z](?:\.xox[a-z])?-[\w-]+|xapp-[\w-]+"  # Slack
    r"|[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}"  # Discord
    r"|\b[0-9a-f]{40,}\b"  # Discourse, and signatures
    r"|(?<=://)[^/@\s]+:[^/@\s]+(?=@)"  # user and password in an address
    r"|(?i:(?<=bearer )|(?<=bot ))[\w.~+/-]{16,}"
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without the secrets that are known and without whatever looks like one."""
    for secret in secrets:
        text = text.replace(secret, "[secret]")
    return _TOKEN.sub("[secret]", text)


class JsonLines(logging.Formatter):
    """A record as one line of JSON."""

    def __init__(self) -> None:
        super().__init__()
        self.secrets: set[str] = set()
        """What must never be written, whatever it looks like."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(_words(record), self.secrets),
        }
        line |= {name: getattr(record, name) for name in _EXTRA if hasattr(record, name)}
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = redact(_error(record.exc_info[1]), self.secrets)
            line["where"] = _where(record.exc_info[2])
        return orjson.dumps(line, default=str).decode()


def begin() -> JsonLines:
    """Send everything that is logged to stderr; returns the formatter, which has to be told the secrets."""
    lines = JsonLines()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(lines)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in _OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    return lines


def _words(record: logging.LogRecord) -> str:
    if record.name.partition(".")[0] in _OURS:
        return record.getMessage()
    # Others put payloads into what they log, and payloads hold what people wrote: their template has to do.
    return str(record.msg) if record.args else f"said something at {record.module}:{record.lineno}"


def _error(error: BaseException) -> str:
    # Our own errors are written for people and hold nothing else; others may quote a message.
    name = type(error).__name__
    return f"{name}: {error}" if isinstance(error, ConnectorError | DatabaseError) else name


def _where(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-8:]
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
