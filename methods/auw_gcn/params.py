"""Parameters of `auw_gcn`."""

from dataclasses import dataclass

from mebench.features.maps import MotionParams


@dataclass(frozen=True)
class Params(MotionParams):
    """The settings of the public code."""

    shortest: float = 0.3
    longest: float | None = 2.0
