"""The corpus holds what its README promises."""

from collections import Counter
from pathlib import Path

import pytest

from bot.training.corpus import LABELS, Malformed, agreement, read, read_file, second_pass
from bot.training.talks import examples

CORPUS = Path(__file__).parents[2] / "examples" / "corpus"


def test_it_is_large_and_of_many_communities() -> None:
    lines = list(read(CORPUS))
    assert len({line.community for line in lines}) >= 50
    for language in ("en", "es"):
        counts = Counter(label for line in lines if line.language == language for label in line.labels)
        near = Counter(label for line in lines if line.language == language for label in line.near)
        assert min(counts[label] for label in LABELS) >= 300, (language, counts)
        assert min(near[label] for label in LABELS) >= 50, (language, near)
        assert len({line.community for line in lines if line.language == language}) >= 25


def test_each_message_of_people_is_an_example_with_its_context() -> None:
    lines = list(read(CORPUS))
    found = list(examples(lines))
    assert len(found) == sum(not line.is_bot for line in lines)
    assert sum(example.subject.root is not None for example in found) > len(found) / 2


def test_two_passes_agree() -> None:
    lines = list(read(CORPUS))
    otherwise = second_pass(CORPUS, lines)
    assert otherwise
    assert min(agreement(lines, otherwise).values()) > 0.9


def test_agreement_is_the_f1_of_both_passes(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    told = "community: x\nlanguage: en\n\n## chat general\n"
    (tmp_path / "en" / "x.txt").write_text(
        told + "1 ann: [thanks] ta\n2 bob: [thanks] cheers\n3 eve: [thanks resolved] that was it, ta\n"
    )
    (tmp_path / "second-pass.tsv").write_text("x\t1.2\t\tthanks\nx\t1.3\tthanks\tthanks resolved\n")
    lines = list(read(tmp_path))
    found = agreement(lines, second_pass(tmp_path, lines))
    assert found["thanks"] == pytest.approx(2 * 2 / (2 + 3))
    assert found["resolved"] == 0


@pytest.mark.parametrize(
    "row",
    [
        "skeinly\t999.1\tthanks\t",
        "skeinly\t1.1\t\tpraise",
        "nowhere\t1.1\tthanks\t",
        "skeinly\t1.1\tthanks\tthanks",
        "skeinly\t1.1\tthanks",
    ],
)
def test_a_second_pass_names_messages_that_are_there(tmp_path: Path, row: str) -> None:
    (tmp_path / "second-pass.tsv").write_text(f"{row}\n")
    with pytest.raises(Malformed, match="line 1: it names no message"):
        second_pass(tmp_path, list(read_file(CORPUS / "en" / "skeinly.txt")))


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("1 ann: [] fine\n3 bob: [] no", "numbers go up"),
        ("1 ann: [praise] no", "no label praise"),
        ("1 ann: [thanks ~thanks] no", "with and without"),
        ("1 ann >1: [] no", "replies go back"),
        ("hello", "write '1 author"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str, wrong: str) -> None:
    file = tmp_path / "x.txt"
    file.write_text(f"community: x\nlanguage: en\n\n## chat general\n{line}\n")
    with pytest.raises(Malformed, match=f"x.txt, line .*{wrong}"):
        list(read_file(file))
