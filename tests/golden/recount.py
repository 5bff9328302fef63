"""Every metric counted again in plain Python, from the rows of the tables alone: no SQL but SELECT, no code of ours.

Written from the definitions in docs/metrics.md, so that it can disagree with the program. Only the shapes (`Value`,
`Window`) are shared. Slow and simple on purpose.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import groupby
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from bot.spaces.community import Assumptions
from bot.spaces.model import Value
from bot.spaces.window import Window

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
NOTHING = Value(None)
RECORDED = {
    "support_cases", "feature_adoption", "referrals", "leads", "acquisition_value", "event_attendees",
    "attendance_rate", "nps", "csat", "lifetime_value_uplift", "programme_cost",
}  # fmt: skip


@dataclass(frozen=True)
class Recorded:
    kind: str
    subject: str
    value: float
    of: float | None
    first: date
    until: date


@dataclass(frozen=True)
class Account:
    source: int
    id: str
    person: str
    standing: str
    is_active: bool
    joined: datetime | None
    rejoined: datetime | None
    left: datetime | None


@dataclass(frozen=True)
class Post:
    source: int
    id: str
    person: str
    standing: str
    at: datetime
    root: str | None
    internal: bool
    accepted: bool
    reactions: int
    labels: frozenset[str]

    @property
    def is_root(self) -> bool:
        return self.root == self.id


@dataclass
class Asked:
    """A question and what came of it."""

    post: Post
    replied: datetime | None
    resolved: bool
    resolved_at: datetime | None
    credit: str


def moment(micros: int | None) -> datetime | None:
    return None if micros is None else EPOCH + timedelta(microseconds=micros)


def share(hits: int, of: int, **parts: float | None) -> Value:
    return Value(hits / of, hits, of, too_few=of < 5, parts=parts) if of else NOTHING


def rate(number: float, of: int) -> Value:
    return Value(number / of, denominator=of, too_few=of < 5) if of else NOTHING


def count(number: int, **parts: float | None) -> Value:
    return Value(number, parts=parts)


def waiting(waits: Sequence[tuple[float, bool]]) -> Value:
    """Kaplan and Meier, from the definition: at each end, the share of those at risk that goes on."""
    if not waits:
        return NOTHING

    def quantile(left_over: Fraction) -> float | None:
        left = Fraction(1)
        for time in sorted({time for time, ended in waits if ended}):
            at_risk = sum(other >= time for other, _ in waits)
            left *= 1 - Fraction(sum(other == time and ended for other, ended in waits), at_risk)
            if left <= left_over:
                return time
        return None

    middle, still_open = quantile(Fraction(1, 2)), sum(not ended for _, ended in waits)
    return Value(
        max(time for time, _ in waits) if middle is None else middle, len(waits) - still_open, len(waits),
        too_few=len(waits) < 5, lower_bound=middle is None,
        parts={"p90": quantile(Fraction(1, 10)), "open": still_open},
    )  # fmt: skip


class Recount:
    """The community as of a moment."""

    def __init__(
        self, session: Session, as_of: datetime, answer_within: timedelta, assumptions: Assumptions
    ) -> None:
        self.as_of, self.answer_within, self.assumptions = as_of, answer_within, assumptions

        def rows(what: str) -> Sequence[Any]:
            return session.execute(text(f"SELECT {what}")).all()

        self.accounts = [
            Account(row[0], row[1], row[2], row[3], bool(row[4]), moment(row[5]), moment(row[6]), moment(row[7]))
            for row in rows("source_id, external_id, person, standing, is_active, joined_at, rejoined_at, left_at FROM members")
        ]  # fmt: skip
        who = {(account.source, account.id): account for account in self.accounts}
        places = {
            (row[0], row[1]): (bool(row[2]), bool(row[3]))
            for row in rows("source_id, external_id, counted, is_internal FROM channels")
        }
        labels: dict[tuple[int, str], set[str]] = {}
        for source, id_, label, verdict in rows("source_id, external_id, label, verdict FROM tags"):
            if verdict:
                labels.setdefault((source, id_), set()).add(label)
        self.recorded = [
            Recorded(row[0], row[1], row[2], row[3], date.fromisoformat(row[4]), date.fromisoformat(row[5]))
            for row in rows("kind, subject, value, of, first, until FROM observations "
                            "WHERE undone_at IS NULL ORDER BY recorded_at, id")
        ]  # fmt: skip
        # Facts of any kind: that something was said at all, even if it does not count.
        self.told: list[tuple[datetime, int, str | None]] = []
        self.everything: list[Post] = []
        for source, id_, channel, author, created, root, deleted, accepted, reactions in rows(
            "source_id, external_id, channel_id, author_id, created_at, conversation_id, deleted, is_solution, "
            "reaction_count FROM messages"
        ):
            at = moment(created)
            if at is None:
                continue
            self.told.append((at, source, author))
            counted, internal = places[source, channel]
            if author is None or deleted or not counted or at >= as_of:
                continue
            account = who[source, author]
            self.everything.append(
                Post(source, id_, account.person, account.standing, at, root, internal, bool(accepted),
                     reactions, frozenset(labels.get((source, id_), ())))
            )  # fmt: skip
        self.everything.sort(key=lambda post: (post.at, post.id))
        self.public = [post for post in self.everything if not post.internal]

    # --- what can be known ----------------------------------------------------------------------------------------

    @property
    def first_told(self) -> datetime | None:
        return min((at for at, _, _ in self.told), default=None)

    def knows(self, window: Window) -> bool:
        first = self.first_told
        return (
            first is not None
            and first < window.end
            and any(window.start <= at < self.as_of for at, _, _ in self.told)
        )

    def remembers(self, until: datetime) -> bool:
        return any(at < until for at, _, _ in self.told)

    def joins_told(self, window: Window) -> bool:
        return any(account.joined is not None and account.joined < window.end for account in self.accounts)

    # --- the population -------------------------------------------------------------------------------------------

    def within(self, window: Window, *standings: str) -> list[Post]:
        return [
            post
            for post in self.public
            if window.start <= post.at < window.end and post.standing in standings
        ]

    def labelled(self, window: Window, label: str, standing: str = "member") -> list[Post]:
        return [post for post in self.within(window, standing) if label in post.labels]

    def active(self, window: Window) -> set[str]:
        return {post.person for post in self.within(window, "member")}

    def posts_of(self, person: str) -> list[datetime]:
        """When a person wrote in public, in order of time; what a bot of theirs wrote is not theirs."""
        return [post.at for post in self.public if post.person == person and post.standing != "bot"]

    def replies(self, root: Post) -> list[Post]:
        return [
            post for post in self.public
            if post.source == root.source and post.root == root.id and post.id != root.id
        ]  # fmt: skip

    def local(self, at: datetime, window: Window) -> date:
        return at.astimezone(window.zone).date()

    # --- support --------------------------------------------------------------------------------------------------

    def asked(self, window: Window) -> list[Asked]:
        return [self._follow(post) for post in self.labelled(window, "question") if post.is_root]

    def _follow(self, asked: Post) -> Asked:
        replies = self.replies(asked)
        others = [post for post in replies if post.person != asked.person and post.standing != "bot"]
        answers = [post for post in others if "support_answer" in post.labels]
        accepted = [post for post in replies if post.accepted and (post in answers or post not in others)]
        closing = [post for post in replies if post in answers or "resolved" in post.labels]
        checked = "resolved" in asked.labels
        replied = others[0].at if others else None
        if accepted:
            by = accepted[0]
            credit = "member" if by.person == asked.person else by.standing
            return Asked(asked, replied, resolved=True, resolved_at=by.at, credit=credit)
        if closing:
            end = closing[0]
            helped = (
                [end]
                if end in answers
                else [post for post in others if (post.at, post.id) <= (end.at, end.id)]
            )
            return Asked(asked, replied, resolved=True, resolved_at=end.at, credit=helped[0].standing if helped else "member")  # fmt: skip
        return Asked(
            asked, replied, checked, replied if checked else None, others[0].standing if others else "member"
        )

    def is_young(self, asked: Asked) -> bool:
        return self.as_of - asked.post.at < self.answer_within

    def by_members(self, window: Window) -> list[Asked]:
        return [asked for asked in self.asked(window) if asked.resolved and asked.credit == "member"]

    def _answered(self, window: Window) -> Value:
        asked = self.asked(window)
        in_time = [one for one in asked if one.replied and one.replied - one.post.at <= self.answer_within]
        still_open = [one for one in asked if one.replied is None and self.is_young(one)]
        return share(len(in_time), len(asked), open=len(still_open))

    def _resolved(self, window: Window) -> Value:
        asked = self.asked(window)
        still_open = sum(not one.resolved and self.is_young(one) for one in asked)
        return share(sum(one.resolved for one in asked), len(asked), open=still_open)

    def unanswered(self, window: Window) -> list[Asked]:
        return [asked for asked in self.asked(window) if asked.replied is None]

    def _community_share(self, window: Window) -> Value:
        credited = [asked.credit for asked in self.asked(window) if asked.resolved]
        return share(
            credited.count("member"), len(credited), staff=credited.count("staff"), bots=credited.count("bot")
        )

    def _wait(self, asked: Asked, end: datetime | None) -> tuple[float, bool]:
        return ((end or self.as_of) - asked.post.at).total_seconds(), end is not None

    def _time_to_resolution(self, window: Window) -> Value:
        timed = [one for one in self.asked(window) if not one.resolved or one.resolved_at]
        return waiting([self._wait(one, one.resolved_at) for one in timed])

    def _absence(self, window: Window) -> Value:
        people = [post.person for post in self.labelled(window, "support_answer")]
        given = sorted(map(people.count, set(people)), reverse=True)
        enough = next((n for n in range(1, len(given) + 1) if 2 * sum(given[:n]) >= sum(given)), 0)
        return count(enough, people=len(given)) if given else NOTHING

    def _money(self, things: int, *factors: tuple[float, float, float] | None) -> Value:
        low, base, high = float(things), float(things), float(things)
        for factor in factors:
            if factor is None:
                return NOTHING
            low, base, high = low * factor[0], base * factor[1], high * factor[2]
        return Value(base, denominator=things, parts={"low": low, "high": high})

    # --- who came, stayed and went --------------------------------------------------------------------------------

    def joined(self, start: datetime, end: datetime) -> dict[str, datetime]:
        """Members whose first account joined then -> when."""
        found: dict[str, datetime] = {}
        for account in self.accounts:
            joins = [other.joined for other in self.accounts
                     if other.person == account.person and other.standing != "bot" and other.joined]  # fmt: skip
            if account.standing == "member" and joins and start <= min(joins) < min(end, self.as_of):
                found[account.person] = min(joins)
        return found

    def newcomers(self, window: Window) -> dict[str, datetime]:
        return {
            person: at for person, at in self.joined(window.start, window.end).items()
            if not any(wrote < window.start for wrote in self.posts_of(person))
        }  # fmt: skip

    def _activation(self, window: Window) -> Value:
        new = self.newcomers(window)
        posted = sum(
            any(wrote - at <= 7 * DAY for wrote in self.posts_of(person)) for person, at in new.items()
        )
        still_open = sum(
            not self.posts_of(person) and self.as_of - at < 7 * DAY for person, at in new.items()
        )
        return share(posted, len(new), open=still_open) if self.joins_told(window) else NOTHING

    def _adoption(self, window: Window) -> Value:
        end = min(window.end, self.as_of)
        waits = []
        for person, at in self.joined(window.end - 90 * DAY, end).items():
            wrote = [post for post in self.posts_of(person) if post < end]
            if not wrote or wrote[0] >= at:
                waits.append((((wrote or [end])[0] - at).total_seconds() / 86_400, bool(wrote)))
        return waiting(waits) if self.joins_told(window) else NOTHING

    def _last_before(self, window: Window) -> list[timedelta | None]:
        """How long each active member had been silent before the window; None for those who were new."""
        before = [
            max((wrote for wrote in self.posts_of(person) if wrote < window.start), default=None)
            for person in self.active(window)
        ]
        return [None if last is None else window.start - last for last in before]

    def _new_contributors(self, window: Window) -> Value:
        return count(self._last_before(window).count(None)) if self.remembers(window.start) else NOTHING

    def _returning(self, window: Window) -> Value:
        silent = self._last_before(window)
        back = sum(time is not None and time <= 90 * DAY for time in silent)
        return count(back) if self.remembers(window.start) else NOTHING

    def _reactivated(self, window: Window) -> Value:
        first, silent = self.first_told, self._last_before(window)
        if first is None or window.start - first < 90 * DAY:
            return NOTHING
        return count(sum(time is not None and time > 90 * DAY for time in silent))

    def _lost(self, window: Window) -> Value:
        since = min(window.start, Window(window.until - 30 * DAY, window.until, window.zone).start)
        lost = 0
        for person in {account.person for account in self.accounts}:
            wrote = [post.at for post in self.public if post.person == person and post.standing == "member"]
            busy = sum(since - 90 * DAY <= at < since for at in wrote) >= 4
            lost += busy and not any(since <= at < window.end for at in wrote)
        first = self.first_told
        return count(lost) if first and since - first >= 90 * DAY else NOTHING

    def _participation(self, window: Window) -> Value:
        end = min(window.end, self.as_of)
        here = self.active(window)
        numerator = len(here)
        for account in self.accounts:
            wrote = [
                at for at, source, author in self.told if (source, author) == (account.source, account.id)
            ]
            known = account.joined or min(wrote, default=EPOCH)
            gone = account.left is not None and account.left < window.start
            back = gone and account.rejoined and account.left and account.left < account.rejoined < end
            if account.standing == "member" and account.is_active and known < end and (not gone or back):
                here = here | {account.person}
        return share(numerator, len(here))

    def _retention(self, window: Window, after: int) -> Value:
        until = window.until - timedelta(days=after + 30)
        end = until.replace(day=1)
        month = Window((end - DAY).replace(day=1), end, window.zone)
        if not self.remembers(month.start):
            return NOTHING
        people = {account.person for account in self.accounts if account.standing == "member"}
        began = {person: wrote[0] for person in people if (wrote := self.posts_of(person))
                 and month.start <= wrote[0] < month.end}  # fmt: skip
        stayed = [
            person for person, first in began.items()
            if any(after * DAY <= at - first < (after + 30) * DAY for at in self.posts_of(person))
        ]  # fmt: skip
        return share(len(stayed), len(began))

    def _mentors(self, window: Window) -> Value:
        found = 0
        for person in {post.person for post in self.labelled(window, "support_answer")}:
            own = [post for post in self.public if post.person == person and post.standing != "bot"]
            first = next(post for post in own if "support_answer" in post.labels)
            asked = any("question" in post.labels and post.at < first.at for post in own)
            found += first.at >= window.start and asked
        return count(found) if self.remembers(window.start) else NOTHING

    # --- the rest -------------------------------------------------------------------------------------------------

    def _replies_rate(self, window: Window) -> Value:
        begun = [post for post in self.within(window, "member") if post.is_root]
        return rate(
            sum(reply.standing != "bot" for post in begun for reply in self.replies(post)), len(begun)
        )

    def _stickiness(self, window: Window) -> Value:
        month = Window(window.until - 30 * DAY, window.until, window.zone)
        first = self.first_told
        if first is None or first > month.start:
            return NOTHING
        days = {(self.local(post.at, window), post.person) for post in self.within(month, "member")}
        return rate(len(days) / 30, len({person for _, person in days}))

    def _concentration(self, window: Window) -> Value:
        people = sorted(post.person for post in self.within(window, "member"))
        posts = sorted((len(list(own)) for _, own in groupby(people)), reverse=True)
        return share(sum(posts[:10]), sum(posts), people=len(posts)) if len(posts) > 10 else NOTHING

    def _internal(self, window: Window) -> Value:
        posts = [post for post in self.everything if post.internal and window.start <= post.at < window.end
                 and post.standing != "bot"]  # fmt: skip
        return count(len(posts), people=len({post.person for post in posts}))

    def _talk(self, window: Window) -> Value:
        standings = [post.standing for post in self.within(window, "member", "staff", "bot")]
        return count(standings.count("member"), staff=standings.count("staff"), bots=standings.count("bot"))

    # --- what people recorded -------------------------------------------------------------------------------------

    def facts(self, kind: str, window: Window) -> list[Recorded]:
        return [fact for fact in self.recorded
                if fact.kind == kind and fact.first >= window.first and fact.until <= window.until]  # fmt: skip

    def _newest(self, kind: str, window: Window) -> list[Recorded]:
        """Of those that share a day and a subject only the newest."""
        chosen: list[Recorded] = []
        for fact in self.facts(kind, window)[::-1]:
            days = set(range(fact.first.toordinal(), fact.until.toordinal()))
            if all(days.isdisjoint(range(other.first.toordinal(), other.until.toordinal()))
                   or other.subject != fact.subject for other in chosen):  # fmt: skip
                chosen.append(fact)
        return chosen

    def _total(self, kind: str, window: Window) -> Value:
        found = self._newest(kind, window)
        days = {day for fact in found for day in range(fact.first.toordinal(), fact.until.toordinal())}
        return Value(sum(fact.value for fact in found)) if len(days) == window.days else NOTHING

    def _sum(self, kind: str, window: Window) -> Value:
        found = self.facts(kind, window)
        return Value(sum(fact.value for fact in found)) if found else NOTHING

    def _of_subjects(self, kind: str, window: Window) -> list[Recorded]:
        newest = {(fact.subject.lower(), fact.first, fact.until): fact for fact in self.facts(kind, window)}
        return list(newest.values())

    def _part(self, kind: str, window: Window) -> Value:
        found = [fact for fact in self._of_subjects(kind, window) if fact.of is not None]
        return share(int(sum(fact.value for fact in found)), int(sum(fact.of or 0 for fact in found)))

    def _attendees(self, window: Window) -> Value:
        found = self._of_subjects("attendance", window)
        return count(int(sum(fact.value for fact in found)), events=len(found)) if found else NOTHING

    def _promoters(self, window: Window) -> Value:
        answers = [fact.value for fact in self.facts("nps", window)]
        if len(answers) < 5:
            return NOTHING
        score = sum(100 if answer in (9, 10) else 0 if answer in (7, 8) else -100 for answer in answers)
        return Value(score / len(answers), denominator=len(answers))

    def _satisfied(self, window: Window) -> Value:
        one_by_one = self.facts("csat", window)
        together = self._newest("csat_answers", window)
        good = sum(fact.value >= (fact.of or 0) - (1 if (fact.of or 0) >= 5 else 0) for fact in one_by_one)
        good += int(sum(fact.value for fact in together))
        return share(good, len(one_by_one) + int(sum(fact.of or 0 for fact in together)))

    def _carried(self, window: Window) -> Value:
        avoided, came = self._money(len(self.by_members(window)), self.assumptions.ticket_share), self._total(
            "support_cases", window)  # fmt: skip
        if avoided.number is None or came.number is None or not came.number + (avoided.parts["high"] or 0):
            return NOTHING
        low, base, high = (
            part / (part + came.number) if part else 0.0
            for part in (avoided.parts["low"], avoided.number, avoided.parts["high"])
        )
        return Value(base, parts={"low": low, "high": high})

    def _lead_value(self, window: Window) -> Value:
        leads = self._sum("leads", window)
        return (
            NOTHING if leads.number is None else self._money(int(leads.number), self.assumptions.lead_value)
        )

    def _uplift(self, window: Window) -> Value:
        found = self._newest("lifetime_value", window)
        return Value(found[0].value / found[0].of) if found and found[0].of else NOTHING

    def _worth(self, window: Window) -> Value:
        lines = [
            self._value(name, window) for name in ("support_savings", "research_savings", "acquisition_value")
        ]
        known = [line for line in lines if line.number is not None]
        if not known:
            return NOTHING
        return Value(sum(line.number or 0 for line in known),
                     parts={end: sum(line.parts[end] or 0 for line in known) for end in ("low", "high")})  # fmt: skip

    def _return(self, window: Window) -> Value:
        worth, cost = self._worth(window), self._total("cost", window)
        if worth.number is None or not cost.number:
            return NOTHING
        return Value(worth.number / cost.number,
                     parts={end: (worth.parts[end] or 0) / cost.number for end in ("low", "high")})  # fmt: skip

    def people(self, posts: Iterable[Post]) -> int:
        return len({post.person for post in posts})

    def value(self, name: str, window: Window) -> Value:
        """The metric's value; unknown where nothing at all is known of that time, and nobody recorded it."""
        return self._value(name, window) if name in RECORDED or self.knows(window) else NOTHING

    def _value(self, name: str, window: Window) -> Value:
        a = self.assumptions

        def tagged(label: str) -> Callable[[], Value]:
            return lambda: count(len(self.labelled(window, label)), people=self.people(self.labelled(window, label)),
                                 staff=len(self.labelled(window, label, "staff")))  # fmt: skip

        def taggers(label: str) -> Callable[[], Value]:
            return lambda: count(self.people(self.labelled(window, label)),
                                 staff=self.people(self.labelled(window, label, "staff")))  # fmt: skip

        asked = self.asked(window)
        ways: dict[str, Callable[[], Value]] = {
            "questions": lambda: count(len(asked), people=self.people(one.post for one in asked), staff=sum(
                post.is_root for post in self.labelled(window, "question", "staff"))),
            "answered_questions": lambda: self._answered(window),
            "resolved_questions": lambda: self._resolved(window),
            "unanswered_questions": lambda: count(len(self.unanswered(window)), open=sum(
                map(self.is_young, self.unanswered(window)))),
            "time_to_first_response": lambda: waiting([self._wait(one, one.replied) for one in asked]),
            "time_to_resolution": lambda: self._time_to_resolution(window),
            "community_answer_share": lambda: self._community_share(window),
            "answerers": taggers("support_answer"),
            "answer_absence_factor": lambda: self._absence(window),
            "case_deflection": lambda: self._money(len(self.by_members(window)), a.ticket_share),
            "support_savings": lambda: self._money(len(self.by_members(window)), a.ticket_share, a.cost_per_case),
            "product_ideas": tagged("product_idea"),
            "idea_authors": taggers("product_idea"),
            "bugs": tagged("bug_report"),
            "research_savings": lambda: self._money(
                sum(len(self.labelled(window, label)) for label in ("product_idea", "bug_report")), a.feedback_value),
            "new_contributors": lambda: self._new_contributors(window),
            "new_members": lambda: count(len(self.newcomers(window))) if self.joins_told(window) else NOTHING,
            "activation_rate": lambda: self._activation(window),
            "advocacy": tagged("advocacy"),
            "advocates": taggers("advocacy"),
            "contributions": tagged("contribution"),
            "contributors": taggers("contribution"),
            "user_generated_content": lambda: self._talk(window),
            "ugc_share": lambda: share(len(self.within(window, "member")), len(self.within(window, "member", "staff"))),
            "returning_contributors": lambda: count(len(self.active(window) & self.active(window.previous())))
            if self.knows(window.previous()) else NOTHING,
            "active_members": lambda: count(len(self.active(window)), staff=self.people(self.within(window, "staff"))),
            "messages": lambda: self._talk(window),
            "conversations": lambda: count(sum(post.is_root for post in self.within(window, "member"))),
            "replies_per_conversation": lambda: self._replies_rate(window),
            "reactions": lambda: count(sum(post.reactions for post in self.within(window, "member"))),
            "stickiness": lambda: self._stickiness(window),
            "participation_rate": lambda: self._participation(window),
            "returning_members": lambda: self._returning(window),
            "reactivated_members": lambda: self._reactivated(window),
            "lost_members": lambda: self._lost(window),
            "concentration": lambda: self._concentration(window),
            "internal_engagement": lambda: self._internal(window),
            "event_attendees": lambda: self._attendees(window),
            "attendance_rate": lambda: self._part("attendance", window),
            "success_stories": tagged("success_story"),
            "retention_30": lambda: self._retention(window, 30),
            "retention_90": lambda: self._retention(window, 90),
            "time_to_adoption": lambda: self._adoption(window),
            "learner_to_mentor": lambda: self._mentors(window),
            "nps": lambda: self._promoters(window),
            "csat": lambda: self._satisfied(window),
            "support_cases": lambda: self._total("support_cases", window),
            "community_solved_share": lambda: self._carried(window),
            "feature_adoption": lambda: self._part("feature_adoption", window),
            "referrals": lambda: self._sum("referrals", window),
            "leads": lambda: self._sum("leads", window),
            "acquisition_value": lambda: self._lead_value(window),
            "lifetime_value_uplift": lambda: self._uplift(window),
            "programme_value": lambda: self._worth(window),
            "programme_cost": lambda: self._total("cost", window),
            "return_on_investment": lambda: self._return(window),
        }  # fmt: skip
        return ways[name]()
