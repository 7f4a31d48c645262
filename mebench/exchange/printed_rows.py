"""Rows in texts that are no tables: lines that name their cells, Markdown, HTML, and the cells of a notebook."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from html import unescape
from itertools import groupby
from typing import Any

from mebench.annotations.sheets import Sheet, sheet_from_text
from mebench.errors import DataError
from mebench.exchange.plain_values import VALUE_START, read_value
from mebench.exchange.row_layouts import ReadRow, known_columns, names_column, names_several_columns
from mebench.exchange.value_sheets import FEWEST_CELLS, sheet_of_rows, sheet_of_value, with_joined_names

NUMBER = re.compile(r"[-+]?(?!0\d)(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
"""A number in a cell; one with a leading zero is a name."""
_NAMED_CELL = re.compile(r"([^\W\d]\w*) *[:=] *([^\s,;:=]+)")
"""A cell of a line such as `video: 3, onset=5`."""
MOST_SHOWN = 80
"""Most characters of a line in a message."""
FEWEST_NUMBERS = 2
"""The numbers in a printed row of an interval: onset and offset."""


def rows_of_labelled_lines(text: str) -> list[ReadRow]:
    r"""The rows of lines that name each of their cells; empty if no line does.

    A line with only a video lists it; other lines are left out.

    Raises:
        DataError: a line names two cells of an interval but not all.

    >>> rows_of_labelled_lines("epoch 2 is done\n[INFO] video: a, onset: 3, offset: 9\n")
    [{'video': 'a', 'onset': '3', 'offset': '9'}]
    """
    lines = text.rstrip().splitlines()
    rows = [dict(_NAMED_CELL.findall(line)) for line in lines]
    n_known = [len(known_columns(row)) for row in rows]
    most = max(n_known, default=0)
    if most < FEWEST_CELLS:
        return []
    columns = rows[n_known.index(most)]
    # The last line may be cut off before a value, so that it only names cells.
    names_in_last_line = columns.keys() & re.findall(r"\w+", lines[-1])
    n_named = [*n_known[:-1], max(n_known[-1], min(len(names_in_last_line), FEWEST_CELLS - 1))]
    for number, n in enumerate(n_named, 1):
        if 1 < n < FEWEST_CELLS:
            raise DataError(f"line {number} names {n} of the {len(columns)} cells of the other lines: is it cut off?")
    return [row for row, n in zip(rows, n_known) if n >= FEWEST_CELLS or names_column("video", row)]


def lines_of_markdown(text: str) -> str:
    r"""The lines of a table of Markdown with tabs between their cells; empty if there is none.

    >>> lines_of_markdown("| video | onset |\n|---|---|\n| a | 3 |\n")
    'video\tonset\na\t3\n'
    """
    rows = re.findall(r"^[ \t]*\|(.+)\|[ \t]*$", text, re.MULTILINE)
    rows = [row for row in rows if not set(row) <= set("|-: ")]  # the line below the header
    return "".join("\t".join(map(str.strip, row.split("|"))) + "\n" for row in rows)


def _lines_of_html(text: str) -> str:
    """The lines of the tables of a page with tabs between their cells; empty if there is none."""
    rows = re.findall(r"<tr.*?</tr>", text, re.DOTALL)
    cells_of_rows = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL) for row in rows]
    return "".join("\t".join(map(unescape, cells)) + "\n" for cells in cells_of_rows)


def sheet_of_notebook(notebook: Mapping[str, Any], name: str) -> Sheet:
    """The longest table in the output of its cells, or else in the cells.

    A table is lines of cells, lines with named cells, Markdown, HTML, or a value as Python prints it.

    Raises:
        DataError: the output shows a part of a table only.
    """
    printed = sheet_from_text(printed_table(notebook), "", name)
    sources = ["".join(cell.get("source", ())) for cell in notebook["cells"]]
    texts = _outputs(notebook, "text", "text/plain") + _outputs(notebook, "text/markdown", "text/html")
    if not printed.text.strip():
        texts += sources
    sheets = [printed]
    for text in texts:
        sheets += _sheets_in_text(text, name)
    return max(sheets, key=_n_lines)


def _n_lines(sheet: Sheet) -> int:
    """Number of lines of a sheet."""
    return sum(1 for _ in sheet.read_lines())


def _sheets_in_text(text: str, name: str) -> list[Sheet]:
    """The tables in a text, in each form in which notebooks show them."""
    sheets = []
    rows = rows_of_labelled_lines(text)
    if rows:
        sheets.append(sheet_of_rows(name, rows))
    sheets.append(sheet_from_text(lines_of_markdown(text) or _lines_of_html(text), "", name))
    start = VALUE_START.search(text)
    if start is not None:
        end = 1 + max(text.rfind(bracket) for bracket in "]})")
        with suppress(DataError):
            joined: list[str] = []
            sheet = sheet_of_value(read_value(text[start.end() : end].encode(), joined), name)
            if sheet is not None:
                sheets.append(with_joined_names(sheet, joined))
    return sheets


def _outputs(notebook: Mapping[str, Any], *forms: str) -> list[str]:
    """The outputs of its cells in some forms, in order."""
    texts = []
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            by_form = {**output.get("data", {}), "text": output.get("text", ())}
            texts += ["".join(by_form.get(form, ())) for form in forms]
    return texts


def printed_table(notebook: Mapping[str, Any]) -> str:
    r"""The longest table in the output of a notebook: lines with equally many cells, two of them numbers, below a header.

    Raises:
        DataError: it is cut, with points in place of its middle.

    >>> printed_table({"cells": [{"outputs": [{"text": ["k = 6\n", "a,1,9,me\n", "b,4,7,me\n"]}]}]})
    'a,1,9,me\nb,4,7,me'
    """
    lines = "\n".join(_outputs(notebook, "text", "text/plain")).splitlines()
    runs = [(width, list(run)) for width, run in groupby(lines, _width_of_row)]
    if not runs:
        return ""
    lengths: list[int] = []
    for width, run in runs:
        lengths.append(len(run) if width else 0)
    longest = lengths.index(max(lengths))
    _refuse_cut([run for _, run in runs[max(longest - 1, 0) : longest + 2]])
    width, table = runs[longest]
    if not width:
        return ""
    above = runs[longest - 1][1][-1] if longest else ""
    if not names_several_columns(re.split(r"[\s,;]+", above)):
        if _is_header(above, table[0]):
            raise DataError(
                f"the longest table of the notebook has the header {' '.join(above.split())[:MOST_SHOWN]!r}, which names no video, "
                "onset and offset: print the intervals, or save them as CSV"
            )
        return "\n".join(table)
    table = [above, *table]
    if not re.search("[,;\t]", above):
        # pandas prints columns of blanks; before them stands the index, which the header does not name.
        width_of_header = len(above.split())
        table = ["\t".join(line.split()[-width_of_header:]) for line in table]
    return "\n".join(table)


def _is_header(line: str, row: str) -> bool:
    """Whether a line above a table names its columns: as many cells as a row, none a number, set off in the same way."""
    names = _cells_of_line(line)
    cells = _cells_of_line(row)
    if any(NUMBER.fullmatch(name) for name in names):
        return False
    signs = set(_SEPARATOR.findall(row))
    if signs:
        return len(names) == len(cells) and set(_SEPARATOR.findall(line)) == signs
    # Words above a table of blanks may be a title: names of columns end where the cells do.
    has_index = len(names) == len(cells) - 1
    return (len(names) == len(cells) or has_index) and len(line.rstrip()) == len(row.rstrip())


_SEPARATOR = re.compile(r"[,;\t|]")
"""A sign between the cells of a printed line that is no blank."""


def _cells_of_line(line: str) -> list[str]:
    """The cells of a printed line."""
    return line.replace(",", " ").replace(";", " ").split()


def _width_of_row(line: str) -> int:
    """Number of cells of a row of an interval; 0 for another line."""
    cells = _cells_of_line(line)
    n_numbers = sum(NUMBER.fullmatch(cell) is not None for cell in cells)
    is_row = len(cells) >= FEWEST_CELLS and n_numbers >= FEWEST_NUMBERS
    return len(cells) if is_row else 0


def _refuse_cut(runs: Sequence[Sequence[str]]) -> None:
    """Refuse a table with points in place of rows."""
    for run in runs:
        if run[0].startswith("..") or run[-1].startswith(".."):
            raise DataError(
                "a notebook shows only the first and the last rows of its table: print it whole, with "
                "pandas.set_option('display.max_rows', None), or save it as CSV"
            )
