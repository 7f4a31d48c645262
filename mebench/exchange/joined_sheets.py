"""Sheets of one workbook that are parts of one table: a sheet for each person, fold, kind or run."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mebench.annotations.names import KNOWN, plain_name
from mebench.annotations.sheets import Sheet, read_sheets
from mebench.core import Repair
from mebench.errors import list_first
from mebench.exchange.row_layouts import NAMES_OF_PARTS, NAMES_OF_PREDICTIONS, TRUTHS, names_column

MOST_SHOWN = 4
"""Sheets that a remark names."""


def join_sheets(path: Path, remedy: str) -> Sheet | None:
    """The tables of a workbook as one; None if they are not parts of one. Each row has the name of its sheet.

    Parts of one table name the same columns. Sheets called after truth and predictions are none. Lines count on through the sheets.

    Args:
        path: the workbook.
        remedy: see `read_sheets`.

    Raises:
        DataError: what `read_sheets` raises.
    """
    sheets = read_sheets(path, remedy)
    tables = [sheet for sheet in sheets if sheet.header]
    sides = {*TRUTHS, *NAMES_OF_PREDICTIONS}
    if len(tables) < 2 or any(plain_name(sheet.name) in sides for sheet in tables):
        return None
    headers = [_header_of(sheet) for sheet in tables]
    known = [{plain_name(name) for name in header} & KNOWN for header in headers]
    if not all(names == known[0] for names in known):
        return None
    columns = list(dict.fromkeys(name for header in headers for name in header if name))
    names_video = names_column("video", columns)
    part = NAMES_OF_PARTS[-1] if names_video else "video"
    rows: list[tuple[int, tuple[str, ...]]] = [(1, (part, *columns))]
    remarks = []
    for sheet, header in zip(tables, headers):
        begin = len(rows) + 1
        below = [(number, cells) for number, cells in sheet.rows if number > sheet.header]
        line_of = {number: begin + place for place, (number, _) in enumerate(below)}
        rows += [(line_of[number], (sheet.name, *_in_order(cells, header, columns))) for number, cells in below]
        remarks += [replace(remark, row=line_of.get(remark.row or 0)) for remark in sheet.remarks]
    names = list_first([sheet.name for sheet in tables], MOST_SHOWN)
    joined = f"{len(tables)} sheets are read as one table, and lines count on through them ({names})"
    if not names_video:
        joined += "; no column names the video, so the name of each sheet is read as its video"
    return Sheet(
        str(path),
        str(path),
        tuple(rows),
        (Repair(None, "all columns", "", None, joined, path.name), *remarks),
        header=1,
        held={"sheet": len(sheets)},
        left_out=tuple(part for sheet in tables for part in sheet.left_out),
        is_typed=all(sheet.is_typed for sheet in tables),
    )


def _header_of(sheet: Sheet) -> list[str]:
    """The names of the columns of a sheet."""
    cells = next(cells for number, cells in sheet.rows if number == sheet.header)
    return [cell.strip() for cell in cells]


def _in_order(cells: Sequence[str], header: Sequence[str], columns: Sequence[str]) -> list[str]:
    """The cells of a row in the order of some columns; empty where its sheet has no such column."""
    own = dict(zip(header, cells))
    return [own.get(name, "") for name in columns]
