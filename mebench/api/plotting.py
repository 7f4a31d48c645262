"""Figures of chosen runs or of a board's rows, in one style: scores, pairs, significance, several datasets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.api import paper
from mebench.api.listing import leaderboards_folder
from mebench.api.run_results import Run, runs_folder
from mebench.errors import ConfigError, RunError, check_known
from mebench.lazy_imports import lazy_imports

with lazy_imports():
    from mebench.api import boards as board_files, score_files
    from mebench.boards import build, comparison_plots, paper_table, setting_notes, several_datasets
    from mebench.config import registry
    from mebench.records import record as run_record
    from mebench.reports import compare_runs, plots, score_plots
    from mebench.runs import folder as run_folder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mebench.boards.comparison_plots import MetaAnalysis
    from mebench.boards.rows import BoardRow, BoardTable, Part
    from mebench.records.record import Record

KINDS = {
    "scores": "scores with their intervals",
    "paired": "the difference of two runs or rows, person by person",
    "significance": "which rows differ, pair by pair",
    "meta-analysis": "how far two methods differ over several datasets",
}
"""The kinds of figures, with what each shows."""
CONVENTION = "strict"
"""The rules under which a pair is scored, as `mebench compare` does by default."""


@dataclass(frozen=True)
class Drawing:
    """A figure and what it shows.

    Attributes:
        figure: the figure.
        data: content of the figure as data for JSON.
    """

    figure: Figure
    data: dict[str, Any]


def plot(
    *names: str | Run,
    kind: str = "scores",
    target: str | Path | None = None,
    metrics: paper.Words = (),
    rows: paper.Words = (),
    task: str = "",
    part: str = "",
    runs: str = "",
    folder: str | Path | None = None,
    published: bool = False,
) -> Figure:
    """Plot chosen runs, or rows of a board.

        mebench.plot("megc2019", metrics="uf1")
        mebench.plot("megc2019", kind="significance")
        mebench.plot(first_run, second_run, kind="paired", target="people.pdf")
        mebench.plot("megc2019", rows=["htnet", "logistic"], kind="meta-analysis")

    Args:
        names: runs or one board, as for `table`; for a meta-analysis the runs of two methods on several datasets.
        kind: `scores`; `paired` and `meta-analysis`, which compare two; or `significance`.
        target: file of the figure, which ends in `.png`, `.svg` or `.pdf`; none by default.
        metrics: scores, see `table`; of a pair the first one says whether clips or intervals are compared.
        rows: methods whose rows are taken from a board, see `table`.
        task: `spotting`, `analysis` or `recognition`, for runs that do several.
        part: part of the table, see `table`.
        runs: folder of the runs; that of the user's file, or `runs`, if left out.
        folder: folder of the leaderboard, see `table`.
        published: whether values that papers print are added to the scores of a board.

    Raises:
        ConfigError: the kind, a metric or a row is unknown, or the kind needs another number of runs or rows.
        RunError: there is no such run or board, the runs cannot be compared, or a board's records are not here.
    """
    drawing = draw(
        names,
        kind,
        metrics=metrics,
        rows=rows,
        task=task,
        part=part,
        runs=runs,
        folder=folder,
        published=published,
    )
    if target is not None:
        score_plots.save_figure(drawing.figure, target)
    return plots.notebook_figure(drawing.figure)


def draw(names: Sequence[str | Run], kind: str = "scores", **chosen: Any) -> Drawing:
    """A figure with its data; the arguments are those of `plot`."""
    check_known("kind", kind, KINDS)
    names = paper.with_board_name(names, leaderboards_folder(chosen["folder"]))
    if chosen.get("published") and kind != "scores":
        raise ConfigError(
            f"values in print have no answers of people, so a plot of {kind} cannot hold them: leave out --published"
        )
    if kind == "paired":
        return _draw_pair(names, chosen)
    if kind == "meta-analysis":
        return _draw_meta_analysis(names, chosen)
    made = paper.table(*names, **chosen)
    return Drawing(made.plot(kind=kind), made.plain())


def _draw_pair(names: Sequence[str | Run], chosen: dict[str, Any]) -> Drawing:
    """The difference of two runs or rows, person by person."""
    metrics = paper.as_list(chosen["metrics"])
    leaderboards = leaderboards_folder(chosen["folder"])
    if not paper.names_board(names, leaderboards):
        if len(names) != 2:
            raise ConfigError(
                f"a paired plot shows two runs, not {len(names)}: name two, or a board and two of its rows"
            )
        compared = score_files.compare(*names, runs=chosen["runs"], metrics=metrics)
    else:
        _, _, rows = _two_rows(str(names[0]), leaderboards, chosen)
        first, second = (
            compare_runs.Side.of_runs([_record_folder(leaderboards, run) for run in row.runs], row.method)
            for row in rows
        )
        found = compare_runs.compare_sides(first, second, CONVENTION, metrics)
        compared = score_files.Comparison(found, (first, second), CONVENTION, None)
    return Drawing(compared.plot(), compared.summary)


def _draw_meta_analysis(names: Sequence[str | Run], chosen: dict[str, Any]) -> Drawing:
    """How far two methods differ over several datasets."""
    leaderboards = leaderboards_folder(chosen["folder"])
    if paper.names_board(names, leaderboards):
        table, _, rows = _two_rows(str(names[0]), leaderboards, chosen)
        records = [run_record.read_record(_record_folder(leaderboards, run)) for row in rows for run in row.runs]
        methods = [row.method for row in rows]
        analysis = _analyse([table], records, methods, table.task)
    else:
        records = paper.read_records(names, runs_folder(chosen["runs"]))
        tables = build.build_tables(records)
        analysis = _analyse(tables, records, _methods_of(records, tables), chosen["task"])
    return Drawing(analysis.draw(), analysis.plain())


def _two_rows(name: str, leaderboards: Path, chosen: dict[str, Any]) -> tuple[BoardTable, Part, list[BoardRow]]:
    """The table and part of a board, and its two compared rows.

    They stand in the order in which they are named.

    Raises:
        ConfigError: other than two rows are chosen.
    """
    board, table = paper.open_board(name, leaderboards)
    part = paper_table.find_part(table, chosen["part"] or ("" if board is None else board.part))
    words = paper.as_list(chosen["rows"])
    left_out = () if board is None else board.leave_out
    rows = paper_table.select_rows(part, words, left_out)
    if words:  # in the order of the words, one after the other
        rows = list({id(row): row for word in words for row in paper_table.select_rows(part, [word])}.values())
    if not part.rows:
        raise paper.no_row_error(name, table, leaderboards, has_published=bool(part.published))
    if len(rows) != 2:
        known = ", ".join(dict.fromkeys(row.method for row in paper_table.select_rows(part, (), left_out)))
        raise ConfigError(
            f"two rows are compared, and {len(rows)} are chosen from {name}: name two with --row METHOD (rows=); its methods are {known}"
        )
    return table, part, rows


def _record_folder(leaderboards: Path, run: str) -> run_folder.RunFolder:
    """The record of a board's run.

    Raises:
        RunError: it is not here, as in an installed package, which brings tables alone.
    """
    records = leaderboards / board_files.RECORDS
    versions = [records / run, *sorted(records.glob(f"{run}~v*"), key=lambda path: (len(path.name), path.name))]
    there = [path for path in versions if (path / "record.json").is_file()]
    if not there:
        raise RunError(
            f"the answers of {run} are not in {records}, and this figure needs them: take the folder of a checkout with "
            "--leaderboards FOLDER (folder=), or compare runs of your own"
        )
    return run_folder.RunFolder(there[-1])


def _methods_of(records: Sequence[Record], tables: Sequence[BoardTable]) -> list[str]:
    """The methods of runs, in the order of the runs; the two that are compared.

    Raises:
        ConfigError: they are not two.
    """
    rows = [row for table in tables for row in table.parts[0].rows if row.measured]
    method_of = {run: row.method for row in rows for run in row.runs}
    methods = list(dict.fromkeys(method_of[record.id] for record in records if record.id in method_of))
    if len(methods) != 2:
        raise ConfigError(
            f"a meta-analysis compares two methods, and the runs are of {len(methods)} ({', '.join(methods)}): name the runs of two"
        )
    return methods


def _analyse(
    tables: Sequence[BoardTable], records: Sequence[Record], methods: Sequence[str], task: str
) -> MetaAnalysis:
    """The differences of two methods on each dataset.

    Args:
        tables: tables of their runs.
        records: the records of these.
        methods: the two methods.
        task: task that is compared; the first one with most datasets by default.

    Raises:
        RunError: they share fewer than two datasets with other people in each.
    """
    first, second = methods
    found = [
        (of_task, one, same)
        for (of_task, one, other), same in several_datasets.compare_on_datasets(tables, records).items()
        if {one, other} == {first, second} and task in ("", of_task)
    ]
    of_task, sorted_first, same = max(found, key=lambda pair: len(pair[2]), default=("", first, []))
    if len(same) < 2:
        datasets = ", ".join(one.dataset for one in same) or "none"
        raise RunError(
            f"a meta-analysis needs two datasets with other people in each, and {first} and {second} share {datasets}: "
            "run both on more datasets, or name a board of several"
        )
    titles = {name: dataset.title for name, dataset in registry.list_plugins("dataset").items() if dataset.title}
    effects = tuple(
        comparison_plots.DatasetEffect(
            titles.get(one.dataset, one.dataset), one.beats if sorted_first == first else 1 - one.beats, len(one.people)
        )
        for one in same
    )
    names = [paper_table.title_of_row(method) for method in methods]
    return comparison_plots.MetaAnalysis(names[0], names[1], of_task, effects, _notes_on(tables, methods, names))


def _notes_on(tables: Sequence[BoardTable], methods: Sequence[str], titles: Sequence[str]) -> tuple[str, ...]:
    """The settings of each method that are not its defaults, of its best rows."""
    best = [row for table in tables for row in _best_rows(table, methods)]
    notes: dict[str, None] = {}
    for row, note in zip(best, setting_notes.note_settings(best)):
        if note:
            notes[f"{titles[methods.index(row.method)]}: {note}"] = None
    return tuple(notes)


def _best_rows(table: BoardTable, methods: Sequence[str]) -> list[BoardRow]:
    """The first ranked row of each method in a table."""
    best: dict[str, BoardRow] = {}
    for row in table.parts[0].rows:
        if row.ranks:
            best.setdefault(row.method, row)
    return [best[method] for method in methods if method in best]
