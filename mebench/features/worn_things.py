"""Sunglasses, masks and blocks on a face, placed as a public generator does.

The rules are those of github.com/2111808003/micro-expression-occlusion, 905a96d (`glass_occ.py`, `mask_occ.py`,
`randomblock_occ.py`); the shapes are drawn here. Points are numbered as the 68 landmarks are.
"""

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mebench.features.base import Landmarks
from mebench.features.boxes import Box
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")

Worn = Literal["sunglasses", "face_mask"]
Point = NDArray[np.float64]

USUAL_POINTS = {
    0: (0, 0.31),
    2: (0.04, 0.55),
    8: (0.5, 1),
    14: (0.96, 0.55),
    16: (1, 0.31),
    19: (0.22, 0.14),
    27: (0.5, 0.28),
    28: (0.5, 0.37),
}
"""Landmarks across and down the box of a face, where a dataset has none."""
WIDER = 1.2
"""A worn thing is as much wider than the face."""


class Anchors(NamedTuple):
    """The landmarks that place a thing.

    Attributes:
        top: end of the line through its middle.
        bottom: its other end.
        left: landmark at the edge of the face.
        right: the same on the other side.
        height: landmarks whose distance is its height.
    """

    top: int
    bottom: int
    left: int
    right: int
    height: tuple[int, int]


ANCHORS: dict[Worn, Anchors] = {
    "sunglasses": Anchors(top=27, bottom=28, left=0, right=16, height=(19, 28)),
    "face_mask": Anchors(top=28, bottom=8, left=2, right=14, height=(28, 8)),
}
LENS = (0.26, 0.24, 0.5)
"""Middle of a lens from the edge, and half its width and height, as shares of the glasses."""
MASK_RIM = (
    (0.5, 0),
    (0.9, 0.16),
    (1, 0.2),
    (0.93, 0.62),
    (0.7, 0.95),
    (0.5, 1),
    (0.3, 0.95),
    (0.07, 0.62),
    (0, 0.2),
    (0.1, 0.16),
)
"""Corners of a mask, across and down."""


def worn_pixels(
    thing: Worn, size: tuple[int, ...], face: Box, landmarks: Landmarks | None, share: float
) -> NDArray[np.bool_]:
    """The pixels of a frame behind a worn thing, (H, W).

    Args:
        thing: kind of the thing.
        size: size of the frame, (H, W, …).
        face: box of the face, from above the brows to the chin.
        landmarks: 68 points (x, y); None takes their usual places in the box.
        share: part of its full size.
    """
    left, top, right, bottom = _full_box(thing, face, landmarks)
    middle = np.array([left + right, top + bottom]) / 2
    corner = middle - share * (middle - [left, top])
    extent = share * np.array([right - left, bottom - top])

    def at(x: float, y: float) -> tuple[int, int]:
        """The pixel at a share of the thing's width and height."""
        across, down = corner + extent * (x, y)
        return round(float(across)), round(float(down))

    mask = np.zeros(size[:2], np.uint8)
    if thing == "face_mask":
        cv2.fillPoly(mask, [np.array([at(x, y) for x, y in MASK_RIM])], 1)
        return mask.astype(bool)
    centre, half_width, half_height = LENS
    half_size = max(1, round(half_width * float(extent[0]))), max(1, round(half_height * float(extent[1])))
    for x in (centre, 1 - centre):
        cv2.ellipse(mask, at(x, 0.5), half_size, 0, 0, 360, 1, -1)
    cv2.line(mask, at(0, 0.3), at(1, 0.3), 1, max(1, round(0.06 * float(extent[1]))))
    return mask.astype(bool)


def block_pixels(
    size: tuple[int, ...], face: Box, landmarks: Landmarks | None, share: float, place: tuple[float, float]
) -> NDArray[np.bool_]:
    """The pixels behind a rectangle in the face's proportions, (H, W).

    Args:
        size: size of the frame, (H, W, …).
        face: box of the face.
        landmarks: 68 points (x, y), whose chin and brows bound the face; None takes the box.
        share: part of the area of the face.
        place: where the rectangle lies across and down the face, from 0 to 1.
    """
    low, high = np.array(face[:2], np.float64), np.array(face[2:], np.float64)
    if landmarks is not None:
        bounding = landmarks[:27]  # chin and brows
        low, high = bounding.min(axis=0), bounding.max(axis=0)
    extent = (high - low) * np.sqrt(share)
    start = low + (high - low - extent) * place
    x0, y0, x1, y1 = np.rint([*start, *(start + extent)]).astype(int).clip(0).tolist()
    mask = np.zeros(size[:2], np.bool_)
    mask[y0:y1, x0:x1] = True
    return mask


def _full_box(thing: Worn, face: Box, landmarks: Landmarks | None) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a thing at full size."""
    anchors = ANCHORS[thing]
    top = _point(anchors.top, face, landmarks)
    bottom = _point(anchors.bottom, face, landmarks)
    one_end = _point(anchors.height[0], face, landmarks)
    other_end = _point(anchors.height[1], face, landmarks)
    height = float(np.hypot(*(one_end - other_end)))
    middle = (top + bottom) / 2
    left = _point(anchors.left, face, landmarks)
    right = _point(anchors.right, face, landmarks)
    to_left = WIDER * _distance_from_line(left, top, bottom)
    to_right = WIDER * _distance_from_line(right, top, bottom)
    return middle[0] - to_left, middle[1] - height / 2, middle[0] + to_right, middle[1] + height / 2


def _point(number: int, face: Box, landmarks: Landmarks | None) -> Point:
    """A landmark (x, y), or its usual place."""
    if landmarks is not None:
        return np.asarray(landmarks[number], np.float64)
    left, top, right, bottom = face
    across, down = USUAL_POINTS[number]
    return np.array([left + (right - left) * across, top + (bottom - top) * down])


def _distance_from_line(point: Point, start: Point, end: Point) -> float:
    """The distance of a point from the line through two others."""
    along = end - start
    to_point = point - start
    return float(abs(along[0] * to_point[1] - along[1] * to_point[0]) / max(float(np.hypot(*along)), 1e-9))
