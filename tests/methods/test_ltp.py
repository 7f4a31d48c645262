"""LTP-ML against a plain reading of the authors' MATLAB program, window by window."""

import numpy as np
import pytest
from mebench.methods.ltp import method, patterns, regions

from mebench.errors import ConfigError, DataError


def as_the_program(pixels, reach, limit):
    """slg_acp.m, displayDistanceBy1stFr.m and getDistanceAndNormlzd.m."""
    centred = pixels - pixels.mean(0)
    _, vectors = np.linalg.eigh(centred.T @ centred / len(pixels))
    places = centred @ vectors[:, ::-1]
    places = (places / np.linalg.norm(places, axis=0))[:, :2]
    distances = np.zeros((len(pixels), reach))
    for first in range(len(pixels)):
        for ahead in range(1, reach + 1):
            if first + ahead < len(pixels):
                distances[first, ahead - 1] = np.linalg.norm(places[first + ahead] - places[first])
    largest = distances[:, : reach // 2].max()
    return np.hstack([np.full((len(pixels), 1), min(limit, 1 / largest)), distances / largest])


@pytest.mark.parametrize(("n", "reach"), [(30, 9), (7, 9), (40, 4)])
def test_patterns_equal_program(n, reach):
    pixels = np.random.default_rng(n).normal(size=(n, 6)).cumsum(0)
    np.testing.assert_allclose(patterns.patterns(pixels, reach, 10.0), as_the_program(pixels, reach, 10.0), atol=1e-9)


def test_patterns_need_motion():
    found = patterns.patterns(np.full((12, 4), 7.0), 5, 10.0)
    assert (found[:, 0] == 10).all()
    assert not found[:, 1:].any()
    one = patterns.patterns(np.outer([0, 0, 1, 2, 1, 0, 0], np.ones(4)), 3, 10.0)  # a single component
    assert np.isfinite(one).all()
    assert one[1, 1:].tolist() == pytest.approx([1.0, 2.0, 1.0])


def rows(*shapes):
    """A region for each shape, which moves so after every frame; the inverse of its largest movement is the first number."""
    return np.stack([np.tile([cn, *ahead], (4, 1)) for cn, ahead in shapes])


def test_typical_patterns_rise_fall_and_move_most():
    usual = (1.0, [0.3, 0.6, 1.0, 0.6, 0.3])
    higher = (1.0, [0.4, 0.8, 1.1, 0.5, 0.2])
    rising = (1.0, [0.2, 0.5, 0.9, 1.2, 1.4])
    weak = (1.0, [0.2, 0.4, 0.6, 0.4, 0.2])
    small = (5.0, [0.3, 0.6, 1.0, 0.6, 0.3])
    given = rows(usual, rising, weak, small, usual, higher)

    assert patterns.typical(given, 1, range(6), 0.9) == [5, 0]
    assert patterns.typical(given, 1, [1, 2, 3, 4], 0.9) == [4]


def test_supported_moves_small_groups_to_larger_ones():
    def hits(text):
        return np.array([letter == "1" for letter in text])

    assert patterns.supported(hits("1000011101"), 2, 2).tolist() == hits("0000011100").tolist()
    assert patterns.supported(hits("1000011000"), 2, 2).tolist() == hits("1000011000").tolist()  # none is larger
    assert not patterns.supported(hits("0000"), 2, 2).any()


def test_fused_leaves_out_head_and_quiet_regions():
    given = np.ones((12, 6, 4))
    given[10, :, 0] = 9.0  # moves less than the mean of the regions
    given[11, :, 1:] = 0.5  # less than it does elsewhere in the window
    everything = patterns.fused(np.ones((12, 6), bool), given, 0.9, (1, 1), 9)[1]
    assert not everything.any()  # brows and nose move as one
    some = np.zeros((12, 6), bool)
    some[[8, 10, 11], 1:5] = True
    face, own = patterns.fused(some, given, 0.9, (3, 3), 9)
    assert own.any(1).nonzero()[0].tolist() == [8]
    assert face.tolist() == [False, *[True] * 4, False]


def test_intervals_reach_from_first_to_last_hit():
    hits = np.zeros(30, bool)
    hits[[2, 3, 5, 7, 8, 9, 16, 21]] = True
    assert patterns.intervals(hits, 15, 6) == [(2, 9)]


def test_RegionPixels_lie_around_landmarks_inside_picture():
    x = np.arange(400.0).reshape(20, 20, 1)
    points = np.full((68, 2), 10.0)
    points[17] = (0, 0)
    points[57] = (19, 12)
    found = regions.RegionPixels(4).apply(x, points)
    assert found.shape == (12, 16, 1)
    assert found[0, 0, 0] == 0
    assert found[1, 0, 0] == 20 * 9 + 9
    assert found[11, 0, 0] == 20 * 11 + 16
    with pytest.raises(DataError, match=r"holds no square of 30 pixels: take a smaller method\.region"):
        regions.RegionPixels(30).apply(x, points)
    with pytest.raises(DataError, match="needs 68 facial landmarks"):
        regions.RegionPixels(4).apply(x, None)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"window": 0.3}, "method.window must be longer than method.reach=0.3, not 0.3"),
        ({"least": 0.6}, "method.least must not be above method.span=0.5, but is 0.6"),
        ({"region": 0}, "method.region must .*not 0"),
        ({"intensity": 1.5}, "method.intensity must .*not 1.5"),
    ],
)
def test_Params_refuse_values_out_of_range(changes, reason):
    with pytest.raises(ConfigError, match=reason):
        method.Ltp.Params(**changes)
