"""A schedule's digest by hand: shown as it would be sent, or written down to be posted now."""

import json
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from bot.mistakes import ConfigError, suggestion
from bot.schedules import overview
from bot.schedules.composition import compose
from bot.schedules.overview import key
from bot.schedules.rounds import Composed, purpose
from bot.schedules.slots import Slot, slot
from bot.settings import Config
from bot.spaces.window import Period, last_closed
from connectors.records import Post, Problem
from storage import digests, ingest, leases, posts
from storage.digests import Decision, Target


class Preview(NamedTuple):
    """What a schedule posts of the last period that is over."""

    name: str
    source: str
    connector: str
    channel: str
    slot: Slot
    composed: Composed


def chosen(config: Config, period: Period, name: str | None) -> list[str]:
    """The schedules of a period, or the one that is named.

    Raises:
        ConfigError: there is none, or it is of another period.
    """
    if name is None:
        found = [each for each, schedule in config.schedules.items() if schedule.period is period]
        if not found:
            cure = "Add [schedules.NAME] to the configuration: spaces init shows every setting."
            raise ConfigError([Problem("digest", f"no schedule is {period.value}", cure)])
        return found
    schedule = config.schedules.get(name)
    if schedule is None:
        cure = suggestion(name, config.schedules) if config.schedules else "Add it to the configuration."
        raise ConfigError([Problem("--schedule", f'there is no schedule "{name}"', cure)])
    if schedule.period is not period:
        cure = f"Write: spaces digest {schedule.period.value} --post --schedule {name}"
        raise ConfigError([Problem("--schedule", f"{name} is {schedule.period.value}", cure)])
    return [name]


def preview(session: Session, config: Config, name: str, moment: datetime) -> Preview:
    """Put together what the schedule `spaces run` would post at this moment; it draws, so it takes a second."""
    schedule = config.schedules[name]
    each = slot(schedule, last_closed(schedule.period, moment, schedule.zone(config.community.zone)))
    unread = overview.unread(overview.source_views(session), config, each.window)
    connector = config.sources[schedule.source].connector
    composed = compose(session, config, name, each, moment, unread)
    return Preview(name, schedule.source, connector, schedule.channel, each, composed)


def post_now(session: Session, config: Config, found: Preview, now: datetime) -> str:
    """Have it posted, once; says what becomes of it. One that was given up is tried again, one skipped is posted.

    Raises:
        ConfigError: the period is not over.
    """
    if found.slot.window.end > now:
        cure = "Leave --as-of out, or add --dry-run to see it only."
        raise ConfigError([Problem("--as-of", f"the digest of {found.slot.window} is not over yet", cure)])
    name, own = found.name, key(found.name, config.schedules[found.name])
    first, post = found.slot.window.first, found.composed.post
    before = digests.find(session, own, first)
    if before is not None and before.state == posts.SENT:
        return f"{name}: the digest of {found.slot.window} was posted already{_at(before.link)}."
    if before is not None and before.state == posts.FAILED:
        digests.retry(session, own, first)
    elif before is None or before.state is None:
        if post is None:
            return f"{name}: the digest of {found.slot.window} is not posted: {found.composed.why}"
        source = ingest.source_id(session, found.source, found.connector)
        to = Target(source, found.channel, purpose(own, found.slot))
        decision = Decision(own, first, found.slot.due_at, now, None, found.composed.numbers)
        digests.decide(session, decision, post, to, again=True)
    served = leases.holder(session, ingest.source_id(session, found.source, found.connector)) is not None
    then = "goes out now" if served else "goes out as soon as the source is served. Start it with: spaces run"
    return f"{name}: the digest of {found.slot.window} {then}{'.' if served else ''}"


def _at(link: str | None) -> str:
    return f": {link}" if link else ""


# --- shown --------------------------------------------------------------------------------------------------------


def document(found: Preview) -> dict[str, Any]:
    """The preview as data: all that the connector is given, the picture as its number of bytes."""
    post = found.composed.post
    place = {
        "schedule": found.name, "source": found.source, "connector": found.connector, "channel": found.channel,
        "period": str(found.slot.window), "due_at": found.slot.due_at.isoformat(),
    }  # fmt: skip
    if post is None:
        return place | {"post": None, "why": found.composed.why}
    return place | {"post": {
        "title": post.title, "text": post.text, "payload": post.payload, "alt": post.alt,
        "picture_bytes": len(post.picture or b""), "buttons": [button._asdict() for button in post.buttons],
    }}  # fmt: skip


def text(found: Preview) -> str:
    """The preview for people: where it goes, then what is sent, whole, in the platform's own form where it has one."""
    post = found.composed.post
    head = f"{found.name}: {found.slot.window} to {found.channel} on {found.source} ({found.connector})"
    if post is None:
        return f"{head}\nNothing would be posted: {found.composed.why}\n"
    return "\n\n".join([head, *_parts(post)]) + "\n"


def _parts(post: Post) -> list[str]:
    body = post.text if post.payload is None else json.dumps(post.payload, ensure_ascii=False, indent=2)
    buttons = ", ".join(f"[{button.title}]" for button in post.buttons)
    picture = f"Picture of {len(post.picture):,} bytes: {post.alt}" if post.picture else ""
    return [part for part in (post.title, body.rstrip(), buttons and f"Buttons: {buttons}", picture) if part]
