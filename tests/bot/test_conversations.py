import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from bot.classifiers.conversations import LINES, REACH, parent, recent
from bot.classifiers.links import OF_CANDIDATE, OF_LINE, SHIPPED, Links, facts
from bot.classifiers.speech import Line, Speaker, calls, names
from bot.classifiers.speech import line as said
from bot.cli import app
from bot.mistakes import ConfigError
from bot.training.corpus import Malformed
from bot.training.drawn import Drawn, from_corpus, from_file
from bot.training.links import choices, content, fit
from bot.training.make_links import figures, link

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "labelled" / "irc_reply_links_dev.jsonl.gz"
MINUTE = 60_000_000


def line(
    id_: str, minutes: float, who: str | None, text: str, *, in_thread: bool = False, bot: bool = False
) -> Line:
    speaker = None if who is None else Speaker(who, names(who), bot)
    return said(id_, int(minutes * MINUTE), speaker, text, in_thread=in_thread)


def went_on_from(asked: Line, *before: Line) -> str | None:
    found = parent(asked, before)
    return None if found is None else found.id


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("<@U12AB> hello", "u12ab"),
        ("<@U12AB|Ana> hello", "ana"),
        ("<@!123456> hello", "123456"),
        ("so @ana what now", "ana"),
        ("@Ana Ruiz what now", "ana ruiz"),
        ("@ana.", "ana"),
        ("ana: try it", "ana"),
        ("Ana Ruiz, try it", "ana ruiz"),
        ("José: prueba", "josé"),
        ("ana> try it", "ana"),
    ],
)
def test_whom_a_text_speaks_to(text: str, who: str) -> None:
    assert who in calls(text)


@pytest.mark.parametrize("text", ["mail me at me@example.org", "https://example.org/@ana", "see http://example.org", "one of the many reasons why I do it: rain"])  # fmt: skip
def test_texts_that_speak_to_nobody(text: str) -> None:
    assert not {"ana", "example.org", "example"} & set(calls(text))


def test_a_member_is_called_by_first_name_too() -> None:
    assert names("U1", "aruiz", "Ana Ruiz", "") == {"u1", "aruiz", "ana ruiz", "ana"}


def test_a_reply_goes_on_from_its_target() -> None:
    far = line("1", 0, "ana", "hi")
    assert parent(line("9", 99999, "bob", "yes"), [], far) is far


def test_people_answer_what_was_said_just_before() -> None:
    asked = line("1", 0, "ana", "how do I export it?")
    assert went_on_from(line("2", 5, "bob", "you can do it in the menu"), asked) == "1"
    talk = line("1", 0, "ana", "@bob it is in the menu"), line("2", 1, "bob", "@ana which one?")
    assert went_on_from(line("3", 2, "ana", "the left one"), *talk) == "2"


def test_a_question_waits_for_hours_while_nobody_writes() -> None:
    asked, answer = line("1", 0, "ana", "where do I find it?"), line("3", 300, "bob", "it is in the menu")
    assert went_on_from(answer, asked) == "1"
    assert went_on_from(answer._replace(at=800 * MINUTE), asked) is None
    assert went_on_from(answer, asked, line("2", 1, "cleo", "good morning")) is None
    assert went_on_from(answer, asked._replace(opens=False)) is None


def test_a_question_to_nobody_begins_a_conversation() -> None:
    talk = line("1", 0, "ana", "look"), line("2", 1, "bob", "nice")
    assert went_on_from(line("3", 2, "cleo", "hi all, does anybody know how to export?"), *talk) is None


def test_who_is_called_is_answered() -> None:
    talk = line("1", 0, "ana", "look"), line("2", 1, "bob", "nice"), line("3", 2, "cleo", "hm")
    for text in ("@ana which one?", "ana: which one?", "<@ana> that is nice", "ana which one"):
        assert went_on_from(line("4", 3, "dora", text), *talk) == "1"
    assert went_on_from(line("4", 3, "dora", "bob: which one?"), *talk) == "2"


def test_who_was_called_answers_the_caller() -> None:
    talk = line("1", 0, "ana", "look"), line("2", 1, "bob", "ana: where?"), line("3", 2, "cleo", "hm")
    assert went_on_from(line("4", 9, "ana", "on the left"), *talk) == "2"


def test_nobody_goes_on_from_a_bot_or_by_chance_from_a_thread() -> None:
    asked, answer = line("1", 0, "ana", "where is it?"), line("2", 1, "bob", "in the menu")
    assert went_on_from(answer, asked) == "1"
    assert went_on_from(answer, asked._replace(speaker=Speaker("ana", names("ana"), is_bot=True))) is None
    assert went_on_from(answer, asked._replace(in_thread=True)) is None
    assert went_on_from(line("2", 1, "bob", "@ana in the menu"), asked._replace(in_thread=True)) == "1"


def test_nothing_is_older_than_the_reach() -> None:
    assert went_on_from(line("2", REACH / MINUTE + 1, "bob", "@ana hi"), line("1", 0, "ana", "look")) is None


def test_somebody_unknown_takes_part() -> None:
    asked, answer = line("1", 0, None, "where is it?"), line("2", 1, None, "in the menu")
    assert went_on_from(line("2", 1, "ana", "in the menu"), asked) == "1"
    assert went_on_from(answer, line("1", 0, "ana", "where is it?")) == "1"
    assert went_on_from(answer, asked) == "1", "two unknown lines are not one person's"


