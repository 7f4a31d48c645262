"""The verbs of `mebench cache`, each a few lines. Nothing heavy is imported until a verb needs it."""

from typing import Annotated

import typer

from mebench.cli_options import Json

cache_app = typer.Typer(help="Look after the store of computed features.", no_args_is_help=True)

Cache = Annotated[str | None, typer.Option("--cache", metavar="FOLDER", help="Where the computed features are.")]


@cache_app.command("info")
def info(cache: Cache = None, json: Json = None) -> None:
    """Show entries and bytes by dataset and stage."""
    from mebench.commands.cache import info_command

    info_command(cache, json)


@cache_app.command("verify")
def verify(
    cache: Cache = None,
    deep: Annotated[bool, typer.Option("--deep", help="Read every byte and compare its hash.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Remove damaged entries.")] = False,
    json: Json = None,
) -> None:
    """Look for damaged entries by their headers and sizes; exit code 1 if there are any."""
    from mebench.commands.cache import verify_command

    raise typer.Exit(verify_command(cache, deep, remove, json))


@cache_app.command("prune")
def prune(
    cache: Cache = None,
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="TIME", help="Also what nobody read for 12h, 30d, 2w ….")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", metavar="ID", help="Also that of a dataset; with --older-than, both.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Remove nothing, only tell.")] = False,
    json: Json = None,
) -> None:
    """Remove what no run can use: damaged entries, leftovers of killed runs, entries of other OpenCV or dlib versions."""
    from mebench.commands.cache import prune_command

    prune_command(cache, older_than, dataset, everything, dry_run, json)
