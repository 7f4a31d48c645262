"""A sheet of a workbook as the text that it would be in a file of its own."""

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path

from mebench.annotations.sheets import Sheet, read_sheets
from mebench.errors import DataError, unknown

FIRST = 3
"""Rows in which the names of the columns are looked for."""


def find_sheet(path: Path, name: str | None, named: Callable[[Sequence[str]], bool]) -> tuple[Sheet, int]:
    """The sheet that is meant, and how many the workbook has.

    Args:
        path: the workbook. Only values are read, nothing in it is run.
        name: of the sheet, in any case; None takes the only one that holds a table: others may hold notes.
        named: whether some cells name columns.

    Raises:
        DataError: no sheet or several may be meant, or what `read_sheets` raises.
    """
    sheets = read_sheets(path, "save the sheet alone as .csv and name that file")
    if name is not None:
        found = [sheet for sheet in sheets if sheet.name.casefold() == name.casefold()]
        if not found:
            raise DataError(unknown(f"sheet of {path}", name, [sheet.name for sheet in sheets]))
        return found[0], len(sheets)
    found = [sheet for sheet in sheets if any(named(row) for _, row in sheet.rows[:FIRST])] or sheets
    if not found:
        raise DataError(f"{path} is empty: it must have a line that names the columns, and a line for each row")
    if len(found) > 1:
        listed = ", ".join(sheet.name for sheet in found)
        raise DataError(f"{path} holds several tables ({listed}): name one, as in {path}:{found[0].name}")
    return found[0], len(sheets)


def text_of(sheet: Sheet) -> str:
    """Tab-separated, with an empty line for each blank row, so that lines have the numbers of the rows."""
    text, last = io.StringIO(newline=""), 0
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    for number, row in sheet.rows:
        text.write("\n" * (number - last - 1))
        writer.writerow([" ".join(cell.split()) for cell in row])
        last = number
    return text.getvalue()
