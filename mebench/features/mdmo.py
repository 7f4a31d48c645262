"""How each part of the face moves on the whole: main directional mean optical flow."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mebench.features.base import FeatureMap, Landmarks, MapStep, check_integer
from mebench.features.orientation import direction_bins, flow_of
from mebench.features.versions import library_version

# The landmark on the other side of the face for each of the 68, counted from 0.
MIRROR = (
    *range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1),
    45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
    *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1),
)  # fmt: skip

# A corner is a landmark, the middle of two landmarks, or ("above", landmark): lifted by half the bridge of the nose.
Corner = int | tuple[int, int] | tuple[str, int]
CHEEK, LOWER_CHEEK, NOSTRIL = (2, 31), (4, 48), (39, 31)
LEFT: dict[str, tuple[Corner, ...]] = {
    "brow, outer end": (17, 18, ("above", 18), ("above", 17)),
    "brow, outer half": (18, 19, ("above", 19), ("above", 18)),
    "brow, inner half": (19, 20, ("above", 20), ("above", 19)),
    "brow, inner end": (20, 21, ("above", 21), ("above", 20)),
    "between the brows": (21, (21, 22), 27, 39),
    "upper lid, outer half": (17, 18, 19, 37, 36),
    "upper lid, inner half": (19, 20, 21, 39, 38, 37),
    "bridge of the nose": (27, 39, NOSTRIL, 29),
    "wing of the nose": (29, NOSTRIL, 31, 33, 30),
    "below the eye, outer half": (0, 36, 41, CHEEK, 2),
    "below the eye, inner half": (41, 40, 39, NOSTRIL, 31, CHEEK),
    "cheek, outer half": (2, CHEEK, LOWER_CHEEK, 4),
    "cheek, inner half": (CHEEK, 31, 48, LOWER_CHEEK),
    "above the lips": (31, 33, 51, 50, 49, 48),
    "upper lip": (48, 49, 50, 51, 62, 61, 60),
    "lower lip": (48, 60, 67, 66, 57, 58, 59),
    "below the corner of the mouth": (LOWER_CHEEK, 48, 59, 6, 4),
    "chin": (59, 58, 57, 8, 7, 6),
}


@dataclass(frozen=True)
class Mdmo(MapStep):
    """Main directional mean optical flow of 36 regions of the face (Liu et al. 2016), (36, 1, 2).

    In each region the directions of the flow are counted in bins; the mean of the vectors in the fullest bin (the first of
    equals) is given as its magnitude in pixels and its angle in radians, above -pi up to pi, v pointing downwards.

    Liu et al. draw their regions from 66 landmarks of another face model, along facial action units. Those here are the 18
    polygons of `LEFT` (left in the image), built from the 68 landmarks in the same spirit, then their mirror images: brows
    in four parts, the root of the nose, lids, nose in two, below the eyes in two, cheeks in two, above the lips, both lips,
    below the corner of the mouth, chin. A pixel belongs to a region if its centre lies inside, or on its border; a region
    that holds no pixel of the map takes the pixel nearest to its centre.

    Attributes:
        bins: number of directions from -180 to 180 degrees; an angle between two bins belongs to the upper one.
        relative: divide the magnitudes by the largest of the 36, unless it is 0: clips of weak and strong expressions then
            compare.
    """

    bins: int = 8
    relative: bool = False

    def __post_init__(self) -> None:
        check_integer(self, "bins", 1)

    @property
    def needs_landmarks(self) -> bool:
        """Always."""
        return True

    def identity(self) -> dict[str, object]:
        """What the numbers depend on, the version of scikit-image among it."""
        return {**super().identity(), "scikit-image": library_version("scikit-image")}

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Magnitude and angle of each region of an (H, W, C) map whose first two channels are u and v.

        Raises:
            ConfigError: the map has fewer than two channels.
            DataError: there are no landmarks, or some of them are not numbers.
        """
        points = self.landmarks_from(landmarks, "choose a feature without regions, or give the dataset landmarks")
        u, v = (channel.ravel() for channel in flow_of(self, x))
        pixels, region = _regions(np.asarray(points, np.float64).tobytes(), *x.shape[:2])
        n = 2 * len(LEFT)
        u, v = u[pixels], v[pixels]
        cell = region * self.bins + direction_bins(u, v, self.bins)
        sums = np.stack([np.bincount(cell, weights, n * self.bins) for weights in (None, u, v)])
        sums = sums.reshape(3, n, self.bins)
        count, mean_u, mean_v = sums[:, np.arange(n), sums[0].argmax(axis=1)]
        magnitude, angle = np.hypot(mean_u, mean_v) / count, np.arctan2(mean_v, mean_u)
        if self.relative and magnitude.any():
            magnitude /= magnitude.max()
        return np.stack([magnitude, angle], axis=-1)[:, None].astype(np.float32)


def region_polygons(landmarks: Landmarks) -> list[Landmarks]:
    """The corners (x, y) of the 36 regions: those of `LEFT`, then their mirror images in the same order."""
    up = (landmarks[27] - landmarks[30]) / 2

    def corner(place: Corner, mirrored: bool) -> NDArray[np.float64]:
        def at(index: int) -> NDArray[np.float64]:
            return np.asarray(landmarks[MIRROR[index] if mirrored else index])

        if isinstance(place, int):
            return at(place)
        first, second = place
        return at(int(second)) + up if isinstance(first, str) else (at(first) + at(int(second))) / 2

    return [
        np.array([corner(place, mirrored) for place in places])
        for mirrored in (False, True)
        for places in LEFT.values()
    ]


@functools.lru_cache(maxsize=8)  # the landmarks are those of a video, the maps come one by one
def _regions(points: bytes, height: int, width: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Each pixel of each region: its place in the flattened (H, W) map, and the number of the region."""
    from skimage.draw import polygon

    pixels, numbers = [], []
    for number, corners in enumerate(region_polygons(np.frombuffer(points).reshape(68, 2))):
        x, y = corners.T
        rows, columns = polygon(y, x, (height, width))
        if not rows.size:
            rows = np.rint([y.mean()]).clip(0, height - 1).astype(np.intp)
            columns = np.rint([x.mean()]).clip(0, width - 1).astype(np.intp)
        pixels.append(rows * width + columns)
        numbers.append(np.full(rows.size, number))
    return np.concatenate(pixels), np.concatenate(numbers)
