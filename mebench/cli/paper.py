"""`mebench table` and `plot`: chosen runs, or rows of a leaderboard's table, for a paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mebench.cli.option_checks import at_home, check_file
from mebench.cli.option_types import Json, Plugins, Runs, add_plugins
from mebench.errors import ConfigError, check_known
from mebench.lazy_imports import lazy_imports
from mebench.output.json_output import write_json
from mebench.output.progress import Progress
from mebench.output.terminal import print_lines, print_report

with lazy_imports():
    from mebench.api import paper, plotting
    from mebench.reports import score_plots

app = typer.Typer()

NAMES = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN...|BOARD", help="Runs, by the beginning of their ids, or one board or table of the leaderboard."
    ),
]
Metrics = Annotated[
    list[str] | None,
    typer.Option("--metric", metavar="NAME", help="A score, such as uf1; repeatable, or separated by commas."),
]
Rows = Annotated[
    list[str] | None,
    typer.Option("--row", metavar="METHOD", help="A method of the leaderboard's table, by id or title; repeatable."),
]
Task = Annotated[str, typer.Option("--task", metavar="NAME", help="The task, for runs that do several.")]
Part = Annotated[str, typer.Option("--part", metavar="NAME", help="The part of the table, such as micro or macro.")]
Folder = Annotated[
    str | None, typer.Option("--leaderboards", metavar="FOLDER", help="The folder of the leaderboard; leaderboards.")
]
Published = Annotated[
    bool, typer.Option("--published", help="Add the values that papers print for the board, with their sources.")
]
FORMATS = {".tex": "latex", ".md": "markdown", ".csv": "csv"}


@app.command("table", epilog="Example: mebench table megc2019 --row htnet --row logistic -o t.tex")
def table_command(
    names: NAMES,
    metric: Metrics = None,
    row: Rows = None,
    task: Task = "",
    part: Part = "",
    out: Annotated[
        str | None,
        typer.Option(
            "-o", "--out", callback=at_home, metavar="FILE", help="The file: .tex with a .bib beside it, .md, .csv."
        ),
    ] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="latex|markdown|csv", help="Print this form instead of a table.")
    ] = "",
    style: Annotated[
        str, typer.Option("--style", metavar="article|ieee", help="The width: of article, or one column of IEEE.")
    ] = "article",
    intervals: Annotated[
        str, typer.Option("--intervals", metavar="below|pm|none", help="Intervals below the scores, as ±, or left out.")
    ] = "below",
    caption: Annotated[str, typer.Option("--caption", metavar="TEXT", help="The caption, in LaTeX.")] = "",
    label: Annotated[str, typer.Option("--label", metavar="NAME", help="The label, in LaTeX.")] = "",
    runs: Runs = "",
    leaderboards: Folder = None,
    published: Published = False,
    json: Json = None,
    plugins: Plugins = None,
) -> None:
    """Make a table for a paper of chosen runs or rows.

    Rows are those of a table of the leaderboard. Seeds of one setting are one row. The best scores are bold, rows that share a
    letter are not distinguishable, and methods are cited. Values that papers print stand below all others, with a mark for
    each caveat. LaTeX needs the packages array, booktabs, and fontenc with T1.
    """
    add_plugins(plugins)
    if out is not None:
        check_file("-o", out)
        if Path(out).suffix.lower() not in FORMATS:
            raise ConfigError(f"-o must name a file that ends in {', '.join(FORMATS)}, not {out!r}")
    if form:
        check_known("format", form, FORMATS.values())
    paper.check_names(names, runs, leaderboards)
    with Progress().waiting("comparing the rows"):
        made = paper.table(
            *names,
            metrics=_split(metric),
            rows=row or (),
            task=task,
            part=part,
            style=style,
            intervals=intervals,
            caption=caption,
            label=label,
            runs=runs,
            folder=leaderboards,
            published=published,
        )
    files = [] if out is None else made.write(out)
    if not write_json({**made.plain(), "files": [str(file) for file in files]}, json):
        return
    if files:
        print_lines(*map(str, files))
    elif form:
        print_lines(*made.to_text(form).rstrip("\n").split("\n"))
    else:
        print_report("", made.to_table(), *made.notes, *made.sources)


@app.command("plot", epilog="Example: mebench plot megc2019 --row htnet --row logistic -o scores.pdf")
def plot_command(
    names: NAMES,
    out: Annotated[
        str | None,
        typer.Option(
            "-o", "--out", callback=at_home, metavar="FILE", help="The figure: .png, .svg or .pdf; KIND.png by default."
        ),
    ] = None,
    kind: Annotated[
        str,
        typer.Option(
            "--kind",
            metavar="scores|paired|significance|meta-analysis",
            help="Scores; two runs person by person; which rows differ; two methods over several datasets.",
        ),
    ] = "scores",
    metric: Metrics = None,
    row: Rows = None,
    task: Task = "",
    part: Part = "",
    runs: Runs = "",
    leaderboards: Folder = None,
    published: Published = False,
    json: Json = None,
    plugins: Plugins = None,
) -> None:
    """Plot scores of chosen runs or rows, or how they differ.

    Of scores, rows that share a letter are not distinguishable. --kind significance shows each pair of rows, --kind paired the
    difference of two runs or rows person by person, --kind meta-analysis how far two methods differ on each of several datasets and
    on all together.
    """
    add_plugins(plugins)
    check_known("kind", kind, plotting.KINDS)
    file = f"{kind}.png" if out is None else out
    check_file("-o", file)
    score_plots.check_figure("-o", file)
    paper.check_names(names, runs, leaderboards)
    with Progress().waiting("comparing the rows"):
        drawing = plotting.draw(
            names,
            kind,
            metrics=_split(metric),
            rows=row or (),
            task=task,
            part=part,
            runs=runs,
            folder=leaderboards,
            published=published,
        )
        score_plots.save_figure(drawing.figure, file)
    write_json({**drawing.data, "files": [file]}, json, file)


def _split(words: list[str] | None) -> list[str]:
    """Words that may be separated by commas."""
    parts = [part for word in words or () for part in word.split(",")]
    return [part for part in parts if part]
