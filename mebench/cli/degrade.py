"""`mebench degrade`: the models of a run on degraded videos, and relations that need no label."""

from pathlib import Path
from typing import Annotated

import typer

from mebench import inference, reports, runs as run_files
from mebench.cli.option_types import Json, RunId, Runs
from mebench.console import check_file, print_lines, print_report, write_json
from mebench.features import degradation
from mebench.progress import Progress

app = typer.Typer()
RELATED = 3
"""Strength at which relations are tested."""


@app.command("degrade", epilog="Example: mebench degrade mean-synthetic --what resolution,occlusion --strengths 0,3")
def degrade(
    run: RunId,
    what: Annotated[
        str, typer.Option("--what", metavar="KIND,...", help="Degradations and relations; all by default.")
    ] = ",".join(degradation.KINDS),
    strengths: Annotated[
        str, typer.Option("--strengths", metavar="N,...", help="Strengths from 0, the clean run, to 5.")
    ] = "0,1,2,3,4,5",
    model: Annotated[
        str, typer.Option("--model", metavar="FILE", help="Raises the resolution: a network in ONNX.")
    ] = "",
    out: Annotated[str, typer.Option("-o", "--out", metavar="FILE", help="The page.")] = "degraded.html",
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", help="Number of processes; by default one for each core.")
    ] = None,
    runs: Runs = "",
    json: Json = None,
) -> None:
    """Test the models of a run on degraded videos.

    The people are the same, and nothing is trained. The page shows scores against strength, what they lose, and how often changes
    alter an answer that should stay.
    """
    words = [
        f"{kind}:{RELATED if kind in degradation.RELATIONS else strength}{f':{model}' if model and kind == 'resolution' else ''}"
        for kind in what.split(",")
        for strength in (strengths.split(",") if kind not in degradation.RELATIONS else [RELATED])
    ]
    page = Path(out).expanduser()
    check_file("--out", str(page))
    folder = run_files.folder.RunFolder.finished(runs, run)
    rows, progress = inference.degraded.degrade(folder, words, workers, Progress()), Progress()
    reports.report.write(reports.robustness.page(folder, rows), page)
    progress.notify(*(f"{row['kind']}:{row['strength']}: {row['error']}" for row in rows if row["error"]))
    if write_json({"run_id": folder.id, "page": str(page), "rows": rows}, json):
        print_report("", *reports.robustness.tables(rows))
        print_lines(f"{out}: the page")
