"""`mebench curve`: a score over the number of training people."""

from __future__ import annotations

from typing import Annotated

import typer

from mebench.cli.option_checks import check_file
from mebench.cli.option_types import Json, Plugins, Runs, add_plugins
from mebench.lazy_imports import lazy_imports
from mebench.output.json_output import write_json
from mebench.output.number_format import format_interval, format_number
from mebench.output.terminal import print_lines, print_table

with lazy_imports():
    from mebench.reports import learning_curve, score_plots
    from mebench.runs import folder as run_folder

app = typer.Typer()


@app.command("curve", epilog="Example: mebench curve logistic-synthetic --plot curve.png")
def curve_command(
    names: Annotated[list[str], typer.Argument(metavar="RUN...", help="Runs, by their ids or beginnings of these.")],
    metric: Annotated[
        str | None,
        typer.Option("--metric", metavar="NAME", help="The score, such as recognition.uf1 or spotting.micro.f1."),
    ] = None,
    plot: Annotated[str | None, typer.Option("--plot", metavar="FILE", help="The figure: .png, .svg or .pdf.")] = None,
    runs: Runs = "",
    json: Json = None,
    plugins: Plugins = None,
) -> None:
    """Show a score over the number of training people.

    The runs differ in protocol.train_people and seed alone. The beginning of several ids takes all of them.
    """
    add_plugins(plugins)
    if plot is not None:
        check_file("--plot", plot)
        score_plots.check_figure("--plot", plot)
    folders = {folder.id: folder for name in names for folder in run_folder.RunFolder.open_all_seeds(runs, name)}
    curve = learning_curve.read_curve([*folders.values()], metric)
    files = [] if plot is None else [str(score_plots.save_figure(learning_curve.draw_curve(curve), plot))]
    if not write_json({**curve.plain(), "files": files}, json):
        return
    rows = [
        (str(point.people), str(len(point.seeds)), format_number(point.value), format_interval(point.score))
        for point in curve.points
    ]
    print_table(("people", "seeds", curve.metric, "95 % interval"), rows, title="")
    print_lines(curve.conclusion, *files)
