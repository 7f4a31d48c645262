"""Tables of text and sheets of workbooks as others write them: their wanted columns, and remarks on them."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import product
from pathlib import Path
from textwrap import shorten
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mebench.account import Account, ColumnUse, plain_accounts
from mebench.annotations import Sheet
from mebench.annotations.names import (
    ALIASES,
    ALONE,
    BLANK,
    KNOWN,
    OWNERS,
    RATE_WORDS,
    compound_columns,
    header_words,
    is_note_or_sum,
    is_total,
    plain_name,
    time_column,
)
from mebench.annotations.sheets import FORMULA, NAMES_AGAIN, SAVE_SHEET, Cells, SheetGrid, find_sheet, sheet_from_text
from mebench.annotations.text import PASSED, decode_text
from mebench.errors import ConfigError, DataError, nearest_name, refused_by_system, unknown
from mebench.exchange.annotation_tools import is_header_of_boris, sheet_of_boris, sheet_of_folder
from mebench.exchange.cell_kinds import is_rate, kind_of_cells
from mebench.exchange.choices import NO_CHOICES, Choices, find_header, same_cell
from mebench.exchange.joined_sheets import join_sheets
from mebench.exchange.row_layouts import NAMES_OF_PARTS
from mebench.exchange.shapes import as_sheet
from mebench.exchange.unnamed_columns import with_column_names
from mebench.files import read_plain
from mebench.finding import Finding, sentences_of
from mebench.grouping import group_by
from mebench.limits import TEXT_TABLE_BYTES
from mebench.output.terminal import format_count

LENGTH_WORDS = frozenset(
    map(
        plain_name,
        ("duration", "dur", "length", "len", "Dauer", "Länge", "durée", "duración", "持续时间", "时长", "長さ"),
    )
)
"""Words of columns that hold the length of an interval."""
MOST_LINES = 3
"""Number of lines that are named; further lines are counted."""


@dataclass
class Remarks:
    """Findings about files, in their order. No sentence contains a path, so equal files give equal sentences.

    Attributes:
        findings: warnings and repairs so far.
        accounts: account of each file, by its role.
    """

    findings: list[Finding] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Plain data for JSON: `warnings`, `repaired`, `account` and `columns`."""
        return {
            "warnings": self.warnings,
            "repaired": self.repaired,
            "account": self.account,
            "columns": self.column_uses,
        }

    @property
    def column_uses(self) -> list[dict[str, str]]:
        """What became of each column of each file, and why: `source`, `column`, `read_as` (empty if it is not read), `why`."""
        return [
            {"source": account.source, "column": one.column, "read_as": one.use, "why": one.why}
            for account in self.accounts.values()
            for one in account.columns
        ]

    @property
    def account(self) -> list[dict[str, Any]]:
        """The account of each file, as plain data."""
        return plain_accounts(self.accounts.values())

    def account_of(self, role: str) -> Account:
        """The account of a file."""
        return self.accounts.setdefault(role, Account(role))

    def add(self, others: Self, letter: str = "") -> None:
        """Add accounts of other remarks; those of one of several files of predictions get its letter."""
        for role, account in others.accounts.items():
            name = f"{letter}: {role}" if letter and role == "predictions" else role
            self.accounts.setdefault(name, replace(account, source=name))

    def warn(self, sentence: str) -> None:
        """Add a warning: something looks wrong or changes the meaning of a score, but was kept."""
        self.findings.append(Finding("warning", "", sentence))

    def repair(self, sentence: str) -> None:
        """Add a repair: something was read differently from how it is written."""
        self.findings.append(Finding("repair", "", sentence))

    @property
    def warnings(self) -> list[str]:
        """The sentences of the warnings."""
        return sentences_of(self.findings, "warning")

    @property
    def repaired(self) -> list[str]:
        """The sentences of the repairs."""
        return sentences_of(self.findings, "repair")


def blank_cells(cells: Cells) -> NDArray[np.bool_]:
    """Mask of empty cells, (n,)."""
    return cells.where(lambda cell: cell.casefold() in BLANK, never_of_numbers=True)


def first_true(mask: NDArray[np.bool_]) -> int | None:
    """The position of the first True; None if there is none.

    >>> first_true(np.array([False, True, True])), first_true(np.array([False]))
    (1, None)
    """
    return int(mask.argmax()) if mask.any() else None


def at_lines(lines: Iterable[int]) -> str:
    """Name the first few lines by number, and count the others.

    >>> at_lines([4]), at_lines([9, 4]), at_lines(range(2, 102))
    ('line 4', 'lines 4 and 9', 'lines 2, 3, 4 and 97 more')
    """
    numbers = [str(line) for line in sorted(lines)]
    if len(numbers) == 1:
        return f"line {numbers[0]}"
    named = numbers[:MOST_LINES]
    if len(numbers) > MOST_LINES:
        named.append(f"{len(numbers) - MOST_LINES} more")
    return f"lines {', '.join(named[:-1])} and {named[-1]}"


File = Path | Sheet
"""The source of a table; a sheet is in memory."""
NOTHING_CHOSEN: Mapping[str, int] = MappingProxyType({})


def open_encoded(path: Path, encoding: str | None) -> File:
    """A file whose encoding cannot be recognised, read with the user's encoding; other sources are returned unchanged.

    Raises:
        ConfigError: there is no such encoding.
        DataError: it cannot be read, or is not of that encoding.
    """
    raw = _read_bytes(path, "table") if encoding is not None and path.is_file() else b""
    if not raw or raw.startswith((*_WORKBOOKS, *_BINARY)):
        return path
    text, concluded = decode_text(raw, path, encoding)
    return sheet_from_text(text, "", str(path)) if concluded else path


