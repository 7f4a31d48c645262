"""Taking out what is not expression: motion of the head and blinks."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mebench.features.base import FeatureMap, Landmarks, MapStep, check_choice, check_integer

Variant = Literal["paper", "released_code"]
Outline = Literal["distance", "released_code"]
NOSE_BRIDGE = 28
EYES = (slice(36, 42), slice(42, 48))
_THEN = "choose a setting of the method without it, or give the dataset landmarks"


@dataclass(frozen=True)
class RemoveNoseMotion(MapStep):
    """Subtract the motion of the nose bridge, taken for that of the head, from u and v (SOFTNet, Liong et al. 2021).

    That motion is the mean of u and of v over a square around landmark 28, counted from 0: the second point down the
    nose bridge. The square is clamped to the map.

    Attributes:
        patch: width and height of the square in pixels.
        variant: `paper`: channels after u and v stay, since strain does not see a translation. `released_code`, the
            published program of SOFTNet: all channels lose their mean over the square, strain too, and u and v are then
            taken without their signs.
    """

    patch: int = 11
    variant: Variant = "paper"

    def __post_init__(self) -> None:
        check_integer(self, "patch", 1)
        check_choice(self, "variant", get_args(Variant))

    @property
    def needs_landmarks(self) -> bool:
        """Always."""
        return True

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Subtract the nose's mean from the channels of an (H, W, C) map, C at least 2, the first two being u and v."""
        points = self.landmarks_from(landmarks, _THEN)
        height, width = x.shape[:2]
        column, row = (round(float(c)) for c in points[NOSE_BRIDGE])
        column, row = min(max(column, 0), width - 1), min(max(row, 0), height - 1)
        before, after = self.patch // 2, self.patch - self.patch // 2
        n = 2 if self.variant == "paper" else x.shape[-1]
        square = x[max(row - before, 0) : row + after, max(column - before, 0) : column + after, :n]
        moved = x.copy()
        for channel, mean in enumerate(square.mean(axis=(0, 1))):
            moved[..., channel] -= mean
        if self.variant == "released_code":
            np.abs(moved[..., :2], out=moved[..., :2])
        return moved


@dataclass(frozen=True)
class MaskEyes(MapStep):
    """Set all channels to 0 in the eyes and around them, so that a blink is no expression (SOFTNet, Liong et al. 2021).

    An eye is the polygon of landmarks 36 to 41 or 42 to 47, counted from 0.

    Attributes:
        margin: pixels around the eye that are set to 0, too.
        outline: `distance`: those within `margin` pixels of the eye. `released_code`, the published program of SOFTNet: those
            in the hexagon of the landmarks, the ends of the eye moved `margin` pixels to the sides, the points of the upper
            lid up, those of the lower lid down, all clamped to the map.
    """

    margin: int = 15
    outline: Outline = "distance"

    def __post_init__(self) -> None:
        check_integer(self, "margin", 0)
        check_choice(self, "outline", get_args(Outline))

    @property
    def needs_landmarks(self) -> bool:
        """Always."""
        return True

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Mask an (H, W, C) map."""
        points = self.landmarks_from(landmarks, _THEN)
        eyes = np.concatenate([points[eye] for eye in EYES]).astype(np.float64)
        masked = x.copy()
        masked[_mask(self.outline, self.margin, eyes.tobytes(), *x.shape[:2])] = 0
        return masked


@functools.lru_cache(maxsize=8)  # the landmarks are those of a video, the maps come one by one
def _mask(outline: Outline, margin: int, points: bytes, height: int, width: int) -> NDArray[np.bool_]:
    """Where an (H, W) map is masked; `points` are the bytes of (2, 6, 2) float64, (x, y) of each eye."""
    eyes = np.frombuffer(points).reshape(2, 6, 2)
    shape = _near if outline == "distance" else _hexagons
    return shape(eyes, margin, height, width)


def _near(eyes: Landmarks, margin: int, height: int, width: int) -> NDArray[np.bool_]:
    import cv2

    # A frame of `margin` pixels keeps the part of an eye outside the map whose surroundings reach into it.
    outside = np.ones((height + 2 * margin, width + 2 * margin), np.uint8)
    for eye in eyes:
        cv2.fillPoly(outside, [np.rint(eye + margin).astype(np.int32)], 0)
    if outside.all():
        return np.zeros((height, width), np.bool_)
    away = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(away[margin : margin + height, margin : margin + width] <= margin)


def _hexagons(eyes: Landmarks, margin: int, height: int, width: int) -> NDArray[np.bool_]:
    import cv2

    outwards = margin * np.array([(-1, 0), (0, -1), (0, -1), (1, 0), (0, 1), (0, 1)])
    inside = np.zeros((height, width), np.uint8)
    for eye in eyes:
        corners = (np.rint(eye) + outwards).clip(0, (width, height))
        cv2.fillPoly(inside, [corners.astype(np.int32)], 1)
    return inside.astype(np.bool_)
