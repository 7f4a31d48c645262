"""OpenDocument sheets: bounded before a library opens them, and read like other workbooks."""

import struct
import time
import zipfile
from pathlib import Path

import openpyxl
import pytest

from mebench.annotations.sheets import find_sheet, read_sheets
from mebench.errors import DataError
from mebench.exchange.intervals import read_intervals
from mebench.exchange.text_table import Remarks
from tests.helpers import old_excel

pytest.importorskip("python_calamine")

NAMES = "".join(
    f' xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in (("office", "office"), ("table", "table"), ("text", "text"), ("style", "style"))
)
MIMETYPE = "application/vnd.oasis.opendocument.spreadsheet"
MANIFEST = (
    '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
    f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{MIMETYPE}"/></manifest:manifest>'
)


def cell(value, attributes=""):
    if isinstance(value, int):
        attributes = f'office:value="{value}" {attributes}'
        return f'<table:table-cell office:value-type="float" {attributes}><text:p>{value}</text:p></table:table-cell>'
    return f'<table:table-cell office:value-type="string" {attributes}><text:p>{value}</text:p></table:table-cell>'


def row(*cells, attributes=""):
    return f"<table:table-row {attributes}>{''.join(cells)}</table:table-row>"


def ods(path, rows, columns="", before="", styles="", table=""):
    """A workbook with one sheet of such rows."""
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}<office:document-content{NAMES}><office:automatic-styles>{styles}'
        f'</office:automatic-styles><office:body><office:spreadsheet><table:table table:name="Sheet1" {table}>{columns}{rows}'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", MIMETYPE)
        archive.writestr("META-INF/manifest.xml", MANIFEST)
        archive.writestr("content.xml", content)
    return path


