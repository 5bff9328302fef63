"""`spaces train`: makes the classifier's model anew from labelled conversations."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.app import app


@app.command(epilog="Examples: spaces train examples/corpus; spaces train my-corpus --out model.json")
def train(
    corpus: Annotated[Path, typer.Argument(help="The folder of labelled conversations (examples/corpus).")],
    out: Annotated[
        Path | None, typer.Option(help="The file to write; the model that ships if not named.")
    ] = None,
) -> None:
    """Make the model that labels messages, and print how well it does on communities it did not see."""
    from bot.classifiers.model import SHIPPED  # noqa: PLC0415
    from bot.mistakes import ConfigError  # noqa: PLC0415
    from connectors.records import Problem  # noqa: PLC0415

    if not list(corpus.glob("*/*.txt")):
        cure = "Name the folder that holds a folder a language, such as examples/corpus."
        raise ConfigError([Problem(str(corpus), "no labelled conversations are there", cure)])
    try:
        from bot.training.make import make  # noqa: PLC0415
    except ModuleNotFoundError:
        cure = "Install it with: pip install 'spaces-bot[train]'"
        raise ConfigError([Problem("train", "training needs one more package", cure)]) from None
    from bot.training.corpus import Malformed  # noqa: PLC0415

    target = out or SHIPPED
    try:
        make(corpus, target, typer.echo)
    except Malformed as error:
        raise ConfigError(
            [Problem(str(corpus), str(error), "Correct the line, and run this again.")]
        ) from None
    typer.echo(f"Written: {target}")
