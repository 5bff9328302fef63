"""The three months' programme: which script is told where, until each home has its share."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from examples.scripts.grammar import Script, read_scripts
from examples.scripts.model import BEGIN, DISCORD, END, FORUM, HOMES, SLACK, Person, Talk
from examples.scripts.stage import Stage

_TARGET = {SLACK: 930, DISCORD: 935, FORUM: 690}
_SPANISH = {SLACK: 0.035, DISCORD: 0.25, FORUM: 0.2}
_KINDS = {
    "question": 41,
    "chat": 27,
    "idea": 8,
    "bug": 9,
    "contribution": 4,
    "advocacy": 3,
    "success": 3,
    "thanks": 3,
}
_FORUM_THREADS = 14
_TEXT_THREADS = 6

_PLACES: dict[str, dict[str, tuple[str, ...]]] = {
    SLACK: {
        "question": ("help", "help", "help", "general"), "bug": ("help",),
        "idea": ("ideas",), "contribution": ("show-and-tell",), "advocacy": ("general", "random"),
        "success": ("show-and-tell", "general"), "intro": ("general",), "event": ("general",),
        "chat": ("random", "general", "random"), "thanks": ("general", "help"), "news": ("announcements",),
    },
    DISCORD: {
        "question": ("help", "help", "general", "homelab"), "bug": ("help",), "idea": ("ideas",),
        "contribution": ("showcase",), "advocacy": ("general",), "success": ("showcase", "general"),
        "intro": ("general",), "event": ("general",), "chat": ("general", "off-topic", "homelab"),
        "thanks": ("general",), "news": ("announcements",),
    },
    FORUM: {
        "question": ("support",), "bug": ("support",), "idea": ("ideas",), "contribution": ("guides",),
        "advocacy": ("stories",), "success": ("stories",), "intro": ("intros",), "event": ("news",),
        "chat": ("lounge",), "thanks": ("lounge",), "news": ("news",),
    },
}  # fmt: skip


@dataclass
class Programme:
    """All talks, and how many messages each home has."""

    stage: Stage
    rng: Random
    talks: list[Talk] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(HOMES, 0))
    forum_threads: int = 0
    text_threads: int = 0

    def add(self, talk: Talk | None) -> bool:
        """Keep a talk that could be told."""
        if talk is not None:
            self.talks.append(talk)
            self.counts[talk.home] += len(talk.posts)
        return talk is not None

    def tell(self, script: Script, home: str, lead: Person | None = None, at: datetime | None = None) -> bool:
        """Find a place for the script and perform it."""
        place, threaded = self._place(script, home)
        talk = self.stage.perform(script, home, place, threaded=threaded, lead=lead, at=at)
        if talk is not None and home == DISCORD:
            self.forum_threads += place == "support-forum"
            self.text_threads += threaded and place == "help"
        return self.add(talk)

    def _place(self, script: Script, home: str) -> tuple[str, bool]:
        wanted = script.opts.get("place")
        place = wanted or self.rng.choice(_PLACES[home][script.kind])
        if home == SLACK:
            if script.opts.get("topic") == "k8s" and place == "help" and not wanted:
                place = "kubernetes"
            return place, self.rng.random() < (0.3 if place in {"random", "general"} else 0.78)
        if home == FORUM:
            if script.lang == "es":
                place = "ayuda" if script.kind in {"question", "bug"} else "espanol"
            return place, True
        if script.lang == "es":
            return "español", False
        if place == "help" and self.forum_threads < _FORUM_THREADS and self.rng.random() < 0.3:
            return "support-forum", True
        if place == "help" and self.text_threads < _TEXT_THREADS and self.rng.random() < 0.3:
            return place, True
        return place, False


def run(rng: Random, stage: Stage) -> list[Talk]:
    """The whole programme, in the order of its first messages."""
    programme = Programme(stage, rng)
    written = [s for s in read_scripts("*_*.txt") if s.limit == 1]
    written.sort(key=lambda s: "at" not in s.opts)
    for script in written:
        _tell_written(programme, script)
    cards = [s for s in read_scripts("*_*.txt") if s.limit > 1]
    _introduce(programme, [c for c in cards if c.kind == "intro"])
    for home in HOMES:
        _fill(programme, home, [c for c in cards if c.kind != "intro"])
    return sorted(programme.talks, key=lambda t: t.root.at)


def _tell_written(programme: Programme, script: Script) -> None:
    homes = script.opts.get("on", "slack,discord,forum").split(",")
    share = {h: programme.counts[h] / _TARGET[h] for h in homes}
    for home in homes if "all" in script.opts else sorted(homes, key=share.__getitem__):
        done = any(programme.tell(script, home) for _ in range(40))
        if done and "all" not in script.opts:
            return
        if not done and "all" in script.opts:
            raise ValueError(f"{script.slug} could not be told on {home}")
    if "all" not in script.opts:
        raise ValueError(f"{script.slug} could not be told anywhere")


def _introduce(programme: Programme, cards: list[Script]) -> None:
    """Most people who join say hello within two days."""
    told = {t.root.person.key for t in programme.talks if t.kind == "intro"}
    for person in sorted(programme.stage.people.values(), key=lambda p: p.joined):
        if not BEGIN < person.joined < END - timedelta(days=1) or person.key in told:
            continue
        home = programme.rng.choice(person.homes)
        if programme.rng.random() > (0.5 if home == SLACK else 0.6):
            continue
        at = person.joined + timedelta(minutes=programme.rng.uniform(6, 600))
        fitting = [c for c in cards if c.lang == person.lang and home in c.opts.get("on", home)]
        card = min(fitting, key=lambda c: (c.used, programme.rng.random()))
        programme.tell(card, home, lead=person, at=at.astimezone(UTC))


def _fill(programme: Programme, home: str, cards: list[Script]) -> None:
    spanish = sum(len(t.posts) for t in programme.talks if t.home == home and t.lang == "es")
    while programme.counts[home] < _TARGET[home]:
        lang = "es" if spanish < _SPANISH[home] * programme.counts[home] else "en"
        kind = programme.rng.choices(list(_KINDS), list(_KINDS.values()))[0]
        fitting = [
            c for c in cards
            if c.lang == lang and c.kind == kind and home in c.opts.get("on", home)
        ]  # fmt: skip
        if not fitting:
            continue
        card = min(fitting, key=lambda c: (c.used / c.limit, programme.rng.random()))
        before = programme.counts[home]
        programme.tell(card, home)
        spanish += (programme.counts[home] - before) if lang == "es" else 0
