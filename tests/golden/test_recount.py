"""Every number of the digest, on communities that nobody has thought of, against a second count in plain Python."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings

from bot.digest.compute import compute
from bot.digest.model import Digest
from bot.spaces.catalogue import METRICS
from bot.spaces.community import Assumptions, Community
from bot.spaces.model import Unit, Value
from bot.spaces.window import Window
from storage.database import Database
from tests.conftest import wipe
from tests.golden.recount import Post, Recount
from tests.golden.strangers import Strangers, strangers

WITHIN = timedelta(days=3)
ASSUMED = Assumptions("EUR", (0.25, 0.5, 0.75), (8, 16, 32), (4, 8, 16), (2, 32, 64))
DEEDS = {"support_answer": 3, "contribution": 5, "bug_report": 2, "product_idea": 1, "success_story": 2}

FIXTURES = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
# What `explain` lists for a metric: the cases it is a share of, or the messages it counts.
OF_ALL = {"time_to_first_response", "time_to_resolution"}


@given(strangers())
@settings(max_examples=250, deadline=None, suppress_health_check=FIXTURES)
def test_every_number_is_what_a_plain_count_gives(sqlite: Database, told: Strangers) -> None:
    wipe(sqlite)
    _check(sqlite, told)


@given(strangers())
@settings(max_examples=15, deadline=None, suppress_health_check=FIXTURES)
def test_on_postgresql_too(postgres: Database, told: Strangers) -> None:
    wipe(postgres)
    _check(postgres, told)


def _check(database: Database, told: Strangers) -> None:
    told.tell(database)
    with database.read() as session:
        community = Community(session, told.as_of, WITHIN, ASSUMED)
        recount = Recount(session, told.as_of, WITHIN, ASSUMED)
        digest = compute(community, told.window, name="Strangers", opted_out={told.opted_out})
        _check_numbers(digest, recount)
        _check_lists(digest, recount, told.opted_out)
        _check_evidence(community, recount, told.window)


def _check_numbers(digest: Digest, recount: Recount) -> None:
    readings = [reading for area in digest.areas for reading in area.readings]
    assert {reading.metric.name for reading in readings} == set(METRICS)
    for reading in readings:
        name = reading.metric.name
        for found, window in ((reading.value, digest.window), (reading.previous, digest.previous)):
            assert _plain(found) == _plain(recount.value(name, window)), f"{name} of {window}"
            assert bool(found.reason) == (found.number is None), name


def _plain(value: Value) -> tuple[object, ...]:
    parts = {name: None if part is None else pytest.approx(part) for name, part in value.parts.items()}
    number = None if value.number is None else pytest.approx(value.number)
    return number, value.numerator, value.denominator, value.too_few, value.lower_bound, parts


def _check_lists(digest: Digest, recount: Recount, opted_out: str) -> None:
    window = digest.window
    unanswered = recount.unanswered(window)
    assert [item.text for item in digest.unanswered] == [_text(asked.post) for asked in unanswered[:10]]
    assert digest.unanswered_total == len(unanswered)

    def support(idea: Post) -> tuple[int, int]:
        voices = {post.person for post in recount.replies(idea) if post.standing == "member"} | {idea.person}
        return len(voices), idea.reactions

    ideas = sorted(
        recount.labelled(window, "product_idea"),
        key=lambda idea: (-2 * support(idea)[0] - support(idea)[1], idea.at, idea.id),
    )
    assert [(item.text, (item.people, item.reactions)) for item in digest.ideas] == [
        (_text(idea), support(idea)) for idea in ideas[:5]
    ]
    thanked: dict[str, dict[str, int]] = {}
    for label in DEEDS:
        for post in recount.labelled(window, label):
            if post.person != opted_out:
                did = thanked.setdefault(post.person, {})
                did[label] = did.get(label, 0) + 1
    best = sorted(thanked, key=lambda who: (-sum(DEEDS[deed] * n for deed, n in thanked[who].items()), who))
    assert [thanks.did for thanks in digest.thanks] == [thanked[person] for person in best[:8]]

    talk = recount.within(window, "member", "staff", "bot")
    for number, source in ((1, "team"), (2, "chat")):
        (line,) = (line for line in digest.coverage if line.source == source)
        standings = [post.standing for post in talk if post.source == number]
        assert (line.messages, line.staff_messages, line.bot_messages) == tuple(
            map(standings.count, ("member", "staff", "bot"))
        )
        told = [at for at, where, _ in recount.told if where == number]
        assert line.first_message_at == min(told, default=None)
        assert line.last_message_at == max((at for at in told if at < recount.as_of), default=None)
    _check_bars(digest, recount)


def _check_bars(digest: Digest, recount: Recount) -> None:
    window, firsts = digest.window, [bar.day for bar in digest.days]
    assert len(firsts) == (13 if window.days > 31 else window.days)
    assert firsts[0] == window.first
    assert all(later - day in (timedelta(1), timedelta(7)) for day, later in pairwise(firsts))
    questions = [asked.post for asked in recount.asked(window)]
    for bar, until in zip(digest.days, [*firsts[1:], window.until], strict=True):
        posts = [
            p for p in recount.within(window, "member") if bar.day <= recount.local(p.at, window) < until
        ]
        assert (bar.messages, bar.members) == (len(posts), len({post.person for post in posts}))
        assert bar.questions == sum(bar.day <= recount.local(post.at, window) < until for post in questions)


def _check_evidence(community: Community, recount: Recount, window: Window) -> None:
    """`explain` lists exactly the messages behind a number, all of them in its window."""
    for name, metric in METRICS.items():
        value = metric.value(community, window)
        if metric.evidence is None or value.number is None:
            continue
        listed = metric.evidence(community, window)
        if name in OF_ALL:
            behind = len(recount.asked(window))
        elif metric.unit is Unit.SHARE:
            behind = value.numerator or 0
        else:
            behind = int(value.denominator if value.denominator is not None else value.number)
        assert len(listed) == behind, name
        assert all(window.start <= item.created_at < window.end for item in listed), name
        assert len({(item.source, item.text) for item in listed}) == len(listed), name


def _text(post: Post) -> str:
    number = post.id.removeprefix("m'").split(" ")[0]
    return f"text of {number}"
