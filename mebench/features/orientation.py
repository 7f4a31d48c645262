"""Histograms of the directions of facial motion: plain, and weighted (Bi-WOOF)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from mebench.errors import ConfigError, DataError
from mebench.features.base import FeatureMap, Landmarks, MapStep, angle_of
from mebench.features.texture import Grid, Spans, grid, unit_sum
from mebench.lazy_imports import load_lazily

skimage = load_lazily("skimage")  # which is untyped


@dataclass(frozen=True)
class _Blocks(MapStep):
    """One histogram of directions for each block of a grid.

    Attributes:
        rows: number of blocks from top to bottom.
        cols: number of blocks from left to right.
    """

    least: ClassVar[Mapping[str, int]] = {"rows": 1, "cols": 1, "bins": 1}

    rows: int = 5
    cols: int = 5
    bins: int = 8


@dataclass(frozen=True)
class Hoof(_Blocks):
    """Histograms of oriented optical flow of the blocks of a grid (Chaudhry et al. 2009), (rows, cols, bins).

    The angle of a vector to the horizontal axis, from -90 (up) to 90 degrees (down), is the same for motion to the left
    and to the right: the bins are symmetric about the vertical axis. A vector counts its length; a histogram sums to 1. A
    block without motion (0/0) is all 0.

    Attributes:
        bins: number of equal bins from -90 to 90 degrees; an angle between two bins belongs to the upper one.
    """

    version: ClassVar[int] = 2  # from 1: angles and lengths by arithmetic alone

    rows: int = 6
    cols: int = 6

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Histograms of the first two channels, u and v, of an (H, W, C) map.

        Raises:
            ConfigError: the map has fewer than two channels.
            DataError: there are more blocks than pixels along one side.
        """
        u, v = flow_of(self, x)
        angle = angle_of(v, np.abs(u))
        # Straight down is the end of the last bin, not the start of another turn.
        codes = np.minimum(_bin_numbers(angle, -np.pi / 2, np.pi / self.bins), self.bins - 1)
        blocks = grid(u.shape, (self.rows, self.cols))
        return unit_sum(blocks.histograms(codes, self.bins, np.sqrt(u * u + v * v))).astype(np.float32)


@dataclass(frozen=True)
class OrientedFlow(_Blocks):
    """Histograms of flow directions over the circle for a grid's blocks, (rows, cols, bins).

    A vector counts its length. Unlike in `Hoof`, left and right differ.

    Attributes:
        bins: number of equal bins from -180 to 180 degrees: left, up, right, down, with v pointing downwards. An angle
            between two bins belongs to the upper one, 180 degrees to the first.
        normalised: divide each histogram by its sum; a block without motion (0/0) is all 0.
    """

    version: ClassVar[int] = 2  # from 1: angles and lengths by arithmetic alone

    normalised: bool = True

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Histograms of the first two channels, u and v, of an (H, W, C) map.

        Raises:
            ConfigError: the map has fewer than two channels.
            DataError: there are more blocks than pixels along one side.
        """
        u, v = flow_of(self, x)
        blocks = grid(u.shape, (self.rows, self.cols))
        codes = direction_bins(u, v, self.bins)
        histograms = blocks.histograms(codes, self.bins, np.sqrt(u * u + v * v))
        return (unit_sum(histograms) if self.normalised else histograms).astype(np.float32)


EDGE = 1e-9
"""Largest distance from the edge of a bin at which an angle still counts as on the edge."""


def flow_of(step: MapStep, x: FeatureMap) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The first two channels, u and v, of an (H, W, C) map; a ConfigError if there are fewer."""
    if x.shape[-1] < 2:
        raise ConfigError(f"{type(step).__name__} takes the channels u and v, not {x.shape[-1]}: put Flow before it")
    return x[..., 0].astype(np.float64), x[..., 1].astype(np.float64)


def direction_bins(u: NDArray[Any], v: NDArray[Any], bins: int) -> NDArray[np.intp]:
    """The bin, from 0, of the angle of (u, v), cut at -180 degrees; (0, 0) counts as 0 degrees.

    >>> direction_bins(np.array([-1, -1, 0, 1, 1, 0, -1]), np.array([0, -1, -1, -1, 0, 1, 1]), 8)
    array([0, 1, 2, 3, 4, 6, 7])
    """
    return _bin_numbers(angle_of(v, u), -np.pi, 2 * np.pi / bins) % bins


def _bin_numbers(angle: NDArray[Any], low: float, width: float) -> NDArray[np.intp]:
    # Multiples of 45 degrees are frequent, since they come from whole numbers: an angle that falls on the edge of a bin is
    # in the bin above, however it was rounded.
    return ((angle - low) / width + EDGE).astype(np.intp)


Strains = Literal["mean", "sum"]
Blocks = Literal["apart", "released_code"]
LastBin = Literal["whole", "released_code"]


