"""Spreadsheets and tables of text as plain rows of text. Nothing in a file is run, and nothing huge is opened."""

import io
import re
import warnings
import zipfile
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property, lru_cache, partial
from itertools import compress, islice, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from mebench.account import LeftOut
from mebench.annotations.names import names_columns
from mebench.annotations.ods import OdsSheet, check_expansion, check_ods
from mebench.annotations.text import HEADER_WITHIN, SEPARATORS, decode_text, header_of, lines_of, visible_text
from mebench.core import Repair
from mebench.errors import DataError, list_first, refused_by_system, unknown
from mebench.files import open_plain
from mebench.lazy_imports import load_lazily
from mebench.limits import (
    SHEET_BYTES,
    SHEET_COLUMNS,
    SHEET_LINES,
    SHEET_ROWS,
    SHEET_XML_BYTES,
    SHEETS,
    TEXT_TABLE_COLUMNS,
    TEXT_TABLE_LINES,
)
from mebench.output.terminal import format_count

if TYPE_CHECKING:
    import openpyxl
    import pandas as pd
    import pyarrow as pa
    import xlrd
    from pyarrow import csv as arrow_csv
else:
    arrow_csv = load_lazily("pyarrow.csv")
    openpyxl = load_lazily("openpyxl")
    pa = load_lazily("pyarrow")
    pd = load_lazily("pandas")
    xlrd = load_lazily("xlrd")

SUFFIXES = (".xlsx", ".xlsm", ".xls", ".csv", ".tsv")
"""File names that may hold annotations."""

_ODS = b"application/vnd.oasis.opendocument.spreadsheet"
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OTHER = "give the sheet of the dataset with dataset.annotations=FILE"

DATE = re.compile(r"(\d{1,4})[-/.](\d{1,2}|[A-Za-z]{3,9})[-/.](\d{1,4})(?:[T ]([\d:.]+))?|\d{1,2}-[A-Za-z]{3}")
"""The look of dates in cells. To spreadsheet programs a date is a number of days: 1 is 1 January 1900, and 60 is 29
February 1900, which never was. Workbooks of old Macs count from 1904, 0 being 1 January.
"""
_THIS_AGE = 1990
"""Dates from this year on were made of something else than a frame number."""
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_0 = datetime(1899, 12, 30)
_MS_OF_DAY = 24 * 60 * 60 * 1000
_FALSE_LEAP_DAY = 60
"""Number of 29 February 1900, which spreadsheet programs count and no calendar has."""
_NEVER_WERE = {0: (1900, 1, 0), _FALSE_LEAP_DAY: (1900, 2, 29)}
"""Numbers that these programs show as a day that no calendar has."""
_NUMBER_OF_NEVER = {day: number for number, day in _NEVER_WERE.items()}


Rows = tuple[tuple[int, tuple[str, ...]], ...]
"""Number of each row, from 1, and the text of its cells."""


@dataclass(frozen=True)
class Sheet:
    """The rows of one sheet that hold something.

    Attributes:
        file: name of the file.
        name: name of the sheet; that of the file for a table of text.
        rows: number of the row in the sheet, from 1, and the text of its cells; of a table of text that of its line, and none
            where it is not split yet.
        remarks: cells that were read as something else than they are, such as formulas.
        header: number of the first row that names at least two columns, 0 where none does.
        separator: sign between the cells of a table of text.
        text: the table of text.
        held: number of things that the file holds beside the rows, by their unit (`mebench.account`).
        left_out: rows and other things of the file that are not in `rows` or `text`.
        is_hidden: whether the workbook hides the sheet.
        is_typed: whether the source holds numbers, not texts of numbers, so that no dot separates thousands.
    """

    file: str
    name: str
    rows: Rows = ()
    remarks: tuple[Repair, ...] = ()
    header: int = 0
    separator: str = "\t"
    text: str = field(default="", repr=False)
    held: Mapping[str, int] = field(default_factory=dict, repr=False)
    left_out: tuple[LeftOut, ...] = ()
    is_hidden: bool = False
    is_typed: bool = False

    def __str__(self) -> str:
        return self.where

    @property
    def where(self) -> str:
        """File and sheet, for messages."""
        return self.file if self.name == self.file else f"{self.file}: {self.name}"

    def read_grid(self) -> "SheetGrid":
        """Its cells by column.

        Raises:
            DataError: a quotation mark is not closed.
        """
        if self.text:
            return _split(self.text, self.separator, self.file)
        lines, rows = zip(*self.rows) if self.rows else ((), ())
        columns = [Cells.from_list(column) for column in zip_longest(*rows, fillvalue="")]
        return SheetGrid(np.array(lines, np.int64), np.array([*map(len, rows)], np.int64), columns)

    def cut_below_header(self) -> "Sheet":
        """The sheet without the rows below its header.

        It stays whole where it has no header, or a quotation mark may carry the header on.
        """
        head = "".join(islice(lines_of(self.text), self.header))
        return replace(self, text=head) if head and '"' not in head else self

    def read_lines(self) -> Iterable[tuple[int, str]]:
        """Number and text of each line, for forms that are no table; cells of a workbook with tabs between them."""
        if self.text:
            return enumerate(lines_of(self.text), 1)
        return ((n, "\t".join(" ".join(cell.split()) for cell in cells)) for n, cells in self.rows)


_PLAIN_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


