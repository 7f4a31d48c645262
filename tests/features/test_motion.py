import numpy as np
import pytest
from skimage.draw import polygon2mask

from mebench.errors import DataError
from mebench.features import MaskEyes, RemoveNoseMotion, Strain


def random_map(channels=3, size=128):
    return np.random.default_rng(0).normal(size=(size, size, channels)).astype(np.float32)


def test_a_moving_head_is_taken_out(face_points):
    x = random_map()
    moved = x + np.array([2.0, -1.0, 0.0], np.float32)
    still = RemoveNoseMotion().apply(moved, face_points)
    np.testing.assert_allclose(still, RemoveNoseMotion().apply(x, face_points), atol=1e-5)
    np.testing.assert_array_equal(still[..., 2], x[..., 2])  # strain is left alone


def test_the_nose_stands_still_afterwards(face_points):
    x, y = face_points[28].astype(int)
    still = RemoveNoseMotion(patch=11).apply(random_map(2), face_points)
    assert still[y - 5 : y + 6, x - 5 : x + 6].mean(axis=(0, 1)) == pytest.approx([0, 0], abs=1e-6)


def test_strain_does_not_see_the_head_move(face_points):
    flow = random_map(2)
    before = Strain().apply(flow, None)[..., 2]
    after = Strain().apply(RemoveNoseMotion().apply(flow, face_points), None)[..., 2]
    np.testing.assert_allclose(before, after, atol=1e-5)


@pytest.mark.parametrize("corner", [(-50, -50), (0, 127), (500, 3)])
def test_a_nose_at_or_beyond_the_border_is_clamped(face_points, corner):
    face_points[28] = corner
    assert np.isfinite(RemoveNoseMotion().apply(random_map(), face_points)).all()


@pytest.mark.parametrize("margin", [0, 4, 15])
def test_the_eyes_and_what_is_near_are_zero(face_points, margin):
    x = random_map() + 10
    masked = MaskEyes(margin).apply(x, face_points) == 0
    assert (masked == masked[..., :1]).all()  # all channels alike
    eyes = np.zeros((128, 128), bool)
    for eye in (slice(36, 42), slice(42, 48)):
        eyes |= polygon2mask((128, 128), face_points[eye][:, ::-1])
    inside = np.argwhere(eyes)
    y, x = np.mgrid[:128, :128]
    distance = np.sqrt(((np.stack([y, x], -1)[:, :, None] - inside) ** 2).sum(-1)).min(-1)
    assert masked[distance <= margin].all()
    assert not masked[distance > margin + 2].any()  # the two programs draw the outline within a pixel


def test_an_eye_outside_the_crop_reaches_in_with_its_margin(face_points):
    face_points[36:42] = [(-6, 60), (-5, 58), (-4, 58), (-3, 60), (-4, 62), (-5, 62)]
    face_points[42:48] = 1000
    masked = MaskEyes(margin=5).apply(random_map() + 10, face_points)[..., 0] == 0
    assert masked[60, :3].all()
    assert not masked[60, 3:].any()


@pytest.mark.parametrize("step", [RemoveNoseMotion(), MaskEyes()])
def test_without_landmarks_the_step_is_named(step):
    with pytest.raises(DataError, match=type(step).__name__):
        step.apply(random_map(), None)
