"""`mebench reproduce`: a paper's table, cell by cell, as published and as measured here. `rescore`: the authors' own
files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mebench._installation import PACKAGE
from mebench.cli.foreign_code import AgreesToCode, ask_for_code_of_files
from mebench.cli.option_types import Files, Json, Plugins, Words, exit_if_failed
from mebench.errors import ConfigError
from mebench.lazy_imports import lazy_imports
from mebench.metrics.catalogue import find_metric
from mebench.output.json_output import write_json
from mebench.output.number_format import NONE, format_number, format_score, format_span
from mebench.output.progress import Progress
from mebench.output.terminal import format_count, print_lines, print_table
from mebench.score_type import Score

with lazy_imports():
    from mebench.records import published as published_values
    from mebench.reproduction import papers, rescore

if TYPE_CHECKING:
    from mebench.reproduction.papers import CellResult, Paper
    from mebench.reproduction.rescore import Counting, RescoredCell, RescoredSource

app = typer.Typer()

Leaderboards = Annotated[
    str | None,
    typer.Option(
        "--leaderboards", metavar="FOLDER", help="The folder of published.csv, papers/ and rescored/; leaderboards."
    ),
]
_ENDS = ("value", "low", "high")


@app.command("reproduce", epilog="Example: mebench reproduce mean2022 --table 5 workers=4 --dry-run")
def reproduce_command(
    paper: Annotated[str, typer.Argument(metavar="PAPER", help="Such as mean2022.")],
    words: Words = None,
    table: Annotated[str | None, typer.Option("--table", metavar="N", help="The number of the table.")] = None,
    stand_in: Annotated[
        str | None,
        typer.Option(
            "--stand-in",
            metavar="DATASET",
            help=('Replace absent datasets by this one: "synthetic dataset.short_videos=true".'),
        ),
    ] = None,
    settings: Annotated[
        bool,
        typer.Option(
            "--settings",
            help=("Also measure the gain from choosing the best of several settings on the tested people."),
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Run nothing, only list available and absent cells.")
    ] = False,
    files: Files = None,
    plugins: Plugins = None,
    leaderboards: Leaderboards = None,
    yes: AgreesToCode = False,
    json: Json = None,
) -> None:
    """Run a paper's table and compare its cells. Each shows published and measured value, interval, and reasons of the
    difference.
    """
    ask_for_code_of_files(files, yes)
    folder = published_values.find_published_folder(leaderboards)
    known = papers.read_paper(folder / "papers", paper)
    if table is None:
        table = _table_with_programs(known)
    published = published_values.read_published(folder / published_values.PUBLISHED)
    request = papers.PaperRequest(
        tuple(words or ()), tuple(files or ()), tuple(plugins or ()), stand_in, dry_run, settings
    )
    results = papers.reproduce_cells(known, papers.paper_cells(known, table, published), published, request, Progress())
    plain = {
        "paper": known.id,
        "table": table,
        "convention": known.convention,
        "differs": list(known.differs),
        "cells": [_plain_result(result) for result in results],
    }
    if write_json(plain, json):
        _print(known, table, results, request)
    n_failed = sum(result.failed for result in results)
    n_run = sum(bool(result.run_id) for result in results)
    exit_if_failed(n_failed, n_failed + n_run)


def _table_with_programs(paper: Paper) -> str:
    """The first table of a paper whose rows state the programs of its methods.

    Raises:
        ConfigError: no row does, so the user chooses a table.
    """
    rows = [row for table in paper.tables.values() for row in table.rows]
    if any(row.program for row in rows):
        return next(iter(paper.tables))
    titles = "; ".join(f"{number}: {table.title}" for number, table in paper.tables.items())
    raise ConfigError(f"name a table of {paper.id} with --table N. There are {titles}")


def _plain_result(result: CellResult) -> dict[str, Any]:
    """A cell with its published and measured value, for JSON; with the gain from selection, if it was measured."""
    published = result.cell.published
    names = ("method", "method_variant", "dataset", "task", "kind", "part", "metric")
    cell: dict[str, Any] = {name: getattr(published, name) for name in names}
    cell |= {
        "published": published.value,
        "measured": None if result.measured is None else dict(zip(_ENDS, result.measured)),
        "strict": result.strict,
        "run_id": result.run_id or None,
    }
    if result.worth is not None:
        cell |= {
            "leaking": result.leaking,
            "honest": result.honest,
            "worth": result.worth,
            "program": result.cell.row.program,
            "best_of": result.best_of,
        }
    return {**cell, "why": result.why}


@app.command("rescore", epilog="Example: mebench rescore mdmd --root Baseline-project-for-MEGC2020_spotting")
def rescore_command(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help=("The source, such as mean_casme2; see leaderboards/rescored."))
    ],
    root: Annotated[str, typer.Option("--root", metavar="CLONE", help="The folder of the authors' public files.")],
    write: Annotated[
        bool,
        typer.Option(
            "--write", help="Write the scores to rescored/, from which tables and page of leaderboards are built."
        ),
    ] = False,
    leaderboards: Leaderboards = None,
    json: Json = None,
) -> None:
    """Score public prediction files of authors again.

    The table shows scores under the authors' rules and the strict ones, with the paper's values. Intervals around peaks
    of window scores are also scored k'/2 later. Nothing is written without --write.
    """
    folder = published_values.find_published_folder(leaderboards)
    known = rescore.read_source(folder / rescore.RESCORED_FOLDER, source)
    published = published_values.read_published(folder / published_values.PUBLISHED)
    with Progress().waiting("scoring"):
        outcome = rescore.rescore_source(known, Path(root).expanduser())
    cells = rescore.rescored_cells(known, outcome, published)
    file = _write_outcome(outcome, source, folder) if write else None
    if write_json({**outcome, "cells": [_plain_cell(cell) for cell in cells]}, json):
        print_lines(known.title, f"{known.repository}, commit {known.commit}", "")
        _print_cells(known, cells)
        if file is None:
            print_lines("nothing was written: --write keeps these scores for the tables of mebench leaderboard build")
        else:
            print_lines(f"{file}: add it to tables and page with mebench leaderboard build")


def _write_outcome(outcome: dict[str, Any], source: str, folder: Path) -> Path:
    """The written file of the scores. Beside an installed mebench it lies in the working folder."""
    sources_folder = folder / rescore.RESCORED_FOLDER
    if PACKAGE not in folder.resolve().parents:
        return rescore.write_outcome(outcome, sources_folder)
    # the folder of an installed mebench is not the user's to write to
    own_folder = Path("leaderboards", rescore.RESCORED_FOLDER)
    own_folder.mkdir(parents=True, exist_ok=True)
    copyfile(sources_folder / f"{source}.yaml", own_folder / f"{source}.yaml")
    return rescore.write_outcome(outcome, own_folder)


def _plain_cell(cell: RescoredCell) -> dict[str, Any]:
    """A printed value and its rescored values as data for JSON."""
    rescored = []
    for counting, value in cell.rescored.items():
        plain_counting: dict[str, Any] = {"convention": counting.convention, "later": counting.frames_later}
        if counting.choice:
            plain_counting["choice"] = counting.choice
        rescored.append(plain_counting | _score_of(value))
    return {
        "dataset": cell.dataset,
        "score": cell.score,
        "printed": None if cell.printed is None else cell.printed.value,
        "readings": rescored,
    }


def _score_of(value: Sequence[float | None] | None) -> dict[str, float | None]:
    """A value with its interval by the names of a score's fields; all None if it is undefined."""
    return dict(zip(_ENDS, value or (None, None, None)))


