import math

import numpy as np
import pytest
from skimage.measure import points_in_poly

from mebench.errors import ConfigError, DataError
from mebench.features import Mdmo
from mebench.features.orientation import LEFT, MIRROR, region_polygons


@pytest.fixture
def face(face_points):
    """68 points of a face that is the same on both sides."""
    points = face_points.copy()
    angles = np.linspace(np.pi, 0, 17)
    points[:17] = np.stack([64 + 62 * np.cos(angles), 40 + 85 * np.sin(angles)], -1)
    points[31:36] = [(54, 80), (59, 82), (64, 83), (69, 82), (74, 80)]
    mirrored = points[list(MIRROR)]
    mirrored[:, 0] = 128 - mirrored[:, 0]
    return (points + mirrored) / 2


def random_flow(size=128):
    return np.random.default_rng(0).normal(size=(size, size, 2)).astype(np.float32)


def test_72_numbers_equal_the_definition_pixel_by_pixel(face):
    x = random_flow()
    found = Mdmo().apply(x, face)
    assert found.shape == (36, 1, 2)
    rows, columns = np.mgrid[:128, :128]
    pixels = np.stack([columns.ravel(), rows.ravel()], -1)
    for region, corners in enumerate(region_polygons(face)):
        bins = [[] for _ in range(8)]
        for column, row in pixels[points_in_poly(pixels, corners)]:
            u, v = map(float, x[row, column])
            bins[math.floor((math.atan2(v, u) + math.pi) / (math.pi / 4)) % 8].append((u, v))
        counts = sorted(map(len, bins))
        if counts[-1] <= counts[-2] + 12:
            continue  # two bins are nearly as full: pixels on the border of the region decide
        u, v = np.mean(max(bins, key=len), axis=0)
        magnitude, angle = found[region, 0]
        assert magnitude == pytest.approx(math.hypot(u, v), rel=0.1)
        assert angle == pytest.approx(math.atan2(v, u), abs=0.1)


def test_the_main_direction_is_that_of_most_pixels_not_of_the_longest(face):
    x = np.zeros((128, 128, 2), np.float32)
    x[...] = (0.5, -0.5)
    x[::4] = (-9, 0.1)
    found = Mdmo().apply(x, face)[:, 0]
    np.testing.assert_allclose(found, np.tile([math.sqrt(0.5), -math.pi / 4], (36, 1)), rtol=1e-5)


def test_each_region_tells_its_own_motion(face):
    """Flow that grows with x and y: a region's magnitude is that of its centre."""
    y, x = np.mgrid[:128, :128]
    found = Mdmo(bins=1).apply(np.stack([x, y], -1).astype(np.float32), face)[:, 0, 0]
    rows, columns = np.mgrid[:128, :128]
    pixels = np.stack([columns.ravel(), rows.ravel()], -1)
    for magnitude, corners in zip(found, region_polygons(face)):
        centre = pixels[points_in_poly(pixels, corners)].mean(0)
        assert magnitude == pytest.approx(np.hypot(*centre), rel=0.03)


def test_the_right_side_mirrors_the_left(face):
    assert [MIRROR[MIRROR[i]] for i in range(68)] == list(range(68))
    polygons = region_polygons(face)
    assert len(polygons) == 2 * len(LEFT) == 36
    for left, right in zip(polygons[:18], polygons[18:]):
        np.testing.assert_allclose(right, np.array([128, 0]) + left * np.array([-1, 1]))


def test_regions_cover_the_face_and_hardly_overlap(face):
    rows, columns = np.mgrid[:128, :128]
    pixels = np.stack([columns.ravel(), rows.ravel()], -1)
    covered = sum(points_in_poly(pixels, corners).astype(int) for corners in region_polygons(face))
    assert (covered > 0).mean() > 0.4
    assert (covered > 1).sum() < 0.03 * (covered > 0).sum()


def test_relative_magnitudes_reach_up_to_1(face):
    plain, relative = (Mdmo(relative=r).apply(random_flow(), face) for r in (False, True))
    np.testing.assert_allclose(relative[..., 0], plain[..., 0] / plain[..., 0].max(), rtol=1e-6)
    np.testing.assert_array_equal(relative[..., 1], plain[..., 1])
    still = Mdmo(relative=True).apply(np.zeros((128, 128, 2), np.float32), face)
    assert not still.any()


@pytest.mark.parametrize("shift", [0, 100, -5000])
def test_wherever_the_landmarks_are_the_numbers_are_finite(face, shift):
    assert np.isfinite(Mdmo().apply(random_flow(), face + shift)).all()
    assert np.isfinite(Mdmo().apply(random_flow(), np.full((68, 2), float(shift)))).all()


def test_missing_landmarks_and_flow_are_named(face):
    with pytest.raises(DataError, match="Mdmo needs 68 facial landmarks"):
        Mdmo().apply(random_flow(), None)
    face[3] = np.nan
    with pytest.raises(DataError, match="1 of them are not numbers"):
        Mdmo().apply(random_flow(), face)
    with pytest.raises(ConfigError, match="bins"):
        Mdmo(bins=0)
