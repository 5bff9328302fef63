"""What the commands ask for, whoever asks: a digest, an explanation of one number, the state of the sources."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from bot.audience import OPERATOR, Audience
from bot.config import Config
from bot.digest.compute import compute, measure
from bot.digest.model import Digest, Explanation
from bot.goals import progress
from bot.mistakes import ConfigError, suggestion
from bot.settle import Screen, settle
from bot.spaces.catalogue import METRICS
from bot.spaces.community import Assumptions, Community
from bot.spaces.model import Area
from bot.spaces.window import Period, Window, last_closed, midnight
from connectors.records import Problem
from storage import optouts
from storage.database import Database
from storage.people import AccountError, find_account, person_of


def compute_digest(
    database: Database,
    config: Config,
    period: Period,
    as_of: str | None,
    areas: Sequence[Area] | None,
    screen: Screen,
) -> Digest:
    """The digest of the last closed window of the period, after bringing everything derived up to date.

    Raises:
        ConfigError: `as_of` is no date.
    """
    moment = read_moment(as_of, config)
    settle(database, config, screen)
    with database.read() as session:
        window = last_closed(period, moment, config.community.zone)
        return digest_of(community_at(session, config, moment), config, window, areas)


def explain_metric(
    database: Database, config: Config, name: str, period: Period, as_of: str | None, screen: Screen
) -> Explanation:
    """One metric's value in the last closed window, with its evidence.

    Raises:
        ConfigError: there is no such metric, or `as_of` is no date.
    """
    metric = METRICS.get(name)
    if metric is None:
        raise ConfigError([Problem("explain", f'there is no metric "{name}"', suggestion(name, METRICS))])
    moment = read_moment(as_of, config)
    settle(database, config, screen)
    with database.read() as session:
        community = community_at(session, config, moment)
        window = last_closed(period, moment, config.community.zone)
        return Explanation(
            metric,
            window,
            measure(metric, community, window),
            metric.evidence(community, window) if metric.evidence else None,
            moment,
            config.support.answer_days,
            config.value.currency,
        )


def community_at(
    session: Session, config: Config, as_of: datetime, audience: Audience = OPERATOR
) -> Community:
    """The community as the configuration sees it, at a moment, for these readers."""
    value = config.value
    return Community(
        session,
        as_of,
        timedelta(days=config.support.answer_days),
        Assumptions(
            value.currency, value.ticket_share, value.cost_per_case, value.feedback_value, value.lead_value
        ),
        audience,
    )


def digest_of(
    community: Community, config: Config, window: Window, areas: Sequence[Area] | None = None, **more: Any
) -> Digest:
    """The digest of a window; without `areas`, of those that the configuration shows, the north star first.

    `more` goes to `bot.digest.compute`.
    """
    return compute(
        community,
        window,
        name=config.community.name,
        purpose=config.community.purpose,
        areas=areas or _areas(config),
        opted_out=opted_out(community.session, config),
        goals=[
            goal for goal in progress(community, config.community.zone)
            if community.audience.staff or not goal.metric.staff_only
        ],
        **more,
    )  # fmt: skip


def read_moment(as_of: str | None, config: Config, option: str = "--as-of") -> datetime:
    """The moment that an option names: a day means its first moment in the community's zone.

    Raises:
        ConfigError: it is no date.
    """
    if as_of is None:
        return datetime.now(UTC)
    zone = config.community.zone
    try:
        if len(as_of) <= len("2026-05-04"):
            return midnight(date.fromisoformat(as_of), zone)
        moment = datetime.fromisoformat(as_of)
    except ValueError:
        cure = "Write a day as 2026-05-04, or a moment as 2026-05-04T09:00."
        raise ConfigError([Problem(option, f'"{as_of}" is no date', cure)]) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _areas(config: Config) -> list[Area]:
    star = config.community.north_star
    return sorted(config.community.areas, key=lambda area: area is not star)


def opted_out(session: Session, config: Config) -> set[str]:
    """The people who are never named in thanks, by the operator's word or their own.

    An account that is not known yet has not been thanked either.
    """
    people = optouts.persons(session)
    for account in config.recognition.opt_out:
        try:
            people.add(person_of(session, find_account(session, account)))
        except AccountError:
            continue
    return people
