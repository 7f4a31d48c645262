"""`mebench reproduce`: a paper's table, cell by cell, as published and as measured here. `rescore`: its authors' own files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mebench.cli.options import Files, Json, Plugins, Words
from mebench.console import plural, print_lines, print_table, write_json
from mebench.errors import ConfigError
from mebench.format import NONE, number, scored

if TYPE_CHECKING:
    from mebench.results.reproduce import Paper, Request, Result
    from mebench.results.rescore import Cell, Source

app = typer.Typer()

PAPERS = "papers"
PUBLISHED = "published.csv"
Leaderboards = Annotated[
    str | None,
    typer.Option(
        "--leaderboards", metavar="FOLDER", help="Where published.csv, papers/ and rescored/ are; leaderboards."
    ),
]
_ENDS = ("value", "low", "high")
_NAMES = ("method", "method_variant", "dataset", "task", "kind", "part", "metric")


@app.command("reproduce", epilog="Example: mebench reproduce mean2022 --table 5 workers=4 --dry-run")
def reproduce(
    paper: Annotated[str, typer.Argument(metavar="PAPER", help="Such as mean2022.")],
    words: Words = None,
    table: Annotated[str | None, typer.Option("--table", metavar="N", help="Which of its tables.")] = None,
    stand_in: Annotated[
        str | None,
        typer.Option(
            "--stand-in", metavar="DATASET", help='Run this where one is absent: "synthetic dataset.short_videos=true".'
        ),
    ] = None,
    settings: Annotated[
        bool,
        typer.Option("--settings", help="Also run what the best of several settings, chosen on the tested, is worth."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Run nothing: what is there, what is absent.")] = False,
    config: Files = None,
    plugins: Plugins = None,
    leaderboards: Leaderboards = None,
    json: Json = None,
) -> None:
    """Run what a paper's table needs, and compare its cells. Each: published, measured, interval and why they differ."""
    from mebench.progress import Progress
    from mebench.results.published import read
    from mebench.results.reproduce import Request, cells, read_paper, reproduce

    folder = leaderboards_folder(leaderboards)
    known = read_paper(folder / PAPERS, paper)
    if table is None and known.programs:
        table = next(iter(known.tables))
    if table is None:
        listing = "; ".join(f"{number}: {title}" for number, title in known.titles.items())
        raise ConfigError(f"name a table of {known.id} with --table N. There are {listing}")
    published = read(folder / PUBLISHED)
    request = Request(tuple(words or ()), tuple(config or ()), tuple(plugins or ()), stand_in, dry_run, settings)
    results = reproduce(known, cells(known, table, published), published, request, Progress())
    if json != "-":
        _print(known, table, results, request)
    write_json(_plain(known, table, results), json)
    if any(result.failed for result in results):
        raise typer.Exit(1)


@app.command("rescore", epilog="Example: mebench rescore mdmd --root Baseline-project-for-MEGC2020_spotting")
def rescore(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Such as mean_casme2; see leaderboards/rescored.")],
    root: Annotated[str, typer.Option("--root", metavar="CLONE", help="Folder that holds the authors' public files.")],
    leaderboards: Leaderboards = None,
    json: Json = None,
) -> None:
    """Score the public files of a paper's authors anew.

    By their rules and the strict ones, beside what the paper prints; intervals around peaks of window scores also k'/2 later.
    """
    from mebench._checkout import PACKAGE
    from mebench.progress import Progress
    from mebench.results.published import read
    from mebench.results.rescore import SCORED_ANEW, cells, read_source, rescore, write_outcome

    folder, progress = leaderboards_folder(leaderboards), Progress()
    known = read_source(folder / SCORED_ANEW, source)
    published = read(folder / PUBLISHED)
    with progress.waiting("scoring"):
        outcome = rescore(known, Path(root).expanduser())
    kept = folder
    if PACKAGE in folder.resolve().parents:  # that of an installed mebench, which is not the user's to write to
        kept = Path("leaderboards")
        (kept / SCORED_ANEW).mkdir(parents=True, exist_ok=True)
        copyfile(folder / SCORED_ANEW / f"{source}.yaml", kept / SCORED_ANEW / f"{source}.yaml")
    file = write_outcome(outcome, kept / SCORED_ANEW)
    found = cells(known, outcome, published)
    if json != "-":
        _print_rescored(known, found)
        print_lines(f"{file}: mebench leaderboard build puts it into tables and page")
    write_json({**outcome, "cells": [_plain_cell(cell) for cell in found]}, json)


