"""Parameters of `ourlab_brightness`."""

from dataclasses import dataclass

from mebench.core.options import check_ranges
from mebench.spotting import SpottingParams


@dataclass(frozen=True)
class Params(SpottingParams):
    """What can be chosen, beside smoothing, threshold and intervals.

    Attributes:
        blocks: along each side of the face.
    """

    blocks: int = 6

    def __post_init__(self):
        """Check the range."""
        super().__post_init__()
        check_ranges(self, at_least_one=("blocks",))
