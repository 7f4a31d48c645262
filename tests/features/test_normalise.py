import cv2
import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.preprocessing import minmax_scale

from mebench.errors import ConfigError
from mebench.features import EyesAndMouth, MinMax

maps = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 3)),
    elements=st.floats(-100, 100, width=32),
)


@given(maps)
def test_MinMax_scales_each_channel_to_0_and_1(x):
    scaled = MinMax().apply(x, None)
    for before, after in zip(np.moveaxis(x, -1, 0), np.moveaxis(scaled, -1, 0)):
        assert (after.min(), after.max()) == ((0, 0) if np.ptp(before) == 0 else (0, 1))


def test_MinMax_equals_scikit_learn():
    x = np.random.default_rng(0).normal(size=(5, 7, 3))
    expected = minmax_scale(x.reshape(35, 3)).reshape(5, 7, 3)
    np.testing.assert_allclose(MinMax().apply(x, None), expected)


@given(maps)
def test_MinMax_map_scales_the_whole_and_keeps_order(x):
    scaled = MinMax("map").apply(x, None)
    assert (scaled.min(), scaled.max()) == ((0, 0) if np.ptp(x) == 0 else (0, 1))
    order = x.ravel().argsort()
    assert (np.diff(scaled.ravel()[order]) >= 0).all()


def test_MinMax_equals_opencv_for_each_channel():
    """The published program of SOFTNet normalises the assembled sample with OpenCV."""
    x = np.random.default_rng(0).normal(size=(42, 42, 3)).astype(np.float32)
    x[..., 2] = 4.5
    expected = [cv2.normalize(channel, None, 0, 1, cv2.NORM_MINMAX) for channel in np.moveaxis(x, -1, 0)]
    np.testing.assert_allclose(MinMax().apply(x, None), np.stack(expected, -1), atol=1e-6)


def test_MinMax_before_and_after_regions_differ():
    x = np.random.default_rng(0).normal(size=(64, 64, 2)).astype(np.float32)
    regions = EyesAndMouth("box")
    before, after = regions.apply(MinMax().apply(x, None), None), MinMax().apply(regions.apply(x, None), None)
    assert after.min() == 0 < before.min()
    assert before.max() < after.max() == 1


def test_MinMax_refuses_other_scopes():
    with pytest.raises(ConfigError, match="scope of MinMax"):
        MinMax("video")


def test_MinMax_still_middle_changes_constant_channels_only():
    x = np.random.default_rng(0).normal(size=(6, 5, 3)).astype(np.float32)
    x[..., 0] = 0.25
    x[..., 2] = 0.0
    usual, middle = (MinMax(still=still).apply(x, None) for still in ("lowest", "middle"))
    np.testing.assert_array_equal(middle[..., 1], usual[..., 1])
    assert (usual[..., 0] == 0).all()
    assert (middle[..., 0] == 0.5).all()
    assert (middle[..., 2] == 0).all()


@pytest.mark.parametrize("scope", ["channel", "map"])
def test_MinMax_still_middle_of_map_without_motion(scope):
    middle = MinMax(scope, still="middle").apply(np.zeros((4, 4, 3), np.float32), None)
    np.testing.assert_array_equal(middle, np.broadcast_to(np.float32([0.5, 0.5, 0]), (4, 4, 3)))
