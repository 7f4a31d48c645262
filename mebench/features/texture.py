"""Texture of one face crop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from mebench.core.chain import Step
from mebench.errors import ConfigError, DataError
from mebench.features.base import FeatureMap, Image, ImageStep, check_choice, check_integer
from mebench.features.blocks import check_overlap, grid, unit_sum
from mebench.features.versions import library_version

Patterns = Literal["uniform", "full"]


@dataclass(frozen=True)
class Lbp(ImageStep):
    """Histograms of local binary patterns of the blocks of a grid (Ojala et al. 2002), (rows, cols, n_patterns).

    The patterns are those of scikit-image on the whole crop, outside of which it takes gray for 0. A histogram sums to 1.

    Attributes:
        rows: number of blocks from top to bottom.
        cols: number of blocks from left to right.
        p: number of neighbours, up to 16.
        r: radius of the circle of neighbours in pixels.
        patterns: `uniform` counts each pattern with at most two changes around the circle by itself and all others
            together: p (p - 1) + 3 patterns, 59 for 8 neighbours. `full` counts all 2 ** p.
        overlap: the part of a block that it shares with the next, from 0 to below 1; the blocks grow by it.
    """

    rows: int = 6
    cols: int = 6
    p: int = 8
    r: float = 1
    patterns: Patterns = "uniform"
    overlap: float = 0.0

    def __post_init__(self) -> None:
        check_integer(self, "rows", 1)
        check_integer(self, "cols", 1)
        check_overlap(self)
        check_neighbours(self)
        if isinstance(self.r, bool) or not isinstance(self.r, int | float) or not self.r > 0:
            raise ConfigError(f"r of Lbp must be a number of pixels above 0, not {self.r!r}")

    def identity(self) -> dict[str, object]:
        """What the numbers depend on, the version of scikit-image among it."""
        return {**super().identity(), "scikit-image": library_version("scikit-image")}

    def apply(self, crop: Image) -> FeatureMap:
        """Histograms of an (H, W) gray crop.

        Raises:
            DataError: there are more blocks than pixels along one side.
        """
        from skimage.feature import local_binary_pattern

        blocks = grid(crop.shape, (self.rows, self.cols), self.overlap)
        how = "nri_uniform" if self.patterns == "uniform" else "default"
        codes = local_binary_pattern(crop, self.p, self.r, how).astype(np.intp)
        return unit_sum(blocks.histograms(codes, n_patterns(self.p, self.patterns))).astype(np.float32)


@dataclass(frozen=True)
class Hog(ImageStep):
    """Histograms of oriented gradients (Dalal and Triggs 2005), by scikit-image: (rows, cols, block * block * bins).

    Along H pixels there are H // cell cells, and a block begins at each cell that has block - 1 cells after it. The
    histograms of a block are normalised together (L2, clipped at .2, L2 again); a block without gradients is all 0.

    Attributes:
        cell: width and height of a cell in pixels.
        block: width and height of a block in cells.
        bins: number of directions from 0 to 180 degrees.
    """

    cell: int = 16
    block: int = 2
    bins: int = 9

    def __post_init__(self) -> None:
        for field in ("cell", "block", "bins"):
            check_integer(self, field, 1)

    def identity(self) -> dict[str, object]:
        """What the numbers depend on, the version of scikit-image among it."""
        return {**super().identity(), "scikit-image": library_version("scikit-image")}

    def apply(self, crop: Image) -> FeatureMap:
        """Histograms of an (H, W) gray crop.

        Raises:
            DataError: the crop is smaller than one block.
        """
        from skimage.feature import hog

        if min(crop.shape) < self.cell * self.block:
            raise DataError(
                f"a crop of {crop.shape[0]} rows and {crop.shape[1]} columns has no block of {self.block}x{self.block} cells of "
                f"{self.cell} pixels: take smaller cells"
            )
        cells, block = (self.cell, self.cell), (self.block, self.block)
        blocks = hog(crop, self.bins, cells, block, block_norm="L2-Hys", feature_vector=False)
        return np.asarray(blocks.reshape(*blocks.shape[:2], -1), np.float32)


def n_patterns(p: int, patterns: Patterns) -> int:
    """How many patterns of `p` neighbours are counted by themselves, those that are not uniform being one."""
    return p * (p - 1) + 3 if patterns == "uniform" else 2**p


def check_neighbours(step: Step) -> None:
    """Refuse impossible `p` and `patterns` (ConfigError)."""
    check_integer(step, "p", 2)
    p = getattr(step, "p", 0)
    if p > 16:
        raise ConfigError(f"p of {type(step).__name__} must be at most 16, not {p}: there are 2 ** p patterns")
    check_choice(step, "patterns", get_args(Patterns))
