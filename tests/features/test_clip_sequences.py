"""A clip as maps in time: which frames they show, their flow, their colours, and the shape that a module gets."""

import cv2
import numpy as np
import pytest

from mebench.core import Chain
from mebench.errors import ConfigError, DataError
from mebench.features import CropSequence, FaceCrop, FlowSequence, MinMax
from mebench.features.clip_sequences import chosen_frames
from mebench.features.feature_shape import shape_of_feature
from mebench.features.pipeline import route_of
from mebench.training.samples import tensor_of

from .conftest import texture


def moving(n=9, size=32):
    """A texture that moves one pixel to the right each frame."""
    wide = texture(size, size + n)
    return np.stack([wide[:, n - i : n - i + size] for i in range(n)])


@pytest.mark.parametrize(("n", "length"), [(1, 3), (2, 5), (9, 5), (40, 8), (7, 7)])
def test_chosen_frames_lie_nearest_to_equal_distances(n, length):
    chosen = chosen_frames(n, length)
    assert (chosen[0], chosen[-1]) == (0, n - 1)
    assert np.abs(np.array(chosen) - np.linspace(0, n - 1, length)).max() <= 0.5


def test_chosen_frames_refuse_a_clip_without_frames():
    with pytest.raises(DataError, match="check its onset and offset"):
        chosen_frames(0, 3)


@pytest.mark.parametrize(("start", "expected"), [("onset", [2, 4, 6, 8]), ("neighbour", [2, 2, 2, 2])])
def test_FlowSequence_measures_motion_from_its_start(start, expected):
    maps = FlowSequence(4, 8, start=start, flow="farneback").apply(moving())
    assert maps.shape == (4, 8, 8, 3)
    np.testing.assert_allclose(maps[:, 2:6, 2:6, 0].mean(axis=(1, 2)), expected, atol=0.5)


def test_FlowSequence_of_repeated_frames_is_still():
    maps = FlowSequence(4, 8, start="neighbour", flow="farneback").apply(moving(2))
    assert [bool(one.any()) for one in maps] == [False, False, True, False]


def test_CropSequence_shrinks_and_turns_colours():
    crops = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    maps = CropSequence(3, 8, color=True).apply(crops)
    for one, crop in zip(maps, crops[::2], strict=True):
        rgb = cv2.cvtColor(crop, cv2.COLOR_BGR2RGB).astype(np.float32)
        np.testing.assert_allclose(one, cv2.resize(rgb, (8, 8), interpolation=cv2.INTER_AREA), atol=1e-4)


@pytest.mark.parametrize(
    ("color", "step", "shape"),
    [
        (False, FlowSequence(6, 20), (6, 3, 20, 20)),
        (False, CropSequence(6, 20), (6, 1, 20, 20)),
        (True, CropSequence(6, 20, color=True), (6, 3, 20, 20)),
    ],
    ids=["flow", "gray", "color"],
)
def test_shape_of_feature_puts_time_first_in_a_module(color, step, shape):
    chain = Chain("sequence", (FaceCrop(size=32, color=color), step), scope="clips")
    assert tensor_of(np.zeros(shape_of_feature(chain))).shape == shape


def test_route_of_refuses_gray_crops_for_a_sequence_in_colour():
    with pytest.raises(ConfigError, match=r"reads colour crops, and these are gray: FaceCrop\(color=True\)"):
        route_of(Chain("sequence", (FaceCrop(), CropSequence(color=True)), scope="clips"))


def test_route_of_refuses_a_step_after_a_sequence():
    with pytest.raises(
        ConfigError, match="FlowSequence gives maps in time, which MinMax does not read: leave MinMax out"
    ):
        route_of(Chain("sequence", (FaceCrop(), FlowSequence(), MinMax()), scope="clips"))
