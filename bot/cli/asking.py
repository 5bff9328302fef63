"""`spaces tag`, `goal` and `record`: what people may ask on the platforms too, with the same words."""

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.app import app
from bot.cli.state import State, state

if TYPE_CHECKING:
    from storage.database import Database

Words = Annotated[list[str] | None, typer.Argument(help="As on the platforms.", metavar="WORDS...")]

_SHOWN = 10
_MOST = 1_000


@app.command(
    epilog="Examples: spaces goal; spaces goal answered_questions 70% 2027-06-30; spaces goal nps off"
)
def goal(context: typer.Context, words: Words = None) -> None:
    """Show the goals and their pace, or set one."""
    _ask(state(context), ["goal", *(words or ())])


@app.command(
    epilog="Examples: spaces record; spaces record support_cases 120 2026-05; spaces record nps 9 10 7; "
    'spaces record attendance 40/55 "Spring meetup" 2026-05-03; spaces record undo'
)
def record(context: typer.Context, words: Words = None) -> None:
    """Record a fact from outside: support cases, survey answers, attendance, leads, costs."""
    _ask(state(context), ["record", *(words or ())])


@app.command(
    epilog="Examples: spaces tag https://acme.slack.com/archives/C1/p1716200000123456 idea; spaces tag --undo; "
    'spaces tag --search "would be great if" idea --yes'
)
def tag(
    context: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(help="The message's link, and what it is.", metavar="[LINK] [LABEL]")
    ] = None,
    negate: Annotated[bool, typer.Option("--not", help="Say that it is not this.")] = False,
    thread: Annotated[bool, typer.Option("--thread", help="Its whole conversation.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take back your last decision.")] = False,
    search: Annotated[
        str | None, typer.Option(metavar="TEXT", help="All messages that hold this text.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="With --search: do it, do not only show it.")] = False,
    history: Annotated[
        str | None, typer.Option(metavar="LINK", help="Who decided what about a message.")
    ] = None,
) -> None:
    """Say what a message is. A person's word always beats the machine's, until it is undone."""
    here, said = state(context), list(words or ())
    if history is not None:
        _history(here, history)
    elif search is not None:
        _bulk(here, search, " ".join(said), verdict=not negate, sure=yes)
    elif undo:
        _ask(here, ["tag", "undo"])
    else:
        _ask(here, ["untag" if negate else "tag", *said, *(["thread"] if thread else [])])


def _ask(here: State, words: list[str]) -> None:
    """Have the desk answer, and print it."""
    import asyncio  # noqa: PLC0415 - nothing heavy is imported before a command needs it

    from rich.console import Console  # noqa: PLC0415 - as above
    from rich.markdown import Markdown  # noqa: PLC0415 - as above

    from bot.commands.desk import Desk  # noqa: PLC0415 - as above
    from bot.commands.model import Wrong  # noqa: PLC0415 - as above
    from bot.commands.parsing import NotUnderstood  # noqa: PLC0415 - as above
    from bot.live.writer import Writer  # noqa: PLC0415 - as above
    from connectors.records import Reply  # noqa: PLC0415 - as above

    text = " ".join(f'"{word}"' if " " in word else word for word in words)

    async def ask(database: "Database") -> Reply | None:
        async with Writer(database) as writer:
            return await Desk(database, writer, here.config).answer_operator(_user(), text, {})

    with here.database() as database:
        try:
            reply = asyncio.run(ask(database))
        except (Wrong, NotUnderstood) as wrong:
            typer.echo(str(wrong), err=True)
            raise typer.Exit(2) from None
    if reply is not None:
        Console().print(Markdown(reply.text))


def _user() -> str:
    """Who sits at the terminal, as decisions are signed."""
    import getpass  # noqa: PLC0415 - needed by few commands

    try:
        return f"terminal:{getpass.getuser()}"
    except (KeyError, OSError):  # a user whom the system does not know, as in many containers
        return "terminal"


def _bulk(here: State, text: str, label: str, *, verdict: bool, sure: bool) -> None:
    from bot.commands.naming import find, label_names  # noqa: PLC0415 - as above
    from bot.digest import plain  # noqa: PLC0415 - as above
    from storage import decisions  # noqa: PLC0415 - as above

    name, meant = find(label, label_names())
    if name is None:
        cure = f'Did you mean "{meant}"?' if meant else "Name one behind: spaces tag --search TEXT idea"
        typer.echo(f'There is no label "{label}". {cure}', err=True)
        raise typer.Exit(2)
    with here.database() as database, database.write() as session:
        found = decisions.search(session, text, _MOST)
        for message in found[:_SHOWN]:
            typer.echo(f"{message.created_at:%Y-%m-%d}  {plain.excerpt(message.text, 90)}")
        if len(found) > _SHOWN:
            typer.echo(f"... and {len(found) - _SHOWN:,} more")
        if not found:
            typer.echo(f'No message holds "{text}".')
            return
        if not sure:
            would = name if verdict else f"not {name}"
            typer.echo(f"{len(found):,} found; they would be tagged {would}. Do it with --yes.")
            return
        done = decisions.decide_all(session, found, name, verdict, _user(), "terminal")
        typer.echo(f"{done:,} tagged {'' if verdict else 'not '}{name}. Undo with: spaces tag --undo")


def _history(here: State, link: str) -> None:
    from bot.commands.messages import by_link  # noqa: PLC0415 - as above
    from storage import decisions  # noqa: PLC0415 - as above

    with here.database() as database, database.read() as session:
        found = by_link(session, here.config, link)
        if found is None:
            typer.echo("I cannot find that message. Write its link as the platform copies it.", err=True)
            raise typer.Exit(2)
        said = {True: "yes", False: "no", None: "the program decides"}
        rows = decisions.history(session, found.source_id, found.external_id)
        for row in rows:
            at = row.decided_at.astimezone(here.config.community.zone)
            typer.echo(
                f"{at:%Y-%m-%d %H:%M}  {row.label}: {said[row.before]} -> {said[row.after]}, by {row.decider} ({row.via})"
            )
        if not rows:
            typer.echo("Nobody has decided anything about it.")
