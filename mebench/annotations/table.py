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
        names: names of fields beside, or instead of, those in `NAMES`.
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
        columns = {
            what: seen[present[0]]
            for what, known in {**NAMES, **self.names}.items()
            if (present := [name for name in map(plain_name, known) if name and name in seen])
        }
        return columns | compound_columns(cells, columns, {"kind": [*map(plain_name, NAMES["kind"])]})

    def place(self, rows: Rows) -> tuple[int, dict[str, int]] | None:
        """How many rows end with the header, and the columns of the fields; None where there is no such header."""
        headers = ((n, self.match(cells)) for n, (_, cells) in enumerate(rows[:HEADER_WITHIN], 1))
        return next(((n, fields) for n, fields in headers if {*self.required} <= fields.keys()), None)


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
        numbers = ([cells[fields[what]].strip() for what in self.numeric] for cells in full)
        good = sum(all(number.replace(".", "", 1).isdigit() for number in some) for some in numbers)
        return (0, fields) if 2 * good > len(rows) else None


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
        sheet: where they stand.
        columns: field -> the column's name in the sheet, for reports.
        rows: below the header.
        unread: names of the columns that nothing is taken from.
    """

    sheet: Sheet
    columns: Mapping[str, str]
    rows: tuple[Row, ...]
    unread: tuple[str, ...] = ()


def find_table(sheets: Sequence[Sheet], *forms: Header | Columns) -> Table | None:
    """The first form that fits a sheet; among sheets of one form, the one with the preferred name, then the one with
    most rows.
    """
    for form in forms:
        if tables := [table for sheet in sheets if (table := _table(sheet, form)) is not None]:
            wanted = plain_name(form.sheet)
            table = max(
                tables,
                key=lambda t: (bool(wanted) and plain_name(t.sheet.name) == wanted, len(t.columns), len(t.rows)),
            )
            # A row with frames that repeats an earlier row in every cell is the same expression.
            first: dict[str, Row] = {}
            again = [row for row in table.rows if row.get("onset") and first.setdefault(row.text, row) is not row]
            remarks = [
                Repair(
                    row.number,
                    "all columns",
                    row.text[:80],
                    "none",
                    f"equals row {first[row.text].number} in every cell: one expression, left out",
                    table.sheet.where,
                )
                for row in again
            ]
            rows = tuple(row for row in table.rows if row not in again) if again else table.rows
            return replace(table, rows=rows, sheet=replace(table.sheet, remarks=(*table.sheet.remarks, *remarks)))
    return None


def table_of_file(path: Path, *forms: Header | Columns) -> Table | None:
    """The table that `find_table` finds in a file; None also for a file that cannot be read, or without a form to look for."""
    with suppress(DataError):
        return find_table(read_sheets(path), *forms) if forms else None
    return None


def need_table(sheets: Sequence[Sheet], *forms: Header | Columns, file: object) -> Table:
    """Like `find_table`, but raises DatasetError if no sheet fits.

    Raises:
        DataError: no sheet fits; the sentence names what was looked for and what is nearest.
    """
    table = find_table(sheets, *forms)
    if table is None:
        near = [
            ([title for what, title in form.titles.items() if what not in columns], number, sheet.name)
            for form in [form for form in forms if isinstance(form, Header)][:1]
            for sheet in sheets
            for number, cells in sheet.rows[:HEADER_WITHIN]
            if (columns := form.match(cells)).keys() & {*form.required}
        ]
        nearest = min(near, key=lambda row: len(row[0]), default=None)
        lacking = f"; row {nearest[1]} of {nearest[2]!r} has no {', no '.join(nearest[0])}" if nearest else ""
        raise DataError(
            f"no sheet of {file} contains the annotations: expected {' or '.join(map(str, forms))}{lacking}. "
            "Give the right file with dataset.annotations=FILE, or rename its columns"
        )
    return table


def _table(sheet: Sheet, form: Header | Columns) -> Table | None:
    if (placed := form.place(sheet.rows)) is None:
        return None
    above, fields = placed
    header = sheet.rows[above - 1][1] if above else ()
    columns = {what: header[column].strip() if above else f"column {column + 1}" for what, column in fields.items()}
    rows = tuple(
        Row(
            number,
            {what: cells[column] if column < len(cells) else "" for what, column in fields.items()},
            " ".join(" ".join(cells).split()),
        )
        for number, cells in sheet.rows[above:]
    )
    unread = tuple(cell.strip() for n, cell in enumerate(header) if cell.strip() and n not in fields.values())
    # Remarks on columns that are not read are of no use.
    read = {"all columns", *(f"column {column + 1}" for column in fields.values())}
    remarks = tuple(remark for remark in sheet.remarks if remark.column in read)
    return Table(replace(sheet, remarks=remarks), columns, rows, unread)
