"""`mebench compare` and `mistakes`: what two finished runs differ in, and what went wrong in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from mebench.cli.options import Json, RunId, Runs, finished_run
from mebench.console import write_json
from mebench.errors import ConfigError, RunError, unknown

if TYPE_CHECKING:
    import pandas as pd

    from mebench.metrics.tables import Tables
    from mebench.results.record import Record
    from mebench.runner.folder import RunFolder

app = typer.Typer()


@app.command("compare", epilog="Example: mebench compare mean-synthetic softnet-synthetic --metric f1")
def compare(
    first: Annotated[str, typer.Argument(metavar="RUN", help="Id of a run, its beginning, or a folder.")],
    second: Annotated[str, typer.Argument(metavar="RUN", help="Another run on the same truth.")],
    runs: Runs = "",
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", metavar="NAME", help="Such as f1, spotting.micro.ap50 or all; repeatable."),
    ] = None,
    convention: Annotated[
        str, typer.Option("--convention", metavar="NAME", help="The rules under which both are scored.")
    ] = "strict",
    json: Json = None,
) -> None:
    """Compare two runs: differences, intervals, paired tests. And what could have been seen."""
    folders = finished_run(first, runs), finished_run(second, runs)
    if folders[0].path.resolve() == folders[1].path.resolve():
        raise RunError(f"both words name the run {folders[0].id!r}: compare two different runs")

    from mebench.metrics.comparison import compare
    from mebench.metrics.conventions import named
    from mebench.metrics.mistakes import number_of_draws
    from mebench.progress import Progress
    from mebench.results.compare import Side, conclusions, plain, print_comparison, remarks
    from mebench.results.record import read
    from mebench.runner.scoring import tables_of

    rule = named(convention)
    records = read(folders[0]), read(folders[1])
    tables = tables_of(folders[0]), tables_of(folders[1])
    _refuse_different_truths(*folders, *tables, *records)
    _refuse_different_protocols(*records)
    tasks = _shared(records, "tasks")
    kinds = _shared(records, "kinds") if "spot" in tasks else []
    if not tasks or ("recognize" not in tasks and not kinds):
        does = [
            ", ".join([*r.about["tasks"], *(r.about["kinds"] if "spot" in r.about["tasks"] else [])]) for r in records
        ]
        raise RunError(
            f"the runs have nothing in common to compare: {records[0].id} does {does[0]}; {records[1].id}, {does[1]}"
        )
    with Progress().waiting("comparing"):
        found = compare(
            _of_tasks(tables[0], tasks),
            _of_tasks(tables[1], tasks),
            kinds=kinds,
            classes=records[0].about["classes"],
            convention=rule.name,
            metrics=metric or (),
        )
    one, other = (Side(record, number_of_draws(table)) for record, table in zip(records, tables))
    said, notes = conclusions(found), remarks(found, one, other, rule, tasks, kinds)
    if json != "-":
        print_comparison(found, one, other, said, notes)
    write_json(plain(found, one, other, said, notes), json)


@app.command("mistakes", epilog="Example: mebench mistakes mean-synthetic --by subject")
def mistakes(
    run: RunId,
    runs: Runs = "",
    by: Annotated[str, typer.Option("--by", metavar="kind|subject|emotion", help="The rows.")] = "kind",
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List every one of them.")] = False,
    json: Json = None,
) -> None:
    """Count the false positives and misses of a run by cause."""
    folder = finished_run(run, runs)

    from mebench.metrics.mistakes import By, count_mistakes, number_of_draws, sort_mistakes
    from mebench.results.render.summary import plain, print_mistakes
    from mebench.runner.scoring import tables_of

    if by not in get_args(By):
        raise ConfigError(unknown("--by", by, get_args(By)))
    tables, about = tables_of(folder), folder.read_json("folds.json")
    if tables.predictions is None:
        raise RunError(f"run {folder.id!r} does not spot, so it has no false positives and misses: name one that does")
    draws = number_of_draws(tables)
    rows: By = "subject" if by == "subject" else "emotion" if by == "emotion" else "kind"
    found = sort_mistakes(tables, about["kinds"])
    counts = count_mistakes(found, rows, draws)
    if rows == "kind":
        counts = counts.reindex(about["kinds"], fill_value=0).rename_axis("kind")
    mean = f", means over {draws} draws" if draws > 1 else ""
    if json != "-":
        print_mistakes(counts, f"what went wrong in {folder.id}, by {by}{mean}", found if verbose else None)
    report = {"run_id": folder.id, "convention": "strict", "by": by, "draws": draws, "counts": plain(counts)}
    report["mistakes"] = found.astype(object).to_dict("records")
    write_json(report, json)


def _shared(records: tuple[Record, Record], what: str) -> list[str]:
    return [name for name in records[0].about[what] if name in records[1].about[what]]


def _of_tasks(tables: Tables, tasks: Sequence[str]) -> Tables:
    """What both runs did: what only one did would be compared with nothing."""
    predictions = tables.predictions if "spot" in tasks else None
    if predictions is not None and "recognize" not in tasks:
        predictions = predictions.assign(emotion=None)
    return replace(tables, predictions=predictions, clips=tables.clips if "recognize" in tasks else None)


def _refuse_different_protocols(first: Record, second: Record) -> None:
    one, other = first.about["protocol"], second.about["protocol"]
    if one != other:
        raise RunError(
            f"{first.id} was run under {one}, {second.id} under {other}: what a method was trained on differs, so compare "
            "runs under one protocol"
        )
    if [fold["test"] for fold in first.about["folds"]] != [fold["test"] for fold in second.about["folds"]]:
        raise RunError(
            f"{first.id} and {second.id} were run under {one} with different folds: compare runs with equal folds"
        )


def _refuse_different_truths(
    first: RunFolder, second: RunFolder, one: Tables, other: Tables, record: Record, another: Record
) -> None:
    difference = _difference_of_truths(one, other)
    if difference is None and {"recognize"} <= set(record.about["tasks"]) & set(another.about["tasks"]):
        classes = [", ".join(r.about["classes"]) for r in (record, another)]
        if sorted(record.about["classes"]) != sorted(another.about["classes"]):
            difference = f"the first scores the classes {classes[0]}; the second, {classes[1]}"
    if difference is not None:
        raise RunError(
            f"the runs {first.id} and {second.id} have different truths ({difference}): compare runs on the same dataset, "
            "with the same dataset settings and emotion scheme"
        )


def _difference_of_truths(first: Tables, second: Tables) -> str | None:
    """The first thing in which two truths differ, in words; None if they are the same."""
    datasets = [sorted(set(tables.videos["dataset"])) for tables in (first, second)]
    if datasets[0] != datasets[1]:
        return f"the first is of {', '.join(datasets[0])}; the second, of {', '.join(datasets[1])}"
    from mebench.results.record import TRUTH_COLUMNS, VIDEO_COLUMNS

    parts: tuple[tuple[str, str, Sequence[str]], ...] = (
        ("video", "videos", VIDEO_COLUMNS),
        ("expression", "truths", TRUTH_COLUMNS),
    )
    for what, name, columns in parts:
        rows = [_rows(getattr(tables, name)[list(columns)]) for tables in (first, second)]
        for which, mine, others in (("first", rows[0], rows[1]), ("second", rows[1], rows[0])):
            alone = sorted(set(mine) - set(others))
            if alone:
                shown = ", ".join(f"{column} {value}" for column, value in zip(columns, alone[0]) if value)
                return f"only the {which} has the {what} with {shown}; {len(alone)} differ"
        if sorted(rows[0]) != sorted(rows[1]):
            return f"a {what} is there twice in one of them"
    return None


def _rows(table: pd.DataFrame) -> list[tuple[str, ...]]:
    """Rows as text; empty for what is missing."""
    columns: list[list[Any]] = [table[name].astype(object).where(table[name].notna(), "").tolist() for name in table]
    return [tuple(str(value) for value in row) for row in zip(*columns)]
