"""From archives to pages: what the archive readers share.

A reader says which entries an archive has and what makes records of each row; this module goes through them, cuts
pages, keeps the position, and turns whatever goes wrong in one file into a `Problem`, so that the rest goes on.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from connectors.archive import Bundle, Unreadable, find, open_bundle
from connectors.errors import Misconfigured
from connectors.formats import mistaken, recognise
from connectors.json_stream import BrokenJson
from connectors.records import Channel, Deletion, Join, Member, Message, Page, Problem

PAGE = 2000
"""Rows on one page: one transaction of the importer."""

_WRONG_SHAPE = (KeyError, IndexError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
_AGAIN = "Export or download it again, and import that."
_REPORT = "Please report it, with the version of the program that exported it."


class Draft:
    """The page that is being filled."""

    def __init__(self, stream: str, observed_at: datetime) -> None:
        self.stream = stream
        self.observed_at = observed_at
        self.at = 0
        """The row of the entry that is being read, from 1."""
        self._clear()

    def _clear(self) -> None:
        self.members: list[Member] = []
        self.channels: list[Channel] = []
        self.messages: list[Message] = []
        self.deletions: list[Deletion] = []
        self.joins: list[Join] = []
        self.problems: list[Problem] = []
        self.left_out: Counter[str] = Counter()
        self.rows = 0

    @property
    def empty(self) -> bool:
        """Nothing stands on it yet."""
        return not (self.rows or self.channels or self.problems or self.left_out)

    def gone(self, message_id: str) -> None:
        """Note a message that the archive shows as deleted: it was gone when the archive was made."""
        self.deletions.append(Deletion(message_id, self.observed_at))

    def page(self, cursor: str | None, fraction: float) -> Page:
        """Hand over the page and begin the next."""
        page = Page(
            self.stream, cursor, self.observed_at, self.members, self.channels, self.messages, self.deletions,
            self.joins, (), self.problems, dict(self.left_out), fraction,
        )  # fmt: skip
        self._clear()
        return page


class Part(NamedTuple):
    """One entry of an archive, opened."""

    rows: Iterable[Any]
    accept: Callable[[Any, Draft], None]
    """Makes records of a row; any error means that the row has a wrong shape."""
    observed_at: datetime
    channels: Sequence[Channel] = ()
    progress: Callable[[], int] = lambda: 0
    """Bytes of it that have been read."""


class Reader(Protocol):
    """An archive of one platform, opened."""

    stream: str
    observed_at: datetime

    @property
    def entries(self) -> Mapping[str, int]:
        """What to read, in order, with its weight in bytes."""
        ...

    def begin(self, draft: Draft) -> None:
        """Write what holds for the whole archive: its channels, what is left out of it, what is wrong with it."""

    def part(self, entry: str, draft: Draft) -> Part | None:
        """Open an entry; None when nothing of it is to be read, which is then counted in the draft.

        Raises:
                Unreadable, BrokenJson: it cannot be read.
        """
        ...


def pages(
    connector: str, paths: Sequence[Path], cursors: Mapping[str, str], reader: Callable[[Bundle], Reader]
) -> Iterator[Page]:
    """Everything in the archives that is not read yet.

    Raises:
        Misconfigured: nothing of what was named is an archive of this connector.
    """
    weights, problems = _sorted_out(connector, paths)
    if not weights:
        raise Misconfigured("\n".join(map(str, _printable(problems))) or "No archive was named.")
    if problems:
        yield _complaint(*problems)
    total, done = sum(weights.values()) or 1, 0
    for path, weight in weights.items():
        try:
            with open_bundle(path) as bundle:
                for page in _read(bundle, reader(bundle), cursors):
                    fraction = (done + (page.fraction or 0) * weight) / total
                    yield page._replace(fraction=fraction, problems=_printable(page.problems))
        except Unreadable as error:
            yield _complaint(error.problem)
        except Exception as error:  # noqa: BLE001 - nothing in a file may stop the other files
            yield _complaint(_unexpected(path.name, error))
        done += weight


def _sorted_out(connector: str, paths: Sequence[Path]) -> tuple[dict[Path, int], list[Problem]]:
    """The archives that are this connector's, with their sizes; and what is wrong with the others."""
    weights: dict[Path, int] = {}
    problems: list[Problem] = []
    for path in find(paths):
        try:
            with open_bundle(path) as bundle:
                found = recognise(bundle)
                if found == connector:
                    weights[path] = bundle.size
                elif bundle.problems and found is None:
                    problems.extend(bundle.problems)
                else:
                    problems.append(mistaken(bundle, connector, found))
        except Unreadable as error:
            problems.append(error.problem)
    return weights, problems


