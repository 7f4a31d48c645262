"""Parameters of `optical_strain`."""

from dataclasses import dataclass
from typing import Literal

from mebench.core.options import check_ranges
from mebench.features import Algorithm, Difference, FaceParams, Regions
from mebench.spotting import SpottingParams


@dataclass(frozen=True)
class Params(SpottingParams, FaceParams):
    """How strain becomes a score for each frame, and scores become intervals.

    Attributes:
        variant: `shreve`: intervals in which the strain of the face stays high; their length distinguishes micro from
            macro (Shreve et al. 2011). `liong2016`: one apex per video, by divide and conquer over the strain of brows,
            eyes and mouth (Liong et al. 2016). `peaks`: peaks of that strain, with MEAN's threshold and intervals.
        flow: algorithm of the optical flow.
        stride: flow at every n-th start frame, linearly interpolated between; 1 computes all.
        difference: how the derivatives of the flow are taken.
        regions: layout of eyes and mouth for `liong2016` and `peaks`, see MEAN: `paper`, `released_code` or `box`. With `box`
            no variant needs landmarks, and the eyes are not masked.
        eye_margin: pixels around the eyes whose motion is ignored (blinks).
        p: place of the threshold between a video's mean and maximum score, for `shreve` and `peaks`. Of the other
            options of spotting `scales` is for all variants, the rest for `peaks`.
        micro_seconds: `shreve`: largest length of a micro-expression in seconds; longer intervals are
            macro-expressions. Shreve et al. take a fifth of a second; micro-expressions of today's datasets last up to
            half a second.
    """

    variant: Literal["shreve", "liong2016", "peaks"] = "shreve"
    flow: Algorithm = "tvl1"
    stride: int = 1
    difference: Difference = "central"
    regions: Regions = "paper"
    eye_margin: int = 5
    micro_seconds: float = 0.5

    def __post_init__(self) -> None:
        """Check the ranges."""
        SpottingParams.__post_init__(self)
        FaceParams.__post_init__(self)
        self.without_windows()
        if self.variant != "peaks":
            self.only(("p", "scales"), f"method.variant={self.variant}")
        check_ranges(self, at_least_one=("stride",), positive=("micro_seconds",), not_negative=("eye_margin",))