def _read_bytes(path: Path, role: str) -> bytes:
    """The content of a file of limited size; `role` says in the error what it should hold."""
    with refused_by_system(f"{path} cannot be read", f"name the file with the {role}"):
        return read_plain(path, TEXT_TABLE_BYTES)


MOST_OF_A_NAME = 60
"""Most characters of a column's name in a message: after an unclosed quotation mark the name is the whole file."""
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_SHEET = re.compile(r"(.+\.(?:xls[xm]?|ods)):([^:/]+)", re.IGNORECASE)
_BINARY = {
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a rar archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"PAR1": "a parquet file",
    b"ARROW1": "a feather file",
    b"FEA1": "a feather file",
    b"MATLAB ": "a file of MATLAB",
    b"\x89HDF": "an HDF5 file",
    b"SQLite format 3": "a database of SQLite",
    b"%PDF": "a PDF",
    **dict.fromkeys((b"<html", b"<HTML", b"<!DOC", b"<!doc", b"<?xml", b"<table"), "a page or other markup"),
}
_GUARD = re.compile(r"^'(?='*[=+\-@])")
"""Keeps a spreadsheet from running a cell (`write.guard_formula`)."""


@dataclass(frozen=True)
class OtherColumns:
    """The columns of a file that are not read. It also holds what is known of those that are.

    Attributes:
        lines: line number of each row, rising, (n_rows,).
        columns: cells of the columns that are not read, by header.
        taken: header of each column that is read, by what it holds.
        decided: contents whose column the user names.
        owned: contents that are read from a column whose name begins with a word for the side, such as `pred_emotion`.
    """

    lines: NDArray[np.int64]
    columns: Mapping[str, Cells]
    taken: Mapping[str, str]
    decided: frozenset[str] = frozenset()
    owned: frozenset[str] = frozenset()

    def at_lines(self, values: NDArray[Any], lines: NDArray[np.int64]) -> NDArray[Any]:
        """Those of the values of all rows, (n_rows,), that stand on some lines."""
        return values[np.searchsorted(self.lines, lines)]

    def words_at(self, name: str, lines: NDArray[np.int64], read: Callable[[str], str]) -> NDArray[np.object_]:
        """The cells of a column on some lines, (n_lines,), as a function reads each."""
        cells = self.columns[name].read(read)
        words = np.array([*cells.distinct, ""], dtype=object)[cells.which]
        return self.at_lines(words, lines)


