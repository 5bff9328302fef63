"""Addresses of messages, as each platform writes them: which message is meant, without asking anybody."""

import re
from typing import NamedTuple
from urllib.parse import urlsplit

_SLACK = re.compile(r"/archives/(?P<channel>[A-Z0-9]+)/p(?P<ts>\d{7,16})/?")
_SLACK_CLIENT = re.compile(r"/client/[A-Z0-9]+/(?P<channel>[A-Z0-9]+)/(?:thread/[^/]+/)?p?(?P<ts>\d{7,16})/?")
_DISCORD = re.compile(r"/channels/(?:\d+|@me)/\d+/(?P<message>\d+)/?")
_TOPIC = re.compile(r".*/t/(?:(?P<slug>[^/]*[^/\d][^/]*)/)?(?P<topic>\d+)(?:/(?P<number>\d+))?/?")
_POST = re.compile(r".*/p/(?P<post>\d+)(?:/\d+)?/?")
_MICROS = 6


class Linked(NamedTuple):
    """What an address names: a message by its id, or a post by its number in a topic (a thread)."""

    connector: str
    host: str
    message: str | None = None
    topic: str | None = None
    number: int = 1
    """Of the post in the topic."""


def read(address: str) -> Linked | None:
    """The message that an address of Slack, Discord or a forum names; None where it names none."""
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").lower()
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not host:
        return None
    if _is_of(host, "slack.com"):
        return _slack(host, parts.path)
    if _is_of(host, "discord.com") or _is_of(host, "discordapp.com"):
        found = _DISCORD.fullmatch(parts.path)
        return Linked("discord", host, found["message"]) if found else None
    return _discourse(host, parts.path)


def _is_of(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")


def _slack(host: str, path: str) -> Linked | None:
    found = _SLACK.fullmatch(path) or _SLACK_CLIENT.fullmatch(path)
    if found is None:
        return None
    ts = found["ts"]
    return Linked("slack", host, f"{found['channel']}:{ts[:-_MICROS]}.{ts[-_MICROS:]}")


def _discourse(host: str, path: str) -> Linked | None:
    if found := _TOPIC.fullmatch(path):
        return Linked("discourse", host, None, found["topic"], int(found["number"] or 1))
    found = _POST.fullmatch(path)
    return Linked("discourse", host, found["post"]) if found else None
