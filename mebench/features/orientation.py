"""Histograms of the directions in which a face moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench.errors import ConfigError
from mebench.features.base import FeatureMap, Landmarks, MapStep, check_integer
from mebench.features.blocks import Grid, Histograms, grid, unit_sum


@dataclass(frozen=True)
class Hoof(MapStep):
    """Histograms of oriented optical flow of the blocks of a grid (Chaudhry et al. 2009), (rows, cols, bins).

    The angle of a vector to the horizontal axis, from -90 (up) to 90 degrees (down), is the same for motion to the left
    and to the right: the bins are symmetric about the vertical axis. A vector counts its length; a histogram sums to 1. A
    block without motion (0/0) is all 0.

    Attributes:
        rows: number of blocks from top to bottom.
        cols: number of blocks from left to right.
        bins: number of equal bins from -90 to 90 degrees; an angle between two bins belongs to the upper one.
    """

    rows: int = 6
    cols: int = 6
    bins: int = 8

    def __post_init__(self) -> None:
        for field in ("rows", "cols", "bins"):
            check_integer(self, field, 1)

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
class OrientedFlow(MapStep):
    """Histograms over the whole circle of the flow directions of the blocks of a grid, (rows, cols, bins).

    A vector counts its length. Unlike in `Hoof`, left and right differ.

    Attributes:
        rows: number of blocks from top to bottom.
        cols: number of blocks from left to right.
        bins: number of equal bins from -180 to 180 degrees: left, up, right, down, with v pointing downwards. An angle
            between two bins belongs to the upper one, 180 degrees to the first.
        normalised: divide each histogram by its sum; a block without motion (0/0) is all 0.
    """

    rows: int = 5
    cols: int = 5
    bins: int = 8
    normalised: bool = True

    def __post_init__(self) -> None:
        for field in ("rows", "cols", "bins"):
            check_integer(self, field, 1)

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
