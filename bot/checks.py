"""Is everything as it should be? What `spaces check` and `spaces status` tell."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.config import Config
from bot.environment import JUDGE_KEY, read_secret, source_secrets
from bot.judge.asking import Asking
from bot.schedules.checks import check_schedules, places
from bot.settings import Source
from connectors.base import load_connector
from connectors.errors import ConnectorError
from connectors.records import Finding
from storage import leases, population, schema, states, tables
from storage.accounts import AccountError, find_account
from storage.database import Database
from storage.times import from_micros

_PATIENCE = 60


@dataclass(frozen=True, slots=True)
class Live:
    """How a source fares, as whoever serves it wrote down; None where nobody ever has."""

    words: str
    """Connected, or what is wrong and the cure."""
    event_at: datetime | None
    lag: timedelta | None
    """From the last event to its row."""
    history: str
    """How far history is read, or back to when it is."""
    refused: tuple[tuple[str, str, str], ...]
    """Channels that cannot be read: their ids, names, and why."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """What is stored of one source."""

    name: str
    connector: str
    messages: int
    members: int
    channels: int
    first_at: datetime | None
    newest_at: datetime | None
    untagged: int
    live: Live | None = None


def check_live(config: Config, environ: Mapping[str, str] = os.environ) -> list[Finding]:
    """Try every source that has credentials in the environment, each by itself and no longer than a minute."""
    return asyncio.run(_check_live(config, environ))


async def _check_live(config: Config, environ: Mapping[str, str]) -> list[Finding]:
    wanted = places(config)
    found = await asyncio.gather(
        _try_judge(config, environ),
        *(
            _try(name, source, source_secrets(name, environ), wanted.get(name, ()))
            for name, source in config.sources.items()
        ),
    )
    return [finding for findings in found for finding in findings]


async def _try_judge(config: Config, environ: Mapping[str, str]) -> list[Finding]:
    if not config.judge.is_on:
        return []
    async with Asking(config.judge, read_secret(JUDGE_KEY, environ)) as judge:
        return [await judge.check()]


async def _try(name: str, source: Source, secrets: dict[str, str], wanted: Sequence[str]) -> list[Finding]:
    if not secrets:
        return []
    try:
        connector = load_connector(source.connector)(source.model_dump(mode="json"), secrets)
        try:
            async with asyncio.timeout(_PATIENCE):
                found = await connector.check(wanted)
        finally:
            async with asyncio.timeout(5):
                await connector.close()
    except ConnectorError as error:
        found = [Finding(good=False, words=str(error))]
    except TimeoutError:
        where = source.api_url or source.url or "the platform"
        cure = f"Check the address ({where}) and the way to it: a proxy, a firewall, DNS."
        found = [Finding(good=False, words=f"there was no answer within {_PATIENCE} seconds. {cure}")]
    return [Finding(finding.good, f"source {name}: {finding.words}") for finding in found]


def check_all(database: Database, config: Config, environ: Mapping[str, str] = os.environ) -> list[Finding]:
    """Look at the database, at each source and each schedule; credentials are not needed to import archives."""
    place = database.url.render_as_string()
    findings = [Finding(good=True, words=f"database {place}, schema {schema.current(database)}")]
    if not config.sources:
        findings.append(
            Finding(good=False, words="no source is configured. Add [sources.NAME] to the configuration.")
        )
    with database.read() as session:
        findings += [
            Finding(
                good=False,
                words=f"no channel of source {named} is known. Check its name in the configuration.",
            )
            for named in population.unknown_channels(session, config.policy())
        ]
        findings += [
            Finding(good=False, words=f"{error} It stands in [roles] of the configuration.")
            for account in _accounts(config)
            for error in _unknown(session, account)
        ]
        findings += check_schedules(session, config, environ, datetime.now(UTC))
    states = {state.name: state for state in source_states(database, config)}
    for name, source in config.sources.items():
        state = states.get(name)
        if state is None or not state.messages:
            cure = f"Import an archive: spaces import {name} FILE. Or set its credentials, then: spaces run"
            findings.append(
                Finding(good=False, words=f"source {name} ({source.connector}) has no messages yet. {cure}")
            )
        else:
            words = f"source {name} ({source.connector}): {state.messages:,} messages, newest {state.newest_at:%Y-%m-%d}"
            findings.append(Finding(good=True, words=words))
    return findings


def _accounts(config: Config) -> list[str]:
    """The accounts in [roles]: names of roles cannot be looked up here."""
    named = (*config.roles.moderators, *config.roles.analysts)
    return [name for name in named if name.partition(":")[0] in config.sources and ":" in name]


def _unknown(session: Session, account: str) -> list[AccountError]:
    source = account.partition(":")[0]
    members = select(tables.Member.external_id).join(
        tables.Source, tables.Source.id == tables.Member.source_id
    )
    if session.scalar(members.where(tables.Source.name == source).limit(1)) is None:
        return []  # nobody is known there yet
    try:
        find_account(session, account)
    except AccountError as error:
        return [error]
    return []


def source_states(database: Database, config: Config) -> list[SourceState]:
    """Every source that is configured or stored, by name."""
    with database.read() as session:
        return states_of(session, config)


def states_of(session: Session, config: Config) -> list[SourceState]:
    """The same, in a session."""
    rows = session.connection().exec_driver_sql("""
        SELECT s.name, s.connector,
            (SELECT COUNT(*) FROM messages m WHERE m.source_id = s.id AND NOT m.deleted),
            (SELECT COUNT(*) FROM members a WHERE a.source_id = s.id),
            (SELECT COUNT(*) FROM channels c WHERE c.source_id = s.id),
            (SELECT MIN(m.created_at) FROM messages m WHERE m.source_id = s.id),
            (SELECT MAX(m.created_at) FROM messages m WHERE m.source_id = s.id),
            (SELECT COUNT(*) FROM messages m WHERE m.source_id = s.id AND m.untagged)
        FROM sources s""")
    stored = {name: (connector, *rest) for name, connector, *rest in rows}
    ids = session.execute(select(tables.Source.name, tables.Source.id))
    live = {name: _live(session, id_) for name, id_ in ids}
    names = sorted({*stored, *config.sources})
    return [replace(_state(name, config, stored.get(name)), live=live.get(name)) for name in names]


def _live(session: Session, source_id: int) -> Live | None:
    state = states.read(session, source_id)
    if state is None:
        return None
    held = leases.holder(session, source_id) is not None
    if held and state.connected:
        words = "connected"
    elif held or state.why:
        words = state.why or "connecting"
    else:
        words = "not running: start it with spaces run"
    if not held and state.connected:  # whoever served it died without a word
        words = "not running: start it with spaces run"
    if state.fraction is not None and held:
        history = f"reading, {state.fraction:.0%}"
    elif state.caught_up_at is not None and state.history_since is not None:
        history = f"whole since {state.history_since:%Y-%m-%d}"
    else:
        history = "not read yet"
    names = select(tables.Channel.external_id, tables.Channel.name).where(
        tables.Channel.source_id == source_id
    )
    known = {id_: name for id_, name in session.execute(names)}  # noqa: C416 - rows are no pairs to mypy
    refused = tuple(
        (refusal.channel_id, known.get(refusal.channel_id, refusal.channel_id), refusal.why)
        for refusal in states.refusals(session, source_id)
    )
    lag = None if state.lag is None else timedelta(microseconds=state.lag)
    return Live(words, state.event_at, lag, history, refused)


def _state(name: str, config: Config, stored: tuple[object, ...] | None) -> SourceState:
    if stored is None:
        return SourceState(name, config.sources[name].connector, 0, 0, 0, None, None, 0)
    connector, messages, members, channels, first, newest, untagged = stored
    return SourceState(
        name, str(connector), _count(messages), _count(members), _count(channels), _moment(first), _moment(newest),
        _count(untagged),
    )  # fmt: skip


def _count(number: object) -> int:
    return number if isinstance(number, int) else 0


def _moment(micros: object) -> datetime | None:
    return from_micros(micros) if isinstance(micros, int) else None
