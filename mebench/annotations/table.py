"""Find the sheet that holds the annotations, and its columns by name, wherever the header is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mebench.annotations import HEADER_WITHIN, NAMES, Sheet, compounds, plain_name
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

    def match(self, cells: Sequence[str]) -> dict[str, int]:
        """Field -> column of the cells that carry one of its names; the earlier name wins, then the earlier column."""
        seen = {plain_name(text): column for column, text in reversed(list(enumerate(cells)))}
        found = {
            what: seen[there[0]]
            for what, known in {**NAMES, **self.names}.items()
            if (there := [name for name in map(plain_name, known) if name and name in seen])
        }
        return found | compounds(cells, found, {"kind": [*map(plain_name, NAMES["kind"])]})


@dataclass(frozen=True)
class Columns:
    """Columns by position, for a sheet without a header.

    Attributes:
        fields: what each column holds, from the first; an empty text for one that is not read.
        sheet: name of the sheet to prefer where several fit.
        numeric: fields that must hold numbers in most rows, so that another sheet is not mistaken for this one.
        at_least: columns that a row must have.
    """

    fields: tuple[str, ...]
    sheet: str = ""
    numeric: tuple[str, ...] = ("onset", "offset")
    at_least: int = 0


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
        if tables := [table for sheet in sheets for table in _tables(sheet, form)]:
            wanted = plain_name(form.sheet)
            table = max(
                tables,
                key=lambda t: (bool(wanted) and plain_name(t.sheet.name) == wanted, len(t.columns), len(t.rows)),
            )
            # Rows of frames that say in every cell what an earlier one says are one expression.
            first: dict[str, Row] = {}
            again = [row for row in table.rows if row.get("onset") and first.setdefault(row.text, row) is not row]
            reason = "equals row {} in every cell: one expression, left out"
            where = table.sheet.where
            remarks = [
                Repair(row.number, "all columns", row.text[:80], "none", reason.format(first[row.text].number), where)
                for row in again
            ]
            rows = tuple(row for row in table.rows if row not in again) if again else table.rows
            return replace(table, rows=rows, sheet=replace(table.sheet, remarks=(*table.sheet.remarks, *remarks)))
    return None


def need_table(sheets: Sequence[Sheet], *forms: Header | Columns, file: object) -> Table:
    """Like `find_table`, but raises DatasetError if no sheet fits.

    Raises:
        DataError: no sheet fits; the sentence names what was looked for and what is nearest.
    """
    table = find_table(sheets, *forms)
    if table is None:
        looked, nearest, most = [], "", 0
        for form in forms:
            if isinstance(form, Columns):
                listed = ", ".join(what or "(any)" for what in form.fields)
                looked.append(f"{len(form.fields)} columns without a header: {listed}")
                continue
            titles = {what: form.names.get(what, (what.capitalize(),))[0] for what in form.required}
            looked.append(f"a header with {', '.join(titles.values())} within the first {HEADER_WITHIN} rows")
            first = form is next(other for other in forms if isinstance(other, Header))
            for sheet, number, cells in ((s, n, c) for s in sheets if first for n, c in s.rows[:HEADER_WITHIN]):
                found = form.match(cells)
                missing = [title for what, title in titles.items() if what not in found]
                if len(titles) - len(missing) > most:
                    most = len(titles) - len(missing)
                    nearest = f"; row {number} of {sheet.name!r} has no {', no '.join(missing)}"
        raise DataError(
            f"no sheet of {file} contains the annotations: expected {' or '.join(looked)}{nearest}. "
            "Give the right file with dataset.annotations=FILE, or rename its columns"
        )
    return table


def _tables(sheet: Sheet, form: Header | Columns) -> Iterator[Table]:
    if isinstance(form, Columns):
        fields = {what: column for column, what in enumerate(form.fields) if what}
        rows = tuple(_row(number, cells, fields) for number, cells in sheet.rows)
        full = [r for (_, cells), r in zip(sheet.rows, rows) if len(cells) >= (form.at_least or len(form.fields))]
        good = [r for r in full if all(r.get(what).replace(".", "", 1).isdigit() for what in form.numeric)]
        if len(good) * 2 > len(rows):
            yield Table(
                _with_read_columns(sheet, fields),
                {what: f"column {column + 1}" for what, column in fields.items()},
                rows,
            )
        return
    for place, (_, cells) in enumerate(sheet.rows[:HEADER_WITHIN]):
        found = form.match(cells)
        if set(form.required) <= found.keys():
            rows = tuple(_row(number, below, found) for number, below in sheet.rows[place + 1 :])
            columns = {what: cells[column].strip() for what, column in found.items()}
            unread = tuple(cell.strip() for n, cell in enumerate(cells) if cell.strip() and n not in found.values())
            yield Table(_with_read_columns(sheet, found), columns, rows, unread)
            return


def _with_read_columns(sheet: Sheet, fields: Mapping[str, int]) -> Sheet:
    """The sheet with the remarks about columns that are read: of the others nobody needs to know."""
    read = {"all columns", *(f"column {column + 1}" for column in fields.values())}
    return replace(sheet, remarks=tuple(remark for remark in sheet.remarks if remark.column in read))


def _row(number: int, cells: Sequence[str], fields: Mapping[str, int]) -> Row:
    return Row(
        number,
        {what: cells[column] if column < len(cells) else "" for what, column in fields.items()},
        " ".join(" ".join(cells).split()),
    )
