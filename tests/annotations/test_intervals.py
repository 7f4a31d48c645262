"""Frame numbers that cannot be right, and what is made of them."""

import re
import struct
from datetime import datetime, timedelta

import openpyxl
import pytest
from hypothesis import given, strategies as st

from mebench.annotations import Log, annotation, read_sheets
from tests.helpers import old_excel

NAMES = {"onset": "OnsetFrame", "apex": "ApexFrame", "offset": "OffsetFrame"}


@pytest.mark.parametrize(
    ("numbers", "taken", "flags"),
    [
        ((46, 59, 86), (46, 59, 86), ()),
        ((46, None, 86), (46, None, 86), ()),  # `/` or blank
        ((46, 0, 86), (46, None, 86), ()),
        ((46, 59, 0), (46, 59, 59), ("offset_from_apex",)),  # the apex as the end, as in MEGC 2020
        ((46, 59, None), (46, 59, 59), ("offset_from_apex",)),
        ((5562, 5588, 563), (5562, 5588, 5588), ("offset_from_apex",)),  # a digit is missing
        ((46, None, 0), (46, None, 46), ("offset_unknown",)),
        ((86, 59, 46), (46, 59, 86), ("swapped",)),
        ((86, None, 46), (46, None, 86), ("swapped",)),
        ((46, 30, 86), (46, None, 86), ("apex_outside",)),
        ((46, 4945, 86), (46, None, 86), ("apex_outside",)),
        ((46, 46, 86), (46, 46, 86), ("onset_is_apex",)),
        ((None, 59, 86), (59, 59, 86), ("onset_from_apex", "onset_is_apex")),
        ((None, None, 86), (None, None, None), ()),
        ((0, 5, 0), (0, 5, 5), ("offset_from_apex",)),
        ((0, 0, 12), (0, 0, 12), ("onset_is_apex",)),  # a video may begin with its expression
    ],
)
def test_read_interval_follows_repair_rules(numbers, taken, flags):
    found = annotation.read_interval(*numbers, 7, NAMES, Log())
    assert (found.onset, found.apex, found.offset) == taken
    assert found.flags == flags
    assert bool(found.problem) == (found.onset is None)


number = st.none() | st.integers(0, 200)


@given(number, number, number)
def test_read_interval_is_valid_and_tells_every_change(onset, apex, offset):
    log = Log()
    found = annotation.read_interval(onset, apex, offset, 7, NAMES, log)
    if found.onset is None:
        assert (found.apex, found.offset) == (None, None)
        assert onset is None
        assert apex in (None, 0)
    else:
        assert 0 <= found.onset <= found.offset
        assert found.apex is None or found.onset <= found.apex <= found.offset
    changed = (found.onset, found.apex, found.offset) != (onset, apex, offset)
    assert (changed or bool(found.problem)) == bool(log.repairs)
    assert all(r.row == 7 for r in log.repairs)


@pytest.mark.parametrize(
    ("text", "taken", "repaired"),
    [
        ("46", 46, False),
        ("", None, False),
        ("/", None, True),
        ("n/a", None, True),
        ("0046", 46, True),
        (" 46 ", 46, True),
        ("46.0", 46, False),
        ("46?", 46, True),
        ("-5", None, True),
        ("46-59", None, True),
        ("4.5", None, True),
        ("soon", None, True),
        ("3.0E2", 300, True),
        ("1.5e3", 1500, True),
        ("12E+00", 12, True),
        ("1.2345e2", None, True),
        ("about 3.0E2", None, True),
        ("1e99999999999999999999", None, True),
        ("9" * 400, None, True),  # as a float infinite
        ("about " + "9" * 5000, None, True),  # more digits than Python turns into a number
    ],
)
def test_frame_number_takes_numbers_in_cells(text, taken, repaired):
    log = Log()
    assert annotation.frame_number(text, 3, "ApexFrame", log) == taken
    assert bool(log.repairs) == repaired


@pytest.mark.parametrize("suffix", ["xlsx", "csv"])
@given(number=st.integers(1, 20_000).filter(lambda n: n != 60))
def test_frame_number_takes_numbers_shown_as_dates(tmp_path_factory, suffix, number):
    """Written and read back by openpyxl, and as a spreadsheet program exports it."""
    shown = read_sheets(in_a_workbook(tmp_path_factory.mktemp("dates"), [number]))[0].rows[0][1][0]
    log = Log()
    assert annotation.frame_number(shown if suffix == "xlsx" else shown[:10], 2, "Onset", log) == number
    assert log.repairs[0].taken == str(number)
    assert "shows as a date" in log.repairs[0].reason


