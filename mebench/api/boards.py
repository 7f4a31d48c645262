"""The board of a folder: its records, runs, published results, and the rows of every capability that is installed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, cast

import pandas as pd

from mebench.boards.board import Board
from mebench.boards.board_pages import BoardPage, board_pages
from mebench.boards.chance_rows import chance_methods
from mebench.boards.guest_tables import GuestTable
from mebench.boards.included import IncludedBoards, included_folder, place_in_board, read_included
from mebench.boards.method_names import MethodNames
from mebench.boards.named_boards import FILE as BOARDS, NamedBoard, read_named_boards
from mebench.boards.row_sources import BoardFiles, RowReader
from mebench.boards.rows import BoardTable
from mebench.boards.selection_gains import Gain
from mebench.errors import MebenchError, RunError
from mebench.intake.collect import Notify, collect_finished_runs, collect_records, unique_records
from mebench.intake.disagreements import with_doubts, with_senders
from mebench.intake.record_registry import Registry
from mebench.lazy_imports import load_lazily
from mebench.parts import is_installed
from mebench.records.matching_published import ALIASES_FILE, read_aliases
from mebench.records.published import PUBLISHED, read_published
from mebench.records.record import Record
from mebench.runs.folder import RunFolder
from mebench.shared_work import joined_team

mlflow_store = load_lazily("mebench.tracking.mlflow_store")
site_pages = load_lazily("mebench.boards.site.site_pages")
RECORDS = "records"
SOURCES = ("reproduction", "vqa")
"""The parts with rows for a board, each with a file `board_rows` and its function `read_rows`. One that is not installed gives none."""


def read_board(runs: Path, folder: Path, notify: Notify, kept: Path | None = None) -> Board:
    """Collect a board from run folders.

    Args:
        runs: folder of run folders, or `none`.
        folder: folder of records, published results and papers, such as `leaderboards`.
        notify: gets a sentence for everything that is left out.
        kept: folder of records, `records` in `folder` by default; or `none`; or `included`, the tables of the package. These are also
            taken by an installed package where there is no such folder.

    Raises:
        RunError: there is nothing to show.
    """
    if not runs.is_dir() and str(runs) != "none":
        others = (
            "included boards" if included_folder(folder / RECORDS, kept) else f"records in {kept or folder / RECORDS}"
        )
        notify(f"there is no folder {runs}: only the {others} count. Name the folder of your runs with --runs")
    return board_of(collect_finished_runs(runs, notify), str(runs), folder, notify, kept)


def board_of(found: Sequence[Record], source: str, folder: Path, notify: Notify, kept: Path | None = None) -> Board:
    """Collect a board of some runs.

    Args:
        found: the runs.
        source: the folder of the search, in words.
        folder: the folder of `read_board`; its records count too.
        notify: as in `read_board`.
        kept: as in `read_board`.

    Raises:
        MebenchError: every record of the folder was refused.
        RunError: there is nothing to show.
    """
    records_folder = kept or folder / RECORDS
    package = included_folder(folder / RECORDS, kept)
    committed = [] if package else collect_records(records_folder, notify)
    if not committed and not package:
        _check_that_no_record_is_there(records_folder)
    registry = Registry.read(folder)
    every = with_senders([*found, *committed], registry)
    records = with_doubts(unique_records(every, notify), registry)
    place = partial(place_in_board, folder, package)
    file = place(PUBLISHED)
    published = read_published(file) if file.is_file() else []
    aliases = read_aliases(place(ALIASES_FILE))
    files = BoardFiles(place, published, notify)
    given = [read_rows(files) for read_rows in _installed_readers()]
    included = read_included(package) if package else IncludedBoards()
    if not records and not package:
        nothing = f"no finished run in {source} and no record in {records_folder}"
        advice = "make one with mebench run, or name the folder of your runs with --runs"
        if not published and all(source.is_empty for source in given):
            raise RunError(f"{nothing}: {advice}")
        notify(f"{nothing}, so the page has only published values: {advice}")
    named = read_named_boards(place(BOARDS).parent)
    return Board(records, published, aliases, given, named, included)


class BoardContent(NamedTuple):
    """What is written of a board.

    Attributes:
        tables: its tables.
        gains: gains from selection on tested people.
        guests: tables with columns of their own.
        pages: the named boards.
    """

    tables: list[BoardTable]
    gains: list[Gain]
    guests: list[GuestTable]
    pages: list[BoardPage]


def make_content(board: Board, notify: Notify) -> BoardContent:
    """Tables and named boards of a board; `notify` as in `board_pages`.

    Raises:
        UnshownError: some records cannot be shown; the others can.
    """
    tables = board.make_tables()
    gains = board.compute_gains()
    names = MethodNames.from_published(board.published)
    guests = board.guest_tables()
    pages = board_pages(board.named, tables, gains, chance_methods(), names, notify, guests)
    return BoardContent(tables, gains, guests, pages)


def help_with_board(claims: str, runs: Path, folder: Path, kept: Path | None, site: bool) -> None:
    """Make slow results of a board that another process builds.

    Args:
        claims: folder of the claims of the team.
        runs: as in `read_board`.
        folder: as in `read_board`.
        kept: as in `read_board`.
        site: whether the pages of the runs are wanted, too.
    """
    with joined_team(claims), words_of_python():
        board = read_board(runs, folder, _tell_nobody, kept)
        board.render(partial(_make_ahead, site=site), _tell_nobody)


def words_of_python() -> AbstractContextManager[None]:
    """A block in which texts of tables are Python's.

    Arrow's, one by one, take a sixth of the time of a board.
    """
    return pd.option_context("mode.string_storage", "python")


def _make_ahead(board: Board, site: bool) -> None:
    """Make all that is slow in a board."""
    content = make_content(board, _tell_nobody)
    if site:
        site_pages.Site(content.tables, board.records, board.published, content.gains, content.pages).make_ahead()


def _tell_nobody(sentence: str) -> None:
    """Leave a sentence to the process that builds the board."""


def named_boards_of(folder: Path) -> list[NamedBoard]:
    """The named boards of a leaderboard's folder, or those of the package."""
    package = included_folder(folder / RECORDS, None)
    return read_named_boards(place_in_board(folder, package, BOARDS).parent)


