"""Directions of the flow from frame to frame, counted in bins that overlap."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from mebench.core import Range
from mebench.errors import DataError
from mebench.features import Algorithm, FeatureMap, Flow, FlowVolume, Image, angle_of, grid, unit_sum
from mebench.features.orientation import EDGE

OverTime = Literal["sum", "joined"]


@dataclass(frozen=True)
class Fhofo(FlowVolume):
    """Fuzzy histograms of optical flow orientations (Happy and Routray 2017), (rows, cols, bins), as the public program counts.

    The vectors of a block are counted in fine bins of a full turn, from -180 degrees (left) over up, right and down, with
    v pointing downwards. A direction of the histogram takes from each fine bin a part that falls with its distance as a
    Gaussian does. A histogram sums to 1; a block without motion (0/0) is all 0.

    Attributes:
        rows: number of blocks from top to bottom.
        cols: number of blocks from left to right.
        bins: directions of a histogram.
        fine: equal fine bins; an angle between two belongs to the lower one.
        sigma: standard deviation of the Gaussian, in fine bins.
        weighted: a vector counts its length (FHOOF), else 1.
        frames: of the histograms of all pairs of frames: their `sum`, or all, one after another (`joined`): (rows, cols, (n - 1)
            * bins).
    """

    least: ClassVar[Mapping[str, int]] = {"rows": 1, "cols": 1, "bins": 2, "fine": 2}
    ranges: ClassVar[Mapping[str, Range]] = {"sigma": ("a number above 0", lambda value: 0 < value < float("inf"))}

    rows: int = 3
    cols: int = 3
    bins: int = 18
    fine: int = 50
    sigma: float = 10.0
    weighted: bool = False
    frames: OverTime = "sum"
    flow: Algorithm = field(default="farneback", kw_only=True)

    def apply(self, crops: Image) -> FeatureMap:
        """Histograms of (n, H, W) gray crops.

        Raises:
            DataError: there are fewer than two frames, or more blocks than pixels along one side.
        """
        if len(crops) < 2:
            raise DataError(f"Fhofo needs at least 2 frames and the clip has {len(crops)}: put Interpolate before it")
        histograms = np.stack([self.histogram(flow) for flow in Flow(self.flow, k=1).maps(crops)])
        if self.frames == "sum":
            return np.asarray(histograms.sum(0), np.float32)
        return np.moveaxis(histograms, 0, 2).reshape(self.rows, self.cols, -1).astype(np.float32)

    def histogram(self, flow: FeatureMap) -> NDArray[np.float64]:
        """The (rows, cols, bins) histograms of one (H, W, 2) flow."""
        u, v = flow[..., 0].astype(np.float64), flow[..., 1].astype(np.float64)
        turns = (angle_of(v, u) + np.pi) / (2 * np.pi) * self.fine
        codes = np.maximum(np.ceil(turns - EDGE).astype(np.intp) - 1, 0)
        lengths = np.sqrt(u * u + v * v)
        counts = grid(u.shape, (self.rows, self.cols)).histograms(
            codes, self.fine, lengths if self.weighted else lengths > 0
        )
        return unit_sum(counts @ membership(self.fine, self.bins, self.sigma))


def membership(fine: int, bins: int, sigma: float) -> NDArray[np.float64]:
    """The part of each fine bin that each direction takes, (fine, bins): 1 at its centre.

    The program places the centres from the first fine bin to the last, which are neighbours on the circle. Of an even
    number of fine bins it takes each centre one further.
    """
    centres = np.floor(np.linspace(0, fine - 1, bins) + 0.5) + (1 - fine % 2)
    away = np.abs(np.arange(fine)[:, None] - centres) % fine
    return np.asarray(np.exp(-(np.minimum(away, fine - away) ** 2) / (2 * sigma**2)))
