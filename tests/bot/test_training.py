"""`spaces train` on a corpus of one's own that is too small, or in one language."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.mistakes import ConfigError

TALK = "community: x\nlanguage: en\n\n## chat help\n1 bob: [question] hi, how do I export?\n2 al >1: [support_answer] menu\n"
CORPUS = Path(__file__).parents[2] / "examples" / "corpus"


@pytest.mark.parametrize("links", [[], ["--links", "none"]])
def test_one_community_is_too_little(tmp_path: Path, links: list[str]) -> None:
    done = train(tmp_path, {"en/x.txt": TALK}, *links)
    assert isinstance(done, ConfigError)
    assert "only one is there. Add conversations" in str(done)


def test_a_label_that_is_nowhere_is_named(tmp_path: Path) -> None:
    done = train(tmp_path, {"en/x.txt": TALK, "en/y.txt": TALK.replace("community: x", "community: y")})
    assert isinstance(done, ConfigError)
    assert "no message is labelled resolved, product_idea" in str(done)


def test_one_language_is_enough(tmp_path: Path) -> None:
    talks = {
        f"en/{name}.txt": (CORPUS / "en" / f"{name}.txt").read_text("utf-8")
        for name in ("voltaride", "noteleaf")
    }
    assert train(tmp_path, talks) is None
    assert (tmp_path / "model.json").stat().st_size < 5_000_000


def train(folder: Path, talks: dict[str, str], *more: str) -> BaseException | None:
    for name, text in talks.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    done = CliRunner().invoke(app, ["train", str(folder), "--out", str(folder / "model.json"), *more])
    return done.exception
