import cv2
import numpy as np
import pytest
from skimage.draw import polygon2mask

from mebench.errors import ConfigError, DataError
from mebench.features import MaskEyes, RemoveNoseMotion, Strain
from mebench.features.regions import RegionMotion


def random_map(channels=3, size=128):
    return np.random.default_rng(0).normal(size=(size, size, channels)).astype(np.float32)


def test_RemoveNoseMotion_takes_out_a_moving_head(face_points):
    x = random_map()
    moved = x + np.array([2.0, -1.0, 0.0], np.float32)
    still = RemoveNoseMotion().apply(moved, face_points)
    np.testing.assert_allclose(still, RemoveNoseMotion().apply(x, face_points), atol=1e-5)
    np.testing.assert_array_equal(still[..., 2], x[..., 2])  # strain is left alone


def test_RemoveNoseMotion_makes_the_nose_still(face_points):
    x, y = face_points[28].astype(int)
    still = RemoveNoseMotion(patch=11).apply(random_map(2), face_points)
    assert still[y - 5 : y + 6, x - 5 : x + 6].mean(axis=(0, 1)) == pytest.approx([0, 0], abs=1e-6)


def test_Strain_ignores_motion_of_the_head(face_points):
    flow = random_map(2)
    before = Strain().apply(flow, None)[..., 2]
    after = Strain().apply(RemoveNoseMotion().apply(flow, face_points), None)[..., 2]
    np.testing.assert_allclose(before, after, atol=1e-5)


@pytest.mark.parametrize("corner", [(-50, -50), (0, 127), (500, 3)])
def test_RemoveNoseMotion_clamps_nose_at_the_border(face_points, corner):
    face_points[28] = corner
    assert np.isfinite(RemoveNoseMotion().apply(random_map(), face_points)).all()


@pytest.mark.parametrize("margin", [0, 4, 15])
def test_MaskEyes_zeroes_eyes_and_margin(face_points, margin):
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


def test_MaskEyes_margin_reaches_in_from_outside(face_points):
    face_points[36:42] = [(-6, 60), (-5, 58), (-4, 58), (-3, 60), (-4, 62), (-5, 62)]
    face_points[42:48] = 1000
    masked = MaskEyes(margin=5).apply(random_map() + 10, face_points)[..., 0] == 0
    assert masked[60, :3].all()
    assert not masked[60, 3:].any()


@pytest.mark.parametrize("step", [RemoveNoseMotion(), MaskEyes()])
def test_MaskEyes_and_RemoveNoseMotion_need_landmarks(step):
    with pytest.raises(DataError, match=type(step).__name__):
        step.apply(random_map(), None)


def as_softnet(x, points, margin=15):
    """The published program of SOFTNet, step by step, for landmarks on whole pixels inside the map."""
    x = x.astype(float)
    height, width = x.shape[:2]
    column, row = points[28].astype(int)
    means = x[row - 5 : row + 6, column - 5 : column + 6].mean(axis=(0, 1))
    x -= means
    x[..., :2] = abs(x[..., :2])
    for first in (36, 42):
        corners = []
        for i, (dx, dy) in enumerate([(-1, 0), (0, -1), (0, -1), (1, 0), (0, 1), (0, 1)]):
            px, py = points[first + i].astype(int) + margin * np.array([dx, dy])
            corners.append((min(max(px, 0), width), min(max(py, 0), height)))
        cv2.fillPoly(x, [np.array(corners)], 0)
    return x


def test_MaskEyes_and_RemoveNoseMotion_equal_softnet_program(face_points):
    x = random_map()
    found = RemoveNoseMotion(variant="released_code").apply(x, face_points)
    assert found[..., :2].min() >= 0 > found[..., 2].min()
    found = MaskEyes(outline="released_code").apply(found, face_points)
    np.testing.assert_allclose(found, as_softnet(x, face_points), atol=1e-5)


def test_MaskEyes_and_RemoveNoseMotion_refuse_other_variants():
    with pytest.raises(ConfigError, match="variant"):
        RemoveNoseMotion(variant="softnet")
    with pytest.raises(ConfigError, match="outline"):
        MaskEyes(outline="oval")


def test_MaskEyes_keeps_masks_of_faces_apart(face_points):
    """The mask of a face is kept between frames."""
    x = random_map() + 10
    here, there = (MaskEyes().apply(x, points) == 0 for points in (face_points, face_points + 9))
    assert (here != there).any()
    np.testing.assert_array_equal(MaskEyes().apply(x, face_points) == 0, here)
    np.testing.assert_array_equal(there[9:, 9:100], here[:-9, :91])


@pytest.mark.parametrize("step", [RemoveNoseMotion(), MaskEyes()])
def test_MaskEyes_and_RemoveNoseMotion_refuse_nan_landmarks(step, face_points):
    face_points[28] = np.nan
    with pytest.raises(DataError, match="1 of them are not numbers"):
        step.apply(random_map(), face_points)


def sector_of(u, v, edge):
    """Down, left, up, right of a frame, whose y points down: the first begins at `edge` half turns."""
    angle = np.arctan2(v, u) % (2 * np.pi) / np.pi
    if edge <= angle < 1 - edge:
        return 0
    if 1 - edge <= angle < 1 + edge:
        return 1
    return 2 if 1 + edge <= angle < 2 - edge else 3


def plain_main_motion(vectors, edge, share):
    """Vector by vector, as the authors of ABPN write it."""
    by_sector = [[w for w in vectors if sector_of(*w, edge) == s] for s in range(4)]
    most = max(by_sector, key=len)
    longest = sorted(most, key=lambda w: np.hypot(*w))[len(most) - int(len(most) * share) :]
    total = np.sum(longest, axis=0)
    return total / (np.linalg.norm(total) + 1e-6) * np.mean([np.hypot(*w) for w in longest])


def test_RegionMotion_equals_a_plain_loop(face_points):
    rng = np.random.default_rng(0)
    flow = rng.normal([0.4, -0.1], 0.3, (128, 128, 2)).astype(np.float32)
    found = RegionMotion().apply(flow, face_points)
    assert found.shape == (12, 1, 2)
    x, y = face_points.astype(int).T
    beyond = int((x[42] - x[39]) / 2 * 0.35)
    nose = flow[
        min(y[29:31]) - beyond : max(y[29:31]) + beyond + 1, min(x[29:31]) - beyond : max(x[29:31]) + beyond + 1
    ]
    head = plain_main_motion(nose.reshape(-1, 2).astype(float), 1 / 4, 0.88)
    for place, point in enumerate([18, 19, 20, 23, 24, 25, 28, 30, 48, 51, 54, 57]):
        region = flow[y[point] - 5 : y[point] + 6, x[point] - 5 : x[point] + 6].reshape(-1, 2)
        np.testing.assert_allclose(found[place, 0], plain_main_motion(region - head, 1 / 6, 0.6), atol=1e-6)


def test_RegionMotion_ignores_head_and_stays_inside(face_points):
    flow = np.broadcast_to(np.float32([0.7, -0.3]), (128, 128, 2))
    for points in (face_points, face_points - 30, face_points + 60):
        assert np.abs(RegionMotion().apply(flow, points)).max() < 1e-5
    with pytest.raises(DataError, match="no square of 11 pixels"):
        RegionMotion().apply(flow[:8, :8], face_points)
