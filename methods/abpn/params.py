"""Parameters of `abpn`."""

from dataclasses import dataclass

from mebench.features.maps import MotionParams


@dataclass(frozen=True)
class Params(MotionParams):
    """The settings of the public code."""
