"""Slack and Discord: nothing pings, nothing breaks out, and nothing is larger than the platform takes."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.digest.model import AreaReadings, Change, Digest, SourceCoverage, Thanks
from bot.digest.render import discord, render, slack
from bot.digest.render.fitting import Line, Section, fit
from bot.spaces.model import Area, Unit, Value
from tests.bot.digest.hostile import BENIGN, hostile, named
from tests.bot.digest.limits import (
    check_discord,
    check_slack,
    discord_marks,
    discord_texts,
    slack_shape,
    slack_texts,
)
from tests.bot.digest.samples import message, metric, reading, sample_digest


def test_a_digest_for_slack_is_whole() -> None:
    payload = json.loads(render(sample_digest(), "slack", "en"))
    check_slack(payload)
    assert payload == slack.payload(sample_digest(), "en")
    texts = "\n".join(slack_texts(payload))
    assert "*S · Support*\n• *Questions: 50*  ▲ 20 (was 30)\n" in texts
    assert "• Time to resolution: &gt; 5d  was 1d 1h" in texts
    assert "<https://forum.example/t/1|A dark mode for the dashboard, please>" in texts
    assert "more in the full digest" not in texts


@given(hostile(), hostile())
@settings(max_examples=150, deadline=None)
def test_nothing_pings_or_breaks_out_on_slack(name: str, text: str) -> None:
    payload = slack.payload(named(name=name, text=text), "en")
    check_slack(payload)
    benign = slack.payload(BENIGN, "en")
    assert [slack_shape(said) for said in slack_texts(payload)] == [
        slack_shape(said) for said in slack_texts(benign)
    ]
    assert not re.search("[<>*~`]", payload["text"])
    for said in [*slack_texts(payload), payload["text"]]:
        assert not re.search(r"@[\w<]|<[@#!]", said)
        assert "://" not in re.sub(r"<https://forum\.example/t/1\|", "", said)
        assert not re.search(r":[\w+-]+:", said)


# Discord


def test_a_digest_for_discord_is_whole() -> None:
    payload = json.loads(render(sample_digest(), "discord", "en"))
    check_discord(payload)
    (embed,) = payload["embeds"]
    assert embed["image"] == {"url": "attachment://spaces.png"}
    assert embed["title"] == "Aurora Makers: Week of 11–17 July 2016"
    names = [field["name"] for field in embed["fields"]]
    assert names[:4] == ["1 · Answer the questions that wait longest:", "2 · Look at the idea with the most support:",
                         "3 · Say thank you to:", "S · Support"]  # fmt: skip
    assert embed["fields"][3]["value"].startswith(
        "• **Questions: 50** ▲ 20 (was 30) · \\+ 3 by staff, 12 by bots\n"
    )
    assert "[Export to CSV from the phone](https://forum.example/t/1)" in embed["fields"][-1]["value"]
    assert "image" not in discord.payload(replace(sample_digest(), days=()), "en")["embeds"][0]


@given(hostile(), hostile())
@settings(max_examples=150, deadline=None)
def test_nothing_pings_or_breaks_out_on_discord(name: str, text: str) -> None:
    payload = discord.payload(named(name=name, text=text), "en")
    check_discord(payload)
    benign = discord.payload(BENIGN, "en")
    assert [discord_marks(said) for said in discord_texts(payload)] == [
        discord_marks(said) for said in discord_texts(benign)
    ]
    for said in [*discord_texts(payload), payload["embeds"][0]["footer"]["text"]]:
        assert not re.search(r"@[\w<&!]", said)
        assert "://" not in said.replace("](https://forum.example/t/1)", "")
    for said in discord_texts(payload):
        assert not re.search(r"^(?:#|-|>|\d+\. )", said)


# Huge digests


@st.composite
def huge(draw: st.DrawFn) -> Digest:
    """More of everything than a platform takes, with the characters that grow when escaped."""
    piece = draw(
        st.sampled_from(["*", "_", "&", "<b>", "🎉", "e\u0301", "word ", "@x ", "a.b ", "\\", "漢", "`"])
    )
    count = draw(st.integers(1, 100))
    long = piece * draw(st.integers(1, 400))
    readings = tuple(
        reading(
            metric(f"metric_{n}", Area.SUPPORT, f"{n} {long}", headline=n == 0 or draw(st.booleans())),
            Value(n, parts={"staff": n, long: n}) if n % 3 else Value(None, reason=long),
            Value(n + 1), Change.DOWN if n % 3 else Change.UNKNOWN,
        )
        for n in range(count)
    )  # fmt: skip
    url = "https://forum.example/" + "x" * draw(st.sampled_from([1, 100, 1_800]))
    said = message(long * 10, author=long, url=url)
    return replace(
        sample_digest(),
        community=long,
        purpose=long,
        areas=tuple(AreaReadings(area, readings) for area in Area),
        unanswered=(said,) * draw(st.integers(0, 10)),
        unanswered_total=10_000,
        ideas=(said,) * 5,
        thanks=(Thanks(long, {long: 3, "message": 10}),) * count,
        coverage=(SourceCoverage(long, long, 1, 2, 3, None),) * count,
    )


@given(huge())
@settings(max_examples=60, deadline=None)
def test_the_largest_digest_fits_on_slack(digest: Digest) -> None:
    check_slack(slack.payload(digest, "es"))


@given(huge())
@settings(max_examples=60, deadline=None)
def test_the_largest_digest_fits_on_discord(digest: Digest) -> None:
    check_discord(discord.payload(digest, "es"))


@pytest.mark.parametrize("form", ["slack", "discord"])
def test_what_matters_most_is_kept(form: str) -> None:
    plain = tuple(
        reading(metric(f"m{n}", area, f"Number {n} of this area", Unit.SHARE, headline=n == 60), Value(0.5, 50, 100, (0.4, 0.6)))
        for area in (Area.SUPPORT,)
        for n in range(61)
    )  # fmt: skip
    digest = replace(sample_digest(), areas=tuple(AreaReadings(area, plain) for area in Area))
    said = render(digest, form, "en")
    assert len(re.findall(r"• \*+Number 60 of this area: 50%", said)) == 6
    assert "How do I calibrate the wind sensor" in said
    assert "… and more in the full digest" in said


def test_the_least_important_lines_go_first_and_it_is_said() -> None:
    sections = [
        Section("one", [Line("aaaa", 0), Line("bbbb", 3), Line("cccc", 1)]),
        Section("two", [Line("dddd", 2)]),
        Section("three", []),
    ]
    assert fit(sections, each=99, total=99, more="…") == [("one", "aaaa\nbbbb\ncccc"), ("two", "dddd")]
    assert fit(sections, each=12, total=99, more="…") == [("one", "aaaa\ncccc\n…"), ("two", "dddd")]
    # one 3 + aaaa 5 + cccc 5 + room for "…" 2 = 15; two would need 3 + 5 + 2 more.
    assert fit(sections, each=99, total=15, more="…") == [("one", "aaaa\ncccc\n…")]
    assert fit(sections, each=3, total=99, more="…") == []
