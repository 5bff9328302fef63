"""`spaces run` and `spaces judge` with an outside judge: it decides what is unsure, and its failures are its own."""

import asyncio
import json
import logging
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.classifiers import UNSURE, Subject
from bot.classifiers.trained import Trained
from bot.judge.settings import Judge
from bot.live.runner import Runner
from bot.settings import Config, Source
from bot.training.corpus import read
from connectors.base import Connector
from storage.database import Database
from storage.tables import Tag
from tests.bot.live.platform import Village
from tests.bot.live.test_runner import ENVIRON, FAST, ask, running, stored, until
from tests.bot.test_adapted import CORPUS
from tests.bot.test_cli import Run, run  # noqa: F401 - a fixture
from tests.fakes.openai import FakeOpenAI, error

KEY = "sk-none-of-your-business"


@cache
def doubtful() -> list[str]:
    """Sentences of which the model that ships does not know whether they are an idea or the like."""
    texts = [line.text for line in read(CORPUS)][:4_000]
    found = Trained().classify([Subject(text, place="talk") for text in texts])
    sure_of_nothing = [
        text for text, verdicts in zip(texts, found, strict=True)
        if verdicts and all(verdict.decided_by == UNSURE for verdict in verdicts)
    ]  # fmt: skip
    assert len(sure_of_nothing) > 10
    return sure_of_nothing


def deciders(database: Database) -> set[str]:
    with database.read() as session:
        return set(session.scalars(select(Tag.decided_by)))


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.live.runner._SETTLE_EVERY", 0.05)
    monkeypatch.setattr("bot.live.runner._JUDGE_EVERY", 0.05)
    monkeypatch.setattr("bot.judge.asking._SOON", 0.05)


def settings(fake: FakeOpenAI) -> Config:
    sources = {"team": Source(connector="slack")}
    return Config(sources=sources, run=FAST, judge=Judge(url=fake.url, model="small"))


