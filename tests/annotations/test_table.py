"""The right sheet and its columns, wherever the header stands."""

import pytest

from mebench.annotations import Columns, Header, Sheet, find_table, need_table
from mebench.errors import DataError


def sheet(*rows, name="codes"):
    return Sheet("codes.xlsx", name, tuple((n, tuple(map(str, row))) for n, row in enumerate(rows, 1) if row))


HEAD = ("Subject", "Filename", "Onset Frame", "Offset Frame")


@pytest.mark.parametrize(
    "head",
    [HEAD, ("subject ", "FILENAME", "OnsetFrame", "offset_frame"), ("Sub", "File name", "OnsetF", "OffsetF")],
)
def test_find_table_takes_any_name_of_a_column(head):
    table = find_table([sheet(head, ("01", "EP02", 46, 86))], Header())
    (row,) = table.rows
    assert [row.get(what) for what in ("subject", "video", "onset", "offset")] == ["01", "EP02", "46", "86"]
    assert table.columns["onset"] == head[2].strip()
    assert row.number == 2


def test_find_table_skips_preamble_and_unnamed_columns():
    preamble = [(f"line {n}",) for n in range(13)]
    head = ("Subject", "Filename", "", "Onset", "Offset", "")
    table = find_table([sheet(*preamble, head, ("01", "EP02", "x", 46, 86, "y"))], Header())
    assert table.rows[0].get("onset") == "46"
    assert len(table.rows) == 1


def test_find_table_takes_preferred_sheet_then_more_columns():
    plain = sheet(HEAD, ("01", "A", 1, 2), name="first")
    fuller = sheet((*HEAD, "Apex Frame"), ("01", "B", 1, 3, 2), name="second")
    assert find_table([plain, fuller], Header()).sheet == fuller
    assert find_table([plain, fuller], Header(sheet="FIRST ")).sheet == plain


def test_Header_may_bring_names_of_its_own():
    table = find_table(
        [sheet(("Who", "Filename", "Onset", "Offset"), (1, "A", 1, 2))], Header(names={"subject": ("Who",)})
    )
    assert table.rows[0].get("subject") == "1"


def test_Columns_need_numbers_where_numbers_belong():
    form = Columns(("subject", "video", "onset", "offset"))
    good = sheet((1, "anger1_1", 30, 40), (1, "anger1_2", 50, 60), ("a remark",))
    assert [r.get("onset") for r in find_table([good], form).rows] == ["30", "50", ""]
    assert find_table([sheet(("0401", "anger1", "x", "y"))], form) is None
    assert find_table([sheet((1, "anger1_1", 30))], form) is None


def test_need_table_says_what_it_looked_for_and_found():
    with pytest.raises(DataError) as error:
        need_table([sheet(("note",), ("Subject", "Filename", "Onset"))], Header(), file="codes.xlsx")
    assert "expected a header with Subject, Video, Onset, Offset" in str(error.value)
    assert "row 2 of 'codes' has no Offset" in str(error.value)
    assert "dataset.annotations=FILE" in str(error.value)