def in_a_workbook(folder, values, epoch="WINDOWS_1900"):
    """A sheet of one row, whose cells are formatted as dates."""
    book = openpyxl.Workbook()
    book.epoch = getattr(openpyxl.utils.datetime, f"CALENDAR_{epoch}")
    for column, value in enumerate(values, 1):
        book.active.cell(1, column, value).number_format = "yyyy-mm-dd"
    book.save(folder / "sheet.xlsx")
    return folder / "sheet.xlsx"


def in_an_old_workbook(folder, values, epoch):
    """The same as .xls: the one format of its cells is number 14, a date, and the records begin with where days are counted from."""
    counted = old_excel.record(0x0022, struct.pack("<H", epoch == "MAC_1904"))
    dated = old_excel.record(0x00E0, struct.pack("<HHH14x", 0, 14, 0))
    old_excel.write_xls(folder / "sheet.xls", {"codes": [values]}, formats=counted + dated)
    return folder / "sheet.xls"


@pytest.mark.parametrize("suffix", ["xlsx", "xls"])
@pytest.mark.parametrize("epoch", ["WINDOWS_1900", "MAC_1904"])
def test_frame_number_takes_dates_of_both_epochs(tmp_path, suffix, epoch):
    numbers = [0, 1, 19, 59, 60, 61, 1481, 20_000]
    where = (tmp_path, numbers, epoch)
    file = in_a_workbook(*where) if suffix == "xlsx" else in_an_old_workbook(*where)
    ((_, cells),) = read_sheets(file)[0].rows
    log = Log()
    assert [annotation.frame_number(cell, 1, "Onset", log) for cell in cells] == numbers
    assert all("shows as a date" in repair.reason for repair in log.repairs)
    assert len(log.repairs) == len(numbers)


@pytest.mark.parametrize("epoch", ["WINDOWS_1900", "MAC_1904"])
def test_read_sheets_keeps_recent_dates(tmp_path, epoch):
    file = in_a_workbook(tmp_path, [datetime(2026, 5, 9), datetime(1991, 1, 2)], epoch)
    assert read_sheets(file)[0].rows == ((1, ("2026-05-09T00:00:00", "1991-01-02T00:00:00")),)


FORMS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y-%m-%d %H:%M", "%d-%b-%Y", "%d-%B-%Y", "%m/%d/%Y", "%d.%m.%Y")


@given(st.integers(61, 32_000), st.sampled_from(FORMS), st.booleans())
def test_frame_number_takes_old_dates_in_any_form(number, form, short):
    """Unless day and month may be each other."""
    day = datetime(1899, 12, 30) + timedelta(number)
    text = day.strftime(form)
    ambiguous = form in ("%m/%d/%Y", "%d.%m.%Y") and day.day <= 12 and day.day != day.month
    log = Log()
    plain = re.sub(r"\b0(?=\d)", "", text) if short else text
    assert annotation.frame_number(plain, 2, "Onset", log) == (None if ambiguous else number)
    assert log.repairs[0].altered == ambiguous
    assert log.repairs[0].found == plain


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1900/1/0", 0),
        ("1900-01-00", 0),
        ("1/0/1900", 0),
        ("1900-01-01", 1),
        ("1900-02-28", 59),
        ("1900-02-29", 60),
        ("2/29/1900", 60),
        ("29-Feb-1900", 60),
        ("1900-03-01", 61),
    ],
)
def test_frame_number_knows_day_0_and_29_february_1900(text, number):
    assert annotation.frame_number(text, 2, "Onset", Log()) == number


IMPOSSIBLE = (
    "1234-56-78",
    "0046-1-1",
    "1899-12-31",
    "1901-02-29",
    "1900-13-01",
    "15-Foo-1900",
    "2/3/1900",
    "1900-02-15 12:00",
)


@pytest.mark.parametrize(
    "text", ["2026-05-09T00:00:00", "2024-04-07", "5/9/2026", "5-Sep", "9.5.26", "05-Sep-26", *IMPOSSIBLE]
)
def test_frame_number_loses_other_dates_and_says_so(text):
    log = Log()
    assert annotation.frame_number(text, 2, "Onset", log) is None
    assert "take the cell from the sheet as released" in log.repairs[0].reason
    assert log.repairs[0].found == text
