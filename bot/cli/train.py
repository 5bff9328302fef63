"""`spaces train`: makes the classifier's model anew from labelled conversations."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.app import app
from bot.cli.state import State, state

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from storage.tables import Model


@app.command(epilog="Examples: spaces train --local; spaces train examples/corpus --out model.json")
def train(
    context: typer.Context,
    corpus: Annotated[
        Path | None, typer.Argument(help="The folder of labelled conversations (examples/corpus).")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The file to write; the model that ships if not named.")
    ] = None,
    links: Annotated[
        str | None,
        typer.Option(
            help="Make the model of reply links instead, of the corpus and this file; none: of the corpus.",
            metavar="FILE|none",
        ),
    ] = None,
    local: Annotated[
        bool, typer.Option("--local", help="Learn from the verdicts of your own moderators.")
    ] = False,
) -> None:
    """Learn from your moderators (--local), or make the model that ships anew from labelled conversations.

    What is learned locally is put to use only where verdicts that it was not learned from say that it is better.
    """
    if local:
        _learn(state(context))
    elif corpus is None:
        raise typer.BadParameter("Name a folder of labelled conversations, or say --local.")
    else:
        _make(corpus, out, links)


def _learn(here: State) -> None:
    from bot.learning import learn_here  # noqa: PLC0415
    from bot.settle import settle  # noqa: PLC0415

    with here.database() as database:
        settle(database, here.config, here)  # a message is learned from when its conversation is known
        found = learn_here(database)
        settle(database, here.config, here)
    if not found.verdicts:
        typer.echo(
            "No moderator has said yet what a message is: tag some with spaces tag, or /spaces review."
        )
        return
    if found.id is None:
        typer.echo(
            f"{_verdicts(found.verdicts)} of moderators; nothing was found that does better than the model in use."
        )
        return
    for label, each in found.gains.items():
        more = "surer" if each.gain >= 0 else "less sure"
        typer.echo(f"{label}: {_verdicts(each.verdicts)}, {more} by {abs(each.gain):.2f} a verdict")
    used = "in use from now on" if found.in_use else "kept, but another is pinned (spaces models)"
    typer.echo(f"Model {found.id} is {used}.")


def _verdicts(count: int) -> str:
    return "1 verdict" if count == 1 else f"{count} verdicts"


def _make(corpus: Path, out: Path | None, links: str | None) -> None:
    from bot.classifiers.links import SHIPPED as LINKS  # noqa: PLC0415
    from bot.classifiers.model import SHIPPED  # noqa: PLC0415
    from bot.mistakes import ConfigError  # noqa: PLC0415
    from connectors.records import Problem  # noqa: PLC0415

    if not list(corpus.glob("*/*.txt")):
        cure = "Name the folder that holds a folder a language, such as examples/corpus."
        raise ConfigError([Problem(str(corpus), "no labelled conversations are there", cure)])
    try:
        from bot.training.make import make  # noqa: PLC0415
        from bot.training.make_links import make_links  # noqa: PLC0415
    except ModuleNotFoundError:
        cure = "Install it with: pip install 'spaces-bot[train]'"
        raise ConfigError([Problem("train", "training needs one more package", cure)]) from None
    from bot.training.corpus import Malformed, TooLittle  # noqa: PLC0415

    target = out or (SHIPPED if links is None else LINKS)
    file = None if links is None or links == "none" else Path(links)
    if file is not None and not file.is_file():
        raise ConfigError(
            [Problem(str(file), "no file of reply links is there", "Name one, or say --links none.")]
        )
    try:
        if links is None:
            make(corpus, target, typer.echo)
        else:
            make_links(corpus, file, target, typer.echo)
    except Malformed as error:
        raise ConfigError(
            [Problem(str(corpus), str(error), "Correct the line, and run this again.")]
        ) from None
    except TooLittle as error:
        cure = "Add conversations to those of examples/corpus; its README has the form."
        raise ConfigError([Problem(str(corpus), str(error), cure)]) from None
    typer.echo(f"Written: {target}")


@app.command(
    epilog="Examples: spaces models; spaces models use 3; spaces models use shipped; spaces models use newest"
)
def models(
    context: typer.Context,
    action: Annotated[str, typer.Argument(help="list, or use", metavar="list|use")] = "list",
    which: Annotated[
        str, typer.Argument(help="The number of a model, shipped, or newest.", metavar="NUMBER")
    ] = "",
) -> None:
    """List what was learned here; pin one of them, go back to the model that ships, or follow what is learned again.

    What is pinned stays in use, whatever is learned later, until `spaces models use newest`.
    """
    from bot.mistakes import ConfigError  # noqa: PLC0415
    from connectors.records import Problem  # noqa: PLC0415
    from storage import models as kept  # noqa: PLC0415

    with state(context).database() as database:
        if action == "use":
            with database.write() as session:
                done = _use(session, which)
            if not done:
                raise ConfigError(
                    [Problem("models", f'there is no model "{which}"', "See them with: spaces models")]
                )
            typer.echo(done)
        elif action == "list":
            with database.read() as session:
                _list(kept.every(session), shipped_pinned=kept.is_shipped_pinned(session))
        else:
            raise ConfigError([Problem("models", f'"{action}" is not known', "Write list or use.")])


def _use(session: "Session", which: str) -> str:
    """Choose a model; returns what came of it, nothing where there is no such model."""
    from storage import models as kept  # noqa: PLC0415

    if which == "newest":
        newest = kept.follow(session)
        now = "The model that ships" if newest is None else f"Model {newest.id}"
        return f"{now} is in use, and whatever is learned from now on takes its place."
    if which == "shipped":
        kept.choose(session, None)
        return "The model that ships is in use and stays so. To go on learning: spaces models use newest"
    named = next((each.id for each in kept.every(session) if str(each.id) == which), None)
    if named is not None and kept.choose(session, named):
        return f"Model {which} is in use and stays so. To go on learning: spaces models use newest"
    return ""


def _list(every: "list[Model]", *, shipped_pinned: bool) -> None:
    from bot.classifiers.model import shipped  # noqa: PLC0415

    card, base = shipped().card, shipped().fingerprint
    used = "" if any(each.in_use for each in every) else ", in use"
    pinned = ", pinned" if shipped_pinned else ""
    typer.echo(f"shipped: made of {card.get('corpus', {}).get('messages', '?')} messages{used}{pinned}")
    for each in every:
        report = json.loads(each.report)
        said = ", ".join(
            f"{label} {told['gain']:+.2f} ({told['verdicts']})" for label, told in report.items()
        )
        outdated = "" if each.base == base else " (not used: it corrects a model that ships no more)"
        marks = "".join([", in use" if each.in_use else "", ", pinned" if each.pinned else "", outdated])
        typer.echo(f"{each.id}: {each.made_at:%Y-%m-%d %H:%M} UTC{marks}: {said}")
