"""Grids of blocks over images, maps and volumes, and their histograms."""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from mebench.core import Range
from mebench.errors import DataError
from mebench.features.base import FeatureMap, Image, ImageStep
from mebench.lazy_imports import load_lazily

skimage = load_lazily("skimage")  # which is untyped

Spans = tuple[tuple[int, int], ...]
Histograms = NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """Blocks over an array of any number of axes: all combinations of a span of each axis.

    Attributes:
        shape: shape of the array.
        spans: for each axis the spans [start, stop) of its blocks, which may overlap.
    """

    shape: tuple[int, ...]
    spans: tuple[Spans, ...]

    def histograms(self, codes: NDArray[Any], n_bins: int, weights: NDArray[Any] | None = None) -> Histograms:
        """Count the codes of each block.

        Args:
            codes: whole numbers from 0 to `n_bins` - 1. An array that is smaller than the grid by an even number along
                an axis is centred in it, for operators without values at the border.
            n_bins: number of codes.
            weights: weight of each code, like `codes`; 1 by default.

        Returns:
            (number of blocks along each axis, n_bins).
        """
        # Pixels are counted once in the smallest parts that no block's border divides; blocks then are sums of parts.
        members, numbers = self._parts
        inner = (slice((n - m) // 2, (n + m) // 2) for n, m in zip(self.shape, codes.shape))
        cells = np.ix_(*(of_axis[part] * n_bins for of_axis, part in zip(numbers, inner)))
        number = functools.reduce(np.add, cells)
        number += codes
        size = tuple(member.shape[1] for member in members)
        flat = None if weights is None else weights.ravel()
        counts = np.bincount(number.ravel(), flat, math.prod(size) * n_bins)
        blocks: Histograms = counts.reshape(*size, n_bins).astype(np.float64)
        for axis, member in enumerate(members):
            blocks = np.moveaxis(np.tensordot(member, blocks, (1, axis)), 0, axis)
        return np.ascontiguousarray(blocks)

    @functools.cached_property
    def _parts(self) -> tuple[list[Histograms], list[NDArray[np.intp]]]:
        """The parts of each axis that no span divides: each pixel is counted once, even if it lies in several blocks.

        Returns:
            For each axis (n_spans, n_parts): 1 where the span holds the part; and the number of the part in which each element
            lies, times the number of cells that it steps over. A cell is a combination of parts; the sum over the axes is its
            number. Stored per axis, because an index array of the whole clip would be large.
        """
        begins: list[NDArray[np.int64]] = []
        for n, spans in zip(self.shape, self.spans):
            ends = np.unique([0, *chain.from_iterable(spans)])
            begins.append(ends[ends < n])
        members = [
            np.array([(start <= parts) & (parts < stop) for start, stop in spans], np.float64)
            for parts, spans in zip(begins, self.spans)
        ]
        steps = np.cumprod([1, *(len(parts) for parts in begins[:0:-1])])[::-1]
        return members, [
            (np.searchsorted(parts, np.arange(n), "right") - 1) * step
            for parts, n, step in zip(begins, self.shape, steps)
        ]


@functools.lru_cache(maxsize=64)
def grid(shape: tuple[int, ...], blocks: tuple[int, ...], overlap: float = 0.0) -> Grid:
    """A grid of equal blocks.

    Without overlap, block i of n along H pixels reaches from i H // n to (i + 1) H // n, exclusive.

    Args:
        shape: shape of the array.
        blocks: their number along each axis.
        overlap: the part of a block that it shares with the next, from 0 to below 1. The blocks grow by it.

    Raises:
        DataError: there are more blocks than pixels along an axis.
    """
    if any(n > length for n, length in zip(blocks, shape)):
        raise DataError(
            f"an array of {_by(shape)} (rows and columns last) has no {_by(blocks)} blocks: take fewer blocks"
        )
    spans = []
    for length, n in zip(shape, blocks):
        size = length / (n - (n - 1) * overlap)
        starts = [i * size * (1 - overlap) for i in range(n)]
        # An end that falls on a pixel stays there, however it was rounded.
        spans.append(tuple((int(start + 1e-9), min(int(start + size + 1e-9), length)) for start in starts))
    return Grid(shape, tuple(spans))


def _by(numbers: tuple[int, ...]) -> str:
    return "x".join(map(str, numbers))


OVERLAP: Range = "a number from 0 to below 1", lambda overlap: 0 <= overlap < 1
"""The range of the part of a block that it shares with the next (`Step.ranges`)."""
NEIGHBOURS: Range = "at most 16, as there are 2 ** p patterns", lambda p: p <= 16
"""The range of `p`."""


def unit_sum(histograms: NDArray[Any]) -> Histograms:
    """Divide each histogram, along the last axis, by its sum; one that sums to 0 stays 0."""
    total = histograms.sum(axis=-1, keepdims=True)
    return np.asarray(np.divide(histograms, total, out=np.zeros(histograms.shape), where=total > 0))


Patterns = Literal["uniform", "full"]


@dataclass(frozen=True)
class Lbp(ImageStep):
    """Histograms of local binary patterns of the blocks of a grid (Ojala et al. 2002), (rows, cols, n_patterns).

    The patterns are those of scikit-image on the whole crop, with gray 0 outside. A histogram sums to 1.

    Attributes:
        rows: number of blocks from top to bottom.
        cols: number of blocks from left to right.
        p: number of neighbours, up to 16.
        r: radius of the circle of neighbours in pixels.
        patterns: `uniform` counts each pattern with at most two changes around the circle by itself and all others
            together: p (p - 1) + 3 patterns, 59 for 8 neighbours. `full` counts all 2 ** p.
        overlap: the part of a block that it shares with the next, from 0 to below 1; the blocks grow by it.
    """

    output_unit: ClassVar[str] = "shares of a block"
    least: ClassVar[Mapping[str, int]] = {"rows": 1, "cols": 1, "p": 2}
    ranges: ClassVar[Mapping[str, Range]] = {
        "overlap": OVERLAP,
        "p": NEIGHBOURS,
        "r": ("a number of pixels above 0", lambda r: r > 0),
    }

    rows: int = 6
    cols: int = 6
    p: int = 8
    r: float = 1
    patterns: Patterns = "uniform"
    overlap: float = 0.0

    def apply(self, crop: Image) -> FeatureMap:
        """Histograms of an (H, W) gray crop.

        Raises:
            DataError: there are more blocks than pixels along one side.
        """
        blocks = grid(crop.shape, (self.rows, self.cols), self.overlap)
        codes = binary_patterns(crop, self.p, self.r, self.patterns)
        return unit_sum(blocks.histograms(codes, n_patterns(self.p, self.patterns))).astype(np.float32)


def binary_patterns(image: NDArray[Any], p: int, r: float, patterns: Patterns = "uniform") -> NDArray[np.intp]:
    """The local binary pattern of each pixel, (H, W), as scikit-image numbers them.

    Neighbour i lies at the angle 2 pi i / p, which turns from right to up, interpolated bilinearly, with 0 outside; it sets
    bit i if it is not darker. `uniform` numbers the patterns by their ones, those of equally many by where the ones begin.

    Args:
        image: (H, W) whole numbers.
        p: number of neighbours.
        r: radius of their circle in pixels.
        patterns: see `Lbp`.
    """
    method = "nri_uniform" if patterns == "uniform" else "default"
    return np.asarray(skimage.feature.local_binary_pattern(image, p, r, method), np.intp)


def n_patterns(p: int, patterns: Patterns) -> int:
    """The number of patterns of `p` neighbours that are counted separately; all that are not uniform count as one."""
    return p * (p - 1) + 3 if patterns == "uniform" else 2**p
