"""Casts a script and puts it on a day: from written lines to people's posts."""

import re
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from examples.scripts.grammar import Line, Script, Speaker
from examples.scripts.model import BEGIN, DISCORD, END, FORUM, SLACK, Clock, Person, Post, Talk, pick

_ROLE = re.compile(r"\{(@?)([A-D]|S|T|@[a-z_0-9]+)\}")
_FIRST_REPLY = {SLACK: 22.0, DISCORD: 13.0, FORUM: 300.0}
_NEXT_REPLY = {SLACK: 7.0, DISCORD: 4.0, FORUM: 200.0}
_HOURS = (1, 1, 0, 0, 0, 1, 2, 5, 11, 15, 16, 14, 9, 9, 13, 15, 14, 11, 7, 6, 6, 6, 4, 2)
_OUTCOMES = ("open", "answered", "mark", "thanks", "both")
_OUTCOME_ODDS = (19, 17, 24, 22, 18)
_RELEASE = datetime(2026, 3, 18, tzinfo=UTC)
_SMALL = ("+1", "heart", "joy", "raised_hands", "eyes", "fire", "pray")
CHECK = "white_check_mark"


class Stage:
    """Knows who is around, what has been said and which moments are taken."""

    def __init__(self, rng: Random, people: dict[str, Person]) -> None:
        self.rng = rng
        self.people = people
        self.speaker = Speaker(rng)
        self._clock = Clock()
        self._posted: dict[str, int] = {}

    def day(self) -> datetime:
        """A day of the period: weekdays are busier, later weeks a little too."""
        days = [BEGIN + timedelta(days=n) for n in range(91)]
        odds = [(0.34 if d.weekday() > 4 else 1.0) * (1 + 0.5 * n / 90) for n, d in enumerate(days)]
        return self.rng.choices(days, odds)[0].replace(hour=0, minute=0)

    def perform(
        self, script: Script, home: str, place: str, *, threaded: bool,
        lead: Person | None = None, at: datetime | None = None,
    ) -> Talk | None:  # fmt: skip
        """The script told once on a home, or None if nobody fits or it starts too late."""
        start = at or self._written_day(script) or self.day()
        cast = {"A": lead} if lead else self._lead(script, home, start)
        if cast is None or f"{start:%Y-%m-%d}" < script.opts.get("from", ""):
            return None
        first = cast.get("A")
        if first is not None and at is None:
            start = self._hour(first, start)
        sticky: dict[str, str] = {"lang": script.lang}
        if start < _RELEASE:
            sticky["early"] = "2.7 is not out yet"
        outcome = script.opts.get("out", "vary" if script.kind == "question" else "")
        if outcome == "vary":
            outcome = self.rng.choices(_OUTCOMES, _OUTCOME_ODDS)[0]
        talk = Talk(script.slug, script.kind, script.lang, home, place, "", [], threaded, outcome)
        for line in self._spoken(script, outcome):
            if not self._cast(line.role, script, home, start, cast):
                return None
            person = cast[line.role]
            when = self._when(talk, line, person, start)
            if when >= END or (person.left is not None and when >= person.left):
                break
            self._say(talk, line, person, when, cast, sticky)
        if not talk.posts or not talk.root.at >= BEGIN:
            return None
        if script.title:
            talk.title = self.speaker.say(script.title, sticky)
        script.used += 1
        return talk

    def _written_day(self, script: Script) -> datetime | None:
        if "at" not in script.opts:
            return None
        return datetime.fromisoformat(script.opts["at"]).replace(tzinfo=UTC)

    def _lead(self, script: Script, home: str, start: datetime) -> dict[str, Person] | None:
        cast: dict[str, Person] = {}
        return cast if self._cast(script.lines[0].role, script, home, start, cast) else None

    def _cast(self, role: str, script: Script, home: str, start: datetime, cast: dict[str, Person]) -> bool:
        if role in cast:
            return True
        if role.startswith("@"):
            person = self.people[role[1:]]
            if person.here(home, start + timedelta(hours=26)) or script.opts.get("at"):
                cast[role] = person
            return role in cast
        taken = set(map(id, cast.values()))
        crowd = [
            p for p in self.people.values()
            if p.here(home, start + timedelta(hours=26)) and id(p) not in taken
            and p.staff == (role in "ST") and script.lang in {"en", p.lang}
        ]  # fmt: skip
        chosen = pick(self.rng, crowd, [self._odds(p, role, script, home) for p in crowd])
        if chosen is not None:
            cast[role] = chosen
        return chosen is not None

    def _odds(self, person: Person, role: str, script: Script, home: str) -> float:
        foreign = 0.3 if script.lang == "en" and person.lang != "en" else 1.0
        if role != "A":
            return person.weight * foreign
        count = self._posted.get(f"{home}/{person.key}", 0)
        if script.kind in {"question", "bug", "thanks"}:
            # Newcomers ask; people who answer a lot rarely do.
            return (
                foreign
                * (0.35 if person.weight > 2 else 1.0)
                * (4.0 if count == 0 else 1 / (1 + count * 0.06))
            )
        return foreign * (0.5 + person.weight / 3) * (3.0 if count == 0 else 1.0)

    def _spoken(self, script: Script, outcome: str) -> list[Line]:
        lines: list[Line] = []
        answered = False
        for number, line in enumerate(script.lines):
            if "out" not in script.opts and script.kind == "question" and number:
                if outcome == "open" and not ("x" in line.flags and self.rng.random() < 0.5):
                    continue
                if outcome != "open" and "x" in line.flags:
                    continue
                if outcome in {"answered", "mark"} and ("=" in line.flags or answered):
                    continue
            if "?" in line.flags and self.rng.random() < 0.45:
                continue
            answered = answered or ("*" in line.flags and outcome in {"answered", "mark"})
            lines.append(line)
        return lines

    def _hour(self, person: Person, day: datetime) -> datetime:
        hour = self.rng.choices(range(24), _HOURS)[0]
        zone = ZoneInfo(person.zone)
        local = datetime(
            day.year, day.month, day.day, hour, self.rng.randrange(60), self.rng.randrange(60), tzinfo=zone
        )
        return max(local.astimezone(UTC), BEGIN + timedelta(minutes=self.rng.randrange(1, 90)))

    def _when(self, talk: Talk, line: Line, person: Person, start: datetime) -> datetime:
        if not talk.posts:
            return self._clock.unique(talk.home, start + timedelta(milliseconds=self.rng.randrange(60_000)))
        last = talk.posts[-1]
        if line.delay is not None:
            wait = line.delay * self.rng.uniform(0.93, 1.1)
        elif last.person is person:
            wait = self.rng.uniform(0.4, 3.0)
        else:
            table = _FIRST_REPLY if len(talk.posts) == 1 else _NEXT_REPLY
            wait = table[talk.home] * self.rng.lognormvariate(0, 1.0) + 0.4
        when = last.at + timedelta(minutes=wait)
        local = when.astimezone(ZoneInfo(person.zone))
        if line.delay is None and talk.threaded and local.hour < 7 and self.rng.random() < 0.85:
            when += timedelta(hours=7 - local.hour, minutes=self.rng.randrange(150))
        return self._clock.unique(talk.home, when)

    def _say(
        self, talk: Talk, line: Line, person: Person, when: datetime,
        cast: dict[str, Person], sticky: dict[str, str],
    ) -> None:  # fmt: skip
        text = _ROLE.sub(lambda found: self._address(found, talk.home, cast), line.text)
        post = Post(person, when, self.speaker.say(text, sticky))
        post.deleted = "!" in line.flags
        if "^" in line.flags or self.rng.random() < 0.03:
            post.edited = min(when + timedelta(minutes=self.rng.uniform(0.5, 40)), END)
        if line.reactions:
            words = self.speaker.say(line.reactions, sticky).split()
            for name, count in zip(words[::2], words[1::2], strict=True):
                self._react(talk, post, name, int(count))
        elif self.rng.random() < 0.11:
            self._react(talk, post, self.rng.choice(_SMALL), self.rng.choices((1, 2, 3), (6, 3, 1))[0])
        talk.posts.append(post)
        key = f"{talk.home}/{person.key}"
        self._posted[key] = self._posted.get(key, 0) + 1
        if "*" in line.flags and talk.outcome in {"mark", "both"}:
            self._mark(talk, post)
        talk.confirmed = talk.confirmed or ("=" in line.flags and talk.outcome in {"thanks", "both"})
        if len(talk.posts) > 1:
            self._point(talk, post)

    def _mark(self, talk: Talk, post: Post) -> None:
        post.accepted = True
        if talk.home != FORUM:
            post.reactions.append((CHECK, [talk.root.person]))

    def _react(self, talk: Talk, post: Post, name: str, count: int) -> None:
        crowd = [p for p in self.people.values() if p.here(talk.home, post.at) and p is not post.person]
        post.reactions.append((name, self.rng.sample(crowd, min(count, len(crowd)))))

    def _point(self, talk: Talk, post: Post) -> None:
        """Outside threads people say in one way or another whom they answer."""
        other = next(
            (n for n in range(len(talk.posts) - 2, -1, -1) if talk.posts[n].person is not post.person), 0
        )
        roll = self.rng.random()
        if talk.home == FORUM:
            post.reply_to = other if roll < 0.45 else None
        elif talk.home == DISCORD and roll < 0.4:
            post.reply_to = other
        elif not talk.threaded and roll < 0.62 and not post.text.startswith(("\x01", "`", ">")):
            person = talk.posts[other].person
            name = person.display(talk.home).split()[0].strip("()")
            text = post.text[:1].lower() + post.text[1:] if post.text[1:2].islower() else post.text
            post.text = f"{name}: {text}" if roll > 0.5 and name.isalnum() else f"\x01{person.key}\x02 {text}"

    def _address(self, found: re.Match[str], home: str, cast: dict[str, Person]) -> str:
        role = found.group(2)
        person = cast.get(role) or (self.people[role[1:]] if role.startswith("@") else None)
        if person is None:
            return "folks"
        return f"\x01{person.key}\x02" if found.group(1) else person.display(home).split()[0]
