"""Maps by name: blocks of the face, and the second phase."""

import numpy as np
import pytest

from mebench.core import SubjectKey, Timing, VideoView
from mebench.errors import ConfigError
from mebench.features import maps as features_maps
from mebench.features.maps import ONSET_APEX


def test_four_blocks_equal_slices_of_htnet_and_causalnet():
    """Rows and columns as their slices say them: a point's x counts rows, and beyond 7 or 21 it is moved there."""
    maps = np.random.default_rng(0).random((2, 28, 28, 3)).astype(np.float32)
    corners = [(9, 11), (21, 10), None, (10, 21), (20, 21)]
    eye, lips, _, other_eye, other_lips = (c and maps[:, c[0] - 7 : c[0] + 7, c[1] - 7 : c[1] + 7] for c in corners)
    found = features_maps.four_blocks(maps, features_maps.POINTS)
    np.testing.assert_array_equal(found[:, :14, :14], eye)
    np.testing.assert_array_equal(found[:, :14, 14:], lips)
    np.testing.assert_array_equal(found[:, 14:, :14], other_eye)
    np.testing.assert_array_equal(found[:, 14:, 14:], other_lips)


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        (features_maps.POINTS[:4], "must be five points .* not 4"),
        ((*features_maps.POINTS[:4], (28.0, 3.0)), r"point 4, \(28, 3\), is outside the map of 28x28 pixels"),
        (((-1.0, 3.0), *features_maps.POINTS[1:]), r"point 0, \(-1, 3\), is outside"),
    ],
)
def test_check_points_refuses_points_outside_a_map(points, reason):
    with pytest.raises(ConfigError, match=reason):
        features_maps.check_points(points)


def test_APEX_OFFSET_is_the_flow_of_the_second_phase():
    asked = []
    view = VideoView(
        "d/s/v",
        SubjectKey("d", "s"),
        None,
        20,
        Timing(0.0, 1, {}),
        None,
        lambda *clip: asked.append(clip) or np.zeros(3),
    )
    clips = [view.clip(3, 8, 12), view.clip(3, 17, 25)]

    for name in (ONSET_APEX, features_maps.APEX_OFFSET, features_maps.DIRECTIONS[1]):
        features_maps.read_maps(clips, name)
    assert [clip[1:] for clip in asked] == [
        (3, 8, 12),
        (3, 17, 19),
        (8, 12, 12),
        (17, 19, 19),
        (8, 12, 12),
        (17, 19, 19),
    ]


def test_MapParams_directions_come_from_flow_of_their_phase():
    chains = features_maps.MapParams().maps(ONSET_APEX, *features_maps.DIRECTIONS)
    flow, rising, falling = (chain.steps for chain in chains.values())
    assert rising == falling
    assert rising[:-1] == flow


@pytest.mark.parametrize(("name", "value"), [("epochs", 0), ("batch_size", 0), ("lr", -1.0)])
def test_TrainedMapParams_refuse_training_out_of_range(name, value):
    with pytest.raises(ConfigError, match=rf"method\.{name} must .*not {value}"):
        features_maps.TrainedMapParams(**{name: value})


def test_TrainedMapParams_refuse_order_of_shuffled_clips():
    with pytest.raises(ConfigError, match=r"method\.order=by_class .* add method\.shuffle=false"):
        features_maps.TrainedMapParams(order="by_class")