@dataclass(frozen=True, eq=False)
class Cells(Sequence[str]):
    """The cells of a column: the distinct ones, and which of them stands in each row, (n_rows,)."""

    distinct: Sequence[str]
    which: NDArray[np.intp]

    @classmethod
    def from_list(cls, cells: "Sequence[str] | pd.Series[str]") -> Self:
        """The cells of a list."""
        values: Any = cells.values if isinstance(cells, pd.Series) else np.array(cells, dtype=object)
        which, distinct = pd.factorize(values)
        return cls(distinct.tolist(), which)

    def __len__(self) -> int:
        return len(self.which)

    def __getitem__(self, row: Any) -> Any:
        return self.distinct[self.which[row]]

    def __iter__(self) -> Iterator[str]:
        return iter(np.array([*self.distinct, ""], dtype=object)[self.which].tolist())

    def choose_rows(self, some: NDArray[Any] | slice) -> Self:
        """The cells of some rows."""
        which = self.which[some]
        is_used = np.zeros(len(self.distinct), dtype=np.bool_)
        is_used[which] = True
        new_number = np.cumsum(is_used) - 1
        return replace(self, distinct=[*compress(self.distinct, is_used.tolist())], which=new_number[which])

    def array(self) -> Any:
        """As a column of pandas."""
        return pd.array(self.distinct, dtype="str").take(self.which)

    @cached_property
    def are_plain_numbers(self) -> bool:
        """Whether every cell is digits, with at most a sign and a decimal dot.

        Then none is blank, a date, or has a comma, a quotation mark or an end of a line: long columns need no look for these.
        """
        return all(map(_PLAIN_NUMBER.fullmatch, self.distinct))

    def read(self, read: Callable[[str], str], keeps_numbers: bool = False) -> Self:
        """The results of a function of each cell.

        Args:
            read: the function.
            keeps_numbers: whether plain numbers come back unchanged, so that a column of these needs no look.
        """
        if keeps_numbers and self.are_plain_numbers:
            return self
        return replace(self, distinct=[read(cell) for cell in self.distinct])

    def where(self, test: Callable[[str], object], never_of_numbers: bool = False) -> NDArray[np.bool_]:
        """Of which cells something is so, (n_rows,).

        Args:
            test: the question, asked of each different cell.
            never_of_numbers: whether no plain number has a yes, so that a column of these needs no look.
        """
        if never_of_numbers and self.are_plain_numbers:
            return np.zeros(len(self), dtype=np.bool_)
        return np.array([*map(bool, map(test, self.distinct)), False], dtype=np.bool_)[self.which]


@dataclass(frozen=True)
class SheetGrid:
    """The rows of a table that hold something.

    Attributes:
        lines: number of each, (n_rows,).
        lengths: how many cells it has, (n_rows,).
        columns: as many as the longest row has; empty cells behind the end of a shorter one.
    """

    lines: NDArray[np.int64]
    lengths: NDArray[np.int64]
    columns: list[Cells]

    def choose_rows(self, some: NDArray[Any] | slice) -> "SheetGrid":
        """Some of them."""
        return SheetGrid(self.lines[some], self.lengths[some], [column.choose_rows(some) for column in self.columns])


_LINE_END = re.compile(r"\r\n|\r|\n")


def _split(text: str, separator: str, place: str) -> SheetGrid:
    """The cells of a table of text.

    Raises:
        DataError: a quotation mark is not closed.
    """
    # In front of a quoted cell blanks would make it a plain one.
    blanks = separator == " " or f'{separator} "' in text
    lines, lengths = _lines_and_lengths(_without_quoted_cells(text, separator, blanks), separator)
    width = int(lengths.max(initial=1))
    has_plain_rows = not blanks and '"' not in text and "\r" not in text
    if has_plain_rows and width > 1 and (lengths == width).all():
        columns = _plain_columns(text, separator, width)
    else:
        columns = _quoted_columns(text, separator, blanks, width, lines, place)
    n_rows = len(columns[0])
    every = SheetGrid(lines[:n_rows], lengths[:n_rows], columns)
    full = np.any([column.where(str.strip) for column in columns], axis=0)
    return every if full.all() else every.choose_rows(full)


def _plain_columns(text: str, separator: str, width: int) -> list[Cells]:
    """The columns of a table without quotation marks whose rows are equally long.

    Long ones take a third of the time of `_quoted_columns`.
    """
    names = [str(number) for number in range(width)]
    cells = pa.dictionary(pa.int32(), pa.string())
    raw = text.encode()
    table = arrow_csv.read_csv(
        pa.BufferReader(raw),
        arrow_csv.ReadOptions(use_threads=False, block_size=len(raw) + 1, column_names=names),
        arrow_csv.ParseOptions(delimiter=separator, quote_char=False, ignore_empty_lines=False),
        arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, cells), strings_can_be_null=False),
    )
    columns = [column.combine_chunks() for column in table.columns]
    return [Cells(column.dictionary.to_pylist(), column.indices.to_numpy().astype(np.intp)) for column in columns]


def _quoted_columns(
    text: str, separator: str, blanks: bool, width: int, lines: NDArray[np.int64], place: str
) -> list[Cells]:
    """The columns of a table that may have quoted cells and rows of different lengths.

    Args:
        text: the table.
        separator: sign between its cells.
        blanks: whether blanks before a cell mean nothing.
        width: number of cells of the longest row.
        lines: line of each row.
        place: the file, for sentences.

    Raises:
        DataError: a quotation mark is not closed.
    """
    try:
        table = pd.read_csv(
            io.StringIO(text, newline=""),
            sep=separator,
            header=None,
            names=range(width + 1),  # a row may end in blanks
            dtype="str",
            keep_default_na=False,
            skip_blank_lines=False,
            skipinitialspace=blanks,
        )
    except ValueError as error:
        row = re.search(r"EOF inside string starting at row (\d+)", str(error))
        where = f": {' '.join(str(error).split())}"
        if row:
            where = f", line {lines[int(row[1])]}: a quotation mark is not closed"
        raise DataError(f"{place}{where}: write the table again") from error
    return [Cells.from_list(table[name]) for name in range(width)]