def _installed_readers() -> list[RowReader]:
    """The function of each part with rows for a board."""
    installed = filter(is_installed, SOURCES)
    return [cast(RowReader, import_module(f"mebench.{part}.board_rows").read_rows) for part in installed]


def _check_that_no_record_is_there(records_folder: Path) -> None:
    """Refuse a folder of records of which not one counts: its tables would lose all their rows.

    Raises:
        MebenchError: the folder holds records.
    """
    refused = sorted(file.parent.name for file in records_folder.glob("[!.]*/record.json"))
    if refused:
        raise MebenchError(
            f"all {len(refused)} records in {records_folder} are left out, for the reasons above, so nothing is written. "
            "Get them again as they were published (git checkout restores committed ones), or pass --records none"
        )


def remarks_on_database(tracker: str | None, runs: Path, folder: Path) -> list[str]:
    """What a reader of a board must know about runs that only a database has; nothing where trackers are not installed.

    Args:
        tracker: the user's tracker, or None.
        runs: folder of run folders.
        folder: folder of the leaderboard.
    """
    if not is_installed("tracking"):
        return []
    return list(mlflow_store.database_remarks(tracker, str(runs), ids_there(runs, folder)))


def ids_there(runs: Path, folder: Path) -> set[str]:
    """Ids of all runs in folders, finished or not, and of all records; the arguments are those of `read_board`."""
    return {
        *(file.parent.name.partition("~v")[0] for file in (folder / RECORDS).glob("*/record.json")),
        *(run.id for run in RunFolder.list_runs(runs)),
    }