def _print_rescored(source: Source, found: Sequence[Cell]) -> None:
    """A line for each score that the paper prints, else for the main ones, and a column for each reading."""
    readings = list(dict.fromkeys(reading for cell in found for reading in cell.values))
    heads = [f"{rule}, {later} frames later" if later else rule for rule, later in readings]
    print_lines(source.title, f"{source.repository}, commit {source.commit}", "")
    rows = []
    for cell in found:
        digits = 4 if cell.printed is None else cell.printed.digits
        printed = (
            "–" if cell.printed is None else f"{cell.printed.value:.{digits}f}{'†' if cell.printed.caveats else ''}"
        )
        found_ends = (dict(zip(_ENDS, cell.values.get(reading) or (None,) * 3)) for reading in readings)
        values = (scored(score, digits) for score in found_ends)
        rows.append((cell.dataset, cell.name, printed, *values))
    print_table(("dataset", "score", "printed", *heads), rows)
    print_lines(f"The authors' rules are {source.convention}. Intervals: 95 %, over subjects.")
    for line in (*source.notes, *_caveats(found), *(_LATER for _ in range(any(later for _, later in readings)))):
        print_lines(f"- {line}")


_LATER = (
    "later: a label of frame i stands for the k' frames from i on, so an interval put around the peak of their scores lies k'/2 "
    "too early"
)


def _caveats(found: Sequence[Cell]) -> list[str]:
    rows = [cell.printed for cell in found if cell.printed is not None and cell.printed.caveats]
    return [f"† {row.metric} of {row.dataset} is printed {', '.join(row.caveats)}: {row.note}" for row in rows]


def _plain_cell(cell: Cell) -> dict[str, Any]:
    """For JSON."""
    return {
        "dataset": cell.dataset,
        "score": cell.name,
        "printed": None if cell.printed is None else cell.printed.value,
        "readings": [
            {"convention": rule, "later": later, **dict(zip(_ENDS, value or (None, None, None)))}
            for (rule, later), value in cell.values.items()
        ],
    }


def leaderboards_folder(named: str | None) -> Path:
    """The folder of published results: the one named, `leaderboards` here, or that of mebench.

    Raises:
        ConfigError: none of them holds published results.
    """
    from mebench._checkout import shipped

    places = [named] if named is not None else ["leaderboards", *shipped("leaderboards")]
    for place in map(Path, places):
        if (place / PUBLISHED).is_file():
            return place
    raise ConfigError(f"there is no {PUBLISHED} in {places[0]}: name the folder with --leaderboards FOLDER")