HEAD = row(*map(cell, ("subject", "video", "onset", "offset")))
ROW = row(cell("1"), cell("a"), cell(10), cell(24))
HOSTILE = {
    "repeated cells in repeated rows": row(
        cell(1, 'table:number-columns-repeated="1024"'), attributes='table:number-rows-repeated="20000"'
    ),
    "a row repeated a million times": row(cell(1), attributes='table:number-rows-repeated="1048575"'),
    "far cells": row(attributes='table:number-rows-repeated="1048000"')
    + row('<table:table-cell table:number-columns-repeated="16000"/>', cell(1)),
    "huge numbers": row(cell(1), attributes='table:number-rows-repeated="99999999999999999999"'),
    "negative numbers": row(cell(1), attributes='table:number-rows-repeated="-5"'),
    "deep": "<table:table-row>" * 100 + "</table:table-row>" * 100,
    "cut": "<table:table-row>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_check_ods_refuses_hostile_files_at_once(tmp_path, name):
    path = ods(tmp_path / "h.ods", HEAD + ROW + HOSTILE[name])
    begin = time.process_time()
    with pytest.raises(DataError):
        read_sheets(path)
    assert time.process_time() - begin < 1


def test_check_ods_refuses_entities_and_bombs(tmp_path):
    entities = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    with pytest.raises(DataError, match="document type"):
        read_sheets(ods(tmp_path / "e.ods", HEAD + ROW, before=entities))
    with pytest.raises(DataError, match=r"would expand to .* MiB of XML"):
        read_sheets(ods(tmp_path / "b.ods", HEAD + ROW + row(" " * (13 << 20))))


def test_check_ods_passes_blank_rows_that_programs_write(tmp_path):
    blank = row(
        '<table:table-cell table:number-columns-repeated="16384"/>', attributes='table:number-rows-repeated="1048570"'
    )
    sheet = find_sheet(ods(tmp_path / "s.ods", HEAD + ROW + blank), None)
    assert [cells for _, cells in sheet.rows] == [("subject", "video", "onset", "offset"), ("1", "a", "10", "24")]


def as_xlsx(path):
    """The same table as a workbook of Excel."""
    book = openpyxl.Workbook()
    sheet = book.active
    for cells in (("subject", "video", "onset", "offset"), ("1", "a", 10, 24), (None, "b", 31, 45), ("2", "c", 8, 20)):
        sheet.append(cells)
    sheet.merge_cells("A2:A3")
    sheet.row_dimensions[4].hidden = True
    book.save(path)
    return path


def test_read_ods_says_what_xlsx_says(tmp_path):
    rows = (
        HEAD
        + row(
            cell("1", 'table:number-rows-spanned="2" table:number-columns-spanned="1"'), cell("a"), cell(10), cell(24)
        )
        + row("<table:covered-table-cell/>", cell("b"), cell(31), cell(45))
        + row(cell("2"), cell("c"), cell(8), cell(20), attributes='table:visibility="collapse"')
    )
    found = {}
    for path in (ods(tmp_path / "s.ods", rows), as_xlsx(tmp_path / "s.xlsx")):
        remarks = Remarks()
        given = read_intervals(path, "predictions", remarks)
        found[path.suffix] = given.intervals.to_csv(), remarks.repaired
    assert found[".ods"] == found[".xlsx"]
    assert "predictions: merged with the cell above (line 3)" in found[".ods"][1]
    assert "predictions: hidden in the sheet, but counted (line 4)" in found[".ods"][1]


def test_read_ods_refuses_formulas_without_a_value(tmp_path):
    formula = '<table:table-cell table:formula="of:=[.C2]+14"/>'
    path = ods(tmp_path / "s.ods", HEAD + row(cell("1"), cell("a"), cell(10), formula))
    with pytest.raises(DataError, match="'offset' holds formulas that no program has computed"):
        read_intervals(path, "predictions", Remarks())


def test_read_ods_tells_of_hidden_sheets(tmp_path):
    style = '<style:style style:name="ta1" style:family="table"><style:table-properties table:display="false"/></style:style>'
    path = ods(tmp_path / "s.ods", HEAD + ROW, styles=style, table='table:style-name="ta1"')
    remarks = Remarks()
    read_intervals(Path(path), "predictions", remarks)
    assert "predictions: the sheet Sheet1 is hidden, but read" in remarks.repaired


def test_read_sheets_tells_of_rows_that_are_struck_out(tmp_path):
    """A row counts as struck out by most of its cells; one struck cell is a correction."""
    style = '<style:style style:name="ce1"><style:text-properties style:text-line-through-style="solid"/></style:style>'
    struck = 'table:style-name="ce1"'
    rows = (
        HEAD
        + row(*(cell(value, struck) for value in ("1", "a", 10, 24)))
        + row(cell("1"), cell("b", struck), cell(3), cell(9))
    )
    book = openpyxl.Workbook()
    for cells in (("subject", "video", "onset", "offset"), ("1", "a", 10, 24), ("1", "b", 3, 9)):
        book.active.append(cells)
    for place in ("A2", "B2", "C2", "D2", "B3"):
        book.active[place].font = openpyxl.styles.Font(strike=True)
    book.save(tmp_path / "s.xlsx")
    fonts = [
        old_excel.record(0x0031, struct.pack("<HHHHHBBBB", 200, options, 8, 400, 0, 0, 0, 0, 0) + b"\x05\x00Arial")
        for options in (0, 0x0008)
    ]
    cell_styles = [old_excel.record(0x00E0, struct.pack("<HHH14x", font, 0, 0)) for font in (0, 1)]
    table = [("subject", "video", "onset", "offset"), ("1", "a", 10, 24), ("1", "b", 3, 9)]
    old_excel.write_xls(tmp_path / "s.xls", {"codes": table}, b"".join([*fonts, *cell_styles]), styles={1: 1})
    for path in (ods(tmp_path / "s.ods", rows, styles=style), tmp_path / "s.xlsx", tmp_path / "s.xls"):
        remarks = Remarks()
        assert len(read_intervals(path, "predictions", remarks).intervals) == 2
        assert "predictions: struck out in the sheet, but counted (line 2)" in remarks.repaired
