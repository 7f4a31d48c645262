"""Any separator, encoding, line end and order of columns reads the same."""

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from mebench.annotations import sheets
from mebench.annotations.drawn import write_xlsx
from mebench.errors import DataError
from mebench.exchange import text_table
from mebench.exchange.text_table import Remarks
from tests.helpers.old_excel import write_xls

WANTED = ("subject", "video", "onset", "offset", "emotion")
PLAIN = "subject,video,onset,offset\n1,a b,5,9\n2,c,-3,4\n"


def read(path, role="predictions"):
    path = Path(path)
    remarks = Remarks()
    return text_table.parse_columns(text_table.read_sheet(path, remarks, role), path, role, WANTED, remarks), remarks


def listed(table):
    return {name: [*column] for name, column in table.cells.items()}


def cells(path):
    return listed(read(path)[0])


EXPECTED = {"subject": ["1", "2"], "video": ["a b", "c"], "onset": ["5", "-3"], "offset": ["9", "4"]}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"])
def test_parse_ignores_separator_encoding_and_line_ends(write, encoding):
    for separator, end in product((",", ";", "\t", "|"), ("\n", "\r\n", "\r")):
        text = PLAIN.replace(",", separator).replace("\n", end)
        assert cells(write(text, encoding=encoding)) == EXPECTED, (separator, end)


@given(st.permutations(["subject", "video", "onset", "offset"]))
def test_parse_ignores_order_of_columns(order):
    rows = [{name: EXPECTED[name][row] for name in order} for row in range(2)]
    text = "\n".join([",".join(order), *(",".join(row.values()) for row in rows)])
    assert (
        listed(
            text_table.parse_columns(sheets.sheet_from_text(text, "", "file"), "file", "predictions", WANTED, Remarks())
        )
        == EXPECTED
    )


@pytest.mark.parametrize(
    "text",
    [
        ' Subject , VIDEO,"onset frame",Offset_Frame\n 1 ,a b, 5,9\n2, "c",-3,4\n',
        "vid,pred_onset,pred_offset,sub\na b,5,9,1\nc,-3,4,2\n",
        ",subject,video,onset,offset,notes\n0,1,a b,5,9,x\n1,2,c,-3,4,\n",
        "Unnamed: 0;subject;video;onset;offset\n0;1;a b;5;9\n1;2;c;-3;4\n",
        "subject video onset offset\n1 'a' 5 9\n2 c -3 4\n".replace("'a'", '"a b"'),
        '"subject" "video" "onset" "offset"\n"1" "1" "a b" 5 9\n"2" "2" "c" -3 4\n',
        "sep=;\nsubject;video;onset;offset\n1;a b;5;9\n2;c;-3;4\n",
        "# made by a program\n\nsubject,video,onset,offset\n\n1,a b,5,9\n2,c,-3,4\n,,,\n",
        "#,subject,video,onset,offset\n1,1,a b,5,9\n2,2,c,-3,4\n",
        "subject,video,onset,offset,\n1,a b,5,9,\n2,c,-3,4,\n",
        "subject,video,onset,offset,gt_onset,gt_offset\n1,a b,5,9,0,1\n2,c,-3,4,0,1\n",
    ],
    ids=["blanks", "megc", "index", "pandas", "spaces", "R", "excel", "comments", "numbered", "trailing", "both sides"],
)
def test_parse_takes_shapes_that_programs_write(write, text):
    assert cells(write(text)) == EXPECTED


def test_parse_takes_truth_columns_of_a_table_of_both(write):
    table, _ = read(write("subject,video,onset,offset,gt_onset,gt_offset\n1,a,5,9,0,1\n"), "truth")
    assert (listed(table)["onset"], listed(table)["offset"]) == (["0"], ["1"])


def test_parse_numbers_lines_past_blanks_and_long_cells(write):
    table, _ = read(write('subject,video,onset,offset,note\n\n1,a,5,9,"two\nlines"\n2,c,1,4,x\n'))
    assert table.lines.tolist() == [3, 5]


@pytest.mark.parametrize(
    "name", ["Jos\xe9", "\xc9pisode", "\xc4rger"]
)  # GB18030 has a rare sign for É or Ä and a letter
def test_parse_says_another_encoding(write, name):
    table, remarks = read(write(f"subject,video,onset,offset\n1,{name},1,2\n", encoding="latin-1"))
    assert listed(table)["video"] == [name]
    assert remarks.repaired == ["predictions: the file is not UTF-8 and was read as Windows-1252"]


