"""`spaces digest`, `explain` and `demo`: the numbers, and what stands behind them."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from bot.cli.app import app
from bot.cli.state import State, state
from bot.digest.formats import Format, Language
from bot.spaces.model import Area
from bot.spaces.window import Period

AsOf = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="As if today were this day (2026-05-04) or moment; default now."),
]


@app.command(
    epilog="Examples: spaces digest weekly; spaces digest monthly --as-of 2026-05-01 --area support; "
    "spaces digest weekly --format html --output digest.html --chart week.png; "
    "spaces digest weekly --post --dry-run",
)
def digest(
    context: typer.Context,
    period: Annotated[Period, typer.Argument(help="The period; the last one that is over is shown.")],
    as_of: AsOf = None,
    area: Annotated[
        list[Area] | None, typer.Option(help="Only this area; may be given several times.")
    ] = None,
    format: Annotated[Format, typer.Option("--format", "-f", help="How to write it.")] = Format.TERMINAL,  # noqa: A002
    language: Annotated[Language | None, typer.Option(help="en or es; default the community's.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file.")] = None,
    chart: Annotated[Path | None, typer.Option(help="Write the chart to this PNG file too.")] = None,
    post: Annotated[
        bool, typer.Option("--post", help="Post it where the schedules of this period say, once.")
    ] = False,
    only: Annotated[
        str | None, typer.Option("--schedule", metavar="NAME", help="With --post: this schedule only.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --post: post nothing, show all that would be sent.")
    ] = False,
) -> None:
    """Show the digest of a day, week, month or quarter, or post it.

    The last one that is over, unless --as-of says otherwise.
    """
    if post:
        from bot.cli.schedule import post_digest  # noqa: PLC0415

        is_json = format is Format.JSON
        _write(post_digest(state(context), period, only, as_of, dry=dry_run, as_json=is_json), output)
        return
    if dry_run or only is not None:
        raise typer.BadParameter("--dry-run and --schedule go with --post.")
    from bot.app import compute_digest  # noqa: PLC0415
    from bot.digest.chart import draw  # noqa: PLC0415
    from bot.digest.render import render  # noqa: PLC0415
    from bot.digest.render.terminal import show  # noqa: PLC0415

    here = state(context)
    spoken = language.value if language else here.config.community.language
    with here.database() as database:
        found = compute_digest(database, here.config, period, as_of, area, here)
    if format is Format.TERMINAL and output is None:
        show(found, spoken)
    else:
        _write(render(found, format.value, spoken), output)
    if chart is not None:
        chart.write_bytes(draw(found, spoken).png)


def _write(words: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(words if words.endswith("\n") else words + "\n")
    else:
        output.write_text(words, encoding="utf-8")


@app.command(epilog="Examples: spaces explain answered_questions; spaces explain bugs --period monthly")
def explain(
    context: typer.Context,
    metric: Annotated[
        str, typer.Argument(help="The metric's name, as in the JSON form and docs/metrics.md.")
    ],
    period: Annotated[Period, typer.Option(help="The period to look at.")] = Period.WEEKLY,
    as_of: AsOf = None,
    language: Annotated[Language | None, typer.Option(help="en or es; default the community's.")] = None,
    limit: Annotated[int, typer.Option(help="How many messages of evidence to list.", min=0)] = 20,
) -> None:
    """Explain one number, with the messages behind it."""
    from bot.app import explain_metric  # noqa: PLC0415
    from bot.digest.render.explanation import render_explanation  # noqa: PLC0415

    here = state(context)
    spoken = language.value if language else here.config.community.language
    with here.database() as database:
        explained = explain_metric(database, here.config, metric, period, as_of, here)
    _write(render_explanation(explained, spoken, limit), None)


@app.command(epilog="Example: spaces demo --output demo.html")
def demo(
    context: typer.Context,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the page.")] = Path(
        "digest.html"
    ),
    language: Annotated[Language | None, typer.Option(help="en or es.")] = None,
) -> None:
    """Show the digest of a made-up community, right now.

    One product with a Slack, a Discord and a Discourse; nothing needs to be set up.
    """
    from bot.app import compute_digest  # noqa: PLC0415
    from bot.cli.collect import read_into  # noqa: PLC0415
    from bot.demo import AS_OF, archives, configuration  # noqa: PLC0415
    from bot.digest.render import render  # noqa: PLC0415
    from bot.digest.render.terminal import show  # noqa: PLC0415

    given = state(context)
    with TemporaryDirectory(prefix="spaces-demo-", ignore_cleanup_errors=True) as temporary:
        url = given.database_url or f"sqlite:///{Path(temporary, 'demo.sqlite3')}"
        here = State(configuration(), url, quiet=given.quiet)
        with here.database() as database:
            for source, paths in archives().items():
                read_into(here, database, source, paths)
            found = compute_digest(database, here.config, Period.WEEKLY, AS_OF, None, here)
    spoken = language.value if language else here.config.community.language
    _write(render(found, Format.HTML.value, spoken), output)
    show(found, spoken)
    typer.echo(f"The same digest as a page, with its charts: {output.resolve()}", err=True)
