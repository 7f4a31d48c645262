"""Taking out what is not expression: motion of the head and blinks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mebench.features.base import FeatureMap, Landmarks, MapStep, check_integer

NOSE_BRIDGE = 28
EYES = (slice(36, 42), slice(42, 48))
_THEN = "choose a setting of the method without it, or give the dataset landmarks"


@dataclass(frozen=True)
class RemoveNoseMotion(MapStep):
    """Subtract the motion of the nose bridge, taken for that of the head, from u and v (SOFTNet, Liong et al. 2021).

    That motion is the mean of u and of v over a square around landmark 28, counted from 0: the second point down the
    nose bridge. The square is clamped to the map. Channels after u and v stay: strain does not see a translation.

    Attributes:
        patch: width and height of the square in pixels.
    """

    patch: int = 11

    def __post_init__(self) -> None:
        check_integer(self, "patch", 1)

    @property
    def needs_landmarks(self) -> bool:
        """Always."""
        return True

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Subtract the nose's mean flow from the first two channels of an (H, W, C) map, C at least 2."""
        points = self.landmarks_from(landmarks, _THEN)
        height, width = x.shape[:2]
        column, row = (round(float(c)) for c in points[NOSE_BRIDGE])
        column, row = min(max(column, 0), width - 1), min(max(row, 0), height - 1)
        before, after = self.patch // 2, self.patch - self.patch // 2
        square = x[max(row - before, 0) : row + after, max(column - before, 0) : column + after, :2]
        moved = x.copy()
        moved[..., :2] -= square.mean(axis=(0, 1))
        return moved


@dataclass(frozen=True)
class MaskEyes(MapStep):
    """Set all channels to 0 in the eyes and around them, so that a blink is no expression (SOFTNet, Liong et al. 2021).

    An eye is the polygon of landmarks 36 to 41 or 42 to 47, counted from 0.

    Attributes:
        margin: pixels within this distance of an eye are set to 0, too.
    """

    margin: int = 15

    def __post_init__(self) -> None:
        check_integer(self, "margin", 0)

    @property
    def needs_landmarks(self) -> bool:
        """Always."""
        return True

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Mask an (H, W, C) map."""
        import cv2

        points = self.landmarks_from(landmarks, _THEN)
        height, width = x.shape[:2]
        # A frame of `margin` pixels keeps the part of an eye outside the map whose surroundings reach into it.
        m = self.margin
        outside = np.ones((height + 2 * m, width + 2 * m), np.uint8)
        for eye in EYES:
            cv2.fillPoly(outside, [np.rint(points[eye] + m).astype(np.int32)], 0)
        if outside.all():
            return x
        away = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[m : m + height, m : m + width]
        masked = x.copy()
        masked[away <= m] = 0
        return masked