def _print(paper: Paper, table: str, results: Sequence[Result], request: Request) -> None:
    """The cells that a run answers, one line for all that are absent for one reason, and what to know of the rest."""
    print_lines(paper.title, f"Table {table}: {paper.titles[table]}", "")
    answered = [result for result in results if result.run_id]
    if answered:
        heads = ("method", "dataset", "score", "published", "measured", "interval", "strict rules", "why they differ")
        print_table(heads, [_row(result) for result in answered])
    if looked := worth_rows(results):
        heads = ("method", "year", "published", "leaking", "honest", "gain", "looks", "the paper's program")
        print_table(heads, looked, "what selection is worth: UF1 over all clips")
    measured = sum(result.value is not None for result in results)
    print_lines(f"{measured} of {len(results)} cells measured.")
    if any(result.why.endswith("is not here") for result in results):
        print_lines(
            "Where your datasets are, say under roots: in mebench.yaml, or by words such as roots.casme2=/data/CASME2."
        )
    absent = Counter(
        (r.sentence or r.why.removeprefix("absent: "), r.cell.published.dataset) for r in results if not r.run_id
    )
    for (reason, dataset), count in absent.items():
        print_lines(f"- {reason} ({dataset}, {plural(count, 'cell')})")
    if not measured:
        return
    print_lines(
        f"Measured as the paper scores (convention {paper.convention}); beside it the same predictions under the strict rules "
        "of mebench. Intervals: 95 %, over subjects."
    )
    if settings := [*request.words, *([f"stand-in: {request.stand_in}"] if request.stand_in else [])]:
        print_lines(f"Settings that are not the paper's: {' '.join(settings)}")
    print_lines("Where this reproduction departs from the paper:")
    for line in paper.differs:
        print_lines(f"- {line}")


def worth_rows(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """Method, year, published, leaking, honest, gain with its interval, looks, program: UF1 over all clips of each that looked."""
    rows = []
    for r in results:
        row = r.cell.published
        if row.metric != "uf1" or row.member or r.worth is None:
            continue
        gain, looks = r.worth["differences"].get("recognition.uf1", {}), r.worth["looks"]
        numbers = [gain.get(end) for end in ("value", "low", "high")]
        value, low, high = (number(n, 3, NONE, "+") for n in numbers)
        sides = (number(n, row.digits, NONE) for n in (r.leaking, r.honest))
        most = f"{looks['most']}" if looks["least"] == looks["most"] else f"{looks['least']} to {looks['most']}"
        published = f"{row.value:.{row.digits}f}"
        rows.append((row.method, str(row.year or ""), published, *sides, f"{value} [{low}, {high}]", most, r.program))
        if best := r.best_of:
            value, low, high = (number(best["difference"][end], 3, NONE, "+") for end in ("value", "low", "high"))
            scores = (number(best[name], row.digits, NONE) for name in ("uf1", "default"))
            named = f"{row.method}, best of {best['of']} settings"
            rows.append(
                (
                    named,
                    "",
                    "",
                    *scores,
                    f"{value} [{low}, {high}]",
                    str(best["of"]),
                    "nobody's: the same habit, with settings",
                )
            )
    return rows


def _row(result: Result) -> tuple[str, ...]:
    from mebench.metrics.catalogue import find

    row = result.cell.published
    part = {"true_positives": ", true positives", "all_intervals": ", all intervals"}.get(row.part, "")
    low, high, value, strict = (
        number(score, row.digits, NONE) for score in (result.low, result.high, result.value, result.strict)
    )
    return (
        f"{row.method} ({row.method_variant})" if row.method_variant else row.method,
        row.dataset,
        f"{row.task}{part}: {find(row.metric).label}",
        f"{row.value:.{row.digits}f}",
        value,
        NONE if NONE in (low, high) else f"[{low}, {high}]",
        strict,
        result.why,
    )


def _plain(paper: Paper, table: str, results: list[Result]) -> dict[str, Any]:
    """For JSON."""
    return {
        "paper": paper.id,
        "table": table,
        "convention": paper.convention,
        "differs": list(paper.differs),
        "cells": [
            {
                **{name: getattr(r.cell.published, name) for name in _NAMES},
                "published": r.cell.published.value,
                "measured": None if r.value is None else {"value": r.value, "low": r.low, "high": r.high},
                "strict": r.strict,
                "run_id": r.run_id or None,
                **(
                    {}
                    if r.worth is None
                    else {
                        "leaking": r.leaking,
                        "honest": r.honest,
                        "worth": r.worth,
                        "program": r.program,
                        "best_of": r.best_of,
                    }
                ),
                "why": r.why,
            }
            for r in results
        ],
    }