@dataclass(frozen=True)
class BiWoof(_Blocks):
    """Bi-weighted oriented optical flow, (rows, cols, bins). It is that of Liong, See, Wong and Phan 2018, "Less is
    more".

    In each block, the directions of the flow are counted in bins from -180 to 180 degrees, each vector with its length
    (local weight), and divided by their sum. The histogram is then multiplied by the optical strain of the block (global
    weight). A block without motion (0/0) is all 0. The published program is `strain="sum"`, `blocks="released_code"`,
    `last_bin="released_code"` and `unit_length=True`.

    Attributes:
        bins: number of directions; an angle between two bins belongs to the upper one, 180 degrees to the first.
        strain: the strain of a block is its `mean` (paper) or its `sum` (published program).
        blocks: `apart`: block i of n along H pixels reaches from i H // n to (i + 1) H // n, exclusive. `released_code`:
            from i (H // n) - 1 to (i + 1) (H // n) + 1, so that neighbours share two pixels, and the last to the end.
        unit_length: divide all histograms together by the length (L2) of the whole vector, unless it is 0.
        last_bin: `whole`: as wide as the others. `released_code`: the program passes only the lower edges of the bins
            to its helper, so that the last bin holds exactly its lower edge (135 degrees for 8 bins) and nothing up to
            180 degrees.
    """

    version: ClassVar[int] = 2  # from 1: angles and lengths by arithmetic alone

    strain: Strains = "mean"
    blocks: Blocks = "apart"
    last_bin: LastBin = "whole"
    unit_length: bool = False

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """Histograms of an (H, W, 3) map of u, v and strain.

        Raises:
            ConfigError: the map has not three channels.
            DataError: there are more blocks than pixels along one side.
        """
        if x.shape[-1] != 3:
            raise ConfigError(f"BiWoof takes the channels u, v, strain, not {x.shape[-1]}: put Strain before it")
        u, v = flow_of(self, x)
        blocks = grid(u.shape, (self.rows, self.cols))
        lengths = np.hypot(u, v)
        if self.blocks == "released_code":
            blocks = Grid(blocks.shape, (_overlapping(u.shape[0], self.rows), _overlapping(u.shape[1], self.cols)))
        if self.last_bin == "released_code":  # which leaves some vectors out
            lengths[np.arctan2(v, u) > np.pi - 2 * np.pi / self.bins + EDGE] = 0
        local = unit_sum(blocks.histograms(direction_bins(u, v, self.bins), self.bins, lengths))
        nowhere = np.zeros(u.shape, np.intp)
        strain = blocks.histograms(nowhere, 1, x[..., 2])
        if self.strain == "mean":
            strain /= blocks.histograms(nowhere, 1)
        weighted = local * strain
        length = np.sqrt(np.sum(weighted * weighted))
        return (weighted / length if self.unit_length and length > 0 else weighted).astype(np.float32)


def _overlapping(length: int, n: int) -> Spans:
    """Spans of `n` parts of a length, each a pixel wider on either side."""
    size = length // n
    stops = [*(min((i + 1) * size + 1, length) for i in range(n - 1)), length]
    return tuple((max(i * size - 1, 0), stop) for i, stop in enumerate(stops))


Directions = Literal["quadrants", "released_code"]


@dataclass(frozen=True)
class MainDirectionDifference(MapStep):
    """How much longer the first gap's flow is than the second's, (1, 1, 1). It is averaged over the main
    direction of a block (MDMD).

    In each block the pixels of the fullest of four directions count, by the flow over the first gap; of the differences
    of length the largest third is averaged, over pixels and then over blocks. The map is divided into whole blocks from
    the top left; the remainder is ignored.

    Attributes:
        rows: blocks from top to bottom.
        cols: blocks from left to right.
        directions: `quadrants` of the flow (u, v); `released_code`: of the angle whose tangent is u / v, which lies in two of
            four quadrants only, so that there are two directions.
    """

    least: ClassVar[Mapping[str, int]] = {"rows": 1, "cols": 1}

    rows: int = 6
    cols: int = 6
    directions: Directions = "quadrants"

    def apply(self, x: FeatureMap, landmarks: Landmarks | None) -> FeatureMap:
        """The difference of an (H, W, 4) map of u and v over both gaps.

        Raises:
            ConfigError: the map has not four channels.
            DataError: there are more blocks than pixels along one side.
        """
        if x.shape[-1] != 4:
            raise ConfigError(
                f"MainDirectionDifference takes the flow over two gaps, not {x.shape[-1]} channels: give Flow a second one"
            )
        height, width = x.shape[0] // self.rows, x.shape[1] // self.cols
        if not height * width:
            raise DataError(
                f"a map of {x.shape[0]} rows and {x.shape[1]} columns has no {self.rows}x{self.cols} blocks"
            )
        cut = x[: height * self.rows, : width * self.cols].astype(np.float64)
        blocks = skimage.util.view_as_blocks(cut, (height, width, 4)).reshape(-1, height * width, 4)
        u = blocks[..., 0]
        v = blocks[..., 1]
        if self.directions == "quadrants":
            sector = np.floor(angle_of(v, u) / (np.pi / 2)).astype(int) % 4
        else:  # the arctangent of u / v: 90 degrees where v is 0, and undefined where both are, which is no direction
            upright = np.where(u > 0, 1, np.where(u < 0, 3, 2))
            sector = np.where(v == 0, upright, np.where(u * v < 0, 3, 0))
        longer = np.sqrt(u**2 + v**2) - np.sqrt(blocks[..., 2] ** 2 + blocks[..., 3] ** 2)
        counts = (sector[..., None] == np.arange(4)).sum(axis=1)
        if self.directions == "released_code":
            counts[:, 2] = 0
        means: list[float] = []
        for own, sectors, main, there in zip(longer, sector, counts.argmax(axis=1), counts.any(axis=1)):
            mean = _mean_of_largest(own[sectors == main]) if there else 0.0
            means.append(mean)
        return np.full((1, 1, 1), _mean_of_largest(np.array(means)), np.float32)


def _mean_of_largest(values: NDArray[np.float64]) -> float:
    """Mean of the largest third, one at least."""
    most = max(round(len(values) / 3), 1)
    return float(np.partition(values, len(values) - most)[len(values) - most :].mean())
