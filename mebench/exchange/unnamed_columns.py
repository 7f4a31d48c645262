"""Names for columns without a header, by what their cells look like."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mebench.annotations.names import BLANK, DATABASES, kind_of, plain_name
from mebench.annotations.sheets import Sheet
from mebench.annotations.text import PASSED, SEPARATORS, lines_of
from mebench.exchange.printed_rows import NUMBER
from mebench.exchange.value_sheets import FEWEST_CELLS

Column = Sequence[str]
"""The cells of a column, without surrounding blanks."""
MOST_IDS = 3
"""Most columns that name a video: dataset, subject, video."""
FEWEST_CLIP_CELLS = 2
"""The cells that answer a clip: its video and its class."""
NO_CONFIDENCE = (
    "the last numbers are not read: they are whole or equal, so they may be classes. If they are confidences, name the "
    "columns in a first line"
)


@dataclass(frozen=True)
class NamedSheet:
    """Rows without a header, with names added.

    Attributes:
        sheet: the rows with names.
        names: the names in words.
        doubt: a sentence on a column that was not read though its place suggests it; empty if there is none.
    """

    sheet: Sheet
    names: str
    doubt: str = ""


def with_column_names(sheet: Sheet, clips: bool = False) -> NamedSheet | None:
    r"""Rows without column names, with names added; None for rows whose cells do not say what they are.

    Of intervals the first cell names the video, or the first two or three also subject and dataset; the first two numbers are onset
    and offset, with the apex between them if three whole numbers increase in every row that has any; a word is the kind or the
    label; the last number is the confidence, if the values differ and some are no whole numbers.

    Args:
        sheet: the rows.
        clips: whether they are classes of given clips: names of the clip, and its class in the last cell, or before a probability.

    >>> from mebench.annotations.sheets import sheet_from_text
    >>> with_column_names(sheet_from_text("a 1.5 2.5 micro 0.5\nb 3 4 macro 0.25\n", "", "it")).names
    'video, onset, offset, kind, confidence'
    >>> with_column_names(sheet_from_text("casme2,s1,a,1\nsamm,006,b,0\n", "", "it"), clips=True).names
    'dataset, subject, video, label'
    """
    fewest = FEWEST_CLIP_CELLS if clips else FEWEST_CELLS
    lines = _lines_with_content(sheet.text)
    numbers = [number for number, _ in lines or sheet.rows]
    name_columns = _names_of_clip_columns if clips else _names_of_columns
    for separator, rows in _rows_by_separator(sheet, [line for _, line in lines]):
        if not _is_rectangle(rows, fewest):
            continue
        columns = [[cell.strip() for cell in column] for column in zip(*rows)]
        names = name_columns(columns)
        if names is not None and len(set(names)) == len(columns):
            lacks_confidence = not clips and _is_unnamed_number(names[-1], columns[-1])
            doubt = NO_CONFIDENCE if lacks_confidence else ""
            # Row 0 holds the names, which no line of the file does.
            named = ((0, tuple(names)), *zip(numbers, zip(*columns)))
            return NamedSheet(Sheet(sheet.file, sheet.file, named, separator=separator), ", ".join(names), doubt)
    return None


def _is_rectangle(rows: Sequence[Sequence[str]], fewest: int) -> bool:
    """Whether all rows have the same number of cells, at least `fewest`."""
    widths = {len(row) for row in rows}
    return len(widths) == 1 and min(widths) >= fewest


def _lines_with_content(text: str) -> list[tuple[int, str]]:
    """Number and text of each filled line, without remarks above the first row."""
    filled = [(number, line.strip("\r\n")) for number, line in enumerate(lines_of(text), 1) if line.strip()]
    n_remarks = next((n for n, (_, line) in enumerate(filled) if not PASSED.match(line)), 0)
    return filled[n_remarks:]


def _rows_by_separator(sheet: Sheet, lines: Sequence[str]) -> Iterator[tuple[str, list[list[str]]]]:
    """The cells of the lines, split at each separator in turn; of a workbook only its cells."""
    if not lines:
        yield sheet.separator, [list(cells) for _, cells in sheet.rows]
        return
    for separator in SEPARATORS:
        mark = None if separator == " " else separator  # any space
        yield separator, [line.split(mark) for line in lines]


def _names_of_columns(columns: Sequence[Column]) -> list[str] | None:
    """The name of each column of intervals; None if fewer than two hold numbers."""
    after_first = range(1, len(columns))
    numbers = [position for position in after_first if _is_numeric(columns[position])]
    words = [position for position in after_first if position not in numbers]
    if len(numbers) < 2:
        return None
    ids = _names_of_ids(columns, n_leading_words(words))
    names = dict(enumerate(ids))
    names |= _names_of_numbers(columns, numbers)
    words_after_ids = [position for position in words if position >= len(ids)]
    for position in words_after_ids[:2]:
        holds_kinds = all(kind_of(cell) for cell in columns[position])
        names[position] = "kind" if holds_kinds else "label"
    return [names.get(position, _unnamed(position)) for position in range(len(columns))]


def _names_of_numbers(columns: Sequence[Column], numbers: Sequence[int]) -> dict[int, str]:
    """The names of frames and of a confidence, by position, in columns that hold numbers."""
    has_apex = len(numbers) > 2 and _rise([columns[position] for position in numbers[:3]])
    frames = ("onset", "apex", "offset") if has_apex else ("onset", "offset")
    names = dict(zip(numbers, frames))
    last = numbers[-1]
    if len(numbers) > len(frames) and looks_like_confidence(columns[last]):
        names[last] = "confidence"
    return names


def _names_of_clip_columns(columns: Sequence[Column]) -> list[str] | None:
    """The name of each column of clips; None if no column can be the class."""
    last = len(columns) - 1
    names: dict[int, str] = {}
    if _is_numeric(columns[last]) and looks_like_confidence(columns[last]):
        names[last] = "confidence"
        last -= 1
    if last < 1:
        return None
    names[last] = "label"
    words = [position for position in range(1, last) if not _is_numeric(columns[position])]
    ids = _names_of_ids(columns, n_leading_words(words))
    numbers = range(len(ids), last)
    if not all(_is_numeric(columns[position]) for position in numbers):
        return None
    names |= dict(enumerate(ids))
    frames = {1: ("onset",), 2: ("onset", "offset"), 3: ("onset", "apex", "offset")}.get(len(numbers), ())
    names |= dict(zip(numbers, frames))
    return [names.get(position, _unnamed(position)) for position in range(len(columns))]


def n_leading_words(words: Sequence[int]) -> int:
    """Number of columns at the beginning of a row, after the first, that hold words.

    >>> n_leading_words([1, 2, 5]), n_leading_words([3])
    (2, 0)
    """
    n = 0
    while n < len(words) and words[n] == n + 1:
        n += 1
    return n


def _names_of_ids(columns: Sequence[Column], n_words: int) -> tuple[str, ...]:
    """The names of the first columns, which say whose video it is. Only databases of the field are read as the dataset."""
    names_databases = {plain_name(cell) for cell in columns[0]} <= DATABASES
    if names_databases and n_words >= MOST_IDS - 1:
        return ("dataset", "subject", "video")
    if n_words >= 1:
        return ("subject", "video")
    return ("video",)


def looks_like_confidence(column: Column) -> bool:
    """Whether numbers may be confidences: some are no whole numbers, and they differ unless there is only one.

    >>> looks_like_confidence(["0.9", "0.25"]), looks_like_confidence(["1", "4"]), looks_like_confidence(["0.5", "0.5"])
    (True, False, False)
    """
    filled = [cell for cell in column if not _is_blank(cell)]
    has_fraction = any(not float(cell).is_integer() for cell in filled)
    return has_fraction and (len(filled) == 1 or len({float(cell) for cell in filled}) > 1)


def _unnamed(position: int) -> str:
    """The name of a column that is not read."""
    return f"column {position + 1}"


def _is_unnamed_number(name: str, column: Column) -> bool:
    """Whether a column of numbers is not read."""
    return name.startswith("column ") and _is_numeric(column)


def _is_numeric(column: Column) -> bool:
    """Whether all cells are numbers or say that there is nothing."""
    return all(NUMBER.fullmatch(cell) or _is_blank(cell) for cell in column)


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
