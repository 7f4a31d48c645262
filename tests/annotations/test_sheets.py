"""Sheets of three formats read alike; formulas, huge files and broken ones."""

import time
import zipfile

import openpyxl
import pytest

from mebench.annotations import Header, find_table, read_sheets, sheets as module
from mebench.annotations.drawn import write_csv, write_xlsx
from mebench.annotations.sheets import Cells
from mebench.errors import DataError
from tests.helpers.old_excel import write_xls

ROWS = [("Subject", "Filename", "Onset"), ("01", "EP02_01f", 46), (), (2, "jalapeño 微", 4.5), (None, "EP03", None)]
TEXT = (
    (1, ("Subject", "Filename", "Onset")),
    (2, ("01", "EP02_01f", "46")),
    (4, ("2", "jalapeño 微", "4.5")),
    (5, ("", "EP03")),
)


@pytest.mark.parametrize("suffix", ["xlsx", "xls", "csv"])
def test_read_sheets_reads_three_formats_alike(tmp_path, suffix):
    file = tmp_path / f"codes.{suffix}"
    if suffix == "csv":
        write_csv(file, ROWS)
    else:
        (write_xlsx if suffix == "xlsx" else write_xls)(file, {"empty": [], "codes": ROWS})
    (sheet,) = read_sheets(file)
    assert sheet.rows == TEXT
    assert sheet.where == (file.name if suffix == "csv" else f"{file.name}: codes")


@pytest.mark.parametrize(("encoding", "separator"), [("utf-8-sig", ","), ("gb18030", "\t"), ("latin-1", ";")])
def test_read_sheets_reads_text_of_any_program(tmp_path, encoding, separator):
    word = "ñ" if encoding == "latin-1" else "微表情"
    file = tmp_path / "codes.csv"
    file.write_bytes(separator.join(["Subject", "Filename", word]).encode(encoding))
    assert read_sheets(file)[0].rows == ((1, ("Subject", "Filename", word)),)


def test_read_sheets_recognizes_format_by_content(tmp_path):
    write_xlsx(tmp_path / "codes.xlsx", {"codes": ROWS})
    renamed = (tmp_path / "codes.xlsx").rename(tmp_path / "codes.xls")
    assert read_sheets(renamed)[0].rows == TEXT


def test_read_sheets_runs_no_formula_and_says_so(tmp_path):
    file = tmp_path / "codes.xlsx"
    write_xlsx(file, {"codes": [("Onset", "Offset"), (46, "=A2+40"), (1, '=HYPERLINK("http://x.y","z")')]})
    (sheet,) = read_sheets(file)

    assert [tuple(filter(None, cells)) for _, cells in sheet.rows] == [
        ("Onset", "Offset"),
        ("46", "=A2+40"),
        ("1", '=HYPERLINK("http://x.y","z")'),
    ]  # nothing was saved with it, so the formula itself stands there
    assert [(r.row, r.found, r.taken) for r in sheet.remarks] == [
        (2, "=A2+40", ""),
        (3, '=HYPERLINK("http://x.y","z")', ""),
    ]
    assert "never run" in str(sheet.remarks[0])


def test_find_table_ignores_formulas_of_unread_columns(tmp_path):
    head, row = ("Subject", "Filename", "Onset", "Offset", "Duration"), ("01", "EP1", 46, "=C2+40", "=D2-C2")
    write_xlsx(tmp_path / "codes.xlsx", {"codes": [head, row]})
    table = find_table(read_sheets(tmp_path / "codes.xlsx"), Header())
    assert [(r.row, r.column, r.found) for r in table.sheet.remarks] == [(2, "column 4", "=C2+40")]