@dataclass(frozen=True)
class TextTable:
    """The requested columns, as text.

    Attributes:
        place: the file, for sentences.
        role: `predictions`, `truth` or `frame scores`.
        cells: the cells of each existing column, without surrounding blanks.
        lines: line number in the file of each row, from 1, (n_rows,).
        headers: all names in the header, as written.
        may_have_decimal_comma: whether numbers may have one, because the comma is not the separator.
        header_line: line number of the header, from 1.
        others: cells of the other columns, by header.
        seconds: seconds in a unit of each column whose name gives a unit of time.
        typed: whether the source holds numbers, not texts of numbers, so that no dot separates thousands.
        taken: header of each column that is read, by what it holds.
        decided: contents whose column the user names.
        why: how each column that is read was known, by what it holds.
    """

    place: str
    role: str
    cells: dict[str, Cells]
    lines: NDArray[np.int64]
    headers: list[str]
    may_have_decimal_comma: bool
    header_line: int = 1
    others: dict[str, Cells] = field(default_factory=dict)
    typed: bool = False
    seconds: Mapping[str, float] = field(default_factory=dict)
    taken: Mapping[str, str] = field(default_factory=dict)
    decided: frozenset[str] = frozenset()
    why: Mapping[str, str] = field(default_factory=dict)

    def header_of(self, name: str) -> str:
        """The header of a column that is read; its name where it has none."""
        return self.taken.get(name, name)

    def other_columns(self, used: Iterable[str] = ()) -> OtherColumns:
        """The columns that are not read, without some that had another use."""
        unread = {name: cells for name, cells in self.others.items() if name not in {*used}}
        owned = {name for name, header in self.taken.items() if is_owned(header, name, self.role)}
        return OtherColumns(self.lines, unread, self.taken, self.decided, frozenset(owned))

    def error(self, row: int, sentence: str) -> DataError:
        """An error about a row."""
        return DataError(f"{self.place}, line {self.lines[row]}: {sentence}")

    def refuse(self, name: str, wrong: ArrayLike, sentence: str) -> None:
        """Check that no cell of a column is wrong.

        Args:
            name: name of the column.
            wrong: (n_rows,) bool.
            sentence: the message, with the fields `name`, `cell` (the first wrong one) and `more` (the number of
                others).

        Raises:
            DataError: one is.
        """
        rows = np.flatnonzero(wrong)
        if len(rows):
            more = f" (and {format_count(len(rows) - 1, 'more such line')})" if len(rows) > 1 else ""
            raise self.error(int(rows[0]), sentence.format(name=name, cell=self.cells[name][rows[0]], more=more))

    def without_notes(self, remarks: Remarks) -> Self:
        """The table without notes and sums (`is_note_or_sum`)."""
        named = [self.cells[name] for name in ("subject", "video") if name in self.cells]
        lacks_name = np.any([column.where(lambda cell: not cell or is_total(cell)) for column in named], axis=0)
        notes = np.zeros(len(self.lines), np.bool_)
        for row in np.flatnonzero(lacks_name):
            notes[row] = self._is_note(int(row), named)
        if not notes.any():
            return self
        reason = "a note or a sum that names no video"
        where = at_lines(self.lines[notes])
        remarks.repair(f"{self.role}: {where}, left out: {reason}")
        remarks.account_of(self.role).leave_out("row", int(notes.sum()), reason, where)
        return self.choose_rows(~notes)

    def _is_note(self, row: int, named: Sequence[Cells]) -> bool:
        """Whether a row that lacks a name is a note or a sum."""
        names = [column[row] for column in named]
        numbers = [self.cells[name][row] for name in ("onset", "apex", "offset", "frame") if name in self.cells]
        columns = (*named, *self.cells.values(), *self.others.values())
        filled = [column[row].strip() for column in columns if column[row].strip()]
        return is_note_or_sum(names, numbers, filled[0] if filled else "")

    def note_unread(self, remarks: Remarks, used: Iterable[str] = ()) -> None:
        """Report the unread columns, except for some that had another use; and what became of every column."""
        told_of_later = {*used, *NAMES_OF_PARTS}
        unread = [_shortened(name) for name in self.others if name not in told_of_later]
        if unread:
            remarks.repair(f"{self.role}: {format_count(len(unread), 'column')} not read: {', '.join(unread)}")
        uses = remarks.account_of(self.role).columns
        for what, header in self.taken.items():
            uses.append(ColumnUse(header, what, self.why.get(what, "name")))
        for header, cells in self.others.items():
            use = "probability of a class" if header in used else ""
            uses.append(ColumnUse(_shortened(header), use, "name" if use else f"holds {kind_of_cells(cells)}"))

    def with_column(self, header: str, what: str, column: Cells, why: str = "values") -> Self:
        """The table with one of the other columns as a wanted one.

        Args:
            header: name of the column in the file.
            what: the wanted column that it is.
            column: cells of the column.
            why: how that is known.
        """
        others = {name: cells for name, cells in self.others.items() if name != header}
        taken = {**self.taken, what: header}
        reasons = {**self.why, what: why}
        return replace(self, cells={**self.cells, what: column}, others=others, taken=taken, why=reasons)

    def choose_rows(self, some: NDArray[np.bool_]) -> Self:
        """The table with some of its rows."""
        return replace(
            self,
            cells={name: column.choose_rows(some) for name, column in self.cells.items()},
            others={name: column.choose_rows(some) for name, column in self.others.items()},
            lines=self.lines[some],
        )

    def require(self, *names: str) -> None:
        """Check that these columns exist, and that the subject's column has no similar name.

        Raises:
            DataError: a column is missing; the message names the most similar header.
        """
        needed = dict.fromkeys(names, names)
        if "subject" not in self.cells and similar_header(self.headers, "subject") is not None:
            needed["subject"] = ("subject", "video")  # the column is optional, but a typing error must not hide it
        for name, needs in needed.items():
            if name not in self.cells:
                columns = ", ".join(_shortened(header) for header in self.headers if header)
                raise DataError(
                    f"{self.place}, line {self.header_line}: the header lacks the column {name!r}; its columns are "
                    f"{columns}.{self._hint_at(name)} A file of {self.role} needs {', '.join(needs)}"
                )

    def _hint_at(self, name: str) -> str:
        """Sentences on a column that may be the missing one, and on renamed ones."""
        hint = ""
        near = similar_header([*self.others], name) or header_with_word([*self.others], name)
        if name == "emotion" and (near is None or header_words(near)[0] in OWNERS["truth"]):
            near = None
            hint = self._hint_at_classes()
        both_ends = _name_of_both_ends([*self.others])
        lengths = [header for header in self.others if not LENGTH_WORDS.isdisjoint(header_words(header))]
        seconds = [header for header in self.others if time_column(header)[0] == "onset"]
        if name == "onset" and seconds and lengths:
            hint = f" {seconds[0]!r} is a time: add a column offset_s with {seconds[0]} + {lengths[0]}, the end in seconds."
        elif name in ("onset", "offset") and "apex" in self.cells and not near and not lengths:
            hint = " An apex is no interval: add both ends, or score the emotions of given clips with --clips."
        elif name == "video" and not near:
            hint = self._hint_at_videos()
        elif name == "offset" and lengths:
            hint = f" If {lengths[0]!r} holds the number of frames, add a column offset with onset + {lengths[0]} - 1."
        elif name == "onset" and both_ends:
            hint = f" If {both_ends!r} holds both ends, write them in two columns, onset and offset, a row for each interval."
        elif near:
            remedy = "count it in frames and name it so" if name in ("onset", "offset") else "name it so"
            hint = f" If {near!r} holds it, {remedy}, or add {self._option(name, near)}."
        positions = recognise_columns(self.headers, list(self.cells), self.role)
        positions |= compound_columns(self.headers, positions, {what: ALIASES[what] for what in self.cells})
        taken = []
        for what, position in positions.items():
            header = self.headers[position]
            if plain_name(header) != plain_name(what):
                taken.append(f"{header!r} as {what}")
        if taken:
            hint += f" It takes {', '.join(taken)}."
        return hint

    def _hint_at_classes(self) -> str:
        """A sentence on the columns that may hold classes, by their values; empty without one."""
        shares = [header for header in self.others if header_words(header)[:1] == ["score"]]
        if len(shares) > 1 and self.role == "predictions":
            listed = ", ".join(map(repr, shares[:MOST_LINES]))
            return (
                f" If {listed} hold a score for each class, write the class with the highest one in a column emotion, or, if they are "
                "probabilities, call them p_CLASS."
            )
        lists = [header for header, cells in self.others.items() if _are_lists(cells)]
        if lists and self.role == "predictions":
            return (
                f" If {lists[0]!r} lists a score for each class, write the class with the highest one in a column emotion, or, if they "
                "are probabilities, each in a column p_CLASS."
            )
        may_hold = [header for header, cells in self.others.items() if _may_hold_classes(cells, len(self.lines))]
        owned_by_truth = {header for header in may_hold if header_words(header)[0] in OWNERS["truth"]}
        named = [header for header in may_hold if self.role == "truth" or header not in owned_by_truth]
        if not named:
            return ""
        options = " or ".join(self._option("emotion", header) for header in named[:MOST_LINES])
        return f" Say which column holds it with {options}."

    def _hint_at_videos(self) -> str:
        """A sentence on the columns that may name videos: they hold different texts; empty without one."""
        may_name = [header for header, cells in self.others.items() if kind_of_cells(cells).endswith("texts")]
        if not may_name:
            return " Add a column that names the video of each row."
        options = " or ".join(self._option("video", header) for header in may_name[:MOST_LINES])
        return f" Say which column names the video with {options}."

    def _option(self, name: str, header: str) -> str:
        """The option that says which column holds a content, as a shell takes it."""
        side = "truth." if self.role == "truth" else ""
        return column_option(side + name, header)


