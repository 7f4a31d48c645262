"""An OpenDocument sheet before a library opens it: how large it is, and what its cells do not show.

A few hundred bytes may stand for millions of cells, since a row and a cell say how often they repeat. Expat passes over the XML once and
counts them; the same pass notes merged, hidden and uncalculated cells.
"""

import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

from mebench.errors import DataError
from mebench.limits import SHEET_BYTES, SHEET_CELLS, SHEET_COLUMNS, SHEET_ROWS, SHEET_XML_BYTES, SHEET_XML_LEVELS

CONTENT = "content.xml"
_TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0 "
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0 "
_STYLE = "urn:oasis:names:tc:opendocument:xmlns:style:1.0 "
_TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0 "
_SPACES = f"{_TEXT}s"
_DIGITS = 10
"""As many digits as no number of spaces has."""
_CELLS = (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell")
_CHUNK = 1 << 16
_MOST_REPEATS = 1 << 24
"""Largest number of repetitions that is read as it is written: a sheet has about a million rows."""


@dataclass
class OdsSheet:
    """What the cells of one sheet do not show; rows and columns from 1.

    Attributes:
        name: name of the sheet.
        is_hidden: whether the sheet itself is hidden.
        n_rows: number of its last row with content.
        n_columns: number of its last column with content.
        merged: first column, first row, last column and last row of merged cells.
        hidden_rows: rows that are hidden or filtered out.
        hidden_columns: columns that are hidden.
        struck: row and column of the cells that are struck out.
        formulas: formula by row and column.
        without_value: places of formulas that no program has computed.
    """

    name: str
    is_hidden: bool = False
    n_rows: int = 0
    n_columns: int = 0
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    struck: set[tuple[int, int]] = field(default_factory=set)
    formulas: dict[tuple[int, int], str] = field(default_factory=dict)
    without_value: set[tuple[int, int]] = field(default_factory=set)


def check_ods(path: Path) -> list[OdsSheet]:
    """The sheets of a file that stays within the limits.

    Raises:
        DataError: it expands to too much, declares entities, or is damaged.
    """
    with zipfile.ZipFile(path) as archive:
        check_expansion(path, archive)
        reader = _Reader(path)
        with archive.open(CONTENT) as content:
            read = 0
            while chunk := content.read(_CHUNK):
                read += len(chunk)
                if read > SHEET_XML_BYTES:  # the list of contents may lie
                    raise DataError(f"{path} would expand to more than {SHEET_XML_BYTES >> 20} MiB of XML")
                reader.feed(chunk)
            reader.close()
    return reader.sheets


def check_expansion(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse a workbook whose list of contents says that it expands to too much: a few kilobytes may unpack to gigabytes.

    Raises:
        DataError: so it does.
    """
    size_of = {entry.filename: entry.file_size for entry in archive.infolist()}
    xml = sum(size for name, size in size_of.items() if name.endswith((".xml", ".rels")))
    for total, most, what in ((sum(size_of.values()), SHEET_BYTES, ""), (xml, SHEET_XML_BYTES, " of XML")):
        if total > most:
            raise DataError(
                f"{path} would expand to {total / 2**20:,.0f} MiB{what}, and a workbook to at most {most >> 20}"
            )


class _Reader:
    """Counts rows and cells while expat reads the XML.

    Attributes:
        sheets: sheets so far.
    """

    def __init__(self, path: Path) -> None:
        self.sheets: list[OdsSheet] = []
        self._path = path
        self._depth = 0
        self._row = 0
        self._column = 0
        self._row_repeats = 1
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._style = ""
        self._hidden_styles: set[str] = set()
        self._struck_styles: set[str] = set()
        self._cell: tuple[int, int] | None = None
        self._has_text = False
        self._spaces = 0

    def feed(self, chunk: bytes) -> None:
        """Read more of the XML."""
        self._parse(chunk, False)

    def close(self) -> None:
        """Read its end."""
        self._parse(b"", True)

    def _parse(self, chunk: bytes, is_last: bool) -> None:
        try:
            self._parser.Parse(chunk, is_last)
        except expat.ExpatError as error:
            raise DataError(f"{self._path} is not a readable .ods file ({error}): save it again") from None

    def _refuse_doctype(self, *_: Any) -> None:
        raise DataError(f"{self._path} declares a document type or entities, which no spreadsheet program writes")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > SHEET_XML_LEVELS:
            raise DataError(f"{self._path} is nested more than {SHEET_XML_LEVELS} deep, as no .ods file is")
        if tag == f"{_TABLE}table":
            is_hidden = attributes.get(f"{_TABLE}style-name") in self._hidden_styles
            self.sheets.append(OdsSheet(attributes.get(f"{_TABLE}name", ""), is_hidden))
            self._row = 0
            self._column = 0
        elif not self.sheets:
            self._note_style(tag, attributes)
        elif tag == f"{_TABLE}table-column":
            self._start_column(attributes)
        elif tag == f"{_TABLE}table-row":
            self._column = 0
            self._row_repeats = self._repeats(attributes, "number-rows-repeated")
            if attributes.get(f"{_TABLE}visibility", "visible") != "visible":
                last = min(self._row + self._row_repeats, SHEET_ROWS)
                self.sheets[-1].hidden_rows.update(range(self._row + 1, last + 1))
        elif tag in _CELLS:
            self._start_cell(attributes)
        elif tag == _SPACES:
            self._count_spaces(attributes.get(f"{_TEXT}c", "1"))

    def _count_spaces(self, written: str) -> None:
        """Count repeated spaces, and refuse more than all text may be long."""
        is_count = written.isascii() and written.isdecimal() and len(written) < _DIGITS
        self._spaces += int(written) if is_count else SHEET_XML_BYTES + 1
        if self._spaces > SHEET_XML_BYTES:
            raise DataError(f"{self._path} repeats spaces more than {SHEET_XML_BYTES:,} times, as no .ods file does")

    def _note_style(self, tag: str, attributes: dict[str, str]) -> None:
        """Note the styles of hidden sheets and of struck cells, which stand above the sheets."""
        if tag == f"{_STYLE}style":
            self._style = attributes.get(f"{_STYLE}name", "")
        elif tag == f"{_STYLE}table-properties" and attributes.get(f"{_TABLE}display") == "false":
            self._hidden_styles.add(self._style)
        elif tag == f"{_STYLE}text-properties":
            lines = {attributes.get(f"{_STYLE}text-line-through-{what}", "none") for what in ("style", "type")}
            if lines != {"none"}:
                self._struck_styles.add(self._style)

    def _start_column(self, attributes: dict[str, str]) -> None:
        """Note a column that is hidden."""
        repeats = self._repeats(attributes, "number-columns-repeated")
        if attributes.get(f"{_TABLE}visibility", "visible") != "visible":
            last = min(self._column + repeats, SHEET_COLUMNS)
            self.sheets[-1].hidden_columns.update(range(self._column + 1, last + 1))
        self._column += repeats

    def _start_cell(self, attributes: dict[str, str]) -> None:
        """Count a cell, and note what it does not show."""
        sheet = self.sheets[-1]
        row, column = self._row + 1, self._column + 1
        repeats = self._repeats(attributes, "number-columns-repeated")
        self._column += repeats
        self._cell = (row, column)
        self._has_text = f"{_OFFICE}value-type" in attributes
        if attributes.get(f"{_TABLE}style-name") in self._struck_styles and len(sheet.struck) < SHEET_ROWS:
            sheet.struck.update((row, column + more) for more in range(min(repeats, SHEET_COLUMNS)))
        if self._has_text:
            self._count(sheet)
        formula = attributes.get(f"{_TABLE}formula", "")
        if formula and len(sheet.formulas) < SHEET_ROWS:
            sheet.formulas[row, column] = formula.partition(":")[2] or formula
            sheet.without_value.add((row, column))
            if self._has_text:
                sheet.without_value.discard((row, column))
            self._count(sheet)
        down, across = (self._repeats(attributes, f"number-{what}-spanned") for what in ("rows", "columns"))
        if down > 1 and len(sheet.merged) < SHEET_ROWS:
            sheet.merged.append((column, row, column + across - 1, row + down - 1))

    def _count(self, sheet: OdsSheet) -> None:
        """Count the current cell, which holds something, as often as it and its row repeat.

        Raises:
            DataError: the sheet is too large.
        """
        sheet.n_rows = max(sheet.n_rows, self._row + self._row_repeats)
        sheet.n_columns = max(sheet.n_columns, self._column)
        if sheet.n_rows > SHEET_ROWS:
            raise DataError(
                f"sheet {sheet.name!r} of {self._path} has more than {SHEET_ROWS:,} rows, and no more are read"
            )
        if sheet.n_rows * sheet.n_columns > SHEET_CELLS:
            raise DataError(
                f"sheet {sheet.name!r} of {self._path} has {sheet.n_rows:,} rows of {sheet.n_columns:,} cells, and no more than "
                f"{SHEET_CELLS:,} cells are read"
            )

    def _text(self, text: str) -> None:
        """Text within a cell is its content, too."""
        if self._cell is not None and not self._has_text and text.strip():
            self._has_text = True
            self._count(self.sheets[-1])

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if tag in _CELLS:
            self._cell = None
        elif tag == f"{_TABLE}table-row":
            self._row += self._row_repeats

    def _repeats(self, attributes: dict[str, str], name: str) -> int:
        """How often something repeats, at least once.

        Raises:
            DataError: it is no number, or an impossible one.
        """
        written = attributes.get(f"{_TABLE}{name}", "1")
        if not (written.isascii() and written.isdigit() and len(written) <= 9 and int(written) <= _MOST_REPEATS):
            raise DataError(
                f"{self._path} repeats a row or a cell {written[:20]!r} times, which no spreadsheet program writes"
            )
        return max(int(written), 1)
