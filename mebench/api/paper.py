"""Tables and figures of chosen runs or of a leaderboard's rows, for papers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from mebench.api.listing import leaderboards_folder
from mebench.api.run_results import Run, runs_folder
from mebench.errors import ConfigError, RunError, list_first, nearest_name, unknown
from mebench.lazy_imports import lazy_imports
from mebench.score_type import typed_scores

with lazy_imports():
    from mebench.api import boards as board_files
    from mebench.boards import (
        build,
        citations,
        included,
        paper_table,
        written_tables,
    )
    from mebench.config import spellings
    from mebench.metrics import chance
    from mebench.records import method_result, record as run_record
    from mebench.runs import folder as run_folder, scoring

if TYPE_CHECKING:
    from mebench.boards.named_boards import NamedBoard
    from mebench.boards.rows import BoardTable

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
    published: bool = False,
) -> paper_table.PaperTable:
    """Chosen runs, or rows of a leaderboard, as a table for a paper.

        mebench.table("htnet", "ststnet", "logistic").write("scores.tex")
        mebench.table("megc2019", rows=["htnet", "logistic"], metrics="uf1").latex()

    Runs that differ only in the seed are one row, the mean over seeds. Rows are tested against each other, over people. The result
    writes LaTeX, with the methods' papers as BibTeX, Markdown, CSV and a figure.

    Args:
        names: runs, by id, by the beginning of their ids (all seeds) or by folder; or one named board or table of the leaderboard.
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
        published: whether values that papers print for the board stand below the rows, with their sources and caveats.

    Raises:
        ConfigError: a metric, row, style or part is unknown, the scores do not fit the style, or no paper prints them.
        RunError: there is no such run or table, or the runs cannot share one.
    """
    if not names:
        raise ConfigError("name runs, or a table of the leaderboard")
    boards_folder = leaderboards_folder(folder)
    names = with_board_name(names, boards_folder)
    if names_board(names, boards_folder):
        made = _table_of_board(str(names[0]), boards_folder, part, as_list(rows), as_list(metrics), published)
    elif published:
        raise ConfigError(
            "published values belong to boards: name a board or table of the leaderboard, or leave out --published"
        )
    elif rows:
        raise ConfigError("rows are chosen from a table of the leaderboard; of runs, name only those that you want")
    else:
        _refuse_unknown(names, runs_folder(runs), boards_folder)
        made = _paper_table_of_runs(names, runs_folder(runs), task, part, as_list(metrics))
    return made.with_form(style, intervals, caption, label)


def check_names(names: Sequence[str | Run], runs: str = "", folder: str | Path | None = None) -> None:
    """Refuse a single name that is neither a run nor a board, before any work.

    Raises:
        RunError: it is neither.
        ConfigError: a board is named beside other words.
    """
    boards_folder = leaderboards_folder(folder)
    names = with_board_name(names, boards_folder)
    if not names_board(names, boards_folder):
        _refuse_unknown(names, runs_folder(runs), boards_folder)


def with_board_name(names: Sequence[str | Run], folder: Path) -> tuple[str | Run, ...]:
    """The words; a single one that spells a board or table, such as `MEGC 2019`, by its own name."""
    if len(names) == 1 and isinstance(names[0], str):
        return (spellings.usual_name(names[0], _list_boards(folder)) or names[0],)
    return tuple(names)


def names_board(names: Sequence[str | Run], folder: Path) -> bool:
    """Whether the words are a named board or a table of the leaderboard.

    Raises:
        ConfigError: one of several words is.
    """
    named = [name for name in names if isinstance(name, str) and name in _list_boards(folder)]
    if named and len(names) > 1:
        raise ConfigError(
            f"{named[0]} is a table of the leaderboard: name it alone and choose among its rows, or name runs"
        )
    return bool(named)


def _list_boards(folder: Path) -> list[str]:
    """Ids of the named boards, and names of all tables."""
    return [*(board.id for board in board_files.named_boards_of(folder)), *written_tables.find_written_tables(folder)]


def _folder_of(file: str, folder: Path) -> Path:
    """The folder with a file of the leaderboard: its own, or that of the package."""
    package = included.included_folder(folder / board_files.RECORDS, None)
    return included.place_in_board(folder, package, file).parent


def _table_of_board(
    name: str, folder: Path, part: str, rows: Sequence[str], metrics: Sequence[str], published: bool
) -> paper_table.PaperTable:
    """The table of a named board, or of any table of the leaderboard.

    Args:
        name: name of the board or table.
        folder: folder of the leaderboard.
        part: part of the table; that of the board, or the first, by default.
        rows: methods whose rows are taken.
        metrics: scores; those of the board by default.
        published: whether printed values are added.

    Raises:
        RunError: it has no rows of runs.
        ConfigError: a part, row or metric is unknown, or no paper prints a score.
    """
    board, table = open_board(name, folder)
    of_part = paper_table.find_part(table, part or ("" if board is None else board.part))
    lines = of_part.published if published else ()
    chosen = paper_table.select_rows(of_part, rows, () if board is None else board.leave_out, lines)
    if not chosen and not lines:
        raise no_row_error(name, table, folder, has_published=bool(of_part.published))
    if board is not None and not metrics:
        known = paper_table.metrics_with_values(of_part, chosen, lines)
        metrics = list(dict.fromkeys(word for word in (board.score, *board.columns) if word in known))
    made = paper_table.PaperTable.of_part(table, of_part, chosen, metrics, lines)
    if published:
        made = made.with_printed(lines, citations.read_sources(_folder_of(citations.SOURCES, folder)), rows)
    return made if board is None else made.with_title(board.title, board.id)


def open_board(name: str, folder: Path) -> tuple[NamedBoard | None, BoardTable]:
    """A named board with its table, or a table alone."""
    files = written_tables.find_written_tables(folder)
    board = {board.id: board for board in board_files.named_boards_of(folder)}.get(name)
    if board is None:
        return None, written_tables.read_written_table(files[name])
    return board, written_tables.find_table_of_board(board, files)


def no_row_error(name: str, table: BoardTable, folder: Path, has_published: bool) -> RunError:
    """The refusal of a table that holds only answers of others."""
    file = written_tables.find_written_tables(folder)[table.name]
    advice = f"its LaTeX is {file.with_suffix('.tex')}"
    if has_published:
        advice += ", and --published takes the values that papers print"
    return RunError(f"{name} has no row of a run, only answers of others that were scored again: {advice}")


def _refuse_unknown(names: Sequence[str | Run], runs: str, folder: Path) -> None:
    """Refuse a single word that names neither a run nor a board.

    Raises:
        RunError: it is one.
    """
    word = names[0]
    if len(names) > 1 or not isinstance(word, str):
        return
    try:
        run_folder.RunFolder.open_all_seeds(runs, word)
    except RunError as error:
        every = _list_boards(folder)
        if "begin with" in str(error) or not every:
            raise
        near = [name for name in every if word in name]
        if not near:
            meant = nearest_name(word, spellings.meant_names(word, every), cutoff=0.75)
            hint = "" if meant is None else f"Is the board {meant!r} meant? "
            raise RunError(f"{error}. {hint}Boards: {list_first(every, MOST_BOARDS)}") from error
        raise RunError(unknown("run or board", word, near, f"Boards: {', '.join(near[:3])}")) from error


MOST_BOARDS = 15
"""Most boards that a refusal names: named boards come first."""


def _paper_table_of_runs(
    names: Sequence[str | Run], runs: str, task: str, part: str, metrics: Sequence[str]
) -> paper_table.PaperTable:
    """The table of some runs, tested against each other, with the levels of chance.

    Raises:
        RunError: there is no such run, or the runs share no table.
        ConfigError: a part or metric is unknown.
    """
    records = read_records(names, runs)
    found = paper_table.select_table(build.build_tables(records), [record.id for record in records], task)
    of_part = paper_table.find_part(found, part)
    rows = [row for row in of_part.rows if not row.member]
    made = paper_table.PaperTable.of_part(found, of_part, rows, metrics)
    if found.task != "recognition":
        return made
    first = records[0]
    tables = scoring.read_tables(run_folder.RunFolder(first.folder))
    level = chance.recognition_chance(tables, first.about["classes"], first.convention)
    scores = typed_scores({metric: level[metric] for metric in made.metrics if metric in level})
    return made.with_level_of_chance(f"Always {level['class']}, the most frequent class", scores)


def read_records(names: Sequence[str | Run], runs: str) -> list[run_record.Record]:
    """The records of some runs, each once.

    Raises:
        RunError: there is no such run.
    """
    folders = []
    for name in names:
        if isinstance(name, Run):
            folders.append(name.folder)
        else:
            folders += [folder for result in method_result.open_results(runs, name) for folder in result.folders]
    once = {folder.path.resolve(): folder for folder in folders}
    return [run_record.read_record(folder) for folder in once.values()]


def as_list(words: Words) -> list[str]:
    """Words as a list; commas separate those of one text."""
    return [word.strip() for word in words.split(",")] if isinstance(words, str) and words else list(words)