def column_option(name: str, header: str) -> str:
    """The option that says which column holds a content, as a shell takes it.

    >>> column_option("emotion", "predict"), column_option("truth.onset", "onset (A)")
    ('--column emotion=predict', '--column "truth.onset=onset (A)"')
    """
    word = f"{name}={header}"
    return f'--column "{word}"' if any(sign in word for sign in " '()[]&;|<>*?$") else f"--column {word}"


def _names_share(header: str) -> bool:
    """Whether a header has a word for a score, so that `score_micro` names no kind."""
    return not {"score", "prob", "probability", "confidence", "p"}.isdisjoint(header_words(header))


def _name_of_both_ends(headers: Sequence[str]) -> str:
    """The first header with a word for an interval; empty without one."""
    words = {"interval", "intervals", "segment", "segments", "span", "range"}
    return next((header for header in headers if not words.isdisjoint(header_words(header))), "")


def _are_lists(cells: Cells) -> bool:
    """Whether the cells of a column are lists, as Python prints them."""
    filled = [cell.strip() for cell in cells.distinct if cell.strip()]
    return bool(filled) and all(cell[0] in "[(" and cell[-1] in "])" for cell in filled)


def _may_hold_classes(cells: Cells, n_rows: int) -> bool:
    """Whether a column may hold the class of each row: a few words, or a few whole numbers."""
    filled = {cell.strip() for cell in cells.distinct if cell.strip()}
    is_repeated = 1 < len(filled) <= max(2, n_rows // 2)
    return is_repeated and all(cell.isdigit() or cell[0].isalpha() for cell in filled)


def _shortened(header: str) -> str:
    """The name of a column, cut for a message."""
    return shorten(header, MOST_OF_A_NAME, placeholder=" …")


def read_sheet(path: File, remarks: Remarks, role: str, reshape: Callable[[Sheet], Sheet] | None = None) -> Sheet:
    """The rows of a file: a table of text or a workbook, as datasets read them, or one of the forms of `shapes`.

    Args:
        path: the file; `book.xlsx:name` is one sheet of a workbook that holds several tables.
        remarks: list that gets what was read otherwise than it is written.
        role: contents of the file, for sentences.
        reshape: function of the sheet, called before anything is said of it.

    Raises:
        DataError: the file is missing, empty, or not a table; a workbook lacks the sheet, or several sheets fit.
    """
    sheet = path if isinstance(path, Sheet) else _opened(path, role)
    sheet = reshape(sheet) if reshape else sheet
    alike = group_by(sheet.remarks, key=lambda repair: re.sub(r"^\d+ ", "", repair.reason))
    for reason, repairs in alike.items():
        lines = {repair.row for repair in repairs if repair.row}
        # Of several rows the sentence leaves out how often each has it.
        sentence = repairs[0].reason if len(repairs) == 1 else reason
        where = f" ({at_lines(lines)})" if lines else ""
        remarks.repair(f"{role}: {sentence}{where}")
    account = remarks.account_of(role)
    for unit, n in sheet.held.items():
        account.hold(unit, n)
    for part in sheet.left_out:
        account.leave_out(part.unit, part.n, part.reason, part.which)
    if not (sheet.rows or sheet.text.strip()):
        raise DataError(f"{path} is empty: it needs a line with the names of the columns, and a line for each row")
    return sheet


def _opened(path: Path, role: str) -> Sheet:
    """The sheet in a file."""
    file = path
    name = None
    with_sheet = None if path.exists() else _SHEET.fullmatch(str(path))
    if with_sheet:
        file = Path(with_sheet[1])
        name = with_sheet[2]
    if file.is_dir():
        return _sheet_of_folder(file, role)
    raw = _read_bytes(file, role)
    try:
        shaped = as_sheet(raw, str(path))
    except DataError as error:
        raise DataError(f"{file}: {error}") from error
    if shaped is not None:
        return shaped
    if raw.startswith(_WORKBOOKS):
        joined = None if name is not None else join_sheets(file, SAVE_SHEET)
        return _without_tool(joined or find_sheet(file, name), file)
    if name is not None:
        raise DataError(f"{file} is not a workbook, so it has no sheet {name!r}: name only the file")
    for mark, kind in _BINARY.items():
        if raw.startswith(mark):
            raise DataError(f"{path} is {kind}, not a table of text: save it as CSV and name that file")
    return sheet_from_text(*decode_text(raw, path), str(path))


def _without_tool(sheet: Sheet, file: Path) -> Sheet:
    """The sheet of a workbook; one that BORIS wrote becomes the marks in it.

    Raises:
        DataError: it is of BORIS and holds no states.
    """
    names = [cell.strip() for cell in sheet.rows[0][1]] if sheet.rows else []
    if not is_header_of_boris(names):
        return sheet
    try:
        return sheet_of_boris(sheet)
    except DataError as error:
        raise DataError(f"{file}: {error}") from error


def _sheet_of_folder(folder: Path, role: str) -> Sheet:
    """The marks of a folder of files of an annotation tool.

    Raises:
        DataError: there are none.
    """
    with refused_by_system(f"{folder} cannot be read", f"name the file with the {role}"):
        sheet = sheet_of_folder(folder)
    if sheet is None:
        raise DataError(
            f"{folder} is a folder without files of ELAN (.eaf), Praat (.TextGrid) or Anvil: name a file with the {role}; tables "
            "of single videos can be joined into one with a column video"
        )
    return sheet


def parse_columns(
    sheet: Sheet,
    path: File,
    role: str,
    wanted: Sequence[str],
    remarks: Remarks,
    may_stand_alone: str | None = None,
    choices: Choices = NO_CHOICES,
) -> TextTable:
    """Take the wanted columns from the rows that are neither notes nor sums.

    Columns may be recognised by a similar name, and times in seconds may stand in for frames: the remarks tell.

    Args:
        sheet: the rows.
        path: the file, for sentences.
        role: contents of the file.
        wanted: names of `ALIASES`.
        remarks: list that gets what was noticed.
        may_stand_alone: the wanted column that may have only its owner's name, `pred` or `y_true`.
        choices: decisions of the user: columns, and the rows that count.

    Raises:
        ConfigError: there is no column that the user names, or no such row.
        DataError: there is no header, two columns have one name, a row has more cells than the header, a wanted cell runs
            over several lines, or it holds a formula without a value.
    """
    if not sheet.header:
        sheet = _with_header(sheet, path, role, wanted, remarks)
    grid = sheet.read_grid()
    at = int(np.searchsorted(grid.lines, sheet.header))
    headers = [column[at].strip() for column in grid.columns[: grid.lengths[at]]]
    chosen = _chosen_positions(headers, wanted, path, role, choices)
    positions = recognise_columns(headers, wanted, role, may_stand_alone, chosen)
    found = _FoundColumns(path, role, headers, grid.choose_rows(slice(at + 1, None)), positions)
    found.refuse_duplicate_columns()
    lines_above = _lines_above(grid, at, sheet.separator)
    if lines_above:
        remarks.repair(f"{role}: {at_lines(lines_above)} above the names of the columns, left out")
    found.add_columns_named_with_number_word(wanted, remarks)
    found.add_times(wanted, remarks)
    found.add_rate(wanted, remarks)
    found.warn_of_likely_names(wanted, remarks)
    found.warn_of_cut_end(sheet, remarks)
    columns = found.take_columns(remarks)
    found.warn_of_rivals(columns, remarks)
    found.refuse_open_quotation(sheet, columns)
    found.refuse_formulas(sheet, columns)
    cells = {}
    for name, position in found.positions.items():
        cells[name] = columns[position].read(_clean_cell, keeps_numbers=True)
    others = {found.headers[position]: columns[position] for position in found.unread}
    others = _parts_below_headers(sheet, found.grid.lines) | others
    table = TextTable(
        place=str(path),
        role=role,
        cells=cells,
        lines=found.grid.lines,
        headers=found.headers,
        may_have_decimal_comma=sheet.separator != ",",
        header_line=sheet.header,
        others=others,
        typed=sheet.is_typed,
        seconds=found.seconds,
        taken={name: found.headers[position] for name, position in found.positions.items()},
        decided=frozenset(chosen),
        why={**found.why, **dict.fromkeys(chosen, "--column")},
    )
    remarks.account_of(role).hold("row", len(table.lines))
    rows_have_names = "video" in cells or "subject" in cells
    table = table.without_notes(remarks) if rows_have_names else table
    return _chosen_rows(table, choices, remarks)


def _parts_below_headers(sheet: Sheet, lines: NDArray[np.int64]) -> dict[str, Cells]:
    """The number of each row's part, as a column, if headers stand above several parts."""
    again = sorted(remark.row for remark in sheet.remarks if remark.row and remark.reason == NAMES_AGAIN)
    if not again:
        return {}
    parts = [str(number) for number in range(1, len(again) + 2)]
    return {NAMES_OF_PARTS[0]: Cells(parts, np.searchsorted(again, lines))}


def _chosen_positions(
    headers: Sequence[str], wanted: Sequence[str], path: File, role: str, choices: Choices
) -> dict[str, int]:
    """The positions of the wanted columns that the user names.

    Raises:
        ConfigError: the file has no such column.
    """
    chosen = {}
    for name in wanted:
        column = choices.column_of(name, role)
        if column is None:
            continue
        position = find_header(headers, column)
        if position is None:
            columns = [_shortened(header) for header in headers if header]
            raise ConfigError(f"--column {name}={column}: {unknown(f'column of {path}', column, columns)}")
        chosen[name] = position
    return chosen


def _chosen_rows(table: TextTable, choices: Choices, remarks: Remarks) -> TextTable:
    """The rows that count by the user's choice, where the table has its column.

    Raises:
        ConfigError: no row has the cell that the user names.
    """
    for choice in choices.where:
        columns = {**table.others, **{header: table.cells[name] for name, header in table.taken.items()}}
        position = find_header([*columns], choice.name) if choice.is_about(table.role) else None
        if position is None:
            continue
        header = [*columns][position]
        without = {name: column for name, column in table.others.items() if name != header}
        if choice.value == "*":
            remarks.account_of(table.role).columns.append(ColumnUse(header, "rows of every value", "--where"))
            table = replace(table, others=without)
            continue
        cells = columns[header]
        some = cells.where(partial(same_cell, value=choice.value))
        if not some.any():
            values = list(dict.fromkeys(cell.strip() for cell in cells.distinct if cell.strip()))
            raise ConfigError(
                f"--where {choice.name}={choice.value}: {unknown(f'value of {header!r}', choice.value, values)}"
            )
        account = remarks.account_of(table.role)
        account.leave_out("row", int((~some).sum()), f"a row of another {header!r} than {choice.value}")
        account.columns.append(ColumnUse(header, f"rows with {choice.value}", "--where"))
        table = replace(table, others=without).choose_rows(some)
    return table


def _clean_cell(cell: str) -> str:
    """A cell with single blanks, without the mark that keeps a formula a text."""
    return _GUARD.sub("", " ".join(cell.split()))


def _with_header(sheet: Sheet, path: File, role: str, wanted: Sequence[str], remarks: Remarks) -> Sheet:
    """The sheet with names for its columns, by what their cells look like."""
    named = None
    if "frame" not in wanted:
        named = with_column_names(sheet, clips="emotion" in wanted and "offset" not in wanted)
    if named is not None:
        remarks.repair(f"{role}: no line names the columns: they are read as {named.names}")
        if named.doubt:
            remarks.warn(f"{role}: {named.doubt}")
        return replace(named.sheet, held=sheet.held, left_out=sheet.left_out)
    line, first = next((n, text.strip()) for n, text in sheet.read_lines() if text.strip())
    raise DataError(
        f"{path}, line {line}: this line should name the columns ({', '.join(wanted)}), separated by comma, "
        f"semicolon or tab, but is {first[:80]!r}: write the names above the rows"
    )


def _lines_above(grid: SheetGrid, n_rows: int, separator: str) -> list[int]:
    """The lines of the first rows, without those that say nothing about the data (`PASSED`)."""
    above = []
    for row in range(n_rows):
        cells = [column[row] for column in grid.columns[: grid.lengths[row]]]
        if not PASSED.match(separator.join(cells)):
            above.append(int(grid.lines[row]))
    return above


@dataclass
class _FoundColumns:
    """The wanted columns of a table while they are looked for.

    Attributes:
        path: the file, for sentences.
        role: contents of the file.
        headers: all names in the header.
        grid: rows below the header.
        positions: position of each wanted column that is found.
        seconds: seconds in a unit of each of them whose name gives a unit of time.
        why: how some of them were known, if not by their plain names.
    """

    path: File
    role: str
    headers: list[str]
    grid: SheetGrid
    positions: dict[str, int]
    seconds: dict[str, float] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)

    @property
    def unread(self) -> list[int]:
        """The positions of the other columns that have a name."""
        taken = set(self.positions.values())
        return [position for position, header in enumerate(self.headers) if header and position not in taken]

    def refuse_duplicate_columns(self) -> None:
        """Refuse a wanted column that the header names twice."""
        plain_headers = [plain_name(header) for header in self.headers]
        for name, position in self.positions.items():
            header = self.headers[position]
            if plain_headers.count(plain_name(header)) > 1:
                raise DataError(f"{self.path} has two columns {header!r}: keep the one that holds the {name}")

    def add_columns_named_with_number_word(self, wanted: Sequence[str], remarks: Remarks) -> None:
        """Add columns whose name is a wanted one with a word for a number."""
        aliases = {name: ALIASES[name] for name in wanted}
        for name, position in compound_columns(self.headers, self.positions, aliases).items():
            if name == "kind":  # its numbers stand for words
                continue
            self.positions[name] = position
            self.why[name] = "name with a word for a number"
            remarks.repair(f"{self.role}: the column {self.headers[position]!r} is read as the {name}")

    def add_times(self, wanted: Sequence[str], remarks: Remarks) -> None:
        """Add onset and offset in seconds or milliseconds, if no column counts them in frames: `start_s` and `end_s`."""
        if "offset" not in wanted or {"onset", "offset"} & self.positions.keys():
            return
        times: dict[str, tuple[int, float]] = {}
        for position in self.unread:
            name, unit_in_seconds = time_column(self.headers[position])
            if name in wanted:
                times.setdefault(name, (position, unit_in_seconds))
        if not {"onset", "offset"} <= times.keys():
            return
        for name, (position, unit_in_seconds) in times.items():
            if name not in self.positions:
                self.positions[name] = position
                self.seconds[name] = unit_in_seconds
                self.why[name] = "name with a unit of time"
                what = "milliseconds" if unit_in_seconds < 1 else "seconds"
                remarks.repair(f"{self.role}: the column {self.headers[position]!r} is read as the {name} in {what}")

    def add_rate(self, wanted: Sequence[str], remarks: Remarks) -> None:
        """Add a frame rate under another name, such as `Hz`, if its numbers fit."""
        if "fps" not in wanted or "fps" in self.positions:
            return
        for position in self.unread:
            header = self.headers[position]
            names_rate = not RATE_WORDS.isdisjoint(header_words(header))
            if names_rate and position < len(self.grid.columns) and is_rate(self.grid.columns[position]):
                self.positions["fps"] = position
                self.why["fps"] = "name with a word for a rate, and values"
                remarks.repair(f"{self.role}: the column {header!r} is read as the fps")
                return

    def warn_of_likely_names(self, wanted: Sequence[str], remarks: Remarks) -> None:
        """Warn of unread columns whose names may be mistyped."""
        unread = [self.headers[position] for position in self.unread]
        for name in wanted:
            # `intervals` searches for kinds in other columns, `column_values` for scores.
            is_searched_later = (name == "kind" and "offset" in wanted) or name == "score"
            if name in self.positions or is_searched_later:
                continue
            near = similar_header(unread, name) or header_with_word(unread, name)
            if near is not None and plain_name(near) not in KNOWN and not (name == "kind" and _names_share(near)):
                side = "truth." if self.role == "truth" else ""
                remarks.warn(
                    f"{self.role}: the column {near!r} is not read; if it holds the {name}, add {column_option(side + name, near)}"
                )

    def warn_of_cut_end(self, sheet: Sheet, remarks: Remarks) -> None:
        """Warn of a short last line without a line end."""
        is_short = self.grid.lengths < len(self.headers)
        only_last = len(is_short) > 1 and is_short[-1] and is_short.sum() == 1
        if only_last and sheet.text[-1:] not in ("", "\n", "\r"):
            remarks.warn(
                f"{self.role}: the last line, {self.grid.lines[-1]}, has only {self.grid.lengths[-1]} of "
                f"{len(self.headers)} cells and no line end: was the file cut off there?"
            )

    def take_columns(self, remarks: Remarks) -> list[Cells]:
        """The columns that the header names, without a row number that it does not name.

        Raises:
            DataError: a row has more cells than the header.
        """
        grid = self.grid
        width = len(self.headers)
        # Every row may begin with its number, for which the header has no name, as in a table written by R. Or it may
        # end with a separator too many: then the last cells are blank.
        is_longer = len(grid.lines) > 0 and bool((grid.lengths == width + 1).all())
        shift = 0
        if is_longer and self._begins_with_row_numbers():
            first = grid.columns[0]
            shift = 1
            remarks.repair(
                f"{self.role}: each row begins with a cell that the header does not name, {first[0].strip()} to "
                f"{first[len(first) - 1].strip()}: read as row numbers"
            )
        self._refuse_more_cells(width + shift, is_longer)
        empty = Cells([""], np.zeros(len(grid.lines), np.intp))
        n_missing = width + shift - len(grid.columns)
        return [*grid.columns[shift : width + shift], *[empty] * n_missing]

    def _begins_with_row_numbers(self) -> bool:
        """Whether the first cells, which the header does not name, count the rows."""
        grid = self.grid
        width = len(self.headers)
        first = [cell.strip() for cell in grid.columns[0]]
        counts = [[str(row + begin) for row in range(len(first))] for begin in (0, 1)]
        if first not in counts:
            return False
        if grid.columns[width].where(str.strip).any():
            return True
        # The last cells are blank: the columns of frames say whether they begin one cell later.
        ends = [self.positions[name] for name in ("onset", "offset", "frame") if name in self.positions]
        if not _are_numbers([grid.columns[end + 1] for end in ends]):
            return False
        if _are_numbers([grid.columns[end] for end in ends]):
            raise DataError(
                f"{self.path}, line {grid.lines[0]}: every row has one cell more than the header, a number at its start "
                "or a blank at its end: name the first column too, or remove the last separator"
            )
        return True

    def _refuse_more_cells(self, width: int, is_longer: bool) -> None:
        """Refuse a row with a filled cell beyond the width."""
        hint = " If the first cell of each row is a row number, name that column too." if is_longer else ""
        for column in self.grid.columns[width:]:
            row = first_true(column.where(str.strip))
            if row is not None:
                raise DataError(
                    f"{self.path}, line {self.grid.lines[row]}: the row has {self.grid.lengths[row]} cells, but the header "
                    f"names {len(self.headers)} columns: put cells that contain the separator in quotation marks.{hint}"
                )

    def warn_of_rivals(self, columns: Sequence[Cells], remarks: Remarks) -> None:
        """Warn of columns that could equally be a wanted one and hold something else."""
        for name, other in other_candidates(self.headers, self.positions, self.role):
            taken = self.positions[name]
            if [*columns[other]] != [*columns[taken]]:
                remarks.warn(
                    f"{self.role}: the column {self.headers[taken]!r} is read as the {name}, not "
                    f"{self.headers[other]!r}, which differs: remove the wrong one"
                )

    def refuse_open_quotation(self, sheet: Sheet, columns: Sequence[Cells]) -> None:
        """Refuse a cell of a wanted column that runs over several lines of text."""
        for name, position in self.positions.items():
            is_broken = columns[position].where(lambda cell: "\n" in cell.strip(), never_of_numbers=True)
            if sheet.text and is_broken.any():
                raise DataError(
                    f"{self.path}, line {self.grid.lines[is_broken][0]}: the cell of {name} runs over several lines: is a quotation "
                    "mark unclosed?"
                )

    def refuse_formulas(self, sheet: Sheet, columns: Sequence[Cells]) -> None:
        """Refuse a wanted column of a workbook with formulas that no program has computed."""
        is_workbook = not sheet.text and sheet.separator != ","
        if not is_workbook:
            return
        for position in self.positions.values():
            has_formula = columns[position].where(lambda cell: cell.startswith(FORMULA))
            if has_formula.any():
                raise DataError(
                    f"{self.path}, line {self.grid.lines[has_formula][0]}: the column {self.headers[position]!r} holds formulas that no "
                    "program has computed: open the workbook in a spreadsheet program and save it"
                )


