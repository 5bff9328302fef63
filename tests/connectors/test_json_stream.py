import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import json_stream
from connectors.json_stream import BrokenJson, load, walk

VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


class Trickle(io.BytesIO):
    """Gives a few bytes at a time, whatever is asked for."""

    def __init__(self, data: bytes, step: int) -> None:
        super().__init__(data)
        self._step = step

    def read(self, _size: int | None = -1, /) -> bytes:
        return super().read(self._step)


@given(
    header=VALUES, items=st.lists(VALUES, max_size=6), tail=VALUES, step=st.integers(1, 40),
    indent=st.sampled_from([None, 0, 3]), encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), escape=st.booleans(),
)  # fmt: skip
def test_it_reads_what_was_written(
    header: Any, items: list[Any], tail: Any, step: int, indent: int | None, encoding: str, escape: bool
) -> None:
    text = json.dumps({"header": header, "items": items, "tail": tail}, indent=indent, ensure_ascii=escape)
    # In the smallest steps an encoding's mark would be torn apart; real reads are larger.
    file = Trickle(text.encode(encoding, "surrogatepass"), max(step, 4))
    found = list(walk(file, "items"))
    assert found == [("header", header), *(("items", item) for item in items), ("tail", tail)]


@given(items=st.lists(VALUES, max_size=6), cut=st.integers(0, 200))
def test_what_breaks_off_is_never_taken_for_whole(items: list[Any], cut: int) -> None:
    data = json.dumps({"items": items, "end": [1]}).encode()
    broken = data[: min(cut, len(data) - 1)]
    with pytest.raises(BrokenJson):
        load(broken)
    read: list[Any] = []
    with pytest.raises(BrokenJson):
        read.extend(item for key, item in walk(Trickle(broken, 7), "items") if key == "items")


def test_an_array_at_the_top() -> None:
    assert list(walk(io.BytesIO(b" [1, {}, [2]] "), "x")) == [("", 1), ("", {}), ("", [2])]
    assert list(walk(io.BytesIO(b"[]"), "x")) == []
    assert list(walk(io.BytesIO(b"{}"), "x")) == []


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "is empty"),
        (b"x", "is no JSON"),
        (b"[1 2]", "has '2' where ','"),
        (b'{"x": 1} {', "goes on after its end"),
        (b'{"a" 1}', "has '1' where ':'"),
        (b'[{"a": 1,, ' + b" " * 99 + b"]", "is not valid JSON"),
        (b'["' + b"a" * 4000, "holds a single value of more than"),
        (b"[" * 100_000, "beyond all reason"),
        (b"[\xe9]", "is not written in UTF-8 (byte 0xE9)"),
    ],
)
def test_what_is_wrong(data: bytes, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "_CHUNK", 100)
    monkeypatch.setattr(json_stream, "_LARGEST_VALUE", 3000)
    if b"[[[" in data:
        monkeypatch.undo()
    with pytest.raises(BrokenJson) as caught:
        list(walk(io.BytesIO(data), "x"))
    assert what in str(caught.value)


def test_what_other_parsers_refuse() -> None:
    assert load(b'[NaN, Infinity, "\\ud83d"]') == [None, None, "\ud83d"]
    assert list(walk(io.BytesIO(b"[NaN]"), "x")) == [("", None)]
