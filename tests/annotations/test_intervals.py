"""Frame numbers that cannot be right, and what is made of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mebench.annotations import Log
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
    ],
)
def test_numbers_in_cells(text, taken, said):
    log = Log()
    assert frame_number(text, 3, "ApexFrame", log) == taken
    assert bool(log.repairs) == said
