"""Parameters of `linear_spotter`."""

from dataclasses import dataclass

from mebench.core.options import check_ranges
from mebench.errors import ConfigError
from mebench.features import Algorithm, FaceParams, Regions
from mebench.spotting import SpottingParams


@dataclass(frozen=True)
class Params(SpottingParams, FaceParams):
    """The pooling, and the penalty of weights.

    Attributes:
        flow: algorithm of the optical flow.
        stride: flow at every n-th start frame, linearly interpolated between; 1 computes all.
        regions: layout of eyes and mouth, see MEAN: `paper`, `released_code` or `box`, which needs no landmarks; then the motion of
            the nose is not removed and the eyes are not masked.
        eye_margin: pixels around the eyes whose motion is ignored (blinks).
        blocks: along each side of the 42x42 pixels of eyes and mouth.
        l2: weight of the squared weights in the mean squared error, for features of variance 1; above 0.
    """

    flow: Algorithm = "tvl1"
    stride: int = 1
    regions: Regions = "paper"
    eye_margin: int = 15
    blocks: int = 6
    l2: float = 0.01

    def __post_init__(self) -> None:
        """Check the ranges."""
        SpottingParams.__post_init__(self)
        FaceParams.__post_init__(self)
        check_ranges(self, at_least_one=("stride",), positive=("l2",), not_negative=("eye_margin",))
        if not 1 <= self.blocks <= 42:
            raise ConfigError(f"method.blocks must be from 1 to 42, not {self.blocks}")
