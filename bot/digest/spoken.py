"""A digest put into words, before any markup: what all renderers print, each in its own shape.

Texts are plain and clean (bot.digest.plain), but not escaped: names and excerpts may hold any visible character.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from bot.digest import plain
from bot.digest.briefing import Briefing, brief, thanked
from bot.digest.goals import goal_said
from bot.digest.model import AreaReadings, Digest, Reading, Refused, SourceCoverage
from bot.digest.said import AreaSaid, CoverageSaid, MessageSaid, MetricSaid, ThanksSaid, message
from bot.digest.words import Words
from bot.spaces.catalogue import LABELS

__all__ = ["AreaSaid", "CoverageSaid", "MessageSaid", "MetricSaid", "Spoken", "ThanksSaid", "speak"]

_SILENCE = timedelta(days=2)
"""A source that was silent for longer before the window's end has perhaps stopped being read."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """Everything a digest says. An empty text or tuple is left out by every renderer."""

    language: str
    friendly: bool
    """For the community itself: less, and in a kinder form."""
    community: str
    purpose: str
    title: str
    compared: str
    rules: str
    briefing: Briefing
    goals_title: str
    goals: tuple[str, ...]
    areas: tuple[AreaSaid, ...]
    unanswered_title: str
    unanswered: tuple[MessageSaid, ...]
    """Beside those of the briefing; as the other lists."""
    unanswered_more: str
    ideas_title: str
    ideas: tuple[MessageSaid, ...]
    thanks_title: str
    thanks: tuple[ThanksSaid, ...]
    staff_title: str
    staff: tuple[str, ...]
    """What those who look after the community should see to."""
    coverage_title: str
    coverage: tuple[CoverageSaid, ...]
    made: str
    more: str
    """What stands in place of whatever a platform has no room for."""
    warnings: tuple[str, ...]
    """What must be said loudly, before any number."""


def speak(digest: Digest, language: str) -> Spoken:
    """Put a digest into words."""
    words = Words(language, digest.window.zone, digest.currency)
    briefing, people = brief(digest, words), thanked(digest, words)
    questions, ideas = (
        digest.unanswered[briefing.shows("questions") :],
        digest.ideas[briefing.shows("ideas") :],
    )
    more = digest.unanswered_total - len(digest.unanswered)
    coverage = tuple(_coverage(source, digest, words) for source in digest.coverage)
    areas = (_area(area, digest, words) for area in digest.areas)
    return Spoken(
        language=language,
        friendly=digest.friendly,
        community=plain.clean(digest.community),
        purpose=plain.clean(digest.purpose),
        title=words.window(digest.window),
        compared=words.gettext("compared with: {window}", window=words.window(digest.previous)),
        rules=_rules(digest, words),
        briefing=briefing,
        goals_title=words.gettext("Goals"),
        goals=tuple(goal_said(goal, words) for goal in digest.goals),
        areas=tuple(area for area in areas if area.metrics or area.unknown),
        unanswered_title=words.gettext("More questions that wait") if briefing.shows("questions") else words.gettext("Questions waiting for an answer"),
        unanswered=tuple(message(question, digest, words) for question in questions),
        unanswered_more=words.ngettext("and {n} more", "and {n} more", more) if more > 0 and questions else "",
        ideas_title=words.gettext("More ideas") if briefing.shows("ideas") else words.gettext("Ideas with the most support"),
        ideas=tuple(message(idea, digest, words, support=True) for idea in ideas),
        thanks_title=words.gettext("More people to thank"),
        thanks=people[briefing.shows("people") :],
        staff_title=words.gettext("For those who look after the community"),
        staff=tuple(_staff(digest, words)),
        coverage_title=words.gettext("What stands behind these numbers"),
        coverage=() if digest.friendly else coverage,
        made=_made(digest, words),
        more=words.gettext("… and more in the full digest"),
        warnings=tuple(filter(None, (_unread(digest, words), *(source.warning for source in coverage)))),
    )  # fmt: skip


def _rules(digest: Digest, words: Words) -> str:
    if digest.friendly:
        return words.gettext("Numbers count members only. An arrow means: more than chance would make.")
    return words.gettext(
        "How to read: numbers count members only, staff and bots stand apart. "
        "“\N{EN DASH}” means unknown, not zero. An arrow appears only where the change is more than chance."
    )


# --- the areas ----------------------------------------------------------------------------------------------------


def _area(area: AreaReadings, digest: Digest, words: Words) -> AreaSaid:
    known = [reading for reading in area.readings if reading.value.number is not None]
    missing = [reading for reading in area.readings if reading.value.number is None]
    return AreaSaid(
        area.area,
        area.area[0].upper(),
        words.area(area.area),
        tuple(_metric(reading, words) for reading in known),
        "" if digest.friendly else _missing(missing, words),
    )


