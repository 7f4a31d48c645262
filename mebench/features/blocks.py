"""Grids of blocks over images, maps and volumes, and histograms of all their blocks at once."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench.core.chain import Step
from mebench.errors import ConfigError, DataError

Spans = tuple[tuple[int, int], ...]
Histograms = NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """Blocks over an array of any number of axes: all combinations of a span of each axis.

    Attributes:
        shape: of the array.
        spans: for each axis the spans [start, stop) of its blocks, which may overlap.
    """

    shape: tuple[int, ...]
    spans: tuple[Spans, ...]

    def histograms(self, codes: NDArray[Any], n_bins: int, weights: NDArray[Any] | None = None) -> Histograms:
        """Count the codes of each block.

        Args:
            codes: whole numbers from 0 to `n_bins` - 1. An array smaller than the grid by an even number along an axis
                lies in its middle: operators without a value at the border have none there.
            n_bins: number of codes.
            weights: what each code counts, like `codes`; 1 if left out.

        Returns:
            (number of blocks along each axis, n_bins).
        """
        inner = (slice((n - m) // 2, (n + m) // 2) for n, m in zip(self.shape, codes.shape))
        cells = np.ix_(*(numbers[part] * n_bins for numbers, part in zip(self._numbers, inner)))
        number = functools.reduce(np.add, cells)
        number += codes
        size = tuple(len(part) for part in self._parts)
        flat = None if weights is None else weights.ravel()
        counts = np.bincount(number.ravel(), flat, math.prod(size) * n_bins)
        blocks: Histograms = counts.reshape(*size, n_bins).astype(np.float64)
        for axis, member in enumerate(self._members):
            blocks = np.moveaxis(np.tensordot(member, blocks, (1, axis)), 0, axis)
        return np.ascontiguousarray(blocks)

    @functools.cached_property
    def _parts(self) -> tuple[NDArray[np.intp], ...]:
        """Where the parts of each axis begin that no span divides: a pixel is counted once, in however many blocks it is."""
        ends = ([0, *(end for span in spans for end in span if end < n)] for n, spans in zip(self.shape, self.spans))
        return tuple(np.unique(parts) for parts in ends)

    @functools.cached_property
    def _members(self) -> tuple[Histograms, ...]:
        """For each axis (n_spans, n_parts): 1 where the span holds the part."""
        return tuple(
            np.array([(start <= parts) & (parts < stop) for start, stop in spans], np.float64)
            for parts, spans in zip(self._parts, self.spans)
        )

    @functools.cached_property
    def _numbers(self) -> tuple[NDArray[np.intp], ...]:
        """For each axis the number of the part in which each element lies, times the number of cells that it steps over.

        A cell is a combination of parts; the sum over the axes is its number. Kept apart, as whole clips are large.
        """
        steps = np.cumprod([1, *(len(parts) for parts in self._parts[:0:-1])])[::-1]
        return tuple(
            (np.searchsorted(parts, np.arange(n), "right") - 1) * step
            for parts, n, step in zip(self._parts, self.shape, steps)
        )


@functools.lru_cache(maxsize=64)
def grid(shape: tuple[int, ...], blocks: tuple[int, ...], overlap: float = 0.0) -> Grid:
    """A grid of equal blocks.

    Without overlap, block i of n along H pixels reaches from i H // n to (i + 1) H // n, exclusive.

    Args:
        shape: of the array.
        blocks: their number along each axis.
        overlap: the part of a block that it shares with the next, from 0 to below 1. The blocks grow by it.

    Raises:
        DataError: there are more blocks than pixels along an axis.
    """
    if any(n > length for n, length in zip(blocks, shape)):
        raise DataError(
            f"an array of {_by(shape)} (rows and columns last) has no {_by(blocks)} blocks: take fewer blocks"
        )
    return Grid(shape, tuple(_spans(length, n, overlap) for length, n in zip(shape, blocks)))


def _spans(length: int, n: int, overlap: float) -> Spans:
    size = length / (n - (n - 1) * overlap)
    starts = [i * size * (1 - overlap) for i in range(n)]
    # An end that falls on a pixel stays there, however it was rounded.
    return tuple((int(start + 1e-9), min(int(start + size + 1e-9), length)) for start in starts)


def _by(numbers: tuple[int, ...]) -> str:
    return "x".join(map(str, numbers))


def check_overlap(step: Step) -> None:
    """Refuse an `overlap` that is not a part of a block (ConfigError)."""
    overlap = getattr(step, "overlap", None)
    if not isinstance(overlap, int | float) or isinstance(overlap, bool) or not 0 <= overlap < 1:
        raise ConfigError(f"overlap of {type(step).__name__} must be a number from 0 to below 1, not {overlap!r}")


def unit_sum(histograms: NDArray[Any]) -> Histograms:
    """Divide each histogram, along the last axis, by its sum; one that sums to 0 stays 0."""
    total = histograms.sum(axis=-1, keepdims=True)
    shares: Histograms = np.divide(histograms, total, out=np.zeros(histograms.shape), where=total > 0)
    return shares
