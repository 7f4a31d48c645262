"""Parameters of `lbp_chi2`."""

from dataclasses import dataclass
from typing import Literal

from mebench.core.options import check_ranges
from mebench.errors import ConfigError
from mebench.features import Algorithm, FaceParams
from mebench.spotting import Smoothing, SpottingParams


@dataclass(frozen=True)
class Params(SpottingParams, FaceParams):
    """The published settings.

    Attributes:
        feature: `lbp`, uniform local binary patterns, or `hoof`, histograms of oriented optical flow.
        rows: number of blocks from top to bottom.
        cols: number of blocks from left to right.
        neighbours: of a pixel, for `lbp`.
        radius: of the circle of neighbours in pixels, for `lbp`.
        bins: directions of a histogram, for `hoof`.
        flow: algorithm of the optical flow, for `hoof`.
        stride: flow at every n-th start frame, linearly interpolated between; 1 computes all; for `hoof`.
        window: length of the sliding window in seconds: N = 2k + 1 frames with k = window x frames per second / 2.
        largest: share of the blocks that count in a frame: those with the largest differences.
        contrast: subtract the mean of the differences k frames before and after; without it, the differences themselves are
            the scores.
        p: place of the threshold between a video's mean and maximum score, called tau in the paper.
        distance: least distance of two peaks, as a part of k.
        smoothing: the paper smooths nothing.
        width: of a fixed interval: `window`, the N frames around a peak; `k_prime`, as long as the training subjects'
            expressions: MEAN's rule.
    """

    feature: Literal["lbp", "hoof"] = "lbp"
    rows: int = 6
    cols: int = 6
    neighbours: int = 8
    radius: float = 3.0
    bins: int = 8
    flow: Algorithm = "tvl1"
    stride: int = 1
    window: float = 0.32
    largest: float = 1 / 3
    contrast: bool = True
    p: float = 0.15
    distance: float = 0.5
    smoothing: Smoothing = "none"
    width: Literal["window", "k_prime"] = "window"

    def __post_init__(self) -> None:
        """Check the ranges."""
        SpottingParams.__post_init__(self)
        FaceParams.__post_init__(self)
        self.without_windows()
        if self.rule != "paper":
            raise ConfigError(
                f"method.rule={self.rule} has no effect here, since method.width sets the length of intervals: "
                "leave it out"
            )
        check_ranges(
            self,
            at_least_one=("rows", "cols", "bins", "stride"),
            positive=("radius", "window"),
            not_negative=("distance",),
        )
        if not 2 <= self.neighbours <= 16:
            raise ConfigError(f"method.neighbours must be from 2 to 16, not {self.neighbours}")
        if not 0 < self.largest <= 1:
            raise ConfigError(f"method.largest must be above 0 and at most 1, not {self.largest}")
