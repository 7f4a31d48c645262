"""Levels from quiet time, and intervals that do not repeat."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from mebench.core import Prediction, Timing
from mebench.core.peaks import ScoreCurve
from mebench.errors import ConfigError
from mebench.inference.own_film import hold_back, merge_intervals, neutral_levels, read_neutral
from mebench.inference.predict import Answer

K_PRIME = {"micro": 5, "macro": 16}


def interval(onset, apex, offset, height=0.5, kind="micro"):
    return Prediction("a/b/c", kind, onset, apex, offset, height)


def answer(*predictions, n_frames=500):
    return Answer(list(predictions), {"micro": ScoreCurve(np.zeros(n_frames))}, Timing(25.0, 3, K_PRIME))


@pytest.mark.parametrize("text", ["5-2s", "3-3", "nowhere.mp4", "-3s"])
def test_read_neutral_refuses_what_names_no_time(text):
    with pytest.raises(ConfigError, match="--neutral"):
        read_neutral(text)


def test_read_neutral_takes_a_film(tmp_path):
    film = tmp_path / "quiet.mp4"
    film.touch()
    assert read_neutral(film) == film


def test_neutral_levels_lie_just_above_the_highest_peak():
    quiet = answer(interval(10, 14, 20, 0.3), interval(400, 405, 410, 0.9))
    levels = neutral_levels([quiet], {"micro": 0.15}, (0.0, 4.0))
    assert 0.3 < levels["micro"].level < 0.3001
    assert levels["micro"].seconds == pytest.approx(4.0, abs=0.05)
    assert "level is 0.300 in place of 0.150" in levels["micro"].describe("from 0 s to 4 s")


def test_neutral_levels_of_a_short_stretch_are_not_lower():
    levels = neutral_levels([answer(interval(10, 14, 20, 0.1))], {"micro": 0.15}, (0.0, 4.0))
    assert levels["micro"].level == 0.15
    assert levels["micro"].alarms == 0
    assert "reaches the level of 0.150" in levels["micro"].describe("in quiet.mp4")


def test_neutral_levels_of_a_long_stretch_may_be_lower():
    """Down to .4 of the models' level; the highest peak is expected again in a time as long."""
    quiet, quieter = (answer(interval(10, 14, 20, height)) for height in (0.1, 0.02))
    own = neutral_levels([quiet], {"micro": 0.15})["micro"]
    assert 0.1 < own.level < 0.1001
    assert own.alarms == 1
    assert "so it is 0.100" in own.describe("in quiet.mp4")
    least = neutral_levels([quieter], {"micro": 0.15})["micro"]
    assert least.level == pytest.approx(0.4 * 0.15)
    assert least.alarms == 0


def test_neutral_levels_need_time_with_a_face():
    with pytest.raises(ConfigError, match="no time in which the face is seen"):
        neutral_levels([answer()], {"micro": 0.15}, (90.0, 100.0))


def test_hold_back_leaves_out_low_peaks_and_the_quiet_stretch():
    found = hold_back(
        answer(interval(10, 14, 20, 0.9), interval(200, 205, 210, 0.4), interval(300, 305, 310, 0.2)),
        {"micro": 0.3},
        (0.0, 2.0),
    )
    assert [p.apex for p in found.predictions] == [205]
    assert found.curves["micro"].level == 0.3


def test_merge_intervals_joins_overlapping_ones_of_a_kind():
    first, second, apart = interval(8, 12, 19, 0.4), interval(16, 20, 27, 0.6), interval(28, 32, 40, 0.5)
    assert merge_intervals([apart, second, first], K_PRIME) == [interval(8, 20, 27, 0.6), apart]


def test_merge_intervals_leave_out_peaks_of_longer_ones():
    macro, same, other = interval(95, 114, 132, 0.7, "macro"), interval(108, 114, 119), interval(96, 100, 104)
    assert merge_intervals([macro, same, other], K_PRIME) == [macro, other]


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 30), st.integers(1, 9)), max_size=12))
def test_merge_intervals_cover_the_same_frames_once(drawn):
    given_ones = [interval(on, on + length // 2, on + length, height / 10) for on, length, height in drawn]
    merged = merge_intervals(given_ones, K_PRIME)
    covered = [frame for p in merged for frame in range(p.onset, p.offset + 1)]
    covered_before = {frame for p in given_ones for frame in range(p.onset, p.offset + 1)}
    assert sorted(covered) == sorted(covered_before)
    assert {p.apex for p in merged} <= {p.apex for p in given_ones}