def _are_numbers(columns: Sequence[Cells]) -> bool:
    """Whether the cells of some columns are numbers in every row, or all blank."""
    filled = [column.where(str.strip) for column in columns]
    right = [column.where(re.compile(r"\s*[-+]?\d[\d.,]*\s*").fullmatch) for column in columns]
    return bool((~np.any(filled, axis=0) | np.all(right, axis=0)).all())


def recognise_columns(
    headers: Sequence[str],
    wanted: Sequence[str],
    role: str,
    may_stand_alone: str | None = None,
    chosen: Mapping[str, int] = NOTHING_CHOSEN,
) -> dict[str, int]:
    """The positions of the wanted columns.

    Args:
        headers: names of the columns in the file.
        wanted: names of `ALIASES`.
        role: `predictions`, `truth` or `frame scores`.
        may_stand_alone: the wanted column that may be called after its owner alone.
        chosen: positions that the user names.

    Returns:
        Position of each wanted column in the file. A name with its owner (`gt_onset`), or an owner's name alone
        (`predicted`), comes before the bare name, so one table may hold truth and predictions.

    >>> recognise_columns(["", "vid", "Pred_Onset", "pred_offset", "gt_onset"], ["video", "onset", "offset"], "predictions")
    {'video': 1, 'onset': 2, 'offset': 3}
    """
    where = {plain_name(header): position for position, header in reversed(list(enumerate(headers)))}
    positions = dict(chosen)
    for name in wanted:
        if name in chosen:
            continue
        owners_alone = ALONE[role] if name == may_stand_alone else ()
        aliases = [*_names_with_owner(role, name), *owners_alone, *ALIASES[name]]
        free = [where[alias] for alias in aliases if alias in where and where[alias] not in positions.values()]
        if free:
            positions[name] = free[0]
    return positions


