"""A digest put into words, before any markup: what all renderers print, each in its own shape.

Texts are plain and clean (bot.digest.plain), but not escaped: names and excerpts may hold any visible character.
"""

from dataclasses import dataclass
from datetime import timedelta

from bot.digest import plain
from bot.digest.model import Digest, Reading, SourceCoverage
from bot.digest.words import ChangeSaid, Words
from bot.spaces.model import Area, Evidence

_SILENCE = timedelta(days=2)
"""A source that was silent for longer before the window's end has perhaps stopped being read."""


@dataclass(frozen=True, slots=True)
class MetricSaid:
    """One line of an area."""

    name: str
    title: str
    definition: str
    value: str
    known: bool
    notes: tuple[str, ...]
    """Why unknown, of how many, how sure, its parts."""
    apart: str
    """What staff and bots did beside it; empty when nothing."""
    change: ChangeSaid
    headline: bool

    @property
    def details(self) -> str:
        """Notes and what is told apart, in one line."""
        return " · ".join(part for part in (*self.notes, self.apart) if part)


@dataclass(frozen=True, slots=True)
class AreaSaid:
    """One area: its letter in SPACES, its name, its lines."""

    area: Area
    letter: str
    name: str
    metrics: tuple[MetricSaid, ...]


@dataclass(frozen=True, slots=True)
class MessageSaid:
    """A message that the digest points to."""

    text: str
    url: str | None
    byline: str
    """Who, where and how old: "Ana in #help, 3 days ago"."""
    support: str
    """How many people and reactions stand behind it; empty for a question."""


@dataclass(frozen=True, slots=True)
class ThanksSaid:
    """A person and what for."""

    name: str
    deeds: str


@dataclass(frozen=True, slots=True)
class CoverageSaid:
    """What stands behind the numbers, for one source. `warning` says that its data begins too late or stops too early."""

    source: str
    counted: str
    newest: str
    warning: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """Everything a digest says. An empty text or tuple is left out by every renderer."""

    language: str
    community: str
    purpose: str
    title: str
    compared: str
    rules: str
    areas: tuple[AreaSaid, ...]
    unanswered_title: str
    unanswered: tuple[MessageSaid, ...]
    unanswered_more: str
    ideas_title: str
    ideas: tuple[MessageSaid, ...]
    thanks_title: str
    thanks: tuple[ThanksSaid, ...]
    coverage_title: str
    coverage: tuple[CoverageSaid, ...]
    made: str
    more: str
    """What stands in place of whatever a platform has no room for."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What must be said loudly, before any number."""
        return tuple(source.warning for source in self.coverage if source.warning)


def speak(digest: Digest, language: str) -> Spoken:
    """Put a digest into words."""
    words = Words(language, digest.window.zone, digest.currency)
    more = digest.unanswered_total - len(digest.unanswered)
    return Spoken(
        language=language,
        community=plain.clean(digest.community),
        purpose=plain.clean(digest.purpose),
        title=words.window(digest.window),
        compared=words.gettext("compared with: {window}", window=words.window(digest.previous)),
        rules=words.gettext(
            "How to read: numbers count members only, staff and bots stand apart. "
            "“\N{EN DASH}” means unknown, not zero. An arrow appears only where the change is more than chance."
        ),
        areas=tuple(
            AreaSaid(
                area.area,
                area.area[0].upper(),
                words.area(area.area),
                tuple(_metric(reading, words) for reading in area.readings),
            )
            for area in digest.areas
        ),
        unanswered_title=words.gettext("Questions waiting for an answer"),
        unanswered=tuple(_message(question, digest, words) for question in digest.unanswered),
        unanswered_more=words.ngettext("and {n} more", "and {n} more", more) if more > 0 and digest.unanswered else "",
        ideas_title=words.gettext("Ideas with the most support"),
        ideas=tuple(_message(idea, digest, words, support=True) for idea in digest.ideas),
        thanks_title=words.gettext("People to thank"),
        thanks=tuple(ThanksSaid(plain.name(person.name), words.deeds(person.did)) for person in digest.thanks),
        coverage_title=words.gettext("What stands behind these numbers"),
        coverage=tuple(_coverage(source, digest, words) for source in digest.coverage),
        made=words.gettext("As of {moment} ({zone})", moment=words.moment(digest.as_of), zone=digest.window.zone.key),
        more=words.gettext("… and more in the full digest"),
    )  # fmt: skip


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
        change=words.change(reading),
        headline=metric.headline,
    )


def _message(message: Evidence, digest: Digest, words: Words, *, support: bool = False) -> MessageSaid:
    behind = []
    if support and message.people:
        behind.append(words.ngettext("{n} person", "{n} people", message.people))
    if support and message.reactions:
        behind.append(words.ngettext("{n} reaction", "{n} reactions", message.reactions))
    return MessageSaid(
        text=plain.excerpt(message.text) or words.gettext("(no text)"),
        url=plain.address(message.url),
        byline=words.gettext(
            "{author} in {channel}, {age}",
            author=plain.name(message.author),
            channel=f"#{plain.name(message.channel).lstrip('#')}",
            age=words.age(message.created_at, digest.as_of),
        ),
        support=", ".join(behind),
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
