"""Files in other forms than a table with a header, recognised by their content.

JSON (one value, or one on each line), results and ground truth of temporal action detection (ActivityNet, OpenTAD), arrays and
pickles of NumPy, what a notebook printed, and rows of text without names of columns all become a table of text.
"""

from collections.abc import Mapping

from mebench.annotations.sheets import Sheet, sheet_from_text
from mebench.errors import DataError
from mebench.exchange.annotation_tools import sheet_of_label_studio, sheet_of_tool
from mebench.exchange.plain_values import read_value
from mebench.exchange.printed_rows import lines_of_markdown, rows_of_labelled_lines, sheet_of_notebook
from mebench.exchange.value_sheets import FEWEST_CELLS, sheet_of_rows, sheet_of_value, with_joined_names


def as_sheet(raw: bytes, name: str) -> Sheet | None:
    """The content of such a file as a sheet; None for any other file.

    Raises:
        DataError: it has such a form but is damaged, would execute code, or holds no such rows.
    """
    exported = sheet_of_tool(raw, name)
    if exported is not None:
        return exported
    joined: list[str] = []
    value = read_value(raw, joined)
    if value is None:
        return _sheet_of_text(raw, name)
    if isinstance(value, Mapping) and {"cells", "nbformat"} <= value.keys():
        return sheet_of_notebook(value, name)
    ranges = sheet_of_label_studio(value, name)
    if ranges is not None:
        return ranges
    sheet = sheet_of_value(value, name)
    if sheet is None:
        raise DataError(
            "no row names a video with an interval or a class: expected a list of rows with names, or the "
            "intervals of each video, as ActivityNet writes them"
        )
    return with_joined_names(sheet, joined)


def _sheet_of_text(raw: bytes, name: str) -> Sheet | None:
    """A table of Markdown, or lines that name their cells; None for another text."""
    if b"\n|" in raw and b"|-" in raw:
        lines = lines_of_markdown(_text_of(raw))
        if lines:
            return sheet_from_text(lines, "", name)
    n_names = raw.count(b":") + raw.count(b"=")
    if b"\0" in raw or n_names < FEWEST_CELLS:
        return None
    rows = rows_of_labelled_lines(_text_of(raw))
    return sheet_of_rows(name, rows) if rows else None


def _text_of(raw: bytes) -> str:
    """The bytes as text; what is no UTF-8 becomes a sign of replacement."""
    return raw.decode("utf-8-sig", "replace")
