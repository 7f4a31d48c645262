"""A value from JSON, NumPy or a pickle as a sheet of rows."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mebench.account import LeftOut
from mebench.annotations.sheets import Sheet, sheet_from_rows, sheet_from_text
from mebench.core import Repair
from mebench.errors import list_first
from mebench.exchange.pandas_labels import headers_of
from mebench.exchange.row_layouts import INTERVAL_CELLS, ReadRow, is_nested, parts_without_rows, rows_by_layout
from mebench.output.terminal import format_count

MOST_NAMES = 5
"""Names that a remark lists; further ones are counted."""
FEWEST_CELLS = 3
"""The cells that locate an interval: its video, onset and offset."""


def sheet_of_value(value: Any, name: str) -> Sheet | None:
    """The rows of a value as a sheet; None if no part of it looks like rows.

    Lists of more cells than an interval has become lines of text without names of columns.

    Args:
        value: lists, dicts, numbers and text.
        name: name of the sheet in messages.
    """
    if isinstance(value, list) and value and _are_flat_lists(value):
        return _sheet_of_lines(value, name)
    if isinstance(value, Mapping):
        lines = _lines_of_long_rows(value)
        if lines:
            return _sheet_of_lines(lines, name)
    rows, layout = rows_by_layout(value)
    if not rows:
        return None
    sheet = sheet_of_rows(name, rows)
    return with_unread_parts(sheet, value, parts_without_rows(value, layout))


def with_unread_parts(sheet: Sheet, value: Any, unread: Sequence[str]) -> Sheet:
    """The sheet with an account of the names in an object."""
    if not isinstance(value, Mapping):
        return sheet
    held = len(value) + sum("." in name and name not in value for name in unread)
    counted = {**sheet.held, "name": held}
    if not unread:
        return replace(sheet, held=counted)
    names = list_first(unread, MOST_NAMES)
    remark = Repair(
        None, "all columns", "", None, f"{format_count(len(unread), 'part')} without rows not read: {names}", sheet.file
    )
    left_out = LeftOut("name", len(unread), "a part without rows", names)
    return replace(sheet, held=counted, remarks=(*sheet.remarks, remark), left_out=(*sheet.left_out, left_out))


def with_joined_names(sheet: Sheet, joined: Iterable[str]) -> Sheet:
    """The sheet with a remark on names that were written twice, whose entries were joined."""
    names = list(dict.fromkeys(joined))
    if not names:
        return sheet
    verb = "is" if len(names) == 1 else "are"
    reason = f"{list_first(names, MOST_NAMES)} {verb} written twice in one object: the entries are joined"
    return replace(sheet, remarks=(*sheet.remarks, Repair(None, "all columns", "", None, reason, sheet.file)))


def sheet_of_rows(name: str, rows: Sequence[ReadRow]) -> Sheet:
    """Rows as a sheet of that name, with every column that occurs."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    return sheet_from_rows(name, headers_of(columns), ([row.get(column) for column in columns] for row in rows))


def _sheet_of_lines(lines: Sequence[Sequence[Any]], name: str) -> Sheet | None:
    """Lists of cells as a table of text; None if they have fewer cells than locate an interval."""
    if len(lines[0]) < FEWEST_CELLS:
        return None
    text = "".join("\t".join(map(str, cells)) + "\n" for cells in lines)
    return sheet_from_text(text, "", name)


def _lines_of_long_rows(value: Mapping[str, Any]) -> list[list[Any]]:
    """The rows with more cells than onset, offset and confidence.

    They are those of each video, or of a single array; a video without any has a row of blanks. Empty if there are none.

    >>> _lines_of_long_rows({"a": [[3, 5.0, 9]], "b": []}), _lines_of_long_rows({"a": [[3, 9, 0.5]]})
    ([['a', 3, 5, 9], ['b', '-', '-', '-']], [])
    """
    if not all(isinstance(part, list) for part in value.values()):
        return []
    rows = [row for table in value.values() for row in table]
    if not rows or not _are_flat_lists(rows):
        return []
    begin_with_videos = all(row and isinstance(row[0], str) for row in rows)
    if begin_with_videos and all(len(row) >= FEWEST_CELLS for row in rows):
        return [[name, *map(_whole, row)] for name, part in value.items() for row in part]
    if any(isinstance(cell, str) for row in rows for cell in row):
        return []
    # The cell between onset and offset is an apex if all three rise.
    have_apex = all(len(row) == len(INTERVAL_CELLS) and row == sorted(map(_whole, row)) for row in rows)
    if not have_apex and all(len(row) <= len(INTERVAL_CELLS) for row in rows):
        return []
    if _is_single_array(value, rows[0]):
        return rows
    nothing = ["-"] * len(rows[0])
    return [[video, *map(_whole, row)] for video, part in value.items() for row in part or [nothing]]


def _is_single_array(value: Mapping[str, Any], first_row: Sequence[Any]) -> bool:
    """Whether the only part is an array whose name is no video."""
    if len(value) > 1:
        return False
    (name,) = value
    return re.fullmatch(r"arr_\d+", name) is not None or any(isinstance(cell, str) for cell in first_row)


def _whole(number: Any) -> Any:
    """An int for a float without a fraction; anything else unchanged."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _are_flat_lists(rows: Iterable[Any]) -> bool:
    """Whether all rows are lists of plain cells."""
    return all(isinstance(row, list) and not is_nested(row) for row in rows)
