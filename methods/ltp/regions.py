"""The pixels of twelve regions of the face."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mebench.errors import DataError
from mebench.features import FeatureMap, ImageStep, Landmarks, MapStep

POINTS = (17, 20, 21, 22, 23, 26, 27, 30, 48, 51, 54, 57)
"""Landmarks, counted from 0: ends of the brows and a point inside, bridge and tip of the nose, corners and lips of the mouth."""
BROWS, NOSE, MOUTH = slice(0, 6), slice(6, 8), slice(8, 12)


@dataclass(frozen=True)
class Picture(ImageStep):
    """The crop as a map of one channel, (H, W, 1)."""

    def apply(self, crop: NDArray[np.uint8]) -> FeatureMap:
        """Add the channel."""
        return np.asarray(crop, np.float32)[..., None]


@dataclass(frozen=True)
class RegionPixels(MapStep):
    """The gray values of twelve squares around landmarks, (12, pixels, 1).

    Attributes:
        size: width and height of a square; one that reaches beyond the picture is moved into it.
    """

    needs_landmarks: ClassVar[bool] = True
    least: ClassVar[Mapping[str, int]] = {"size": 1}

    size: int = 10

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Cut the squares of an (H, W, 1) map out.

        Raises:
            DataError: there are no landmarks, or the map is smaller than a square.
        """
        points = self.landmarks_from(landmarks, "choose a method whose regions need none")
        height, width = x.shape[:2]
        if min(height, width) < self.size:
            raise DataError(
                f"a crop of {height} rows and {width} columns holds no square of {self.size} pixels: take a smaller method.region"
            )
        corners = points[list(POINTS)].astype(int) - self.size // 2 + 1
        squares = (
            x[top : top + self.size, left : left + self.size, 0].ravel()
            for left, top in corners.clip(0, (width - self.size, height - self.size)).tolist()
        )
        return np.stack(list(squares))[..., None]
