"""What a newcomer gets wrong ends in one sentence with its cure: in `spaces check`, in the log, in `spaces status`.

Nothing hangs, no traceback is shown, and the other sources go on.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.checks import check_live, source_states
from bot.live.runner import Runner
from bot.settings import Config, Source
from bot.settings import Run as RunSettings
from storage.database import Database
from tests.contract.world import make, until

FAST = RunSettings(port=0, sweep_hours=0, lease_seconds=0.6)
PATIENCE = 15.0


@dataclass(frozen=True)
class Mistake:
    """What is wrong, and what is to be said of it."""

    name: str
    platform: str
    words: str
    """In the log and in the status, as a pattern."""
    check: str = ""
    """In `spaces check`, where it says it otherwise."""
    secrets: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    door: str = ""
    """What answers instead of the platform: "html", "html 404", "silence" or "nothing"."""
    spoil: Callable[[Any], None] = lambda _fake: None
    during: bool = False
    """It happens while the source is served."""
    findings: int = 1
    """So many sentences in `spaces check`."""


def without(scope: str) -> Callable[[Any], None]:
    def spoil(slack: Any) -> None:
        slack.scopes = ",".join(one for one in slack.scopes.split(",") if one != scope)

    return spoil


def refuse(fake: Any) -> None:
    fake.refuse(next(iter(fake.rooms)))


def no_content(discord: Any) -> None:
    discord.flags = 1 << 14


def not_invited(discord: Any) -> None:
    discord.in_guild = False


def revoke(fake: Any) -> None:
    fake.revoke()


MISTAKES = (
    Mistake("a user token", "slack", r"bot token is a user token, .* copy it from https", secrets={"bot_token": "xoxp-1-2"}),
    Mistake("tokens swapped", "slack", r"bot token is an app-level token, .* copy it from https",
            secrets={"bot_token": "xapp-1-fake", "app_token": "xoxb-1-fake"}, findings=2),
    Mistake("a wrong token", "slack", r"Slack does not .* \(\w+, asked for auth\.test\): copy the bot token again", secrets={"bot_token": "xoxb-9-9"}),
    Mistake("no right to list members", "slack", "add the bot scope users:read at https", "bot scope users:read is missing", spoil=without("users:read")),
    Mistake("no right to read channels", "slack", "may not read #general: add the bot scope channels:history at https",
            "bot scope channels:history is missing", spoil=without("channels:history")),
    Mistake("not in the channel", "slack", r"no member of #general: write /invite @spaces there", spoil=refuse),
    Mistake("no Slack there", "slack", r"http://\S+ .*api_url", door="html 404"),
    Mistake("a page there", "slack", r"http://\S+ .*api_url", door="html"),
    Mistake("nothing there", "slack", r"nothing answers at http://\S+", door="nothing"),
    Mistake("silence there", "slack", r"no answer from http://\S+.*a proxy, a firewall, DNS", r"no answer .*a proxy, a firewall, DNS", door="silence"),
    Mistake("revoked", "slack", r"token (was )?revoked.*(again|new token)", r"copy the bot token again", spoil=revoke, during=True),
    Mistake("a wrong token", "discord", r"does not accept the bot token: make a new one at https", secrets={"bot_token": "wrong"}),
    Mistake("no message content", "discord", r"turn on 'Message Content Intent' at https", spoil=no_content),
    Mistake("not invited", "discord", r"invite it", spoil=not_invited),
    Mistake("not in the channel", "discord", r"#general.*'View Channel'|'View Channel'.*#general", spoil=refuse),
    Mistake("no Discord there", "discord", r"http://\S+ .*api_url", door="html 404"),
    Mistake("a page there", "discord", r"http://\S+ .*api_url", door="html"),
    Mistake("nothing there", "discord", r"http://\S+ cannot be reached", door="nothing"),
    Mistake("silence there", "discord", r"no answer from http://\S+.*a proxy, a firewall, DNS", r"no answer .*a proxy, a firewall, DNS", door="silence"),
    Mistake("revoked", "discord", r"does not accept the bot token: make a new one at https", spoil=revoke, during=True),
    Mistake("a wrong key", "discourse", r"does not accept the API key .* at http://\S+/admin/api/keys", secrets={"api_key": "wrong"}),
    Mistake("another user", "discourse", r"does not accept the API key .* at http://\S+/admin/api/keys", settings={"user": "somebody"}),
    Mistake("no forum there", "discourse", r"http://\S+ .*no Discourse.*`url`", door="html 404"),
    Mistake("a page there", "discourse", r"http://\S+ .*no Discourse.*`url`", door="html"),
    Mistake("nothing there", "discourse", r"http://\S+ .*cannot be reached", door="nothing"),
    Mistake("silence there", "discourse", r"no answer from http://\S+.*a proxy, a firewall, DNS", r"no answer .*a proxy, a firewall, DNS", door="silence"),
    Mistake("revoked", "discourse", r"does not accept the API key .* at http://\S+/admin/api/keys", spoil=revoke, during=True),
)  # fmt: skip


@asynccontextmanager
async def door(kind: str) -> AsyncIterator[str]:
    """An address at which something else answers, or nothing."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                if kind != "silence":
                    body = b"<html><body>Welcome to nginx</body></html>"
                    status = b"404 Not Found" if kind == "html 404" else b"200 OK"
                    head = b"HTTP/1.1 %s\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % (
                        status,
                        len(body),
                    )
                    writer.write(head + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    if kind == "nothing":
        server.close()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever does not answer is given up soon."""
    monkeypatch.setattr("bot.live.supervisor._FIRST_WORD", 1.0)
    monkeypatch.setattr("connectors.slack_web._TRIES", 3)
    monkeypatch.setattr("connectors.discord_client._TRIES", 3)
    for patience in (
        "bot.checks._PATIENCE",
        "connectors.slack_checks._DEADLINE",
        "connectors.discourse_check._PATIENCE",
    ):
        monkeypatch.setattr(patience, 3)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake.platform}: {mistake.name}")
async def test_it_ends_in_a_sentence(
    mistake: Mistake, sqlite: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fake, other = make(mistake.platform), make("slack" if mistake.platform == "discourse" else "discourse")
    async with door(mistake.door) as address:
        for each in (fake, other):
            await each.start()
            channel, ann = each.add_channel("general"), each.add_member("ann")
            each.say(channel, ann, "hello")
            each.add_channel("random")
        if not mistake.during:
            mistake.spoil(fake)
        where = "url" if mistake.platform == "discourse" else "api_url"
        settings = fake.settings | mistake.settings | ({where: address} if mistake.door else {})
        source = Source(**{"poll_seconds": 0.05} | settings)
        config = Config(
            sources={"wrong": source, "well": Source(**{"poll_seconds": 0.05} | other.settings)}, run=FAST
        )
        secrets = {"wrong": fake.secrets | mistake.secrets, "well": other.secrets}
        environ = {
            f"SPACES_{name}_{key}".upper(): value
            for name, said in secrets.items()
            for key, value in said.items()
        }
        runner = Runner(sqlite, config, lambda: config, environ=environ)
        running = asyncio.create_task(runner.run())
        try:
            if mistake.during:
                await until(lambda: of(sqlite, config, "wrong") == ["connected"])
                mistake.spoil(fake)
            said = re.compile(mistake.words)
            await until(lambda: any(map(said.search, of(sqlite, config, "wrong"))), PATIENCE)
            await until(lambda: stored(sqlite, config, "well") == 1)
            await until(lambda: of(sqlite, config, "well") == ["connected"])
            findings = await asyncio.wait_for(asyncio.to_thread(check_live, config, environ), PATIENCE)
        finally:
            runner.stop()
            await asyncio.wait_for(running, PATIENCE)
            for each in (fake, other):
                await each.stop()
    lines = [record for record in caplog.records if getattr(record, "source", "") == "wrong"]
    told = [record.getMessage() for record in lines if said.search(record.getMessage())]
    assert told
    assert not [record for record in caplog.records if record.exc_info or "Traceback" in record.getMessage()]
    wanted = re.compile(mistake.check or mistake.words)
    bad = [
        finding.words
        for finding in findings
        if not finding.good and finding.words.startswith("source wrong: ")
    ]
    assert [words for words in bad if wanted.search(words)], bad
    assert len(bad) == mistake.findings, bad
    for words in (*told, *bad):
        assert words.endswith((".", "there.", "exclude.")) or "https://" in words, words
        assert "\n" not in words
        assert not any(len(secret) > 5 and secret in words for secret in secrets["wrong"].values())
    assert [f.words for f in findings if not f.good and f.words.startswith("source well: ")] == []


def of(database: Database, config: Config, name: str) -> list[str]:
    """What the status says of a source."""
    found = next((state.live for state in source_states(database, config) if state.name == name), None)
    return [] if found is None else [found.words, *(each[-1] for each in found.refused)]


def stored(database: Database, config: Config, name: str) -> int:
    return sum(state.messages for state in source_states(database, config) if state.name == name)
