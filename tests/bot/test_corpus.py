"""The corpus holds what its README promises."""

from collections import Counter
from pathlib import Path

import pytest

from bot.training.corpus import LABELS, Malformed, read, read_file
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
