"""`mebench predictions export` and `model export`: what a run made, for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

import typer

from mebench.cli.options import RunId, Runs, finished_run, verbs
from mebench.errors import ConfigError, RunError, unknown

app = verbs("Hand predictions of runs to other programs.")
model_app = verbs("Hand trained networks to other programs.")

Part = Literal["method", "recognizer"]


@app.command("export", epilog="Example: mebench predictions export mean-synthetic -o mean.csv")
def export(
    run: RunId,
    out: Annotated[str, typer.Option("-o", "--out", metavar="FILE", help="The file to write.")],
    form: Annotated[str, typer.Option("--format", metavar="csv|strs|megc2020|megc2023", help="Its format.")] = "csv",
    runs: Runs = "",
) -> None:
    """Write the predictions of a run for other programs."""
    from mebench.exchange.table import Remarks
    from mebench.exchange.write import write_predictions
    from mebench.progress import Progress
    from mebench.runner.scoring import tables_of

    folder = finished_run(run, runs)
    tables, remarks = tables_of(folder), Remarks()
    if tables.predictions is None:
        raise RunError(f"run {folder.id!r} spots nothing, so it has no intervals to write")
    write_predictions(Path(out).expanduser(), form, tables, remarks)
    for line in remarks.warnings:
        Progress().say(f"warning: {line}")
    print(out)


@model_app.command("export", epilog="Example: mebench model export mean-synthetic --fold synthetic--s001 -o mean.onnx")
def export_model(
    run: RunId,
    fold: Annotated[str, typer.Option("--fold", metavar="FOLD", help="Whose: the fold is named after who is tested.")],
    out: Annotated[str, typer.Option("-o", "--out", metavar="FILE.onnx", help="The file to write.")],
    form: Annotated[str, typer.Option("--format", metavar="onnx", help="Its format.")] = "onnx",
    part: Annotated[str, typer.Option("--part", metavar="method|recognizer", help="Of a pair, which one.")] = "method",
    runs: Runs = "",
) -> None:
    """Write the network of a fold for other programs. They need neither PyTorch nor mebench."""
    if form != "onnx":
        raise ConfigError(unknown("format", form, ["onnx"]))
    if part not in get_args(Part):
        raise ConfigError(unknown("part", part, get_args(Part)))
    from mebench.exchange.onnx_export import INPUT, export_onnx
    from mebench.progress import Progress
    from mebench.runner.trained import trained

    method = trained(finished_run(run, runs), fold, "recognizer" if part == "recognizer" else "method")
    path = Path(out).expanduser()
    outputs = export_onnx(method, path)
    Progress().say(f"{path}: input {INPUT}, outputs {', '.join(outputs)}")
