"""Frame numbers that cannot be right, and what is made of them."""

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mebench.annotations import Log, read_sheets
from mebench.annotations.annotation import frame_number, interval

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
def test_rules(numbers, taken, flags):
    found = interval(*numbers, 7, NAMES, Log())
    assert (found.onset, found.apex, found.offset) == taken
    assert found.flags == flags
    assert bool(found.problem) == (found.onset is None)


number = st.none() | st.integers(0, 200)


@given(number, number, number)
def test_whatever_stands_there_an_interval_is_one_and_every_change_is_said(onset, apex, offset):
    log = Log()
    found = interval(onset, apex, offset, 7, NAMES, log)
    if found.onset is None:
        assert (found.apex, found.offset) == (None, None) and onset is None and apex in (None, 0)
    else:
        assert 0 <= found.onset <= found.offset
        assert found.apex is None or found.onset <= found.apex <= found.offset
    changed = (found.onset, found.apex, found.offset) != (onset, apex, offset)
    assert (changed or bool(found.problem)) == bool(log.repairs)
    assert all(r.row == 7 for r in log.repairs)


@pytest.mark.parametrize(
    ("text", "taken", "said"),
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
        ("9" * 400, None, True),  # as a float infinite
        ("about " + "9" * 5000, None, True),  # more digits than Python turns into a number
    ],
)
def test_numbers_in_cells(text, taken, said):
    log = Log()
    assert frame_number(text, 3, "ApexFrame", log) == taken
    assert bool(log.repairs) == said


@pytest.mark.parametrize("suffix", ["xlsx", "csv"])
@given(number=st.integers(1, 20_000).filter(lambda n: n != 60))
def test_a_number_that_is_shown_as_a_date_is_read_as_the_number(tmp_path_factory, suffix, number):
    """Written and read back by openpyxl, and as a spreadsheet program exports it."""
    book = openpyxl.Workbook()
    cell = book.active.cell(1, 1, number)
    cell.number_format = "yyyy-mm-dd"
    file = tmp_path_factory.mktemp("dates") / "sheet.xlsx"
    book.save(file)
    shown = read_sheets(file)[0].rows[0][1][0]
    log = Log()
    assert frame_number(shown if suffix == "xlsx" else shown[:10], 2, "Onset", log) == number
    assert log.repairs[0].taken == str(number) and "shows as a date" in log.repairs[0].reason


@pytest.mark.parametrize("text", ["2026-05-09T00:00:00", "2024-04-07", "5/9/2026", "5-Sep", "9.5.26", "05-Sep-26"])
def test_what_a_spreadsheet_program_made_of_something_else_is_lost_and_said(text):
    log = Log()
    assert frame_number(text, 2, "Onset", log) is None
    assert "take the cell from the sheet as released" in log.repairs[0].reason and log.repairs[0].found == text
