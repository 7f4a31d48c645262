"""The verbs of `mebench leaderboard` and `mebench reproduce`, each a few lines. Nothing heavy is imported until used."""

from typing import Annotated

import typer

from mebench.cli_options import Files, Json, Plugins, complete_words

leaderboard_app = typer.Typer(
    help="Build the leaderboard, publish runs and take in those of others.", no_args_is_help=True
)

Runs = Annotated[str | None, typer.Option("--runs", metavar="FOLDER", help="Where the runs are.")]
RecordsOut = Annotated[str, typer.Option("--out", metavar="FOLDER", help="Where the records go.")]


@leaderboard_app.command("build")
def build(
    runs: Runs = None,
    out: Annotated[str, typer.Option("--out", metavar="FOLDER", help="Where tables and site go.")] = "leaderboards",
    site: Annotated[bool, typer.Option("--site/--no-site", help="Write the page too.")] = True,
    json: Json = None,
) -> None:
    """Build tables and page from all runs and committed records, with published results beside."""
    from mebench.commands.leaderboard import build_command
    from mebench.config import user_setting

    tracking = user_setting("tracking", "") or None
    build_command(runs or user_setting("runs", "runs"), out, json, site, tracking)


@leaderboard_app.command("export")
def export(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Id of a run, its beginning, or its folder.")],
    runs: Runs = None,
    out: RecordsOut = "leaderboards/records",
) -> None:
    """Write the record of a run that others can score again and build their leaderboard from."""
    from mebench.commands.leaderboard import export_command
    from mebench.config import user_setting

    export_command(run, runs or user_setting("runs", "runs"), out)


@leaderboard_app.command("merge")
def merge(
    places: Annotated[list[str], typer.Argument(metavar="FOLDER ...", help="Records, or folders of records.")],
    out: RecordsOut = "leaderboards/records",
    check: Annotated[bool, typer.Option("--check", help="Only check and score again; take nothing in.")] = False,
    json: Json = None,
) -> None:
    """Take in records of others, each checked and scored again; exit code 1 if one is refused."""
    from mebench.commands.leaderboard import merge_command

    raise typer.Exit(merge_command(places, out, check, json))


def reproduce(
    paper: Annotated[str, typer.Argument(metavar="PAPER", help="Such as mean2022.")],
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE ...]",
            help="Settings of all its runs, such as workers=4.",
            autocompletion=complete_words,
        ),
    ] = None,
    table: Annotated[str | None, typer.Option("--table", metavar="N", help="Which of its tables.")] = None,
    stand_in: Annotated[
        str | None,
        typer.Option(
            "--stand-in", metavar="DATASET", help='Run this where one is absent: "synthetic dataset.short_videos=true".'
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Run nothing: what is there, what is absent.")] = False,
    config: Files = None,
    plugins: Plugins = None,
    leaderboards: Annotated[
        str | None,
        typer.Option("--leaderboards", metavar="FOLDER", help="Where published.csv and papers/ are; leaderboards."),
    ] = None,
    json: Json = None,
) -> None:
    """Run what a table of a paper needs, and print each cell as published, measured, interval and why they differ."""
    from mebench.commands.reproduce import ReproduceOptions, reproduce_command

    reproduce_command(
        ReproduceOptions(
            paper=paper,
            table=table,
            words=tuple(words or ()),
            files=tuple(config or ()),
            plugins=tuple(plugins or ()),
            stand_in=stand_in,
            dry_run=dry_run,
            leaderboards=leaderboards,
            json=json,
        )
    )