def _lines_and_lengths(bare: str, separator: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The line and the number of cells of each row, (n_rows,) each.

    Args:
        bare: a table of text as `_without_quoted_cells` gives it.
        separator: sign between its cells.
    """
    has_plain_ends = "\r" not in bare
    rows = bare.split("\n") if has_plain_ends else _LINE_END.split(bare)  # a regular expression takes thrice as long
    if not bare or bare[-1] in "\r\n":
        rows.pop()
    lengths = [row.count(separator) + 1 for row in rows]
    if separator == " ":
        lengths = [len(row.split()) for row in rows]
    lines = np.arange(1, len(rows) + 1)
    if _LINE_IN_CELL in bare:
        lines[1:] += np.cumsum([row.count(_LINE_IN_CELL) for row in rows])[:-1]
    return lines, np.array(lengths, np.int64)


_LINE_IN_CELL = "\0"
"""Stands for an end of a line inside a cell; no table of text holds this sign."""


def _without_quoted_cells(text: str, separator: str, blanks: bool) -> str:
    """The text with `x` for each cell in quotation marks.

    `_LINE_IN_CELL` follows for each end of a line in the cell.

    Such a cell has no separators; its ends of lines count as lines but not as rows. Marks inside a cell mean nothing.
    """
    if '"' not in text:
        return text

    def stand_in(cell: re.Match[str]) -> str:
        before = cell[1]
        n_line_ends = len(_LINE_END.findall(cell[0].removeprefix(before)))
        return f"{before}x{_LINE_IN_CELL * n_line_ends}"

    before_mark = " *" if blanks else ""
    quoted = rf'(^|[{re.escape(separator)}\r\n]){before_mark}"[^"]*(?:""[^"]*)*"'
    return re.sub(quoted, stand_in, text)


def sheet_from_rows(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Sheet:
    """A sheet that lies in no file.

    Args:
        name: name in sentences.
        header: names of the columns.
        rows: cells of the rows; None is an empty one.
    """
    texts = [tuple(map(_text_of_cell, row)) for row in (header, *rows)]
    numbered = tuple((number, row) for number, row in enumerate(texts, 1) if any(row))
    return Sheet(name, name, numbered, header=1, separator=",", is_typed=True)


def _text_of_cell(cell: object) -> str:
    """The text of a cell; None is an empty one."""
    return "" if cell is None else str(cell)


_HEADER_AGAIN = "the names of the columns again"
NAMES_AGAIN = f"{_HEADER_AGAIN}, left out"
"""The remark on a line that repeats the names of the columns."""


def sheet_from_text(text: str, encoding: str, file: str) -> Sheet:
    """A table of text as it is seen (`visible_text`), not split yet.

    Args:
        text: text of the file.
        encoding: encoding concluded from the text, in words, else empty (`decode_text`).
        file: name of the file in sentences.

    Raises:
        DataError: it holds bytes of value 0, or more columns or lines than anybody writes.
    """
    if "\0" in text:
        damaged = text[: text.index("\0")].count("\n") + 1
        raise DataError(
            f"{file} is not a table of text, or it is damaged (line {damaged}: a byte of value 0): save it again "
            "as .xlsx, .xls or .csv"
        )
    n_lines = text.count("\n") or text.count("\r")
    if n_lines > TEXT_TABLE_LINES:
        raise DataError(
            f"{file} has {n_lines:,} lines, empty ones too, expected at most {TEXT_TABLE_LINES:,}: save the table again, or in parts"
        )
    notes: list[tuple[int | None, str]] = []
    if encoding:
        notes.append((None, f"the file is not UTF-8 and was read as {encoding}"))
    seen, changed = visible_text(text)
    if changed:
        for number, written in enumerate(lines_of(text), 1):
            _, notes_on_line = visible_text(written)
            notes += [(number, note) for note in notes_on_line]
    _refuse_wide_lines(seen, file)
    header, separator = header_of(seen)
    seen, repeated = _without_repeated_names(seen, header)
    notes += [(number, NAMES_AGAIN) for number in repeated]
    held, left_out = _headers_again(repeated)
    remarks = tuple(Repair(row, "all columns", "", None, sentence, file) for row, sentence in notes)
    return Sheet(file, file, (), remarks, header, separator, seen, held, left_out)


def _refuse_wide_lines(text: str, file: str) -> None:
    """Refuse a table with more columns than anybody writes. Each of them would cost memory in every row."""
    if not _has_long_line(text, TEXT_TABLE_COLUMNS):  # one that may have as many separators
        return
    for number, line in enumerate(lines_of(text), 1):
        if len(line) <= TEXT_TABLE_COLUMNS:
            continue
        n_columns = 1 + max(line.count(separator) for separator in SEPARATORS if separator != " ")
        if n_columns > TEXT_TABLE_COLUMNS:
            raise DataError(
                f"{file}, line {number}: it has {n_columns:,} columns, expected at most {TEXT_TABLE_COLUMNS:,}: save the table again "
                "with a line for each row"
            )


def _has_long_line(text: str, length: int) -> bool:
    r"""Whether a line has some length or more, without its end.

    >>> [_has_long_line("ab\rabc\n\na", length) for length in (3, 4)]
    [True, False]
    """
    start = 0
    while start + length <= len(text):
        last_end = max(text.rfind(end, start, start + length) for end in "\r\n")
        if last_end < 0:
            return True
        start = last_end + 1  # the lines before it are shorter
    return False


def _headers_again(numbers: Sequence[int]) -> tuple[dict[str, int], tuple[LeftOut, ...]]:
    """The account of rows that hold the names of the columns again: how many there are, and that they are left out."""
    if not numbers:
        return {}, ()
    which = f"line{'s' if len(numbers) > 1 else ''} {list_first([str(number) for number in numbers])}"
    return {"row": len(numbers)}, (LeftOut("row", len(numbers), _HEADER_AGAIN, which),)


def _without_repeated_names(text: str, header: int) -> tuple[str, list[int]]:
    """The text with empty lines for those that repeat its header, and their numbers.

    Args:
        text: text of the table.
        header: number of the line that names the columns, from 1; 0 for a table without one.
    """
    if not header:
        return text, []
    names = next(islice(lines_of(text), header - 1, None)).strip()
    if not names or text.count(names) == 1:
        return text, []
    lines = list(lines_of(text))
    repeated = [number for number, line in enumerate(lines, 1) if number > header and line.strip() == names]
    for number in repeated:
        lines[number - 1] = "\n"
    return "".join(lines), repeated


def read_sheets(path: Path, remedy: str = _OTHER) -> list[Sheet]:
    """All sheets of a file that hold something.

    The first bytes say what the file is, not its name.

    Args:
        path: a workbook, or a table of text.
        remedy: sentence on what to do about a file that is too large.

    Raises:
        DataError: it is missing, unreadable, encrypted, too large, or expands to too much.
    """
    with refused_by_system(f"the annotations {path} cannot be read"):
        state = path.stat()
        sheets = _read_once(path, remedy, state.st_size, state.st_mtime_ns)
    if isinstance(sheets, DataError):
        raise sheets
    return list(sheets)


@lru_cache(maxsize=16)  # the search for a file has read it already
def _read_once(path: Path, remedy: str, size: int, changed: int) -> tuple[Sheet, ...] | DataError:
    """The sheets of a file, or why it has none. A changed file is read again."""
    with open_plain(path) as file:
        head = file.read(8)
    if not size:
        raise DataError(f"{path} is empty (0 bytes): copy it from the release again")
    if size > SHEET_BYTES:
        raise DataError(f"{path} has {size / 2**20:.0f} MiB, and a sheet has at most {SHEET_BYTES >> 20}: {remedy}")
    what = "table of text"
    read: Callable[[Path, str], list[Sheet]] = _read_text
    if head.startswith(_ZIP):
        what, read = _kind_of_archive(path)
    elif head.startswith(_OLE) or path.suffix.lower() == ".xls":
        what = ".xls file"
        read = _read_xls
    elif path.suffix.lower() in (".xlsx", ".xlsm"):
        raise DataError(f"{path} is not an .xlsx file, despite its name: {_RESAVE}")
    try:
        return tuple(_with_visible_text(sheet) for sheet in read(path, remedy) if sheet.rows)
    except DataError as error:
        return error.with_traceback(None)  # kept, too: each adapter that may know the sheet asks for it
    except Exception as error:  # a broken file fails anywhere inside: zip, XML, a missing part, an odd number
        one_line = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path} is not a readable {what} ({one_line}): {_RESAVE}") from error


def _kind_of_archive(path: Path) -> tuple[str, Callable[[Path, str], list[Sheet]]]:
    """What a zip archive is, and its reader.

    Raises:
        DataError: it is no workbook.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            kind = archive.read("mimetype")[:100] if "mimetype" in names else b""
    except (zipfile.BadZipFile, OSError, RuntimeError):
        return ".xlsx file", _read_xlsx  # its reader says what is broken
    if kind.startswith(_ODS):
        return ".ods file", _read_ods
    is_workbook = any(name == "[Content_Types].xml" or name.startswith("xl/") for name in names)
    if names and not is_workbook:
        raise DataError(
            f"{path} is a zip archive of {format_count(len(names), 'file')} ({list_first(names)}): unpack it "
            "and name the file inside"
        )
    return ".xlsx file", _read_xlsx


SAVE_SHEET = "save only this sheet as .csv and name that file"
"""Advice about a workbook that is too large."""


def find_sheet(path: Path, name: str | None) -> Sheet:
    """The sheet that is meant.

    Args:
        path: the workbook. Only values are read, nothing in it is run.
        name: name of the sheet, in any case; None takes the only one that holds a table: others may hold notes.

    Raises:
        DataError: no sheet or several may be meant, or what `read_sheets` raises.
    """
    sheets = read_sheets(path, SAVE_SHEET)
    if name is not None:
        for sheet in sheets:
            if sheet.name.casefold() == name.casefold():
                return _with_account_of_sheets(sheet, sheets, path.name, is_named=True)
        raise DataError(unknown(f"sheet of {path}", name, [sheet.name for sheet in sheets]))
    candidates = [sheet for sheet in sheets if sheet.header] or sheets
    if not candidates:
        raise DataError(f"{path} is empty: it must have a line that names the columns, and a line for each row")
    if len(candidates) > 1:
        names = ", ".join(sheet.name for sheet in candidates)
        raise DataError(f"{path} holds several tables ({names}): name one, as in {path}:{candidates[0].name}")
    return _with_account_of_sheets(candidates[0], sheets, path.name, is_named=False)


def _with_account_of_sheets(sheet: Sheet, sheets: Sequence[Sheet], file: str, is_named: bool) -> Sheet:
    """A sheet with the account of its workbook's sheets.

    A remark says that it was chosen, or is hidden.
    """
    others = [other.name for other in sheets if other is not sheet]
    remarks = []
    if others and not is_named:
        remarks.append(f"of {len(sheets)} sheets {sheet.name} is read")
    if sheet.is_hidden:
        remarks.append(f"the sheet {sheet.name} is hidden, but read")
    reason = "another sheet is named" if is_named else "no table"
    left_out = (LeftOut("sheet", len(others), reason, list_first(others)),) if others else ()
    return replace(
        sheet,
        remarks=(*(Repair(None, "all columns", "", None, remark, file) for remark in remarks), *sheet.remarks),
        held={**sheet.held, "sheet": len(sheets)},
        left_out=(*sheet.left_out, *left_out),
    )


_RESAVE = "open it in a spreadsheet program and save it as .xlsx or .csv"


def _read_xlsx(path: Path, remedy: str) -> list[Sheet]:
    """The sheets of an `.xlsx` workbook that does not expand to more than the limit."""
    with zipfile.ZipFile(path) as archive:
        check_expansion(path, archive)
    with warnings.catch_warnings(), path.open("rb") as file:  # by its name, openpyxl would refuse a misnamed one
        warnings.simplefilter("ignore")  # extensions that openpyxl does not know hold no values
        _check_sheets(path, file, remedy)
        return [_xlsx_sheet(path, file, sheet, remedy) for sheet in _workbook(file).worksheets]


def _check_sheets(path: Path, file: BinaryIO, remedy: str) -> None:
    """Refuse too many sheets, or too large ones: all may be one part of the file, whatever its name, which is read for each.

    Raises:
        DataError: so it is.
    """
    reader = openpyxl.reader.excel.ExcelReader(file, read_only=True, keep_links=False)
    reader.read_manifest()
    reader.read_workbook()
    size_of = {entry.filename: entry.file_size for entry in reader.archive.infolist()}
    parts = [relation.target for _, relation in reader.parser.find_sheets()]
    n_bytes = sum(size_of.get(part, 0) for part in parts)
    if len(parts) > SHEETS or n_bytes > SHEET_XML_BYTES:
        raise DataError(
            f"{path} has {len(parts):,} sheets of {n_bytes / 2**20:,.0f} MiB together, and a workbook may have {SHEETS:,} of "
            f"{SHEET_XML_BYTES >> 20} MiB: {remedy}"
        )


def _workbook(file: BinaryIO, saved: bool = False) -> Any:
    """A workbook with its formulas or the values saved with them; dates stay numbers: as openpyxl reads them, 59 and 60
    are one day.
    """
    book = openpyxl.load_workbook(file, read_only=True, keep_links=False, data_only=saved)
    book._date_formats = set()
    return book


def _xlsx_sheet(path: Path, file: BinaryIO, sheet: Any, remedy: str) -> Sheet:
    """One sheet with the values that were saved with its formulas; no formula is evaluated."""
    formulas: dict[tuple[int, int], str] = {}
    struck_styles = _struck_styles(sheet.parent)
    struck: set[tuple[int, int]] = set()

    def text(cell: Any) -> str:
        if struck_styles and getattr(cell, "_style_id", None) in struck_styles:
            struck.add((cell.row, cell.column))
        if cell.data_type == "f":
            formulas[cell.row, cell.column] = str(getattr(cell.value, "text", cell.value))  # of an array, or plain
        if cell.is_date and isinstance(cell.value, int | float):
            return date_of(cell.value, from_1904=cell.parent.parent.epoch.year == 1904)
        return _text_of_value(cell.value)

    beyond = set[int]()

    def rows(sheet: Any) -> Rows:
        sheet.reset_dimensions()  # some programs write a wrong size, and rows beyond it would be lost

        def texts_of_rows() -> Iterator[tuple[str, ...]]:
            for number, row in enumerate(sheet.iter_rows(), 1):
                if number > SHEET_LINES:
                    raise DataError(
                        f"sheet {sheet.title!r} of {path} has a row beyond {SHEET_LINES:,}, the last one that a workbook can have: {remedy}"
                    )
                # A row without cells is passed at once: there may be a million before the next one with some.
                yield tuple(map(text, _first_columns(row, beyond))) if row else ()

        return _filled_rows(path, sheet.title, enumerate(texts_of_rows(), 1), remedy)

    with sheet._get_source() as source:
        xml = source.read()
    merged = [openpyxl.utils.range_boundaries(match[1].decode()) for match in _MERGED.finditer(xml)]
    whole = Sheet(path.name, sheet.title, rows(sheet), is_hidden=sheet.sheet_state != "visible")
    plain = _with_account_of_columns(whole, beyond)
    hidden = (
        *_hidden_rows(plain, _numbers_of_hidden_rows(xml)),
        *_hidden_columns(plain, _numbers_of_hidden_columns(xml)),
        *_struck_rows(plain, struck),
    )
    filled = _with_merged_values(replace(plain, remarks=(*plain.remarks, *hidden)), merged)
    if not formulas:
        return filled
    saved = rows(_workbook(file, saved=True)[sheet.title])
    values = {(number, column): text for number, row in saved for column, text in enumerate(row, 1)}
    never_computed = _never_computed(formulas, values)
    if never_computed:
        saved = _with_formulas(filled.rows, saved, never_computed)
    remarks = []
    for (row, column), formula in sorted(formulas.items()):
        reason = "a formula is never run, the value saved with it is read"
        value = values.get((row, column), "")
        remarks.append(Repair(row, f"column {column}", formula, value, reason, filled.where))
    return _with_merged_values(replace(filled, rows=saved, remarks=(*plain.remarks, *hidden, *remarks)), merged)


def _first_columns(row: Sequence[Any], beyond: set[int]) -> Sequence[Any]:
    """The cells of a row that are read; the numbers of further columns with content are added to `beyond`."""
    for column, cell in enumerate(row[SHEET_COLUMNS:], SHEET_COLUMNS + 1):
        if getattr(cell, "value", cell) not in (None, ""):
            beyond.add(column)
    return row[:SHEET_COLUMNS]


def _with_account_of_columns(sheet: Sheet, beyond: Collection[int]) -> Sheet:
    """A sheet with the account of its columns, if some are not read."""
    if not beyond:
        return sheet
    letters = [openpyxl.utils.get_column_letter(column) for column in sorted(beyond)]
    which = list_first(letters)
    n_read = len(_filled_columns(sheet))
    reason = f"behind the first {SHEET_COLUMNS} columns, which alone are read"
    remark = f"{format_count(len(beyond), 'column')} {reason}: {which}"
    return replace(
        sheet,
        remarks=(*sheet.remarks, Repair(None, "all columns", "", None, remark, sheet.where)),
        held={**sheet.held, "column": n_read + len(beyond)},
        left_out=(*sheet.left_out, LeftOut("column", len(beyond), reason, which)),
    )


_ROW = re.compile(rb"<(?:\w+:)?row\b([^>]*)>")


def _numbers_of_hidden_rows(xml: bytes) -> set[int]:
    """Numbers of the rows that a sheet hides, from 1."""
    hidden = set[int]()
    number = 0
    for row in _ROW.finditer(xml):
        stated = re.search(rb'\br="(\d+)"', row[1])
        number = int(stated[1]) if stated else number + 1
        if re.search(rb'\bhidden="(?:1|true)"', row[1]):
            hidden.add(number)
    return hidden


_COLUMNS = re.compile(rb"<(?:\w+:)?col\b([^>]*)>")


def _numbers_of_hidden_columns(xml: bytes) -> set[int]:
    """Numbers of the columns that a sheet hides, from 1; of those that are read."""
    hidden = set[int]()
    for columns in _COLUMNS.finditer(xml):
        first, last = (re.search(rb'\b%s="(\d{1,5})"' % end, columns[1]) for end in (b"min", b"max"))
        if first and last and re.search(rb'\bhidden="(?:1|true)"', columns[1]):
            hidden.update(range(int(first[1]), min(int(last[1]), SHEET_COLUMNS) + 1))
    return hidden


def _hidden_rows(sheet: Sheet, numbers: Collection[int]) -> tuple[Repair, ...]:
    """Remarks on the rows that a sheet hides, as a filter does; they count all the same."""
    hidden = [number for number, _ in sheet.rows if number in numbers]
    return tuple(Repair(number, "all columns", "", None, HIDDEN, sheet.where) for number in hidden)


def _struck_styles(book: Any) -> set[int]:
    """Numbers of the styles of a workbook whose text is struck out."""
    return {number for number, style in enumerate(book._cell_styles) if book._fonts[style.fontId].strike}


def _struck_rows(sheet: Sheet, struck: Collection[tuple[int, int]]) -> tuple[Repair, ...]:
    """Remarks on the rows that are struck out, in half of their cells or more; they count all the same.

    Args:
        sheet: the rows.
        struck: row and column, from 1, of the cells that are struck out.
    """
    remarks = []
    for number, cells in sheet.rows if struck else ():
        filled = [(number, column) for column, cell in enumerate(cells, 1) if cell.strip()]
        if 2 * sum(place in struck for place in filled) >= len(filled) > 0:
            remarks.append(Repair(number, "all columns", "", None, STRUCK, sheet.where))
    return tuple(remarks)


def _filled_columns(sheet: Sheet) -> set[int]:
    """Numbers, from 1, of the columns with content."""
    filled: set[int] = set()
    for _, cells in sheet.rows:
        filled |= {column for column, cell in enumerate(cells, 1) if cell.strip()}
    return filled


def _hidden_columns(sheet: Sheet, numbers: Collection[int]) -> tuple[Repair, ...]:
    """A remark on the columns with content that a sheet hides; they are read all the same."""
    hidden = _filled_columns(sheet) & {*numbers}
    letters = [openpyxl.utils.get_column_letter(column) for column in sorted(hidden)]
    if not letters:
        return ()
    noun = "column" if len(letters) == 1 else "columns"
    reason = f"hidden in the sheet, but read: {noun} {list_first(letters)}"
    return (Repair(None, "all columns", "", None, reason, sheet.where),)


HIDDEN = "hidden in the sheet, but counted"
STRUCK = "struck out in the sheet, but counted"
FORMULA = "="
"""The beginning of a cell with a formula that no program has computed."""


def _never_computed(
    formulas: Mapping[tuple[int, int], str], values: Mapping[tuple[int, int], str]
) -> set[tuple[int, int]]:
    """The formulas of columns without any saved value, by row and column."""
    columns_with_values = {column for row, column in formulas if values.get((row, column), "")}
    return {(row, column) for row, column in formulas if column not in columns_with_values}


def _with_formulas(written: Rows, saved: Rows, places: Collection[tuple[int, int]]) -> Rows:
    """The rows with saved values, and with the formula itself where none was computed."""
    saved_cells = dict(saved)
    rows = []
    for number, cells in written:
        values = saved_cells.get(number, ())
        own: list[str] = []
        for column, cell in enumerate(cells, 1):
            if (number, column) in places:
                own.append(cell)
            else:
                own.append(values[column - 1] if column <= len(values) else "")
        rows.append((number, tuple(own)))
    return tuple(rows)


_MERGED = re.compile(rb'<(?:\w+:)?mergeCell ref="([A-Z]+\d+:[A-Z]+\d+)"')


def _with_merged_values(sheet: Sheet, merged: Iterable[Sequence[int]]) -> Sheet:
    """The sheet with the value of merged cells copied into each of them.

    Args:
        sheet: sheet of whose merged cells the first one alone holds something.
        merged: first column, first row, last column and last row of each, from 1.
    """
    rows = dict(sheet.rows)
    remarks = [*sheet.remarks]
    known = [number for number, _ in sheet.rows]
    for column, first, _, last in merged:
        value = next(iter(rows.get(first, ())[column - 1 : column]), "")
        if not value.strip() or len(remarks) > SHEET_ROWS:  # more than any table has rows: no people merged these
            continue
        for number in known[bisect_right(known, first) : bisect_right(known, last)]:
            cells = [*rows[number], *[""] * (column - len(rows[number]))]
            rows[number] = (*cells[: column - 1], value, *cells[column:])
            remarks.append(Repair(number, f"column {column}", "", value, "merged with the cell above", sheet.where))
    return replace(sheet, rows=tuple(sorted(rows.items())), remarks=tuple(remarks))


def _read_xls(path: Path, remedy: str) -> list[Sheet]:
    """The sheets of an `.xls` workbook."""
    with xlrd.open_workbook(path, on_demand=True, logfile=io.StringIO(), formatting_info=True) as book:
        date = partial(date_of, from_1904=book.datemode == 1)
        kinds: dict[int, Callable[[Any], Any]] = {
            xlrd.XL_CELL_DATE: date,
            xlrd.XL_CELL_BOOLEAN: bool,
            xlrd.XL_CELL_ERROR: lambda _: None,
        }
        sheets = []
        for name in book.sheet_names():
            sheet = book.sheet_by_name(name)
            cells = (
                tuple(_text_of_value(kinds.get(cell.ctype, lambda value: value)(cell.value)) for cell in row)
                for row in sheet.get_rows()
            )
            merged = [(left + 1, top + 1, right, bottom) for top, bottom, left, right in sheet.merged_cells]
            is_hidden = sheet.visibility != 0
            plain = Sheet(path.name, name, _filled_rows(path, name, enumerate(cells, 1), remedy), is_hidden=is_hidden)
            hidden = (
                *_hidden_rows(plain, {row + 1 for row, info in sheet.rowinfo_map.items() if info.hidden}),
                *_hidden_columns(plain, {column + 1 for column, info in sheet.colinfo_map.items() if info.hidden}),
                *_struck_rows(plain, _struck_cells_of_xls(book, sheet, plain)),
            )
            sheets.append(_with_merged_values(replace(plain, remarks=hidden), merged))
            book.unload_sheet(name)
        return sheets


def _struck_cells_of_xls(book: Any, sheet: Any, rows: Sheet) -> set[tuple[int, int]]:
    """Row and column, from 1, of the struck cells of an `.xls` sheet.

    Args:
        book: the workbook of xlrd.
        sheet: its sheet.
        rows: cells of the sheet.
    """
    struck_fonts = {number for number, font in enumerate(book.font_list) if font.struck_out}
    struck_styles = {number for number, style in enumerate(book.xf_list) if style.font_index in struck_fonts}
    struck: set[tuple[int, int]] = set()
    for row, cells in rows.rows if struck_styles else ():
        filled = [column for column, cell in enumerate(cells, 1) if cell.strip()]
        styles = {column: sheet.cell_xf_index(row - 1, column - 1) for column in filled}
        struck.update((row, column) for column in filled if styles[column] in struck_styles)
    return struck


def _read_ods(path: Path, remedy: str) -> list[Sheet]:
    """The sheets of an OpenDocument workbook, read by pandas within the limits that `check_ods` keeps."""
    facts = {sheet.name: sheet for sheet in check_ods(path)}
    try:
        books = pd.read_excel(path, sheet_name=None, header=None, dtype=object, engine="calamine")
    except ImportError:
        raise DataError(
            f'{path} is an OpenDocument sheet: pip install "mebench[ods]" to read it, or save it as .xlsx or .csv'
        ) from None
    sheets = []
    for name, table in books.items():
        cells = table.astype(object).where(table.notna(), None)
        beyond = set[int]()
        every_row = enumerate(cells.itertuples(index=False, name=None), 1)
        rows = ((number, tuple(map(_text_of_value, _first_columns(row, beyond)))) for number, row in every_row)
        sheet = Sheet(path.name, str(name), _filled_rows(path, str(name), rows, remedy))
        sheets.append(_as_shown(_with_account_of_columns(sheet, beyond), facts.get(str(name), OdsSheet(str(name)))))
    return sheets


def _as_shown(sheet: Sheet, facts: OdsSheet) -> Sheet:
    """A sheet of an OpenDocument workbook with what its cells do not show: merged, hidden, struck and uncalculated ones."""
    values = {(number, column): text for number, row in sheet.rows for column, text in enumerate(row, 1)}
    saved = {place: "" if place in facts.without_value else values.get(place, "") for place in facts.formulas}
    never_computed = _never_computed(facts.formulas, saved)
    rows = dict(sheet.rows)
    remarks = []
    for (number, column), formula in sorted(facts.formulas.items()):
        if (number, column) in never_computed:
            cells = [*rows.get(number, ()), *[""] * (column - len(rows.get(number, ())))]
            rows[number] = (*cells[: column - 1], f"{FORMULA}{formula.lstrip(FORMULA)}", *cells[column:])
        reason = "a formula is never run, the value saved with it is read"
        remarks.append(Repair(number, f"column {column}", formula, saved[number, column], reason, sheet.where))
    whole = replace(sheet, rows=tuple(sorted(rows.items())), remarks=(*sheet.remarks, *remarks))
    hidden = (
        *_hidden_rows(whole, facts.hidden_rows),
        *_hidden_columns(whole, facts.hidden_columns),
        *_struck_rows(whole, facts.struck),
    )
    shown = replace(whole, remarks=(*whole.remarks, *hidden), is_hidden=facts.is_hidden)
    return _with_merged_values(shown, facts.merged)


def _read_text(path: Path, remedy: str) -> list[Sheet]:
    """The one sheet of a table of text."""
    text, encoding = decode_text(path.read_bytes(), path)
    sheet = sheet_from_text(text, encoding, str(path))
    grid = sheet.read_grid()
    numbered = zip(grid.lines.tolist(), zip(*grid.columns))
    rows = _filled_rows(path, path.name, numbered, remedy)
    return [replace(sheet, file=path.name, name=path.name, rows=rows, text="")]


def _with_visible_text(sheet: Sheet) -> Sheet:
    """The sheet with the visible text of its cells, and its header."""
    rows: list[tuple[int, tuple[str, ...]]] = []
    remarks = [*sheet.remarks]
    for number, cells in sheet.rows:
        seen = [visible_text(cell) for cell in cells]
        rows.append((number, tuple(cell for cell, _ in seen)))
        for column, (raw, (cell, notes)) in enumerate(zip(cells, seen), 1):
            remarks += [Repair(number, f"column {column}", raw, cell, note, sheet.where) for note in notes]
    header = sheet.header or _header_row(rows)
    names = dict(rows).get(header)
    repeated = [number for number, cells in rows if cells == names and number != header]
    remarks += [Repair(number, "all columns", "", None, NAMES_AGAIN, sheet.where) for number in repeated]
    others = tuple((number, cells) for number, cells in rows if number not in repeated)
    held, left_out = _headers_again(repeated)
    return replace(
        sheet,
        rows=others,
        remarks=tuple(remarks),
        header=header,
        held={**sheet.held, **held},
        left_out=(*sheet.left_out, *left_out),
    )


def _header_row(rows: Sequence[tuple[int, Sequence[str]]]) -> int:
    """The number of the row that names most columns, the first of several; 0 if none names two."""
    header = 0
    most = 1
    for number, cells in rows[:HEADER_WITHIN]:
        n_named = names_columns(cells)
        if n_named > most:
            header = number
            most = n_named
    return header


def _filled_rows(path: Path, name: str, numbered_rows: Iterable[tuple[int, Sequence[str]]], remedy: str) -> Rows:
    """The rows with text, each up to its last cell with text; more than `SHEET_ROWS` are refused."""
    kept: list[tuple[int, tuple[str, ...]]] = []
    for number, row in numbered_rows:
        width = len(row)
        while width and not row[width - 1].strip():
            width -= 1
        if not width:
            continue
        kept.append((number, tuple(row[:width])))
        if len(kept) > SHEET_ROWS:
            raise DataError(
                f"sheet {name!r} of {path} has more than {SHEET_ROWS:,} rows, and no more are read (line {number:,}): {remedy}"
            )
    return tuple(kept)


def _text_of_value(value: Any) -> str:
    """A cell's value as people see it: 46 for 46.0, and nothing for an empty one."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def date_of(number: float, from_1904: bool = False) -> str:
    """A number that is formatted as a date, as text for `number_of_date`.

    That is the date which the workbook shows, if it is of this age, else the one of the system from 1900, whichever the
    workbook has. What is no date, below 0 or beyond the year 9999, stays a number.

    >>> [date_of(number) for number in (46, 60, 0.5, -1)]
    ['1900-02-15T00:00:00', '1900-02-29T00:00:00', '1900-01-00T12:00:00', '-1']
    >>> [date_of(number, from_1904=True) for number in (46, 44689)]
    ['1900-02-15T00:00:00', '2026-05-09T00:00:00']
    """
    if number < 0:
        return str(number)
    try:
        days, rest = divmod(round(number * _MS_OF_DAY), _MS_OF_DAY)
        moment = (datetime(1904, 1, 1) if from_1904 else _DAY_0) + timedelta(days)
    except (OverflowError, ValueError):  # beyond the year 9999, or no number
        return str(number)
    if moment.year < _THIS_AGE:
        days_since = days + 1 if days < _FALSE_LEAP_DAY else days  # before it, programs are a day behind
        moment = _DAY_0 + timedelta(days_since)
    year, month, day = _NEVER_WERE.get(days, (moment.year, moment.month, moment.day))
    return f"{year}-{month:02}-{day:02}T{(datetime.min + timedelta(milliseconds=rest)).time()}"


def number_of_date(text: str) -> int | None:
    """The number that is shown as a date; None for any other date.

    Others are of this age, have a time, never were, or may be two days. The year has four digits, and stands first or last.

    >>> [number_of_date(t) for t in ("1900-02-15", "1900/2/15", "15.02.1900", "15-Feb-1900", "1/0/1900", "1900-02-29")]
    [46, 46, 46, 46, 0, 60]
    >>> [number_of_date(t) for t in ("2/3/1900", "15-Feb-00", "2026-05-09", "1234-56-78", "1900-02-15T12:00:00")]
    [None, None, None, None, None]
    """
    match = DATE.fullmatch(text)
    if not match or not match[1]:
        return None
    first, second, third, time = match.groups()[:4]
    has_time = (time or "").strip("0:.") != ""
    if has_time:
        return None
    orders = [(first, second, third)]  # year, month, day
    if len(first) != 4:
        orders = [(third, first, second), (third, second, first)]
    numbers = {_number_of_day(year, month, day) for year, month, day in orders} - {None}
    return numbers.pop() if len(numbers) == 1 else None


def _number_of_day(year: str, month: str, day: str) -> int | None:
    """The number that a spreadsheet program shows as this day; None for no day, or one of this age."""
    month_name = month[:3].casefold()
    try:
        month_number = _MONTHS.index(month_name) + 1 if month_name in _MONTHS else int(month)
        date = (int(year), month_number, int(day))
        if not 1900 <= date[0] < _THIS_AGE:
            return None
        if date in _NUMBER_OF_NEVER:
            return _NUMBER_OF_NEVER[date]
        days = (datetime(*date) - _DAY_0).days
    except ValueError:  # no date
        return None
    return days - 1 if days <= _FALSE_LEAP_DAY else days  # programs count a day that never was, 29 February 1900
