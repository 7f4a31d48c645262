"""`mebench compare` and `mistakes`: what two runs or files differ in, and what went wrong in one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from mebench import api
from mebench.cli.options import Json, Rule, Runs, say
from mebench.console import print_lines, write_json
from mebench.errors import ConfigError, DataError, RunError, unknown

if TYPE_CHECKING:
    from mebench.runner.folder import RunFolder

Truth = Annotated[
    str | None,
    typer.Option(
        "--truth", metavar="FILE", help="The truth of files, as for mebench score: then files are named, not runs."
    ),
]
LooseIds = Annotated[bool, typer.Option("--loose-ids", help="As for mebench score, of files.")]

app = typer.Typer()

BESIDE = "published:"
"""How the name of a published result begins where a run's could stand."""


@app.command("compare", epilog="Example: mebench compare mean-synthetic softnet-synthetic --metric f1")
def compare(
    first: Annotated[str, typer.Argument(metavar="RUN", help="Id of a run, its beginning, or a folder; or a file.")],
    second: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="Another run or file on the same truth, or a published result as published:htnet2023."
        ),
    ],
    runs: Runs = "",
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", metavar="NAME", help="Such as f1, spotting.micro.ap50 or all; repeatable."),
    ] = None,
    convention: Annotated[
        str, typer.Option("--convention", metavar="NAME", help="The rules under which both are scored.")
    ] = "strict",
    json: Json = None,
    rule: Rule = None,
    truth: Truth = None,
    clips: Annotated[
        bool, typer.Option("--clips", help="Of files with onset and offset: they name the emotions of given clips.")
    ] = False,
    classes: Annotated[
        str | None, typer.Option("--classes", metavar="A,B,C", help="Of files, the emotions to score; all by default.")
    ] = None,
    loose_ids: LooseIds = False,
    leaderboards: Annotated[
        str | None, typer.Option("--leaderboards", metavar="FOLDER", help="Where published.csv is; leaderboards.")
    ] = None,
) -> None:
    """Compare two runs or files: differences, intervals, tests.

    The tests are paired, and what they could have seen is told. Files of any program are compared beside their --truth. Beside a
    published result: what separates the run from it, in words.
    """
    if second.startswith(BESIDE):
        from mebench.runner.folder import RunFolder

        _beside_published(RunFolder.finished(runs, first), second.removeprefix(BESIDE), leaderboards, json)
        return
    if truth is None:
        _refuse_without_truth({"--clips": clips, "--classes": classes, "--loose-ids": loose_ids})
    from mebench.progress import Progress
    from mebench.results.compare import print_comparison

    found = api.compare(
        first,
        second,
        truth=truth,
        runs=runs,
        metrics=metric or (),
        convention=convention,
        rules=rule or (),
        clips=clips,
        classes=classes,
        loose_ids=loose_ids,
        progress=Progress(),
    )
    say(found)
    if json != "-":
        print_comparison(found.found, *found.sides, found.conclusions, found.remarks)
    write_json(found.summary, json)


def _beside_published(folder: RunFolder, word: str, leaderboards: str | None, json: str | None) -> None:
    from mebench.cli.reproduce import PUBLISHED, leaderboards_folder
    from mebench.console import print_table
    from mebench.results.beside import FILE, read_aliases, separates
    from mebench.results.published import called, read
    from mebench.results.record import read as read_record

    place = leaderboards_folder(leaderboards)
    rows = called(word, read(place / PUBLISHED))
    said = separates(read_record(folder), rows, read_aliases(place / FILE))
    if json != "-":
        print_lines(f"{folder.id} beside {rows[0].method}")
        print_table(("", "what separates them"), list(said.items()))
    write_json({"run_id": folder.id, "published": word, "separates": said}, json)


@app.command("mistakes", epilog="Example: mebench mistakes mean-synthetic --by subject")
def mistakes(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Id of a run, its beginning, or its folder; or a file.")],
    runs: Runs = "",
    by: Annotated[str, typer.Option("--by", metavar="kind|subject|emotion", help="The rows.")] = "kind",
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List every one of them.")] = False,
    json: Json = None,
    truth: Truth = None,
    loose_ids: LooseIds = False,
) -> None:
    """Count the false positives and misses of a run by cause.

    With --truth, those of a file of any program.
    """
    from mebench.metrics.mistakes import (
        By,
        count_distracted,
        count_mistakes,
        explain_mistakes,
        number_of_draws,
        sort_mistakes,
    )
    from mebench.results.render.summary import distracted_line, plain, print_causes, print_mistakes
    from mebench.runner.folder import RunFolder
    from mebench.runner.scoring import tables_of

    if by not in get_args(By):
        raise ConfigError(unknown("--by", by, get_args(By)))
    if truth is None:
        _refuse_without_truth({"--loose-ids": loose_ids})
        folder = RunFolder.finished(runs, run)
        name, tables, kinds = folder.id, tables_of(folder), folder.read_json("folds.json")["kinds"]
        told: dict[str, Any] = {"run_id": name}
        if tables.predictions is None:
            raise RunError(f"run {name!r} does not spot, so it has no false positives and misses: name one that does")
    else:
        from mebench.exchange.files import read_beside
        from mebench.exchange.join import Rules
        from mebench.exchange.table import Remarks
        from mebench.inspection.summary import adapters_of

        remarks, true, files = Remarks(), Path(truth).expanduser(), [Path(run).expanduser()]
        (answers,) = read_beside(true, files, Rules(loose_ids=loose_ids), remarks, adapters=adapters_of(true))
        say(remarks)
        said = {"warnings": remarks.warnings, "repaired": remarks.repaired}
        name, tables, kinds, told = run, answers.tables, answers.kinds, {"file": run, **said}
        if tables.predictions is None:
            raise DataError(
                f"{run} has no columns onset and offset, so no false positives and misses: what it names wrongly shows "
                f"mebench score --clips {run} --truth {truth}"
            )
    draws = number_of_draws(tables)
    rows: By = "subject" if by == "subject" else "emotion" if by == "emotion" else "kind"
    found = sort_mistakes(tables, kinds)
    counts = count_mistakes(found, rows, draws)
    astray = None if tables.distractors is None else count_distracted(found, tables.distractors, rows, draws)
    if rows == "kind":
        counts = counts.reindex(kinds, fill_value=0).rename_axis("kind")
    why = explain_mistakes(tables, found, kinds)
    mean = f", means over {draws} draws" if draws > 1 else ""
    if json != "-":
        note = "" if astray is None else distracted_line(counts, astray, tables)
        print_mistakes(counts, f"what went wrong in {name}, by {by}{mean}", found if verbose else None, note)
        print_causes(why)
    report = {"why": why, **told, "convention": "strict", "by": by, "draws": draws, "counts": plain(counts)}
    if astray is not None:
        report["on_distractors"] = astray.to_dict("index")
    write_json(report | {"mistakes": found.astype(object).to_dict("records")}, json)


def _refuse_without_truth(given: Mapping[str, object]) -> None:
    for option, value in given.items():
        if value:
            raise ConfigError(f"{option} is about files: name the file of their truth with --truth")
