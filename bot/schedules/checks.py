"""What `spaces check` says of schedules: each finding one sentence with its cure."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from bot.environment import source_secrets
from bot.schedules import overview
from bot.schedules.composition import channels_named
from bot.schedules.overview import View
from bot.settings import Config
from connectors.records import Finding


def places(config: Config) -> dict[str, list[str]]:
    """Source -> where digests and reports go on it, each once."""
    wanted = [(schedule.source, schedule.channel) for schedule in config.schedules.values()]
    if config.schedules and config.run.report_to:
        source, _, channel = config.run.report_to.partition(":")
        wanted.append((source, channel))
    found: dict[str, list[str]] = {}
    for source, channel in dict.fromkeys(wanted):
        found.setdefault(source, []).append(channel)
    return found


def check_schedules(
    session: Session, config: Config, environ: Mapping[str, str], now: datetime
) -> list[Finding]:
    """Look at every schedule by what is stored; whether the bot may write there the platform says, where it is asked."""
    views = overview.look(session, config, now, ahead=True)
    found = [finding for view in views.values() for finding in _check(session, view, now)]
    for source, channels in places(config).items():
        if not source_secrets(source, environ):
            words = (
                f"source {source} has no credentials in the environment, so nothing is posted to {', '.join(channels)}. "
                f"Set them (README.md, Connect a live community), or remove what posts there."
            )
            found.append(Finding(good=False, words=words))
    if config.schedules and not config.run.report_to:
        words = "nobody is told when a digest fails: name a channel of your staff as report_to in [run]."
        found.append(Finding(good=True, words=words))
    return found


def _check(session: Session, view: View, now: datetime) -> list[Finding]:
    schedule, found = view.schedule, []
    # A new one may well be looked at before `spaces run` was ever started.
    trouble = None if view.is_new else view.trouble(now)
    if trouble is not None:
        found.append(Finding(good=False, words=f"schedule {view.name}: {trouble.words}"))
    known = channels_named(session, view.source.id if view.source else 0, schedule.channel)
    if schedule.audience == "staff" and any(
        not channel.is_private and not channel.is_internal for channel in known
    ):
        words = (
            f"schedule {view.name}: it is for staff, but everybody can read {schedule.channel}. Name a private channel, "
            f'or set audience = "community".'
        )
        found.append(Finding(good=False, words=words))
    if not found and view.following is not None:
        at = view.following.due_at.astimezone(view.following.window.zone)
        words = f"schedule {view.name}: next {at:%a %Y-%m-%d %H:%M} ({at.tzinfo}), to {schedule.channel}"
        found.append(Finding(good=True, words=words))
    return found
