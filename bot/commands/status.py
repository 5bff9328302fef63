"""`status`: how the sources fare; in full for those who operate the bot."""

from sqlalchemy.orm import Session

from bot.audience import Audience, gates, is_known, source_ids
from bot.checks import SourceState, states_of
from bot.commands.model import Ask, Entry
from bot.digest import plain
from bot.digest.render.markdown import escape
from bot.languages import msgid
from bot.schedules.overview import Trouble, troubles
from connectors.records import Reply


async def _status(ask: Ask) -> Reply:
    states = await ask.doors.read(lambda session: states_of(session, ask.config))
    if "operate" not in ask.rights:
        return Reply(_short(ask, states))
    audience = await ask.doors.audience(ask)
    readable = await ask.doors.read(lambda session: _readable(session, ask, audience, states))
    lines = []
    for state in states:
        lines.append(_line(ask, state))
        for channel, name, why in state.live.refused if state.live else ():
            # The name of a private place, and what is said of it, are for those who can read it.
            if (state.name, channel) in readable:
                lines.append(f"  - {escape(plain.name(name))}: {escape(why)}")
            else:
                refused = ask.words.gettext("{channel} cannot be read.", channel=plain.name(channel))
                lines.append(f"  - {escape(refused)}")
    wrong = await ask.doors.read(lambda session: troubles(session, ask.config, ask.now))
    lines += [_overdue(ask, name, trouble) for name, trouble in wrong.items()]
    return Reply("\n".join(lines) or ask.words.gettext("No source is configured."))


def _overdue(ask: Ask, name: str, trouble: Trouble) -> str:
    """What is wrong with a schedule; why, and where it posts to, is for those at the terminal."""
    words, day = ask.words, ask.words.full_day(trouble.about)
    match trouble.kind:
        case "failed":
            said = words.gettext("the digest of {day} could not be posted", day=day)
        case "refused":
            said = words.gettext("the digest of {day} is not posted yet, and is tried again", day=day)
        case _:
            said = words.gettext("the digest of {day} is late", day=day)
    told = words.gettext("In the terminal `spaces status` says why.")
    schedule = words.gettext("Schedule {name}", name=f"**{escape(plain.name(name))}**")
    return f"- {schedule}: {said}. {told}"


def _short(ask: Ask, states: list[SourceState]) -> str:
    words = ask.words
    served = [state for state in states if state.live is not None]
    silent = [state for state in served if state.live is not None and state.live.words != "connected"]
    newest = max((state.newest_at for state in states if state.newest_at), default=None)
    if newest is None:
        return words.gettext("Nothing has been read yet.")
    said = words.gettext("All is well.") if not silent else words.ngettext(
        "{n} source is not connected just now; whoever runs this can see why.",
        "{n} sources are not connected just now; whoever runs this can see why.", len(silent),
    )  # fmt: skip
    as_of = words.gettext("As of {moment} ({zone})", moment=words.moment(ask.now), zone=words.zone.key)
    return f"{said} {as_of}."


def _line(ask: Ask, state: SourceState) -> str:
    words = ask.words
    said = [words.ngettext("{n} message", "{n} messages", state.messages)]
    if state.newest_at is not None:
        said.append(words.gettext("newest message: {moment}", moment=words.moment(state.newest_at)))
    if state.untagged:
        said.append(words.ngettext("{n} waits to be tagged", "{n} wait to be tagged", state.untagged))
    if state.live is not None:
        said.append(state.live.words)
        if state.live.lag is not None:
            said.append(
                words.gettext("delay {time}", time=f"{state.live.lag.total_seconds() * 1000:,.0f} ms")
            )
        said.append(words.gettext("history: {state}", state=state.live.history))
    return f"- **{escape(state.name)}** ({escape(state.connector)}): {escape(' · '.join(said))}"


def _readable(
    session: Session, ask: Ask, audience: Audience, states: list[SourceState]
) -> set[tuple[str, str]]:
    """(source, channel) of the channels that refuse and of which the asker may know more than the id."""
    ids = source_ids(session)
    found = set()
    for state in states:
        refused = [channel for channel, _, _ in state.live.refused] if state.live else []
        places = gates(session, [ids[state.name]], refused) if refused else {}
        for channel in refused:
            gate = places.get((ids[state.name], channel))
            is_open = gate is None and is_known(session, ids[state.name], channel)
            is_own = state.name == ask.source and bool({channel, gate} & audience.private)
            if audience.source is None or is_open or is_own:
                found.add((state.name, channel))
    return found


STATUS = Entry(
    "status", "read", msgid("Whether all is well; for operators, how each source fares."), _status, (),
    {"es": "estado"}, ("health", "salud"),
)  # fmt: skip
