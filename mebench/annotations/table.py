"""Find the sheet that holds the annotations, and its columns by name."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from mebench.annotations.names import NAMES, compound_columns, plain_name
from mebench.annotations.sheets import Rows, Sheet, read_sheets
from mebench.annotations.text import HEADER_WITHIN
from mebench.core import Repair
from mebench.errors import DataError


@dataclass(frozen=True)
class Header:
    """Columns found by their names.

    Attributes:
        required: fields without which a sheet is not the one.
        names: names of further fields, and names that replace those in `NAMES`.
        sheet: name of the sheet to prefer where several fit.
    """

    required: tuple[str, ...] = ("subject", "video", "onset", "offset")
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sheet: str = ""

    def __str__(self) -> str:
        return f"a header with {', '.join(self.titles.values())} within the first {HEADER_WITHIN} rows"

    @property
    def titles(self) -> dict[str, str]:
        """The names of the required fields in sentences."""
        return {what: self.names.get(what, (what.capitalize(),))[0] for what in self.required}

    def match(self, cells: Sequence[str]) -> dict[str, int]:
        """Field -> column of the cells that carry one of its names; the earlier name wins, then the earlier column."""
        seen = {plain_name(text): column for column, text in reversed(list(enumerate(cells)))}
        columns = {}
        for what, known in {**NAMES, **self.names}.items():
            present = [name for name in map(plain_name, known) if name and name in seen]
            if present:
                columns[what] = seen[present[0]]
        return columns | compound_columns(cells, columns, {"kind": [*map(plain_name, NAMES["kind"])]})

    def place(self, rows: Rows) -> tuple[int, dict[str, int]] | None:
        """How many rows end with the header, and the columns of the fields; None where there is no such header."""
        for n_above, (_, cells) in enumerate(rows[:HEADER_WITHIN], 1):
            fields = self.match(cells)
            if {*self.required} <= fields.keys():
                return n_above, fields
        return None


@dataclass(frozen=True)
class Columns:
    """Columns by position, for a sheet without a header.

    Attributes:
        fields: content of each column, from the first; an empty text for one that is not read.
        sheet: name of the sheet to prefer where several fit.
        numeric: fields that must hold numbers in most rows, so that another sheet is not mistaken for this one.
        at_least: columns that a row must have.
    """

    fields: tuple[str, ...]
    sheet: str = ""
    numeric: tuple[str, ...] = ("onset", "offset")
    at_least: int = 0

    def __str__(self) -> str:
        listed = ", ".join(what or "(any)" for what in self.fields)
        return f"{len(self.fields)} columns without a header: {listed}"

    def place(self, rows: Rows) -> tuple[int, dict[str, int]] | None:
        """No row above the annotations, and the columns of the fields; None where most rows are something else."""
        fields = {what: column for column, what in enumerate(self.fields) if what}
        full = [cells for _, cells in rows if len(cells) >= (self.at_least or len(self.fields))]
        numeric_columns = [fields[what] for what in self.numeric]
        fitting = [cells for cells in full if all(_is_number(cells[column]) for column in numeric_columns)]
        return (0, fields) if 2 * len(fitting) > len(rows) else None


def _is_number(cell: str) -> bool:
    """Whether a cell holds digits with at most one point."""
    return cell.strip().replace(".", "", 1).isdigit()


@dataclass(frozen=True)
class Row:
    """One row below the header.

    Attributes:
        number: row of the sheet, from 1.
        cells: field -> text as it stands in the sheet.
        text: all cells, for rows that turn out to be remarks.
    """

    number: int
    cells: Mapping[str, str]
    text: str

    def get(self, what: str) -> str:
        """The text of a field without blanks at its ends; empty where the sheet has no such column."""
        return self.cells.get(what, "").strip()


@dataclass(frozen=True)
class Table:
    """The rows of the sheet that fits.

    Attributes:
        sheet: sheet of the rows.
        columns: name of each field's column in the sheet, for reports.
        rows: rows below the header.
        unread: names of the columns that nothing is taken from.
    """

    sheet: Sheet
    columns: Mapping[str, str]
    rows: tuple[Row, ...]
    unread: tuple[str, ...] = ()


def find_table(sheets: Sequence[Sheet], *forms: Header | Columns) -> Table | None:
    """The table of the first form that fits a sheet.

    Among sheets of one form, the preferred name counts, then the number of columns, then the number of rows.
    """
    for form in forms:
        wanted = plain_name(form.sheet)

        def preference(table: Table, wanted: str = wanted) -> tuple[bool, int, int]:
            has_wanted_name = bool(wanted) and plain_name(table.sheet.name) == wanted
            return has_wanted_name, len(table.columns), len(table.rows)

        tables = [table for table in (_table_of_sheet(sheet, form) for sheet in sheets) if table is not None]
        if tables:
            return _without_repeated_rows(max(tables, key=preference))
    return None


def _without_repeated_rows(table: Table) -> Table:
    """The table without rows with frames that repeat an earlier one in every cell: they are the same expression."""
    first: dict[str, Row] = {}
    repeated = []
    remarks = [*table.sheet.remarks]
    for row in table.rows:
        if not row.get("onset"):
            continue
        earlier = first.setdefault(row.text, row)
        if earlier is not row:
            repeated.append(row)
            reason = f"equals row {earlier.number} in every cell: one expression, left out"
            remarks.append(Repair(row.number, "all columns", row.text[:80], "none", reason, table.sheet.where))
    rows = tuple(row for row in table.rows if row not in repeated) if repeated else table.rows
    return replace(table, rows=rows, sheet=replace(table.sheet, remarks=tuple(remarks)))


def table_of_file(path: Path, *forms: Header | Columns) -> Table | None:
    """The table that `find_table` finds in a file; None also for a file that cannot be read, or without a form to look for."""
    with suppress(DataError):
        return find_table(read_sheets(path), *forms) if forms else None
    return None


def need_table(sheets: Sequence[Sheet], *forms: Header | Columns, file: object) -> Table:
    """The table that `find_table` finds.

    Raises:
        DataError: no sheet fits; the sentence names what was looked for and what is nearest.
    """
    table = find_table(sheets, *forms)
    if table is None:
        raise DataError(
            f"no sheet of {file} contains the annotations: expected {' or '.join(map(str, forms))}"
            f"{_nearest_header(sheets, forms)}. "
            "Give the right file with dataset.annotations=FILE, or rename its columns"
        )
    return table


def _nearest_header(sheets: Sequence[Sheet], forms: Sequence[Header | Columns]) -> str:
    """The row that lacks the fewest columns of the first header, in words; nothing if no row has any of them."""
    headers = [form for form in forms if isinstance(form, Header)]
    if not headers:
        return ""
    header = headers[0]
    near: list[tuple[list[str], int, str]] = []
    for sheet in sheets:
        for number, cells in sheet.rows[:HEADER_WITHIN]:
            columns = header.match(cells)
            if columns.keys() & {*header.required}:
                lacking = [title for what, title in header.titles.items() if what not in columns]
                near.append((lacking, number, sheet.name))
    if not near:
        return ""
    lacking, number, name = min(near, key=lambda row: len(row[0]))
    return f"; row {number} of {name!r} has no {', no '.join(lacking)}"


def _table_of_sheet(sheet: Sheet, form: Header | Columns) -> Table | None:
    """The table of a sheet under a form; None if the form does not fit."""
    placed = form.place(sheet.rows)
    if placed is None:
        return None
    n_above, fields = placed
    header: Sequence[str] = ()
    columns = {what: f"column {column + 1}" for what, column in fields.items()}
    if n_above:
        _, header = sheet.rows[n_above - 1]
        columns = {what: header[column].strip() for what, column in fields.items()}
    rows = []
    for number, cells in sheet.rows[n_above:]:
        texts = dict.fromkeys(fields, "")
        texts.update({what: cells[column] for what, column in fields.items() if column < len(cells)})
        rows.append(Row(number, texts, " ".join(" ".join(cells).split())))
    titled = {column: cell.strip() for column, cell in enumerate(header) if cell.strip()}
    unread = tuple(title for column, title in titled.items() if column not in fields.values())
    # Remarks on columns that are not read are of no use.
    read = {"all columns", *(f"column {column + 1}" for column in fields.values())}
    remarks = tuple(remark for remark in sheet.remarks if remark.column in read)
    return Table(replace(sheet, remarks=remarks), columns, tuple(rows), unread)