def _print_cells(source: RescoredSource, cells: Sequence[RescoredCell]) -> None:
    """Print a column for each way to count, and remarks below."""
    countings = list(dict.fromkeys(counting for cell in cells for counting in cell.rescored))
    heads = [_counting_in_words(counting) for counting in countings]
    rows = [_row_of_cell(cell, countings) for cell in cells]
    print_table(("dataset", "score", "printed", *heads), rows)
    print_lines(f"The authors' rules are {source.convention}. Intervals: 95 %, over subjects.")
    printed_values = [cell.printed for cell in cells if cell.printed is not None]
    marked = [value for value in printed_values if value.caveats]
    notes = [
        f"† {value.metric} of {value.dataset} is printed {', '.join(value.caveats)}: {value.note}" for value in marked
    ]
    if any(counting.frames_later for counting in countings):
        notes.append(
            "later: the label of frame i describes k' frames beginning at i, so an interval around the peak of "
            "such scores lies k'/2 too early"
        )
    print_lines(*(f"- {line}" for line in (*source.remarks, *notes)))


def _counting_in_words(counting: Counting) -> str:
    """A convention, the shift of its intervals, and the rule of choice."""
    words = [counting.convention]
    if counting.frames_later:
        words.append(f"{counting.frames_later} frames later")
    if counting.choice:
        words.append(counting.choice)
    return ", ".join(words)


DIGITS_OF_UNPRINTED = 4
"""Decimals of a score that the paper does not print."""


def _row_of_cell(cell: RescoredCell, countings: Sequence[Counting]) -> tuple[str, ...]:
    """The printed value, and the rescored one for each way to count. A dagger marks a value with caveats."""
    printed = "–"
    digits = DIGITS_OF_UNPRINTED
    if cell.printed is not None:
        digits = cell.printed.digits
        dagger = "†" if cell.printed.caveats else ""
        printed = f"{cell.printed.value:.{digits}f}{dagger}"
    shown_digits = min(digits, rescore.DIGITS)
    scores = [format_score(Score(*(cell.rescored.get(counting) or ())), shown_digits) for counting in countings]
    return (cell.dataset, cell.score, printed, *scores)


