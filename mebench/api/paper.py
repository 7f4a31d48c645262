"""Tables and figures of chosen runs or of a leaderboard's rows, for papers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from mebench import boards, records, runs as run_files
from mebench.api.listing import leaderboards_folder
from mebench.api.run_results import Run, runs_folder
from mebench.errors import ConfigError, RunError, unknown

Words: TypeAlias = "str | Sequence[str]"


def table(
    *names: str | Run,
    metrics: Words = (),
    rows: Words = (),
    task: str = "",
    part: str = "",
    style: str = "article",
    intervals: str = "below",
    caption: str = "",
    label: str = "",
    runs: str = "",
    folder: str | Path | None = None,
) -> boards.paper_table.PaperTable:
    """Chosen runs, or rows of a leaderboard, as a table for a paper.

        mebench.table("htnet", "ststnet", "logistic").write("scores.tex")
        mebench.table("recognition-megc2019_flow-loso", rows=["htnet", "logistic"], metrics="uf1").latex()

    Runs that differ only in the seed are one row, the mean over seeds. Rows are tested against each other, over people. The result
    writes LaTeX, with the methods' papers as BibTeX, Markdown, CSV and a figure.

    Args:
        names: runs, by id, by the beginning of their ids (all seeds) or by folder; or the name of one table of the leaderboard.
        metrics: scores, such as `uf1` or `["f1", "precision"]`; the first one sorts, by default three of the table.
        rows: methods whose rows are taken from a leaderboard's table, by id or title; by default all with a rank.
        task: `spotting`, `analysis` or `recognition`, for runs that do several.
        part: part of the table, such as `micro`, `macro` or `true positives`.
        style: `article`, or `ieee` for one column of two.
        intervals: `below` the scores, `pm` for ± half the width, or `none`.
        caption: caption in LaTeX; made of what the rows share by default.
        label: label in LaTeX.
        runs: folder of the runs; that of the user's file, or `runs`, if left out.
        folder: folder of the leaderboard; by default `leaderboards` here, in the checkout, or in the installed package.

    Raises:
        ConfigError: a metric, row, style or part is unknown, or the scores do not fit the style.
        RunError: there is no such run or table, or the runs cannot share one.
    """
    if not names:
        raise ConfigError("name runs, or a table of the leaderboard")
    board = _find_board(names, runs_folder(runs), leaderboards_folder(folder))
    if board is None:
        if rows:
            raise ConfigError("rows are chosen from a table of the leaderboard; of runs, name only those that you want")
        found = _table_of_runs(names, runs_folder(runs), task)
        of_part = boards.paper_table.find_part(found, part)
        chosen = [row for row in of_part.rows if row.measured and not row.member]
    else:
        found = boards.written_tables.read_written_table(board)
        of_part = boards.paper_table.find_part(found, part)
        chosen = boards.paper_table.select_rows(of_part, _as_list(rows))
    made = boards.paper_table.PaperTable.of_part(found, of_part, chosen, _as_list(metrics))
    return made.with_form(style, intervals, caption, label)


def _find_board(names: Sequence[str | Run], runs: str, folder: Path) -> Path | None:
    """The file of the table that a single word names; None if the words are runs.

    Raises:
        RunError: a single word names neither a table nor a run.
        ConfigError: one of several words names a table.
    """
    known = boards.written_tables.find_written_tables(folder)
    named = [str(name) for name in names if isinstance(name, str) and name in known]
    if named and len(names) > 1:
        raise ConfigError(
            f"{named[0]} is a table of the leaderboard: name it alone and choose among its rows, or name runs"
        )
    if named:
        return known[named[0]]
    first = names[0]
    if len(names) == 1 and isinstance(first, str):
        _refuse_unknown(first, runs, list(known))
    return None


def _refuse_unknown(word: str, runs: str, tables: Sequence[str]) -> None:
    """Refuse a word that names neither a run nor a table."""
    try:
        run_files.folder.RunFolder.several(runs, word)
    except RunError as error:
        near = [name for name in tables if word in name]
        if "begin with" in str(error) or not near:
            raise
        raise RunError(unknown("run or table", word, near, f"Tables: {', '.join(near[:3])}")) from error


def _table_of_runs(names: Sequence[str | Run], runs: str, task: str) -> boards.rows.BoardTable:
    """The table of some runs, tested against each other.

    Raises:
        RunError: there is no such run, or the runs share no table.
    """
    folders = []
    for name in names:
        folders += [name.folder] if isinstance(name, Run) else run_files.folder.RunFolder.several(runs, name)
    once = {folder.path.resolve(): folder for folder in folders}
    found = [records.record.read(folder) for folder in once.values()]
    return boards.paper_table.select_table(boards.build.build(found), [record.id for record in found], task)


def _as_list(words: Words) -> list[str]:
    """Words as a list; commas separate those of one text."""
    return [word.strip() for word in words.split(",")] if isinstance(words, str) and words else list(words)
