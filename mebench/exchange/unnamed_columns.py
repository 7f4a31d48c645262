"""Names for columns without a header, by what their cells look like."""

from collections.abc import Iterator, Sequence

from mebench.annotations.names import BLANK, kind_of
from mebench.annotations.sheets import Sheet, sheet_from_rows
from mebench.annotations.text import SEPARATORS
from mebench.exchange.printed_rows import NUMBER
from mebench.exchange.value_sheets import FEWEST_CELLS

Column = Sequence[str]
"""The cells of a column, without surrounding blanks."""


def with_column_names(sheet: Sheet) -> tuple[Sheet, str] | None:
    r"""Rows of intervals without column names, with names added, and these in words; None for other rows.

    The first cell names the video, or the first two the subject and the video; the first two numbers are onset and
    offset, with the apex between them if three whole numbers increase in every row that has any; a word is the kind or the
    label; the last number is the confidence.

    >>> from mebench.annotations.sheets import sheet_from_text
    >>> with_column_names(sheet_from_text("a 1.5 2.5 micro 0.5\nb 3 4 macro 0.25\n", "", "it"))[1]
    'video, onset, offset, kind, confidence'
    """
    for rows in _rows_by_separator(sheet):
        width = len(rows[0])
        if width < FEWEST_CELLS or any(len(row) != width for row in rows):
            continue
        columns = [[cell.strip() for cell in column] for column in zip(*rows)]
        names = _names_of_columns(columns)
        if names is not None and len(set(names)) == width:
            return sheet_from_rows(sheet.file, names, zip(*columns)), ", ".join(names)
    return None


def _rows_by_separator(sheet: Sheet) -> Iterator[list[list[str]]]:
    """The cells of the lines, split at each separator in turn; of a workbook only its cells."""
    lines = [line for line in sheet.text.splitlines() if line.strip()]
    if not lines:
        yield [list(cells) for _, cells in sheet.rows]
        return
    for separator in SEPARATORS:
        yield [line.split(None if separator == " " else separator) for line in lines]


def _names_of_columns(columns: Sequence[Column]) -> list[str] | None:
    """The name of each column; None if fewer than two hold numbers."""
    is_numeric = [all(NUMBER.fullmatch(cell) or _is_blank(cell) for cell in column) for column in columns]
    after_first = range(1, len(columns))
    numbers = [place for place in after_first if is_numeric[place]]
    words = [place for place in after_first if not is_numeric[place]]
    if len(numbers) < 2:
        return None
    names = {0: "video"}
    if words[:1] == [1]:
        names = {0: "subject", 1: "video"}
        words = words[1:]
    has_apex = len(numbers) > 2 and _rise([columns[place] for place in numbers[:3]])
    frames = ("onset", "apex", "offset") if has_apex else ("onset", "offset")
    names |= dict(zip(numbers, frames))
    for place in words[:2]:
        names[place] = "kind" if all(kind_of(cell) for cell in columns[place]) else "label"
    if len(numbers) > len(frames):
        names[numbers[-1]] = "confidence"
    return [names.get(place, f"column {place + 1}") for place in range(len(columns))]


def _rise(columns: Sequence[Column]) -> bool:
    """Whether the frames of three columns increase in every row; a row of blanks is a video without expressions."""
    for cells in zip(*columns):
        if all(_is_blank(cell) for cell in cells):
            continue
        if not all(cell.isdigit() for cell in cells):
            return False
        onset, apex, offset = map(int, cells)
        if not onset <= apex <= offset:
            return False
    return True


def _is_blank(cell: str) -> bool:
    """Whether a cell says that there is nothing."""
    return cell.casefold() in BLANK
