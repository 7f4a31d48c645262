"""The verbs of `mebench runs` and `mebench track`, each a few lines. Nothing heavy is imported until a verb needs it."""

from typing import Annotated

import typer

from mebench.cli_options import Json

runs_app = typer.Typer(help="Look at runs and make room.", no_args_is_help=True)
track_app = typer.Typer(help="Send runs to MLflow.", no_args_is_help=True)

Runs = Annotated[str | None, typer.Option("--runs", metavar="FOLDER", help="Where the runs are.")]


def _folder(runs: str | None) -> str:
    from mebench.config import user_setting

    return runs or user_setting("runs", "runs")


@runs_app.command("list")
def list_(runs: Runs = None, json: Json = None) -> None:
    """List the runs with status, main scores, age and size, the latest first."""
    from mebench.commands.runs_verbs import list_command

    list_command(_folder(runs), json)


@runs_app.command("show")
def show(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Id of a run, its beginning, or its folder.")],
    runs: Runs = None,
    json: Json = None,
) -> None:
    """Show a run, finished or not: status, scores, why folds failed, and what each fold cost."""
    from mebench.commands.runs_verbs import show_command

    show_command(run, _folder(runs), json)


@runs_app.command("prune")
def prune(
    runs: Runs = None,
    unfinished: Annotated[bool, typer.Option("--unfinished", help="Only runs that are not finished.")] = False,
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="TIME", help="Only what nobody wrote to for 12h, 30d, 2w ….")
    ] = None,
    keep_best: Annotated[
        int | None,
        typer.Option(
            "--keep-best", metavar="N", help="Only finished runs, but not the N best of a dataset and protocol."
        ),
    ] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", metavar="NAME", help="The score of --keep-best, such as STRS or UF1.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Remove nothing, only tell.")] = False,
    json: Json = None,
) -> None:
    """Remove the runs that all given conditions hold for; what MLflow has of them stays there."""
    from mebench.commands.runs_verbs import prune_command

    prune_command(_folder(runs), unfinished, older_than, keep_best, metric, dry_run, json)


@track_app.command("sync")
def sync(
    run: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN ...]", help="Ids of runs; all finished ones by default.")
    ] = None,
    runs: Runs = None,
    tracking: Annotated[
        str | None, typer.Option("--tracking", metavar="URI", help="MLflow's address; $MLFLOW_TRACKING_URI by default.")
    ] = None,
    json: Json = None,
) -> None:
    """Send finished runs that MLflow lacks, for example because its server was down."""
    from mebench.commands.track import sync_command

    sync_command(run or [], _folder(runs), tracking, json)
