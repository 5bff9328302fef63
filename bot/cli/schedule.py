"""`spaces schedule`, and `spaces digest --post`: the digests that come by themselves."""

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from bot.cli.app import app
from bot.cli.state import State, state

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.schedules.overview import View
    from bot.spaces.window import Period
    from storage.digests import Told

_LATE = timedelta(minutes=15)
"""Posting takes a moment: only what takes longer is called late."""


@app.command(epilog="Examples: spaces schedule; spaces schedule --last 20")
def schedule(
    context: typer.Context,
    last: Annotated[int, typer.Option(help="How many of the last digests to list.", min=0, max=1_000)] = 5,
) -> None:
    """Show of each schedule what comes next and what became of the last digests.

    Posted or late, skipped and why, or what stands in the way and the cure.
    """
    from bot.schedules import overview  # noqa: PLC0415
    from storage import digests  # noqa: PLC0415

    here, now = state(context), datetime.now(UTC)
    if not here.config.schedules:
        typer.echo(
            "There is no schedule. Add [schedules.NAME] to the configuration: spaces init shows every setting."
        )
    with here.database() as database, database.read() as session:
        for view in overview.look(session, here.config, now, ahead=True).values():
            lines = _lines(
                view, digests.recent(session, view.key, now, last), here.config.community.zone, now
            )
            typer.echo("\n".join(lines))


def _lines(view: "View", recent: "Sequence[Told]", community: ZoneInfo, now: datetime) -> "Iterator[str]":
    set_to, zone = view.schedule, view.schedule.zone(community)
    yield f"{view.name}: {set_to.period.value} to {set_to.channel} on {set_to.source}"
    if view.following is not None:
        yield f"  next: {_moment(view.following.due_at, zone)}, of {view.following.window}"
    trouble = view.trouble(now)
    if trouble is not None:
        yield f"  wrong: {trouble.words}"
    elif view.due:
        until = (
            "the quiet hours are over"
            if view.is_quiet
            else view.obstacle or "the next round, within a minute"
        )
        yield f"  due: of {view.due[0].window}, waits: {until}"
    for told in recent:
        yield f"  {told.first}: {_became(told, zone)}"


def _became(told: "Told", zone: ZoneInfo) -> str:
    if told.state is None:
        return f"skipped: {told.why}"
    if told.sent_at is None:
        tries = f"tried {told.tries} times" if told.tries != 1 else "tried once"
        said = "not posted, given up" if told.state == "failed" else "not posted yet"
        return f"{said} ({tries}). {told.why or ''}".rstrip()
    late = told.sent_at - told.due_at
    said = f"posted {_moment(told.sent_at, zone)}"
    if late > _LATE:
        hours, minutes = divmod(late // timedelta(minutes=1), 60)
        said += f", late by {hours} h {minutes} min"
    return f"{said} {told.link or ''}".rstrip()


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%a %Y-%m-%d %H:%M}"


def post_digest(
    here: State, period: "Period", name: str | None, as_of: str | None, *, dry: bool, as_json: bool
) -> str:
    """Have the digests of the schedules of a period posted now, or with `dry` only shown; returns what to print."""
    from bot.app import read_moment  # noqa: PLC0415
    from bot.schedules import asked  # noqa: PLC0415
    from bot.settle import settle  # noqa: PLC0415

    names, moment = asked.chosen(here.config, period, name), read_moment(as_of, here.config)
    with here.database() as database:
        settle(database, here.config, here)
        with database.read() as session:
            found = [asked.preview(session, here.config, each, moment) for each in names]
        if dry and as_json:
            return json.dumps([asked.document(each) for each in found], ensure_ascii=False, indent=2)
        if dry:
            return "\n".join(asked.text(each) for each in found)
        with database.write() as session:
            return "\n".join(asked.post_now(session, here.config, each, datetime.now(UTC)) for each in found)