def _read(bundle: Bundle, reader: Reader, cursors: Mapping[str, str]) -> Iterator[Page]:
    first_entry, first_row = _position(cursors.get(reader.stream, ""))
    draft = Draft(reader.stream, reader.observed_at)
    reader.begin(draft)
    if (first_entry, first_row) != (0, 0):
        draft.left_out.clear()  # counted when the reading began
    draft.problems.extend(bundle.problems)
    total, done = sum(reader.entries.values()) or 1, 0
    for number, (entry, weight) in enumerate(reader.entries.items()):
        if number >= first_entry:
            skip = first_row if number == first_entry else 0
            for read in _read_entry(bundle, reader, entry, draft, skip):
                yield draft.page(f"{number}:{draft.at}", (done + min(read, weight)) / total)
        done += weight
    yield draft.page("", 1.0)


def _read_entry(bundle: Bundle, reader: Reader, entry: str, draft: Draft, skip: int) -> Iterator[int]:
    """Fill the draft from one entry, whatever is in it; yields the bytes read whenever a page should be cut."""
    where, draft.at = bundle.where(entry), skip
    wrong: list[str] = []
    try:
        yield from _fill(reader, entry, draft, skip, wrong)
    except Unreadable as error:
        draft.problems.append(_kept(error.problem, draft.at))
    except BrokenJson as error:
        draft.problems.append(_kept(Problem(where, str(error), _AGAIN), draft.at))
    except Exception as error:  # noqa: BLE001 - nothing in a file may stop the other files
        draft.problems.append(_unexpected(where, error))
    if wrong:
        rows = "1 row was" if len(wrong) == 1 else f"{len(wrong):,} rows were"
        what = f"{rows} skipped, not being of the known form ({wrong[0]})"
        draft.problems.append(Problem(where, what, _REPORT))


def _fill(reader: Reader, entry: str, draft: Draft, skip: int, wrong: list[str]) -> Iterator[int]:
    part = reader.part(entry, draft)
    if part is None:
        return
    if part.observed_at != draft.observed_at:
        if not draft.empty:
            yield 0
        draft.observed_at = part.observed_at
    draft.channels.extend(part.channels)
    accept = part.accept
    for draft.at, row in enumerate(part.rows, 1):
        if draft.at <= skip:
            continue
        draft.rows += 1
        try:
            accept(row, draft)
        except _WRONG_SHAPE as error:
            draft.left_out["unreadable row"] += 1
            wrong.append("" if wrong else f"row {draft.at}: {type(error).__name__} {error}, in {row!s:.80}")
        if draft.rows >= PAGE:
            yield part.progress()


def _complaint(*problems: Problem) -> Page:
    return Page("", None, datetime.now(UTC), problems=_printable(problems))


def _printable(problems: Sequence[Problem]) -> list[Problem]:
    """Problems quote names and rows of a file; whoever made it should not get to write on the terminal."""
    return [Problem(*("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text) for text in problem))
            for problem in problems]  # fmt: skip


def _kept(problem: Problem, rows: int) -> Problem:
    """A file that broke half-way says how much of it was kept."""
    return (
        problem._replace(what=f"{problem.what}; the {rows:,} rows before that were kept") if rows else problem
    )


def _unexpected(where: str, error: Exception) -> Problem:
    return Problem(where, f"could not be read ({type(error).__name__}: {error})", _REPORT)


def _position(cursor: str) -> tuple[int, int]:
    entry, _, row = cursor.partition(":")
    return (int(entry), int(row)) if entry.isdecimal() and row.isdecimal() else (0, 0)
