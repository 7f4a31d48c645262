import cv2
import numpy as np
import pytest
from hypothesis import given, strategies as st

from mebench.features import faces
from mebench.features.faces import map_points

SIZE = (720, 1280)


def seen(pitch=0.0, yaw=0.0, roll=0.0, at=(0.0, 0.0, 900.0), size=SIZE):
    """The generic head's points in a frame of `size`, turned by angles in degrees, its plane's origin at `at` in mm."""
    turn = np.eye(3)
    for axis, angle in enumerate((pitch, yaw, roll)):
        vector = np.zeros(3)
        vector[axis] = np.radians(angle)
        turn = cv2.Rodrigues(vector)[0] @ turn
    points = faces.HEAD @ turn.T + at
    return points[:, :2] / points[:, 2:] * max(size) + ((size[1] - 1) / 2, (size[0] - 1) / 2)


def test_head_model_has_proportions_of_a_face():
    """Mirrored, the eyes over the nose over the mouth, the nose in front, measures as in Farkas (mm)."""
    x, y, z = faces.HEAD.T
    mirror = [*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1), 45, 44, 43, 42, 47, 46]
    mirror += [39, 38, 37, 36, 41, 40, 54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65]
    np.testing.assert_array_equal(faces.HEAD[mirror], faces.HEAD * (-1, 1, 1))
    assert y[17:27].max() < y[36:48].min() < y[36:48].max() < y[30] < y[48:68].min() < y[48:68].max() < y[8]
    assert z.argmin() == 30
    assert (x[45] - x[36], x[42] - x[39], x[54] - x[48]) == (90, 33, 52)


@given(st.floats(-25, 25), st.floats(-35, 35), st.floats(-30, 30), st.floats(500, 2000))
def test_frontal_homography_makes_any_pose_frontal(pitch, yaw, roll, distance):
    """What lies in the plane of the face is seen as from straight ahead, at the scale of the window."""
    plane = faces.face_plane(seen(pitch, yaw, roll, (30.0, -20.0, distance)), SIZE)
    spots = np.array([[0.0, 0.0], [-45.0, 5.0], [45.0, 5.0], [0.0, 100.0]])
    crop = map_points(map_points(spots, plane), faces.frontal_homography((-64.0, -14.0, 64.0, 114.0), plane, 128))
    np.testing.assert_allclose(
        crop, np.add(spots, (63.5, 13.5)), atol=1e-3
    )  # one pixel a mm, the window's left edge at -0.5


def test_frontal_window_without_turn_is_the_box():
    """Straight ahead and 640 mm away at a focal length of 1280 pixels, a pixel is half a mm."""
    plane = faces.face_plane(seen(at=(0.0, 0.0, 640.0)), SIZE)
    x, y = 639.5, 359.5
    box = (x - 99.5, y - 79.5, x + 100.5, y + 120.5)  # 200 pixels, whose middle lies 20 pixels below the nasion
    np.testing.assert_allclose(faces.frontal_window(box, plane), (-50, -40, 50, 60), atol=0.01)


def test_warp_to_crop_of_pose_turns_picture_with_points():
    """A dot drawn in the plane of a turned face comes out where the frontal view has it."""
    plane = faces.face_plane(seen(yaw=25, pitch=10), SIZE)
    frame = np.zeros(SIZE, np.float32)
    (spot,) = map_points(np.array([[-30.0, 40.0]]), plane)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    frame += np.exp(-((x - spot[0]) ** 2 + (y - spot[1]) ** 2) / 8)
    matrix = faces.frontal_homography((-64.0, -14.0, 64.0, 114.0), plane, 256)
    crop = cv2.warpPerspective(frame, matrix, (256, 256))
    v, u = np.mgrid[:256, :256]
    centre = [(crop * u).sum() / crop.sum(), (crop * v).sum() / crop.sum()]

    assert centre == pytest.approx([(-30 + 64) * 2 - 0.5, (40 + 14) * 2 - 0.5], abs=0.1)
