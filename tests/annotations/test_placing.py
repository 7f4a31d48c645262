"""From file numbers to positions."""

import pytest
from hypothesis import given, strategies as st

from mebench.annotations import Annotation, Log, annotation
from mebench.core import Expression
from mebench.core.types import Unplaced


def placed(onset, apex, offset, numbers, first=1):
    log = Log()
    return annotation.place_annotation(
        Annotation(2, "01", "EP02", onset, apex, offset), first, numbers, log
    ), log.repairs


def span(e):
    return e.onset, e.apex, e.offset


def test_place_subtracts_numbers_of_a_cut_out_clip():
    e, repairs = placed(5562, 5588, 5632, range(5550, 5640))
    assert span(e) == (12, 38, 82)
    assert repairs == []


def test_place_without_files_counts_from_the_first():
    assert span(placed(46, 59, 86, None)[0]) == (45, 58, 85)
    assert span(placed(46, 59, 86, None, first=0)[0]) == (46, 59, 86)


def test_place_beyond_the_files_takes_last_frame():
    e, repairs = placed(73, 94, 110, range(73, 97))
    assert span(e) == (0, 21, 23)
    assert e.flags == ("cut",)
    assert [(r.found, r.taken) for r in repairs] == [("110", "96")]


def test_place_moves_missing_files_to_nearest_inside():
    e, repairs = placed(3, 5, 8, [1, 2, 4, 6, 7, 9])
    assert span(e) == (2, 2, 4)
    assert e.flags == ("missing_frame",)
    assert [(r.found, r.taken) for r in repairs] == [("3", "4"), ("8", "7"), ("5", "4")]


def test_place_leaves_interval_outside_the_video_unplaced():
    lost, repairs = placed(500, 510, 520, range(1, 100))
    assert isinstance(lost, Unplaced)
    assert lost.row == 2
    assert "its frames run from 1 to 99" in str(repairs[0])


@pytest.mark.parametrize("files", [[*range(1, 8), *range(35, 60)], [5, 40]])
def test_place_leaves_interval_without_files_unplaced(files):
    lost, repairs = placed(11, 19, 31, files)
    assert isinstance(lost, Unplaced)
    assert lost.reason == "none of the interval's frames exists"
    (remark,) = map(str, repairs)
    assert "11, 31" in remark
    assert "01/EP02" in remark
    assert "no file has a number from 11 to 31" in remark


def test_place_files_without_numbers_counts_from_first():
    assert span(placed(11, 12, 13, [None] * 20)[0]) == (10, 11, 12)


def test_place_says_that_files_are_not_in_order():
    lost, repairs = placed(500, 510, 520, [498, None, *range(499, 600)])
    assert isinstance(lost, Unplaced)
    assert "its frames run from 1 to 103, counted from 1, since its files are not numbered" in str(repairs[0])


@given(st.sets(st.integers(1, 60), min_size=1), st.integers(1, 60), st.integers(0, 20), st.integers(0, 20))
def test_place_keeps_expression_inside_its_interval(files, onset, to_apex, to_offset):
    numbers = sorted(files)
    inside = [n for n in numbers if onset <= n <= onset + to_apex + to_offset]
    e, repairs = placed(onset, onset + to_apex, onset + to_apex + to_offset, numbers)
    if isinstance(e, Expression):
        assert 0 <= e.onset <= e.apex <= e.offset < len(numbers)
        assert numbers[e.onset : e.offset + 1] == inside
        exact = {onset, onset + to_apex, onset + to_apex + to_offset} <= files
        assert exact == (not repairs)
        if exact:
            assert [numbers[p] for p in span(e)] == [onset, onset + to_apex, onset + to_apex + to_offset]
    else:
        reached = sum(numbers[0] <= n <= numbers[-1] for n in range(onset, onset + to_apex + to_offset + 1))
        assert repairs
        assert not inside or 2 * reached < 1 + to_apex + to_offset


def test_place_refuses_marks_before_the_clip():
    """In a copy of SMIC's sheet that is in circulation the third movements stand before their clips."""
    lost, repairs = placed(17_549_887, None, 17_668_743, None, first=17_668_743)
    assert isinstance(lost, Unplaced)
    assert "only 1 of its 118857 frames lie in the video" in str(repairs[0])