def _print(
    paper: Paper,
    table: str,
    results: Sequence[CellResult],
    request: papers.PaperRequest,
) -> None:
    """Print the measured cells, the reasons for absent ones, and remarks."""
    print_lines(paper.title, f"Table {table}: {paper.tables[table].title}", "")
    answered = [_measured_row(result) for result in results if result.run_id]
    if answered:
        print_table(
            ("method", "dataset", "score", "published", "measured", "interval", "strict rules", "why they differ"),
            answered,
        )
    gains = worth_rows(results)
    if gains:
        print_table(
            ("method", "year", "published", "leaking", "honest", "gain", "candidates", "the paper's program"),
            gains,
            "gain from selection on test subjects: UF1 over all clips",
        )
    measured = sum(result.measured is not None for result in results)
    print_lines(f"{measured} of {len(results)} cells measured.")
    if any(result.why.endswith("is not here") for result in results):
        print_lines(
            "Name the folders of your datasets under roots: in mebench.yaml, or with settings such as "
            "roots.casme2=/data/CASME2."
        )
    _print_absent_cells(results)
    if measured:
        _print_rules(paper, request)


def _print_absent_cells(results: Sequence[CellResult]) -> None:
    """Print the number of absent cells by reason and dataset."""
    absent = Counter[tuple[str, str]]()
    for result in results:
        if not result.run_id:
            reason = result.sentence or result.why.removeprefix("absent: ")
            absent[reason, result.cell.published.dataset] += 1
    for (reason, dataset), count in absent.items():
        print_lines(f"- {reason} ({dataset}, {format_count(count, 'cell')})")


def _print_rules(paper: Paper, request: papers.PaperRequest) -> None:
    """Print the rules behind the measured values, other settings, and deviations from the paper."""
    print_lines(
        f"Measured by the paper's rules (convention {paper.convention}), and the same predictions by the strict "
        "rules of mebench. Intervals: 95 %, over subjects."
    )
    settings = [*request.words]
    if request.stand_in:
        settings.append(f"stand-in: {request.stand_in}")
    if settings:
        print_lines(f"Settings that differ from the paper's: {' '.join(settings)}")
    print_lines("Deviations of this reproduction from the paper:", *(f"- {line}" for line in paper.differs))


PART_WORDS = {"true_positives": ", true positives", "all_intervals": ", all intervals"}
"""Parts of a task, as they are added to its name."""


def _measured_row(result: CellResult) -> tuple[str, ...]:
    """A published value, the measured one, its interval, and the strict one."""
    row = result.cell.published
    method = f"{row.method} ({row.method_variant})" if row.method_variant else row.method
    score = f"{row.task}{PART_WORDS.get(row.part, '')}: {find_metric(row.metric).label}"
    value, low, high = (format_number(end, row.digits, NONE) for end in result.measured or (None, None, None))
    ends = NONE if NONE in (low, high) else f"[{low}, {high}]"
    published = f"{row.value:.{row.digits}f}"
    return (
        method,
        row.dataset,
        score,
        published,
        value,
        ends,
        format_number(result.strict, row.digits, NONE),
        result.why,
    )


def worth_rows(results: Sequence[CellResult]) -> list[tuple[str, ...]]:
    """The gain of each method that selects on test subjects: UF1 over all clips.

    Returns:
        Method, year, published, leaking, honest, gain with its interval, rule, program; below them, where it is known, the
        best of several settings.
    """
    rows = []
    for result in results:
        row = result.cell.published
        worth = result.worth
        best = result.best_of
        if row.metric != "uf1" or row.member or worth is None:
            continue
        head = (row.method, str(row.year or ""), f"{row.value:.{row.digits}f}")
        sides = [format_number(score, row.digits, NONE) for score in (result.leaking, result.honest)]
        gain = _gain_in_words(worth["differences"].get("recognition.uf1", {}))
        candidates = format_span([worth["looks"]["least"], worth["looks"]["most"]])
        rows.append((*head, *sides, gain, candidates, result.cell.row.program))
        if best:
            head = (f"{row.method}, best of {best['of']} settings", "", "")
            sides = [format_number(score, row.digits, NONE) for score in (best["uf1"], best["default"])]
            program = "no paper's: the same rule, with settings"
            rows.append((*head, *sides, _gain_in_words(best["difference"]), str(best["of"]), program))
    return rows


def _gain_in_words(gain: Mapping[str, float | None]) -> str:
    """A gain with its sign and its interval."""
    value, low, high = (format_number(gain.get(end), 3, NONE, "+") for end in _ENDS)
    return f"{value} [{low}, {high}]"
