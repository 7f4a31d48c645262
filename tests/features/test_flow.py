from itertools import combinations
from typing import get_args

import cv2
import numpy as np
import pytest
from hypothesis import given, strategies as st

from mebench.errors import ConfigError
from mebench.features import Algorithm, Flow, flow

from .conftest import texture

INNER = (slice(12, -12), slice(12, -12))


@pytest.mark.parametrize(
    ("algorithm", "tolerance"),
    [("tvl1", 0.1), ("tvl1_eps05", 0.1), ("tvl1_warm", 0.1), ("farneback", 0.15), ("dis", 0.25)],
)
@pytest.mark.parametrize(("dx", "dy"), [(1.0, 0.0), (0.0, -1.5), (0.7, 0.4)])
def test_Flow_recovers_a_known_shift(algorithm, tolerance, dx, dy):
    found = Flow(algorithm).pair(texture(96, 96), texture(96, 96, dx, dy))
    assert found.shape == (96, 96, 2)
    assert found.dtype == np.float32
    assert found[INNER].mean(axis=(0, 1)) == pytest.approx([dx, dy], abs=tolerance)


def test_Flow_algorithms_are_different_features():
    images = [texture(), texture(dx=0.8, dy=0.3), texture(dx=1.4, dy=0.5)]
    flows = [list(Flow(algorithm, k=1).maps(images))[1] for algorithm in get_args(Algorithm)]
    assert all((x != y).any() for x, y in combinations(flows, 2))


def test_Flow_between_a_frame_and_itself_is_zero(monkeypatch):
    monkeypatch.setattr(flow, "make_calculator", lambda algorithm: pytest.fail("nothing to compute"))
    images = np.array([texture(), texture(dx=1)])
    still = Flow("tvl1").between(images, 1, 1)
    assert still.shape == (64, 64, 2)
    assert not still.any()


@pytest.fixture
def countable(monkeypatch):
    """A flow whose u is the square of the start frame's gray value, and v the gap; the list collects the start frames."""
    starts = []

    def square(a, b):
        starts.append(int(a[0, 0]))
        first, second = (image.astype(np.float32) for image in (a, b))
        return np.stack([first**2, second - first], axis=-1)

    monkeypatch.setattr(flow, "make_calculator", lambda algorithm: square)
    return starts


def numbered(n):
    return np.arange(n, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 4), np.uint8)


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 7, 50])
def test_Flow_stride_computes_every_sth_pair_and_the_last(countable, stride):
    maps = list(Flow("dis", k=2, stride=stride).maps(numbered(14)))  # start frames 0 to 11
    assert len(maps) == 12
    assert countable == sorted({*range(0, 12, stride), 11})
    u = np.array([m[0, 0, 0] for m in maps])
    np.testing.assert_array_equal(u[countable], np.square(countable))  # exact where computed
    np.testing.assert_allclose(u, np.interp(range(12), countable, np.square(countable)), rtol=1e-6)
    assert {m[0, 0, 1] for m in maps} == {2}


def test_Flow_maps_pair_frames_k_apart():
    images = np.array([texture(dx=i / 2) for i in range(5)])
    maps = list(Flow("farneback", k=3).maps(images))
    assert len(maps) == 2
    np.testing.assert_array_equal(maps[1], Flow("farneback").pair(images[1], images[4]))


@pytest.mark.parametrize("n", [0, 1, 3])
def test_Flow_maps_of_k_frames_or_fewer_are_empty(countable, n):
    assert list(Flow(k=3).maps(numbered(n))) == []


@pytest.mark.parametrize("wrong", [{"k": 0}, {"k": 2.5}, {"k": True}, {"stride": 0}, {"algorithm": "tvl2"}])
def test_Flow_refuses_impossible_parameters(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Flow(**wrong)


@pytest.mark.parametrize(
    ("algorithm", "direct"),
    [
        ("tvl1_opencv", lambda: cv2.optflow.DualTVL1OpticalFlow_create().calc),
        ("tvl1_opencv_eps05", lambda: cv2.optflow.DualTVL1OpticalFlow_create(epsilon=0.05).calc),
        ("dis", lambda: cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc),
        ("farneback", lambda: lambda a, b, _: cv2.calcOpticalFlowFarneback(a, b, None, 0.5, 3, 15, 5, 7, 1.5, 0)),
        (
            "farneback_single",
            lambda: lambda a, b, _: cv2.calcOpticalFlowFarneback(a, b, None, 0.5, 1, 15, 2, 5, 1.1, 0),
        ),
    ],
)
def test_Flow_by_opencv_equals_it_bit_for_bit(algorithm, direct):
    images = np.array([texture(), texture(dx=0.8, dy=0.3), texture(dx=2)])
    flows = list(Flow(algorithm, k=1).maps(images))  # the second pair does not remember the first
    for found, (a, b) in zip(flows, [(0, 1), (1, 2)]):
        np.testing.assert_array_equal(found, direct()(images[a], images[b], None))


@given(st.floats(0.8, 1.2), st.floats(-20, 20))
def test_match_brightness_undoes_a_lamp(gain, offset):
    before = np.rint(40 + 0.6 * texture().astype(float)).astype(np.uint8)
    after = np.rint(gain * before.astype(float) + offset).astype(np.uint8)
    matched = flow.match_brightness(before, after)
    assert np.abs(matched.astype(int) - before.astype(int)).max() <= 1


def test_match_brightness_leaves_out_what_moves():
    """A part that moves and is bright would pull a plain fit away from the light of the rest."""
    before = np.rint(40 + 0.6 * texture().astype(float)).astype(np.uint8)
    after = np.rint(1.06 * before.astype(float)).astype(np.uint8)
    after[:12, :32] = 255
    matched = flow.match_brightness(before, after)
    assert np.abs(matched[16:].astype(int) - before[16:].astype(int)).max() <= 1


def test_match_brightness_leaves_flat_and_unlike_crops():
    face = texture()
    black = np.zeros((64, 64), np.uint8)
    grey = np.full((64, 64), 90, np.uint8)
    for a, b in ((face, black), (face, grey), (black, face), (black, black), (face, 255 - face)):
        np.testing.assert_array_equal(flow.match_brightness(a, b), b)


def test_Flow_with_gain_sees_motion_and_no_lamp():
    still = np.rint(40 + 0.6 * texture(96, 96).astype(float)).astype(np.uint8)
    brighter = np.rint(1.06 * still.astype(float)).astype(np.uint8)
    plain, fitted = Flow("tvl1"), Flow("tvl1", light="gain")
    assert np.abs(plain.pair(still, brighter)).mean() > 10 * np.abs(fitted.pair(still, brighter)).mean()
    moved = np.rint(1.06 * (40 + 0.6 * texture(96, 96, 1.0, 0.0).astype(float))).astype(np.uint8)
    assert fitted.pair(still, moved)[INNER].mean(axis=(0, 1)) == pytest.approx([1.0, 0.0], abs=0.15)


def test_Flow_light_has_no_name_in_identity_unless_set():
    assert "light" not in Flow("tvl1", k=3).identity()
    assert Flow("tvl1", k=3, light="gain").identity()["light"] == "gain"
    assert [gap.light for gap in Flow("tvl1", k=3, second=6, light="gain").gaps] == ["gain", "gain"]
