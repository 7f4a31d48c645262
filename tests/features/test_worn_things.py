"""Sunglasses, masks and blocks against the placing rules of the public generator, step by step."""

import math

import numpy as np
import pytest

from mebench.features.worn_things import block_pixels, worn_pixels

SIZE = (200, 180)
FACE = (40, 20, 140, 170)
KINDS = ["sunglasses", "face_mask"]


def landmarks(tilt=0.0):
    """A face whose nose is a line, with the points that place things; all others lie in the middle."""
    points = np.full((68, 2), (90.0, 100.0))
    points[[0, 16, 2, 14, 8]] = (40, 70), (140, 72), (45, 110), (136, 112), (92, 165)
    points[[19, 24]] = (62, 48), (118, 48)
    points[27:31] = [(90 + tilt * step, 66 + 10 * step) for step in range(4)]
    return points


def from_line(point, start, end):
    """Distance of a point from a line, as a height of the triangle."""
    area = np.linalg.det(np.array([[*point, 1], [*start, 1], [*end, 1]]))
    return abs(area) / math.dist(start, end)


def generator_box(points, thing):
    """`glass_occ.py` and `mask_occ.py`: halves 1.2 times as wide as the face, pasted around the middle of a line."""
    top, bottom, left, right = (27, 28, 0, 16) if thing == "sunglasses" else (28, 8, 2, 14)
    height = math.dist(points[19] if thing == "sunglasses" else points[28], points[bottom])
    widths = [1.2 * from_line(points[side], points[top], points[bottom]) for side in (left, right)]
    x, y = (points[top] + points[bottom]) / 2
    return x - widths[0], y - height / 2, x + widths[1], y + height / 2


def bounds(mask):
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return cols[0], rows[0], cols[-1] + 1, rows[-1] + 1


@pytest.mark.parametrize("tilt", [0.0, 1.5])
@pytest.mark.parametrize("thing", KINDS)
def test_worn_pixels_fill_box_of_generator(thing, tilt):
    found = bounds(worn_pixels(thing, SIZE, FACE, landmarks(tilt), 1.0))
    assert found == pytest.approx(generator_box(landmarks(tilt), thing), abs=2.5)


@pytest.mark.parametrize("thing", KINDS)
def test_worn_pixels_grow_about_their_middle(thing):
    sizes = [worn_pixels(thing, SIZE, FACE, landmarks(), share) for share in (0.3, 0.45, 0.6, 0.8, 1.0)]
    areas = [mask.sum() for mask in sizes]
    assert areas == sorted(set(areas))
    assert (sizes[0] & ~sizes[-1]).sum() <= 0.02 * areas[-1]


def test_worn_pixels_cover_eyes_or_mouth_without_landmarks():
    x0, y0, x1, y1 = FACE
    eyes, mouth = (round(y0 + 0.33 * (y1 - y0)), round(y0 + 0.8 * (y1 - y0)))
    left_eye = round(x0 + 0.3 * (x1 - x0))
    middle = (x0 + x1) // 2
    glasses, mask = (worn_pixels(thing, SIZE, FACE, None, 1.0) for thing in KINDS)
    assert (glasses[eyes, left_eye], glasses[mouth, middle]) == (True, False)
    assert (mask[eyes, left_eye], mask[mouth, middle]) == (False, True)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
@pytest.mark.parametrize("place", [(0.0, 0.0), (0.4, 0.9), (1.0, 1.0)])
def test_block_pixels_take_share_of_area_inside_face(share, place):
    """`randomblock_occ.py`: both sides are those of the box of chin and brows, times the root of the share."""
    points = landmarks()
    outline = points[:27]
    (left, top), (right, bottom) = outline.min(axis=0), outline.max(axis=0)
    mask = block_pixels(SIZE, FACE, points, share, place)
    x0, y0, x1, y1 = bounds(mask)
    assert mask.sum() == (x1 - x0) * (y1 - y0)
    assert (x1 - x0, y1 - y0) == pytest.approx(((right - left) * share**0.5, (bottom - top) * share**0.5), abs=1)
    assert left - 1 <= x0 <= x1 <= right + 1
    assert top - 1 <= y0 <= y1 <= bottom + 1


def test_block_pixels_take_box_without_landmarks():
    assert bounds(block_pixels(SIZE, FACE, None, 1.0, (0.5, 0.5))) == FACE
