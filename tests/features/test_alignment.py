import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from mebench.features import faces
from mebench.features.faces import map_points

from .conftest import texture


def test_box_to_crop_fills_the_crop_from_edge_to_edge():
    """Whole numbers are centres of pixels: the edges of a box and of a crop lie half a pixel outside."""
    edges = np.array([[9.5, 19.5], [49.5, 99.5]])
    np.testing.assert_allclose(
        map_points(edges, faces.box_to_crop((10, 20, 50, 100), 128)), [[-0.5, -0.5], [127.5, 127.5]]
    )


def test_warp_to_crop_cuts_out_a_box_of_its_size():
    crop = faces.warp_to_crop(texture(), faces.box_to_crop((8, 4, 56, 52), 48), 48)
    np.testing.assert_array_equal(crop, texture()[4:52, 8:56])


def test_warp_to_crop_repeats_the_edge_beyond_the_frame():
    crop = faces.warp_to_crop(texture(), faces.box_to_crop((-10, 0, 38, 48), 48), 48)
    np.testing.assert_array_equal(crop[:, :10], np.repeat(texture()[:48, :1], 10, axis=1))


@given(st.floats(-1.4, 1.4), st.floats(0.5, 200))
def test_level_rotation_makes_eyes_level_at_any_angle(angle, distance):
    points = np.zeros((68, 2))
    points[42:48] = (distance * math.cos(angle), distance * math.sin(angle))
    assert faces.eye_angle(points) == pytest.approx(angle)
    box = (-40.0, -30.0, 60.0, 70.0)
    after = map_points(points, faces.level_rotation(box, faces.eye_angle(points)))
    assert after[36, 1] == pytest.approx(after[42, 1], abs=1e-9)
    assert after[42, 0] - after[36, 0] == pytest.approx(distance)  # a rotation changes no length
    middle = np.array([[9.5, 19.5]])  # of the pixels -40 to 59 and -30 to 69
    np.testing.assert_allclose(map_points(middle, faces.level_rotation(box, angle)), middle, atol=1e-9)


def test_level_rotation_of_level_eyes_is_no_turn():
    np.testing.assert_array_equal(faces.level_rotation((0, 0, 9, 9), 0.0), np.eye(3))