@pytest.mark.parametrize(
    ("rows", "asked"),
    [
        ("1,a,5,9,joy\n2,b", True),
        ("1,a,5,9,joy\n2,b\n", False),  # ends as lines do: a video without expressions
        ("1,a\n2,b", False),  # short as others are
        ("1,a,5,9,joy\n2,b,1,2,", False),  # all cells are there
        ("1,a", False),
    ],
)
def test_parse_warns_of_a_short_last_line(write, rows, asked):
    """The row would be a video more, without expressions."""
    _, remarks = read(write(f"subject,video,onset,offset,emotion\n{rows}"))
    assert [line.split(": ", 1)[1] for line in remarks.warnings] == asked * [
        "the last line, 3, has only 2 of 5 cells and no line end: was the file cut off there?"
    ]


@pytest.mark.parametrize(
    ("content", "video"),
    [
        ("video onset offset \na 5 9  \n", "a"),  # blanks end each row
        ('video,onset,offset,n"1,n"2\na"b,5,9,x"y,z"\n', 'a"b'),  # no mark opens a cell, so no separator is quoted
    ],
)
def test_parse_ignores_trailing_blanks_and_inner_quotes(write, content, video):
    table, _ = read(write(content))
    assert listed(table) | {"video": [video], "onset": ["5"], "offset": ["9"]} == listed(table)


def test_parse_names_a_misspelt_optional_column(write):
    _, remarks = read(write("subject,video,onset,offset,emotoin\n1,a,5,9,joy\n"))
    assert remarks.warnings == [
        "predictions: the column 'emotoin' is not read; if it holds the emotion, add --column emotion=emotoin"
    ]


def test_parse_prefers_columns_in_frames(write):
    """CASME's sheet has the onset's frame and, beside it, a duration in ms."""
    table, remarks = read(write("Subject,Filename,Onset,OnsetF,offset,OffsetF\n1,a,250,5,9,9\n"))
    assert listed(table) == {"subject": ["1"], "video": ["a"], "onset": ["5"], "offset": ["9"]}
    assert remarks.warnings == [
        "predictions: the column 'OnsetF' is read as the onset, not 'Onset', which differs: remove the wrong one"
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \n\n", "is empty"),
        (b"PK\x03\x04...", "not a readable .xlsx file"),
        (b"\x1f\x8b...", "a gzip archive"),
        (b"1,EP02_01f,45\n", "line 1: this line should name the columns"),
        (b"subject" * 20_000 + b",video\n", "line 1: this line should name the columns"),
        (b"subject,video,onset,offset\n1,a,1,2\n1,a,3,4,joy\n", "line 3: the row has 5 cells"),
        (b'subject,video,onset,offset\n1,"a,1,2\n2,a,3,4\n', "line 2: a quotation mark is not closed"),
        (b'video on"set offset\na 5 9\n" c 3 4\n', "line 3: a quotation mark is not closed"),
        (b"subject,video,onset,onset,offset\n1,a,1,1,2\n", "two columns 'onset'"),
        (b"subject,video,onset,offset\n1,a,1,2\n1,\0b,1,2\n", "line 3: a byte of value 0"),
        (b"\0subject,video,onset,offset\n1,a,1,2\n", "line 1: a byte of value 0"),
        (b"subject,video,onset,offset\n" + b"1,a,1,2\n" * 99 + b"1,b\0,1,2\n", "line 101: a byte of value 0"),
    ],
)
def test_parse_refuses_what_is_no_table(write, content, message):
    with pytest.raises(DataError, match=message):
        read(write(content))


def test_require_names_missing_column_and_nearest_match(write):
    table, _ = read(write("subject,video,onset,offest\n1,a,1,2\n"))
    with pytest.raises(
        DataError,
        match=r"lacks the column 'offset'; its columns are .* If 'offest' holds it, count it in frames and name it so",
    ):
        table.require("video", "onset", "offset")


@pytest.mark.parametrize("begin", [0, 1])
def test_parse_leaves_out_unnamed_row_numbers(write, begin):
    """As R writes a data frame."""
    rows = [f'"{n + begin}",7,"v{n}",{n},{n + 9}' for n in range(3)]
    table, remarks = read(write("\n".join(["subject,video,onset,offset", *rows])))
    assert (listed(table)["subject"], listed(table)["onset"]) == (["7"] * 3, ["0", "1", "2"])
    assert any(f"a cell that the header does not name, {begin} to {begin + 2}" in line for line in remarks.repaired)


