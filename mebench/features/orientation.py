"""Histograms of the directions in which a face moves: whole, weighted (Bi-WOOF), and main directions (MDMO)."""

import functools
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from mebench.errors import ConfigError
from mebench.features.base import FeatureMap, Landmarks, MapStep, check_choices, check_integers
from mebench.features.texture import Grid, Histograms, Spans, grid, unit_sum


@dataclass(frozen=True)
class _Blocks(MapStep):
    """One histogram of directions for each block of a grid.

    Attributes:
        rows: number of blocks from top to bottom.
        cols: number of blocks from left to right.
    """

    rows: int = 5
    cols: int = 5
    bins: int = 8

    def __post_init__(self) -> None:
        check_integers(self, 1, "rows", "cols", "bins")


@dataclass(frozen=True)
class Hoof(_Blocks):
    """Histograms of oriented optical flow of the blocks of a grid (Chaudhry et al. 2009), (rows, cols, bins).

    The angle of a vector to the horizontal axis, from -90 (up) to 90 degrees (down), is the same for motion to the left
    and to the right: the bins are symmetric about the vertical axis. A vector counts its length; a histogram sums to 1. A
    block without motion (0/0) is all 0.

    Attributes:
        bins: number of equal bins from -90 to 90 degrees; an angle between two bins belongs to the upper one.
    """

    rows: int = 6
    cols: int = 6

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Histograms of the first two channels, u and v, of an (H, W, C) map.

        Raises:
            ConfigError: the map has fewer than two channels.
            DataError: there are more blocks than pixels along one side.
        """
        u, v = flow_of(self, x)
        angle = np.arctan2(v, np.abs(u))
        # Straight down is the end of the last bin, not the start of another turn.
        codes = np.minimum(_bin_numbers(angle, -np.pi / 2, np.pi / self.bins), self.bins - 1)
        blocks = grid(u.shape, (self.rows, self.cols))
        return unit_sum(blocks.histograms(codes, self.bins, np.hypot(u, v))).astype(np.float32)


@dataclass(frozen=True)
class OrientedFlow(_Blocks):
    """Histograms over the whole circle of the flow directions of the blocks of a grid, (rows, cols, bins).

    A vector counts its length. Unlike in `Hoof`, left and right differ.

    Attributes:
        bins: number of equal bins from -180 to 180 degrees: left, up, right, down, with v pointing downwards. An angle
            between two bins belongs to the upper one, 180 degrees to the first.
        normalised: divide each histogram by its sum; a block without motion (0/0) is all 0.
    """

    normalised: bool = True

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Histograms of the first two channels, u and v, of an (H, W, C) map.

        Raises:
            ConfigError: the map has fewer than two channels.
            DataError: there are more blocks than pixels along one side.
        """
        u, v = flow_of(self, x)
        histograms = oriented_histograms(u, v, self.bins, grid(u.shape, (self.rows, self.cols)))
        return (unit_sum(histograms) if self.normalised else histograms).astype(np.float32)


