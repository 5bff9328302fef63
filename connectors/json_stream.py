"""JSON that need not fit into memory: the items of one array, one at a time, in flat memory.

The standard library's scanner runs over a sliding window of decoded text; measured it is as fast as any parser
that builds the same Python objects, and it takes any formatting. Whole files go through orjson.
"""

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn, Protocol

import orjson

_CHUNK = 1 << 19
_LARGEST_VALUE = 16 << 20
# An error this close to the end of the window may only mean that the rest has not been read yet.
_MARGIN = 16
_AFTER_VALUE = frozenset(" \t\n\r,]}")
_NUMBERS = (int, float)
_SPACE = re.compile(r"[ \t\n\r]*")
_COMMA = re.compile(r"[ \t\n\r]*,[ \t\n\r]*")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
# NaN and Infinity are no JSON, but programs write them; they count as "no value".
_DECODER = json.JSONDecoder(parse_constant=lambda _: None)


class BrokenJson(ValueError):
    """The text is not JSON, or not all of it. `str()` goes on where "the file ..." begins."""


class Readable(Protocol):
    """Whatever gives bytes."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes, none at the end."""
        ...


def load(data: bytes) -> Any:
    """Parse a whole file.

    Raises:
        BrokenJson: it is none.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        # orjson refuses a byte order mark, UTF-16, half surrogate pairs and NaN, which all occur in real files.
        pass
    if not data.strip():
        raise BrokenJson("is empty")
    try:
        return _DECODER.decode(data.decode(encoding(data)))
    except UnicodeDecodeError as error:
        _undecodable(error)
    except json.JSONDecodeError as error:
        if error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated"):
            raise BrokenJson("breaks off in the middle") from error
        raise BrokenJson(f"is not valid JSON at line {error.lineno}, column {error.colno}") from error
    except (ValueError, RecursionError) as error:
        raise BrokenJson("holds a number or a nesting beyond all reason") from error


def walk(file: Readable, array: str) -> Iterator[tuple[str, Any]]:
    """The keys and values of the object that a file holds; of the key `array`, item by item.

    A file that holds an array instead gives its items under the key "". Every item is given as soon as it is read.

    Raises:
        BrokenJson: from here on it is no JSON.
    """
    window = _Window(file)
    opening = window.peek()
    if opening == "[":
        for item in window.items():
            yield "", item
    elif opening == "{":
        window.at += 1
        while window.peek() != "}":
            key = window.value()
            window.expect(":")
            if key == array and window.peek() == "[":
                for item in window.items():
                    yield array, item
            else:
                yield str(key), window.value()
            if window.peek() == "}":
                break
            window.expect(",")
        window.at += 1
    else:
        raise BrokenJson("is no JSON" if opening else "is empty")
    if window.peek():
        raise BrokenJson("goes on after its end")


def encoding(head: bytes) -> str:
    """The encoding that a byte order mark tells, else UTF-8."""
    return next((name for mark, name in _BOMS if head.startswith(mark)), "utf-8")


class _Window:
    """The part of the text that is being looked at."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        first = file.read(_CHUNK)
        self._decoder = codecs.getincrementaldecoder(encoding(first))()
        self._ended = False
        self.text = ""
        self.at = 0
        self._take(first)

    def _take(self, data: bytes) -> None:
        self._ended = not data
        try:
            self.text = self.text[self.at :] + self._decoder.decode(data, final=self._ended)
        except UnicodeDecodeError as error:
            _undecodable(error)
        self.at = 0

    def peek(self) -> str:
        """The next character that is not space; none at the end."""
        while True:
            space = _SPACE.match(self.text, self.at)
            self.at = space.end() if space else self.at
            if self.at < len(self.text) or self._ended:
                return self.text[self.at : self.at + 1]
            self._take(self._file.read(_CHUNK))

    def expect(self, mark: str) -> None:
        found = self.peek()
        if found != mark:
            raise BrokenJson(
                f"has {found!r} where {mark!r} should be" if found else "breaks off in the middle"
            )
        self.at += 1

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        return self._value_here()

    def items(self) -> Iterator[Any]:
        """The items of the array that begins here."""
        self.expect("[")
        if self.peek() == "]":
            self.at += 1
            return
        while True:
            yield self._value_here()
            comma = _COMMA.match(self.text, self.at)
            if comma and comma.end() < len(self.text):
                self.at = comma.end()
                continue
            if self.peek() == "]":
                self.at += 1
                return
            self.expect(",")
            self.peek()

    def _value_here(self) -> Any:
        while True:
            try:
                found, end = _DECODER.raw_decode(self.text, self.at)
            except json.JSONDecodeError as error:
                beyond_doubt = error.pos < len(self.text) - _MARGIN and not error.msg.startswith(
                    "Unterminated"
                )
                if beyond_doubt:
                    raise BrokenJson(f"is not valid JSON ({error.msg.lower()})") from error
                if self._ended:
                    raise BrokenJson("breaks off in the middle") from error
            except (ValueError, RecursionError) as error:
                raise BrokenJson("holds a number or a nesting beyond all reason") from error
            else:
                # Numbers do not say where they end; this one may have more digits behind the window.
                if self._ended or self.text[end : end + 1] in _AFTER_VALUE or type(found) not in _NUMBERS:
                    self.at = end
                    return found
            if len(self.text) - self.at > _LARGEST_VALUE:
                raise BrokenJson(f"holds a single value of more than {_LARGEST_VALUE >> 20} MB")
            self._take(self._file.read(_CHUNK))


def _undecodable(error: UnicodeDecodeError) -> NoReturn:
    byte = error.object[error.start]
    raise BrokenJson(
        f"is not written in {error.encoding.upper()} (byte 0x{byte:02X}); save it as UTF-8"
    ) from error
