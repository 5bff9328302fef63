"""Is everything as it should be? What `spaces check` and `spaces status` tell."""

from dataclasses import dataclass
from datetime import datetime

from bot.config import Config
from storage import population, schema
from storage.database import Database
from storage.times import from_micros


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `words` name the cure when it is not good."""

    good: bool
    words: str


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


def check_all(database: Database, config: Config) -> list[Finding]:
    """Look at the database and at each source; credentials are not needed to import archives."""
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
    states = {state.name: state for state in source_states(database, config)}
    for name, source in config.sources.items():
        state = states.get(name)
        if state is None or not state.messages:
            cure = f"Import an archive: spaces import {name} FILE."
            findings.append(
                Finding(good=False, words=f"source {name} ({source.connector}) has no messages yet. {cure}")
            )
        else:
            words = f"source {name} ({source.connector}): {state.messages:,} messages, newest {state.newest_at:%Y-%m-%d}"
            findings.append(Finding(good=True, words=words))
    return findings


def source_states(database: Database, config: Config) -> list[SourceState]:
    """Every source that is configured or stored, by name."""
    with database.read() as session:
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
    names = sorted({*stored, *config.sources})
    return [_state(name, config, stored.get(name)) for name in names]


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
