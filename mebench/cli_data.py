"""The verbs of `mebench data`, each a few lines. Nothing heavy is imported until a verb needs it."""

from typing import Annotated

import typer

from mebench.cli_options import DatasetWords, Files, Json, Plugins

data_app = typer.Typer(help="Look at a dataset before anything is run on it.", no_args_is_help=True)


@data_app.command("summary")
def summary(words: DatasetWords = None, config: Files = None, plugins: Plugins = None, json: Json = None) -> None:
    """Count subjects, videos and expressions, from the annotations alone where the frames are absent."""
    from mebench.commands.data import summary_command

    summary_command(words or [], config or [], plugins or [], json)


@data_app.command("verify")
def verify(
    words: DatasetWords = None,
    config: Files = None,
    plugins: Plugins = None,
    deep: Annotated[bool, typer.Option("--deep", help="Decode every frame, not only its header and its end.")] = False,
    counts: Annotated[
        bool, typer.Option("--counts/--no-counts", help="Compare the counts with the published ones.")
    ] = True,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings make the exit code 1 too.")] = False,
    report: Annotated[str | None, typer.Option("--report", metavar="FILE.md", help="Write a report there.")] = None,
    json: Json = None,
) -> None:
    """Check annotations, frames and counts of this copy; exit code 1 if it is not what was released."""
    from mebench.commands.data import verify_command

    raise typer.Exit(verify_command(words or [], config or [], plugins or [], deep, counts, strict, report, json))


@data_app.command("preview")
def preview(
    out: Annotated[str, typer.Option("-o", "--out", metavar="FILE.png", help="The picture to write.")],
    words: DatasetWords = None,
    config: Files = None,
    plugins: Plugins = None,
    expressions: Annotated[int, typer.Option("--expressions", metavar="N", help="Rows, spread over the subjects.")] = 6,
    subject: Annotated[str | None, typer.Option("--subject", metavar="ID", help="Only of this person.")] = None,
    video: Annotated[str | None, typer.Option("--video", metavar="ID", help="Only of this video.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the picture.")] = False,
    json: Json = None,
) -> None:
    """Draw first frame, onset, apex and offset of a few expressions, with crop, landmarks and regions."""
    from mebench.commands.data import preview_command

    preview_command(words or [], config or [], plugins or [], out, expressions, subject, video, force, json)


@data_app.command("fake")
def fake(
    out: Annotated[str, typer.Option("-o", "--out", metavar="FOLDER", help="Empty or not there yet.")],
    words: DatasetWords = None,
    config: Files = None,
    plugins: Plugins = None,
    json: Json = None,
) -> None:
    """Draw a small tree with the layout, the sheets and the quirks of a dataset, on drawn faces."""
    from mebench.commands.data import fake_command

    fake_command(words or [], config or [], plugins or [], out, json)
