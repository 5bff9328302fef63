"""`spaces classify` and `spaces evaluate`: the classifier by itself, on any messages, and how good it is."""

import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.app import app

_PATIENCE = 0.2
"""Seconds without a new line after which what waits is labelled with what is known."""


@app.command(epilog='Example: echo \'{"id": "1", "text": "how do I export this?"}\' | spaces classify')
def classify() -> None:
    """Label messages from standard input, one JSON object a line.

    Each has an id and a text, and may have at, author, channel, thread, reply_to, title and platform. Out come JSON
    objects, one a line, in the same order: labels with their probabilities, the tags given, language, reply_to, reasons.
    """
    from bot.classifiers.lines import read_line, write_line  # noqa: PLC0415
    from bot.classifiers.stream import Stream  # noqa: PLC0415

    stream, wrong = Stream(), 0
    out = sys.stdout.buffer
    for number, line in enumerate(_lines(), 1):
        if line is None:
            found = stream.flush()
        elif not line.strip():
            continue
        else:
            try:
                found = stream.add(read_line(line))
            except ValueError as error:
                wrong += 1
                sys.stderr.write(f"Line {number}: {error}\n")
                continue
        for each in found:
            out.write(write_line(each))
        if line is None:
            out.flush()
    for each in stream.flush():
        out.write(write_line(each))
    out.flush()
    if wrong:
        left_out = "1 line was" if wrong == 1 else f"{wrong} lines were"
        sys.stderr.write(f"{left_out} left out; the others are done.\n")
        raise typer.Exit(1)


def _lines() -> Iterator[bytes | None]:
    """The lines of standard input; None whenever nothing more has come for a moment."""
    source = sys.stdin.buffer
    rest = b""
    while True:
        try:
            ready = bool(select.select([source], [], [], _PATIENCE)[0])
        except (OSError, ValueError):
            ready = True  # a file of a system that cannot wait for it
        if not ready:
            yield None
            select.select([source], [], [])
        some = os.read(source.fileno(), 1 << 16)
        if not some:
            break
        *whole, rest = (rest + some).split(b"\n")
        yield from whole
    if rest:
        yield rest


@app.command(
    epilog="Example: spaces classify < messages.jsonl > found.jsonl; spaces evaluate found.jsonl --gold messages.jsonl"
)
def evaluate(
    found: Annotated[Path, typer.Argument(help="What `spaces classify` wrote.", metavar="FILE")],
    gold: Annotated[
        Path | None,
        typer.Option(
            help='Messages with their right labels: {"id", "labels": [...]}; without it they stand in FILE as "gold".'
        ),
    ] = None,
) -> None:
    """Compare what `spaces classify` found with the right labels.

    Prints precision, recall and F1 of each label with 95 % intervals, what is taken for what, and the worst misses.
    """
    from bot.evaluation import compare  # noqa: PLC0415

    typer.echo(compare(found, gold))