def flow_of(step: MapStep, x: FeatureMap) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The first two channels, u and v, of an (H, W, C) map; a ConfigError if there are fewer."""
    if x.shape[-1] < 2:
        raise ConfigError(f"{type(step).__name__} takes the channels u and v, not {x.shape[-1]}: put Flow before it")
    return x[..., 0].astype(np.float64), x[..., 1].astype(np.float64)


def oriented_histograms(u: NDArray[Any], v: NDArray[Any], bins: int, blocks: Grid) -> Histograms:
    """Sum of the lengths of the vectors (u, v) in each block and each bin of `direction_bins`."""
    return blocks.histograms(direction_bins(u, v, bins), bins, np.hypot(u, v))


def direction_bins(u: NDArray[Any], v: NDArray[Any], bins: int) -> NDArray[np.intp]:
    """The bin, 0 to `bins` - 1, of the angle of (u, v) on a circle cut at -180 degrees; (0, 0) counts as 0 degrees.

    >>> direction_bins(np.array([-1, -1, 0, 1, 1, 0, -1]), np.array([0, -1, -1, -1, 0, 1, 1]), 8)
    array([0, 1, 2, 3, 4, 6, 7])
    """
    return _bin_numbers(np.arctan2(v, u), -np.pi, 2 * np.pi / bins) % bins


def _bin_numbers(angle: NDArray[Any], low: float, width: float) -> NDArray[np.intp]:
    # Multiples of 45 degrees are frequent, since they come from whole numbers: an angle that falls on the edge of a bin is
    # in the bin above, however it was rounded.
    return ((angle - low) / width + 1e-9).astype(np.intp)


Strains = Literal["mean", "sum"]
Blocks = Literal["apart", "released_code"]


@dataclass(frozen=True)
class BiWoof(_Blocks):
    """Bi-weighted oriented optical flow (Liong, See, Wong and Phan 2018, "Less is more"), (rows, cols, bins).

    In each block, the directions of the flow are counted in bins from -180 to 180 degrees, each vector with its length
    (local weight), and divided by their sum. The histogram is then multiplied by the optical strain of the block (global
    weight). A block without motion (0/0) is all 0. The published program is `strain="sum"`, `blocks="released_code"` and
    `unit_length=True`.

    Attributes:
        bins: number of directions; an angle between two bins belongs to the upper one, 180 degrees to the first.
        strain: the strain of a block is its `mean` (paper) or its `sum` (published program).
        blocks: `apart`: block i of n along H pixels reaches from i H // n to (i + 1) H // n, exclusive. `released_code`:
            from i (H // n) - 1 to (i + 1) (H // n) + 1, so that neighbours share two pixels, and the last to the end.
        unit_length: divide all histograms together by the length (L2) of the whole vector, unless it is 0.
    """

    strain: Strains = "mean"
    blocks: Blocks = "apart"
    unit_length: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choices(self, strain=Strains, blocks=Blocks)

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Histograms of an (H, W, 3) map of u, v and strain.

        Raises:
            ConfigError: the map has not three channels.
            DataError: there are more blocks than pixels along one side.
        """
        if x.shape[-1] != 3:
            raise ConfigError(f"BiWoof takes the channels u, v, strain, not {x.shape[-1]}: put Strain before it")
        u, v = flow_of(self, x)
        blocks = self._grid(*u.shape)
        local = unit_sum(oriented_histograms(u, v, self.bins, blocks))
        nowhere = np.zeros(u.shape, np.intp)
        strain = blocks.histograms(nowhere, 1, x[..., 2])
        if self.strain == "mean":
            strain /= blocks.histograms(nowhere, 1)
        weighted = local * strain
        length = np.linalg.norm(weighted)
        return (weighted / length if self.unit_length and length > 0 else weighted).astype(np.float32)

    def _grid(self, height: int, width: int) -> Grid:
        apart = grid((height, width), (self.rows, self.cols))
        if self.blocks == "apart":
            return apart
        return Grid(apart.shape, (_overlapping(height, self.rows), _overlapping(width, self.cols)))


def _overlapping(length: int, n: int) -> Spans:
    size = length // n
    stops = [*(min((i + 1) * size + 1, length) for i in range(n - 1)), length]
    return tuple((max(i * size - 1, 0), stop) for i, stop in enumerate(stops))


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

    needs_landmarks: ClassVar[bool] = True
    libraries: ClassVar[tuple[str, ...]] = ("scikit-image",)

    bins: int = 8
    relative: bool = False

    def __post_init__(self) -> None:
        check_integers(self, 1, "bins")

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
        sums = np.stack([np.bincount(cell, weights, n * self.bins).reshape(n, -1) for weights in (None, u, v)])
        count, mean_u, mean_v = sums[:, np.arange(n), sums[0].argmax(axis=1)]
        magnitude, angle = np.hypot(mean_u, mean_v) / count, np.arctan2(mean_v, mean_u)
        if self.relative and magnitude.any():
            magnitude /= magnitude.max()
        return np.stack([magnitude, angle], axis=-1)[:, None].astype(np.float32)


def region_polygons(landmarks: Landmarks) -> list[Landmarks]:
    """The corners (x, y) of the 36 regions: those of `LEFT`, then their mirror images in the same order."""
    up = (landmarks[27] - landmarks[30]) / 2

    def corner(points: Landmarks, place: Corner) -> Any:
        if isinstance(place, int):
            return points[place]
        first, second = place
        return points[int(second)] + up if isinstance(first, str) else (points[first] + points[int(second)]) / 2

    sides = landmarks, landmarks[list(MIRROR)]
    return [np.array([corner(points, place) for place in places]) for points in sides for places in LEFT.values()]


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