def is_owned(header: str, name: str, role: str) -> bool:
    """Whether the name of a column says to which side it belongs: `pred_emotion`, `predicted`."""
    plain = plain_name(header)
    return plain in _names_with_owner(role, name) or (name == "emotion" and plain in ALONE.get(role, ()))


@cache  # each file asks for them
def _names_with_owner(role: str, name: str) -> tuple[str, ...]:
    """The names of a wanted column behind each owner of a role, such as `gt_onset`."""
    return tuple(owner + alias for owner, alias in product(OWNERS[role], ALIASES[name]))


def other_candidates(headers: Sequence[str], found: Mapping[str, int], role: str) -> Iterator[tuple[str, int]]:
    """Columns that could equally be the one that was chosen.

    Args:
        headers: names of the columns in the file.
        found: from `recognise_columns`.
        role: as there.

    Yields:
        A wanted column, and the position of an unread column with another of its names; both with an owner's name, or
        both without.

    >>> list(other_candidates(["video", "OnsetF", "Onset", "end"], {"video": 0, "onset": 1, "offset": 3}, "truth"))
    [('onset', 2)]
    """
    taken_positions = set(found.values())
    unread = {n: plain_name(header) for n, header in enumerate(headers) if n not in taken_positions}
    if not unread:
        return
    for name, taken in found.items():
        for owner in (*OWNERS[role], ""):
            names = {owner + alias for alias in ALIASES[name]}
            if plain_name(headers[taken]) not in names:
                continue
            for position, header in unread.items():
                if header in names:
                    yield name, position


def similar_header(headers: Sequence[str], name: str) -> str | None:
    """The header most similar to one of a column's names, or None.

    >>> similar_header(["sbuject", "video"], "subject"), similar_header(["video", "notes"], "subject")
    ('sbuject', None)
    """
    written = {plain_name(header): header for header in reversed(headers)}
    for alias in ALIASES[name]:
        near = nearest_name(alias, written, 0.75)
        if near is not None:
            return written[near]
    return None


def header_with_word(headers: Sequence[str], name: str) -> str | None:
    """The first header with a column's name among its words.

    >>> header_with_word(["video", "onset_s"], "onset"), header_with_word(["offset"], "onset")
    ('onset_s', None)
    """
    for header in headers:
        long_words = {word for word in header_words(header) if len(word) > 2}
        if not long_words.isdisjoint(ALIASES[name]):
            return header
    return None
