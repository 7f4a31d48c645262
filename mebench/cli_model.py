"""The verbs of `mebench model`, each a few lines. Nothing heavy is imported until a verb needs it."""

from typing import Annotated

import typer

model_app = typer.Typer(help="FittedMethod trained networks to other programs.", no_args_is_help=True)


@model_app.command("export")
def export(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Id or folder of the run.")],
    fold: Annotated[str, typer.Option("--fold", metavar="FOLD", help="Whose: the fold is named after who is tested.")],
    out: Annotated[str, typer.Option("-o", "--out", metavar="FILE.onnx", help="The file to write.")],
    form: Annotated[str, typer.Option("--format", metavar="onnx", help="Its format.")] = "onnx",
    part: Annotated[str, typer.Option("--part", metavar="method|recognizer", help="Of a pair, which one.")] = "method",
    runs: Annotated[str | None, typer.Option("--runs", metavar="FOLDER", help="Where the runs are.")] = None,
) -> None:
    """Write the network that a fold trained, for programs without PyTorch or mebench."""
    from mebench.commands.model import export_command
    from mebench.config import user_setting

    export_command(run, runs or user_setting("runs", "runs"), fold, form, out, part)
