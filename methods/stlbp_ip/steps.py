"""Patterns of what moved since the first frame, summed over the rows and over the columns of a block."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from mebench.errors import ConfigError, DataError
from mebench.features import FeatureMap, Image, binary_patterns, grid
from mebench.features.top import Top

Average = Literal["mean", "released_code"]


@dataclass(frozen=True)
class StlbpIp(Top):
    """Local binary patterns of integral projections (Huang et al. 2015), (rows, cols, slices * (2 * 2 ** (window - 1) +
    118)).

    The first frame is subtracted from all others. In each block, a difference is summed over its columns, and over its
    rows. Patterns of a point and its neighbours along a projection are counted frame by frame, and averaged. The
    stacked projections of all frames form two images, whose uniform patterns of 8 neighbours are counted.

    Attributes:
        window: points of a projection that make a pattern, odd.
        average: of the frames: their `mean`, or as in the `released_code`, which divides by the number of differences after each
            frame, so that the last counts most.
    """

    least: ClassVar[Mapping[str, int]] = {**Top.least, "window": 3}

    window: int = 9
    average: Average = "mean"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.window % 2 or self.window > 15:
            raise ConfigError(f"method.window must be odd and at most 15, not {self.window}")

    @property
    def margin(self) -> tuple[int, int, int]:
        """The first frame and a row of the images before and after; half a window."""
        return 2, self.window // 2, self.window // 2

    def apply(self, crops: Image) -> FeatureMap:
        """Histograms of (n, H, W) gray crops.

        Raises:
            DataError: the clip has fewer than 4 frames for each slice, or a block is narrower than the window.
        """
        moved = crops[1:].astype(np.int64) - crops[0]
        spans = grid(moved.shape, (self.slices, self.rows, self.cols), self.overlap).spans
        shortest = [min(stop - start for start, stop in axis) for axis in spans]
        if shortest[0] < 3 or min(shortest[1:]) < self.window:
            raise DataError(
                f"StlbpIp needs blocks of {self.window}x{self.window} pixels and 3 frames after the first, and the smallest has "
                f"{shortest[1]}x{shortest[2]} and {shortest[0]}: take fewer blocks, or put Interpolate before it"
            )
        found = np.array([self._block(moved[np.ix_(*(range(*span) for span in block))]) for block in product(*spans)])
        by_block = found.reshape(self.slices, self.rows, self.cols, -1)
        return np.moveaxis(by_block, 0, 2).reshape(self.rows, self.cols, -1).astype(np.float32)

    def _block(self, moved: NDArray[np.int64]) -> NDArray[np.float64]:
        across, down = moved.sum(2), moved.sum(1)
        images = [uniform(image) for image in (across, down)]  # the planes YT and XT
        return np.concatenate([self._lines(across), self._lines(down), *images])

    def _lines(self, projections: NDArray[np.int64]) -> NDArray[np.float64]:
        """The histogram of the patterns along (n, length) projections."""
        views, middle = np.lib.stride_tricks.sliding_window_view(projections, self.window, 1), self.window // 2
        bits = np.delete(views >= views[..., middle, None], middle, -1)
        codes = bits @ (1 << np.arange(self.window - 1)[::-1])  # the first neighbour is the highest bit
        shares = np.array([np.bincount(line, minlength=2 ** (self.window - 1)) / len(line) for line in codes])
        if self.average == "mean":
            return np.asarray(shares.mean(0))
        total = np.zeros(shares.shape[1])
        for one in shares:
            total = (total + one) / len(shares)
        return total


def uniform(image: NDArray[np.int64]) -> NDArray[np.float64]:
    """Shares of the 59 uniform patterns of 8 neighbours at the inner pixels, in scikit-image's order."""
    patterns = binary_patterns(image, 8, 1)[1:-1, 1:-1]
    return np.asarray(np.bincount(patterns.ravel(), minlength=59) / patterns.size)