def _missing(readings: list[Reading], words: Words) -> str:
    """Net promoter score, Satisfaction (no survey is connected); Attendance (…)."""
    if not readings:
        return ""
    titles: dict[str, list[str]] = {}
    for reading in readings:
        reason = words.gettext(reading.value.reason) or words.gettext("unknown")
        titles.setdefault(reason, []).append(words.gettext(reading.metric.title))
    said = "; ".join(f"{', '.join(names)} ({reason})" for reason, names in titles.items())
    return words.gettext("Not known: {metrics}.", metrics=said)


def _metric(reading: Reading, words: Words) -> MetricSaid:
    metric, value = reading.metric, reading.value
    return MetricSaid(
        name=metric.name,
        title=words.gettext(metric.title),
        definition=words.gettext(metric.definition),
        value=words.value(metric.unit, value),
        known=value.number is not None,
        notes=tuple(words.notes(metric.unit, value)),
        apart=words.apart(metric.unit, value),
        caveat=words.caveat(metric.unit, value),
        of=words.of(metric.unit, value),
        change=words.change(reading),
        headline=metric.headline,
    )


# --- what stands behind it ----------------------------------------------------------------------------------------


def _staff(digest: Digest, words: Words) -> Iterator[str]:
    if digest.unsure:
        yield words.ngettext(
            "{n} message may be tagged wrongly: have a look with /spaces review.",
            "{n} messages may be tagged wrongly: have a look with /spaces review.",
            digest.unsure,
        )
    if digest.judged:
        yield words.ngettext(
            "Of {n} message an outside judge said what it is: spaces review shows some to check.",
            "Of {n} messages an outside judge said what they are: spaces review shows some to check.",
            digest.judged,
        )
    for refused in digest.refused:
        yield _refused(refused, words)


def _refused(refused: Refused, words: Words) -> str:
    source = plain.name(refused.source)
    # Their names stay in the status: whoever reads this need not be able to see the channels.
    count = len(refused.channels) + refused.unnamed
    channels = words.ngettext("{n} channel", "{n} channels", count)
    return words.gettext(
        "{source}: {channels} cannot be read; spaces status says why.", source=source, channels=channels
    )


def _made(digest: Digest, words: Words) -> str:
    moment, zone = words.moment(digest.as_of), digest.window.zone.key
    if not digest.friendly or not digest.coverage:
        said = words.gettext("As of {moment} ({zone})", moment=moment, zone=zone)
        return f"{said}. {_measured(digest, words)}" if digest.measured else said
    return words.ngettext(
        "From {n} message on {sources}, as of {moment} ({zone})",
        "From {n} messages on {sources}, as of {moment} ({zone})",
        sum(source.messages + source.staff_messages + source.bot_messages for source in digest.coverage),
        sources=words.list([plain.name(source.source) for source in digest.coverage]),
        moment=moment,
        zone=zone,
    )


def _measured(digest: Digest, words: Words) -> str:
    """How far the tags can be trusted here, as people found who looked at some drawn at random."""
    found = [
        words.gettext("{label} {right} of {asked}", label=words.gettext(LABELS[each.label].title),
                      right=words.number(each.right), asked=words.number(each.asked))
        for each in digest.measured
    ]  # fmt: skip
    return words.gettext(
        "Tags found right by people who checked some at random: {labels}.", labels=words.list(found)
    )


def _unread(digest: Digest, words: Words) -> str:
    if not digest.unread:
        return ""
    return words.ngettext(
        "{sources} is still being read: these numbers may grow.",
        "{sources} are still being read: these numbers may grow.",
        len(digest.unread),
        sources=words.list([plain.name(source) for source in digest.unread]),
    )


def _coverage(source: SourceCoverage, digest: Digest, words: Words) -> CoverageSaid:
    name = plain.name(source.source)
    parts = (
        (source.messages, words.ngettext("{n} by members", "{n} by members", source.messages)),
        (source.staff_messages, words.ngettext("{n} by staff", "{n} by staff", source.staff_messages)),
        (source.bot_messages, words.ngettext("{n} by bots", "{n} by bots", source.bot_messages)),
    )
    total = words.ngettext("{n} message", "{n} messages", sum(number for number, _ in parts))
    split = ", ".join(said for number, said in parts if number)
    last = source.last_message_at
    if last is None:
        newest = words.gettext("no message known")
        warning = words.gettext("No data from {source}.", source=name)
    else:
        moment = words.moment(last)
        newest = words.gettext("newest message: {moment}", moment=moment)
        # A quiet Sunday is no gap; two days of silence up to the window's end may well be one.
        stops = last < digest.window.start or digest.window.end - last > _SILENCE
        began = source.first_message_at
        warnings = []
        if began is not None and digest.previous.start < began < digest.window.end:
            said = words.moment(began)
            warnings.append(
                words.gettext(
                    "{source}: no data before {moment}; nothing whole to compare with.",
                    source=name,
                    moment=said,
                )
            )
        if stops:
            warnings.append(words.gettext("{source}: no data after {moment}.", source=name, moment=moment))
        warning = " ".join(warnings)
    return CoverageSaid(
        source=f"{name} ({plain.name(source.connector)})",
        counted=f"{total}: {split}" if split else total,
        newest=newest,
        warning=warning,
    )