async def test_what_is_unsure_is_decided_while_it_runs(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(ENVIRON, "SPACES_JUDGE_KEY", KEY)
    caplog.set_level(logging.INFO)
    village = Village()
    village.say(doubtful()[0])
    async with FakeOpenAI(key=KEY) as fake:
        fake.faults.extend([lambda: error(500), lambda: error(500)])
        async with running(sqlite, {"slack": village}, settings(fake)) as runner:
            await until(lambda: "judge" in deciders(sqlite))
            await village.tell(village.say("thanks, that works"))
            assert len(stored(sqlite)) == 2
            status, body = await ask(runner, "/metrics")
    assert 'spaces_errors_total{kind="judge",source=""} 2.0' in body
    assert status == 200
    warned = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert [words for words in warned if "HTTP 500" in words] == [
        f"The judge at {fake.url.split('/')[2]} answers with HTTP 500; it is asked again later."
    ], "said once"
    assert KEY not in caplog.text
    assert doubtful()[0] not in caplog.text


async def test_it_is_asked_from_when_the_configuration_names_it(sqlite: Database) -> None:
    village = Village()
    village.say(doubtful()[1])
    off = Config(sources={"team": Source(connector="slack")}, run=FAST)
    async with (
        FakeOpenAI() as fake,
        running(sqlite, {"slack": village}, off, lambda: settings(fake)) as runner,
    ):
        await until(lambda: UNSURE in deciders(sqlite))
        assert fake.raw == []
        runner.reload()
        await until(lambda: "judge" in deciders(sqlite))


async def test_a_mistake_that_is_mended_is_not_waited_for(
    sqlite: Database, caplog: pytest.LogCaptureFixture
) -> None:
    village = Village()
    village.say(doubtful()[0])
    async with FakeOpenAI() as fake:
        right = settings(fake)
        wrong = right.model_copy(update={"judge": Judge(url=fake.url, model="none")})
        async with running(sqlite, {"slack": village}, wrong, lambda: right) as runner:
            await until(lambda: "knows no such address or model" in caplog.text)
            runner.reload()  # it would be asked again in an hour
            await until(lambda: "judge" in deciders(sqlite))


async def test_a_key_that_cannot_be_read_is_a_mistake_at_the_start(sqlite: Database, tmp_path: Path) -> None:
    environ = {"SPACES_JUDGE_KEY_FILE": str(tmp_path / "none")}
    off = Config(run=FAST)
    runner = Runner(sqlite, off, lambda: off, environ=environ, load=lambda _name: Connector)
    with pytest.raises(Exception, match="SPACES_JUDGE_KEY_FILE"):
        await runner.run()


# --- at the terminal ------------------------------------------------------------------------------------------------


async def test_the_operator_sees_what_would_be_told_asks_and_sees_what_came_of_it(
    run: Run,  # noqa: F811 - the fixture
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("SPACES_JUDGE_KEY", KEY)

    async def spaces(*words: str):  # type: ignore[no-untyped-def] # noqa: ANN202 - what `run` gives
        return await asyncio.to_thread(run, *words)

    async with FakeOpenAI(key=KEY) as fake:
        await spaces("init")
        lines = [{"id": str(n), "text": text} for n, text in enumerate(doubtful()[:12])]
        (tmp_path / "said").mkdir()
        _export(tmp_path / "said", lines)
        found = await spaces("import", "team", "said")
        assert found.code == 0, found
        shown = await spaces("judge", "--dry-run", "--limit", "3")
        assert (shown.code, len(shown.out.splitlines())) == (0, 3)
        assert all(set(json.loads(line)) == {"labels", "conversation"} for line in shown.out.splitlines())
        none = await spaces("judge")
        assert (none.code, "there is no judge in the configuration. Name one" in none.err) == (2, True), none
        assert fake.raw == []

        _set(tmp_path, f'[judge]\nurl = "{fake.url}"\nmodel = "small"\nper_day = 4\n')
        done = await spaces("judge", "--limit", "3")
        assert done.out.startswith("Messages asked about: 3. Labels decided: "), done
        assert shown.out.splitlines() == [json.dumps(told, ensure_ascii=False) for told in fake.asked]
        assert "judge: asked about 3 of at most 4 messages today." in (await spaces("status")).out
        assert "the judge at" in (await spaces("check")).out

        monkeypatch.setenv("SPACES_JUDGE_KEY", "sk-expired")
        failed = await spaces("judge")
        assert (failed.code, failed.out) == (1, "")
        assert "does not accept the key (HTTP 401). Put a valid one into SPACES_JUDGE_KEY." in failed.err
        assert "does not accept the key" in (await spaces("status")).out
        assert "does not accept the key" in (await spaces("check")).out
        monkeypatch.setenv("SPACES_JUDGE_KEY", KEY)
        assert (await spaces("judge")).out.startswith("Messages asked about: 1. "), (
            "the refused one cost nothing"
        )
        used_up = await spaces("judge")
        assert "per_day in [judge]) are used up" in used_up.out


def _export(folder: Path, lines: list[dict[str, str]]) -> None:
    """A Slack export with these sentences, one an hour, in a channel that is there for talk."""
    (folder / "channels.json").write_text(json.dumps([{"id": "C1", "name": "talk", "created": 1}]))
    (folder / "users.json").write_text(json.dumps([{"id": "U1", "name": "ada"}]))
    (folder / "talk").mkdir()
    said = [
        {"type": "message", "user": "U1", "ts": f"{1_777_000_000 + 36_000 * n}.000100", "text": line["text"]}
        for n, line in enumerate(lines)
    ]
    (folder / "talk" / "2026-04-24.json").write_text(json.dumps(said))


def _set(folder: Path, section: str) -> None:
    """Put a section into the configuration, in the place of the one that is there."""
    file = folder / "spaces.toml"
    text = file.read_text()
    begin = text.index("[judge]\n")
    end = text.index("\n[", begin)
    file.write_text(text[:begin] + section + text[end:])