@pytest.mark.parametrize("cells", [["1", "1", "2"], ["7", "8", "9"], ["2", "1", "3"], ["01", "02", "03"]])
def test_parse_refuses_other_unnamed_numbers(write, cells):
    rows = [f"{cell},7,v{n},{n},{n + 9}" for n, cell in enumerate(cells)]
    with pytest.raises(DataError, match=r"line 2: the row has 5 cells, .* a row number, name that column too"):
        read(write("\n".join(["subject,video,onset,offset", *rows])))


def test_parse_tells_row_number_from_trailing_separator(write):
    """Where the last column is blank both look alike; which one leaves the ends numbers is taken, and never a guess."""
    head = "subject,video,onset,offset"
    behind, _ = read(write(f"{head}\n1,a,5,9,\n2,c,1,4,\n"))
    front, remarks = read(write(f"{head},emotion\n1,7,a,5,9,\n2,8,c,1,4,\n"))
    assert [listed(table)["onset"] for table in (behind, front)] == [["5", "1"]] * 2
    assert (listed(behind)["subject"], listed(front)["subject"]) == (["1", "2"], ["7", "8"])
    assert len(remarks.repaired) == 1
    with pytest.raises(DataError, match=r"line 2: every row has one cell more than the header"):
        read(write(f"{head},emotion\n1,7,10,5,9,\n2,8,20,1,4,\n"))


def test_parse_joins_two_spellings_of_an_accent(write):
    table, remarks = read(write("subject,video,onset,offset\n1,Jose\u0301,1,2\n1,Jos\u00e9,3,4\n"))
    assert listed(table)["video"] == ["Jos\u00e9"] * 2
    assert remarks.repaired == [
        "predictions: letters written in several signs, such as e and an accent, are read as one (line 2)"
    ]


HEAD = ("subject", "video", "onset", "offset")
NOTES = [("made by", "a program"), ("in", 2024)]
SHEET = [HEAD, (1, "a b", 5, 9.0), (None, None, None, None), ("2", "c", -3, 4)]


@pytest.mark.parametrize("write_book", [write_xlsx, write_xls])
def test_parse_reads_workbook_as_text_table(tmp_path, write_book):
    """Whatever its name; blank rows count as lines, sheets without named columns are passed over."""
    write_book(tmp_path / "book.csv", {"notes": NOTES, "spotted": SHEET})
    table, remarks = read(tmp_path / "book.csv")
    assert listed(table) == EXPECTED
    assert table.lines.tolist() == [2, 4]
    assert remarks.repaired == ["predictions: of 2 sheets spotted is read"]


def test_parse_needs_name_among_several_tables(tmp_path):
    book = tmp_path / "book.xlsx"
    write_xlsx(book, {"mine": SHEET, "truth": [HEAD, (7, "a", 1, 2)]})
    assert cells(f"{book}:Truth")["subject"] == ["7"]
    for place, message in (
        (book, r"several tables \(mine, truth\): name one, as in .*book.xlsx:mine"),
        (f"{book}:truht", "unknown sheet of .*book.xlsx 'truht'. Did you mean 'truth'"),
        (f"{book.with_name('no.xlsx')}:mine", "no.xlsx cannot be read"),
    ):
        with pytest.raises(DataError, match=message):
            cells(place)


def test_parse_runs_no_formula_of_a_workbook(tmp_path):
    write_xlsx(tmp_path / "book.xlsx", {"A": [HEAD, (1, "a", "=1+4", 9), (1, "b", 1, 2)]})
    with pytest.raises(DataError, match="line 2: the column 'onset' holds formulas that no program has computed"):
        read(tmp_path / "book.xlsx")


def test_parse_refuses_a_workbook_of_too_many_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(sheets, "SHEET_ROWS", 3)
    write_xlsx(tmp_path / "book.xlsx", {"A": [HEAD, *[(1, "a", 1, 2)] * 3]})
    with pytest.raises(DataError, match=r"has more than 3 rows.* \(line 4\): save only this sheet as \.csv"):
        read(tmp_path / "book.xlsx")


def test_parse_refuses_an_empty_workbook(tmp_path):
    write_xlsx(tmp_path / "book.xlsx", {"A": []})
    with pytest.raises(DataError, match="is empty"):
        read(tmp_path / "book.xlsx")


def test_require_names_the_remedy_for_lengths(write, score):
    table = write("video,onset,duration\na,10,15\n", "p.csv")
    code, message = score(
        "--truth", write("video,onset,offset\na,10,24\n", "t.csv"), "--predictions", table, fails=True
    )
    assert code == 3
    assert "add a column offset with onset + duration - 1" in message