# --- what the network sees ----------------------------------------------------------------------------------------

WHO = st.sampled_from(["ana", "bob", "cleo", None])
TEXT = st.sampled_from(
    ["look", "ana: where?", "hi @bob and cleo", "bob the menu is there", "thanks!", "", "x " * 40]
)


@given(
    st.lists(
        st.tuples(WHO, TEXT, st.sampled_from([0, 1, 9, 70, 900]), st.booleans()),
        min_size=1,
        max_size=LINES + 1,
    )
)
def test_every_fact_has_its_own_rows(told: list[tuple[str | None, str, int, bool]]) -> None:
    minutes, talk = 0, []
    for n, (who, text, wait, is_bot) in enumerate(told):
        minutes += wait
        talk.append(line(str(n), minutes, who, text, bot=is_bot))
    *before, asked = talk
    seen = facts(asked, list(recent(asked, before)))
    ends = np.cumsum((*OF_LINE, *OF_CANDIDATE))
    begins = ends - (*OF_LINE, *OF_CANDIDATE)
    for row in seen.of_candidates:
        numbers = np.concatenate((seen.of_line, row))
        assert ((begins <= numbers) & (numbers < ends)).all()
    assert len(seen.of_candidates) == len(seen.candidates)


def test_a_model_of_another_form_is_refused() -> None:
    with pytest.raises(ValueError, match="train it again"):
        Links(SHIPPED.read_bytes().replace(b'"form":1', b'"form":0'))


# --- how well it does ---------------------------------------------------------------------------------------------


def test_f_counts_every_drawn_link() -> None:
    twice = Drawn("log", "3", None, (), frozenset({"1", "2"}))
    own = Drawn("log", "4", None, (), frozenset({"4"}))
    assert figures([twice, own], ["1", "3"])["f"] == round(2 * 1 / (2 + 3), 3)
    assert figures([twice, own], ["2", "4"])["f"] == round(2 * 2 / (2 + 3), 3)


def test_a_line_that_is_no_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "links.jsonl"
    path.write_text('{"log": "a", "i": 1, "time": "10:00", "user": "ana", "text": "hi", "system": false, "reply_to": [1]}\n{"log": "a"}\n')  # fmt: skip
    with pytest.raises(Malformed, match=r"links\.jsonl, line 2: write"):
        list(from_file(path))


def corpus(tmp_path: Path) -> Path:
    (tmp_path / "en").mkdir()
    for path in sorted((ROOT / "examples" / "corpus" / "en").glob("*.txt"))[:6]:
        (tmp_path / "en" / path.name).write_bytes(path.read_bytes())
    return tmp_path


def test_the_link_model_is_made_anew_by_name(tmp_path: Path) -> None:
    drawn = tmp_path / "drawn.jsonl"
    rows = [
        {"log": "a", "i": n, "time": "23:59", "user": who, "text": text, "system": False, "reply_to": [to]}
        for n, who, text, to in [(1, "ana", "how do I export it?", 1), (2, "bob", "ana: in the menu", 1)]
    ]
    drawn.write_text("".join(json.dumps(row) + "\n" for row in rows))
    folder = corpus(tmp_path)
    for links in ("none", str(drawn)):
        out = tmp_path / "links.json"
        done = CliRunner().invoke(app, ["train", str(folder), "--links", links, "--out", str(out)])
        assert (done.exit_code, done.exception) == (0, None), done.output
        assert (Links(out.read_bytes()).card["file"] or {"n": 0})["n"] == (0 if links == "none" else 2)


def test_a_file_of_links_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["train", str(corpus(tmp_path)), "--links", str(tmp_path / "gone")])
    assert done.exit_code != 0
    assert isinstance(done.exception, ConfigError)
    assert "gone: no file of reply links is there" in str(done.exception)


def test_it_is_learned_alike_each_time_and_finds_what_it_never_saw() -> None:
    """From three communities; of the answers in the corpus plain rules find .55, the model .70 in communities apart."""
    drawn = list(from_corpus(ROOT / "examples" / "corpus"))
    groups = sorted({each.group for each in drawn})
    learned = choices([each for each in drawn if each.group in groups[::2]])
    net = content(fit(learned), {})
    assert net == content(fit(learned), {})
    asked = [each for each in drawn if each.group in groups[1::2]]
    model = Links(net)
    assert figures(asked, [link(model, each) for each in asked])["f"] > 0.55


def test_links_that_people_drew() -> None:
    """F of 0.70 was measured leaving out one log at a time, of plain rules 0.61, of "the line before" 0.30.

    Counted as by the data's authors: all links of the annotated lines, a line that begins a conversation linked to
    itself, and lines of the system too. Here one half of the logs teaches for the other.
    """
    if not DATA.exists():
        pytest.skip(f"{DATA} is absent: reply links are not measured")
    drawn = list(from_file(DATA))
    logs = sorted({each.group for each in drawn})
    found: dict[int, str] = {}
    for half in (logs[::2], logs[1::2]):
        model = Links(content(fit(choices([each for each in drawn if each.group not in half])), {}))
        found |= {n: link(model, each) for n, each in enumerate(drawn) if each.group in half}
    assert figures(drawn, [found[n] for n in range(len(drawn))])["f"] > 0.66