def test_read_sheets_takes_value_saved_with_a_formula(tmp_path):
    """A spreadsheet program saves the last result beside the formula; openpyxl does not, so it is put in by hand."""
    plain, file = tmp_path / "plain.xlsx", tmp_path / "codes.xlsx"
    write_xlsx(plain, {"codes": [("Onset", "Offset"), (46, "=A2+40"), (1, 2), (50, "=A4+36")]})
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(file, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith("sheet1.xml"):
                assert b"<v></v>" in content or b"<v/>" in content or b"<v />" in content
                for empty in (b"<v></v>", b"<v/>", b"<v />"):
                    content = content.replace(empty, b"<v>86</v>")
            target.writestr(name, content)
    (sheet,) = read_sheets(file)
    assert [cells for _, cells in sheet.rows[1:]] == [("46", "86"), ("1", "2"), ("50", "86")]
    assert [(r.row, r.taken) for r in sheet.remarks] == [(2, "86"), (4, "86")]


def test_read_sheets_ignores_wrong_size_in_the_file(tmp_path):
    plain, file = tmp_path / "plain.xlsx", tmp_path / "codes.xlsx"
    write_xlsx(plain, {"codes": ROWS})
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(file, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(b'<dimension ref="A1:C5"', b'<dimension ref="A1:A1"'))
    assert b'ref="A1:A1"' in zipfile.ZipFile(file).read("xl/worksheets/sheet1.xml")
    assert read_sheets(file)[0].rows == TEXT


def test_read_sheets_refuses_a_hundred_thousand_rows(tmp_path):
    file = tmp_path / "codes.csv"
    file.write_text("1,2\n" * 100_000)
    with pytest.raises(DataError, match="has more than 50,000 rows"):
        read_sheets(file)


@pytest.mark.parametrize("write", [write_xlsx, write_xls])
def test_read_sheets_refuses_workbooks_of_too_many_rows(tmp_path, monkeypatch, write):
    monkeypatch.setattr(module, "SHEET_ROWS", 10)
    write(tmp_path / "codes.xlsx", {"codes": [(n,) for n in range(11)]})
    with pytest.raises(DataError, match=r"sheet 'codes' of .*codes.xlsx has more than 10 rows"):
        read_sheets(tmp_path / "codes.xlsx")


def test_read_sheets_skips_formatted_empty_rows(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(("Subject", "Filename"))
    book.active.cell(1_048_576, 1).value = " "
    book.save(tmp_path / "codes.xlsx")
    assert read_sheets(tmp_path / "codes.xlsx")[0].rows == ((1, ("Subject", "Filename")),)


def test_read_sheets_reads_rows_far_below_the_others(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(("Subject", "Filename"))
    book.active.cell(9_000, 1).value = "sub26"
    book.save(tmp_path / "codes.xlsx")
    assert read_sheets(tmp_path / "codes.xlsx")[0].rows == ((1, ("Subject", "Filename")), (9_000, ("sub26",)))


def test_read_sheets_counts_columns_beyond_those_read(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(("Subject", "Filename", *[""] * (module.SHEET_COLUMNS - 3), "last", "too far", "", "farther"))
    book.save(tmp_path / "codes.xlsx")
    (sheet,) = read_sheets(tmp_path / "codes.xlsx")
    ((_, cells),) = sheet.rows
    (left_out,) = sheet.left_out
    assert (len(cells), cells[-1]) == (module.SHEET_COLUMNS, "last")
    assert sheet.held["column"] == 5
    assert (left_out.unit, left_out.n, left_out.which) == ("column", 2, "IW, IY")
    assert "2 columns behind the first 256 columns" in sheet.remarks[0].reason


def test_read_sheets_tells_of_hidden_columns(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(("Subject", "Filename", "Onset"))
    book.active.column_dimensions["B"].hidden = True
    book.active.column_dimensions["F"].hidden = True
    book.save(tmp_path / "codes.xlsx")
    (remark,) = read_sheets(tmp_path / "codes.xlsx")[0].remarks
    assert remark.reason == "hidden in the sheet, but read: column B"


@pytest.mark.parametrize(
    ("mib", "words"), [(80, "would expand to 80 MiB"), (13, "13 MiB of XML, and a workbook to at most 12")]
)
def test_read_sheets_refuses_files_that_expand_too_far(tmp_path, mib, words):
    file = tmp_path / "codes.xlsx"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(mib * 2**20))
    assert file.stat().st_size < 2**20
    with pytest.raises(DataError, match=words):
        read_sheets(file)


def not_there(folder):
    return folder / "gone.xlsx", "cannot be read: No such file"


def truncated(folder):
    write_xlsx(folder / "codes.xlsx", {"codes": ROWS})
    data = (folder / "codes.xlsx").read_bytes()
    (folder / "codes.xlsx").write_bytes(data[: len(data) // 2])
    return folder / "codes.xlsx", "not a readable .xlsx file"


def other_zip(folder):
    with zipfile.ZipFile(folder / "codes.xlsx", "w") as archive:
        archive.writestr("a.txt", "b")
    return folder / "codes.xlsx", r"is a zip archive of 1 file \(a.txt\): unpack it and name the file inside"


def text_in_disguise(folder):
    (folder / "codes.xlsx").write_text("<html>")
    return folder / "codes.xlsx", "is not an .xlsx file"


def broken_xls(folder):
    write_xls(folder / "codes.xls", {"codes": ROWS})
    (folder / "codes.xls").write_bytes((folder / "codes.xls").read_bytes()[:600])
    return folder / "codes.xls", "not a readable .xls file"


def picture(folder):
    (folder / "codes.csv").write_bytes(b"\x89PNG\0\0\0\0")
    return folder / "codes.csv", "is not a table"


@pytest.mark.parametrize("fault", [not_there, truncated, other_zip, text_in_disguise, broken_xls, picture])
def test_read_sheets_refuses_broken_files_in_a_sentence(tmp_path, fault):
    file, reason = fault(tmp_path)
    with pytest.raises(DataError, match=reason) as error:
        read_sheets(file)
    assert "\n" not in str(error.value)
    assert str(file) in str(error.value)


def test_read_sheets_reads_many_merged_cells_quickly(tmp_path):
    """A hundred thousand of them, each over all rows."""
    book = openpyxl.Workbook()
    for n in range(2000):
        book.active.append([n if n == 0 else None, n])
    book.active.merge_cells("A1:A2000")
    book.save(tmp_path / "plain.xlsx")
    with zipfile.ZipFile(tmp_path / "plain.xlsx") as plain, zipfile.ZipFile(tmp_path / "bomb.xlsx", "w") as bomb:
        for entry in plain.infolist():
            data = plain.read(entry)
            if entry.filename.endswith("sheet1.xml"):
                one = b'<mergeCell ref="A1:A2000" />'
                data = data.replace(one, one * 100_000)
            bomb.writestr(entry, data)
    began = time.process_time()
    (sheet,) = read_sheets(tmp_path / "bomb.xlsx")

    assert len(sheet.rows) == 2000
    assert sheet.rows[1999][1][0] == "0"
    assert time.process_time() - began < 20


@pytest.mark.parametrize("cell", ["", "nan", "2,500", "1900-02-15", "1\n2", "+4", "1e3", " 5", "٣", "5.", "."])
def test_Cells_are_plain_numbers_in_digits_alone(cell):
    assert Cells.from_list(["12", "-3", "0.50", "12"]).are_plain_numbers
    assert not Cells.from_list(["12", cell]).are_plain_numbers
