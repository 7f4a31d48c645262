"""Parameters of `optical_strain`."""

from dataclasses import dataclass
from typing import Literal

from mebench.errors import ConfigError


@dataclass(frozen=True)
class Params:
    """How strain becomes a score for each frame.

    Attributes:
        flow: algorithm of the optical flow.
        stride: flow at every n-th start frame, linearly interpolated between; 1 computes all.
        difference: how the derivatives of the flow are taken.
        regions: layout of eyes and mouth, see MEAN: `paper`, `released_code` or `box` (needs no landmarks).
        eye_margin: pixels around the eyes whose motion is ignored (blinks); needs landmarks, so `box` ignores none.
        p: place of the threshold between a video's mean and maximum score.
        rule: smoothing and interval around a peak, of MEAN's paper or of its released code.
    """

    flow: Literal["tvl1", "tvl1_eps05", "farneback", "dis"] = "tvl1"
    stride: int = 1
    difference: Literal["backward", "forward", "central"] = "central"
    regions: Literal["paper", "released_code", "box"] = "paper"
    eye_margin: int = 5
    p: float = 0.55
    rule: Literal["paper", "released_code"] = "paper"

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.stride < 1:
            raise ConfigError(f"method.stride must be at least 1, not {self.stride}")
        if self.eye_margin < 0:
            raise ConfigError(f"method.eye_margin must not be negative, not {self.eye_margin}")
        if not 0 <= self.p <= 1:
            raise ConfigError(f"method.p must be in [0, 1], not {self.p}")
