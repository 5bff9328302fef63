"""How every schedule stands: what is due, what comes next, and what stands in its way. Read, never written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.schedules import slots
from bot.schedules.settings import Schedule
from bot.schedules.slots import Slot
from bot.settings import Config
from bot.spaces.window import Window
from storage import digests, leases, posts
from storage.digests import Told
from storage.tables import Source, State

_REMEMBERED = timedelta(days=92)
_SOURCES = select(
    Source.name, Source.id, State.why, State.updated_at, State.fraction, State.caught_up_at, State.heard_at
).outerjoin(State, State.source_id == Source.id)
_SOON = timedelta(minutes=15)
"""What is due for less than this is not yet worth a word."""


@dataclass(frozen=True, slots=True)
class SourceView:
    """A source that is stored: who serves it, and how it fares."""

    id: int
    owner: str | None
    """The process that holds its lease."""
    why: str | None
    """What is wrong with it, and the cure."""
    told_at: datetime | None
    """When it was last said how it fares; None where nobody ever served it."""
    read_at: datetime | None
    """Up to when it is whole; None while its history is being read."""

    def is_read(self, window: Window) -> bool:
        """Whether all that happened in a window is stored, as far as anybody can know.

        One that nobody served in the window is not waited for: that its data ends is told with the numbers.
        """
        if self.told_at is None or self.told_at < window.start:
            return True
        return self.read_at is not None and self.read_at >= window.end


class Trouble(NamedTuple):
    """What somebody should know of a schedule."""

    about: date
    """The first day of the period."""
    kind: str
    """`failed` (given up), `refused` (tried again) or `late` (not even made): each is said once of a period."""
    words: str
    """What is wrong, and the cure."""


@dataclass(frozen=True, slots=True)
class View:
    """One schedule."""

    name: str
    schedule: Schedule
    key: str
    """Its name and period, as its rows bear them: with another period it is another schedule."""
    is_new: bool
    """Nothing of it was ever decided."""
    due: Sequence[Slot]
    """Not decided, the oldest first."""
    following: Slot | None
    """The next that is neither decided nor due; None where it was not asked for."""
    unsent: Sequence[Told]
    """Decided to be posted since the last that was, and not posted; the newest first."""
    source: SourceView | None
    """Where it goes; None while nothing is stored of it."""
    is_quiet: bool
    """What is due waits for the quiet hours to end."""
    obstacle: str
    """Why else it cannot be posted now; empty where nothing stands in its way."""

    def overdue(self, now: datetime) -> timedelta:
        """Since when something should have been posted; zero where nothing should."""
        since = [each.due_at for each in self.due] + [told.due_at for told in self.unsent]
        return max((now - at for at in since), default=timedelta(0))

    def trouble(self, now: datetime) -> Trouble | None:
        """What the operator should know first; None where all is well."""
        for told in self.unsent:
            if told.state == posts.FAILED:
                cure = (
                    f"When that is mended: spaces digest {self.schedule.period} --post --schedule {self.name}"
                )
                words = f"the digest of {told.first} could not be posted to {self.schedule.channel}. {told.why} {cure}"
                return Trouble(told.first, "failed", words)
            if digests.is_stubborn(told):
                words = f"the digest of {told.first} is not posted to {self.schedule.channel} yet. {told.why}"
                return Trouble(told.first, "refused", words)
        late = _SOON + timedelta(minutes=self.schedule.wait_minutes)
        past = self.is_new and bool(self.due) and slots.is_late(self.schedule, self.due[0], now)
        if self.due and now - self.due[0].due_at > late and not self.is_quiet and not past:
            why = self.obstacle or "It could not be made; the log of `spaces run` says why."
            first = self.due[0].window.first
            words = f"the digest of {first} was due at {_local(self.due[0])} and waits: {why}"
            return Trouble(first, "late", words)
        return None


def key(name: str, schedule: Schedule) -> str:
    """What the rows of a schedule bear."""
    return f"{name} {schedule.period}"


def look(session: Session, config: Config, now: datetime, *, ahead: bool = False) -> dict[str, View]:
    """Every schedule of the configuration, by name; with `ahead`, also what comes next."""
    newest = digests.newest(session, now)
    unsent = digests.unsent(session, now - _REMEMBERED)
    sources = source_views(session)
    zone = config.community.zone
    found = {}
    for name, schedule in config.schedules.items():
        own, source = key(name, schedule), sources.get(schedule.source)
        due = slots.due(schedule, zone, now, newest.get(own))
        found[name] = View(
            name, schedule, own, own not in newest, due, slots.following(schedule, zone, now, newest.get(own)) if ahead else None,
            [told for told in unsent if told.schedule == own], source,
            bool(due) and slots.quiet_until(schedule, now, due[0].window.zone) is not None,
            _obstacle(schedule, due[0] if due else None, sources),
        )  # fmt: skip
    return found


def troubles(session: Session, config: Config, now: datetime) -> dict[str, Trouble]:
    """What is wrong with which schedule."""
    found = {name: view.trouble(now) for name, view in look(session, config, now).items()}
    return {name: trouble for name, trouble in found.items() if trouble is not None}


def source_views(session: Session) -> dict[str, SourceView]:
    """Every source that is stored, by name."""
    rows = session.execute(_SOURCES).all()
    found = {}
    for name, id_, why, told_at, fraction, caught_up_at, heard_at in rows:
        holder = leases.holder(session, id_)
        # While it is heard of and nothing is being read again, nothing is missing.
        read_at = max(caught_up_at, heard_at or caught_up_at) if caught_up_at and fraction is None else None
        found[name] = SourceView(id_, holder[0] if holder else None, why, told_at, read_at)
    return found


def unread(sources: Mapping[str, SourceView], config: Config, window: Window) -> list[str]:
    """The sources of which something of a window may not be stored yet."""
    return [name for name, view in sources.items() if name in config.sources and not view.is_read(window)]


def _obstacle(schedule: Schedule, due: Slot | None, sources: Mapping[str, SourceView]) -> str:
    source = sources.get(schedule.source)
    if due is None:
        return ""
    if source is None or source.owner is None:
        return (source and source.why) or f"Nobody serves {schedule.source}. Start it with: spaces run"
    if not source.is_read(due.window):
        return f"The history of {schedule.source} is still being read."
    return ""


def _local(slot: Slot) -> str:
    return f"{slot.due_at.astimezone(slot.window.zone):%Y-%m-%d %H:%M}"
